//! The gradients of a loss over one batch: in one go or in micro-batches whose gradients add up,
//! with activations kept or recomputed in the backward pass, with or without tangents. Every
//! objective takes its gradients here.

use super::error::TransferError;
use crate::dataset::loader::Batch;
use crate::model::recompute::gradients as recomputed;
use crate::model::state::{add_gradients, scaled, untracked};
use crate::model::{Dual, Network, Pass};
use crate::suite::training::TrainSettings;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

/// How much of a step is in memory at once. The gradients are the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Number of samples that go through the network at once; 0 = all of the batch.
    pub micro_batch: usize,
    /// Whether activations are computed again in the backward pass instead of being kept.
    pub recompute: bool,
}

impl From<&TrainSettings> for Memory {
    fn from(settings: &TrainSettings) -> Self {
        Self {
            micro_batch: settings.micro_batch,
            recompute: settings.recompute,
        }
    }
}

/// Samples of a batch that go through the network at once.
pub struct MicroBatch {
    /// Samples `[b, C, H, W]` on the plain device.
    pub samples: Tensor<4>,
    /// Labels and targets of the samples; its `values` are empty.
    pub targets: Batch,
    /// Number of samples divided by that of the whole batch, in (0, 1].
    pub share: f64,
}

impl MicroBatch {
    /// A whole batch of samples `[B, C, H, W]` with one label each.
    pub fn labelled(samples: Tensor<4>, labels: Vec<usize>) -> Self {
        let targets = Batch {
            values: Vec::new(),
            shape: samples.dims(),
            labels,
            targets: Vec::new(),
            mixed: None,
        };
        Self {
            samples,
            targets,
            share: 1.0,
        }
    }
}

/// A batch in micro-batches of at most `most` samples (0: whole), on the plain device in `dtype`.
pub fn micro_batches(batch: Batch, most: usize, device: &Device, dtype: DType) -> Vec<MicroBatch> {
    let [total, channels, height, width] = batch.shape;
    let most = if most == 0 { total } else { most.min(total) };
    let (mut all, mut rest) = (Vec::new(), batch);
    while !rest.labels.is_empty() {
        let count = most.clamp(1, rest.labels.len());
        let mut targets = rest;
        rest = targets.split_off(count);
        let values = std::mem::take(&mut targets.values);
        all.push(MicroBatch {
            samples: placed(values, [count, channels, height, width], device, dtype),
            targets,
            share: count as f64 / total as f64,
        });
    }
    all
}

/// Samples `[b, C, H, W]` on a plain device in `dtype`.
pub fn placed(values: Vec<f32>, shape: [usize; 4], device: &Device, dtype: DType) -> Tensor<4> {
    let data = TensorData::new(values, shape).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}

/// The mean loss of a micro-batch: a function of the network's outputs `[b, K]` and of the targets.
pub type Loss<'a> = dyn Fn(Dual<2>, &Batch) -> Result<Dual<1>, TransferError> + 'a;

/// How the network is passed through.
pub enum Mode<'a> {
    /// Deterministically.
    Eval,
    /// With stochastic depth and dropout drawn from the stream.
    Train(&'a mut ChaCha8Rng),
    /// Deterministically, with tangents along this direction of the parameters.
    Along(&'a GradientsParams),
}

/// The gradients of embedder and predictor alone, copied.
pub fn outside_encoder(network: &Network, grads: &GradientsParams) -> GradientsParams {
    let mut own = scaled(&network.embedder, grads, 1.0);
    let predictor = scaled(&network.predictor, grads, 1.0);
    add_gradients(&mut own, predictor, &network.predictor);
    own
}

/// The sum over `parts` of `total` of their losses, weighted by their shares, and its gradients at
/// every tracked parameter of `network`.
///
/// The loss is a tensor of one element: reading it waits for a device that queues its work.
///
/// # Errors
/// What the loss refuses; [`TransferError::Setting`] without a sample.
pub fn gradients(
    network: &Network,
    parts: &[MicroBatch],
    loss: &Loss,
    mut mode: Mode,
    recompute: bool,
    total: &dyn Fn(Dual<1>) -> Tensor<1>,
) -> Result<(Tensor<1>, GradientsParams), TransferError> {
    summed(network, parts, |part| {
        let pass = &mut match &mut mode {
            Mode::Eval => Pass::eval(),
            Mode::Train(stream) => Pass::train(stream),
            Mode::Along(direction) => Pass::eval().along(direction),
        };
        let value = |outputs: Dual<2>| {
            let value = total(loss(outputs, &part.targets)?);
            Ok::<_, TransferError>(if part.share == 1.0 {
                value
            } else {
                value.mul_scalar(part.share)
            })
        };
        if recompute {
            return recomputed(network, part.samples.clone().into(), pass, value);
        }
        let x = Tensor::<4>::from_inner(part.samples.clone());
        let value = value(network.forward(x, pass))?;
        let plain = untracked(value.clone());
        let grads = GradientsParams::from_grads(value.backward(), network);
        Ok((plain, grads))
    })
}

/// The sum over `parts` of what `of` gives: a value, and its gradients at parameters of `network`.
///
/// # Errors
/// What `of` refuses; [`TransferError::Setting`] without a part.
pub fn summed<P>(
    network: &Network,
    parts: impl IntoIterator<Item = P>,
    mut of: impl FnMut(P) -> Result<(Tensor<1>, GradientsParams), TransferError>,
) -> Result<(Tensor<1>, GradientsParams), TransferError> {
    let mut whole: Option<(Tensor<1>, GradientsParams)> = None;
    for part in parts {
        let (value, grads) = of(part)?;
        whole = Some(match whole {
            None => (value, grads),
            Some((before, mut sum)) => {
                add_gradients(&mut sum, grads, network);
                (before + value, sum)
            }
        });
    }
    whole.ok_or_else(|| TransferError::Setting {
        setting: "batch",
        expected: "at least one sample".into(),
        found: "none".into(),
    })
}
