//! LogME: how probable are the labels under the best linear model of the features?
//!
//! Source: You et al., *LogME: practical assessment of pre-trained models for transfer learning*,
//! ICML 2021; *Ranking and tuning pre-trained models*, JMLR 2022. For every class, y ∈ {0, 1}ᴺ is a Gaussian around F w of precision β, w ~ N(0, I/α);
//! α and β maximise the evidence p(y | F, α, β). LogME is its logarithm over N, averaged over the
//! classes: any real number, higher is better. A factor on all features is taken up by α, so the unit of
//! the features does not matter; their origin does (they are not centred), and so, by a constant,
//! does the number of classes.
//!
//! With t = α/β, σ² the squared singular values of F and x = Uᵀy, let γ = Σ σ²/(σ² + t), m² = Σ σ²x²/(σ² + t)²
//! and r² = Σ x²t²/(σ² + t)² + ‖y‖² − ‖x‖². The authors repeat α = γ/m², β = (N − γ)/r². For a given t the best β is
//! N/(r² + t m²), and r² + t m² = ‖y‖² − ‖x‖² + Σ x²t/(σ² + t), so that the evidence is a function of t alone:
//! its maximum over log t is looked for on a grid and then by halving where its slope changes sign. The fixed points are
//! its stationary points; it may have two (features that tell nothing send t to infinity), and the
//! grid finds the higher one.
//!
//! Three differences from the authors' code. They add 1e-5 to m² and to r², absolute numbers that make
//! the same features in other units better or worse, and stop after 11 steps, wherever they are; here
//! is the maximum itself. Only classes that occur are averaged: a hole in the labels is to theirs a
//! class without samples, and absurdly probable. And log det(αI + βFᵀF) is over all D directions, as
//! in the paper: theirs leaves out log α for those beyond min(N, D) and so adds (D − N)/2N · log α to
//! every class where N < D, which can turn a ranking.

use ndarray::{Array1, ArrayView1};
use serde::Serialize;

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, UNBOUNDED, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Measure, Noise};
use crate::measure::linalg::rows::{Present, Rows};
use crate::measure::linalg::spectrum::spectrum;
use crate::measure::samples::{Real, Samples};

/// Least share of ‖y‖² that counts as unexplained where there are more samples than directions. Without
/// it a class that is an exact linear function of the features is infinitely probable. Relative, so
/// that no unit matters.
const UNEXPLAINED: f64 = 1e-12;
/// How far, in log t, the maximum is looked for beyond the least and the largest σ²: beyond, the
/// evidence changes by no more than its rounding.
const BEYOND: f64 = 36.0;
/// Distance of the grid in log t.
const STEP: f64 = 0.5;
/// Slope of the evidence a sample, over log t, that is no slope.
const FLAT: f64 = 1e-6;

/// Settings of the maximisation, not yet checked.
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
    /// At most 100 halvings, until α/β is known to a relative 1e-9.
    pub fn new() -> Self {
        Self(ValidLogmeParams {
            iterations: 100,
            tolerance: 1e-9,
        })
    }

    /// Most halvings of a class.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.0.iterations = iterations;
        self
    }

    /// Relative uncertainty of α/β that counts as converged.
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
    /// Whether every class converged.
    pub converged: bool,
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
    /// Halvings.
    pub iterations: usize,
    /// Whether the maximum was found: not where the halvings ran out, and not where the evidence
    /// still grows as the labels' noise vanishes, because the features give the class exactly.
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
        let grid = Grid::new(&spectrum.squares);
        let mut classes = Vec::with_capacity(present.len());
        for ((x, &count), &class) in spectrum
            .loads
            .columns()
            .into_iter()
            .zip(&present.counts)
            .zip(&present.labels)
        {
            let model = Model::new(&spectrum.squares, x, count, n);
            let found = self.evidence(class, &model, &grid);
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
            converged: classes.iter().all(|c| c.converged),
            classes,
        })
    }

    fn evidence(&self, class: usize, model: &Model<'_>, grid: &Grid) -> Evidence {
        let Some(best) = grid.highest(model) else {
            // No feature has content: y ~ N(0, 1/β) alone.
            return Evidence {
                class,
                value: model.value(model.rest, 0.0),
                alpha: 0.0,
                beta: model.samples / model.rest,
                iterations: 0,
                converged: true,
            };
        };
        // The evidence is highest between the best place and the neighbour to which it rises.
        let (mut low, mut high) = grid.around(best, model);
        let mut iterations = 0;
        while high - low > self.tolerance && iterations < self.iterations {
            iterations += 1;
            let middle = 0.5 * (low + high);
            if model.slope(middle.exp()) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let log = 0.5 * (low + high);
        let t = log.exp();
        let beta = model.samples / model.misfit(t);
        Evidence {
            class,
            value: model.at(log),
            alpha: beta * t,
            beta,
            iterations,
            converged: high - low <= self.tolerance
                && !model.exact
                && model.slope(t).abs() <= FLAT * model.samples,
        }
    }
}

