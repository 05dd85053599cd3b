//! Images on the sphere (Cohen, Geiger, Köhler and Welling, *Spherical CNNs*, ICLR 2018).
//!
//! The unit sphere is sampled on the Driscoll–Healy grid of bandwidth `b`: colatitude
//! `β_i = π i / 2b` along the rows, longitude `α_j = π j / b` along the columns, `2b × 2b` points.
//! A point `(x, y, z)`, rotated if so asked, is projected from a centre just above the north pole
//! onto the plane touching the south pole: with `h = z + 1` and the centre at height
//! `s = 2 + 10⁻³`, `q = (x, y) · s / (s − h)`. The image fills the square `[−1.5, 1.5]²` of that
//! plane, its rows along `x` and its columns along `y`; the rest of the sphere is background.
//!
//! Geometry and constants are those of the authors' generator for spherical MNIST, which
//! NAS-Bench-360 reuses for spherical CIFAR-100. Two things differ on purpose. Values are sampled
//! by true bilinear interpolation between pixel centres (the generator's stencil reaches two
//! pixels and relies on rescaling). And no image is stretched to its own minimum and maximum:
//! preprocessing stays that of the source model. Rotations are drawn per sample here, per chunk
//! of 500 samples there.

use std::sync::Arc;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::part::Part;
use super::wrapper::Wrapper;
use super::{Dataset, DatasetError, Splits, check_request, sample_len};
use crate::random::ROTATION;
use crate::simd::multiversion;

/// Height of the projection centre above the plane.
const CENTRE: f64 = 2.0 + 1e-3;
/// Half the side of the image's square in the plane.
const HALF: f64 = 1.5;

/// A rotation matrix, row-major.
pub type Matrix = [[f64; 3]; 3];

/// Whether the sphere is turned before an image is projected on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Every image around the south pole.
    None,
    /// A uniformly random rotation per sample, fixed by (seed, part, index).
    Uniform,
}

/// The sampling grid.
#[derive(Debug, Clone)]
pub struct Projection {
    side: usize,
    points: Vec<[f64; 3]>,
}

impl Projection {
    /// Driscoll–Healy grid of bandwidth `b`: `2b × 2b` points.
    pub fn new(bandwidth: usize) -> Self {
        let side = 2 * bandwidth;
        let step = std::f64::consts::PI / bandwidth.max(1) as f64;
        let points = (0..side * side)
            .map(|k| {
                let (beta, alpha) = ((k / side) as f64 * step / 2.0, (k % side) as f64 * step);
                [
                    beta.sin() * alpha.cos(),
                    beta.sin() * alpha.sin(),
                    beta.cos(),
                ]
            })
            .collect();
        Self { side, points }
    }

    /// Points along each axis.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Projects `source` (`channels × height × width`) into `out` (`channels × 2b × 2b`);
    /// `background` has one value per channel. Slices of other lengths are filled as far as they
    /// reach.
    pub fn apply(
        &self,
        source: &[f32],
        size: [usize; 2],
        rotation: &Matrix,
        background: &[f32],
        out: &mut [f32],
    ) {
        project(&self.points, source, size, rotation, background, out);
    }
}

multiversion! {
    fn project(points: &[[f64; 3]], source: &[f32], size: [usize; 2], rotation: &Matrix, background: &[f32], out: &mut [f32]) {
        let [height, width] = size;
        for (point, p) in points.iter().enumerate() {
            let [x, y, z] = rotate(rotation, p);
            let scale = CENTRE / (CENTRE - (z + 1.0));
            // position in units of pixels, measured from the first pixel's centre
            let row = (x * scale + HALF) / (2.0 * HALF) * height as f64 - 0.5;
            let column = (y * scale + HALF) / (2.0 * HALF) * width as f64 - 0.5;
            let taps = taps(row, column, height, width);
            for ((plane, image), &fill) in out
                .chunks_exact_mut(points.len())
                .zip(source.chunks_exact(height * width))
                .zip(background)
            {
                // background + Σ weight · (pixel − background): pixels beyond the edge weigh 0
                plane[point] = match taps {
                    None => fill,
                    Some(taps) => taps.iter().fold(fill, |value, &(index, weight)| {
                        value + weight * (image[index] - fill)
                    }),
                };
            }
        }
    }
}

