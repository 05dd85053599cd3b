//! Parts of whole groups, class by class.
//!
//! A group stands for the class that has most of its mass. Of every class's groups a share is drawn
//! (`strata::taken`), at least one kept and one taken where there are two; classes that are the main class of one group
//! only (a person who has all classes is one group of one of them) are drawn from together. Then
//! two repairs: a class that has groups only in the part that was taken gets one back, and a class
//! of two groups or more that has none there gives one, if every class of that group stays on the
//! other side. So a class with two groups of its own is on both sides.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::Groups;
use crate::measure::MeasureError;
use crate::random::SPLIT;
use crate::strata;

impl Groups {
    /// Takes a share of the groups of every class among `rows`: rows kept and rows taken, both
    /// ascending. With singletons it is `strata::split`.
    ///
    /// # Errors
    /// [`MeasureError::Groups`] for a class that occurs in fewer than two groups, which cannot be
    /// on both sides; with singletons such a class is kept, as it always was.
    pub fn split(
        &self,
        labels: &[usize],
        rows: &[usize],
        share: f64,
        seed: u64,
    ) -> Result<(Vec<usize>, Vec<usize>), MeasureError> {
        let mut rng = SPLIT.rng(seed, &[]);
        if self.is_singletons() {
            return Ok(strata::split(labels, rows, share, &mut rng));
        }
        let some = self.select(rows);
        let own: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
        let classes = own.iter().max().map_or(0, |most| most + 1);
        enough(&some.per_class(&own, classes))?;
        let mut content = vec![Vec::new(); some.count()];
        for (i, &label) in own.iter().enumerate() {
            add(&mut content[some.group(i)], label, 1.0);
        }
        let held = hold_out(&content, classes, share, &mut rng);
        let (mut kept, mut taken) = (Vec::new(), Vec::new());
        for (i, &row) in rows.iter().enumerate() {
            if held[some.group(i)] {
                taken.push(row);
            } else {
                kept.push(row);
            }
        }
        kept.sort_unstable();
        taken.sort_unstable();
        Ok((kept, taken))
    }
}

/// Fails on the first class that occurs in one group only.
pub(crate) fn enough(per_class: &[usize]) -> Result<(), MeasureError> {
    match per_class.iter().position(|&n| n == 1) {
        None => Ok(()),
        Some(class) => Err(MeasureError::Groups {
            class,
            expected: 2,
            found: 1,
        }),
    }
}

/// Adds mass of a class to what a group holds.
pub(crate) fn add(content: &mut Vec<(usize, f64)>, class: usize, mass: f64) {
    match content.iter_mut().find(|(known, _)| *known == class) {
        Some((_, sum)) => *sum += mass,
        None => content.push((class, mass)),
    }
}

