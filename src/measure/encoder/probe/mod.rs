//! The linear probe: how well do frozen features separate classes by hyperplanes?
//!
//! Multinomial logistic regression with scikit-learn's objective ([`objective`]) solved by
//! L-BFGS ([`lbfgs`]), preconditioned, in single precision first and exactly at last: the error of this probe on a surrogate set is the paper's measure of how
//! much source knowledge a fine-tuned encoder has kept (MoNA, ICML 2024, figure 3). `C` is given,
//! or chosen on a validation set. Classes without a training sample are not fitted (as in
//! scikit-learn) and so are never predicted.

mod accelerator;
mod curvature;
mod errors;
mod kernel;
pub mod lbfgs;
pub mod model;
pub mod objective;
pub mod scaling;
mod single;

pub use model::LinearProbe;

use std::sync::Arc;
use std::time::Instant;

use ndarray::Array1;
use serde::Serialize;

use crate::measure::samples::{Real, Samples};
use crate::measure::{Groups, MeasureError, interrupt, stats};
use accelerator::Remote;
pub use accelerator::{Accelerator, BlockSums, Loaded};
pub use curvature::Curvature;
pub use errors::{BALANCED_ERROR, PROBE_ERROR};
use lbfgs::{Minimum, Stage, Stop, minimize};
use objective::{Evaluation, Objective};
use scaling::Scaling;
use single::Single;

/// Where the inverse regularisation strength comes from.
#[derive(Debug, Clone, PartialEq)]
enum Strength {
    Fixed(f64),
    Sweep(Vec<f64>),
}

/// Point and C → the objective there, in single precision.
type Coarse<'a> = Box<dyn Fn(&Array1<f64>, f64) -> Evaluation + 'a>;

/// Settings of the probe, not yet checked.
#[derive(Debug, Clone)]
pub struct ProbeParams(ValidProbeParams);

/// Checked settings; only these can run.
#[derive(Debug, Clone)]
pub struct ValidProbeParams {
    strength: Strength,
    standardize: bool,
    iterations: usize,
    tolerance: f64,
    accelerator: Option<Arc<dyn Accelerator>>,
}

impl Default for ProbeParams {
    fn default() -> Self {
        Self::new()
    }
}

impl ProbeParams {
    /// `C = 0.316` (CLIP's default point), standardised features, at most 2,000 iterations,
    /// tolerance 1e-7.
    pub fn new() -> Self {
        Self(ValidProbeParams {
            strength: Strength::Fixed(0.316),
            standardize: true,
            iterations: 2000,
            tolerance: 1e-7,
            accelerator: None,
        })
    }

    /// A fixed inverse regularisation strength, scikit-learn's `C`.
    pub fn c(mut self, c: f64) -> Self {
        self.0.strength = Strength::Fixed(c);
        self
    }

    /// Chooses `C` from a list by the error on the validation set; ties take the smaller `C`.
    pub fn sweep(mut self, cs: impl Into<Vec<f64>>) -> Self {
        self.0.strength = Strength::Sweep(cs.into());
        self
    }

    /// Whether features are shifted and scaled to the training set's mean and deviation.
    pub fn standardize(mut self, yes: bool) -> Self {
        self.0.standardize = yes;
        self
    }

    /// L-BFGS iterations at most, for each `C`.
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.0.iterations = iterations;
        self
    }

    /// Stops once no entry of the gradient of the *mean* loss exceeds this (absolute rule), or
    /// once the objective falls by less than `1e-5 ·` this, relatively, twice in a row.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Runs the iterations in single precision there rather than on our CPU kernels; the exact ones
    /// stay on the CPU. For a GPU and large N·D.
    pub fn accelerator(mut self, accelerator: impl Accelerator + 'static) -> Self {
        self.0.accelerator = Some(Arc::new(accelerator));
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a `C` or tolerance that is not positive and finite, an
    /// empty list or no iteration.
    pub fn check(mut self) -> Result<ValidProbeParams, MeasureError> {
        let positive = |c: f64| c.is_finite() && c > 0.0;
        let cs = match &mut self.0.strength {
            Strength::Fixed(c) => std::slice::from_mut(c),
            Strength::Sweep(cs) => {
                // Sorted, so that each fit starts from its neighbour's solution.
                cs.sort_by(f64::total_cmp);
                cs.dedup();
                cs.as_mut_slice()
            }
        };
        if cs.is_empty() {
            return Err(MeasureError::parameter("sweep", "at least one C", "none"));
        }
        if let Some(c) = cs.iter().find(|&&c| !positive(c)) {
            return Err(MeasureError::parameter("c", "a positive number", c));
        }
        if !positive(self.0.tolerance) {
            return Err(MeasureError::parameter(
                "tolerance",
                "a positive number",
                self.0.tolerance,
            ));
        }
        if self.0.iterations == 0 {
            return Err(MeasureError::parameter("iterations", "at least 1", 0));
        }
        Ok(self.0)
    }
}

