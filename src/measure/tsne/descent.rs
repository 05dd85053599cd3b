//! Gradient descent with momentum and gains: how every engine but linfa moves its points.
//!
//! Schedule and constants are openTSNE's (Poličar, Stražar & Zupan 2024): affinities exaggerated
//! twelvefold for the first 250 iterations, a learning rate of N over the exaggeration (after Belkina
//! et al. 2019; at least 50, as in scikit-learn), momentum 0.8, steps no longer than 5.

use crate::measure::interrupt;
use rayon::prelude::*;

/// A position, a force or a step in the plane.
pub type Vector = [f64; 2];

/// What an engine knows: how the divergence changes as the points move.
pub trait Forces {
    /// Writes a quarter of the gradient of KL(P‖Q) at `at`, with P times `exaggeration`.
    fn gradient(&mut self, at: &[Vector], exaggeration: f64, out: &mut [Vector]);

    /// May choose a new order of the points, in which neighbours are near in memory: for each new
    /// place the present one. Forces know of it from then on.
    fn reorder(&mut self, _at: &[Vector]) -> Option<Vec<u32>> {
        None
    }
}

const EXAGGERATION: f64 = 12.0;
const EXAGGERATED: usize = 250;
const MOMENTUM: f64 = 0.8;
const SMALLEST_RATE: f64 = 50.0;
const LONGEST_STEP: f64 = 5.0;
/// Points of a unit of parallel work; sums over points are formed block by block.
const BLOCK: usize = 1024;

/// Motion of a point.
#[derive(Clone, Copy)]
struct Motion {
    step: Vector,
    gain: Vector,
}

/// Moves `at` down the divergence; fewer than 500 iterations are exaggerated for their first half.
/// Returns the positions, and the length of the last step in units of their distance from the
/// middle (root mean squares). Ends early where someone asks to stop.
pub fn descend(
    mut at: Vec<Vector>,
    iterations: usize,
    forces: &mut impl Forces,
) -> (Vec<Vector>, f64) {
    let n = at.len();
    let still = Motion {
        step: [0.0; 2],
        gain: [1.0; 2],
    };
    let mut motion = vec![still; n];
    let mut gradient = vec![[0.0; 2]; n];
    let mut order: Vec<u32> = (0..n as u32).collect();
    let exaggerated = EXAGGERATED.min(iterations / 2);
    for iteration in 0..iterations {
        if interrupt::asked() {
            break;
        }
        // The map takes shape in the first iterations, and is spread by the end of exaggeration.
        let fresh = [0, exaggerated / 2, exaggerated + 100].contains(&iteration);
        if fresh && let Some(new) = forces.reorder(&at) {
            at = permuted(&at, &new);
            motion = permuted(&motion, &new);
            order = permuted(&order, &new);
        }
        let exaggeration = if iteration < exaggerated {
            EXAGGERATION
        } else {
            1.0
        };
        let rate = 4.0 * (n as f64 / exaggeration).max(SMALLEST_RATE);
        forces.gradient(&at, exaggeration, &mut gradient);
        let sums: Vec<Vector> = at
            .par_chunks_mut(BLOCK)
            .zip(motion.par_chunks_mut(BLOCK))
            .zip(gradient.par_chunks(BLOCK))
            .map(|((at, motion), gradient)| {
                let mut sum = [0.0; 2];
                for ((at, motion), gradient) in at.iter_mut().zip(motion).zip(gradient) {
                    motion.follow(gradient, rate);
                    for axis in 0..2 {
                        at[axis] += motion.step[axis];
                        sum[axis] += at[axis];
                    }
                }
                sum
            })
            .collect();
        let mean = [0, 1].map(|axis| sums.iter().map(|s| s[axis]).sum::<f64>() / n as f64);
        at.iter_mut()
            .for_each(|at| (0..2).for_each(|axis| at[axis] -= mean[axis]));
    }
    let mut out = vec![[0.0; 2]; n];
    order
        .iter()
        .zip(&at)
        .for_each(|(&i, &at)| out[i as usize] = at);
    let squares = |all: &mut dyn Iterator<Item = Vector>| -> f64 {
        all.map(|v| v[0] * v[0] + v[1] * v[1]).sum()
    };
    let steps = squares(&mut motion.iter().map(|motion| motion.step));
    let moved = (steps / squares(&mut at.iter().copied())).sqrt();
    (out, moved)
}

impl Motion {
    fn follow(&mut self, gradient: &Vector, rate: f64) {
        let axes = self.gain.iter_mut().zip(&mut self.step).zip(gradient);
        for ((gain, step), gradient) in axes {
            // A step against the gradient gains speed; one along it has gone too far.
            let over = (*gradient > 0.0) == (*step > 0.0);
            *gain = if over {
                *gain * 0.8 + 0.01
            } else {
                *gain + 0.2
            };
            *step = MOMENTUM * *step - rate * *gain * gradient;
        }
        let square = self.step[0] * self.step[0] + self.step[1] * self.step[1];
        if square > LONGEST_STEP * LONGEST_STEP {
            self.step = self.step.map(|s| s * (LONGEST_STEP / square.sqrt()));
        }
    }
}

fn permuted<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|&i| values[i as usize]).collect()
}
