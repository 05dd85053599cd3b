//! Samples class by class: the one grouping by label, and what is drawn from every class alike.
//!
//! All shares are rounded the same way ([`taken`]): up, and never to a whole class.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::random::SELECTION;

/// The samples of every class up to the largest label, ascending.
pub fn by_class(labels: &[usize]) -> Vec<Vec<usize>> {
    grouped(labels, 0..labels.len())
}

/// Some samples by class, in their order.
pub fn by_class_of(labels: &[usize], rows: &[usize]) -> Vec<Vec<usize>> {
    grouped(labels, rows.iter().copied())
}

fn grouped(labels: &[usize], rows: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    let classes = labels.iter().max().map_or(0, |most| most + 1);
    let mut members = vec![Vec::new(); classes];
    rows.for_each(|row| members[labels[row]].push(row));
    members
}

/// How many of a class of `count` a share takes: rounded up, so that a class that can give one does, and
/// never all of it.
pub fn taken(count: usize, share: f64) -> usize {
    // What is a whole number but for rounding stays that: 0.3 · 10 is a last digit above 3.
    let exact = (count as f64 * share - 1e-9).ceil() as usize;
    exact
        .max(usize::from(share > 0.0))
        .min(count.saturating_sub(1))
}

/// Splits rows: of every class the share that [`taken`] says, as one generator for all classes draws
/// them. Returns rows kept and rows taken, both ascending.
pub fn split(
    labels: &[usize],
    rows: &[usize],
    share: f64,
    rng: &mut impl Rng,
) -> (Vec<usize>, Vec<usize>) {
    split_by(by_class_of(labels, rows), share, |_, members| {
        members.shuffle(rng);
    })
}

/// The same with a generator a class: a class is drawn alike whatever the others hold.
pub fn split_apart(labels: &[usize], share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    split_by(by_class(labels), share, |class, members| {
        members.shuffle(&mut SELECTION.rng(seed, &[class as u64]));
    })
}

fn split_by(
    classes: Vec<Vec<usize>>,
    share: f64,
    mut shuffle: impl FnMut(usize, &mut [usize]),
) -> (Vec<usize>, Vec<usize>) {
    let (mut kept, mut out) = (Vec::new(), Vec::new());
    for (class, mut members) in classes.into_iter().enumerate() {
        shuffle(class, &mut members);
        let rest = members.split_off(taken(members.len(), share));
        out.extend(members);
        kept.extend(rest);
    }
    kept.sort_unstable();
    out.sort_unstable();
    (kept, out)
}

