//! Repulsion by Barnes–Hut: a far cell of a quadtree acts as one point at its centre of mass.
//!
//! Source: van der Maaten 2014, *Accelerating t-SNE using tree-based algorithms*; cells count as far
//! where width / distance < θ. Points are sorted along a Morton curve, on which every cell is an
//! interval; cells are kept in the order of a walk, each with the place where the walk goes on if it
//! is not entered. Points are independent of each other: the number of threads changes no bit.

use rayon::prelude::*;

use super::attraction::{Repulsion, bounds, codes, curve};
use super::descent::Vector;

/// Halvings of the map at most; points closer than that are one.
const DEPTH: u32 = 32;
/// Points of a unit of parallel work.
const BLOCK: usize = 256;

/// Repulsion with a tree that is built anew in every iteration.
pub struct Quadtree {
    theta: f64,
    cells: Vec<Cell>,
}

struct Cell {
    centre: Vector,
    mass: f64,
    /// (width / θ)²: cells nearer than that are entered.
    near: f64,
    /// The next cell that is not inside this one.
    next: usize,
}

impl Quadtree {
    /// θ ≥ 0, where 0 enters every cell.
    pub fn new(theta: f64) -> Self {
        Self {
            theta,
            cells: Vec::new(),
        }
    }

    /// Adds the cell of some points, given by their places on the curve, and all within.
    fn grow(&mut self, points: &[(u64, Vector)], depth: u32, size: f64) {
        let here = self.cells.len();
        let mass = points.len() as f64;
        let mut centre = [0.0; 2];
        for (_, at) in points {
            (0..2).for_each(|axis| centre[axis] += at[axis] / mass);
        }
        let leaf = points.len() == 1 || depth == DEPTH;
        let width = size / f64::from(depth).exp2();
        self.cells.push(Cell {
            centre,
            mass,
            near: if leaf {
                -1.0
            } else {
                (width / self.theta).powi(2)
            },
            next: 0,
        });
        if !leaf {
            let shift = 2 * (DEPTH - 1 - depth);
            for quarter in points.chunk_by(|a, b| a.0 >> shift == b.0 >> shift) {
                self.grow(quarter, depth + 1, size);
            }
        }
        self.cells[here].next = self.cells.len();
    }

    /// Force on a place, and the sum of the kernel, the place's own point included.
    fn force(&self, at: &Vector) -> (Vector, f64) {
        let (mut force, mut sum, mut here) = ([0.0; 2], 0.0, 0);
        while let Some(cell) = self.cells.get(here) {
            let (dx, dy) = (at[0] - cell.centre[0], at[1] - cell.centre[1]);
            let square = dx * dx + dy * dy;
            if square <= cell.near {
                here += 1;
                continue;
            }
            let kernel = 1.0 / (1.0 + square);
            let push = cell.mass * kernel * kernel;
            sum += cell.mass * kernel;
            force[0] += push * dx;
            force[1] += push * dy;
            here = cell.next;
        }
        (force, sum)
    }
}

impl Repulsion for Quadtree {
    fn forces(&mut self, at: &[Vector], out: &mut [Vector]) -> f64 {
        let (codes, size) = (codes(at), bounds(at).1);
        let points: Vec<(u64, Vector)> = curve(at)
            .into_iter()
            .map(|i| (codes[i as usize], at[i as usize]))
            .collect();
        self.cells.clear();
        self.grow(&points, 0, size);
        let tree = &*self;
        let sums: Vec<f64> = at
            .par_chunks(BLOCK)
            .zip(out.par_chunks_mut(BLOCK))
            .map(|(at, out)| {
                let forces = at.iter().zip(out).map(|(at, out)| {
                    let (force, sum) = tree.force(at);
                    *out = force;
                    sum
                });
                forces.sum()
            })
            .collect();
        // Each point met itself, at kernel one.
        (sums.iter().sum::<f64>() - at.len() as f64).max(f64::MIN_POSITIVE)
    }
}
