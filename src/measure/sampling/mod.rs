//! Which samples belong together: the windows of one clip, repetition, recording, record or person.
//!
//! Windows of one clip are alike beyond their class, so they are not independent samples. Whatever
//! draws samples (a hold-out, a shuffle, a bootstrap, a jackknife) then has to draw whole groups, and
//! the number of groups, not of samples, says how much is known. [`Groups`] holds the group of every
//! sample; [`Groups::singletons`] takes no memory and gives every measure the numbers that it has
//! without groups, bit for bit.
//!
//! | file | what |
//! |---|---|
//! | [`split`] | parts of whole groups, class by class |
//! | `shuffle` | the null: labels exchanged between whole groups |
//! | [`noise`] | bootstrap, jackknife, intervals, design effect |

pub mod noise;
mod shuffle;
pub mod split;

use std::collections::HashMap;

/// The group of every sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    samples: usize,
    count: usize,
    /// `None` where every sample is a group of its own.
    of: Option<Vec<usize>>,
}

impl Groups {
    /// Every sample is a group of its own.
    pub fn singletons(samples: usize) -> Self {
        Self {
            samples,
            count: samples,
            of: None,
        }
    }

    /// Samples with equal numbers are a group; groups are numbered densely by first appearance.
    pub fn of(groups: &[usize]) -> Self {
        let mut numbers = HashMap::new();
        let of: Vec<usize> = groups
            .iter()
            .map(|group| {
                let next = numbers.len();
                *numbers.entry(*group).or_insert(next)
            })
            .collect();
        if numbers.len() == of.len() {
            return Self::singletons(of.len());
        }
        Self {
            samples: of.len(),
            count: numbers.len(),
            of: Some(of),
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Number of groups.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether every sample is a group of its own.
    pub fn is_singletons(&self) -> bool {
        self.of.is_none()
    }

    /// The group of a sample, in `0..count`.
    pub fn group(&self, sample: usize) -> usize {
        self.of.as_ref().map_or(sample, |of| of[sample])
    }

    /// The samples of every group, ascending.
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.count];
        (0..self.samples).for_each(|i| members[self.group(i)].push(i));
        members
    }

    /// The groups of some samples, in their order, numbered anew.
    pub fn select(&self, rows: &[usize]) -> Self {
        let groups: Vec<usize> = rows.iter().map(|&row| self.group(row)).collect();
        Self::of(&groups)
    }

    /// All samples but those of one group: a jackknife's replicate.
    pub fn without(&self, group: usize) -> Vec<usize> {
        (0..self.samples)
            .filter(|&i| self.group(i) != group)
            .collect()
    }

    /// How many groups have a sample of each class.
    pub fn per_class(&self, labels: &[usize], classes: usize) -> Vec<usize> {
        let mut seen: Vec<(usize, usize)> = labels
            .iter()
            .enumerate()
            .map(|(i, &label)| (label, self.group(i)))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        let mut counts = vec![0; classes];
        seen.iter().for_each(|&(label, _)| counts[label] += 1);
        counts
    }

    /// Groups of the class that has fewest, among classes that occur; 0 without a sample.
    pub fn least_per_class(&self, labels: &[usize]) -> usize {
        let classes = labels.iter().max().map_or(0, |most| most + 1);
        let counts = self.per_class(labels, classes);
        counts.into_iter().filter(|&n| n > 0).min().unwrap_or(0)
    }

    /// The class of every group: the label that most of its samples have, of equals the smallest.
    pub fn classes(&self, labels: &[usize]) -> Vec<usize> {
        let mut counts: Vec<HashMap<usize, usize>> = vec![HashMap::new(); self.count];
        for (i, &label) in labels.iter().enumerate() {
            *counts[self.group(i)].entry(label).or_insert(0) += 1;
        }
        let most = |counts: HashMap<usize, usize>| {
            let best = counts
                .into_iter()
                .max_by_key(|&(label, n)| (n, std::cmp::Reverse(label)));
            best.map_or(0, |(label, _)| label)
        };
        counts.into_iter().map(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_numbered_densely_and_counted_by_class() {
        let groups = Groups::of(&[40, 7, 40, 9, 7, 7]);
        assert_eq!((groups.len(), groups.count()), (6, 3));
        assert_eq!(groups.members(), [vec![0, 2], vec![1, 4, 5], vec![3]]);
        let labels = [0, 2, 0, 0, 2, 0];
        assert_eq!(groups.per_class(&labels, 4), [3, 0, 1, 0]);
        assert_eq!(groups.least_per_class(&labels), 1);
        assert_eq!(groups.classes(&labels), [0, 2, 0]);
        assert_eq!(groups.select(&[5, 0, 4]).members(), [vec![0, 2], vec![1]]);
        assert_eq!(groups.without(1), [0, 2, 3]);
    }

    #[test]
    fn groups_of_one_are_singletons() {
        assert_eq!(Groups::of(&[5, 1, 3]), Groups::singletons(3));
        assert_eq!(Groups::of(&[]), Groups::singletons(0));
        assert_eq!(Groups::singletons(3).members(), [[0], [1], [2]]);
        assert_eq!(Groups::singletons(4).per_class(&[1, 1, 0, 1], 2), [1, 3]);
    }
}
