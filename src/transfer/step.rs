//! The gradients of one training step: a batch in one go or in parts that add up, with the
//! activations kept or computed again.

use super::loss;
use crate::dataset::loader::Batch;
use crate::manifest::training::TrainSettings;
use crate::model::state::add_gradients;
use crate::model::{Dual, Network, Pass, recompute};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

/// Mean cross-entropy of a batch and its gradients at every tracked parameter of `network`.
///
/// `device` is the plain device. `settings.micro_batch` samples are in memory at once; random
/// choices (dropped paths) come from `stream`.
pub fn gradients(
    network: &Network,
    batch: Batch,
    device: &Device,
    settings: &TrainSettings,
    stream: &mut ChaCha8Rng,
) -> (f64, GradientsParams) {
    let [samples, channels, height, width] = batch.shape;
    let part = match settings.micro_batch {
        0 => samples,
        some => some.min(samples),
    };
    let mut whole = (0.0, GradientsParams::new());
    let mut values = batch.values;
    for labels in batch.labels.chunks(part.max(1)) {
        let rest = values.split_off((labels.len() * channels * height * width).min(values.len()));
        let shape = [labels.len(), channels, height, width];
        let data = TensorData::new(std::mem::replace(&mut values, rest), shape);
        let share = labels.len() as f64 / samples as f64;
        let loss = |outputs: Dual<2>| {
            let mean = loss::cross_entropy(outputs, labels, settings.label_smoothing);
            mean.primal.mul_scalar(share)
        };
        let pass = &mut Pass::train(stream);
        let (value, grads) = if settings.recompute {
            let x = Tensor::<4>::from_data(data, device);
            recompute::gradients(network, x.into(), pass, loss)
        } else {
            let x = Tensor::<4>::from_data(data, &device.clone().autodiff());
            let value = loss(network.forward(x, pass));
            let grads = GradientsParams::from_grads(value.clone().backward(), network);
            (value, grads)
        };
        whole.0 += f64::from(value.into_scalar::<f32>());
        if labels.len() == samples {
            whole.1 = grads;
        } else {
            add_gradients(&mut whole.1, grads, network);
        }
    }
    whole
}
