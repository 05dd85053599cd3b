//! What is measured of a side alone. Probe and neighbours learn from the training part and are tested
//! on the test part; the other measures look at the test part, those over pairs at a balanced sample
//! of it.

use super::noise;
use super::parts::{Parts, groups};
use super::settings::{GROUPS, MOST_WORK, NEIGHBOURS, ValidSettings};
use crate::measure::geometry::geometry;
use crate::measure::hscore::{Covariance, hscore};
use crate::measure::knn::knn;
use crate::measure::logme::LogmeParams;
use crate::measure::probe::{ProbeParams, ValidProbeParams};
use crate::measure::silhouette::silhouette;
use crate::measure::{MeasureError, Samples};
use crate::run::RunError;
use crate::run::look::named;
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

    /// Whether it is a mean of right and wrong answers, whose noise is known exactly.
    pub fn is_rate(self) -> bool {
        matches!(self, Self::ProbeError | Self::KnnAccuracy)
    }
}

/// One number with its noise.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its 95 % interval, where it has one.
    pub interval: Option<[f64; 2]>,
    /// The number without each group of samples; empty where it has no such interval.
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
    pub wrong: Vec<bool>,
    /// Whether the neighbours' vote is wrong; empty where there is none.
    pub knn_wrong: Vec<bool>,
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
pub(super) struct Rows {
    pub features: Array2<f32>,
    pub labels: Vec<usize>,
}

impl Rows {
    pub fn of(features: &Array2<f32>, labels: &[usize], rows: &[usize]) -> Self {
        Self {
            features: features.select(Axis(0), rows),
            labels: rows.iter().map(|&row| labels[row]).collect(),
        }
    }

    pub fn samples(&self, classes: usize) -> Result<Samples<'_>, MeasureError> {
        Samples::new(self.features.view(), &self.labels, classes)
    }
}

/// Measures a side.
///
/// # Errors
/// [`RunError::Measure`] where the probe is not defined (one class, no feature); what else is not
/// defined becomes a note.
pub fn measure(
    title: &str,
    features: &Array2<f32>,
    labels: &[usize],
    classes: usize,
    parts: &Parts,
    settings: &ValidSettings,
) -> Result<Measured, RunError> {
    let of = |rows: &[usize]| Rows::of(features, labels, rows);
    let test = of(&parts.test);
    let train = of(&parts.train);
    let mut notes = Vec::new();
    let (c, predictions) = {
        let wrong = named(format!("linear probe of {title}"));
        let (fit, valid) = (of(&parts.fit), of(&parts.valid));
        let (fit, valid) = (fit.samples(classes), valid.samples(classes));
        let (fit, valid) = (fit.map_err(&wrong)?, valid.map_err(&wrong)?);
        let params = probe(settings).map_err(&wrong)?;
        let (chosen, ..) = params.fit(&fit, Some(&valid)).map_err(&wrong)?;
        let all = ProbeParams::new()
            .c(chosen.c())
            .iterations(settings.probe_iterations);
        let (train, test) = (train.samples(classes), test.samples(classes));
        let (train, test) = (train.map_err(&wrong)?, test.map_err(&wrong)?);
        let params = all.check().map_err(&wrong)?;
        let report = params.run(&train, None, &test).map_err(&wrong)?;
        if !report.converged {
            let steps = settings.probe_iterations;
            notes.push(format!(
                "The probe of {title} stopped after {steps} iterations, before its optimum."
            ));
        }
        (chosen.c(), report.predictions)
    };
    let wrong: Vec<bool> = (predictions.iter().zip(&test.labels))
        .map(|(found, truth)| found != truth)
        .collect();
    let mut taken = Taking {
        title,
        notes: &mut notes,
        groups: groups(&test.labels, GROUPS.min(test.labels.len()), settings.seed),
        estimates: Vec::new(),
    };
    let n = test.labels.len();
    taken.rate(Ok(&wrong), true);
    let balanced = |rows: &[usize]| {
        let pairs = rows.iter().map(|&row| (test.labels[row], wrong[row]));
        balanced(pairs, classes)
    };
    taken.jackknife("balanced error", n, true, |rows| {
        balanced(rows).ok_or(MeasureError::TooFew {
            what: "test samples",
            expected: 1,
            found: 0,
        })
    });
    let k = NEIGHBOURS.min(train.labels.len());
    let vote = (|| knn(&train.samples(classes)?, &test.samples(classes)?, k))();
    let knn_wrong: Vec<bool> = match &vote {
        Ok(vote) => vote.correct.iter().map(|correct| !correct).collect(),
        Err(_) => Vec::new(),
    };
    taken.rate(vote.as_ref().map(|_| knn_wrong.as_slice()), false);

    let sample: Vec<usize> = parts
        .sample
        .iter()
        .map(|&place| parts.test[place])
        .collect();
    let sample = of(&sample);
    let rows = |rows: &[usize]| Rows::of(&sample.features, &sample.labels, rows);
    let all_groups = std::mem::replace(
        &mut taken.groups,
        groups(
            &sample.labels,
            GROUPS.min(sample.labels.len()),
            settings.seed,
        ),
    );
    let points = sample.labels.len();
    taken.both(["alignment", "uniformity"], points, |kept| {
        let found = geometry(&rows(kept).samples(classes)?)?;
        let align = found.align.ok_or(MeasureError::TooFew {
            what: "pairs of one class",
            expected: 1,
            found: 0,
        });
        Ok([align, Ok(found.uniform)])
    });
    taken.jackknife("silhouette", points, true, |kept| {
        Ok(silhouette(&rows(kept).samples(classes)?)?.value)
    });
    taken.groups = all_groups;
    let d = features.ncols();
    let affordable = n as f64 * d as f64 * n.min(d) as f64 <= MOST_WORK;
    let rows = |rows: &[usize]| Rows::of(&test.features, &test.labels, rows);
    taken.jackknife("LogME", n, affordable, |kept| {
        let params = LogmeParams::new().check()?;
        Ok(params.run(&rows(kept).samples(classes)?)?.value)
    });
    taken.jackknife("H-score", n, affordable, |kept| {
        Ok(hscore(&rows(kept).samples(classes)?, Covariance::LedoitWolf)?.value)
    });
    let estimates = taken.estimates;
    Ok(Measured {
        estimates,
        notes,
        c,
        predictions,
        wrong,
        knn_wrong,
    })
}

