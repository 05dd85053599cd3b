//! Repulsion by interpolation on a grid: time O(N + M log M) for M nodes.
//!
//! After FIt-SNE (Linderman et al., *Nature Methods* 2019), with two changes. Charges are spread and
//! potentials read by quintic B-splines, corrected in Fourier space, as in smooth particle mesh Ewald
//! (Essmann et al. 1995), in place of three Lagrange nodes a box: sixth order and smooth across
//! boxes. So forces can be had as the gradient of the potential: Σⱼ q²(y_i − y_j) = −½ ∇Σⱼ q, one
//! convolution with q = 1/(1 + d²) in place of three or four with q and q², and on fewer nodes.
//!
//! Points are spread in a fixed number of parts that are added in order, so that the number of
//! threads changes no bit.

use rayon::prelude::*;

use super::attraction::{Repulsion, bounds};
use super::convolution::{Convolution, smooth};
use super::descent::Vector;
use crate::simd::multiversion;

/// Parts that are spread separately.
const PARTS: usize = 8;
/// Points whose forces one task reads.
const BLOCK: usize = 512;
/// Numbers of a row that a point touches: six nodes and two with weight zero.
const LANES: usize = 8;
/// The widest distance of nodes; the kernel has width 1. Sixth order: half of it, 1/32 of the error
/// of forces. What is left is mostly a force of a point on itself, which is why a grid is not for
/// few points on a wide map.
const SPACING: f64 = 0.35;
/// Cells a side at least: a small map has a finer grid, whose spacing falls in steps.
const LEAST: usize = 24;
/// Cells a side at most; a wider map has a coarser grid.
const MOST: usize = 2000;
/// Nodes beyond the cells that splines reach.
const MARGIN: usize = 6;
/// Nodes between what is read and the fold of the periodic kernel, whose correction decays by 0.43 a
/// node.
const GAP: usize = 24;

/// A grid over the map, made again when the map has outgrown it.
pub struct Grid {
    cells: usize,
    spacing: f64,
    side: usize,
    convolution: Option<Convolution>,
    charges: Vec<Vec<f32>>,
    potential: Vec<f32>,
}

impl Grid {
    pub fn new() -> Self {
        Self {
            cells: 0,
            spacing: 0.0,
            side: 0,
            convolution: None,
            charges: Vec::new(),
            potential: Vec::new(),
        }
    }

    /// A grid for a map of this size: it depends on that alone.
    fn fit(&mut self, size: f64) {
        let narrow = SPACING * LEAST as f64;
        let (cells, spacing) = if size > narrow {
            // As many cells as the transform's length has room for.
            let needed = ((size / SPACING).ceil() as usize).min(MOST);
            let period = smooth(2 * (needed + MARGIN).next_multiple_of(2) + GAP);
            let cells = (period - GAP) / 4 * 2 - MARGIN;
            (cells, SPACING.max(size / cells as f64))
        } else {
            let steps = (4.0 * (narrow / size.max(1e-30)).log2()).floor();
            (LEAST, SPACING * (-steps / 4.0).exp2())
        };
        if self.convolution.is_some() && (cells, spacing) == (self.cells, self.spacing) {
            return;
        }
        (self.cells, self.spacing) = (cells, spacing);
        self.side = (cells + MARGIN).next_multiple_of(2);
        let length = self.side * self.side + LANES;
        self.charges = vec![vec![0.0; length]; PARTS];
        self.potential = vec![0.0; length];
        let (unit, far) = (spacing * spacing, self.reach());
        // Less its value far out, or a small map would be rounding alone.
        let kernel = move |square: f64| {
            let square = unit * square;
            (far - square) / ((1.0 + square) * (1.0 + far))
        };
        let inverse = |w: f64| {
            let spline = (66.0 + 52.0 * w.cos() + 2.0 * (2.0 * w).cos()) / 120.0;
            1.0 / (spline * spline)
        };
        let period = smooth(2 * self.side + GAP);
        self.convolution = Some(Convolution::new(self.side, period, kernel, inverse));
    }

    /// The square of the grid's diagonal.
    fn reach(&self) -> f64 {
        2.0 * (self.cells as f64 * self.spacing).powi(2)
    }
}

