//! Features of a dataset through an embedder and an encoder, batch by batch: only one batch of
//! pixels and the growing feature matrix are in memory.

use super::{FeatureError, FeatureSet};
use crate::dataset::Dataset;
use crate::dataset::loader::{Order, batches};
use crate::files::npy;
use crate::model::{Embedder, Encoder, Network, Pass};
use burn::tensor::{Device, Tensor, TensorData, activation};
use ndarray::Array2;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// Samples for a forward pass without gradients, for samples of `size` numbers: enough to be fast,
/// few enough that an activation of Swin-B at 224 pixels stays within some 50 MB.
pub fn samples_at_once(size: usize) -> usize {
    ((1 << 22) / size.max(1)).clamp(1, 128)
}

/// Pooled features `f(e(x))` of every sample, in the order of the set.
///
/// The embedder and the encoder are given apart because that is the point: surrogate features go
/// through the **source** embedder and any encoder (docs/method.md, figures 2 and 3).
pub fn features(
    embedder: &Embedder,
    encoder: &Encoder,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<FeatureSet, FeatureError> {
    features_by(set, device, |x| {
        let pass = &mut Pass::eval();
        let tokens = embedder.forward(x, pass);
        encoder.features(tokens, pass).primal
    })
}

/// What `run` gives for samples `[b, C, H, W]`, `[b, D]`, as features of every sample, in the order of the set.
///
/// # Errors
/// Those of reading a sample, and features that are not finite.
pub fn features_by(
    set: Arc<dyn Dataset>,
    device: &Device,
    run: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<FeatureSet, FeatureError> {
    let (names, labels) = describe(set.as_ref());
    let groups = crate::dataset::groups(set.as_ref());
    let found = FeatureSet::new(forward(set, device, run)?, labels, names)?;
    match groups {
        Some(groups) => found.with_groups(groups),
        None => Ok(found),
    }
}

/// The same without labels, `[N, D]`: of samples whose truth is not one class.
pub fn rows(
    embedder: &Embedder,
    encoder: &Encoder,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<Array2<f32>, FeatureError> {
    forward(set, device, |x| {
        let pass = &mut Pass::eval();
        let tokens = embedder.forward(x, pass);
        encoder.features(tokens, pass).primal
    })
}

/// Class probabilities of every sample by a whole network, `[N, K]`, in the order of the set.
pub fn probabilities(
    network: &Network,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<Array2<f32>, FeatureError> {
    forward(set, device, |x| {
        activation::softmax(network.forward(x, &mut Pass::eval()).primal, 1)
    })
}

/// Class probabilities as [`probabilities`] gives them, written to `path` as `.npy [N, K]` batch by batch:
/// those of many samples and classes need not fit in memory.
///
/// # Errors
/// Those of reading a sample, and the operating system's with the path.
pub fn write_probabilities(
    network: &Network,
    set: Arc<dyn Dataset>,
    device: &Device,
    path: &Path,
) -> Result<(), FeatureError> {
    let io = |e| FeatureError::io(path, e);
    let count = set.len();
    let mut out = BufWriter::new(File::create(path).map_err(io)?);
    let mut begun = false;
    let run = |x| activation::softmax(network.forward(x, &mut Pass::eval()).primal, 1);
    each(set, device, run, |values, width| {
        if !std::mem::replace(&mut begun, true) {
            let head = npy::header("<f4", &[count, width]);
            out.write_all(&head).map_err(io)?;
        }
        values
            .iter()
            .try_for_each(|value| out.write_all(&value.to_le_bytes()))
            .map_err(io)
    })?;
    out.flush().map_err(io)
}

/// The samples themselves as features: what a probe on raw pixels sees.
pub fn pixels(set: Arc<dyn Dataset>) -> Result<FeatureSet, FeatureError> {
    let (names, labels) = describe(set.as_ref());
    let size = set.shape().iter().product();
    let mut rows = Array2::zeros((set.len(), size));
    for (i, mut row) in rows.rows_mut().into_iter().enumerate() {
        if let Some(out) = row.as_slice_mut() {
            set.read(i, out)?;
        }
    }
    FeatureSet::new(rows, labels, names)
}

fn describe(set: &dyn Dataset) -> (Vec<String>, Vec<usize>) {
    (set.classes().to_vec(), crate::dataset::labels(set))
}

pub(super) fn forward(
    set: Arc<dyn Dataset>,
    device: &Device,
    run: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<Array2<f32>, FeatureError> {
    let count = set.len();
    let (mut values, mut width) = (Vec::new(), 0);
    each(set, device, run, |batch, columns| {
        values.extend(batch);
        width = columns;
        Ok(())
    })?;
    let found = values.len();
    Array2::from_shape_vec((count, width), values).map_err(|_| FeatureError::Length {
        what: "feature values",
        expected: count * width,
        found,
    })
}

/// Gives the outputs of `run` batch by batch, row-major, and how many a sample has.
fn each(
    set: Arc<dyn Dataset>,
    device: &Device,
    run: impl Fn(Tensor<4>) -> Tensor<2>,
    mut take: impl FnMut(Vec<f32>, usize) -> Result<(), FeatureError>,
) -> Result<(), FeatureError> {
    let order = Order::sequential(samples_at_once(set.shape().iter().product()));
    for batch in batches(set, order) {
        let batch = batch?;
        let y = run(Tensor::from_data(
            TensorData::new(batch.values, batch.shape),
            device,
        ));
        let width = y.dims()[1];
        let data = y.into_data().convert::<f32>();
        take(
            data.try_to_vec()
                .expect("the outputs were converted to this type"),
            width,
        )?;
    }
    Ok(())
}
