//! Features of a dataset through an embedder and an encoder, batch by batch: only one batch of
//! pixels and the growing feature matrix are in memory.

use super::{FeatureError, FeatureSet};
use crate::dataset::Dataset;
use crate::dataset::loader::{Order, batches};
use crate::model::{Embedder, Encoder, Network, Pass};
use burn::tensor::{Device, Tensor, TensorData, activation};
use ndarray::Array2;
use std::sync::Arc;

/// Samples for a forward pass without gradients, for samples of `size` numbers: enough to be fast,
/// few enough that an activation of Swin-B at 224 pixels stays within some 50 MB.
pub fn samples_at_once(size: usize) -> usize {
    ((1 << 22) / size.max(1)).clamp(1, 128)
}

/// Pooled features `f(e(x))` of every sample, in the order of the set.
///
/// The embedder and the encoder are given apart because that is the point: surrogate features go
/// through the **source** embedder and any encoder (method.md, figures 2 and 3).
pub fn features(
    embedder: &Embedder,
    encoder: &Encoder,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<FeatureSet, FeatureError> {
    let (names, labels) = describe(set.as_ref());
    FeatureSet::new(rows(embedder, encoder, set, device)?, labels, names)
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

fn forward(
    set: Arc<dyn Dataset>,
    device: &Device,
    run: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<Array2<f32>, FeatureError> {
    let count = set.len();
    let (mut values, mut width) = (Vec::new(), 0);
    let order = Order::sequential(samples_at_once(set.shape().iter().product()));
    for batch in batches(set, order) {
        let batch = batch?;
        let y = run(Tensor::from_data(
            TensorData::new(batch.values, batch.shape),
            device,
        ));
        width = y.dims()[1];
        let data = y.into_data().convert::<f32>();
        values.extend(data.try_to_vec::<f32>().unwrap_or_default());
    }
    let found = values.len();
    Array2::from_shape_vec((count, width), values).map_err(|_| FeatureError::Length {
        what: "feature values",
        expected: count * width,
        found,
    })
}