/// Mean over the classes that occur of the share of wrong answers; `None` without a sample.
fn balanced(answers: impl Iterator<Item = (usize, bool)>, classes: usize) -> Option<f64> {
    let mut counts = vec![(0usize, 0usize); classes];
    for (class, wrong) in answers {
        counts[class].0 += 1;
        counts[class].1 += usize::from(wrong);
    }
    let rates: Vec<f64> = (counts.iter().filter(|(all, _)| *all > 0))
        .map(|&(all, wrong)| wrong as f64 / all as f64)
        .collect();
    (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
}

/// Estimates as they come, in the order of [`Measure::ALL`].
struct Taking<'a> {
    title: &'a str,
    notes: &'a mut Vec<String>,
    groups: Vec<usize>,
    estimates: Vec<Option<Estimate>>,
}

impl Taking<'_> {
    /// A rate of wrong (or, turned over, of right) answers, with Wilson's interval.
    fn rate(&mut self, wrong: Result<&[bool], &MeasureError>, errors: bool) {
        let estimate = wrong.map(|wrong| {
            let hits = wrong.iter().filter(|w| **w == errors).count();
            Estimate {
                value: hits as f64 / wrong.len() as f64,
                interval: Some(crate::measure::stats::wilson(hits, wrong.len())),
                without: Vec::new(),
                samples: wrong.len(),
            }
        });
        let found = estimate.map_err(|error| self.missing("k-NN accuracy", error));
        self.estimates.push(found.ok());
    }

    fn missing(&mut self, what: &str, error: &MeasureError) {
        let note = format!("{what} of {} is not defined: {error}.", self.title);
        self.notes.push(note);
    }

    /// A measure of rows, with the jackknife's interval where `noise` is asked for.
    fn jackknife(
        &mut self,
        what: &str,
        samples: usize,
        noise: bool,
        value: impl Fn(&[usize]) -> Result<f64, MeasureError>,
    ) {
        let all: Vec<usize> = (0..samples).collect();
        let found = value(&all).map_err(|error| self.missing(what, &error));
        let without = match (&found, noise) {
            (Ok(_), true) => self.without(|kept| value(kept).ok()),
            _ => None,
        };
        self.push(found.ok(), without, samples);
    }

    /// Two measures that one computation gives.
    fn both(
        &mut self,
        what: [&str; 2],
        samples: usize,
        value: impl Fn(&[usize]) -> Result<[Result<f64, MeasureError>; 2], MeasureError>,
    ) {
        let all: Vec<usize> = (0..samples).collect();
        let found = value(&all).unwrap_or_else(|error| [Err(error.clone()), Err(error)]);
        let without = self.without(|kept| value(kept).ok());
        for (i, (what, found)) in what.into_iter().zip(found).enumerate() {
            let found = found.map_err(|error| self.missing(what, &error)).ok();
            let own = without.as_ref().and_then(|all| {
                let own = all.iter().map(|both| both[i].clone().ok());
                own.collect::<Option<Vec<f64>>>()
            });
            self.push(found, own, samples);
        }
    }

    /// Something of the rows without each group; `None` if it is not defined without one of them.
    fn without<T>(&self, value: impl Fn(&[usize]) -> Option<T>) -> Option<Vec<T>> {
        let count = self.groups.iter().max().map_or(0, |most| most + 1);
        let kept = |group| -> Vec<usize> {
            let rows = 0..self.groups.len();
            rows.filter(|&row| self.groups[row] != group).collect()
        };
        (count >= noise::FEWEST_GROUPS).then(|| (0..count).map(|g| value(&kept(g))).collect())?
    }

    fn push(&mut self, value: Option<f64>, without: Option<Vec<f64>>, samples: usize) {
        let without = without.unwrap_or_default();
        self.estimates.push(value.map(|value| Estimate {
            value,
            interval: noise::interval(value, &without),
            without,
            samples,
        }));
    }
}
