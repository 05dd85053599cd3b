//! Distances between embedded source and embedded target that know no classes, as losses of the target's embedder:
//! the maximum mean discrepancy (MMD, Gretton et al., JMLR 2012) and the mean pairwise Euclidean distance. ORCA's
//! authors compare the OTDD with both (Shen et al., ICML 2023).
//!
//! A sample's features are its embedded tokens averaged, as for the OTDD ([`super::transport`]). The source side never
//! changes: it is embedded once.

use super::transport::embedded;
use super::{Objective, Step};
use crate::dataset::loader::Batch;
use crate::dataset::{Dataset, subset};
use crate::model::{Embedder, Network, Pass};
use crate::transfer::error::TransferError;
pub use crate::transfer::methods::orca_mmd::Estimator;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::step::placed;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::Array2;
use std::sync::Arc;

/// Smallest squared distance whose root has a gradient, in units of the features.
const LEAST_SQUARE: f64 = 1e-12;

/// A distance between two sets of features.
#[derive(Debug, Clone)]
pub enum Between {
    /// MMD² with a mean of Gaussian kernels.
    Mmd(Kernel),
    /// Mean ‖x − y‖ over all pairs of a source and a target sample.
    Euclidean,
}

/// `k(x, y) = mean over factors c of exp(−‖x − y‖² / (c σ²))`.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// σ², in squared units of the features; `None`: the (upper) median of the squared distances between all samples of
    /// both sets, a constant of the gradient.
    pub bandwidth: Option<f64>,
    /// c.
    pub factors: Vec<f64>,
    /// How means over pairs within a set are taken.
    pub estimator: Estimator,
}

/// A distance from the embedded source.
pub struct Apart {
    between: Between,
    /// Mean of the source's features `[1, C]`; everything is shifted by it, so that squares cancel less.
    centre: Tensor<2>,
    /// The source's features `[N, C]`, shifted.
    source: Tensor<2>,
    /// Their squared distances among themselves `[N, N]`.
    within: Tensor<2>,
    /// Those of pairs i < j, in the host's memory; empty where no median is asked for.
    known: Vec<f64>,
}

impl Apart {
    /// Embeds at most `samples` samples of `set`, balanced over classes, by the source model's `embedder`.
    ///
    /// # Errors
    /// [`TransferError`] where a sample cannot be read.
    pub fn new(
        embedder: &Embedder,
        set: Arc<dyn Dataset>,
        between: Between,
        samples: usize,
        seed: u64,
    ) -> Result<Self, TransferError> {
        let (rows, _) = embedded(embedder, subset::cap(set, samples, seed))?;
        let (device, dtype) = crate::model::state::place(embedder);
        Ok(Self::of(&rows, between, &device, dtype))
    }

    /// From features `[N, C]`.
    pub fn of(rows: &Array2<f64>, between: Between, device: &Device, dtype: DType) -> Self {
        let data = TensorData::new(rows.iter().copied().collect(), [rows.nrows(), rows.ncols()]);
        let source = Tensor::<2>::from_data(data.convert_dtype(dtype), (device, dtype));
        let centre = source.clone().mean_dim(0);
        let source = source - centre.clone();
        let within = squares(source.clone(), source.clone());
        let known = match &between {
            Between::Mmd(kernel) if kernel.bandwidth.is_none() => upper(within.clone()),
            _ => Vec::new(),
        };
        Self {
            between,
            centre,
            source,
            within,
            known,
        }
    }

    /// The distance of `features [B, C]` on the tracked device, a tensor of one element.
    pub fn loss(&self, features: Tensor<2>) -> Tensor<1> {
        let target = features - Tensor::from_inner(self.centre.clone());
        let across = squares(target.clone(), Tensor::from_inner(self.source.clone()));
        match &self.between {
            Between::Euclidean => mean(across.clamp_min(LEAST_SQUARE).sqrt()),
            Between::Mmd(kernel) => {
                let own = squares(target.clone(), target);
                let bandwidth = kernel.bandwidth.unwrap_or_else(|| {
                    let mut all = self.known.clone();
                    all.extend(upper(own.clone().inner()));
                    all.extend(across.clone().inner().into_data().iter::<f64>());
                    median(all)
                });
                let within = kernel.within(self.within.clone(), bandwidth);
                let of_target = kernel.within(own, bandwidth);
                let across = mean(kernel.of(across, bandwidth));
                Tensor::from_inner(within) + of_target - across.mul_scalar(2.0)
            }
        }
    }
}

impl Kernel {
    /// The kernel of squared distances.
    fn of(&self, squares: Tensor<2>, bandwidth: f64) -> Tensor<2> {
        // `mul_scalar`, not `div_scalar`: burn 0.22.1 rounds the gradient of the latter to f32
        let at = |factor: &f64| {
            let scale = -1.0 / (factor * bandwidth).max(f64::from(f32::MIN_POSITIVE));
            squares.clone().mul_scalar(scale).exp()
        };
        let mut terms = self.factors.iter().map(at);
        let first = terms.next().expect("at least one factor was asked for");
        let sum = terms.fold(first, |sum, term| sum + term);
        sum.mul_scalar(1.0 / self.factors.len() as f64)
    }

    /// Its mean over the pairs of one set, of their squared distances `[N, N]`.
    fn within(&self, squares: Tensor<2>, bandwidth: f64) -> Tensor<1> {
        let count = squares.dims()[0];
        let all = self.of(squares, bandwidth);
        match self.estimator {
            Estimator::Biased => mean(all),
            Estimator::Unbiased => {
                let apart = 1.0 / (count * count.saturating_sub(1)).max(1) as f64;
                let mask: Vec<f32> = (0..count * count)
                    .map(|at| f32::from(u8::from(at / count != at % count)))
                    .collect();
                let mask = TensorData::new(mask, [count, count]).convert_dtype(all.dtype());
                let mask = Tensor::from_data(mask, (&all.device(), all.dtype()));
                (all * mask).sum().mul_scalar(apart)
            }
        }
    }
}

/// Squared distances of the rows of `a [N, C]` and `b [M, C]`, `[N, M]`.
fn squares(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let of_a = a.clone().square().sum_dim(1);
    let of_b = b.clone().square().sum_dim(1).transpose();
    let products = a.matmul(b.transpose()).mul_scalar(-2.0);
    (products + of_a + of_b).clamp_min(0.0)
}

/// The mean of all entries.
fn mean(values: Tensor<2>) -> Tensor<1> {
    let count = values.dims().iter().product::<usize>().max(1);
    values.sum().mul_scalar(1.0 / count as f64)
}

/// The entries of a square matrix above its diagonal.
fn upper(squares: Tensor<2>) -> Vec<f64> {
    let count = squares.dims()[0].max(1);
    let all = squares.into_data();
    let all = all.iter::<f64>().enumerate();
    let above = all.filter(|(at, _)| at / count < at % count);
    above.map(|(_, value)| value).collect()
}

/// The upper median; 1 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 1.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

impl Objective for Apart {
    /// The distance is one of all samples of the batch: there are no micro-batches.
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        _: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (device, dtype) = network.place();
        let x = placed(batch.values, batch.shape, &device.inner(), dtype);
        let tokens = network
            .embedder
            .forward(Tensor::from_inner(x), &mut Pass::eval());
        let loss = self.loss(tokens.pool().primal);
        let plain = loss.clone().inner();
        let grads = GradientsParams::from_grads(loss.backward(), &network.embedder);
        Ok((Reading::Device(Box::new(plain)), grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        record.distance = Some(means[0]);
    }
}
