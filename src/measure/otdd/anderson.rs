//! Anderson acceleration of a fixed-point iteration, kept safe.
//!
//! Averaged Sinkhorn updates converge linearly and, for a small blur, slowly. Anderson's method
//! (D. G. Anderson, J. ACM 1965; type II of Walker & Ni, SIAM J. Numer. Anal. 2011) takes the
//! combination of the latest iterates whose residual is smallest. An accelerated point whose
//! residual is larger than its predecessor's is dropped for the plain step: plain steps do not
//! expand, so that acceleration can only help.

use std::collections::VecDeque;

/// Differences of iterates and residuals that are kept.
const WINDOW: usize = 8;

/// The memory of the method.
pub struct Anderson<'w> {
    weights: &'w [f64],
    last: Option<Step>,
    /// Latest differences (of iterates, of residuals).
    differences: VecDeque<[Vec<f64>; 2]>,
}

struct Step {
    at: Vec<f64>,
    residual: Vec<f64>,
    norm: f64,
}

impl<'w> Anderson<'w> {
    /// Residuals are measured in the norm of these weights.
    pub fn new(weights: &'w [f64]) -> Self {
        Self {
            weights,
            last: None,
            differences: VecDeque::new(),
        }
    }

    fn inner(&self, x: &[f64], y: &[f64]) -> f64 {
        self.weights
            .iter()
            .zip(x.iter().zip(y))
            .map(|(w, (x, y))| w * x * y)
            .sum()
    }

    /// The next iterate after `at`, whose plain step leads to `at + residual`.
    pub fn next(&mut self, at: Vec<f64>, residual: Vec<f64>) -> Vec<f64> {
        let norm = self.inner(&residual, &residual).sqrt();
        if let Some(last) = self.last.take() {
            if norm > last.norm || norm.is_nan() {
                self.differences.clear();
                return add(&last.at, &last.residual);
            }
            if self.differences.len() == WINDOW {
                self.differences.pop_front();
            }
            self.differences
                .push_back([subtract(&at, &last.at), subtract(&residual, &last.residual)]);
        }
        let mut next = add(&at, &residual);
        if let Some(coefficients) = self.coefficients(&residual) {
            for (c, [iterate, residual]) in coefficients.iter().zip(&self.differences) {
                for (next, (i, r)) in next.iter_mut().zip(iterate.iter().zip(residual)) {
                    *next -= c * (i + r);
                }
            }
        }
        self.last = Some(Step { at, residual, norm });
        next
    }

    /// Least squares: the combination of residual differences nearest to the residual.
    fn coefficients(&self, residual: &[f64]) -> Option<Vec<f64>> {
        let k = self.differences.len();
        let gram = (0..k)
            .map(|i| {
                (0..=i)
                    .map(|j| self.inner(&self.differences[i][1], &self.differences[j][1]))
                    .collect()
            })
            .collect();
        let right: Vec<f64> = (0..k)
            .map(|i| self.inner(&self.differences[i][1], residual))
            .collect();
        solve(gram, right)
    }
}

/// Solves a symmetric positive system (lower half given) by Cholesky on the unit-diagonal scale,
/// with a ridge at rounding level; `None` if it is not positive.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    const RIDGE: f64 = 1e-12;
    let k = right.len();
    let scale: Vec<f64> = (0..k).map(|i| matrix[i][i].sqrt()).collect();
    if k == 0 || !scale.iter().all(|s| *s > 0.0 && s.is_finite()) {
        return None;
    }
    for i in 0..k {
        right[i] /= scale[i];
        for j in 0..=i {
            matrix[i][j] /= scale[i] * scale[j];
        }
        matrix[i][i] += RIDGE;
    }
    for i in 0..k {
        for j in 0..=i {
            let below: f64 = (0..j).map(|l| matrix[i][l] * matrix[j][l]).sum();
            let rest = matrix[i][j] - below;
            if i == j {
                if rest <= 0.0 || rest.is_nan() {
                    return None;
                }
                matrix[i][i] = rest.sqrt();
            } else {
                matrix[i][j] = rest / matrix[j][j];
            }
        }
    }
    for i in 0..k {
        let below: f64 = (0..i).map(|j| matrix[i][j] * right[j]).sum();
        right[i] = (right[i] - below) / matrix[i][i];
    }
    for i in (0..k).rev() {
        let above: f64 = (i + 1..k).map(|j| matrix[j][i] * right[j]).sum();
        right[i] = (right[i] - above) / matrix[i][i];
    }
    Some(right.iter().zip(&scale).map(|(r, s)| r / s).collect())
}

fn add(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x + y).collect()
}

fn subtract(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x - y).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x ← A x + b with spectral radius 0.99: plain steps need thousands.
    #[test]
    fn a_slow_linear_iteration_is_solved_in_a_few_steps() {
        let rates = [0.99, 0.9, 0.5, -0.5, 0.0];
        let weights = [0.2; 5];
        let mut anderson = Anderson::new(&weights);
        let mut x = vec![0.0; 5];
        for _ in 0..20 {
            let residual: Vec<f64> = x
                .iter()
                .zip(rates)
                .map(|(x, r)| (r - 1.0) * x + 1.0)
                .collect();
            x = anderson.next(x, residual);
        }
        for (x, rate) in x.iter().zip(rates) {
            assert!((x * (1.0 - rate) - 1.0).abs() < 1e-8, "{x} for {rate}");
        }
    }
}
