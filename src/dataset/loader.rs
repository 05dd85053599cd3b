//! Batches from a dataset, prepared on a background thread while the last one is in use. At most
//! three batches exist at a time, whatever the size of the set. A panic on that thread arrives as an
//! error where the batch was expected: a channel that merely closes would be a shorter epoch.

use super::augment;
pub use super::batch::{Batch, Mixed};
use super::{Dataset, DatasetError};
use crate::random::{AUGMENTATION, TRAINING_ORDER};
use crate::suite::training::Augmentation;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How a set is walked through.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Samples a batch.
    pub batch: usize,
    /// Shuffle by this seed and epoch; `None` keeps the set's order.
    pub shuffle: Option<(u64, usize)>,
    /// Drops a last batch that is not full (training only: it would weigh its samples more).
    pub drop_last: bool,
    /// Training-time augmentation.
    pub augment: Augmentation,
}

impl Order {
    /// All samples in order: evaluation and extraction.
    pub fn sequential(batch: usize) -> Self {
        Self {
            batch,
            shuffle: None,
            drop_last: false,
            augment: Augmentation::default(),
        }
    }

    /// Number of batches of a set of `len` samples.
    pub fn batches(&self, len: usize) -> usize {
        if self.drop_last && len >= self.batch {
            len / self.batch
        } else {
            len.div_ceil(self.batch)
        }
    }
}

/// Starts walking through `set`. Order and augmentation depend on the seed, the epoch and the
/// sample alone, never on timing.
pub fn batches(set: Arc<dyn Dataset>, order: Order) -> Receiver<Result<Batch, DatasetError>> {
    let (send, receive) = sync_channel(1);
    std::thread::spawn(move || {
        // nothing of the set is used after a panic
        let walked = catch_unwind(AssertUnwindSafe(|| walk(set.as_ref(), order, &send)));
        if let Err(panic) = walked {
            let found = said(panic.as_ref());
            send.send(Err(DatasetError::Failed { found })).ok();
        }
    });
    receive
}

/// Sends every batch, until the consumer stops.
fn walk(set: &dyn Dataset, order: Order, send: &SyncSender<Result<Batch, DatasetError>>) {
    let mut index: Vec<usize> = (0..set.len()).collect();
    let (seed, epoch) = order.shuffle.unwrap_or_default();
    if order.shuffle.is_some() {
        let mut rng = TRAINING_ORDER.rng(seed, &[epoch as u64]);
        index.shuffle(&mut rng);
    }
    let chunks = index.chunks(order.batch).take(order.batches(set.len()));
    for (number, chunk) in chunks.enumerate() {
        let batch = gather(set, chunk, &order.augment, [seed, epoch as u64]).map(|mut batch| {
            augment::mix(&order.augment, &mut batch, seed, [epoch, number]);
            batch
        });
        if send.send(batch).is_err() {
            return;
        }
    }
}

/// The words of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".into())
}

/// The samples `index` of `set` as a batch, augmented by streams of their own for a seed and an epoch; not
/// mixed.
///
/// # Errors
/// What the set refuses to read.
pub fn gather(
    set: &dyn Dataset,
    index: &[usize],
    augment: &Augmentation,
    [seed, epoch]: [u64; 2],
) -> Result<Batch, DatasetError> {
    let shape = set.shape();
    let size = shape.iter().product::<usize>();
    let mut values = vec![0.0; index.len() * size];
    values
        .par_chunks_mut(size)
        .zip(index)
        .try_for_each(|(out, &i)| {
            set.read(i, out)?;
            if augment.changes_samples() {
                let mut rng = AUGMENTATION.rng(seed, &[epoch, i as u64]);
                augment::sample(augment, out, shape, &mut rng);
            }
            Ok(())
        })?;
    let labels = index.iter().map(|&i| set.label(i)).collect();
    let each = set.target_shape().len(set.classes().len());
    let mut targets = vec![0.0; index.len() * each];
    if each > 0 {
        let parts = targets.chunks_exact_mut(each).zip(index);
        for (out, &i) in parts {
            set.read_target(i, out)?;
        }
    }
    Ok(Batch {
        values,
        shape: [index.len(), shape[0], shape[1], shape[2]],
        labels,
        targets,
        mixed: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six samples, of which one panics, in `read` or where its label is asked for.
    struct Trap(usize, bool);

    impl Dataset for Trap {
        fn shape(&self) -> [usize; 3] {
            [1, 1, 2]
        }

        fn classes(&self) -> &[String] {
            &[]
        }

        fn len(&self) -> usize {
            6
        }

        fn label(&self, index: usize) -> usize {
            assert!(self.1 || index != self.0, "no label {index}");
            index
        }

        fn read(&self, index: usize, _: &mut [f32]) -> Result<(), DatasetError> {
            assert!(!self.1 || index != self.0, "no sample {index}");
            Ok(())
        }
    }

    #[test]
    fn a_panic_while_loading_is_an_error_and_not_a_shorter_epoch() {
        for in_read in [true, false] {
            let set = Arc::new(Trap(4, in_read));
            let all: Vec<_> = batches(set, Order::sequential(2)).iter().collect();
            assert_eq!(all.len(), 3);
            assert!(all[..2].iter().all(Result::is_ok));
            let said = all[2].as_ref().err().unwrap().to_string();
            let words = if in_read { "no sample 4" } else { "no label 4" };
            assert!(
                said.contains(words) && said.contains("fault of modalign"),
                "{said}"
            );
        }
        let whole = batches(Arc::new(Trap(9, true)), Order::sequential(4));
        let lengths: Vec<usize> = whole.iter().map(|b| b.unwrap().labels.len()).collect();
        assert_eq!(lengths, [4, 2]);
    }
}
