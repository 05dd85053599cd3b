//! Tables of positions on other grids: bicubic interpolation as PyTorch does it, with pixel centres at half numbers
//! (`align_corners=False`), rows and columns one after the other. Published ViTs are taken to other sizes of images by
//! it: Hugging Face's with the plain kernel, the original DINO and DINOv2 with it and a scale of a tenth of a patch more,
//! timm's and DINOv2's with registers with the one that averages where a grid becomes smaller (`antialias=True`).
//!
//! As a product with constant matrices it runs on every device, in every float type, and on tangents.

use crate::model::dual::Dual;
use crate::model::tokens::Grid;
use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// Which bicubic kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resampling {
    /// Keys' kernel of four taps with a = −0.75.
    Plain,
    /// The same with a grid of a tenth of a patch more, which the original DINO and DINOv2 pass as `scale_factor`.
    PlainTenth,
    /// The one with a = −0.5, widened where the grid becomes smaller.
    Antialiased,
}

/// Positions `[1, h·w, C]` of the grid `from`, as positions of the grid `to`.
pub fn resample(x: Dual<3>, from: Grid, to: Grid, how: Resampling) -> Dual<3> {
    let width = x.dims()[2];
    let (device, dtype) = (x.device(), x.dtype());
    let matrix = |axis: usize| Dual::from(how.matrix(from[axis], to[axis], &device, dtype));
    let down = matrix(0).matmul(x.reshape([from[0], from[1] * width]));
    let across = down
        .reshape([to[0], from[1], width])
        .permute([1, 0, 2])
        .reshape([from[1], to[0] * width]);
    matrix(1)
        .matmul(across)
        .reshape([to[1], to[0], width])
        .permute([1, 0, 2])
        .reshape([1, to[0] * to[1], width])
}

/// Keys' cubic convolution kernel.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        a * (((x - 5.0) * x + 8.0) * x - 4.0)
    } else {
        0.0
    }
}

impl Resampling {
    /// Weights of the `from` old places for each of the `to` new ones, `[to, from]`.
    fn weights(self, from: usize, to: usize) -> Vec<f64> {
        let mut all = vec![0.0; to * from];
        let more = if self == Self::PlainTenth { 0.1 } else { 0.0 };
        let scale = from as f64 / (to as f64 + more);
        for (place, row) in all.chunks_exact_mut(from.max(1)).enumerate() {
            let centre = (place as f64 + 0.5) * scale;
            match self {
                Self::Plain | Self::PlainTenth => {
                    let first = (centre - 0.5).floor();
                    for tap in -1..=2 {
                        let at = first + f64::from(tap);
                        // What lies outside is what lies at the edge.
                        let old = at.clamp(0.0, (from - 1) as f64) as usize;
                        row[old] += cubic(centre - 0.5 - at, -0.75);
                    }
                }
                Self::Antialiased => {
                    let wide = scale.max(1.0);
                    let start = (centre - 2.0 * wide + 0.5).floor().max(0.0) as usize;
                    let end = ((centre + 2.0 * wide + 0.5).floor() as usize).min(from);
                    for (old, weight) in row.iter_mut().enumerate().take(end).skip(start) {
                        *weight = cubic((old as f64 - centre + 0.5) / wide, -0.5);
                    }
                    let sum: f64 = row.iter().sum();
                    row.iter_mut().for_each(|weight| *weight /= sum);
                }
            }
        }
        all
    }

    fn matrix(self, from: usize, to: usize, device: &Device, dtype: DType) -> Tensor<2> {
        let values = TensorData::new(self.weights(from, to), [to, from]);
        Tensor::from_data(values.convert_dtype(dtype), (device, dtype))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_and_keep_a_grid_as_it_is() {
        for how in [
            Resampling::Plain,
            Resampling::PlainTenth,
            Resampling::Antialiased,
        ] {
            for (from, to) in [(5, 3), (3, 7), (1, 4), (14, 2)] {
                for row in how.weights(from, to).chunks_exact(from) {
                    let sum: f64 = row.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-12, "{how:?} {from} {to}: {sum}");
                }
            }
            if how == Resampling::PlainTenth {
                continue; // an embedder keeps its own grid before it comes here
            }
            let same = how.weights(4, 4);
            for (index, weight) in same.iter().enumerate() {
                let want = if index % 5 == 0 { 1.0 } else { 0.0 };
                assert!((weight - want).abs() < 1e-12, "{how:?}");
            }
        }
    }
}
