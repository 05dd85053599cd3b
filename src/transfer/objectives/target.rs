//! Further target batches of a step: the inner steps after the first each take samples of their own.

use crate::dataset::Dataset;
use crate::dataset::loader::{Batch, gather};
use crate::random::{INNER_AUGMENTATION, INNER_BATCH};
use crate::suite::training::Augmentation;
use crate::transfer::error::TransferError;
use rand::seq::index::sample;
use std::sync::Arc;

/// Draws target batches by seed, step and inner step alone, so that a resumed transfer sees the same ones.
pub struct TargetSampler {
    /// The target's training part.
    pub set: Arc<dyn Dataset>,
    /// Number of samples of a batch.
    pub batch: usize,
    /// What is done to a sample.
    pub augment: Augmentation,
    /// Seed of everything random.
    pub seed: u64,
}

impl TargetSampler {
    /// The batch of inner step `inner` of the step number `step`: different samples, in random order.
    ///
    /// # Errors
    /// What the set refuses to read.
    pub fn draw(&self, step: usize, inner: usize) -> Result<Batch, TransferError> {
        let place = [step as u64, inner as u64];
        let mut rng = INNER_BATCH.rng(self.seed, &place);
        let count = self.batch.min(self.set.len());
        let index = sample(&mut rng, self.set.len(), count).into_vec();
        let seed = INNER_AUGMENTATION.seed(self.seed ^ place[1]);
        Ok(gather(
            self.set.as_ref(),
            &index,
            &self.augment,
            [seed, place[0]],
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::InMemory;

    #[test]
    fn batches_differ_by_step_and_inner_step_and_hold_no_sample_twice() {
        let values = (0..20).map(|i| i as f32).collect();
        let classes = vec!["one".to_string()];
        let set = InMemory::new([1, 1, 1], classes, vec![0; 20], values).unwrap();
        let sampler = TargetSampler {
            set: Arc::new(set),
            batch: 8,
            augment: Augmentation::default(),
            seed: 3,
        };
        let of = |step, inner| sampler.draw(step, inner).unwrap().values;
        assert_eq!(of(0, 1), of(0, 1));
        assert!(of(0, 1) != of(0, 2) && of(0, 1) != of(1, 1));
        let mut one = of(4, 2);
        one.sort_by(f32::total_cmp);
        one.dedup();
        assert_eq!(one.len(), 8);
    }
}
