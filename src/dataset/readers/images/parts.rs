//! Which pictures train, validate and test: what the folder says, and else a share of every class, the same for every seed.

use super::tree::{Entry, Part};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};

/// Share of every class that tests, where no part is given.
const TEST_SHARE: f64 = 0.2;

/// Rows that train, validate and test; `notes` say where parts come from that are not given.
pub fn parts(files: &[Entry], given: bool, notes: &mut Vec<String>) -> [Vec<usize>; 3] {
    let of = |part: Part| -> Vec<usize> {
        (0..files.len())
            .filter(|&row| files[row].part == Some(part))
            .collect()
    };
    let labels = |rows: &[usize]| -> Vec<usize> { rows.iter().map(|&r| files[r].label).collect() };
    let cut = |rows: Vec<usize>, share: f64| -> (Vec<usize>, Vec<usize>) {
        let (kept, held) = hold_out(&labels(&rows), share, SPLIT_SEED);
        let pick = |places: Vec<usize>| places.into_iter().map(|p| rows[p]).collect();
        (pick(kept), pick(held))
    };
    if !given {
        notes.push(
            "no folders train, valid and test: a fifth of every class tests, a tenth of the rest validates"
                .into(),
        );
        let (rest, test) = cut((0..files.len()).collect(), TEST_SHARE);
        let (train, valid) = cut(rest, VALID_SHARE);
        return [train, valid, test];
    }
    let [train, valid, test] = [Part::Train, Part::Valid, Part::Test].map(of);
    match (valid.is_empty(), test.is_empty()) {
        (false, false) => [train, valid, test],
        (true, false) => {
            notes.push("no folder valid: a tenth of every class of train validates".into());
            let (train, valid) = cut(train, VALID_SHARE);
            [train, valid, test]
        }
        (false, true) => {
            notes.push(
                "no folder test: the pictures of the validation folder test, a tenth of every class of train validates"
                    .into(),
            );
            let (train, held) = cut(train, VALID_SHARE);
            [train, held, valid]
        }
        (true, true) => {
            notes.push(
                "no folders valid and test: a fifth of every class of train tests, a tenth of the rest validates"
                    .into(),
            );
            let (rest, test) = cut(train, TEST_SHARE);
            let (train, valid) = cut(rest, VALID_SHARE);
            [train, valid, test]
        }
    }
}