impl Repulsion for Grid {
    fn forces(&mut self, at: &[Vector], out: &mut [Vector]) -> f64 {
        let n = at.len();
        let (low, size) = bounds(at);
        self.fit(size);
        let place = Place {
            low,
            inverse: 1.0 / self.spacing,
            stride: self.side,
            last: self.cells as f64,
        };
        let part = n.div_ceil(PARTS).max(1);
        self.charges
            .par_iter_mut()
            .enumerate()
            .for_each(|(p, grid)| {
                grid.fill(0.0);
                spread(
                    &at[(p * part).min(n)..((p + 1) * part).min(n)],
                    &place,
                    grid,
                );
            });
        if let Some(convolution) = &mut self.convolution {
            convolution.apply(&self.charges, &mut self.potential);
        }
        let potential = &self.potential;
        let sums: Vec<f64> = at
            .par_chunks(BLOCK)
            .zip(out.par_chunks_mut(BLOCK))
            .map(|(at, out)| read(at, &place, potential, out))
            .collect();
        // Each point met itself, at kernel one.
        let pairs = n as f64 * n as f64 / (1.0 + self.reach());
        (sums.iter().sum::<f64>() + pairs - n as f64).max(f64::MIN_POSITIVE)
    }
}

/// Where the grid lies.
struct Place {
    low: Vector,
    inverse: f64,
    stride: usize,
    last: f64,
}

impl Place {
    /// The first node that a point touches, and how far it lies in its cell.
    #[inline(always)]
    fn of(&self, at: &Vector) -> (usize, [f32; 2]) {
        let mut cells = [0; 2];
        let mut inside = [0.0; 2];
        for axis in 0..2 {
            let u = ((at[axis] - self.low[axis]) * self.inverse).clamp(0.0, self.last);
            cells[axis] = u as usize;
            inside[axis] = (u - cells[axis] as f64) as f32;
        }
        (cells[1] * self.stride + cells[0], inside)
    }
}

/// The six pieces of the quintic B-spline by falling powers of the place in the cell, times 120.
const SPLINE: [[f32; LANES]; 6] = [
    [-1.0, 5.0, -10.0, 10.0, -5.0, 1.0, 0.0, 0.0],
    [5.0, -20.0, 30.0, -20.0, 5.0, 0.0, 0.0, 0.0],
    [-10.0, 20.0, 0.0, -20.0, 10.0, 0.0, 0.0, 0.0],
    [10.0, 20.0, -60.0, 20.0, 10.0, 0.0, 0.0, 0.0],
    [-5.0, -50.0, 0.0, 50.0, 5.0, 0.0, 0.0, 0.0],
    [1.0, 26.0, 66.0, 26.0, 1.0, 0.0, 0.0, 0.0],
];

/// Weights of the nodes around `t`, and their derivatives.
#[inline(always)]
fn weights(t: f32) -> [[f32; LANES]; 2] {
    let (mut value, mut slope) = ([0.0f32; LANES], [0.0f32; LANES]);
    for coefficients in SPLINE {
        for l in 0..LANES {
            slope[l] = slope[l] * t + value[l];
            value[l] = value[l] * t + coefficients[l];
        }
    }
    [
        value.map(|v| v * (1.0 / 120.0)),
        slope.map(|v| v * (1.0 / 120.0)),
    ]
}

#[inline(always)]
fn dot(a: &[f32; LANES], b: &[f32; LANES]) -> f32 {
    let p: [f32; LANES] = std::array::from_fn(|l| a[l] * b[l]);
    ((p[0] + p[4]) + (p[1] + p[5])) + (p[2] + p[3])
}

multiversion! {
    fn spread(at: &[Vector], place: &Place, grid: &mut [f32]) {
        for at in at {
            let (first, t) = place.of(at);
            let ([x, _], [y, _]) = (weights(t[0]), weights(t[1]));
            for (row, y) in y[..6].iter().enumerate() {
                let from = first + row * place.stride;
                for (node, x) in grid[from..from + LANES].iter_mut().zip(&x) {
                    *node += x * y;
                }
            }
        }
    }
}

multiversion! {
    /// Forces on points; gives the sum of their potentials.
    fn read(at: &[Vector], place: &Place, grid: &[f32], out: &mut [Vector]) -> f64 {
        let mut sum = 0.0;
        let half = -0.5 * place.inverse;
        for (at, out) in at.iter().zip(out) {
            let (first, t) = place.of(at);
            let ([x, dx], [y, dy]) = (weights(t[0]), weights(t[1]));
            let (mut value, mut slope) = ([0.0f32; LANES], [0.0f32; LANES]);
            for row in 0..6 {
                let from = first + row * place.stride;
                let nodes = &grid[from..from + LANES];
                for l in 0..LANES {
                    value[l] += nodes[l] * y[row];
                    slope[l] += nodes[l] * dy[row];
                }
            }
            sum += f64::from(dot(&value, &x));
            *out = [
                half * f64::from(dot(&value, &dx)),
                half * f64::from(dot(&slope, &x)),
            ];
        }
        sum
    }
}
