//! Attention over whole sequences, as RoBERTa and ViTs have it: one window over all tokens, by the fused kernel where
//! no token is padding and no probability is dropped.

use super::dual::Dual;
use super::ops::{self, WindowGeometry, composed};
use super::pass::Pass;
use burn::tensor::{Tensor, TensorData};

/// The logit of a token that must not be attended to: small, yet finite in half precision.
const PENALTY: f64 = -3e4;

/// Queries, keys and values `[B, T, 3C]` side by side → `[B, T, C]`. `keep [B, T]` is 0 for tokens that nobody attends
/// to; `dropout` is that of probabilities while training.
pub fn whole(
    qkv: Dual<3>,
    heads: usize,
    keep: Option<&Tensor<2>>,
    dropout: f64,
    pass: &mut Pass,
) -> Dual<3> {
    let [batch, tokens, _] = qkv.dims();
    let thins = pass.trains() && dropout > 0.0;
    if keep.is_none() && !thins {
        let geometry = WindowGeometry::sequence(tokens, heads);
        return ops::window_attention(qkv, None, geometry);
    }
    let parts = composed::split_heads(qkv, heads);
    let mask = |logits: Dual<4>| match keep {
        None => logits,
        Some(keep) => {
            let away = keep.clone().sub_scalar(1.0).mul_scalar(-PENALTY);
            logits.add_constant(away.reshape([batch, 1, 1, tokens]))
        }
    };
    let thin = |p: Dual<4>| pass.dropout(p, dropout);
    composed::join_heads(composed::attend(parts, mask, thin))
}

/// The same where a token attends to itself and to those before it alone (Radford et al. 2018).
pub fn causal(qkv: Dual<3>, heads: usize, dropout: f64, pass: &mut Pass) -> Dual<3> {
    let [_, tokens, _] = qkv.dims();
    let later = |at: usize| {
        let (row, column) = (at / tokens % tokens, at % tokens);
        if column > row { PENALTY as f32 } else { 0.0 }
    };
    let penalties = |heads: usize| -> Tensor<3> {
        let values: Vec<f32> = (0..heads * tokens * tokens).map(later).collect();
        let data = TensorData::new(values, [heads, tokens, tokens]);
        Tensor::from_data(data, (&qkv.device(), qkv.dtype()))
    };
    if !(pass.trains() && dropout > 0.0) {
        let bias = penalties(heads);
        let geometry = WindowGeometry::sequence(tokens, heads);
        return ops::window_attention(qkv, Some(bias.into()), geometry);
    }
    let bias = penalties(1).reshape([1, 1, tokens, tokens]);
    let parts = composed::split_heads(qkv, heads);
    let mask = |logits: Dual<4>| logits.add_constant(bias);
    let thin = |p: Dual<4>| pass.dropout(p, dropout);
    composed::join_heads(composed::attend(parts, mask, thin))
}
