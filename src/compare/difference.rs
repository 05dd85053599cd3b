//! Every encoder against the reference on the same test samples: pairing takes away what makes a
//! sample hard for both, so a difference can be clear where the two intervals overlap.

use super::measures::{Frame, Measured, measures as all_measures};
use super::rates::Kind;
use crate::evaluate::noise;
use crate::measure::about::{About, Better};
use crate::measure::encoder::Noise;
use crate::measure::verdict::{self, Claim, decide};
use crate::strata::by_class;

/// A difference smaller than this part of the values is what single precision makes of equal
/// features (rotated, say): no difference, however regular.
const ROUNDING: f64 = 1e-5;

/// What a difference amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Beyond noise, for the better.
    Better,
    /// Beyond noise, for the worse.
    Worse,
    /// Within noise.
    NotShown,
    /// Nothing says how large the noise is.
    NotTested,
}

impl Verdict {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NotShown => "not shown",
            Self::NotTested => "not tested",
        }
    }

    /// Whether it changed beyond noise.
    pub fn beyond(self) -> bool {
        matches!(self, Self::Better | Self::Worse)
    }
}

/// An encoder less the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The mean difference.
    pub value: f64,
    /// Its paired 95 % interval, for this one difference.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of no difference.
    pub p: Option<f64>,
    /// The same, corrected for all differences that the page says, of measures and of classes (Holm).
    pub adjusted: Option<f64>,
    /// What it amounts to.
    pub verdict: Verdict,
}

/// A measure of an encoder less that of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureDifference {
    /// Which encoder.
    pub encoder: usize,
    /// Which measure.
    pub measure: &'static About,
    /// How they differ.
    pub difference: Difference,
}

/// The probe's mistakes of one encoder on the test samples of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassError {
    /// Which encoder.
    pub encoder: usize,
    /// Which class.
    pub class: usize,
    /// Test samples of the class.
    pub samples: usize,
    /// Share predicted wrongly; `None` without a sample.
    pub error: Option<f64>,
    /// Its 95 % interval, where it has one.
    pub interval: Option<[f64; 2]>,
    /// The error less that of the reference; `None` for the reference itself.
    pub difference: Option<Difference>,
}

impl From<Claim> for Difference {
    fn from(claim: Claim) -> Self {
        Self {
            value: claim.value,
            interval: claim.interval,
            p: claim.p,
            adjusted: None,
            verdict: Verdict::NotTested,
        }
    }
}

/// Every measure that says which encoder is better, of every encoder against the reference, not yet decided.
pub fn measures(encoders: &[Measured], reference: usize, frame: &Frame) -> Vec<MeasureDifference> {
    let (base, rates) = (&encoders[reference], frame.rates());
    let mut all = Vec::new();
    for (index, encoder) in encoders.iter().enumerate().filter(|(i, _)| *i != reference) {
        for measure in all_measures().filter(|m| m.about.better != Better::Neither) {
            let about = &measure.about;
            let (Some(a), Some(b)) = (encoder.estimate(about.name), base.estimate(about.name))
            else {
                continue;
            };
            let claim = match measure.noise {
                Noise::Predictions(learner, rate) => {
                    let (own, other) = (encoder.mistakes(learner), base.mistakes(learner));
                    match Kind::of(rate) {
                        (kind, true) => rates.difference(kind, own, other),
                        // Of right predictions the difference is that of wrong ones, turned over.
                        (kind, false) => rates.difference(kind, other, own),
                    }
                }
                Noise::Jackknife | Noise::None => jackknifed(
                    a.value - b.value,
                    (a.value, &a.without),
                    (b.value, &b.without),
                    about,
                ),
            };
            all.push(MeasureDifference {
                encoder: index,
                measure: about,
                difference: claim.into(),
            });
        }
    }
    all
}

/// A difference of two measures that are no rates.
fn jackknifed(
    value: f64,
    (of_encoder, encoder): (f64, &[f64]),
    (of_base, base): (f64, &[f64]),
    measure: &About,
) -> Claim {
    let without: Vec<f64> = encoder.iter().zip(base).map(|(a, b)| a - b).collect();
    let scale = of_encoder.abs().max(of_base.abs()).max(0.1);
    let equal = value.abs() <= ROUNDING * scale;
    let [least, most] = measure.range;
    let inside = |end: f64| end.clamp(least - most, most - least);
    Claim {
        value,
        interval: noise::interval(value, &without, 0.0).map(|ends| ends.map(inside)),
        p: match equal {
            true => Some(1.0),
            false => noise::student_p(value, &without, 0.0),
        },
    }
}

/// The probe's errors class by class, and their differences to the reference, not yet decided.
pub fn classes(encoders: &[Measured], reference: usize, frame: &Frame) -> Vec<ClassError> {
    let rates = frame.rates();
    let mut members = by_class(&rates.labels);
    members.resize(frame.classes, Vec::new());
    let mut all = Vec::new();
    for (index, encoder) in encoders.iter().enumerate() {
        for (class, rows) in members.iter().enumerate() {
            let own = rates.select(rows);
            let (a, b) = (
                encoder.probe.select(rows),
                encoders[reference].probe.select(rows),
            );
            let error = (!rows.is_empty()).then(|| own.estimate(Kind::Plain, &a, true));
            let tested = index != reference && !rows.is_empty();
            all.push(ClassError {
                encoder: index,
                class,
                samples: rows.len(),
                error: error.as_ref().map(|error| error.value),
                interval: error.and_then(|error| error.interval),
                difference: tested.then(|| own.difference(Kind::Plain, &a, &b).into()),
            });
        }
    }
    all
}

/// Judges everything that the page says, measures and classes, as one family.
pub fn decide_all(measures: &mut [MeasureDifference], classes: &mut [ClassError]) {
    let measures = measures.iter_mut();
    let measures = measures.map(|d| (d.measure.better == Better::Lower, &mut d.difference));
    let classes = classes.iter_mut().filter_map(|c| c.difference.as_mut());
    let mut all: Vec<(bool, &mut Difference)> =
        measures.chain(classes.map(|d| (true, d))).collect();
    let claim = |d: &Difference| Claim {
        value: d.value,
        interval: d.interval,
        p: d.p,
    };
    let claims: Vec<Claim> = all.iter().map(|(_, d)| claim(d)).collect();
    for ((lower_is_better, difference), decided) in all.iter_mut().zip(decide(&claims)) {
        difference.adjusted = decided.adjusted;
        difference.verdict = match (decided.verdict, *lower_is_better) {
            (verdict::Verdict::NotTested, _) => Verdict::NotTested,
            (verdict::Verdict::NotShown, _) => Verdict::NotShown,
            (verdict::Verdict::Lower, true) | (verdict::Verdict::Higher, false) => Verdict::Better,
            (verdict::Verdict::Lower, false) | (verdict::Verdict::Higher, true) => Verdict::Worse,
        };
    }
}
