//! Losses of the task kinds.

use crate::model::Dual;
use burn::tensor::{Tensor, TensorData};

/// Mean cross-entropy of `logits [B, K]` against integer labels, with label smoothing `ε`
/// (Szegedy et al. 2016: target `1 − ε` on the label plus `ε/K` everywhere).
pub fn cross_entropy(logits: Dual<2>, labels: &[usize], smoothing: f64) -> Dual<1> {
    let [batch, classes] = logits.dims();
    let mut target = vec![(smoothing / classes as f64) as f32; batch * classes];
    for (row, &label) in labels.iter().enumerate() {
        target[row * classes + label] += (1.0 - smoothing) as f32;
    }
    let target = Tensor::<2>::from_data(
        TensorData::new(target, [batch, classes]),
        (&logits.device(), logits.dtype()),
    );
    logits
        .log_softmax(1)
        .linear(|t| (t * target.clone()).sum().mul_scalar(-1.0 / batch as f64))
}
