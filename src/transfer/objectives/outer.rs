//! Outer losses of MoNA: what source features should still be after the simulated steps. All are minimised.
//!
//! * Alignment and uniformity on the unit sphere (Wang & Isola 2020; the signs are our choice, see
//!   docs/method.md), alignment ∈ [0, 4], uniformity ∈ [−8, 0]: MoNA's own.
//! * Supervised contrastive loss (Khosla et al. 2020).
//! * Distance to the features of the pretrained encoder.
//! * Cross-entropy of a fixed linear probe of the pretrained encoder's features.

use super::probe::SourceProbe;
use crate::model::state::untracked;
use crate::transfer::methods::mona::OuterSign;
use burn::tensor::{Tensor, TensorData};

/// Temperature of the supervised contrastive loss, its authors' choice.
const TEMPERATURE: f64 = 0.1;

/// An outer loss with what it needs of the pretrained encoder.
#[derive(Debug, Clone)]
pub enum Outer {
    /// Alignment + uniformity.
    AlignUniform(OuterSign),
    /// Supervised contrastive.
    Contrastive,
    /// Mean squared distance, on the unit sphere, to the pretrained encoder's features of the same
    /// samples `[B, D]`.
    Distance(Box<Tensor<2>>),
    /// Mean cross-entropy of a fixed probe, whose columns are the labels.
    Probe(Box<SourceProbe>),
}

impl Outer {
    /// Alignment and uniformity of features `[B, D]` with their classes, untracked; and the outer loss. One
    /// element each.
    pub fn of(&self, features: Tensor<2>, labels: &[usize]) -> ([Tensor<1>; 2], Tensor<1>) {
        let [align, uniform] = align_uniform(features.clone(), labels);
        let measured = [align.clone(), uniform.clone()].map(untracked);
        let loss = match self {
            Self::AlignUniform(OuterSign::WangIsola) => align + uniform,
            Self::AlignUniform(OuterSign::Printed) => (align + uniform).mul_scalar(-1.0),
            Self::Contrastive => contrastive(features, labels),
            Self::Distance(before) => {
                let apart = on_sphere(features) - placed(on_sphere((**before).clone()), &align);
                let count = apart.dims()[0].max(1) as f64;
                apart.square().sum().mul_scalar(1.0 / count)
            }
            Self::Probe(probe) => probe.loss(features, labels),
        };
        (measured, loss)
    }
}

/// A constant on the device of a loss.
fn placed(value: Tensor<2>, like: &Tensor<1>) -> Tensor<2> {
    if like.device().is_autodiff() && !value.device().is_autodiff() {
        Tensor::from_inner(value)
    } else {
        value
    }
}

/// Rows of length one.
pub(super) fn on_sphere(features: Tensor<2>) -> Tensor<2> {
    let norm = features
        .clone()
        .square()
        .sum_dim(1)
        .add_scalar(1e-24)
        .sqrt();
    features * norm.recip()
}

/// Alignment and uniformity of `features [B, D]`: mean ‖fᵢ−fⱼ‖² over pairs i < j of one class, and
/// log mean e^(−2‖fᵢ−fⱼ‖²) over all pairs. Without a pair of one class alignment is zero.
pub fn align_uniform(features: Tensor<2>, labels: &[usize]) -> [Tensor<1>; 2] {
    let z = on_sphere(features);
    let gram = z.clone().matmul(z.transpose());
    let square = gram.mul_scalar(-2.0).add_scalar(2.0);
    let mask = |keep: &dyn Fn(usize, usize) -> bool| {
        let (mask, count) = pairs(labels.len(), &|i, j| i < j && keep(i, j), &square);
        (mask, 1.0 / count.max(1.0))
    };
    // `mul_scalar`, not `div_scalar`: burn 0.22.1 rounds the gradient of the latter to f32
    let (same, share) = mask(&|i, j| labels[i] == labels[j]);
    let align = (square.clone() * same).sum().mul_scalar(share);
    let (all, share) = mask(&|_, _| true);
    let near = (square.mul_scalar(-2.0).exp() * all).sum();
    [align, near.mul_scalar(share).log()]
}

