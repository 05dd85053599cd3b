//! One step of MoNA's stage 1 (Ma et al., ICML 2024; docs/method.md): how the embedder should change so
//! that a fine-tuning step of the whole target model keeps source knowledge.
//!
//! An SGD step θ' = θ − α∇L_inner of the target model is simulated; source samples go through the
//! source embedder and the stepped encoder; their alignment and uniformity are the outer loss. The
//! source path does not contain the embedder φ, so
//!
//! `∇φ L' = ∇φ L_inner − λα (∂²L_inner/∂φ∂θ_f)ᵀ v`, `v = ∇L_outer(θ'_f)`,
//!
//! and with tangents along v one ordinary backward pass of `L_inner − λα·L̇_inner` is all of it.

use super::outer::Outer;
use crate::dataset::loader::Batch;
use crate::model::state::{add_gradients, constant, moved, norm, scaled, square_norm, untracked};
use crate::model::{Dual, Embedder, Encoder, Network, Pass, Predictor, recompute};
use crate::transfer::error::TransferError;
pub use crate::transfer::methods::mona::{MetaGradient, OuterSign};
use crate::transfer::step::{self, Loss, Memory, MicroBatch, Mode};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor};

/// What a step needs beside its batches, all values set.
#[derive(Debug, Clone, Copy)]
pub struct Meta {
    /// Weight of the outer loss.
    pub lambda: f64,
    /// Size of the simulated step.
    pub alpha: f64,
    /// Orientation of the outer loss.
    pub sign: OuterSign,
    /// How the meta-gradient is computed.
    pub how: MetaGradient,
    /// Distance of a central difference's points, in units of 1/‖v‖.
    pub difference_step: f64,
}

/// What a step found.
pub struct Found {
    /// `[4]`, not read from the device yet: L_inner; alignment and uniformity of the source batch after
    /// the simulated step; and ‖λα (∂²L_inner/∂φ∂θ_f)ᵀ v‖ / ‖∇φ L_inner‖, how much the outer loss has
    /// to say. Where the last is next to nothing, the step is that of `emb`.
    pub measured: Tensor<1>,
    /// ∇φ L' at the embedder, ∇ L_inner at the predictor.
    pub grads: GradientsParams,
    /// ∇ L_inner at every parameter: the simulated step.
    pub step: GradientsParams,
}

/// A labelled source batch.
pub struct SourceBatch {
    /// Samples `[B, C, H, W]` on the plain device.
    pub samples: Tensor<4>,
    /// Their classes.
    pub labels: Vec<usize>,
}

impl SourceBatch {
    /// A drawn batch, its samples on the plain device in `dtype`.
    pub fn of(drawn: Batch, device: &Device, dtype: DType) -> Self {
        Self {
            samples: step::placed(drawn.values, drawn.shape, device, dtype),
            labels: drawn.labels,
        }
    }
}

