//! Every side against the reference on the same test samples: pairing takes away what makes a
//! sample hard for both, so a difference can be clear where the two intervals overlap.

use super::measures::{Measure, Measured};
use super::noise;
use super::settings::{LEVEL, ValidSettings};
use crate::measure::{MeasureError, paired, stats};

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

/// A side less the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The mean difference.
    pub value: f64,
    /// Its paired 95 % interval, for this one difference.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p of no difference.
    pub p: Option<f64>,
    /// The same, corrected for all differences of the table (Holm).
    pub adjusted: Option<f64>,
    /// What it amounts to.
    pub verdict: Verdict,
}

/// A measure of a side less that of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureDifference {
    /// Which side.
    pub side: usize,
    /// Which measure.
    pub measure: Measure,
    /// How they differ.
    pub difference: Difference,
}

/// The probe's answers of one side to the test samples of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassError {
    /// Which side.
    pub side: usize,
    /// Which class.
    pub class: usize,
    /// Test samples of the class.
    pub samples: usize,
    /// Share answered wrongly; `None` without a sample.
    pub error: Option<f64>,
    /// Its Wilson 95 % interval.
    pub interval: [f64; 2],
    /// The error less that of the reference; `None` for the reference itself.
    pub difference: Option<Difference>,
}

fn rates(
    side: &[bool],
    reference: &[bool],
    errors: bool,
    settings: &ValidSettings,
) -> Result<Difference, MeasureError> {
    // Of right answers the difference is that of wrong ones, turned over.
    let (method, baseline) = match errors {
        true => (side, reference),
        false => (reference, side),
    };
    let one = |wrong: &[bool]| vec![wrong.to_vec()];
    let found = paired::error_rates(
        &one(method),
        &one(baseline),
        settings.bootstrap,
        settings.seed,
    )?;
    Ok(Difference {
        value: found.mean,
        interval: Some(found.interval),
        p: Some(noise::mcnemar(side, reference)),
        adjusted: None,
        verdict: Verdict::NotTested,
    })
}

/// Every measure of every side against the reference.
///
/// # Errors
/// [`MeasureError`] of the paired bootstrap.
pub fn measures(
    sides: &[Measured],
    reference: usize,
    settings: &ValidSettings,
) -> Result<Vec<MeasureDifference>, MeasureError> {
    let mut all = Vec::new();
    let base = &sides[reference];
    for (index, side) in sides.iter().enumerate().filter(|(i, _)| *i != reference) {
        for measure in Measure::ALL {
            let (Some(a), Some(b)) = (side.estimate(measure), base.estimate(measure)) else {
                continue;
            };
            let difference = match measure {
                Measure::ProbeError => rates(&side.wrong, &base.wrong, true, settings)?,
                Measure::KnnAccuracy => rates(&side.knn_wrong, &base.knn_wrong, false, settings)?,
                _ => {
                    let value = a.value - b.value;
                    let without: Vec<f64> = (a.without.iter().zip(&b.without))
                        .map(|(a, b)| a - b)
                        .collect();
                    let scale = a.value.abs().max(b.value.abs()).max(0.1);
                    let equal = value.abs() <= ROUNDING * scale;
                    Difference {
                        value,
                        interval: noise::interval(value, &without),
                        p: match equal {
                            true => Some(1.0),
                            false => noise::student_p(value, &without),
                        },
                        adjusted: None,
                        verdict: Verdict::NotTested,
                    }
                }
            };
            all.push(MeasureDifference {
                side: index,
                measure,
                difference,
            });
        }
    }
    let lower = |d: &MeasureDifference| d.measure.lower_is_better();
    judge(
        all.iter_mut()
            .map(|d| (lower(d), &mut d.difference))
            .collect(),
    );
    Ok(all)
}

/// The probe's errors class by class, and their differences to the reference.
///
/// # Errors
/// [`MeasureError`] of the paired bootstrap.
pub fn classes(
    sides: &[Measured],
    reference: usize,
    labels: &[usize],
    classes: usize,
    settings: &ValidSettings,
) -> Result<Vec<ClassError>, MeasureError> {
    let mut all = Vec::new();
    for (index, side) in sides.iter().enumerate() {
        for class in 0..classes {
            let own = |wrong: &[bool]| -> Vec<bool> {
                let of_class = labels
                    .iter()
                    .zip(wrong)
                    .filter(|(label, _)| **label == class);
                of_class.map(|(_, wrong)| *wrong).collect()
            };
            let (a, b) = (own(&side.wrong), own(&sides[reference].wrong));
            let wrong = a.iter().filter(|w| **w).count();
            all.push(ClassError {
                side: index,
                class,
                samples: a.len(),
                error: (!a.is_empty()).then(|| wrong as f64 / a.len() as f64),
                interval: stats::wilson(wrong, a.len()),
                difference: match index == reference || a.is_empty() {
                    true => None,
                    false => Some(rates(&a, &b, true, settings)?),
                },
            });
        }
    }
    let tested = all.iter_mut().filter_map(|c| c.difference.as_mut());
    judge(tested.map(|difference| (true, difference)).collect());
    Ok(all)
}

/// Corrects the p values of a table for their number. Beyond noise is what Holm's correction holds
/// and the paired interval is clear of zero for: the mark never contradicts what is shown.
fn judge(mut all: Vec<(bool, &mut Difference)>) {
    let tested: Vec<usize> = (0..all.len()).filter(|&i| all[i].1.p.is_some()).collect();
    let ps: Vec<f64> = tested.iter().filter_map(|&i| all[i].1.p).collect();
    for (&i, adjusted) in tested.iter().zip(noise::holm(&ps)) {
        let (lower_is_better, difference) = &mut all[i];
        let clear = (difference.interval).is_some_and(|[low, high]| low > 0.0 || high < 0.0);
        difference.adjusted = Some(adjusted);
        difference.verdict = match adjusted <= LEVEL && clear {
            false => Verdict::NotShown,
            true if (difference.value < 0.0) == *lower_is_better => Verdict::Better,
            true => Verdict::Worse,
        };
    }
}