/// Ones at the pairs that `keep` names, `[n, n]`, and their number.
fn pairs(n: usize, keep: &dyn Fn(usize, usize) -> bool, like: &Tensor<2>) -> (Tensor<2>, f64) {
    let values: Vec<f32> = (0..n * n)
        .map(|at| f32::from(u8::from(keep(at / n, at % n))))
        .collect();
    let count = values.iter().map(|v| f64::from(*v)).sum();
    let data = TensorData::new(values, [n, n]).convert_dtype(like.dtype());
    (
        Tensor::from_data(data, (&like.device(), like.dtype())),
        count,
    )
}

/// The supervised contrastive loss of `features [B, D]`, mean over the samples that have another of their class:
/// `−1/|P(i)| Σ_{p ∈ P(i)} log exp(zᵢ·z_p/τ) / Σ_{a ≠ i} exp(zᵢ·z_a/τ)` (Khosla et al. 2020, equation 2).
fn contrastive(features: Tensor<2>, labels: &[usize]) -> Tensor<1> {
    let z = on_sphere(features);
    let n = labels.len();
    // At most 1/τ: the exponentials need no further shift.
    let logits = z.clone().matmul(z.transpose()).add_scalar(-1.0);
    let logits = logits.mul_scalar(1.0 / TEMPERATURE);
    let (others, _) = pairs(n, &|i, j| i != j, &logits);
    let normaliser = (logits.clone().exp() * others).sum_dim(1).log();
    let log_share = logits - normaliser;
    let positives = |i: usize| (0..n).filter(|&j| j != i && labels[j] == labels[i]).count();
    let counts: Vec<usize> = (0..n).map(positives).collect();
    let anchors = counts.iter().filter(|count| **count > 0).count().max(1);
    let weights: Vec<f32> = (0..n * n)
        .map(|at| (at / n, at % n))
        .map(|(i, j)| {
            if i != j && labels[i] == labels[j] {
                1.0 / (counts[i] * anchors) as f32
            } else {
                0.0
            }
        })
        .collect();
    let data = TensorData::new(weights, [n, n]).convert_dtype(log_share.dtype());
    let weights = Tensor::from_data(data, (&log_share.device(), log_share.dtype()));
    (log_share * weights).sum().mul_scalar(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn features(values: Vec<f64>, rows: usize) -> Tensor<2> {
        let columns = values.len() / rows;
        Tensor::from_data(
            TensorData::new(values, [rows, columns]),
            (&Device::flex(), burn::tensor::DType::F64),
        )
    }

    fn number(value: Tensor<1>) -> f64 {
        value.into_data().iter::<f64>().next().unwrap()
    }

    /// Two classes in the plane, apart by `angle`, each sample beside its class.
    fn plane(angle: f64) -> Tensor<2> {
        let places = [0.0, 0.1, angle, angle + 0.1];
        features(
            places
                .iter()
                .flat_map(|a| [2.0 * a.cos(), 2.0 * a.sin()])
                .collect(),
            4,
        )
    }

    #[test]
    fn contrastive_loss_is_that_of_the_formula() {
        let labels = [0, 0, 1, 1];
        let found = number(contrastive(plane(1.0), &labels));
        let z: Vec<[f64; 2]> = [0.0f64, 0.1, 1.0, 1.1]
            .iter()
            .map(|a| [a.cos(), a.sin()])
            .collect();
        let dot = |i: usize, j: usize| (z[i][0] * z[j][0] + z[i][1] * z[j][1]) / TEMPERATURE;
        let of = |i: usize| {
            let sum: f64 = (0..4).filter(|j| *j != i).map(|j| dot(i, j).exp()).sum();
            let other = i ^ 1;
            -(dot(i, other) - sum.ln())
        };
        let want = (0..4).map(of).sum::<f64>() / 4.0;
        assert!((found - want).abs() < 1e-6, "{found} {want}");
        // Nearer classes cost more; a sample without another of its class costs nothing.
        assert!(number(contrastive(plane(0.3), &labels)) > found);
        assert_eq!(number(contrastive(plane(1.0), &[0, 1, 2, 3])), 0.0);
    }

    #[test]
    fn distance_is_zero_at_the_pretrained_features_whatever_their_length() {
        let outer = Outer::Distance(Box::new(plane(1.0).mul_scalar(3.0)));
        let loss = |features| number(outer.of(features, &[0, 0, 1, 1]).1);
        assert!(loss(plane(1.0)).abs() < 1e-12);
        assert!(loss(plane(1.5)) > 0.1);
    }
}
