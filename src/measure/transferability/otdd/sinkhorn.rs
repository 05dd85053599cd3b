//! Entropic optimal transport in the log domain, annealed as geomloss does it.
//!
//! OT_ε(α, β) = min ⟨P, C⟩ + ε KL(P ‖ α ⊗ β) over plans P with marginals α and β, solved for its
//! potentials (f, g) by symmetrised updates f ← ½(f + softmin(g)), g ← ½(g + softmin(f)) (Feydy,
//! PhD thesis 2020, algorithm 3.5). ε falls from diameter² by scaling² to blur²; then iterations go
//! on until the plan's marginals are right to a tolerance or the allowance is spent, and one full
//! update ends it. Without an allowance this is geomloss's `SamplesLoss("sinkhorn", p=2)` step by
//! step. Beyond it a measure against itself, which has one potential, stays with symmetrised
//! updates: they halve its error or better. Two measures change to alternating, over-relaxed ones
//! and end with a symmetrised one, which leaves an error of the second order in the value.

use ndarray::ArrayView2;

use super::kernel::{Weights, softmin, softmins};
use super::relaxation::Relaxation;
use crate::measure::interrupt;

/// How a problem is solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// √ε at the end, in units of the features.
    pub blur: f64,
    /// Ratio of successive √ε while annealing.
    pub scaling: f64,
    /// Largest L1 violation of a marginal that counts as converged.
    pub tolerance: f64,
    /// Most iterations at the last ε beyond the annealing.
    pub iterations: usize,
}

impl Settings {
    /// ε at the end.
    pub fn epsilon(&self) -> f64 {
        self.blur * self.blur
    }
}

/// A cost matrix between two weighted measures, or of one with itself.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    cost: ArrayView2<'a, f64>,
    a: &'a Weights,
    b: Option<&'a Weights>,
}

/// Potentials of a problem and how good they are.
#[derive(Debug, Clone)]
pub struct Solution {
    /// Potentials `[f; g]`, or `[f]` of a measure with itself.
    pub at: Vec<f64>,
    /// The same after the last full update: softmin of the others at [`Solution::at`].
    pub next: Vec<f64>,
    /// OT_ε, as the dual reads it at `next`.
    pub value: f64,
    /// Iterations made, those of the annealing among them.
    pub iterations: usize,
    /// Larger L1 violation of the plan's two marginals, at `at`.
    pub violation: f64,
    /// Whether that is within the tolerance.
    pub converged: bool,
}

impl<'a> Problem<'a> {
    /// Cost `[N, M]` between two measures.
    pub fn cross(cost: ArrayView2<'a, f64>, a: &'a Weights, b: &'a Weights) -> Self {
        Self {
            cost,
            a,
            b: Some(b),
        }
    }

    /// Symmetric cost `[N, N]` of a measure with itself.
    pub fn within(cost: ArrayView2<'a, f64>, a: &'a Weights) -> Self {
        Self { cost, a, b: None }
    }

    /// The full update: every potential from the others, all at once.
    fn update(&self, at: &[f64], epsilon: f64) -> Vec<f64> {
        match self.b {
            None => softmin(self.cost, at, self.a, epsilon),
            Some(b) => {
                let (f, g) = at.split_at(self.cost.nrows());
                softmins(self.cost, [f, g], [self.a, b], epsilon).concat()
            }
        }
    }

    /// One over-relaxed update of f, given its soft minimum in `next`, then one of g.
    fn alternate(
        &self,
        at: &mut [f64],
        next: &[f64],
        b: &Weights,
        relaxation: &Relaxation,
        epsilon: f64,
    ) {
        let n = self.cost.nrows();
        relaxation.advance(&mut at[..n], &next[..n], self.a, epsilon);
        let next = self.update(at, epsilon);
        relaxation.advance(&mut at[n..], &next[n..], b, epsilon);
    }

    /// Larger L1 violation of a marginal: row i of the plan has mass aᵢ exp((fᵢ − softminᵢ)/ε),
    /// columns alike.
    fn violation(&self, at: &[f64], next: &[f64], mass: &[f64], epsilon: f64) -> f64 {
        let wrong = |range: std::ops::Range<usize>| -> f64 {
            range
                .map(|i| mass[i] * ((at[i] - next[i]) / epsilon).min(700.0).exp_m1().abs())
                .sum()
        };
        let n = self.cost.nrows();
        wrong(0..n).max(wrong(n..mass.len())).min(f64::MAX)
    }

    /// Solves it, unless someone asks to stop; `diameter` is where annealing starts, √(2 max C) unless given.
    pub fn solve(&self, settings: &Settings, diameter: Option<f64>) -> Solution {
        let largest = self.cost.iter().fold(0.0f64, |m, &c| m.max(c));
        let diameter = diameter.unwrap_or((2.0 * largest).sqrt());
        let mut mass = self.a.mass.clone();
        self.b.iter().for_each(|b| mass.extend(&b.mass));

        let schedule = schedule(diameter, settings);
        let mut at = self.update(&vec![0.0; mass.len()], schedule[0]);
        for &epsilon in &schedule {
            if interrupt::asked() {
                break;
            }
            let next = self.update(&at, epsilon);
            average(&mut at, &next);
        }
        let epsilon = settings.epsilon();
        let mut relaxation = Relaxation::new();
        let mut extra = 0;
        let mut next = self.update(&at, epsilon);
        let mut violation = self.violation(&at, &next, &mass, epsilon);
        while violation > settings.tolerance && extra < settings.iterations && !interrupt::asked() {
            extra += 1;
            match self.b {
                Some(b) => {
                    relaxation.observe(violation);
                    self.alternate(&mut at, &next, b, &relaxation, epsilon);
                }
                None => average(&mut at, &next),
            }
            next = self.update(&at, epsilon);
            violation = self.violation(&at, &next, &mass, epsilon);
        }
        if extra > 0 && self.b.is_some() {
            average(&mut at, &next);
            next = self.update(&at, epsilon);
            violation = self.violation(&at, &next, &mass, epsilon);
        }
        let value: f64 = next.iter().zip(&mass).map(|(z, m)| z * m).sum();
        Solution {
            at,
            next,
            value: if self.b.is_some() { value } else { 2.0 * value },
            iterations: schedule.len() + extra,
            violation,
            converged: violation <= settings.tolerance,
        }
    }
}

impl Solution {
    /// The solution of the same problem seen from the other side; `n` points on the first.
    pub fn turned(&self, n: usize) -> Self {
        let turn = |z: &[f64]| [&z[n..], &z[..n]].concat();
        Self {
            at: turn(&self.at),
            next: turn(&self.next),
            ..self.clone()
        }
    }
}

/// The symmetrised update: half of the way.
fn average(at: &mut [f64], next: &[f64]) {
    at.iter_mut()
        .zip(next)
        .for_each(|(z, next)| *z = 0.5 * (*z + next));
}

/// geomloss's list: diameter², then from there by scaling² while above blur², then blur².
fn schedule(diameter: f64, settings: &Settings) -> Vec<f64> {
    let diameter = diameter.max(settings.blur);
    let (start, stop) = (2.0 * diameter.ln(), 2.0 * settings.blur.ln());
    let step = 2.0 * settings.scaling.ln();
    let count = ((stop - start) / step).ceil().max(0.0) as usize;
    std::iter::once(diameter * diameter)
        .chain((0..count).map(|i| (start + i as f64 * step).exp()))
        .chain([settings.epsilon()])
        .collect()
}
