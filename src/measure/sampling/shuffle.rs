//! The null that leaves groups whole: labels are exchanged between groups, never between windows.
//!
//! A group's samples fall into parts of equal label: one part for a clip of one class, as many as
//! classes for a person who has them all. What a part is stays; which label it carries is drawn:
//! groups of equally many parts exchange their lists of labels, and within a group the labels are
//! dealt to its parts at random. For clips of one class this permutes the classes of clips; for a
//! person who has all classes it permutes the names of classes, person by person. Both keep what is
//! alike within a group and break what labels say across groups, so that under the hypothesis that
//! features tell nothing of a label beyond the group every such draw is as probable as the labels
//! observed. A class keeps its number of parts; its number of samples follows the parts' sizes.

use std::collections::{BTreeMap, HashMap};

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::Groups;

impl Groups {
    /// For every sample the sample whose label it is given; `label` tells labels apart. With singletons
    /// a plain shuffle.
    pub fn shuffled(&self, label: impl Fn(usize) -> usize, rng: &mut impl Rng) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if self.is_singletons() {
            order.shuffle(rng);
            return order;
        }
        let parts: Vec<Vec<Vec<usize>>> = self
            .members()
            .iter()
            .map(|members| parts(members, &label))
            .collect();
        for groups in alike(&parts).values() {
            let first = |group: &usize| parts[*group].iter().map(|part| part[0]).collect();
            let mut lists: Vec<Vec<usize>> = groups.iter().map(first).collect();
            lists.shuffle(rng);
            for (&group, mut list) in groups.iter().zip(lists) {
                list.shuffle(rng);
                for (part, label) in parts[group].iter().zip(list) {
                    part.iter().for_each(|&i| order[i] = label);
                }
            }
        }
        order
    }

    /// The same for targets that differ from sample to sample (distributions): groups exchange whole
    /// sequences, turned by a random number of places, a shorter one repeated and a longer one cut.
    pub fn rotated(&self, rng: &mut impl Rng) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if self.is_singletons() {
            order.shuffle(rng);
            return order;
        }
        let members = self.members();
        let mut from: Vec<usize> = (0..self.count()).collect();
        from.shuffle(rng);
        for (own, from) in members.iter().zip(from) {
            let given = &members[from];
            let turn = rng.random_range(0..given.len());
            for (at, &i) in own.iter().enumerate() {
                order[i] = given[(at + turn) % given.len()];
            }
        }
        order
    }
}

/// Samples by label, in the order in which labels appear.
fn parts(members: &[usize], label: &impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut places = HashMap::new();
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for &i in members {
        let place = *places.entry(label(i)).or_insert(parts.len());
        if place == parts.len() {
            parts.push(Vec::new());
        }
        parts[place].push(i);
    }
    parts
}

/// Groups by their number of parts.
fn alike(parts: &[Vec<Vec<usize>>]) -> BTreeMap<usize, Vec<usize>> {
    let mut alike: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (group, parts) in parts.iter().enumerate() {
        alike.entry(parts.len()).or_default().push(group);
    }
    alike
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn clips_of_one_class_exchange_their_classes() {
        let clips: Vec<usize> = (0..60).map(|i| i / 6).collect();
        let labels: Vec<usize> = clips.iter().map(|clip| clip % 5).collect();
        let groups = Groups::of(&clips);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut moved = 0;
        for _ in 0..20 {
            let order = groups.shuffled(|i| labels[i], &mut rng);
            let new: Vec<usize> = order.iter().map(|&i| labels[i]).collect();
            assert!(new.chunks(6).all(|clip| clip.iter().all(|l| *l == clip[0])));
            let mut count = [0; 5];
            new.iter().for_each(|&l| count[l] += 1);
            assert_eq!(count, [12; 5]);
            moved += usize::from(new != labels);
        }
        assert!(moved > 15);
    }

    #[test]
    fn a_person_who_has_all_classes_keeps_them_under_other_names() {
        let persons: Vec<usize> = (0..60).map(|i| i / 20).collect();
        let labels: Vec<usize> = (0..60).map(|i| i % 20 / 5).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let order = Groups::of(&persons).shuffled(|i| labels[i], &mut rng);
        let new: Vec<usize> = order.iter().map(|&i| labels[i]).collect();
        for person in new.chunks(20) {
            let mut names: Vec<usize> = person.chunks(5).map(|part| part[0]).collect();
            assert!(person.chunks(5).all(|p| p.iter().all(|l| *l == p[0])));
            names.sort_unstable();
            assert_eq!(names, [0, 1, 2, 3]);
        }
        assert_ne!(new[..20], new[20..40], "persons draw names of their own");
    }

    #[test]
    fn singletons_are_shuffled_as_samples_are() {
        let (mut a, mut b) = (ChaCha8Rng::seed_from_u64(2), ChaCha8Rng::seed_from_u64(2));
        let mut plain: Vec<usize> = (0..9).collect();
        plain.shuffle(&mut b);
        assert_eq!(Groups::singletons(9).shuffled(|_| 0, &mut a), plain);
    }

    #[test]
    fn sequences_move_as_a_whole() {
        let groups = Groups::of(&[0, 0, 0, 1, 1, 2]);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..20 {
            let order = groups.rotated(&mut rng);
            for group in groups.members() {
                let from: Vec<usize> = group.iter().map(|&i| groups.group(order[i])).collect();
                assert!(from.iter().all(|f| *f == from[0]));
            }
        }
    }
}