/// One fit of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepPoint {
    /// The inverse regularisation strength.
    pub c: f64,
    /// The training objective reached.
    pub objective: f64,
    /// Error on the validation set, in `[0, 1]`; `None` where `C` was given.
    pub valid_error: Option<f64>,
    /// Which validation samples were predicted wrongly; empty where `C` was given.
    #[serde(skip)]
    pub valid_wrong: Vec<bool>,
    /// L-BFGS iterations (from the neighbour's solution).
    pub iterations: usize,
}

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProbeReport {
    /// Share of test samples predicted wrongly, in `[0, 1]`.
    pub error: f64,
    /// Mean over the classes with test samples of their errors, in `[0, 1]`: what `error` would
    /// be if all classes were equally frequent.
    pub balanced_error: f64,
    /// Training objective: sum of log losses + ‖W‖²/(2C).
    pub objective: f64,
    /// The inverse regularisation strength used: scikit-learn's `C`.
    pub c: f64,
    /// L-BFGS iterations over all fits.
    pub iterations: usize,
    /// Whether the chosen fit met a stopping rule rather than the limit of iterations.
    pub converged: bool,
    /// Wall-clock seconds of everything.
    pub seconds: f64,
    /// Wilson's 95 % interval of the error.
    pub interval: [f64; 2],
    /// 95 % interval of the balanced error: from the classes'
    /// ([`stats::mean_of_shares`]), within `[0, 1]` and never without width.
    pub balanced_interval: [f64; 2],
    /// Test samples by true class (row) and predicted class (column).
    pub confusion: Vec<Vec<usize>>,
    /// The predicted class of each test sample.
    pub predictions: Vec<usize>,
    /// Every `C` tried, ascending.
    pub sweep: Vec<SweepPoint>,
}

impl ProbeReport {
    /// The same report with intervals for test samples that belong together: of their `labels` and
    /// groups ([`Groups::error_interval`], [`Groups::balanced_interval`]).
    ///
    /// # Errors
    /// [`MeasureError::Shape`] unless there are a label and a group for every test sample.
    pub fn by_groups(mut self, labels: &[usize], groups: &Groups) -> Result<Self, MeasureError> {
        let samples = self.predictions.len();
        MeasureError::same("labels of test samples", samples, labels.len())?;
        MeasureError::same("groups of test samples", samples, groups.len())?;
        let pairs = labels.iter().zip(&self.predictions);
        let wrong: Vec<bool> = pairs.map(|(a, b)| a != b).collect();
        self.interval = groups.error_interval(&wrong);
        if let Some(interval) = groups.balanced_interval(labels, &wrong) {
            self.balanced_interval = interval;
        }
        Ok(self)
    }
}