/// One class: its evidence as a function of t.
struct Model<'a> {
    squares: &'a Array1<f64>,
    x: ArrayView1<'a, f64>,
    samples: f64,
    /// What the features cannot explain: ‖y‖² − ‖x‖².
    rest: f64,
    /// Whether that is nothing, though there are more samples than directions.
    exact: bool,
}

impl<'a> Model<'a> {
    fn new(squares: &'a Array1<f64>, x: ArrayView1<'a, f64>, count: usize, n: usize) -> Self {
        let (count, least) = (count as f64, UNEXPLAINED * count as f64);
        let rest = count - x.dot(&x);
        // As many directions as samples explain everything, whatever rounding leaves.
        let whole = squares.len() >= n;
        Self {
            squares,
            x,
            samples: n as f64,
            rest: if whole { 0.0 } else { rest.max(least) },
            exact: !whole && rest < least,
        }
    }

    fn sum(&self, term: impl Fn(f64, f64) -> f64) -> f64 {
        let pairs = self.squares.iter().zip(&self.x);
        pairs.map(|(&s, &x)| term(s, x)).sum()
    }

    /// r² + t m².
    fn misfit(&self, t: f64) -> f64 {
        self.rest + self.sum(|s, x| x * x * t / (s + t))
    }

    /// Log of the evidence over N, for the best β, given r² + t m² and Σ log(1 + σ²/t).
    fn value(&self, misfit: f64, occam: f64) -> f64 {
        let n = self.samples;
        0.5 * (n * (n / misfit / std::f64::consts::TAU).ln() - occam - n) / n
    }

    /// The same for log t. ½ D log α − ½ log det(αI + βFᵀF) = −½ Σ log(1 + σ²/t).
    fn at(&self, log: f64) -> f64 {
        let t = log.exp();
        self.value(self.misfit(t), self.sum(|s, _| (s / t).ln_1p()))
    }

    /// Twice N times its derivative: γ − N t m²/(r² + t m²).
    fn slope(&self, t: f64) -> f64 {
        let gamma = self.sum(|s, _| s / (s + t));
        let weights = self.sum(|s, x| s * (x / (s + t)).powi(2));
        gamma - self.samples * t * weights / self.misfit(t)
    }
}

/// Places in log t, with what all classes share there.
struct Grid {
    logs: Vec<f64>,
    occam: Vec<f64>,
}

impl Grid {
    /// Empty for no direction.
    fn new(squares: &Array1<f64>) -> Self {
        let (Some(least), Some(most)) = (squares.first(), squares.last()) else {
            let (logs, occam) = (Vec::new(), Vec::new());
            return Self { logs, occam };
        };
        let (low, high) = (least.ln() - BEYOND, most.ln() + BEYOND);
        let steps = ((high - low) / STEP).ceil() as usize;
        let logs: Vec<f64> = (0..=steps).map(|i| low + i as f64 * STEP).collect();
        let occam = |log: &f64| squares.iter().map(|s| (s / log.exp()).ln_1p()).sum();
        let occam = logs.iter().map(occam).collect();
        Self { logs, occam }
    }

