//! The objective on a burn device, for the bulk of the iterations where features are many.
//!
//! The same as [`single`](super::single), by tensors in single precision: one transfer of the
//! features, then a small one each evaluation. The exact objective on the CPU finishes as it does
//! there, so the optimum is the same to the same tolerance; the device's rounding (some round
//! products to fewer bits) only changes when the exact one takes over. Checked on the flex CPU
//! device, which runs the same code; not run on a GPU yet.

use super::model::Scaling;
use super::objective::{Evaluation, Total, unpack};
use crate::measure::samples::Real;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// Numbers in one tensor of features at most: what every device can bind.
const BLOCK: usize = 1 << 24;

/// Rounded features and one-hot labels on a device, block by block.
pub struct OnDevice {
    blocks: Vec<(Tensor<2>, Tensor<2>)>,
    samples: usize,
    dim: usize,
    classes: usize,
    device: Device,
}

impl OnDevice {
    /// Sends scaled `features` `[N, D]`, with a column of ones for the intercept, and their labels.
    pub fn new<A: Real>(
        features: ArrayView2<'_, A>,
        scaling: &Scaling,
        labels: &[usize],
        classes: usize,
        device: &Device,
    ) -> Self {
        let (samples, dim) = features.dim();
        let height = (BLOCK / (dim + 1)).max(1);
        let tensor = |values: Array2<f32>| {
            let shape = [values.nrows(), values.ncols()];
            let values = values.into_raw_vec_and_offset().0;
            Tensor::<2>::from_data(TensorData::new(values, shape), device)
        };
        let blocks = features
            .axis_chunks_iter(Axis(0), height)
            .zip(labels.chunks(height))
            .map(|(from, labels)| {
                let mut x = Array2::<f32>::ones((from.nrows(), dim + 1));
                for (mut to, from) in x.outer_iter_mut().zip(from.outer_iter()) {
                    scaling.row(from, to.iter_mut(), |v| v as f32);
                }
                let hot = |(i, k): (usize, usize)| f32::from(u8::from(labels[i] == k));
                let y = Array2::from_shape_fn((labels.len(), classes), hot);
                (tensor(x), tensor(y))
            })
            .collect();
        Self {
            blocks,
            samples,
            dim,
            classes,
            device: device.clone(),
        }
    }

    /// Value and gradient at a point, for the inverse regularisation strength `c`; not finite
    /// where single precision overflows or the device fails.
    pub fn evaluate(&self, flat: &Array1<f64>, c: f64) -> Evaluation {
        let (weights, intercepts) = unpack(flat, self.dim);
        let (rows, width) = (weights.nrows(), self.dim + 1);
        // Always a column a class; with two classes the first has no weights.
        let free = self.classes - rows;
        let mut w = Array2::<f32>::zeros((width, self.classes));
        w.slice_mut(s![..self.dim, free..])
            .assign(&weights.t().mapv(|v| v as f32));
        w.slice_mut(s![self.dim, free..])
            .assign(&intercepts.mapv(|v| v as f32));
        let values = w.into_raw_vec_and_offset().0;
        let w =
            Tensor::<2>::from_data(TensorData::new(values, [width, self.classes]), &self.device);
        let mut total = Total::new(flat, self.dim, c);
        for (x, y) in &self.blocks {
            let z = x.clone().matmul(w.clone());
            let max = z.clone().max_dim(1);
            let e = (z.clone() - max.clone()).exp();
            let sum = e.clone().sum_dim(1);
            let losses = max + sum.clone().log() - (z * y.clone()).sum_dim(1);
            let p = e / sum;
            let squares = (p.clone() * p.clone()).sum();
            let gradient = (p - y.clone()).transpose().matmul(x.clone());
            let parts = vec![
                gradient.reshape([self.classes * width]),
                losses.sum().reshape([1]),
                squares.reshape([1]),
            ];
            let found = Tensor::<1>::cat(parts, 0).into_data();
            let Ok(found) = found.try_to_vec::<f32>() else {
                total.value = f64::NAN;
                break;
            };
            let (gradient, sums) = found.split_at(self.classes * width);
            total.value += f64::from(sums[0]);
            total.squares += f64::from(sums[1]);
            for (k, from) in gradient.chunks_exact(width).skip(free).enumerate() {
                total.add(k, rows, from.iter().map(|&v| f64::from(v)));
            }
        }
        total.finish(self.samples, self.classes)
    }
}
