//! A short test of a device against the processor: one fine-tuning step of a model inside, its loss and
//! every gradient compared, then as many steps as there is time for.

use super::error::TransferError;
use super::objectives::task::Supervised;
use super::optimiser::Optimiser;
use super::step::Memory;
use crate::dataset::TargetShape;
use crate::dataset::loader::Batch;
use crate::model::embedded;
use crate::model::state::{self, scalar};
use crate::random::SELF_TEST;
use crate::suite::task::TaskLoss;
use crate::suite::training::Rule;
use burn::module::Module;
use burn::tensor::{DType, Device, TensorData};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Images of a step.
const BATCH: usize = 16;
/// Relative errors up to this are those of single precision summed in another order.
const BOUND: f64 = 1e-3;

/// What the test found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Largest error of the loss and of every gradient, relative to the largest value of each.
    pub error: f64,
    /// Where that error is.
    pub part: String,
    /// Seconds of the first step, in which kernels are compiled.
    pub first: f64,
    /// Images a second of the steps after it.
    pub rate: f64,
}

impl Found {
    /// Whether device and processor agree.
    pub fn agrees(&self) -> bool {
        self.error < BOUND
    }
}

/// Tests `device`, in `room` but for what has begun.
///
/// # Errors
/// Where the model inside cannot be built there.
pub fn selftest(device: &Device, room: Duration) -> Result<Found, TransferError> {
    let started = Instant::now();
    let (loss, gradients, ..) = steps(&Device::flex(), Duration::ZERO)?;
    let begun = started.elapsed();
    let (other, found, first, rate) = steps(device, room.saturating_sub(begun))?;
    let mut worst = ((other - loss).abs() / loss.abs(), "the loss".to_owned());
    for (path, want) in &gradients {
        let want: Vec<f64> = want.iter::<f64>().collect();
        let found: Vec<f64> = found
            .get(path)
            .map_or_else(Vec::new, |d| d.iter::<f64>().collect());
        let scale = want.iter().fold(f64::MIN_POSITIVE, |a, v| a.max(v.abs()));
        let apart = want.iter().zip(&found).map(|(a, b)| (a - b).abs());
        let missing = (found.len() != want.len()).then_some(f64::INFINITY);
        for error in apart.chain(missing).map(|error| error / scale) {
            // A NaN is worse than any number.
            if error > worst.0 || error.is_nan() {
                worst = (error, format!("the gradient of {path}"));
            }
        }
    }
    let (error, part) = worst;
    Ok(Found {
        error,
        part,
        first,
        rate,
    })
}

type Steps = (f64, BTreeMap<String, TensorData>, f64, f64);

/// Loss and gradients of the first step, its seconds, and the rate of further ones within `room`.
fn steps(device: &Device, room: Duration) -> Result<Steps, TransferError> {
    let names = embedded::names();
    let name = names.first().expect("a model is inside the program");
    let model = embedded::load(name, device, DType::F32)?.model;
    let channels = model.network.embedder.channels();
    let side = model.config.image_size().unwrap_or(32);
    let objective = Supervised {
        loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
        truth: TargetShape::Class,
        memory: Memory::default(),
        drops_paths: true,
    };
    let classes = model.classes().unwrap_or(1);
    let batch = || Batch {
        values: (0..BATCH * channels * side * side)
            .map(|i| (i as f32 * 0.37).sin() + (i as f32 * 0.011).cos())
            .collect(),
        shape: [BATCH, channels, side, side],
        labels: (0..BATCH).map(|i| i % classes).collect(),
        targets: Vec::new(),
        mixed: None,
    };
    let mut network = model.network.unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(1.0));
    // The same paths are dropped on both devices.
    let mut stream = SELF_TEST.rng(0, &[]);
    let begun = Instant::now();
    let (loss, grads) = objective.step(&network, batch(), &mut stream)?;
    let loss = scalar(loss);
    let found = state::gradients(&network, &grads);
    network = optimiser.step(1e-4, network, grads);
    let first = begun.elapsed();
    let (mut rounds, begun) = (0usize, Instant::now());
    while begun.elapsed() < room.saturating_sub(first) {
        let (loss, grads) = objective.step(&network, batch(), &mut stream)?;
        network = optimiser.step(1e-4, network, grads);
        scalar(loss);
        rounds += 1;
    }
    let rate = (rounds * BATCH) as f64 / begun.elapsed().as_secs_f64();
    Ok((loss, found, first.as_secs_f64(), rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_agrees_with_itself() {
        let found = selftest(&Device::flex(), Duration::ZERO).unwrap();
        assert!(found.agrees() && found.error == 0.0, "{found:?}");
        let wrong = Found {
            error: f64::NAN,
            ..found
        };
        assert!(!wrong.agrees());
    }
}
