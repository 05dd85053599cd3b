//! What is measured of a side alone. Probe and neighbours learn from the training part and are tested
//! on the test part ([`probed`](super::probed), [`rates`](super::rates)); the other measures look at the test part,
//! those over pairs at a balanced sample of it.

use super::noise;
use super::parts::{Parts, folds, units};
use super::probed::{Answers, Folds, Sides, probed, voted};
use super::rates::{Kind, Rates};
use super::settings::{GROUPS, MOST_WORK, ValidSettings};
use crate::measure::geometry::geometry;
use crate::measure::hscore::{Covariance, hscore};
use crate::measure::logme::LogmeParams;
use crate::measure::probe::{ProbeParams, ValidProbeParams};
use crate::measure::silhouette::silhouette;
use crate::measure::{MeasureError, Samples};
use crate::run::RunError;
use crate::run::error::named;
use ndarray::{Array2, Axis};

/// A measure of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Test error of the linear probe.
    ProbeError,
    /// Its mean over classes, each weighing the same.
    BalancedError,
    /// Accuracy of the nearest neighbours' vote.
    KnnAccuracy,
    /// Mean squared distance within classes, on the sphere.
    Alignment,
    /// Log mean Gaussian potential of all pairs, on the sphere.
    Uniformity,
    /// Mean silhouette of the classes.
    Silhouette,
    /// Log evidence of the labels under linear models.
    Logme,
    /// Variance between classes in units of all variance, shrunk.
    Hscore,
}

impl Measure {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::ProbeError,
        Self::BalancedError,
        Self::KnnAccuracy,
        Self::Alignment,
        Self::Uniformity,
        Self::Silhouette,
        Self::Logme,
        Self::Hscore,
    ];

    /// Its name in tables.
    pub fn id(self) -> &'static str {
        match self {
            Self::ProbeError => "probe-error",
            Self::BalancedError => "balanced-error",
            Self::KnnAccuracy => "knn-accuracy",
            Self::Alignment => "alignment",
            Self::Uniformity => "uniformity",
            Self::Silhouette => "silhouette",
            Self::Logme => "logme",
            Self::Hscore => "h-score",
        }
    }

    /// Whether less is better.
    pub fn lower_is_better(self) -> bool {
        matches!(
            self,
            Self::ProbeError | Self::BalancedError | Self::Alignment | Self::Uniformity
        )
    }

    /// Its name in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Self::ProbeError => "probe error",
            Self::BalancedError => "balanced error",
            Self::KnnAccuracy => "k-NN accuracy",
            Self::Alignment => "alignment",
            Self::Uniformity => "uniformity",
            Self::Silhouette => "silhouette",
            Self::Logme => "LogME",
            Self::Hscore => "H-score",
        }
    }

    /// The values that it can have: no interval leaves them.
    pub fn range(self) -> [f64; 2] {
        match self {
            Self::ProbeError | Self::BalancedError | Self::KnnAccuracy => [0.0, 1.0],
            // Squared distances on the unit sphere, and ln exp(−2 · 4).
            Self::Alignment => [0.0, 4.0],
            Self::Uniformity => [-8.0, 0.0],
            Self::Silhouette => [-1.0, 1.0],
            Self::Logme => [f64::NEG_INFINITY, f64::INFINITY],
            Self::Hscore => [0.0, f64::INFINITY],
        }
    }
}

/// One number with its noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its 95 % interval, where it has one.
    pub interval: Option<[f64; 2]>,
    /// Where that comes from.
    pub kind: &'static str,
    /// The number without each fold of samples; empty where that is not known.
    pub without: Vec<f64>,
    /// Samples it was computed on.
    pub samples: usize,
}

/// Everything measured of one side.
#[derive(Debug, Clone)]
pub struct Measured {
    /// One for each of [`Measure::ALL`]; `None` where it is not defined.
    pub estimates: Vec<Option<Estimate>>,
    /// Why something is missing.
    pub notes: Vec<String>,
    /// The C of the probe.
    pub c: f64,
    /// Its answer to every test sample.
    pub predictions: Vec<usize>,
    /// Whether it is wrong.
    pub probe: Answers,
    /// Whether the neighbours' vote is wrong; empty where there is none.
    pub votes: Answers,
}

impl Measured {
    /// The estimate of a measure.
    pub fn estimate(&self, measure: Measure) -> Option<&Estimate> {
        let place = Measure::ALL.iter().position(|m| *m == measure)?;
        self.estimates[place].as_ref()
    }
}

