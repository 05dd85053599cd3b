//! One step of MoNA's stage 1 (Ma et al., ICML 2024; method.md): how the embedder should change so
//! that a fine-tuning step of the whole target model keeps source knowledge.
//!
//! An SGD step θ' = θ − α∇L_inner of the target model is simulated; source samples go through the
//! source embedder and the stepped encoder; their alignment and uniformity are the outer loss. The
//! source path does not contain the embedder φ, so
//!
//! `∇φ L' = ∇φ L_inner − λα (∂²L_inner/∂φ∂θ_f)ᵀ v`, `v = ∇L_outer(θ'_f)`,
//!
//! and with tangents along v one ordinary backward pass of `L_inner − λα·L̇_inner` is all of it.

use super::error::TransferError;
use super::outer::align_uniform;
use crate::manifest::method::{MetaGradient, OuterSign};
use crate::model::state::{add_gradients, constant, moved, norm, scaled, square_norm, untracked};
use crate::model::{Dual, Embedder, Encoder, Network, Pass};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

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

/// One step; fails where the loss refuses its targets. `network` is the tracked target model, `x` the target batch on the plain device and
/// `loss` its task loss; `embedder` is the source model's own.
pub fn step(
    network: &Network,
    x: Tensor<4>,
    loss: &dyn Fn(Dual<2>) -> Result<Dual<1>, TransferError>,
    embedder: &Embedder,
    source: SourceBatch,
    meta: Meta,
) -> Result<Found, TransferError> {
    let x = Tensor::<4>::from_inner(x);
    let pass = &mut Pass::eval();
    let inner = loss(network.forward(x.clone(), pass))?.primal;
    let value = untracked(inner.clone());
    let mut grads = inner.backward();
    let step = GradientsParams::from_module(&mut grads, network);

    let weight = meta.lambda * meta.alpha;
    let follows = meta.how != MetaGradient::FirstOrder && weight != 0.0;

    // v = ∇ L_outer at the stepped encoder; no tape where the outer loss is only measured
    let mut stepped: Encoder = moved(network.encoder.clone(), &step, -meta.alpha);
    if !follows {
        stepped = constant(stepped);
    }
    let source_tokens =
        constant(embedder.clone()).forward(Tensor::from_inner(source.samples), pass);
    let features = stepped.features(source_tokens, pass).primal;
    let [align, uniform] = align_uniform(features, &source.labels);
    let measured = [align.clone(), uniform.clone()].map(untracked);
    let outer = align + uniform;
    let outer = match meta.sign {
        OuterSign::WangIsola => outer,
        OuterSign::Printed => outer.mul_scalar(-1.0),
    };
    let mut found = GradientsParams::new();
    if !follows {
        keep(&mut found, &step, &network.embedder, 1.0);
    } else {
        let v = GradientsParams::from_grads(outer.backward(), &stepped);
        match meta.how {
            MetaGradient::CentralDifference => {
                keep(&mut found, &step, &network.embedder, 1.0);
                let epsilon =
                    meta.difference_step / norm(&network.encoder, &v).max(f64::MIN_POSITIVE);
                for side in [1.0, -1.0] {
                    let grads = at_encoder(network, &v, side * epsilon, &x, loss)?;
                    let share = -weight * side / (2.0 * epsilon);
                    keep(&mut found, &grads, &network.embedder, share);
                }
            }
            _ => {
                let still = Network {
                    embedder: network.embedder.clone(),
                    encoder: constant(network.encoder.clone()),
                    predictor: constant(network.predictor.clone()),
                };
                let dual = loss(still.forward(x, &mut Pass::eval().along(&v)))?;
                let total = match dual.tangent {
                    Some(along) => dual.primal - along.mul_scalar(weight),
                    None => dual.primal,
                };
                found = GradientsParams::from_grads(total.backward(), &network.embedder);
            }
        }
    }
    let mut apart = scaled(&network.embedder, &found, 1.0);
    keep(&mut apart, &step, &network.embedder, -1.0);
    let length = |grads| {
        let square = square_norm(&network.embedder, grads);
        square.map_or_else(|| value.zeros_like(), |square| square.sqrt())
    };
    let outer_share = match follows {
        true => length(&apart) / length(&step).clamp_min(f64::from(f32::MIN_POSITIVE)),
        false => value.zeros_like(),
    };
    let [align, uniform] = measured;
    keep(&mut found, &step, &network.predictor, 1.0);
    Ok(Found {
        measured: Tensor::cat(vec![value, align, uniform, outer_share], 0),
        grads: found,
        step,
    })
}

/// ∇φ L_inner with the encoder at θ + `by`·v.
fn at_encoder(
    network: &Network,
    v: &GradientsParams,
    by: f64,
    x: &Tensor<4>,
    loss: &dyn Fn(Dual<2>) -> Result<Dual<1>, TransferError>,
) -> Result<GradientsParams, TransferError> {
    let beside = Network {
        embedder: network.embedder.clone(),
        encoder: constant(moved(network.encoder.clone(), v, by)),
        predictor: constant(network.predictor.clone()),
    };
    let value = loss(beside.forward(x.clone(), &mut Pass::eval()))?.primal;
    let grads = GradientsParams::from_grads(value.backward(), &network.embedder);
    Ok(grads)
}

/// Adds `share` times the gradients of `module` in `from` to `total`.
fn keep(total: &mut GradientsParams, from: &GradientsParams, module: &impl Module, share: f64) {
    let part = scaled(module, from, share);
    add_gradients(total, part, module);
}
