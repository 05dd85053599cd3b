//! LogME: how probable are the labels under the best linear model of the features?
//!
//! Source: You et al., *LogME: practical assessment of pre-trained models for transfer learning*,
//! ICML 2021; fixed point as in *Ranking and tuning pre-trained models*, JMLR 2022, and in the
//! authors' code. For every class, y ∈ {0, 1}ᴺ is a Gaussian around F w of precision β, w ~ N(0, I/α);
//! α and β maximise the evidence p(y | F, α, β). LogME is its logarithm over N, averaged over the
//! classes: any real number, higher is better. It depends on the scale of the features (they are
//! taken as they are) and, by a constant, on the number of classes.
//!
//! With t = α/β, σ² the squared singular values of F and x = Uᵀy, one step is γ = Σ σ²/(σ² + t),
//! α = γ/m², β = (N − γ)/r², with m² = Σ σ²x²/(σ² + t)², r² = Σ x² t²/(σ² + t)² + ‖y‖² − ‖x‖².
//!
//! Two differences from the authors' code. Only classes that occur are averaged: a hole in the
//! labels is to theirs a class without samples, and absurdly probable. And log det(αI + βFᵀF) is
//! over all D directions, as in the paper: theirs leaves out log α for those beyond min(N, D) and
//! so adds (D − N)/2N · log α to every class where N < D, which can turn a ranking.

use ndarray::{Array1, ArrayView1};
use serde::Serialize;

use super::MeasureError;
use super::rows::{Present, Rows};
use super::samples::{Real, Samples};
use super::spectrum::spectrum;

/// The authors' guard against division by zero.
const EPSILON: f64 = 1e-5;

/// Settings of the fixed point, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LogmeParams(ValidLogmeParams);

/// Checked settings; only these can run.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidLogmeParams {
    iterations: usize,
    tolerance: f64,
}

impl Default for LogmeParams {
    fn default() -> Self {
        Self::new()
    }
}

impl LogmeParams {
    /// The authors': at most 11 steps, until α/β changes by no more than 0.1 %.
    pub fn new() -> Self {
        Self(ValidLogmeParams {
            iterations: 11,
            tolerance: 1e-3,
        })
    }

    /// Most steps of a class.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.0.iterations = iterations;
        self
    }

    /// Relative change of α/β that counts as converged.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for no iteration, or a tolerance that is negative or not finite.
    pub fn check(self) -> Result<ValidLogmeParams, MeasureError> {
        let ValidLogmeParams {
            iterations,
            tolerance,
        } = self.0;
        if iterations == 0 {
            return Err(MeasureError::parameter("max_iterations", "at least 1", 0));
        }
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            let range = "a finite number of at least 0";
            return Err(MeasureError::parameter("tolerance", range, tolerance));
        }
        Ok(self.0)
    }
}

/// How well features explain labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logme {
    /// Mean of the classes' evidence: any number, higher is better.
    pub value: f64,
    /// Directions with variance above rounding.
    pub rank: usize,
    /// Every class that occurs, by label.
    pub classes: Vec<Evidence>,
}

/// The linear model of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evidence {
    /// The label.
    pub class: usize,
    /// Log of the evidence, over N.
    pub value: f64,
    /// Precision of the weights; 0 for features that are all zero.
    pub alpha: f64,
    /// Precision of the labels.
    pub beta: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Whether the last step was small enough.
    pub converged: bool,
}

impl ValidLogmeParams {
    /// LogME of features `[N, D]`; time O(N·D·min(N, D)), memory O(min(N, D)² + K·D).
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without samples or features; [`MeasureError::Numerical`] where
    /// squares leave double precision, or LAPACK does not converge.
    pub fn run<A: Real>(&self, samples: &Samples<'_, A>) -> Result<Logme, MeasureError> {
        let n = samples.len();
        MeasureError::at_least("samples", 1, n)?;
        MeasureError::at_least("features", 1, samples.dim())?;
        let present = Present::new(samples.labels());
        let spectrum = spectrum(&Rows::plain(samples.features()), &present, false)?;
        let mut classes = Vec::with_capacity(present.len());
        for ((x, &count), &class) in spectrum
            .loads
            .columns()
            .into_iter()
            .zip(&present.counts)
            .zip(&present.labels)
        {
            let found = self.evidence(class, &spectrum.squares, x, count, n);
            if !(found.value.is_finite() && found.alpha.is_finite() && found.beta.is_finite()) {
                return Err(MeasureError::Numerical {
                    what: "evidence of a class",
                    found: format!("{found:?}"),
                });
            }
            classes.push(found);
        }
        Ok(Logme {
            value: classes.iter().map(|c| c.value).sum::<f64>() / classes.len() as f64,
            rank: spectrum.squares.len(),
            classes,
        })
    }