/// The probe's settings.
pub(super) fn probe(settings: &ValidSettings) -> Result<ValidProbeParams, MeasureError> {
    ProbeParams::new()
        .sweep(settings.probe_c.clone())
        .iterations(settings.probe_iterations)
        .check()
}

/// Labelled rows of a side.
pub struct Rows {
    /// `[N, D]`.
    pub features: Array2<f32>,
    /// Class of every row.
    pub labels: Vec<usize>,
}

impl Rows {
    /// Some rows of a side.
    pub fn of(features: &Array2<f32>, labels: &[usize], rows: &[usize]) -> Self {
        Self {
            features: features.select(Axis(0), rows),
            labels: rows.iter().map(|&row| labels[row]).collect(),
        }
    }

    /// The rows outside of a fold.
    pub fn without(&self, folds: &[usize], fold: usize) -> Self {
        let kept: Vec<usize> = (0..self.labels.len())
            .filter(|&row| folds[row] != fold)
            .collect();
        Self::of(&self.features, &self.labels, &kept)
    }

    /// As measures take them.
    ///
    /// # Errors
    /// [`MeasureError`] for numbers that are not finite, labels that are no class.
    pub fn samples(&self, classes: usize) -> Result<Samples<'_>, MeasureError> {
        Samples::new(self.features.view(), &self.labels, classes)
    }
}

/// What every side is measured on.
pub struct Frame<'a> {
    /// Class of every sample.
    pub labels: &'a [usize],
    /// How many classes there are.
    pub classes: usize,
    /// The group of every sample, where samples belong together.
    pub groups: Option<&'a [usize]>,
    /// The rows of every part.
    pub parts: &'a Parts,
    /// What the jackknife leaves out.
    pub folds: &'a Folds,
    /// The settings.
    pub settings: &'a ValidSettings,
}

impl Frame<'_> {
    /// The test samples, as rates need them.
    pub fn rates(&self) -> Rates {
        let rows = &self.parts.test;
        let of = |values: &[usize]| rows.iter().map(|&row| values[row]).collect();
        Rates {
            labels: of(self.labels),
            classes: self.classes,
            groups: self.groups.map(of),
            folds: self.folds.test.clone(),
        }
    }
}

/// Measures a side.
///
/// # Errors
/// [`RunError::Measure`] where the probe is not defined (one class, no feature); what else is not
/// defined becomes a note.
pub fn measure(title: &str, features: &Array2<f32>, frame: &Frame) -> Result<Measured, RunError> {
    let (labels, classes, settings) = (frame.labels, frame.classes, frame.settings);
    let parts = frame.parts;
    let of = |rows: &[usize]| Rows::of(features, labels, rows);
    let (fit, valid) = (of(&parts.fit), of(&parts.valid));
    let (train, test) = (of(&parts.train), of(&parts.test));
    let mut notes = Vec::new();
    let sides = Sides {
        fit: &fit,
        valid: &valid,
        train: &train,
        test: &test,
        classes,
    };
    let found = probed(&sides, frame.folds, settings);
    let found = found.map_err(named(format!("linear probe of {title}")))?;
    if !found.converged {
        let steps = settings.probe_iterations;
        notes.push(format!(
            "The probe of {title} stopped after {steps} iterations, before its optimum."
        ));
    }
    let own_groups = |rows: &[usize]| -> Option<Vec<usize>> {
        let groups = frame.groups?;
        Some(rows.iter().map(|&row| groups[row]).collect())
    };
    let n = test.labels.len();
    let fold_of = |rows: &[usize]| {
        let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
        let count = GROUPS.min(units(frame.groups, rows));
        folds(&labels, own_groups(rows).as_deref(), count, settings.seed)
    };
    let mut taken = Taking {
        title,
        notes: &mut notes,
        folds: fold_of(&parts.test),
        estimates: Vec::new(),
    };
    let votes = voted(&sides, frame.folds);
    let rates = frame.rates();
    for kind in [Kind::Plain, Kind::Balanced] {
        let rate = rates.estimate(kind, &found.answers, true);
        taken.estimates.push(Some(rate));
    }
    let votes = match votes {
        Ok(votes) => {
            let rate = rates.estimate(Kind::Plain, &votes, false);
            taken.estimates.push(Some(rate));
            votes
        }
        Err(error) => {
            taken.missing(Measure::KnnAccuracy.title(), &error);
            taken.estimates.push(None);
            Answers::default()
        }
    };

    let sample: Vec<usize> = parts
        .sample
        .iter()
        .map(|&place| parts.test[place])
        .collect();
    let all_folds = std::mem::replace(&mut taken.folds, fold_of(&sample));
    let sample = of(&sample);
    let rows = |rows: &[usize]| Rows::of(&sample.features, &sample.labels, rows);
    let points = sample.labels.len();
    taken.both([Measure::Alignment, Measure::Uniformity], points, |kept| {
        let found = geometry(&rows(kept).samples(classes)?)?;
        let align = found.align.ok_or(MeasureError::TooFew {
            what: "pairs of one class",
            expected: 1,
            found: 0,
        });
        Ok([align, Ok(found.uniform)])
    });
    taken.jackknife(Measure::Silhouette, points, true, |kept| {
        Ok(silhouette(&rows(kept).samples(classes)?)?.value)
    });
    taken.folds = all_folds;
    let d = features.ncols();
    let affordable = n as f64 * d as f64 * n.min(d) as f64 <= MOST_WORK;
    let rows = |rows: &[usize]| Rows::of(&test.features, &test.labels, rows);
    taken.jackknife(Measure::Logme, n, affordable, |kept| {
        let params = LogmeParams::new().check()?;
        Ok(params.run(&rows(kept).samples(classes)?)?.value)
    });
    taken.jackknife(Measure::Hscore, n, affordable, |kept| {
        Ok(hscore(&rows(kept).samples(classes)?, Covariance::LedoitWolf)?.value)
    });
    let estimates = taken.estimates;
    Ok(Measured {
        estimates,
        notes,
        c: found.c,
        predictions: found.predictions,
        probe: found.answers,
        votes,
    })
}

