//! What is measured of one encoder alone: every measure of [`encoder::ALL`] but agreement, which every two encoders
//! have (`cka.csv`). Probe and neighbours learn from the training part and are tested on the test part
//! ([`probed`](super::probed), [`rates`](super::rates)); the other measures see the test part, those over pairs a
//! balanced sample of it, with the noise of the [jackknife](crate::evaluate::encoder::jackknifed).

use super::error::CompareError;
use super::error::named;
use super::parts::{Parts, folds, units};
use super::probed::{Folds, Mistakes, SplitRows, probed, voted};
use super::rates::{Kind, Rates};
use super::rows::Rows;
use super::settings::{GROUPS, MOST_WORK, ValidSettings};
use crate::evaluate::Estimate;
use crate::evaluate::encoder::{Folded, jackknifed};
use crate::measure::MeasureError;
use crate::measure::encoder::cka::CKA;
use crate::measure::encoder::{self, Cost, Learner, Measure, Noise};
use ndarray::Array2;

/// The measures of an encoder alone, in the order of tables.
pub fn measures() -> impl Iterator<Item = &'static Measure> {
    let all = encoder::ALL.iter();
    all.filter(|measure| measure.about.name != CKA.about.name)
}

/// Everything measured of one encoder.
#[derive(Debug, Clone)]
pub struct Measured {
    /// One for each of [`measures`], in their order; `None` where it is not defined.
    pub estimates: Vec<Option<Estimate>>,
    /// Why something is missing.
    pub notes: Vec<String>,
    /// The C of the probe.
    pub c: f64,
    /// Its prediction for every test sample.
    pub predictions: Vec<usize>,
    /// Whether it is wrong.
    pub probe: Mistakes,
    /// Whether the neighbours' vote is wrong; empty where there is none.
    pub votes: Mistakes,
}

impl Measured {
    /// The estimate of a measure, by its name in tables.
    pub fn estimate(&self, measure: &str) -> Option<&Estimate> {
        let place = measures().position(|own| own.about.is(measure))?;
        self.estimates[place].as_ref()
    }

    /// The mistakes of a learner.
    pub fn mistakes(&self, learner: Learner) -> &Mistakes {
        match learner {
            Learner::Probe => &self.probe,
            Learner::Neighbours => &self.votes,
        }
    }
}

/// What every encoder is measured on.
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

/// Measures an encoder.
///
/// # Errors
/// [`CompareError::Measure`] where the probe is not defined (one class, no feature); what else is not
/// defined becomes a note.
pub fn measure(
    title: &str,
    features: &Array2<f32>,
    frame: &Frame,
) -> Result<Measured, CompareError> {
    let (labels, settings, parts) = (frame.labels, frame.settings, frame.parts);
    let of = |rows: &[usize]| Rows::of(features, labels, rows);
    let (fit, valid) = (of(&parts.fit), of(&parts.valid));
    let (train, test) = (of(&parts.train), of(&parts.test));
    let split = SplitRows {
        fit: &fit,
        valid: &valid,
        train: &train,
        test: &test,
        classes: frame.classes,
    };
    let found = probed(&split, frame.folds, settings);
    let found = found.map_err(named(format!("linear probe of {title}")))?;
    let mut notes = Vec::new();
    if !found.converged {
        let steps = settings.probe_iterations;
        notes.push(format!(
            "The probe of {title} stopped after {steps} iterations, before its optimum."
        ));
    }
    let votes = voted(&split, frame.folds);
    let sample: Vec<usize> = (parts.sample.iter())
        .map(|&place| parts.test[place])
        .collect();
    let (n, d) = test.features.dim();
    let affordable = n as f64 * d as f64 * n.min(d) as f64 <= MOST_WORK;
    let over_pairs = jackknifed_of(frame, &of(&sample), &sample, true, |_| true);
    let of_all = jackknifed_of(frame, &test, &parts.test, false, |measure| {
        affordable || measure.cost != Cost::Decomposition
    });
    let (mut over_pairs, mut of_all) = (over_pairs.into_iter(), of_all.into_iter());
    let rates = frame.rates();
    let mut estimates = Vec::new();
    for measure in measures() {
        let found: Result<Estimate, MeasureError> = match measure.noise {
            Noise::Predictions(learner, rate) => {
                let (kind, errors) = Kind::of(rate);
                match (learner, &votes) {
                    (Learner::Probe, _) => Ok(rates.estimate(kind, &found.mistakes, errors)),
                    (Learner::Neighbours, Ok(votes)) => Ok(rates.estimate(kind, votes, errors)),
                    (Learner::Neighbours, Err(error)) => Err(error.clone()),
                }
            }
            Noise::Jackknife | Noise::None => {
                let own = if measure.cost == Cost::Pairs {
                    &mut over_pairs
                } else {
                    &mut of_all
                };
                own.next().expect("every measure is taken of one part")
            }
        };
        let found = found.map_err(|error| {
            let what = measure.about.title;
            notes.push(format!("{what} of {title} is not defined: {error}."));
        });
        estimates.push(found.ok());
    }
    Ok(Measured {
        estimates,
        notes,
        c: found.c,
        predictions: found.predictions,
        probe: found.mistakes,
        votes: votes.unwrap_or_default(),
    })
}

/// The measures of test samples that no learner predicts: those over pairs, or the others. `places` are the rows of
/// `rows` among all samples.
fn jackknifed_of(
    frame: &Frame,
    rows: &Rows,
    places: &[usize],
    pairs: bool,
    with_noise: impl Fn(&Measure) -> bool,
) -> Vec<Result<Estimate, MeasureError>> {
    let own: Vec<&Measure> = measures()
        .filter(|measure| !matches!(measure.noise, Noise::Predictions(..)))
        .filter(|measure| (measure.cost == Cost::Pairs) == pairs)
        .collect();
    let groups: Option<Vec<usize>> = frame
        .groups
        .map(|groups| places.iter().map(|&row| groups[row]).collect());
    let count = GROUPS.min(units(frame.groups, places));
    let folds = folds(&rows.labels, groups.as_deref(), count, frame.settings.seed);
    let samples = Folded {
        features: rows.features.view(),
        labels: &rows.labels,
        classes: frame.classes,
        folds: &folds,
    };
    jackknifed(&own, &samples, |measure| {
        measure.noise == Noise::Jackknife && with_noise(measure)
    })
}