    fn evidence(
        &self,
        class: usize,
        squares: &Array1<f64>,
        x: ArrayView1<'_, f64>,
        count: usize,
        n: usize,
    ) -> Evidence {
        let samples = n as f64;
        // What the features cannot explain: ‖y‖² − ‖x‖².
        let rest = (count as f64 - x.dot(&x)).max(0.0);
        let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
            squares.iter().zip(&x).map(|(&s, &x)| term(s, x)).sum()
        };
        let (mut alpha, mut beta, mut t) = (1.0, 1.0, 1.0);
        let (mut weights, mut residual) = (0.0, 0.0);
        let (mut iterations, mut converged) = (0, false);
        while iterations < self.iterations && !converged {
            iterations += 1;
            let gamma = sum(&|s, _| s / (s + t));
            // N − γ, without cancellation.
            let free = (n - squares.len().min(n)) as f64 + sum(&|s, _| t / (s + t));
            weights = sum(&|s, x| (s.sqrt() * x / (s + t)).powi(2));
            residual = rest + sum(&|s, x| (x * t / (s + t)).powi(2));
            alpha = gamma / (weights + EPSILON);
            beta = free / (residual + EPSILON);
            let next = alpha / beta;
            converged = (next - t).abs() <= self.tolerance * t;
            t = next;
        }
        // ½ D log α − ½ log det(αI + βFᵀF) = −½ Σ log(1 + σ²/t), also where α = 0.
        let occam = sum(&|s, _| (s / t).ln_1p());
        let value = 0.5
            * (samples * (beta / std::f64::consts::TAU).ln()
                - occam
                - beta * residual
                - alpha * weights)
            / samples;
        Evidence {
            class,
            value,
            alpha,
            beta,
            iterations,
            converged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::yardsticks::{normal, rotation};
    use ndarray::Array2;

    fn logme(x: &Array2<f64>, labels: &[usize]) -> Logme {
        let samples = Samples::new(x.view(), labels, 10).expect("valid");
        let params = LogmeParams::new().check().expect("valid");
        params.run(&samples).expect("runs")
    }

    #[test]
    fn features_that_tell_the_class_are_better_than_features_that_do_not() {
        let labels: Vec<usize> = (0..200).map(|i| i % 4).collect();
        let noise = normal(1, 200, 8);
        let mut tell = noise.clone();
        for (mut row, &label) in tell.outer_iter_mut().zip(&labels) {
            row[label] += 4.0;
        }
        let (good, bad) = (logme(&tell, &labels), logme(&noise, &labels));
        assert!(good.value > bad.value + 0.2, "{good:?} {bad:?}");
        assert!(good.classes.iter().all(|c| c.converged));
    }

    #[test]
    fn rotation_and_names_of_classes_do_not_matter() {
        for (n, d) in [(80, 9), (12, 30)] {
            let x = normal(2, n, d);
            let labels: Vec<usize> = (0..n).map(|i| (i * i) % 3).collect();
            let plain = logme(&x, &labels);
            let renamed: Vec<usize> = labels.iter().map(|l| 9 - 4 * l).collect();
            let other = logme(&x.dot(&rotation(3, d)), &renamed);
            assert!((plain.value - other.value).abs() < 1e-9);
            assert_eq!(plain.rank, n.min(d));
        }
    }

    #[test]
    fn features_without_content_leave_the_null_model() {
        let labels = [0, 1, 1, 0, 1];
        let found = logme(&Array2::zeros((5, 3)), &labels);
        assert_eq!((found.rank, found.classes[0].alpha), (0, 0.0));
        // y ~ N(0, 1/β) alone: β = N/‖y‖².
        let null = |hits: f64| 0.5 * ((5.0 / (hits * std::f64::consts::TAU)).ln() - 1.0);
        assert!((found.value - 0.5 * (null(2.0) + null(3.0))).abs() < 1e-5);
    }

    #[test]
    fn bad_settings_are_refused() {
        let refused = |p: LogmeParams| matches!(p.check(), Err(MeasureError::Parameter { .. }));
        assert!(refused(LogmeParams::new().max_iterations(0)));
        assert!(refused(LogmeParams::new().tolerance(-1.0)));
        assert!(refused(LogmeParams::new().tolerance(f64::NAN)));
    }
}
