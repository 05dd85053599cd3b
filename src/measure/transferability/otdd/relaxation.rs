//! Over-relaxation of Sinkhorn's alternating updates, with a factor that adapts and cannot harm.
//!
//! Close to the optimum an update that goes ω times as far, 1 < ω < 2, turns a rate of 1 − δ into
//! about 1 − 2√δ (Thibault et al., *Overrelaxed Sinkhorn–Knopp*, 2017; Lehmann et al. 2021). The
//! best ω follows from the rate as in successive over-relaxation (Young 1954), and the rate is
//! followed. Far from the optimum a long step can overshoot; it is shortened until the dual
//! objective rises, which a plain step (ω = 1) always does.

use super::kernel::Weights;

/// Updates between two measurements of the rate.
const PERIOD: usize = 5;
/// Largest factor.
const MOST: f64 = 1.95;
/// Below it, a factor is as good as one.
const LEAST: f64 = 1.01;

/// The factor and what it is judged by.
pub struct Relaxation {
    factor: f64,
    violations: Vec<f64>,
}

impl Relaxation {
    /// Begins with plain updates.
    pub fn new() -> Self {
        Self {
            factor: 1.0,
            violations: Vec::with_capacity(PERIOD),
        }
    }

    /// Takes note of the marginal violation before an update.
    pub fn observe(&mut self, violation: f64) {
        self.violations.push(violation);
        if self.violations.len() < PERIOD {
            return;
        }
        let rate = (violation / self.violations[0]).powf(1.0 / (PERIOD - 1) as f64);
        self.violations.clear();
        let factor = self.factor;
        if rate >= 1.0 || rate.is_nan() {
            self.factor = (factor + 0.1).min(MOST);
        } else if rate > factor - 1.0 {
            // Young's relation between the rate at ω and at 1.
            let plain = (rate + factor - 1.0).powi(2) / (rate * factor * factor);
            let best = 2.0 / (1.0 + (1.0 - plain).max(1e-6).sqrt());
            self.factor = best.clamp(factor, MOST);
        }
    }

    /// Moves `potential` towards its soft minimum `to`, and beyond while that raises the dual.
    pub fn advance(&self, potential: &mut [f64], to: &[f64], weights: &Weights, epsilon: f64) {
        let mut factor = self.factor;
        let raises = |factor| gain(potential, to, weights, epsilon, factor) >= 0.0;
        while factor > LEAST && !raises(factor) {
            factor = 0.5 * (1.0 + factor);
        }
        if factor <= LEAST {
            potential.copy_from_slice(to);
            return;
        }
        for (at, to) in potential.iter_mut().zip(to) {
            *at += factor * (to - *at);
        }
    }
}

/// What the dual objective gains: with d = softmin − f and marginals aᵢ exp(−dᵢ/ε),
/// Σ aᵢ (ω dᵢ + ε exp(−dᵢ/ε) − ε exp((ω − 1) dᵢ/ε)).
fn gain(at: &[f64], to: &[f64], weights: &Weights, epsilon: f64, factor: f64) -> f64 {
    at.iter()
        .zip(to)
        .zip(&weights.mass)
        .map(|((at, to), mass)| {
            let d = (to - at) / epsilon;
            let marginals = (-d).min(600.0).exp_m1() - ((factor - 1.0) * d).min(600.0).exp_m1();
            mass * (factor * d + marginals)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_of_a_known_rate_is_youngs() {
        let mut relaxation = Relaxation::new();
        (0..PERIOD).for_each(|k| relaxation.observe(0.81f64.powi(k as i32)));
        let best = 2.0 / (1.0 + 0.19f64.sqrt());
        assert!((relaxation.factor - best).abs() < 1e-12);
        // Faster than the factor allows in theory: nothing to learn.
        (0..PERIOD).for_each(|k| relaxation.observe(0.1f64.powi(k as i32)));
        assert!((relaxation.factor - best).abs() < 1e-12);
        (0..100).for_each(|k| relaxation.observe(f64::from(k) + 1.0));
        assert!(relaxation.factor == MOST);
    }

    #[test]
    fn a_step_that_would_lower_the_dual_is_shortened() {
        let relaxation = Relaxation {
            factor: 1.9,
            violations: Vec::new(),
        };
        let weights = Weights::uniform(2);
        let mut near = [0.0, 0.0];
        relaxation.advance(&mut near, &[1e-3, -1e-3], &weights, 1.0);
        assert_eq!(near, [1.9e-3, -1.9e-3]);
        let mut far = [0.0, 0.0];
        relaxation.advance(&mut far, &[50.0, 1.0], &weights, 1.0);
        assert!(far[0] < 95.0 && far[0] >= 50.0);
    }
}