    /// The place of highest evidence; of equals the last, the simpler model.
    fn highest(&self, model: &Model<'_>) -> Option<usize> {
        let value = |i: usize| model.value(model.misfit(self.logs[i].exp()), self.occam[i]);
        let all = (0..self.logs.len()).map(|i| (i, value(i)));
        all.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }

    /// From there to the neighbour to which the evidence rises.
    fn around(&self, place: usize, model: &Model<'_>) -> (f64, f64) {
        let (last, at) = (self.logs.len() - 1, self.logs[place]);
        if model.slope(at.exp()) > 0.0 {
            (at, self.logs[(place + 1).min(last)])
        } else {
            (self.logs[place.saturating_sub(1)], at)
        }
    }
}

/// LogME of the test features.
pub const LOGME: Measure = Measure {
    about: About {
        name: "logme",
        older: &[],
        title: "LogME",
        unit: Unit::Number(3),
        better: Better::Higher,
        range: UNBOUNDED,
        values: "any number",
        what: "How probable the labels are under the best linear model of the features.",
        computed: "Logarithm of the maximum evidence of a Gaussian linear model for each class, over the number of samples, averaged over classes.",
        limits: "Values are comparable only between features of the same samples and labels; features are not centred, so their origin counts.",
        citation: "You et al., LogME: practical assessment of pre-trained models for transfer learning, ICML 2021",
    },
    noise: Noise::Jackknife,
    cost: Cost::Decomposition,
    in_run: Extent::Balanced,
    value: |input| Ok(LogmeParams::new().check()?.run(input.test())?.value),
};

