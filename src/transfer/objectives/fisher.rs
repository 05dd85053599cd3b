//! The diagonal of the Fisher information of a pretrained model at its encoder's parameters.

use crate::dataset::loader::gather;
use crate::dataset::{Dataset, labels};
use crate::model::parameters::{Flat, add, flat_gradients};
use crate::model::state::constant;
use crate::model::{Network, Pass};
use crate::random::FISHER;
use crate::strata;
use crate::suite::training::Augmentation;
use crate::transfer::error::TransferError;
use crate::transfer::loss::cross_entropy;
use crate::transfer::step::micro_batches;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::RngExt;

/// `E[(∂ log p(y|x)/∂θ_i)²]` over `samples` samples of `set`, balanced over classes, with y drawn from the model's own
/// probabilities; divided by its mean over all entries. By path; `model` is the source model with its
/// predictor.
///
/// # Errors
/// A model without a predictor, no sample, and what the set refuses to read.
pub fn fisher(
    model: &Network,
    set: &dyn Dataset,
    samples: usize,
    seed: u64,
) -> Result<Flat, TransferError> {
    let wrong = |setting, expected: &str, found: &str| TransferError::Setting {
        setting,
        expected: expected.into(),
        found: found.into(),
    };
    if samples == 0 || set.is_empty() {
        return Err(wrong(
            "ewc.samples",
            "at least 1, and a source set that has them",
            "none",
        ));
    }
    if model.predictor.spec().is_none() {
        return Err(wrong(
            "method ewc",
            "a source model with a predictor, whose probabilities the Fisher information is of",
            "a model without one",
        ));
    }
    let (device, dtype) = model.place();
    let device = device.inner();
    let tracked = Network {
        embedder: constant(model.embedder.clone().train()),
        encoder: model.encoder.clone().unfreeze().train(),
        predictor: constant(model.predictor.clone().train()),
    };
    let chosen = strata::balanced(&labels(set), samples, seed);
    let batch = gather(set, &chosen, &Augmentation::default(), [seed, 0])?;
    let mut rng = FISHER.rng(seed, &[]);
    let mut sum = Flat::new();
    for sample in micro_batches(batch, 1, &device, dtype) {
        let x = Tensor::<4>::from_inner(sample.samples);
        let logits = tracked.forward(x, &mut Pass::eval());
        let scores: Vec<f64> = logits.primal.clone().into_data().iter::<f64>().collect();
        let label = draw(&scores, rng.random_range(0.0..1.0));
        let loss = cross_entropy(logits, &[label], 0.0).primal;
        let grads = GradientsParams::from_grads(loss.backward(), &tracked);
        let squares = flat_gradients(&tracked, &grads).into_iter();
        add(
            &mut sum,
            squares.map(|(path, grad)| (path, grad.square())).collect(),
        );
    }
    let (mut total, mut count) = (0.0, 0usize);
    for value in sum.values() {
        total += value.clone().sum().into_data().iter::<f64>().sum::<f64>();
        count += value.dims()[0];
    }
    let mean = total / count.max(1) as f64;
    let scale = if mean > 0.0 { 1.0 / mean } else { 0.0 };
    Ok(sum
        .into_iter()
        .map(|(path, value)| (path, value.mul_scalar(scale)))
        .collect())
}

/// The class at the place `at`, in [0, 1), of the cumulated probabilities of logits.
fn draw(logits: &[f64], at: f64) -> usize {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let mut left = at * weights.iter().sum::<f64>();
    for (class, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return class;
        }
    }
    logits.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn classes_are_drawn_by_their_probability() {
        let logits = [0.0f64.ln(), 0.25f64.ln(), 0.75f64.ln()];
        let counts = (0..1000).fold([0; 3], |mut counts, i| {
            counts[draw(&logits, f64::from(i) / 1000.0)] += 1;
            counts
        });
        assert_eq!(counts, [0, 250, 750]);
    }
}
