//! The optimal transport dataset distance (OTDD, Alvarez-Melis & Fusi 2020) between embedded source and
//! embedded target, as datasets with labels, and its gradient at the target's embedder: what ORCA's
//! stage 1 minimises (Shen et al., ICML 2023).
//!
//! A sample's features are its embedded tokens averaged. The source side never changes: it is
//! embedded once, and its distances among itself are computed once. The measure gives the gradient
//! at the features; burn carries it on to the embedder.

use super::{Objective, Step};
use crate::dataset::loader::{Batch, Order, batches};
use crate::dataset::{self, Dataset, subset};
use crate::feature::samples_at_once;
use crate::measure::Samples;
use crate::measure::otdd::{Inner, OtddParams, Source, ValidOtddParams};
use crate::model::{Embedder, Network, Pass, state};
use crate::transfer::error::TransferError;
use crate::transfer::methods::orca::{InnerDistance, TransportSettings};
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::step::placed;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::Array2;
use std::sync::Arc;

/// The source side of the distance, and how it is measured.
pub struct Distance {
    source: Source,
}

impl Distance {
    /// Embeds a balanced part of `set` by the source model's `embedder`.
    pub fn new(
        embedder: &Embedder,
        set: Arc<dyn Dataset>,
        settings: &TransportSettings,
        seed: u64,
    ) -> Result<Self, TransferError> {
        let params = otdd_params(settings, seed)?;
        let set = subset::cap(set, settings.source_samples, seed);
        let (rows, labels) = embedded(embedder, set.clone())?;
        let samples = Samples::new(rows.view(), &labels, set.classes().len())?;
        Ok(Self {
            source: Source::new(&samples, &params)?,
        })
    }

    /// Distance to a target batch (on the plain device) and 1 if it converged, with the gradient
    /// at the tracked `embedder`.
    pub fn step(
        &self,
        embedder: &Embedder,
        x: Tensor<4>,
        labels: &[usize],
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let tokens = embedder.forward(Tensor::<4>::from_inner(x), &mut Pass::eval());
        let features = tokens.pool().primal;
        let rows = matrix(values(features.clone().inner()), labels.len());
        let classes = labels.iter().max().map_or(0, |l| l + 1);
        let samples = Samples::new(rows.view(), labels, classes)?;
        let (found, slope) = self.source.distance_and_gradient(&samples)?;
        let shape = [slope.nrows(), slope.ncols()];
        let slope: Vec<f64> = slope.iter().copied().collect();
        let data = TensorData::new(slope, shape).convert_dtype(features.dtype());
        let slope = Tensor::<2>::from_data(data, (&features.device(), features.dtype()));
        let grads = GradientsParams::from_grads((features * slope).sum().backward(), embedder);
        let converged = f64::from(u8::from(found.converged));
        Ok((Reading::Host(vec![found.value, converged]), grads))
    }
}

impl Objective for Distance {
    /// The distance is one of all samples of the batch: there are no micro-batches.
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        _: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (device, dtype) = network.place();
        let x = placed(batch.values, batch.shape, &device.inner(), dtype);
        self.step(&network.embedder, x, &batch.labels)
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        record.otdd = Some(means[0]);
        record.converged = Some(means[1]);
    }
}

/// Settings of the OTDD, as ORCA's stage 1 has them.
///
/// # Errors
/// [`TransferError::Setting`] for fewer than two samples of either set, and what the measure refuses.
pub fn otdd_params(
    settings: &TransportSettings,
    seed: u64,
) -> Result<ValidOtddParams, TransferError> {
    if settings.target_batch < 2 || settings.source_samples < 2 {
        return Err(TransferError::Setting {
            setting: "orca.target_batch and source_samples",
            expected: "at least 2 of both".into(),
            found: format!("{} and {}", settings.target_batch, settings.source_samples),
        });
    }
    let inner = match settings.inner {
        InnerDistance::Gaussian => Inner::Gaussian {
            shrinkage: settings.shrinkage,
        },
        InnerDistance::Exact => Inner::Exact {
            blur: settings.inner_blur,
        },
    };
    Ok(OtddParams::new()
        .inner(inner)
        .blur(settings.blur)
        .tolerance(settings.tolerance)
        .max_iterations(settings.max_iterations)
        .label_gradient(settings.label_gradient)
        .seed(seed)
        .check()?)
}

/// Averaged tokens `[N, C]` of all samples, and their labels.
///
/// # Errors
/// [`TransferError`] where a sample cannot be read.
pub fn embedded(
    embedder: &Embedder,
    set: Arc<dyn Dataset>,
) -> Result<(Array2<f64>, Vec<usize>), TransferError> {
    let plain = embedder.valid();
    let pooled = |x| plain.forward(x, &mut Pass::eval()).pool().primal;
    of_samples(set, &state::place(&plain), &pooled)
}

/// What `run` makes of every sample, `[N, C]` in the order of the set, and their labels; `run` takes batches
/// `[B, C, H, W]` at a device and in a float type.
///
/// # Errors
/// [`TransferError`] where a sample cannot be read.
pub fn of_samples(
    set: Arc<dyn Dataset>,
    (device, dtype): &(Device, DType),
    run: &dyn Fn(Tensor<4>) -> Tensor<2>,
) -> Result<(Array2<f64>, Vec<usize>), TransferError> {
    let labels = dataset::labels(set.as_ref());
    let order = Order::sequential(samples_at_once(set.shape().iter().product()));
    let mut rows = Vec::new();
    for batch in batches(set, order) {
        let batch = batch?;
        rows.extend(values(run(placed(
            batch.values,
            batch.shape,
            device,
            *dtype,
        ))));
    }
    Ok((matrix(rows, labels.len()), labels))
}

fn values(features: Tensor<2>) -> Vec<f64> {
    features.into_data().iter::<f64>().collect()
}

fn matrix(values: Vec<f64>, rows: usize) -> Array2<f64> {
    let columns = values.len() / rows.max(1);
    Array2::from_shape_vec((rows, columns), values).expect("the tokens' widths are equal")
}
