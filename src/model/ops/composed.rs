//! The same operations composed of burn's own: every device, every float type, and the reference
//! that the fused kernels are tested against.

use super::WindowGeometry;
use super::kernel::activation::{Gelu, QUICK};
use super::kernel::attention::REGION_PENALTY;
use crate::model::dual::Dual;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Int, Tensor, TensorData};

/// See [`super::linear`].
pub fn linear(x: Tensor<3>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, tokens, inputs] = x.dims();
    let outputs = w.dims()[0];
    let y = x.reshape([batch * tokens, inputs]).matmul(w.transpose());
    let y = match b {
        Some(b) => y + b.unsqueeze::<2>(),
        None => y,
    };
    y.reshape([batch, tokens, outputs])
}

/// Rows with mean 0 and variance 1, and one over their standard deviations (`ε` inside the root).
pub fn standardise(x: Tensor<3>, epsilon: f64) -> (Tensor<3>, Tensor<3>) {
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    let inverse = variance.add_scalar(epsilon).sqrt().recip();
    (centred * inverse.clone(), inverse)
}

/// See [`super::layer_norm`].
pub fn layer_norm(x: Tensor<3>, gain: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<3> {
    standardise(x, epsilon).0 * gain.unsqueeze::<3>() + bias.unsqueeze::<3>()
}

/// See [`super::gelu`] and [`super::quick_gelu`]. Not burn's own: outside flex its gradient is that of the tanh
/// approximation.
pub fn gelu(kind: Gelu, x: Tensor<3>) -> Tensor<3> {
    match kind {
        Gelu::Exact => x.clone() * cumulative(x),
        Gelu::Quick => x.clone() * sigmoid(x.mul_scalar(QUICK)),
    }
}

/// The normal distribution function Φ.
fn cumulative(x: Tensor<3>) -> Tensor<3> {
    x.mul_scalar(std::f64::consts::FRAC_1_SQRT_2)
        .erf()
        .add_scalar(1.0)
        .mul_scalar(0.5)
}

/// The slope of either GELU: `Φ(x) + x·φ(x)`, `s + c·x·s·(1 − s)` with `s = σ(c·x)`.
pub fn gelu_slope(kind: Gelu, x: Tensor<3>) -> Tensor<3> {
    match kind {
        Gelu::Exact => {
            let density = x
                .clone()
                .square()
                .mul_scalar(-0.5)
                .exp()
                .mul_scalar(1.0 / std::f64::consts::TAU.sqrt());
            cumulative(x.clone()) + x * density
        }
        Gelu::Quick => {
            let s = sigmoid(x.clone().mul_scalar(QUICK));
            let rest = s.clone().neg().add_scalar(1.0);
            s.clone() + x.mul_scalar(QUICK) * s * rest
        }
    }
}

/// Scaled dot-product attention of `[B, heads, n, d]` queries, keys and values; `shift` is applied
/// to the logits `[B, heads, n, n]` and `thin` to the probabilities.
pub fn attend(
    [q, k, v]: [Dual<4>; 3],
    shift: impl FnOnce(Dual<4>) -> Dual<4>,
    thin: impl FnOnce(Dual<4>) -> Dual<4>,
) -> Dual<4> {
    let width = q.dims()[3] as f64;
    let logits = q.mul_scalar(1.0 / width.sqrt()).matmul(k.transpose());
    thin(shift(logits).softmax(3)).matmul(v)
}

/// Queries, keys and values side by side `[B, n, 3C]` → three `[B, heads, n, d]`.
pub fn split_heads(qkv: Dual<3>, heads: usize) -> [Dual<4>; 3] {
    let [batch, n, wide] = qkv.dims();
    let d = wide / 3 / heads;
    let parts = qkv
        .reshape([batch, n, 3, heads, d])
        .permute([2, 0, 3, 1, 4]);
    [0, 1, 2].map(|i| parts.clone().narrow(0, i, 1).reshape([batch, heads, n, d]))
}

/// `[B, heads, n, d]` → `[B, n, C]`.
pub fn join_heads(x: Dual<4>) -> Dual<3> {
    let [batch, heads, n, d] = x.dims();
    x.permute([0, 2, 1, 3]).reshape([batch, n, heads * d])
}

/// See [`super::window_attention`].
pub fn window_attention(qkv: Dual<3>, bias: Option<Dual<3>>, geometry: WindowGeometry) -> Dual<3> {
    let [batch, tokens, wide] = qkv.dims();
    let (device, dtype) = (qkv.device(), qkv.dtype());
    let (n, windows, heads) = (geometry.tokens(), geometry.windows(), geometry.heads);
    let order = geometry.token_index();
    let mut place = vec![0i64; tokens];
    order
        .iter()
        .enumerate()
        .for_each(|(at, &token)| place[token] = at as i64);
    let index = |v: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(v, [tokens]), &device);
    let (order, place) = (
        index(order.iter().map(|&t| t as i64).collect()),
        index(place),
    );
    let gathered = qkv
        .linear(|t| t.select(1, order.clone()))
        .reshape([batch * windows, n, wide]);
    let shift = |mut logits: Dual<4>| {
        if let Some(bias) = bias {
            logits = logits + bias.reshape([1, heads, n, n]);
        }
        if !geometry.is_shifted() {
            return logits;
        }
        let penalty = Tensor::<4>::from_data(
            TensorData::new(penalties(geometry), [1, windows, 1, n * n]),
            (&device, dtype),
        );
        logits
            .reshape([batch, windows, heads, n * n])
            .add_constant(penalty)
            .reshape([batch * windows, heads, n, n])
    };
    join_heads(attend(split_heads(gathered, heads), shift, |p| p))
        .reshape([batch, tokens, wide / 3])
        .linear(|t| t.select(1, place.clone()))
}

/// What is added to the logit of every pair of every window: nothing within a region.
fn penalties(geometry: WindowGeometry) -> Vec<f32> {
    let (n, regions) = (geometry.tokens(), geometry.regions());
    let mut all = Vec::with_capacity(geometry.windows() * n * n);
    for window in regions.chunks_exact(n) {
        for a in window {
            all.extend(
                window
                    .iter()
                    .map(|b| if a == b { 0.0 } else { REGION_PENALTY }),
            );
        }
    }
    all
}
