//! The gradient of an outer loss through K simulated inner steps, plain or preconditioned, exactly
//! (docs/method.md, "More than one inner step").
//!
//! The state s = (φ, θ, h) (embedder, encoder, predictor) takes K steps
//! `s_{k+1} = s_k − α P ∘ ∇L_inner(batch_k; s_k)` in what the scope moves. With `u_K = (0, ∇L_outer(θ_K), 0)` the
//! chain rule is the recursion `u_k = u_{k+1} − α H_k (P ∘ u_{k+1})`, H_k the Hessian of the inner loss at s_k:
//! each product is the gradient of the loss's tangent along P ∘ u, one dual pass, whose backward pass
//! gives all parts of the state at once. The φ part of u_0 is ∇_φ L_outer(θ_K); where φ does not move, it
//! collects the mixed second derivatives of every step.

use super::meta_step::{SourceBatch, outer_gradient};
use super::outer::Outer;
use crate::model::state::{add_gradients, constant, moved, scaled, times};
use crate::model::{Dual, Embedder, Network, Predictor};
use crate::transfer::error::TransferError;
use crate::transfer::methods::mona::InnerScope;
use crate::transfer::step::{self, Loss, Memory, MicroBatch, Mode};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// How inner steps go.
#[derive(Clone, Copy)]
pub struct Inner<'a> {
    /// What they move.
    pub scope: InnerScope,
    /// α: their length.
    pub alpha: f64,
    /// P: a positive factor for every entry of every gradient, a constant of the outer step; 1 without it.
    pub precondition: Option<&'a GradientsParams>,
}

/// What the inner steps and the outer loss give.
pub struct Unrolled {
    /// `L_inner(batch_0; s_0)`, a tensor of one element.
    pub inner: Tensor<1>,
    /// Its gradients at every parameter.
    pub inner_gradients: GradientsParams,
    /// Alignment and uniformity of the source batch through θ_K, and the outer loss, one element each.
    pub outer: [Tensor<1>; 3],
    /// Gradients of the outer loss at the embedder φ; none where the outer loss is only measured.
    pub outer_gradients: GradientsParams,
    /// Σ P ∘ ∇L_inner: s_K is s_0 minus α times it.
    pub path: GradientsParams,
}

/// Simulates one inner step a batch of `batches`, each with its mean task `loss`, from the tracked target model
/// `network`; `start` is the loss of the first batch there, with its gradients at every parameter, and
/// `embedder` the source model's own. With `follows` the gradient of the outer loss is taken.
///
/// An inner step costs a training step, a product with a Hessian about two. K sets of what moves are in memory; with
/// recomputation about 2√K, each of the others taken again from the last one that is kept (K inner steps more).
///
/// # Errors
/// What `loss` refuses.
#[allow(clippy::too_many_arguments)] // one caller, all of them distinct
pub fn unrolled(
    network: &Network,
    batches: &[Vec<MicroBatch>],
    (value, inner_gradients): (Tensor<1>, GradientsParams),
    loss: &Loss,
    embedder: &Embedder,
    source: SourceBatch,
    outer: &Outer,
    inner: Inner,
    follows: bool,
    memory: Memory,
) -> Result<Unrolled, TransferError> {
    let recomputes = memory.recompute;
    let primal = |dual: Dual<1>| dual.primal;
    // P ∘ ∇L_inner(batch_k; s_k).
    let step_at = |here: &Network, k: usize| {
        if k == 0 {
            return Ok(inner.preconditioned(network, &inner_gradients));
        }
        let here = inner.moving(here);
        let found = step::gradients(&here, &batches[k], loss, Mode::Eval, recomputes, &primal);
        found.map(|(_, step)| inner.preconditioned(network, &step))
    };
    let next = |here: Network, step: &_| advanced(here, inner.scope, step, inner.alpha);
    let count = batches.len();
    let every = if recomputes { root(count) } else { 1 };
    // Every so manyth of s_0 … s_{K−1}, and s_K.
    let (mut kept, mut last) = (Vec::new(), network.clone());
    let mut path = GradientsParams::new();
    for k in 0..count {
        let step = step_at(&last, k)?;
        let after = next(last.clone(), &step);
        let before = std::mem::replace(&mut last, after);
        if follows && k % every == 0 {
            kept.push(before);
        }
        add_gradients(&mut path, step, network);
    }

    let still = Network {
        embedder: constant(embedder.clone()),
        encoder: if follows {
            last.encoder
        } else {
            constant(last.encoder)
        },
        predictor: Predictor::absent(),
    };
    let of = |features| outer.of(features, &source.labels);
    let (measured, slope) = outer_gradient(&still, source.samples, &of, follows, memory)?;
    let mut slope = slope.unwrap_or_default();
    while let Some(first) = kept.pop() {
        let begin = kept.len() * every;
        let mut states = vec![first];
        for k in begin + 1..(begin + every).min(count) {
            let before = states[states.len() - 1].clone();
            let step = step_at(&before, k - 1)?;
            states.push(next(before, &step));
        }
        while let Some(here) = states.pop() {
            let k = begin + states.len();
            let direction = inner.preconditioned(network, &slope);
            // Of s_0 only the embedder's part is asked for.
            let here = if k == 0 {
                embedder_alone(&here)
            } else {
                inner.moving_and_embedder(&here)
            };
            let along = Mode::Along(&direction);
            let product = step::gradients(&here, &batches[k], loss, along, recomputes, &tangent)?;
            let product = scaled(network, &product.1, -inner.alpha);
            add_gradients(&mut slope, product, network);
        }
    }
    Ok(Unrolled {
        inner: value,
        inner_gradients,
        outer: measured,
        outer_gradients: scaled(&network.embedder, &slope, 1.0),
        path,
    })
}