/// The four pixels around a position and their bilinear weights; beyond the edge the weight is 0,
/// and there are none a pixel or more away from the image, where most of the sphere lies.
#[inline(always)] // so that rounding is an instruction where the CPU has one
fn taps(row: f64, column: f64, height: usize, width: usize) -> Option<[(usize, f32); 4]> {
    let near = |at: f64, limit: usize| at > -1.0 && at < limit as f64;
    if !near(row, height) || !near(column, width) {
        return None;
    }
    let inside = |at: f64, limit: usize| (at >= 0.0 && at < limit as f64).then_some(at as usize);
    let (top, left) = (row.floor(), column.floor());
    let (down, right) = (row - top, column - left);
    let taps = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)].map(|(i, j): (f64, f64)| {
        let weight = (1.0 - (down - i).abs()) * (1.0 - (right - j).abs());
        match (inside(top + i, height), inside(left + j, width)) {
            (Some(r), Some(c)) => (r * width + c, weight as f32),
            _ => (0, 0.0),
        }
    });
    Some(taps)
}

#[inline(always)]
fn rotate(m: &Matrix, p: &[f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * p[0] + row[1] * p[1] + row[2] * p[2])
}

/// No rotation.
pub const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// A rotation uniform over SO(3): the matrix of a quaternion with independent normal parts.
fn uniform_rotation(rng: &mut impl Rng) -> Matrix {
    let mut q = [0f64; 4].map(|_| -> f64 { StandardNormal.sample(rng) });
    let norm = q.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-300);
    q = q.map(|v| v / norm);
    let [w, x, y, z] = q;
    [
        [
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y - w * z),
            2.0 * (x * z + w * y),
        ],
        [
            2.0 * (x * y + w * z),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (y * z - w * x),
        ],
        [
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
            1.0 - 2.0 * (x * x + y * y),
        ],
    ]
}

/// A dataset whose samples are projected on the sphere as they are read.
pub struct Spherical {
    inner: Arc<dyn Dataset>,
    projection: Arc<Projection>,
    rotation: Rotation,
    background: Vec<f32>,
    seed: u64,
    part: u64,
}

impl Spherical {
    /// Projects all three parts; `background` is the normalised value of each channel outside the
    /// image.
    pub(crate) fn splits(
        splits: &Splits,
        projection: &Arc<Projection>,
        rotation: Rotation,
        background: &[f32],
        seed: u64,
    ) -> Result<Splits, DatasetError> {
        let part = |inner: &Arc<dyn Dataset>, part| -> Result<Arc<dyn Dataset>, DatasetError> {
            let (inner, projection) = (inner.clone(), projection.clone());
            Ok(Arc::new(Self::new(
                inner,
                projection,
                rotation,
                background,
                seed,
                part as u64,
            )?))
        };
        let [train, valid, test] = [
            part(&splits.train, Part::Train)?,
            part(&splits.valid, Part::Valid)?,
            part(&splits.test, Part::Test)?,
        ];
        Ok(Splits::new(train, valid, test).noted(splits.notes.iter().cloned()))
    }

    /// Projects `inner`; the rotation of sample `i` is fixed by `(seed, part, i)`.
    ///
    /// # Errors
    /// `Unsatisfiable` unless `background` has one value per channel.
    pub fn new(
        inner: Arc<dyn Dataset>,
        projection: Arc<Projection>,
        rotation: Rotation,
        background: &[f32],
        seed: u64,
        part: u64,
    ) -> Result<Self, DatasetError> {
        if background.len() != inner.shape()[0] {
            return Err(DatasetError::Unsatisfiable {
                set: "spherical projection".into(),
                what: "background values".into(),
                expected: inner.shape()[0].to_string(),
                found: background.len().to_string(),
            });
        }
        Ok(Self {
            inner,
            projection,
            rotation,
            background: background.to_vec(),
            seed,
            part,
        })
    }
}

impl Wrapper for Spherical {
    fn inner(&self) -> &dyn Dataset {
        self.inner.as_ref()
    }

    fn wrapped_shape(&self) -> [usize; 3] {
        let side = self.projection.side();
        [self.inner.shape()[0], side, side]
    }

    fn read_wrapped(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("spherical projection", self, index, out.len())?;
        let mut image = vec![0.0; sample_len(self.inner.as_ref())];
        self.inner.read(index, &mut image)?;
        let [_, height, width] = self.inner.shape();
        let rotation = match self.rotation {
            Rotation::None => IDENTITY,
            Rotation::Uniform => {
                uniform_rotation(&mut ROTATION.rng(self.seed, &[self.part, index as u64]))
            }
        };
        self.projection
            .apply(&image, [height, width], &rotation, &self.background, out);
        Ok(())
    }
}

#[cfg(test)]
#[path = "spherical_tests.rs"]
mod tests;
