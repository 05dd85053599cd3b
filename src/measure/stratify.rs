//! Labelled rows cut in two class by class, by seed: a part to choose a setting on, a part to test on.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Takes a share of the rows of every class at random, rounded: at least one of a class that can keep
/// one, none of a class of one. Returns rows kept and rows taken, both ascending.
pub fn share(labels: &[usize], rows: &[usize], share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    for mut members in by_class(labels, rows) {
        members.shuffle(&mut rng);
        let count = (members.len() as f64 * share).round() as usize;
        let count = count.max(1).min(members.len().saturating_sub(1));
        taken.extend(members.drain(..count));
        kept.extend(members);
    }
    kept.sort_unstable();
    taken.sort_unstable();
    (kept, taken)
}

/// The rows of every class, in their order.
pub fn by_class(labels: &[usize], rows: &[usize]) -> Vec<Vec<usize>> {
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let mut members = vec![Vec::new(); classes];
    for &row in rows {
        members[labels[row]].push(row);
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenth(labels: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
        let rows: Vec<usize> = (0..labels.len()).collect();
        share(labels, &rows, 0.1, seed)
    }

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
