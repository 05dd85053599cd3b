//! A part of a set to choose a setting on: a tenth, class by class, at random by seed. Choosing on
//! the test set would flatter the number; choosing on the fitted samples would always take the
//! weakest regularisation.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Rows to fit on and rows to choose on, both ascending. A class gives a tenth of its samples,
/// rounded, but at least one where it can keep one.
pub fn tenth(labels: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let mut members = vec![Vec::new(); classes];
    for (row, &label) in labels.iter().enumerate() {
        members[label].push(row);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut fit, mut held) = (Vec::new(), Vec::new());
    for mut rows in members {
        rows.shuffle(&mut rng);
        let share = (rows.len() as f64 / 10.0).round() as usize;
        let share = share.max(1).min(rows.len().saturating_sub(1));
        held.extend(rows.drain(..share));
        fit.extend(rows);
    }
    fit.sort_unstable();
    held.sort_unstable();
    (fit, held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_every_class_is_held_and_the_seed_decides_which() {
        let labels: Vec<usize> = (0..200).map(|i| if i < 150 { i % 3 } else { 4 }).collect();
        let (fit, held) = tenth(&labels, 0);
        let of = |class: usize| held.iter().filter(|&&row| labels[row] == class).count();
        assert_eq!([of(0), of(1), of(2), of(3), of(4)], [5, 5, 5, 0, 5]);
        let mut all = [fit, held.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>());
        assert_eq!(tenth(&labels, 0).1, held);
        assert_ne!(tenth(&labels, 1).1, held);
    }

    #[test]
    fn small_classes_keep_a_sample_to_fit_on() {
        assert_eq!(tenth(&[0, 1, 1], 0).0.len(), 2);
        assert_eq!(tenth(&[7], 0), (vec![0], vec![]));
        assert_eq!(tenth(&[], 0), (vec![], vec![]));
    }
}
