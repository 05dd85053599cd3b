//! The gate of PaRe (Cai et al., ICML 2024): a linear map and a sigmoid score every embedded patch, and by the scores, or by
//! what is drawn from them, source patches stand in place of target patches ([`super::patches`]).

use super::patches::{Replacement, relaxed_subset};
use crate::model::layers::Linear;
use crate::model::state::untracked;
use crate::model::{Dual, Model, Pass, Tokens};
use crate::random::{PATCH_GATE, PATCH_NOISE};
use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use rand::RngExt;

/// What lies below the scores of all tokens that are no padding.
const PADDING: f64 = 1e6;

/// What trains beside the network.
#[derive(Module, Debug)]
pub struct Heads {
    /// Tokens `[C]` to the logit of a score.
    pub gate: Linear,
    /// Features `[D]` to the source's classes.
    pub predictor: Linear,
}

/// How a part of a batch is mixed, and where it stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// Share of the source's patches.
    pub share: f64,
    /// Temperature at which they are drawn; `None`: those of largest score.
    pub drawn: Option<f64>,
    /// Seed of what is drawn.
    pub seed: u64,
    /// Number of the step.
    pub step: u64,
    /// The part's first sample in the batch.
    pub first: u64,
}

impl Heads {
    /// After a source model, for so many source classes. Both start as PyTorch's linear layers, U(−1/√in, 1/√in).
    pub fn new(source: &Model, classes: usize, seed: u64) -> Self {
        let (shape, place) = (source.config.shape(), source.place());
        Self {
            gate: linear([1, shape.token_width()], &place, (seed, 0)),
            predictor: linear([classes, shape.features()], &place, (seed, 1)),
        }
    }
}

/// The tokens of a target part, on the tracked device, with patches of `source`, on the plain device, in their places; and
/// how many are. Tokens before the grid (a class token) are no patches: the target's stay. Where patches are drawn,
/// gradients reach `gate`, and the target's tokens through their scores.
pub fn mixed(gate: &Linear, target: &Tokens, source: &Tokens, place: Place) -> (Tensor<3>, usize) {
    let (before, whole) = (target.before, target.values.primal.clone());
    let (target, source) = (target.clone().of_grid(), source.clone().of_grid());
    let (patches, count) = mixed_patches(gate, &target, &source, place);
    if before == 0 {
        return (patches, count);
    }
    let first = whole.narrow(1, 0, before);
    (Tensor::cat(vec![first, patches], 1), count)
}

/// The same of tokens that are all patches.
fn mixed_patches(
    gate: &Linear,
    target: &Tokens,
    source: &Tokens,
    place: Place,
) -> (Tensor<3>, usize) {
    let ([_, tokens, _], [_, other, _]) = (target.values.dims(), source.values.dims());
    let count = (place.share * tokens as f64 + 1e-9) as usize;
    let count = count.min(tokens).min(other);
    let primal = |tokens: &Tokens| tokens.values.primal.clone();
    let from = Tensor::from_inner(primal(source));
    let Some(temperature) = place.drawn else {
        let gate = gate.valid();
        let (of_target, of_source) = (scores(&plain(target), &gate), scores(source, &gate));
        let chosen = Replacement::by_scores(of_target, of_source, count);
        return (chosen.apply(primal(target), from, None), count);
    };
    let source = Tokens {
        values: Dual::from(from.clone()),
        keep: source.keep.clone().map(Tensor::from_inner),
        ..source.clone()
    };
    let of_target = noisy(scores(target, gate), place, 0);
    let of_source = noisy(scores(&source, gate), place, 1);
    let of_target = relaxed_subset(of_target, tokens - count, temperature);
    let of_source = relaxed_subset(of_source, count, temperature);
    let read = |drawn: &Tensor<2>| drawn.clone().inner();
    let chosen = Replacement::by_scores(read(&of_target), read(&of_source), count);
    let drawn = Some([of_target, of_source]);
    (chosen.apply(primal(target), from, drawn), count)
}

/// Scores of tokens `[B, N, C]` by a gate, in (0, 1); those of padding lie far below.
fn scores(tokens: &Tokens, gate: &Linear) -> Tensor<2> {
    let [batch, count, _] = tokens.values.dims();
    let values = Dual::from(tokens.values.primal.clone());
    let logits = gate.forward(values, &Pass::eval()).primal;
    let scores = activation::sigmoid(logits.reshape([batch, count]));
    match &tokens.keep {
        Some(keep) => scores + keep.clone().add_scalar(-1.0).mul_scalar(PADDING),
        None => scores,
    }
}

/// Scores `[B, N]` with Gumbel noise. Every sample has a generator: the parts of a batch draw what the whole would. `side`
/// is 0 for the target's patches and 1 for the source's.
fn noisy(scores: Tensor<2>, place: Place, side: u64) -> Tensor<2> {
    let [batch, count] = scores.dims();
    let of_sample = |sample: u64| {
        let numbers = [place.step, place.first + sample, side];
        let mut rng = PATCH_NOISE.rng(place.seed, &numbers);
        let gumbel = move |_| {
            let uniform: f64 = rng.random_range(f64::MIN_POSITIVE..1.0);
            -(-uniform.ln()).ln()
        };
        (0..count).map(gumbel)
    };
    let noise: Vec<f64> = (0..batch as u64).flat_map(of_sample).collect();
    let noise = TensorData::new(noise, [batch, count]).convert_dtype(scores.dtype());
    let noise = Tensor::from_data(noise, (&scores.device(), scores.dtype()));
    scores + noise
}

/// Tokens on the plain device.
pub fn plain(tokens: &Tokens) -> Tokens {
    tokens.moved(
        |values| Dual::from(untracked(values.primal.clone())),
        untracked,
    )
}

/// A linear layer with PyTorch's first values that asks for gradients, `[out, in]`.
fn linear(
    [outputs, inputs]: [usize; 2],
    (device, dtype): &(Device, DType),
    (seed, number): (u64, u64),
) -> Linear {
    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
    let mut rng = PATCH_GATE.rng(seed, &[number]);
    let mut draw = |count: usize| -> Vec<f64> {
        let value = |_| rng.random_range(-bound..bound);
        (0..count).map(value).collect()
    };
    let weight = TensorData::new(draw(outputs * inputs), [outputs, inputs]).convert_dtype(*dtype);
    let bias = TensorData::new(draw(outputs), [outputs]).convert_dtype(*dtype);
    let weight = Tensor::<2>::from_data(weight, (device, *dtype));
    let bias = Tensor::<1>::from_data(bias, (device, *dtype));
    Linear {
        weight: Param::initialized(ParamId::new(), Tensor::from_inner(weight).require_grad()),
        bias: Some(Param::initialized(
            ParamId::new(),
            Tensor::from_inner(bias).require_grad(),
        )),
    }
}
