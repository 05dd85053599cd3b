//! The operations a transformer spends its time in, on values with optional tangents.
//!
//! The primal of each has two forms with one meaning ([`plain`]): fused CPU kernels for `f32` on
//! the `flex` device, and a composition of burn's operations for everything else (GPU devices,
//! `f64`). The tangent rules are here, in terms of the same plain operations. Callers see one
//! function and need not know which form ran.

pub mod composed;
mod fused;
pub mod kernel;
pub mod plain;

pub use fused::{AdamWStep, WindowGeometry};
pub use plain::adamw;

use super::dual::{Dual, total};
use burn::tensor::Tensor;

/// `x·wᵀ + b` with `x [B, T, in]`, `w [out, in]` (PyTorch's layout), `b [out]`.
/// Tangent: `ẋ·wᵀ + x·ẇᵀ + ḃ`.
pub fn linear(x: Dual<3>, w: Dual<2>, b: Option<Dual<1>>) -> Dual<3> {
    let (bias, turn) = b.map_or((None, None), |b| (Some(b.primal), b.tangent));
    let moved = x.tangent.map(|t| plain::linear(t, w.primal.clone(), None));
    let turned = match w.tangent {
        Some(t) => Some(plain::linear(x.primal.clone(), t, turn)),
        None => turn.map(|t| {
            let [batch, tokens, _] = x.primal.dims();
            let outputs = t.dims()[0];
            t.reshape([1, 1, outputs]).expand([batch, tokens, outputs])
        }),
    };
    Dual {
        primal: plain::linear(x.primal, w.primal, bias),
        tangent: total(moved, turned),
    }
}

/// LayerNorm over the last axis of `x [B, T, C]` with `gain [C]`, `bias [C]`.
/// With `n = (x − μ)/σ` the tangent is `(ẋ − mean ẋ − n·mean(n∘ẋ))/σ ∘ g + n ∘ ġ + ḃ`.
pub fn layer_norm(x: Dual<3>, gain: Dual<1>, bias: Dual<1>, epsilon: f64) -> Dual<3> {
    let shape = x.dims();
    let primal = plain::layer_norm(x.primal.clone(), gain.primal.clone(), bias.primal, epsilon);
    let row = |t: Tensor<1>| t.unsqueeze::<3>();
    let mut tangent = bias.tangent.map(|t| row(t).expand(shape));
    if x.tangent.is_some() || gain.tangent.is_some() {
        let (normed, inverse) = composed::standardise(x.primal, epsilon);
        let turned = gain.tangent.map(|t| normed.clone() * row(t));
        let moved = x.tangent.map(|t| {
            let centred = t.clone() - t.mean_dim(2);
            let along = (normed.clone() * centred.clone()).mean_dim(2);
            (centred - normed * along) * inverse * row(gain.primal)
        });
        tangent = total(tangent, total(turned, moved));
    }
    Dual { primal, tangent }
}

/// The exact GELU `x·Φ(x)`; tangent `(Φ(x) + x·φ(x)) ∘ ẋ`.
pub fn gelu(x: Dual<3>) -> Dual<3> {
    let tangent = x
        .tangent
        .map(|t| composed::gelu_slope(x.primal.clone()) * t);
    Dual {
        primal: plain::gelu(x.primal),
        tangent,
    }
}

/// Multi-head attention inside (shifted) windows.
///
/// `qkv [B, H·W, 3C]` holds queries, keys and values of the padded token grid side by side;
/// `bias [heads, n, n]`, if given, is added to the logits of every window of n tokens. Returns
/// `[B, H·W, C]` in the grid's own order: shift, partition and their inverses are done inside.
pub fn window_attention(qkv: Dual<3>, bias: Option<Dual<3>>, geometry: WindowGeometry) -> Dual<3> {
    let moves = qkv.tangent.is_some() || bias.as_ref().is_some_and(|b| b.tangent.is_some());
    if moves {
        return composed::window_attention(qkv, bias, geometry);
    }
    plain::window_attention(qkv.primal, bias.map(|b| b.primal), geometry).into()
}

#[cfg(test)]
mod tests;
