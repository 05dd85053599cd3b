//! Supervised training of a whole network: the inner loop of every method, and of pretraining.

use super::error::TransferError;
use super::optimiser::Optimiser;
use super::step;
use crate::dataset::loader::{Batch, Order, batches};
use crate::dataset::{Dataset, Splits};
use crate::feature::samples_at_once;
use crate::manifest::training::TrainSettings;
use crate::model::{Model, Network, Pass};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

impl TrainSettings {
    /// Checks that training can run with these settings on `samples` training samples.
    pub fn check(&self, samples: usize) -> Result<(), TransferError> {
        let wrong = |setting, expected: &str, found: String| {
            Err(TransferError::Setting {
                setting,
                expected: expected.into(),
                found,
            })
        };
        if samples == 0 {
            return wrong("training set", "at least one sample", "none".into());
        }
        if self.batch == 0 {
            return wrong("batch", "at least 1", "0".into());
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong(
                "learning_rate",
                "a positive number",
                self.learning_rate.to_string(),
            );
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return wrong(
                "label_smoothing",
                "0 to below 1",
                self.label_smoothing.to_string(),
            );
        }
        for (setting, value) in [
            ("weight_decay", self.weight_decay),
            ("clip", self.clip),
            ("warmup_epochs", self.warmup_epochs),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(setting, "zero or a positive number", value.to_string());
            }
        }
        Ok(())
    }
}

/// One epoch, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1; 0 is the state before training.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// Share of wrong validation samples.
    pub valid_error: f64,
    /// Seconds since training began.
    pub seconds: f64,
}

/// What training tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// So many steps of so many are done.
    Step(usize, usize),
    /// An epoch ended.
    Epoch(&'a EpochRecord),
}

/// A trained model and its course.
pub struct Trained {
    /// The model after the last epoch, untracked.
    pub model: Model,
    /// One record an epoch.
    pub course: Vec<EpochRecord>,
}

/// Moves a batch to a device; its labels stay here.
fn to_device(batch: Batch, device: &Device) -> (Tensor<4>, Vec<usize>) {
    let data = TensorData::new(batch.values, batch.shape);
    (Tensor::from_data(data, device), batch.labels)
}

/// Fine-tunes (or pretrains) every parameter of `model`.
///
/// `watch` hears of every step and epoch and may ask to stop by returning `false`.
pub fn train(
    model: Model,
    splits: &Splits,
    settings: &TrainSettings,
    seed: u64,
    watch: &mut dyn FnMut(Event) -> bool,
) -> Result<Trained, TransferError> {
    settings.check(splits.train.len())?;
    let started = Instant::now();
    let Model { config, network } = model;
    let device = network.place().0.inner();
    let mut network = network.unfreeze().train();
    let clip = (settings.clip > 0.0).then_some(settings.clip);
    let mut optimiser = Optimiser::new(settings.optimiser, settings.weight_decay, clip);
    let order = |epoch| Order {
        batch: settings.batch,
        shuffle: Some((seed, epoch)),
        drop_last: true,
        augment: settings.augment,
    };
    let per_epoch = order(1).batches(splits.train.len());
    let total = per_epoch * settings.epochs;
    let warmup = (settings.warmup_epochs * per_epoch as f64).round() as usize;
    let mut course = Vec::with_capacity(settings.epochs);
    for epoch in 1..=settings.epochs {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xd20b);
        rng.set_stream(epoch as u64);
        let mut sum = 0.0;
        for (i, batch) in batches(splits.train.clone(), order(epoch))
            .into_iter()
            .enumerate()
        {
            let done = (epoch - 1) * per_epoch + i;
            let (value, grads) = step::gradients(&network, batch?, &device, settings, &mut rng);
            if !value.is_finite() {
                return Err(TransferError::Diverged {
                    epoch,
                    step: i + 1,
                    loss: value,
                });
            }
            sum += value;
            let lr = settings.learning_rate * settings.decay.factor(done, warmup, total);
            network = optimiser.step(lr, network, grads);
            if !watch(Event::Step(done + 1, total)) {
                return Err(TransferError::Interrupted);
            }
        }
        let valid_error = error_rate(&network.valid(), splits.valid.clone(), &device)?;
        let record = EpochRecord {
            epoch,
            train_loss: sum / per_epoch as f64,
            valid_error,
            seconds: started.elapsed().as_secs_f64(),
        };
        let go_on = watch(Event::Epoch(&record));
        course.push(record);
        if !go_on && epoch < settings.epochs {
            return Err(TransferError::Interrupted);
        }
    }
    Ok(Trained {
        model: Model {
            config,
            network: network.valid(),
        },
        course,
    })
}

/// Share of samples whose largest logit is not their label's; 0 on an empty set.
pub fn error_rate(
    network: &Network,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<f64, TransferError> {
    let count = set.len();
    let mut wrong = 0;
    let order = Order::sequential(samples_at_once(set.shape().iter().product()));
    for batch in batches(set, order) {
        let (x, labels) = to_device(batch?, device);
        let logits = network.forward(x, &mut Pass::eval()).primal;
        let classes = logits.dims()[1];
        let logits: Vec<f32> = logits
            .into_data()
            .convert::<f32>()
            .try_to_vec()
            .unwrap_or_default();
        for (row, &label) in logits.chunks_exact(classes).zip(&labels) {
            let best = row
                .iter()
                .enumerate()
                .fold(0, |b, (i, v)| if *v > row[b] { i } else { b });
            wrong += usize::from(best != label);
        }
    }
    Ok(wrong as f64 / count.max(1) as f64)
}