/// One step. `network` is the tracked target model, `parts` the target batch with its mean task `loss`;
/// `embedder` is the source model's own.
///
/// Micro-batches add up: the task loss is a mean over samples, and so is its tangent. The outer loss
/// couples all source samples; its gradient at their features is taken first, and each part of them is
/// then sent through the encoder once more with that gradient (GradCache, Gao et al. 2021).
///
/// # Errors
/// What `loss` refuses.
pub fn meta_step(
    network: &Network,
    parts: &[MicroBatch],
    loss: &Loss,
    embedder: &Embedder,
    source: SourceBatch,
    meta: Meta,
    memory: Memory,
) -> Result<Found, TransferError> {
    let primal = |dual: Dual<1>| dual.primal;
    let recomputes = memory.recompute;
    let (value, step) = step::gradients(network, parts, loss, Mode::Eval, recomputes, &primal)?;

    let weight = meta.lambda * meta.alpha;
    let follows = meta.how != MetaGradient::FirstOrder && weight != 0.0;

    // no tape where the outer loss is only measured
    let mut stepped: Encoder = moved(network.encoder.clone(), &step, -meta.alpha);
    if !follows {
        stepped = constant(stepped);
    }
    let outer = Outer::AlignUniform(meta.sign);
    let outer = |features: Tensor<2>| outer.of(features, &source.labels);
    let still = Network {
        embedder: constant(embedder.clone()),
        encoder: stepped,
        predictor: Predictor::absent(),
    };
    let (measured, v) = outer_gradient(&still, source.samples, &outer, follows, memory)?;
    let mut found = GradientsParams::new();
    match v {
        None => keep(&mut found, &step, &network.embedder, 1.0),
        Some(v) if meta.how == MetaGradient::CentralDifference => {
            keep(&mut found, &step, &network.embedder, 1.0);
            let epsilon = meta.difference_step / norm(&network.encoder, &v).max(f64::MIN_POSITIVE);
            for side in [1.0, -1.0] {
                let beside = Network {
                    embedder: network.embedder.clone(),
                    encoder: constant(moved(network.encoder.clone(), &v, side * epsilon)),
                    predictor: constant(network.predictor.clone()),
                };
                let (_, grads) =
                    step::gradients(&beside, parts, loss, Mode::Eval, recomputes, &primal)?;
                let share = -weight * side / (2.0 * epsilon);
                keep(&mut found, &grads, &network.embedder, share);
            }
        }
        Some(v) => {
            let still = Network {
                embedder: network.embedder.clone(),
                encoder: constant(network.encoder.clone()),
                predictor: constant(network.predictor.clone()),
            };
            let total = |dual: Dual<1>| match dual.tangent {
                Some(along) => dual.primal - along.mul_scalar(weight),
                None => dual.primal,
            };
            let along = Mode::Along(&v);
            let (_, grads) = step::gradients(&still, parts, loss, along, recomputes, &total)?;
            keep(&mut found, &grads, &network.embedder, 1.0);
        }
    }
    let mut apart = scaled(&network.embedder, &found, 1.0);
    keep(&mut apart, &step, &network.embedder, -1.0);
    let length = |grads| {
        let square = square_norm(&network.embedder, grads);
        square.map_or_else(|| value.zeros_like(), |square| square.sqrt())
    };
    let outer_share = if follows {
        length(&apart) / length(&step).clamp_min(f64::from(f32::MIN_POSITIVE))
    } else {
        value.zeros_like()
    };
    let [align, uniform, _] = measured;
    keep(&mut found, &step, &network.predictor, 1.0);
    Ok(Found {
        measured: Tensor::cat(vec![value, align, uniform, outer_share], 0),
        grads: found,
        step,
    })
}

/// Alignment, uniformity and the outer loss of the source samples through `stepped` (embedder, encoder, no
/// predictor), and, where the outer loss `follows`, its gradient at the encoder.
pub(super) fn outer_gradient(
    stepped: &Network,
    samples: Tensor<4>,
    outer: &dyn Fn(Tensor<2>) -> ([Tensor<1>; 2], Tensor<1>),
    follows: bool,
    memory: Memory,
) -> Result<([Tensor<1>; 3], Option<GradientsParams>), TransferError> {
    let count = samples.dims()[0];
    let part = if memory.micro_batch == 0 {
        count
    } else {
        memory.micro_batch.min(count)
    };
    if part == count && !memory.recompute {
        let x = Tensor::<4>::from_inner(samples);
        let features = stepped.forward(x, &mut Pass::eval()).primal;
        let ([align, uniform], outer) = outer(features);
        let measured = [align, uniform, untracked(outer.clone())];
        let v = follows.then(|| GradientsParams::from_grads(outer.backward(), &stepped.encoder));
        return Ok((measured, v));
    }
    let cut = |first: usize| samples.clone().narrow(0, first, part.min(count - first));
    let starts = (0..count).step_by(part.max(1));
    let plain = stepped.valid();
    let features = starts
        .clone()
        .map(|first| plain.forward(cut(first), &mut Pass::eval()).primal);
    let features = Tensor::cat(features.collect(), 0);
    let leaf = Tensor::<2>::from_inner(features).require_grad();
    let ([align, uniform], outer) = outer(leaf.clone());
    let measured = [align, uniform, untracked(outer.clone())];
    if !follows {
        return Ok((measured, None));
    }
    let Some(slope) = leaf.grad(&outer.backward()) else {
        return Ok((measured, Some(GradientsParams::new())));
    };
    let mut v = GradientsParams::new();
    for first in starts {
        let x = cut(first);
        let slope = slope.clone().narrow(0, first, x.dims()[0]);
        let value = |features: Dual<2>| {
            Ok::<_, TransferError>((features.primal * Tensor::from_inner(slope)).sum())
        };
        let pass = &mut Pass::eval();
        let grads = if memory.recompute {
            recompute::gradients(stepped, x.into(), pass, value)?.1
        } else {
            let features = stepped.forward(Tensor::<4>::from_inner(x), pass);
            GradientsParams::from_grads(value(features)?.backward(), &stepped.encoder)
        };
        add_gradients(&mut v, grads, &stepped.encoder);
    }
    Ok((measured, Some(v)))
}

/// Adds `share` times the gradients of `module` in `from` to `total`.
fn keep(total: &mut GradientsParams, from: &GradientsParams, module: &impl Module, share: f64) {
    let part = scaled(module, from, share);
    add_gradients(total, part, module);
}
