//! MoNA's outer loss: alignment and uniformity of source features on the unit sphere (Wang & Isola
//! 2020; the signs are docs/method.md's choice). Both are minimised: alignment ∈ [0, 4], uniformity ∈
//! [−8, 0].

use burn::tensor::{Tensor, TensorData};

/// Alignment and uniformity of `features [B, D]`: mean ‖fᵢ−fⱼ‖² over pairs i < j of one class, and
/// log mean e^(−2‖fᵢ−fⱼ‖²) over all pairs. Without a pair of one class alignment is zero.
pub fn align_uniform(features: Tensor<2>, labels: &[usize]) -> [Tensor<1>; 2] {
    let norm = features
        .clone()
        .square()
        .sum_dim(1)
        .add_scalar(1e-24)
        .sqrt();
    let z = features * norm.recip();
    let gram = z.clone().matmul(z.transpose());
    let square = gram.mul_scalar(-2.0).add_scalar(2.0);
    let n = labels.len();
    let mask = |keep: &dyn Fn(usize, usize) -> bool| {
        let values: Vec<f32> = (0..n * n)
            .map(|at| f32::from(u8::from(at / n < at % n && keep(at / n, at % n))))
            .collect();
        let count: f32 = values.iter().sum();
        let data = TensorData::new(values, [n, n]).convert_dtype(square.dtype());
        let mask = Tensor::<2>::from_data(data, (&square.device(), square.dtype()));
        (mask, 1.0 / f64::from(count.max(1.0)))
    };
    // `mul_scalar`, not `div_scalar`: burn 0.22.1 rounds the gradient of the latter to f32
    let (same, share) = mask(&|i, j| labels[i] == labels[j]);
    let align = (square.clone() * same).sum().mul_scalar(share);
    let (all, share) = mask(&|_, _| true);
    let near = (square.mul_scalar(-2.0).exp() * all).sum();
    [align, near.mul_scalar(share).log()]
}