impl ValidProbeParams {
    /// Fits on `train`, chooses `C` on `valid` if asked to, reports on `test`.
    ///
    /// ```
    /// use modalign::measure::{Samples, probe::ProbeParams};
    /// use ndarray::array;
    ///
    /// // Two classes left and right of zero; one test sample lies on the wrong side.
    /// let train = array![[-2.0f32, 0.3], [-1.0, 0.1], [1.0, 0.2], [2.0, 0.4]];
    /// let test = array![[-1.5f32, 0.2], [1.5, 0.2], [-0.5, 0.3]];
    /// let train = Samples::new(train.view(), &[0, 0, 1, 1], 2)?;
    /// let test = Samples::new(test.view(), &[0, 1, 1], 2)?;
    /// let report = ProbeParams::new().c(1.0).check()?.run(&train, None, &test)?;
    /// assert_eq!(report.predictions, [0, 1, 0]);
    /// assert_eq!(report.error, 1.0 / 3.0);
    /// # Ok::<(), modalign::measure::MeasureError>(())
    /// ```
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] for fewer than two classes with samples in `train`, no feature, no
    /// test sample, or a sweep without a validation sample; [`MeasureError::Shape`] if the sets
    /// have different dimensions or class counts.
    pub fn run<A: Real, B: Real>(
        &self,
        train: &Samples<'_, A>,
        valid: Option<&Samples<'_, B>>,
        test: &Samples<'_, B>,
    ) -> Result<ProbeReport, MeasureError> {
        let start = Instant::now();
        MeasureError::at_least("test samples", 1, test.len())?;
        same_space("test", train, test)?;
        let (probe, chosen, sweep) = self.fit(train, valid)?;
        let predictions = probe.predict(test.features())?;
        let mut confusion = vec![vec![0; test.classes()]; test.classes()];
        for (&truth, &predicted) in test.labels().iter().zip(&predictions) {
            confusion[truth][predicted] += 1;
        }
        let wrong = test
            .labels()
            .iter()
            .zip(&predictions)
            .filter(|(a, b)| a != b)
            .count();
        Ok(ProbeReport {
            error: wrong as f64 / test.len() as f64,
            balanced_error: balanced(&confusion),
            objective: chosen.value,
            c: probe.c(),
            iterations: sweep.iter().map(|p| p.iterations).sum(),
            converged: chosen.converged,
            seconds: start.elapsed().as_secs_f64(),
            interval: stats::wilson(wrong, test.len()),
            balanced_interval: balanced_interval(&confusion),
            confusion,
            predictions,
            sweep,
        })
    }

    /// Fits the probe alone, for its probabilities.
    ///
    /// # Errors
    /// As [`ValidProbeParams::run`], for the sets it sees.
    pub fn fit<A: Real, B: Real>(
        &self,
        train: &Samples<'_, A>,
        valid: Option<&Samples<'_, B>>,
    ) -> Result<(LinearProbe, Minimum, Vec<SweepPoint>), MeasureError> {
        let (present, labels) = occurring(train)?;
        let (cs, valid) = match (&self.strength, valid) {
            (Strength::Fixed(c), _) => (std::slice::from_ref(c), None),
            (Strength::Sweep(cs), Some(valid)) if !valid.is_empty() => {
                same_space("validation", train, valid)?;
                (cs.as_slice(), Some(valid))
            }
            (Strength::Sweep(_), _) => {
                return Err(MeasureError::TooFew {
                    what: "validation samples",
                    expected: 1,
                    found: 0,
                });
            }
        };
        let scaling = Scaling::of(train.features(), self.standardize);
        let objective = Objective::new(
            train.features().reborrow(),
            &scaling,
            &labels,
            present.len(),
        );
        let coarse = self.coarse(train, &scaling, &labels, present.len());
        let mut curvature = Curvature::new(train.features(), &scaling, objective.rows());
        let stop = self.stop(train.len());
        let mut point = Array1::zeros(objective.parameters());
        let mut best: Option<(f64, LinearProbe, Minimum)> = None;
        let mut sweep = Vec::with_capacity(cs.len());
        for &c in cs {
            let stages = [
                Stage {
                    function: &|p| coarse(p, c),
                    noise: 1e-7,
                },
                Stage {
                    function: &|p| objective.evaluate(p, c),
                    noise: 1e-14,
                },
            ];
            curvature.iter_mut().for_each(|known| known.set(c));
            let end = minimize(&stages, curvature.as_mut(), point, stop);
            interrupt::check()?;
            let probe = LinearProbe::new(&end.point, &present, scaling.clone(), c);
            let valid_wrong = match valid {
                Some(valid) => {
                    let predictions = probe.predict(valid.features())?;
                    let wrong = predictions.iter().zip(valid.labels());
                    wrong.map(|(found, truth)| found != truth).collect()
                }
                None => Vec::new(),
            };
            let valid_error = valid.map(|valid| share(&valid_wrong, valid.len()));
            sweep.push(SweepPoint {
                c,
                objective: end.value,
                valid_error,
                valid_wrong,
                iterations: end.iterations,
            });
            point = end.point.clone();
            let error = valid_error.unwrap_or(0.0);
            if best.as_ref().is_none_or(|b| error < b.0) {
                best = Some((error, probe, end));
            }
        }
        match best {
            Some((_, probe, end)) => Ok((probe, end, sweep)),
            None => Err(MeasureError::parameter("sweep", "at least one C", "none")),
        }
    }

    /// What is known of the Hessian on `train` beforehand, for [`ValidProbeParams::refit`] on parts of it.
    pub fn curvature<A: Real>(&self, train: &Samples<'_, A>) -> Option<Curvature> {
        let present = train.counts().iter().filter(|&&n| n > 0).count();
        let scaling = Scaling::of(train.features(), self.standardize);
        // A class's weights fit on a row; of two classes one row is enough.
        Curvature::new(train.features(), &scaling, present)
    }

    /// Fits again on a part of the samples that `near` was fitted on, starting there: for a jackknife,
    /// which needs predictions and not the last digits. One `C`: the given one, or the smallest of a sweep.
    /// `curvature` is that of the whole.
    ///
    /// # Errors
    /// As [`ValidProbeParams::fit`].
    pub fn refit<A: Real>(
        &self,
        train: &Samples<'_, A>,
        near: &Array1<f64>,
        curvature: Option<&Curvature>,
    ) -> Result<LinearProbe, MeasureError> {
        let (present, labels) = occurring(train)?;
        let c = match &self.strength {
            Strength::Fixed(c) => *c,
            Strength::Sweep(cs) => cs[0],
        };
        let scaling = Scaling::of(train.features(), self.standardize);
        let objective = Objective::new(
            train.features().reborrow(),
            &scaling,
            &labels,
            present.len(),
        );
        let coarse = self.coarse(train, &scaling, &labels, present.len());
        // A class that lost its last sample leaves another number of parameters.
        let start = if near.len() == objective.parameters() {
            near.clone()
        } else {
            Array1::zeros(objective.parameters())
        };
        let stop = self.stop(train.len());
        let stages = [
            Stage {
                function: &|p| coarse(p, c),
                noise: 1e-7,
            },
            Stage {
                function: &|p| objective.evaluate(p, c),
                noise: 1e-14,
            },
        ];
        // Of another number of classes it is still the same matrix.
        let mut curvature = curvature.cloned();
        curvature.iter_mut().for_each(|known| known.set(c));
        let end = minimize(&stages, curvature.as_mut(), start, stop);
        interrupt::check()?;
        Ok(LinearProbe::new(&end.point, &present, scaling, c))
    }

    /// When a fit on so many samples ends.
    fn stop(&self, samples: usize) -> Stop {
        Stop {
            gradient: self.tolerance * samples as f64,
            decrease: self.tolerance * 1e-5,
            iterations: self.iterations,
        }
    }

    /// The objective in single precision, where the settings want it.
    fn coarse<'a, A: Real>(
        &self,
        train: &Samples<'_, A>,
        scaling: &Scaling,
        labels: &'a [usize],
        classes: usize,
    ) -> Coarse<'a> {
        match &self.accelerator {
            None => {
                let data = Single::new(train.features(), scaling, labels, classes);
                Box::new(move |point, c| data.evaluate(point, c))
            }
            Some(accelerator) => {
                let data = Remote::new(train.features(), scaling, labels, classes, &**accelerator);
                Box::new(move |point, c| data.evaluate(point, c))
            }
        }
    }
}

