//! Bilinear resizing with antialiasing, as `torchvision.transforms.functional.resize(…,
//! antialias=True)` does on float tensors.
//!
//! Output pixel `i` sits at `centre = (i + ½) · scale` in input units (`align_corners=False`,
//! `scale = in / out`). Its weights are a triangle of half-width `max(scale, 1)` around that
//! centre, sampled at the input pixels' centres and normalised to sum to one: plain bilinear
//! interpolation when enlarging, a proper low-pass when shrinking. Axes are independent, so the
//! weights of both are computed once and rows and columns are filtered one after the other.

use std::sync::Arc;

use super::wrapper::Wrapper;
use super::{Dataset, DatasetError, Splits, check_request, sample_len};

/// The weights of one axis: output `i` is `Σ_k weights[i][k] · input[first[i] + k]`.
#[derive(Debug, Clone)]
struct Axis {
    first: Vec<usize>,
    weights: Vec<Vec<f32>>,
}

impl Axis {
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to.max(1) as f64;
        let support = scale.max(1.0);
        let (mut first, mut weights) = (Vec::with_capacity(to), Vec::with_capacity(to));
        for i in 0..to {
            let centre = scale * (i as f64 + 0.5);
            // casts truncate toward zero and saturate at 0, as the reference's do
            let low = (centre - support + 0.5) as usize;
            let high = ((centre + support + 0.5) as usize).min(from).max(low + 1);
            let raw: Vec<f64> = (low..high)
                .map(|j| (1.0 - ((j as f64 + 0.5 - centre) / support).abs()).max(0.0))
                .collect();
            let total: f64 = raw.iter().sum();
            first.push(low);
            weights.push(raw.iter().map(|w| (w / total) as f32).collect());
        }
        Self { first, weights }
    }
}

/// Resizes planes of one size to another.
#[derive(Debug, Clone)]
pub struct Resizer {
    from: [usize; 2],
    to: [usize; 2],
    rows: Axis,
    columns: Axis,
}

impl Resizer {
    /// Weights from `[height, width]` to `[height, width]`.
    pub fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        Self {
            from,
            to,
            rows: Axis::new(from[0], to[0]),
            columns: Axis::new(from[1], to[1]),
        }
    }

    /// Size of the output, `[height, width]`.
    pub fn to(&self) -> [usize; 2] {
        self.to
    }

    /// Resizes `source` (`channels × from`) into `out` (`channels × to`), both row-major.
    ///
    /// # Errors
    /// `Unsatisfiable` if a slice has another length, or a size is zero.
    pub fn apply(
        &self,
        source: &[f32],
        channels: usize,
        out: &mut [f32],
    ) -> Result<(), DatasetError> {
        let ([height, width], [rows, columns]) = (self.from, self.to);
        for (what, expected, found) in [
            ("input values", channels * height * width, source.len()),
            ("output values", channels * rows * columns, out.len()),
        ] {
            if expected != found || expected == 0 {
                return Err(DatasetError::Unsatisfiable {
                    set: "resize".into(),
                    what: what.into(),
                    expected: expected.max(1).to_string(),
                    found: found.to_string(),
                });
            }
        }
        let mut narrow = vec![0.0; height * columns];
        for (plane, target) in source
            .chunks_exact(height * width)
            .zip(out.chunks_exact_mut(rows * columns))
        {
            for (line, short) in plane
                .chunks_exact(width)
                .zip(narrow.chunks_exact_mut(columns))
            {
                for ((value, &first), weights) in short
                    .iter_mut()
                    .zip(&self.columns.first)
                    .zip(&self.columns.weights)
                {
                    *value = weights.iter().zip(&line[first..]).map(|(w, x)| w * x).sum();
                }
            }
            for ((line, &first), weights) in target
                .chunks_exact_mut(columns)
                .zip(&self.rows.first)
                .zip(&self.rows.weights)
            {
                line.fill(0.0);
                for (weight, short) in weights
                    .iter()
                    .zip(narrow[first * columns..].chunks_exact(columns))
                {
                    for (value, x) in line.iter_mut().zip(short) {
                        *value += weight * x;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A dataset whose samples are resized to `S × S` as they are read.
pub struct Resized {
    inner: Arc<dyn Dataset>,
    resizer: Resizer,
}

impl Resized {
    /// Resizes every sample of `inner` to `side × side`.
    pub fn new(inner: Arc<dyn Dataset>, side: usize) -> Self {
        let [_, height, width] = inner.shape();
        let resizer = Resizer::new([height, width], [side, side]);
        Self { inner, resizer }
    }

    /// As [`Resized::new`], but a set that has this size already is returned as it is.
    pub fn wrap(inner: Arc<dyn Dataset>, side: usize) -> Arc<dyn Dataset> {
        let [_, height, width] = inner.shape();
        if [height, width] == [side, side] {
            inner
        } else {
            Arc::new(Self::new(inner, side))
        }
    }

    /// [`Resized::wrap`] on all three parts.
    pub fn splits(splits: Splits, side: usize) -> Splits {
        splits.map(|part| Self::wrap(part, side))
    }
}

impl Wrapper for Resized {
    fn inner(&self) -> &dyn Dataset {
        self.inner.as_ref()
    }

    fn wrapped_shape(&self) -> [usize; 3] {
        let [height, width] = self.resizer.to();
        [self.inner.shape()[0], height, width]
    }

    fn read_wrapped(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("resize", self, index, out.len())?;
        let mut sample = vec![0.0; sample_len(self.inner.as_ref())];
        self.inner.read(index, &mut sample)?;
        self.resizer.apply(&sample, self.inner.shape()[0], out)
    }
}

#[cfg(test)]
#[path = "resize_tests.rs"]
mod tests;
