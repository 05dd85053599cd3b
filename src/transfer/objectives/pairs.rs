//! Losses of image–text pairs, of the scores `S[i, j]` (cosines) of every image i with every text j of a batch; pair i is
//! `S[i, i]`.
//!
//! Source: HarMA (Huang et al., ICLR 2024 workshop), as its released code computes them: the contrastive loss with soft
//! positives and a learnt temperature, and the adaptive triplet loss, whose weights are not detached.

use crate::transfer::TransferError;
use burn::tensor::{Tensor, TensorData};

/// Which pairs of a batch belong to the same image: `ids` name the images of the rows, as those of the columns.
#[derive(Debug, Clone)]
pub struct SameImage {
    ids: Vec<i64>,
}

impl SameImage {
    /// By the ids of the images.
    pub fn of(ids: Vec<i64>) -> Self {
        Self { ids }
    }

    /// Every pair of its own image.
    pub fn never(pairs: usize) -> Self {
        Self {
            ids: (0..pairs as i64).collect(),
        }
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// A number for every pair (image, text) `[N, N]`, like `scores`.
    fn matrix(&self, scores: &Tensor<2>, value: impl Fn(usize, usize, bool) -> f64) -> Tensor<2> {
        let n = self.ids.len();
        let all = (0..n * n).map(|at| {
            let (i, j) = (at / n, at % n);
            value(i, j, self.ids[i] == self.ids[j])
        });
        let data = TensorData::new(all.collect::<Vec<f64>>(), [n, n]);
        let (device, dtype) = (scores.device(), scores.dtype());
        Tensor::from_data(data.convert_dtype(dtype), (&device, dtype))
    }

    fn check(&self, scores: &Tensor<2>) -> Result<usize, TransferError> {
        let n = self.ids.len();
        if n > 0 && scores.dims() == [n, n] {
            return Ok(n);
        }
        Err(TransferError::Setting {
            setting: "scores of pairs",
            expected: format!("[{n}, {n}], one row and one column a pair, at least one"),
            found: format!("{:?}", scores.dims()),
        })
    }
}

/// The contrastive loss: mean cross-entropy of the softmax of `S/τ` over texts, and of its transpose over images, each
/// against the pairs of the same image in equal shares; the mean of both. `temperature [1]` is τ.
///
/// # Errors
/// [`TransferError::Setting`] unless there is a row and a column for every pair.
pub fn contrastive(
    scores: Tensor<2>,
    temperature: Tensor<1>,
    same: &SameImage,
) -> Result<Tensor<1>, TransferError> {
    let n = same.check(&scores)?;
    let mut counts = vec![0.0_f64; n];
    for (i, count) in counts.iter_mut().enumerate() {
        *count = same.ids.iter().filter(|id| **id == same.ids[i]).count() as f64;
    }
    let share = |i: usize, _: usize, same: bool| if same { 1.0 / counts[i] } else { 0.0 };
    let target = same.matrix(&scores, share);
    let logits = scores * temperature.recip().reshape([1, 1]);
    let one_way = |logits: Tensor<2>| {
        let log = burn::tensor::activation::log_softmax(logits, 1);
        (log * target.clone()).sum().mul_scalar(-1.0 / n as f64)
    };
    let both = one_way(logits.clone()) + one_way(logits.transpose());
    Ok(both.mul_scalar(0.5))
}

/// Settings of the adaptive triplet loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Triplet {
    /// By how much a pair's score is to be above those of others.
    pub margin: f64,
    /// Exponent γ of the weights: 0, which leaves them out, or at least 1, as the slope of smaller ones at a cost of 0 is
    /// not finite.
    pub gamma: f64,
    /// Whether other texts of the same image count as negatives, as in the released code.
    pub same_image: bool,
}

impl Default for Triplet {
    fn default() -> Self {
        Self {
            margin: 0.2,
            gamma: 2.0,
            same_image: true,
        }
    }
}