/// The least whole number whose square is at least `count`.
fn root(count: usize) -> usize {
    (1..)
        .find(|side| side * side >= count)
        .expect("squares grow without bound")
}

/// The tangent of a loss; zero where the loss does not depend on what moves.
fn tangent(loss: Dual<1>) -> Tensor<1> {
    match loss.tangent {
        Some(tangent) => tangent,
        None => loss.primal.mul_scalar(0.0),
    }
}

/// The state with gradients in the embedder.
fn embedder_alone(here: &Network) -> Network {
    Network {
        embedder: here.embedder.clone(),
        encoder: constant(here.encoder.clone()),
        predictor: constant(here.predictor.clone()),
    }
}

/// The network after a step of length `alpha` along −`step` in what `scope` moves.
pub fn advanced(
    mut network: Network,
    scope: InnerScope,
    step: &GradientsParams,
    alpha: f64,
) -> Network {
    network.encoder = moved(network.encoder, step, -alpha);
    if scope.moves_predictor() {
        network.predictor = moved(network.predictor, step, -alpha);
    }
    if scope.moves_embedder() {
        network.embedder = moved(network.embedder, step, -alpha);
    }
    network
}

impl Inner<'_> {
    /// P ∘ `grads` in what the steps move.
    pub(super) fn preconditioned(
        &self,
        network: &Network,
        grads: &GradientsParams,
    ) -> GradientsParams {
        let mut all = times(&network.encoder, grads, self.precondition);
        if self.scope.moves_predictor() {
            let part = times(&network.predictor, grads, self.precondition);
            add_gradients(&mut all, part, &network.predictor);
        }
        if self.scope.moves_embedder() {
            let part = times(&network.embedder, grads, self.precondition);
            add_gradients(&mut all, part, &network.embedder);
        }
        all
    }

    /// The state with gradients only in what the steps move.
    fn moving(&self, here: &Network) -> Network {
        let mut here = here.clone();
        if !self.scope.moves_predictor() {
            here.predictor = constant(here.predictor);
        }
        if !self.scope.moves_embedder() {
            here.embedder = constant(here.embedder);
        }
        here
    }

    /// The state with gradients in what the steps move and in the embedder.
    fn moving_and_embedder(&self, here: &Network) -> Network {
        let mut here = here.clone();
        if !self.scope.moves_predictor() {
            here.predictor = constant(here.predictor);
        }
        here
    }
}
