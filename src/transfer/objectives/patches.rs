//! Patch replacement (PaRe, Cai et al., ICML 2024): k of a target sample's embedded patches make room for k of a source
//! sample's. Which ones a gate's scores say: the source's k largest enter, the target's N − k largest stay.
//!
//! The largest are no smooth function of the scores. To train the gate they are drawn: scores plus Gumbel noise, and the
//! relaxed subset of Xie & Ermon (IJCAI 2019), whose k largest entries are the choice and whose gradients stand for it
//! (straight through).

use burn::tensor::{Int, Tensor, TensorData, activation};

/// Which tokens of every sample of a batch are replaced, and by which.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement {
    /// Places of target tokens, ascending.
    pub replaced: Vec<Vec<usize>>,
    /// Source tokens that stand there, in their own order.
    pub taken: Vec<Vec<usize>>,
}

impl Replacement {
    /// The replacement of `count` tokens by scores `[B, N]` of the target's and `[B, M]` of the source's tokens;
    /// `count` is at most N and M.
    pub fn by_scores(target: Tensor<2>, source: Tensor<2>, count: usize) -> Self {
        let stay = target.dims()[1].saturating_sub(count);
        let leave = |row: &[f64]| {
            let kept = largest(row, stay);
            let stays = |at: &usize| kept.binary_search(at).is_err();
            (0..row.len()).filter(stays).collect()
        };
        Self {
            replaced: rows(target).iter().map(|row| leave(row)).collect(),
            taken: rows(source).iter().map(|row| largest(row, count)).collect(),
        }
    }

    /// The tokens `target [B, N, C]` with those of `source [B, M, C]` in place, on one device. `drawn` are the relaxed
    /// subsets of both, `[B, N]` and `[B, M]`, through which gradients reach the scores of the tokens that are there.
    pub fn apply(
        &self,
        target: Tensor<3>,
        source: Tensor<3>,
        drawn: Option<[Tensor<2>; 2]>,
    ) -> Tensor<3> {
        let [batch, tokens, width] = target.dims();
        let each = source.dims()[1];
        let (device, dtype) = (target.device(), target.dtype());
        let mut stays = vec![1f32; batch * tokens];
        let mut from = vec![0i64; batch * tokens];
        for (sample, (replaced, taken)) in self.replaced.iter().zip(&self.taken).enumerate() {
            for (place, token) in replaced.iter().zip(taken) {
                stays[sample * tokens + place] = 0.0;
                from[sample * tokens + place] = (sample * each + token) as i64;
            }
        }
        let stays = TensorData::new(stays, [batch, tokens]).convert_dtype(dtype);
        let mut stays = Tensor::<2>::from_data(stays, (&device, dtype));
        let mut enters = stays.clone().mul_scalar(-1.0).add_scalar(1.0);
        let from = Tensor::<1, Int>::from_data(TensorData::new(from, [batch * tokens]), &device);
        let placed = source.reshape([batch * each, width]);
        let placed = placed.select(0, from.clone());
        if let Some([of_target, of_source]) = drawn {
            let of_source = of_source.reshape([batch * each]).select(0, from);
            stays = stays * straight(of_target);
            enters = enters * straight(of_source.reshape([batch, tokens]));
        }
        let across = |weights: Tensor<2>| weights.reshape([batch, tokens, 1]);
        target * across(stays) + placed.reshape([batch, tokens, width]) * across(enters)
    }
}

/// The relaxed subset of `count` entries of every row of `scores [B, N]`: a row adds up to `count`, and the lower the
/// temperature the nearer its entries are to 0 and 1. Takes `count` passes over the scores.
pub fn relaxed_subset(scores: Tensor<2>, count: usize, temperature: f64) -> Tensor<2> {
    let (mut keys, mut sum) = (scores.clone(), scores.zeros_like());
    for _ in 0..count {
        let share = activation::softmax(keys.clone().mul_scalar(1.0 / temperature), 1);
        sum = sum + share.clone();
        let rest = share.mul_scalar(-1.0).add_scalar(1.0);
        keys = keys + rest.clamp_min(f64::from(f32::MIN_POSITIVE)).log();
    }
    sum
}

/// One, with the gradient of `value`.
fn straight(value: Tensor<2>) -> Tensor<2> {
    let constant = value.clone().detach();
    (value - constant).add_scalar(1.0)
}

/// The places of the `count` largest values, ascending; of equal ones the first.
fn largest(values: &[f64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(count);
    order.sort_unstable();
    order
}

/// The rows of a matrix in the host's memory.
fn rows(values: Tensor<2>) -> Vec<Vec<f64>> {
    let width = values.dims()[1].max(1);
    let all: Vec<f64> = values.into_data().iter::<f64>().collect();
    all.chunks(width).map(<[f64]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    fn matrix(rows: &[[f64; 4]]) -> Tensor<2> {
        let values: Vec<f64> = rows.concat();
        let data = TensorData::new(values, [rows.len(), 4]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    #[test]
    fn the_largest_stay_and_enter_and_the_first_of_equal_ones() {
        let scores = matrix(&[[0.1, 0.9, 0.5, 0.5], [0.2, 0.2, 0.2, 0.2]]);
        let found = Replacement::by_scores(scores.clone(), scores.clone(), 1);
        assert_eq!(found.replaced, [[0], [3]]);
        assert_eq!(found.taken, [[1], [0]]);
        let nothing = Replacement::by_scores(scores.clone(), scores.clone(), 0);
        assert_eq!(nothing.replaced, [[0; 0], [0; 0]]);
        let all = Replacement::by_scores(scores.clone(), scores, 4);
        assert_eq!(
            (all.replaced.clone(), all.taken.clone()),
            (vec![vec![0, 1, 2, 3]; 2], all.replaced)
        );
    }

    #[test]
    fn at_the_ends_the_tokens_are_all_of_one_side() {
        let tokens = |by: f64| {
            matrix(&[[1.0, 2.0, 3.0, 4.0]; 2])
                .mul_scalar(by)
                .reshape([2, 4, 1])
        };
        let scores = matrix(&[[0.3, 0.1, 0.4, 0.2]; 2]);
        for (count, want) in [
            (0, [1.0, 2.0, 3.0, 4.0]),
            (1, [1.0, 30.0, 3.0, 4.0]),
            (4, [10.0, 20.0, 30.0, 40.0]),
        ] {
            let found = Replacement::by_scores(scores.clone(), scores.clone(), count);
            let mixed = found.apply(tokens(1.0), tokens(10.0), None).into_data();
            let mixed: Vec<f64> = mixed.iter::<f64>().collect();
            assert_eq!(mixed, [want, want].concat(), "{count}");
        }
    }

    #[test]
    fn a_relaxed_subset_has_its_size_and_hardens_when_it_cools() {
        let scores = matrix(&[[0.1, 0.9, 0.4, 0.2]]);
        let of = |temperature| rows(relaxed_subset(scores.clone(), 2, temperature)).concat();
        for temperature in [0.01, 0.9, 5.0] {
            let sum: f64 = of(temperature).iter().sum();
            assert!((sum - 2.0).abs() < 1e-9, "{sum}");
        }
        let cold = of(0.01);
        let want = [0.0, 1.0, 1.0, 0.0];
        assert!(
            cold.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6),
            "{cold:?}"
        );
    }
}
