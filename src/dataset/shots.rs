//! A few training samples of every class, drawn by a seed, as transfers of pretrained models of images and texts are compared.

use super::subset::{Subset, class_counts, groups, labels};
use super::{Dataset, DatasetError};
use crate::random::SHOTS;
use crate::strata::by_class;
use rand::seq::SliceRandom;
use std::collections::HashMap;
use std::sync::Arc;

/// What was drawn.
#[derive(Clone)]
pub struct Few {
    /// The samples.
    pub set: Arc<dyn Dataset>,
    /// Their numbers in the whole part, class by class.
    pub samples: Vec<usize>,
}

/// Classes of `set` that have fewer than so many samples, of which [`few`] takes all.
pub fn short(set: &dyn Dataset, shots: usize) -> Vec<usize> {
    let counts = class_counts(set).into_iter().enumerate();
    let fewer = counts.filter(|(_, count)| *count < shots);
    fewer.map(|(class, _)| class).collect()
}

/// `shots` samples of every class of `set`, which is called `name` (sets of other names draw others), all where a class has fewer. Samples of as many groups (clips, persons) as there
/// are are drawn before a group gives a second one.
///
/// # Errors
/// As a [`Subset`]'s; there is none for samples of the set.
pub fn few(
    (name, set): (&str, &Arc<dyn Dataset>),
    shots: usize,
    seed: u64,
) -> Result<Few, DatasetError> {
    let letters: Vec<u64> = name.bytes().map(u64::from).collect();
    let labels = labels(set.as_ref());
    let of = groups(set.as_ref());
    let mut samples = Vec::new();
    for (class, mut own) in by_class(&labels).into_iter().enumerate() {
        own.shuffle(&mut SHOTS.rng(seed, &[&[class as u64], &letters[..]].concat()));
        if let Some(of) = &of {
            let mut seen: HashMap<usize, usize> = HashMap::new();
            let mut rounds: Vec<(usize, usize)> = own
                .iter()
                .map(|&sample| {
                    let round = seen.entry(of[sample]).or_default();
                    *round += 1;
                    (*round, sample)
                })
                .collect();
            rounds.sort_by_key(|(round, _)| *round);
            own = rounds.into_iter().map(|(_, sample)| sample).collect();
        }
        own.truncate(shots);
        own.sort_unstable();
        samples.extend(own);
    }
    Ok(Few {
        set: Arc::new(Subset::new(set.clone(), samples.clone())?),
        samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::InMemory;

    #[test]
    fn every_class_gives_its_shots_and_a_seed_says_which() {
        let labels: Vec<usize> = (0..40)
            .map(|i| if i < 3 { 1 } else { 2 * (i % 2) })
            .collect();
        let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
        let values = vec![0.0; labels.len()];
        let set = InMemory::new([1, 1, 1], classes, labels.clone(), values).unwrap();
        let whole: Arc<dyn Dataset> = Arc::new(set.clone());
        let drawn = few(("a", &whole), 4, 0).unwrap();
        let count = |class| {
            drawn
                .samples
                .iter()
                .filter(|i| labels[**i] == class)
                .count()
        };
        assert_eq!([0, 1, 2].map(count), [4, 3, 4]);
        assert_eq!(
            (short(whole.as_ref(), 4), drawn.set.len()),
            (vec![1, 3], 11)
        );
        assert_eq!(few(("a", &whole), 4, 0).unwrap().samples, drawn.samples);
        assert_ne!(few(("a", &whole), 4, 1).unwrap().samples, drawn.samples);
        assert_ne!(few(("b", &whole), 4, 0).unwrap().samples, drawn.samples);
        // Of clips of ten samples each, four shots are of as many clips as there are.
        let clips = (0..40).map(|i| i / 10).collect();
        let grouped: Arc<dyn Dataset> = Arc::new(set.grouped("clip", clips).unwrap());
        let drawn = few(("a", &grouped), 4, 0).unwrap().samples;
        let mut of: Vec<usize> = drawn
            .iter()
            .filter(|i| labels[**i] == 0)
            .map(|i| i / 10)
            .collect();
        of.dedup();
        assert_eq!(of, [0, 1, 2, 3]);
    }
}