/// Chooses `min(total, labels.len())` samples, balanced over classes, ascending.
///
/// Classes are visited in rounds, each giving its next sample in a seeded random order, so that
/// class sizes differ by at most one as long as every class has samples left. The choice is
/// nested: with the same seed, a smaller `total` chooses a subset of what a larger one does.
pub fn balanced(labels: &[usize], total: usize, seed: u64) -> Vec<usize> {
    let mut members = by_class(labels);
    for (class, list) in members.iter_mut().enumerate() {
        list.shuffle(&mut SELECTION.rng(seed, &[class as u64]));
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.shuffle(&mut SELECTION.rng(seed, &[u64::MAX]));
    let longest = members.iter().map(Vec::len).max().unwrap_or(0);
    let members = &members;
    let round = |round: usize| {
        let of = |class: &usize| members[*class].get(round).copied();
        order.iter().filter_map(of).collect::<Vec<_>>()
    };
    let mut chosen: Vec<usize> = (0..longest).flat_map(round).take(total).collect();
    chosen.sort_unstable();
    chosen
}

/// Deals samples out to folds class by class, in random order: the fold of every sample, below `count`.
/// Folds differ in size, and in samples of a class, by at most one.
pub fn folds(labels: &[usize], count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut of = vec![0; labels.len()];
    let mut next = 0;
    for mut members in by_class(labels) {
        members.shuffle(rng);
        for row in members {
            of[row] = next % count.max(1);
            next += 1;
        }
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SPLIT;

    fn tenth(labels: &[usize], seed: u64) -> (Vec<usize>, Vec<usize>) {
        let rows: Vec<usize> = (0..labels.len()).collect();
        split(labels, &rows, 0.1, &mut SPLIT.rng(seed, &[]))
    }

    fn whole(kept: &[usize], out: &[usize], count: usize) {
        let mut all = [kept, out].concat();
        all.sort_unstable();
        assert_eq!(all, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn a_share_is_rounded_up_and_never_a_whole_class() {
        let cases = [
            (10, 0.3),
            (10, 1.0 - 0.7),
            (7, 0.5),
            (30, 0.01),
            (5, 0.99),
            (1, 0.5),
            (0, 0.5),
            (9, 0.0),
        ];
        assert_eq!(
            cases.map(|(n, share)| taken(n, share)),
            [3, 3, 4, 1, 4, 0, 0, 0]
        );
    }

    #[test]
    fn a_tenth_of_every_class_is_taken_and_the_seed_decides_which() {
        let labels: Vec<usize> = (0..200).map(|i| if i < 150 { i % 3 } else { 4 }).collect();
        let both = [tenth(&labels, 0), split_apart(&labels, 0.1, 0)];
        for (kept, out) in &both {
            let of = |class: usize| out.iter().filter(|&&row| labels[row] == class).count();
            assert_eq!([of(0), of(1), of(2), of(3), of(4)], [5, 5, 5, 0, 5]);
            whole(kept, out, 200);
        }
        assert_eq!(tenth(&labels, 0), both[0]);
        assert_ne!(tenth(&labels, 1), both[0]);
        assert_ne!(split_apart(&labels, 0.1, 1), both[1]);
        // Of one class the choice does not depend on the others.
        let (_, alone) = split_apart(&labels[..150], 0.1, 0);
        assert!(alone.iter().all(|row| both[1].1.contains(row)));
    }

    #[test]
    fn small_classes_keep_a_sample() {
        assert_eq!(tenth(&[0, 1, 1], 0).0.len(), 2);
        assert_eq!(tenth(&[7], 0), (vec![0], vec![]));
        assert_eq!(tenth(&[], 0), (vec![], vec![]));
        let (kept, out) = split_apart(&[0, 0, 1], 0.5, 9);
        assert!(kept.contains(&2) && out.len() == 1);
    }

    #[test]
    fn balanced_choices_are_nested_and_deterministic() {
        let labels: Vec<usize> = (0..300).map(|i| (i * i + i / 7) % 5).collect();
        let mut smaller: Vec<usize> = Vec::new();
        for total in [0, 1, 4, 5, 23, 100, 299, 300, 1000] {
            let chosen = balanced(&labels, total, 3);
            assert_eq!(chosen, balanced(&labels, total, 3));
            assert_eq!(chosen.len(), total.min(300));
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
            let nested = smaller.iter().all(|i| chosen.contains(i));
            assert!(nested, "not nested at {total}");
            smaller = chosen;
        }
        assert_ne!(balanced(&labels, 23, 3), balanced(&labels, 23, 4));
    }

    #[test]
    fn folds_are_equal_in_size_and_in_classes() {
        let labels: Vec<usize> = (0..47).map(|i| i % 3).collect();
        let of = folds(&labels, 5, &mut SPLIT.rng(1, &[]));
        for class in 0..3 {
            let in_fold = |fold| {
                (0..47)
                    .filter(|&i| of[i] == fold && labels[i] == class)
                    .count()
            };
            let counts: Vec<usize> = (0..5).map(in_fold).collect();
            let [least, most] =
                [counts.iter().min(), counts.iter().max()].map(|n| *n.expect("five"));
            assert!(most - least <= 1, "{counts:?}");
        }
    }
}
