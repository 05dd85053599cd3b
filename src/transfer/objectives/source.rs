//! Source batches for stage 1: class-balanced, so that pairs of one class exist, and drawn by seed
//! and step alone, so that a resumed transfer sees the same ones.

use crate::dataset::loader::Batch;
use crate::dataset::{self, Dataset, sample_len};
use crate::random::SOURCE_BATCH;
use crate::strata;
use crate::transfer::error::TransferError;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Draws class-balanced batches.
pub struct SourceSampler {
    set: Arc<dyn Dataset>,
    by_class: Vec<Vec<usize>>,
    /// The set's class of every entry of `by_class`.
    numbers: Vec<usize>,
    /// Samples of a batch.
    batch: usize,
    /// Classes of a batch.
    classes: usize,
}

impl SourceSampler {
    /// Batches of `batch` samples from `classes` classes (0 = all that have samples).
    pub fn new(set: Arc<dyn Dataset>, batch: usize, classes: usize) -> Result<Self, TransferError> {
        let all = strata::by_class(&dataset::labels(set.as_ref()));
        let several = all.into_iter().enumerate().filter(|(_, m)| m.len() > 1);
        let (numbers, by_class): (Vec<usize>, Vec<Vec<usize>>) = several.unzip();
        let wanted = if classes == 0 {
            by_class.len().min(batch / 2)
        } else {
            classes
        };
        if wanted == 0 || wanted > by_class.len() || batch < 2 * wanted {
            return Err(TransferError::Setting {
                setting: "stage1.source_batch and source_classes",
                expected: format!(
                    "two samples or more of each of 1 to {} classes",
                    by_class.len()
                ),
                found: format!("{batch} samples of {wanted} classes"),
            });
        }
        Ok(Self {
            set,
            by_class,
            numbers,
            batch,
            classes: wanted,
        })
    }

    /// The set's class that every label of a batch stands for.
    pub fn classes(&self) -> &[usize] {
        &self.numbers
    }

    /// The batch of one step; its labels count the classes that have samples.
    pub fn draw(&self, seed: u64, step: usize) -> Result<Batch, TransferError> {
        let mut rng = SOURCE_BATCH.rng(seed, &[step as u64]);
        let mut classes: Vec<usize> = (0..self.by_class.len()).collect();
        shuffle(&mut classes, self.classes, &mut rng);
        let size = sample_len(self.set.as_ref());
        let (mut values, mut labels) = (vec![0.0; self.batch * size], Vec::new());
        for (place, &class) in classes[..self.classes].iter().enumerate() {
            // the first classes take what does not divide evenly
            let count = self.batch / self.classes + usize::from(place < self.batch % self.classes);
            let mut members = self.by_class[class].clone();
            let enough = count.min(members.len());
            shuffle(&mut members, enough, &mut rng);
            for i in 0..count {
                let out = &mut values[labels.len() * size..][..size];
                self.set.read(members[i % enough], out)?;
                labels.push(class);
            }
        }
        let [c, h, w] = self.set.shape();
        Ok(Batch {
            values,
            shape: [self.batch, c, h, w],
            labels,
            targets: Vec::new(),
            mixed: None,
        })
    }
}

/// Brings `count` random entries to the front (Fisher–Yates).
fn shuffle(all: &mut [usize], count: usize, rng: &mut ChaCha8Rng) {
    for i in 0..count {
        let other = rng.random_range(i..all.len());
        all.swap(i, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::InMemory;

    #[test]
    fn labels_count_the_classes_that_have_pairs_and_name_those_of_the_set() {
        let labels = vec![0, 1, 3, 3, 0, 0, 3];
        let values: Vec<f32> = labels.iter().map(|&label| label as f32).collect();
        let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
        let set = InMemory::new([1, 1, 1], classes, labels, values).unwrap();
        let set: Arc<dyn Dataset> = Arc::new(set);
        let sampler = SourceSampler::new(set.clone(), 8, 0).unwrap();
        assert_eq!(sampler.classes(), [0, 3]);
        let batch = sampler.draw(5, 2).unwrap();
        for (value, label) in batch.values.iter().zip(&batch.labels) {
            assert_eq!(*value as usize, sampler.classes()[*label]);
        }
        assert_eq!(batch.labels.iter().filter(|label| **label == 0).count(), 4);
        let refused = SourceSampler::new(set, 8, 3);
        assert!(matches!(refused, Err(TransferError::Setting { .. })));
    }
}