/// Which groups are held out, given the classes that each has mass of; one without any is not.
pub(crate) fn hold_out(
    content: &[Vec<(usize, f64)>],
    classes: usize,
    share: f64,
    rng: &mut impl Rng,
) -> Vec<bool> {
    let mut of_class = vec![Vec::new(); classes];
    for (group, content) in content.iter().enumerate() {
        content.iter().for_each(|&(c, _)| of_class[c].push(group));
    }
    let mut strata = vec![Vec::new(); classes];
    for (group, content) in content.iter().enumerate() {
        // Of equal masses the class with fewest groups, then the smallest.
        let main = content.iter().max_by(|a, b| {
            a.1.total_cmp(&b.1)
                .then(of_class[b.0].len().cmp(&of_class[a.0].len()))
                .then(b.0.cmp(&a.0))
        });
        if let Some(&(class, _)) = main {
            strata[class].push(group);
        }
    }
    let mut held = vec![false; content.len()];
    let mut alone = Vec::new();
    for stratum in &mut strata {
        if stratum.len() == 1 {
            alone.append(stratum);
        }
    }
    strata.push(alone);
    for mut stratum in strata {
        stratum.shuffle(rng);
        let count = strata::taken(stratum.len(), share);
        stratum[..count].iter().for_each(|&g| held[g] = true);
    }
    let kept = |held: &[bool], class: usize| of_class[class].iter().any(|&g| !held[g]);
    for class in 0..classes {
        if !of_class[class].is_empty() && !kept(&held, class) {
            let at = rng.random_range(0..of_class[class].len());
            held[of_class[class][at]] = false;
        }
    }
    for groups in of_class.iter().filter(|groups| groups.len() > 1) {
        if groups.iter().any(|&g| held[g]) {
            continue;
        }
        let mut candidates = groups.clone();
        candidates.shuffle(rng);
        for group in candidates {
            held[group] = true;
            if content[group].iter().all(|&(c, _)| kept(&held, c)) {
                break;
            }
            held[group] = false;
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(groups: &Groups, kept: &[usize], taken: &[usize]) {
        assert_eq!(kept.len() + taken.len(), groups.len());
        for &i in taken {
            assert!(kept.iter().all(|&j| groups.group(i) != groups.group(j)));
        }
    }

    #[test]
    fn whole_groups_of_every_class_are_taken() {
        // Four classes of five clips of three chunks.
        let clips: Vec<usize> = (0..60).map(|i| (i * 7) % 20).collect();
        let labels: Vec<usize> = clips.iter().map(|clip| clip % 4).collect();
        let (groups, rows) = (Groups::of(&clips), (0..60).collect::<Vec<_>>());
        for (share, expected) in [(0.2, 1), (0.4, 2), (0.01, 1), (0.99, 4)] {
            let (kept, taken) = groups.split(&labels, &rows, share, 3).expect("groups");
            whole(&groups, &kept, &taken);
            let own: Vec<usize> = taken.iter().map(|&i| labels[i]).collect();
            let counts = groups.select(&taken).per_class(&own, 4);
            assert_eq!(counts, [expected; 4], "{share}");
        }
        let first = groups.split(&labels, &rows, 0.4, 0).expect("groups");
        assert_eq!(first, groups.split(&labels, &rows, 0.4, 0).expect("groups"));
        assert_ne!(first, groups.split(&labels, &rows, 0.4, 1).expect("groups"));
    }

    #[test]
    fn persons_who_have_all_classes_are_taken_whole_and_every_class_stays_on_both_sides() {
        for seed in 0..50 {
            // Five persons, seven gestures, unequal numbers: every main class is another one.
            let persons: Vec<usize> = (0..5).flat_map(|p| vec![p; 7 + p]).collect();
            let labels: Vec<usize> = (0..5)
                .flat_map(|p| (0..7 + p).map(move |i| if i < 7 { i } else { p }))
                .collect();
            let (groups, rows) = (Groups::of(&persons), (0..labels.len()).collect::<Vec<_>>());
            let (kept, taken) = groups.split(&labels, &rows, 0.4, seed).expect("groups");
            whole(&groups, &kept, &taken);
            assert_eq!(groups.select(&taken).count(), 2);
            for side in [kept, taken] {
                assert!((0..7).all(|c| side.iter().any(|&i| labels[i] == c)));
            }
        }
    }

    #[test]
    fn a_class_of_one_group_is_refused_and_singletons_split_as_ever() {
        let groups = Groups::of(&[0, 0, 1, 1, 2, 2]);
        let labels = [0, 0, 0, 0, 1, 1];
        let rows: Vec<usize> = (0..6).collect();
        assert_eq!(
            groups.split(&labels, &rows, 0.5, 0),
            Err(MeasureError::Groups {
                class: 1,
                expected: 2,
                found: 1
            })
        );
        assert_eq!(
            Groups::singletons(6).split(&labels, &rows, 0.5, 0),
            Ok(strata::split(&labels, &rows, 0.5, &mut SPLIT.rng(0, &[])))
        );
    }
}