/// Share of marked samples.
fn share(marks: &[bool], all: usize) -> f64 {
    marks.iter().filter(|mark| **mark).count() as f64 / all as f64
}

/// Mean of the errors of the classes that have samples.
fn balanced(confusion: &[Vec<usize>]) -> f64 {
    let errors = confusion.iter().enumerate().filter_map(|(truth, row)| {
        let all: usize = row.iter().sum();
        (all > 0).then(|| (all - row[truth]) as f64 / all as f64)
    });
    let errors: Vec<f64> = errors.collect();
    errors.iter().sum::<f64>() / errors.len().max(1) as f64
}

/// Its 95 % interval.
fn balanced_interval(confusion: &[Vec<usize>]) -> [f64; 2] {
    let class = |(truth, row): (usize, &Vec<usize>)| {
        let all: usize = row.iter().sum();
        (all - row[truth], all)
    };
    let classes = confusion.iter().enumerate().map(class);
    stats::balanced_interval(classes).unwrap_or([0.0, 1.0])
}

fn same_space<A: Real, B: Real>(
    what: &'static str,
    train: &Samples<'_, A>,
    other: &Samples<'_, B>,
) -> Result<(), MeasureError> {
    let (features, classes) = match what {
        "test" => ("test features", "test classes"),
        _ => ("validation features", "validation classes"),
    };
    for (what, expected, found) in [
        (features, train.dim(), other.dim()),
        (classes, train.classes(), other.classes()),
    ] {
        if expected != found {
            return Err(MeasureError::Shape {
                what,
                expected,
                found,
            });
        }
    }
    Ok(())
}

/// The classes that have training samples, and every sample's place among them.
fn occurring<A: Real>(train: &Samples<'_, A>) -> Result<(Vec<usize>, Vec<usize>), MeasureError> {
    let counts = train.counts();
    let present: Vec<usize> = (0..counts.len()).filter(|&c| counts[c] > 0).collect();
    MeasureError::at_least("classes with training samples", 2, present.len())?;
    MeasureError::at_least("features", 1, train.dim())?;
    let mut index = vec![0; counts.len()];
    present.iter().enumerate().for_each(|(i, &c)| index[c] = i);
    let labels = train.labels().iter().map(|&l| index[l]).collect();
    Ok((present, labels))
}

#[cfg(test)]
mod tests;
