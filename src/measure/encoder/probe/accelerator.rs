//! The objective on an accelerator, for the bulk of the iterations where features are many.
//!
//! The same as [`single`](super::single), in single precision: one transfer of the features, then a small
//! one each evaluation. The exact objective on the CPU finishes as it does there, so the optimum is the
//! same to the same tolerance; its rounding (some round products to fewer bits) only changes when the exact
//! one takes over. What computes is behind [`Accelerator`]; this room knows no tensor library.

use super::objective::{Evaluation, Total, unpack};
use super::scaling::Scaling;
use crate::measure::samples::Real;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// Numbers in one block of features at most: what every accelerator can bind.
const BLOCK: usize = 1 << 24;

/// Where the objective is computed in single precision.
pub trait Accelerator: std::fmt::Debug + Send + Sync {
    /// Takes blocks of scaled features `[n, D + 1]`, whose last column is one, with their one-hot labels
    /// `[n, K]` there.
    fn load(&self, blocks: &mut dyn Iterator<Item = [Array2<f32>; 2]>) -> Box<dyn Loaded>;
}

/// Features and labels on an accelerator.
pub trait Loaded {
    /// What every block adds to the objective at weights `[D + 1, K]`, whose last row are the intercepts;
    /// `None` where it fails.
    fn evaluate(&self, weights: Array2<f32>) -> Option<Vec<BlockSums>>;
}

/// Sums over the samples of a block. P are the softmax probabilities, Y the one-hot labels.
pub struct BlockSums {
    /// (P − Y)ᵀ · X, `[K, D + 1]` row after row.
    pub gradient: Vec<f32>,
    /// Sum of the log losses.
    pub loss: f32,
    /// Sum of the squares of P.
    pub squares: f32,
}

/// The objective of some samples on an accelerator.
pub struct Remote {
    loaded: Box<dyn Loaded>,
    samples: usize,
    dim: usize,
    classes: usize,
}

impl Remote {
    /// Sends scaled `features` `[N, D]`, with a column of ones for the intercept, and their labels.
    pub fn new<A: Real>(
        features: ArrayView2<'_, A>,
        scaling: &Scaling,
        labels: &[usize],
        classes: usize,
        accelerator: &dyn Accelerator,
    ) -> Self {
        let (samples, dim) = features.dim();
        let height = (BLOCK / (dim + 1)).max(1);
        let mut blocks = features
            .axis_chunks_iter(Axis(0), height)
            .zip(labels.chunks(height))
            .map(|(from, labels)| {
                let mut x = Array2::<f32>::ones((from.nrows(), dim + 1));
                for (mut to, from) in x.outer_iter_mut().zip(from.outer_iter()) {
                    scaling.row(from, to.iter_mut(), |v| v as f32);
                }
                let hot = |(i, k): (usize, usize)| f32::from(u8::from(labels[i] == k));
                [x, Array2::from_shape_fn((labels.len(), classes), hot)]
            });
        Self {
            loaded: accelerator.load(&mut blocks),
            samples,
            dim,
            classes,
        }
    }

    /// Value and gradient at a point, for the inverse regularisation strength `c`; not finite
    /// where single precision overflows or the accelerator fails.
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
        let mut total = Total::new(flat, self.dim, c);
        match self.loaded.evaluate(w) {
            Some(blocks) => {
                for sums in blocks {
                    total.value += f64::from(sums.loss);
                    total.squares += f64::from(sums.squares);
                    let classes = sums.gradient.chunks_exact(width).skip(free);
                    for (k, from) in classes.enumerate() {
                        total.add(k, rows, from.iter().map(|&v| f64::from(v)));
                    }
                }
            }
            None => total.value = f64::NAN,
        }
        total.finish(self.samples, self.classes)
    }
}