/// Estimates as they come, in the order of [`Measure::ALL`].
struct Taking<'a> {
    title: &'a str,
    notes: &'a mut Vec<String>,
    folds: Vec<usize>,
    estimates: Vec<Option<Estimate>>,
}

impl Taking<'_> {
    fn missing(&mut self, what: &str, error: &MeasureError) {
        let note = format!("{what} of {} is not defined: {error}.", self.title);
        self.notes.push(note);
    }

    /// A measure of rows, with the jackknife's interval where `noise` is asked for.
    fn jackknife(
        &mut self,
        measure: Measure,
        samples: usize,
        noise: bool,
        value: impl Fn(&[usize]) -> Result<f64, MeasureError>,
    ) {
        let all: Vec<usize> = (0..samples).collect();
        let found = value(&all).map_err(|error| self.missing(measure.title(), &error));
        let without = match (&found, noise) {
            (Ok(_), true) => self.without(|kept| value(kept).ok()),
            _ => None,
        };
        self.push(measure, found.ok(), without, samples);
    }

    /// Two measures that one computation gives.
    fn both(
        &mut self,
        measures: [Measure; 2],
        samples: usize,
        value: impl Fn(&[usize]) -> Result<[Result<f64, MeasureError>; 2], MeasureError>,
    ) {
        let all: Vec<usize> = (0..samples).collect();
        let found = value(&all).unwrap_or_else(|error| [Err(error.clone()), Err(error)]);
        let without = self.without(|kept| value(kept).ok());
        for (i, (measure, found)) in measures.into_iter().zip(found).enumerate() {
            let found = found.map_err(|error| self.missing(measure.title(), &error));
            let own = without.as_ref().and_then(|all| {
                let own = all.iter().map(|both| both[i].clone().ok());
                own.collect::<Option<Vec<f64>>>()
            });
            self.push(measure, found.ok(), own, samples);
        }
    }

    /// Something of the rows without each fold; `None` if it is not defined without one of them.
    fn without<T>(&self, value: impl Fn(&[usize]) -> Option<T>) -> Option<Vec<T>> {
        let count = self.folds.iter().max().map_or(0, |most| most + 1);
        let kept = |fold| -> Vec<usize> {
            let rows = 0..self.folds.len();
            rows.filter(|&row| self.folds[row] != fold).collect()
        };
        (count >= noise::FEWEST_FOLDS).then(|| (0..count).map(|g| value(&kept(g))).collect())?
    }

    fn push(
        &mut self,
        measure: Measure,
        value: Option<f64>,
        without: Option<Vec<f64>>,
        samples: usize,
    ) {
        let without = without.unwrap_or_default();
        let [least, most] = measure.range();
        self.estimates.push(value.map(|value| {
            Estimate {
                value,
                interval: noise::interval(value, &without, 0.0)
                    .map(|ends| ends.map(|end| end.clamp(least, most))),
                kind: "jackknife",
                without,
                samples,
            }
        }));
    }
}