/// The authors' fixed point, with their absolute guard and their limit of steps: what their published
/// values are made of, for the test against them.
#[cfg(test)]
pub(in crate::measure) fn published<A: Real>(samples: &Samples<'_, A>) -> Vec<Evidence> {
    const EPSILON: f64 = 1e-5;
    let (n, present) = (samples.len(), Present::new(samples.labels()));
    let rows = Rows::plain(samples.features());
    let spectrum = spectrum(&rows, &present, false).expect("spectrum");
    let model = |place: usize| {
        let (x, count) = (spectrum.loads.column(place), present.counts[place]);
        let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
            spectrum
                .squares
                .iter()
                .zip(&x)
                .map(|(&s, &x)| term(s, x))
                .sum()
        };
        let rest = (count as f64 - x.dot(&x)).max(0.0);
        let (mut alpha, mut beta, mut t) = (1.0, 1.0, 1.0);
        let (mut weights, mut residual) = (0.0, 0.0);
        let (mut iterations, mut converged) = (0, false);
        while iterations < 11 && !converged {
            iterations += 1;
            let gamma = sum(&|s, _| s / (s + t));
            let free = (n - spectrum.squares.len().min(n)) as f64 + sum(&|s, _| t / (s + t));
            weights = sum(&|s, x| (s.sqrt() * x / (s + t)).powi(2));
            residual = rest + sum(&|s, x| (x * t / (s + t)).powi(2));
            alpha = gamma / (weights + EPSILON);
            beta = free / (residual + EPSILON);
            let next = alpha / beta;
            converged = (next - t).abs() <= 1e-3 * t;
            t = next;
        }
        let (n, occam) = (n as f64, sum(&|s, _| (s / t).ln_1p()));
        let fit = beta * residual + alpha * weights;
        Evidence {
            class: present.labels[place],
            value: 0.5 * (n * (beta / std::f64::consts::TAU).ln() - occam - fit) / n,
            alpha,
            beta,
            iterations,
            converged,
        }
    };
    (0..present.len()).map(model).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::references::{normal, rotation};
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

    /// The evidence by a fine grid over both precisions, from its definition.
    fn defined(x: &Array2<f64>, labels: &[usize], class: usize) -> f64 {
        use ndarray_linalg::{Eigh, UPLO};
        crate::measure::blas::single_threaded();
        let (n, d) = (x.nrows() as f64, x.ncols() as f64);
        let y = ndarray::Array1::from_iter(labels.iter().map(|l| f64::from(u8::from(*l == class))));
        let (squares, v) = x.t().dot(x).eigh(UPLO::Lower).expect("eigenvalues");
        let z = v.t().dot(&x.t().dot(&y));
        let evidence = |log_alpha: f64, log_beta: f64| {
            let (a, b) = (log_alpha.exp(), log_beta.exp());
            // w = β A⁻¹Fᵀy, A = αI + βFᵀF; E = β/2 ‖y − Fw‖² + α/2 ‖w‖².
            let (mut fit, mut det) = (b * y.dot(&y), 0.0);
            for (&s, &z) in squares.iter().zip(&z) {
                let s = s.max(0.0);
                fit -= (b * z).powi(2) / (a + b * s);
                det += (a + b * s).ln();
            }
            (0.5 * (d * log_alpha + n * log_beta - fit - det)
                - 0.5 * n * std::f64::consts::TAU.ln())
                / n
        };
        let scale = squares.sum().ln() - n.ln();
        let (mut best, mut step) = ([scale, 1.0], 4.0);
        let mut value = evidence(best[0], best[1]);
        while step > 1e-7 {
            let from = best;
            for (i, j) in (-3..=3).flat_map(|i| (-3..=3).map(move |j| (i, j))) {
                let next = [from[0] + f64::from(i) * step, from[1] + f64::from(j) * step];
                let found = evidence(next[0], next[1]);
                if found > value {
                    (value, best) = (found, next);
                }
            }
            if best == from {
                step *= 0.5;
            }
        }
        value
    }

    #[test]
    fn the_value_is_the_maximum_of_the_evidence_in_every_unit() {
        let labels: Vec<usize> = (0..120).map(|i| i * i % 5).collect();
        let mut x = normal(7, 120, 12);
        for (mut row, &label) in x.outer_iter_mut().zip(&labels) {
            row[label] += 1.2;
        }
        let plain = logme(&x, &labels);
        assert!(plain.converged);
        for class in &plain.classes {
            let expected = defined(&x, &labels, class.class);
            assert!(
                (class.value - expected).abs() < 1e-9,
                "{class:?} {expected}"
            );
        }
        for factor in [1e-4, 1e-2, 7.0, 255.0, 1e4, 1e6] {
            let other = logme(&(&x * factor), &labels);
            assert!((plain.value - other.value).abs() < 1e-10, "{factor}");
            // w shrinks as the features grow: its precision is in their unit, squared.
            let alpha = other.classes[0].alpha / factor / factor;
            assert!((alpha / plain.classes[0].alpha - 1.0).abs() < 1e-4);
            assert!(other.converged);
        }
    }

    #[test]
    fn a_class_that_is_a_linear_function_of_the_features_is_told() {
        let labels: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let x = Array2::from_shape_fn((60, 3), |(i, j)| f64::from(u8::from(labels[i] == j)));
        let found = logme(&x, &labels);
        assert!(!found.converged && found.value.is_finite() && found.value > 5.0);
        let other = logme(&(&x * 1e-4), &labels);
        assert!((found.value - other.value).abs() < 1e-8);
    }

    #[test]
    fn features_that_tell_nothing_are_no_better_than_none() {
        let labels: Vec<usize> = (0..400).map(|i| i % 2).collect();
        // Alternating labels are orthogonal to features that come in equal pairs.
        let x = normal(9, 200, 3);
        let x = Array2::from_shape_fn((400, 3), |(i, j)| x[[i / 2, j]] - x[[99 - i / 4, j]]);
        let found = logme(&(x * 1e3), &labels);
        let null = 0.5 * ((400.0 / (200.0 * std::f64::consts::TAU)).ln() - 1.0);
        assert!(found.value >= null - 1e-9 && found.value < null + 0.05);
        assert!(found.converged, "{found:?}");
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