/// The adaptive triplet loss: ½ Σ w·c over the costs `c = max(0, margin + S_ij − S_ii)` and
/// `max(0, margin + S_ij − S_jj)` of all i ≠ j, with `w = (1 − e^(−c))^γ`, through which gradients flow. A sum: it grows with
/// the square of the batch, and is 0 for a batch of one.
///
/// # Errors
/// As [`contrastive`].
pub fn adaptive_triplet(
    scores: Tensor<2>,
    same: &SameImage,
    settings: Triplet,
) -> Result<Tensor<1>, TransferError> {
    let n = same.check(&scores)?;
    let counts = |i: usize, j: usize, same: bool| {
        f64::from(u8::from(i != j && (settings.same_image || !same)))
    };
    let negative = same.matrix(&scores, counts);
    let diagonal = same.matrix(&scores, |i, j, _| f64::from(u8::from(i == j)));
    let own = (scores.clone() * diagonal).sum_dim(1);
    let cost = |own: Tensor<2>| {
        let c = (scores.clone() - own).add_scalar(settings.margin);
        let c = burn::tensor::activation::relu(c) * negative.clone();
        let rise = c.clone().neg().exp().neg().add_scalar(1.0);
        let weighted = match settings.gamma {
            0.0 => c,
            2.0 => rise.clone() * rise * c,
            other => rise.powf_scalar(other) * c,
        };
        weighted.sum()
    };
    let rows = cost(own.clone());
    let columns = cost(own.reshape([1, n]));
    Ok((rows + columns).mul_scalar(0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn scores(values: &[f64], n: usize) -> Tensor<2> {
        let data = TensorData::new(values.to_vec(), [n, n]);
        Tensor::from_data(data, (&Device::flex(), burn::tensor::DType::F64))
    }

    fn value(loss: Tensor<1>) -> f64 {
        crate::model::state::scalar(loss)
    }

    #[test]
    fn one_pair_has_no_triplet() {
        let same = SameImage::never(1);
        let loss = adaptive_triplet(scores(&[0.3], 1), &same, Triplet::default()).unwrap();
        assert_eq!(value(loss), 0.0);
        let temperature = scores(&[0.07], 1).reshape([1]);
        let loss = contrastive(scores(&[0.3], 1), temperature, &same);
        assert_eq!(value(loss.unwrap()), 0.0);
    }

    #[test]
    fn slopes_are_finite_at_every_exponent_that_is_taken() {
        for gamma in [0.0, 1.0, 2.0, 3.0] {
            let s = scores(&[0.9, 0.1, 0.85, 0.7], 2).autodiff().require_grad();
            let settings = Triplet {
                gamma,
                ..Triplet::default()
            };
            let loss = adaptive_triplet(s.clone(), &SameImage::never(2), settings).unwrap();
            // Of image 1 text 0 costs 0.2 + 0.85 − 0.7 = 0.35, of text 0 image 1 costs 0.2 + 0.85 − 0.9 = 0.15.
            let w = |c: f64| (1.0 - (-c).exp()).powf(gamma) * c;
            let expected = 0.5 * (w(0.35) + w(0.15));
            assert!((value(loss.clone().inner()) - expected).abs() < 1e-12);
            let slopes = s.grad(&loss.backward()).unwrap().into_data();
            assert!(slopes.iter::<f64>().all(f64::is_finite), "{gamma}");
        }
    }

    #[test]
    fn three_by_three_is_that_by_hand() {
        // Of image 0: text 1 costs 0.2 + 0.8 − 0.9 = 0.1; of image 1: text 2 costs 0.2 + 0.6 − 0.5 = 0.3.
        let s = scores(&[0.9, 0.8, 0.1, 0.3, 0.5, 0.6, 0.2, 0.4, 0.7], 3);
        let w = |c: f64| (1.0 - (-c).exp()).powi(2) * c;
        // By columns: text 1 of images 0 (0.2 + 0.8 − 0.5) and 2 (0.2 + 0.4 − 0.5); text 2 of image 1 (0.2 + 0.6 − 0.7).
        let expected = 0.5 * (w(0.1) + w(0.3) + w(0.5) + w(0.1) + w(0.1));
        let loss = adaptive_triplet(s.clone(), &SameImage::never(3), Triplet::default()).unwrap();
        assert!((value(loss) - expected).abs() < 1e-14);
        // The same image's other texts may be left out.
        let settings = Triplet {
            same_image: false,
            ..Triplet::default()
        };
        let same = SameImage::of(vec![7, 7, 1]);
        let expected = 0.5 * (w(0.3) + w(0.1) + w(0.1));
        let loss = adaptive_triplet(s, &same, settings).unwrap();
        assert!((value(loss) - expected).abs() < 1e-14);
    }

    #[test]
    fn scores_of_another_shape_are_refused() {
        let same = SameImage::never(2);
        assert!(adaptive_triplet(scores(&[0.0; 9], 3), &same, Triplet::default()).is_err());
        let none = SameImage::never(0);
        assert!(none.is_empty());
        assert!(adaptive_triplet(scores(&[], 0), &none, Triplet::default()).is_err());
    }
}
