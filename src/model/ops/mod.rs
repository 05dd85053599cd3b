//! The operations a transformer spends its time in, on values with optional tangents.
//!
//! Each has two forms with one meaning: fused CPU kernels for `f32` on the `flex` device, and a
//! composition of burn's operations for everything else (GPU devices, `f64`). [`plain`] has them
//! for values that stand still, `moving` for those with tangents. Callers see one function and
//! need not know which form ran.

pub mod composed;
mod fused;
pub mod kernel;
mod moving;
pub mod plain;

pub use fused::{AdamWStep, WindowGeometry};
pub use kernel::bf16::Unit;
pub use plain::adamw;

use super::dual::Dual;
use fused::Gelu;

/// `x·wᵀ + b` with `x [B, T, in]`, `w [out, in]` (PyTorch's layout), `b [out]`.
/// Tangent: `ẋ·wᵀ + x·ẇᵀ + ḃ`.
pub fn linear(x: Dual<3>, w: Dual<2>, b: Option<Dual<1>>) -> Dual<3> {
    if x.moves() || w.moves() || b.as_ref().is_some_and(Dual::moves) {
        return moving::linear(x, w, b);
    }
    plain::linear(x.primal, w.primal, b.map(|b| b.primal)).into()
}

/// LayerNorm over the last axis of `x [B, T, C]` with `gain [C]`, `bias [C]`.
/// With `n = (x − μ)/σ` the tangent is `(ẋ − mean ẋ − n·mean(n∘ẋ))/σ ∘ g + n ∘ ġ + ḃ`.
pub fn layer_norm(x: Dual<3>, gain: Dual<1>, bias: Dual<1>, epsilon: f64) -> Dual<3> {
    if x.moves() || gain.moves() || bias.moves() {
        return moving::layer_norm(x, gain, bias, epsilon);
    }
    plain::layer_norm(x.primal, gain.primal, bias.primal, epsilon).into()
}

/// The exact GELU `x·Φ(x)`; tangent `(Φ(x) + x·φ(x)) ∘ ẋ`.
pub fn gelu(x: Dual<3>) -> Dual<3> {
    either_gelu(Gelu::Exact, x)
}

/// The quick GELU `x·σ(1.702 x)` of OpenAI's CLIP; tangent `(s + 1.702 x·s·(1 − s)) ∘ ẋ` with `s = σ(1.702 x)`.
pub fn quick_gelu(x: Dual<3>) -> Dual<3> {
    either_gelu(Gelu::Quick, x)
}

fn either_gelu(kind: Gelu, x: Dual<3>) -> Dual<3> {
    match x.tangent {
        Some(tangent) => moving::gelu(kind, x.primal, tangent),
        None => plain::gelu(kind, x.primal).into(),
    }
}

/// Multi-head attention inside (shifted) windows.
///
/// `qkv [B, H·W, 3C]` holds queries, keys and values of the padded token grid side by side;
/// `bias [heads, n, n]`, if given, is added to the logits of every window of n tokens. Returns
/// `[B, H·W, C]` in the grid's own order: shift, partition and their inverses are done inside.
pub fn window_attention(qkv: Dual<3>, bias: Option<Dual<3>>, geometry: WindowGeometry) -> Dual<3> {
    if qkv.moves() || bias.as_ref().is_some_and(Dual::moves) {
        return moving::window_attention(qkv, bias, geometry);
    }
    plain::window_attention(qkv.primal, bias.map(|b| b.primal), geometry).into()
}

#[cfg(test)]
mod tangent_tests;
#[cfg(test)]
mod tests;
