//! Transferability scores of anyone's features, each with its interval: what `modalign transferability` and `modalign otdd`
//! take. A run scores its targets by [`target`](super::target), without intervals.

use ndarray::{Array2, ArrayView2, Axis};
use std::cell::Cell;

use super::Fault;
use super::defined;
use super::encoder::Estimate;
use super::left_out::left_out;
use super::noise::{FEWEST_FOLDS, MOST_WORK};
use crate::measure::encoder::{self, Cost};
use crate::measure::otdd::ValidOtddParams;
use crate::measure::transferability::otdd::OTDD;
use crate::measure::transferability::{ALL, Input, Need, Score};
use crate::measure::{MeasureError, Samples};

/// What is known of a target through a source model; all but `source` are rows of the same samples.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// Features `[N, D]`, labels and the number of classes.
    pub samples: Samples<'a>,
    /// Source probabilities `[N, Ks]`.
    pub probabilities: Option<ArrayView2<'a, f32>>,
    /// Features `[M, D]` of source samples, with the fold of each.
    pub source: Option<(ArrayView2<'a, f32>, &'a [usize])>,
}

/// A score, and its estimate or why there is none; a note says why there is no interval, if not by request.
pub type Scored = (&'static Score, Result<(Estimate, Option<String>), String>);

/// All scores, in the order of tables; the OTDD is of two sets ([`distance`]) and says so. `folds` has the fold of every
/// sample.
///
/// # Errors
/// [`Fault`] for a score that fails for another reason than that it is not defined on this input.
pub fn scores(material: &Material<'_>, folds: &[usize]) -> Result<Vec<Scored>, Fault> {
    let one = |score: &'static Score| {
        if let Some(lack) = lacking(score, material) {
            return Ok((score, Err(lack)));
        }
        let (n, d) = material.samples.features().dim();
        let decomposes = encoder::ALL.iter().any(|measure| {
            measure.about.name == score.about.name && measure.cost == Cost::Decomposition
        });
        let dear = decomposes && n as f64 * d as f64 * n.min(d) as f64 > MOST_WORK;
        let found = estimate(score, material, folds, dear);
        let found = defined(score.about.title, found)?;
        let noted = found.map(|estimate| {
            let note = why_none(&estimate, folds, dear);
            (estimate, note)
        });
        Ok((score, noted))
    };
    ALL.iter().map(one).collect()
}

/// What a score lacks, with the way to it.
fn lacking(score: &Score, material: &Material<'_>) -> Option<String> {
    let lack = |need: &Need| match need {
        Need::Labels => None,
        Need::Classifier if material.probabilities.is_some() => None,
        Need::Source if material.source.is_some() => None,
        Need::Classifier => {
            Some("needs the source model's probabilities of these samples (--source-probs)")
        }
        Need::Source => {
            Some("needs features of source samples through the same encoder (--source-features)")
        }
        Need::Embedded => Some("is of two sets: modalign otdd SOURCE TARGET"),
    };
    score.needs.iter().find_map(lack).map(String::from)
}

fn estimate(
    score: &Score,
    material: &Material<'_>,
    folds: &[usize],
    dear: bool,
) -> Result<Estimate, MeasureError> {
    let n = material.samples.len();
    let source = material.source.map_or(&[][..], |(_, folds)| folds);
    let all: Vec<usize> = folds.iter().chain(source).copied().collect();
    let all = if dear { vec![0; all.len()] } else { all };
    let found = left_out(score.about.range, &all, |rows| {
        let (own, others): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&row| row < n);
        let others: Vec<usize> = others.into_iter().map(|row| row - n).collect();
        of_rows(score, material, &own, &others)
    })?;
    Ok(Estimate {
        samples: n,
        ..found
    })
}

/// A score of some rows of the target and of the source.
fn of_rows(
    score: &Score,
    material: &Material<'_>,
    rows: &[usize],
    source: &[usize],
) -> Result<f64, MeasureError> {
    let features = material.samples.features().select(Axis(0), rows);
    let labels: Vec<usize> = rows
        .iter()
        .map(|&row| material.samples.labels()[row])
        .collect();
    let samples = Samples::new(features.view(), &labels, material.samples.classes())?;
    let probabilities = material.probabilities.map(|all| all.select(Axis(0), rows));
    let source: Option<Array2<f32>> = material.source.map(|(all, _)| all.select(Axis(0), source));
    let input = Input {
        labelled: Some(samples),
        features: Some(features.view()),
        source: source.as_ref().map(|rows| rows.view()),
        probabilities: probabilities.as_ref().map(|rows| rows.view()),
        ..Input::default()
    };
    Ok((score.value)(&input)?.value)
}

/// Why an estimate has no interval, if folds were asked for.
fn why_none(estimate: &Estimate, folds: &[usize], dear: bool) -> Option<String> {
    let count = folds.iter().max().map_or(0, |most| most + 1);
    if estimate.interval.is_some() || count <= 1 {
        return None;
    }
    Some(if dear {
        format!("no interval: N · D · min(N, D) is above {MOST_WORK:.0e}")
    } else if count < FEWEST_FOLDS {
        format!(
            "no interval: {count} folds, where {} are the fewest",
            FEWEST_FOLDS
        )
    } else {
        "no interval: it is not defined without some of the samples, or nothing varies".into()
    })
}

/// The OTDD of two sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Distance {
    /// Its value with the jackknife's interval, if it converged: folds are left out of both sets.
    pub estimate: Estimate,
    /// Whether it converged.
    pub converged: bool,
    /// Folds without which it did not.
    pub unsettled: usize,
}

/// The OTDD of `target` from `source`, by the descriptor that reports take it by; `folds` of both, each as long as its set.
///
/// # Errors
/// Those of the measure.
pub fn distance(
    source: &Samples<'_, f64>,
    target: &Samples<'_, f64>,
    folds: [&[usize]; 2],
    params: &ValidOtddParams,
) -> Result<Distance, MeasureError> {
    let n = source.len();
    let all = folds.concat();
    let (first, unsettled) = (Cell::new(None), Cell::new(0));
    let estimate = left_out(OTDD.about.range, &all, |rows| {
        if first.get() == Some(false) {
            // A reading that is not at its optimum has noise of its own: there is no interval, and none is paid for.
            return MeasureError::at_least("converged values of the whole", 1, 0).map(|()| 0.0);
        }
        let of = |set: &Samples<'_, f64>, rows: &[usize]| {
            let labels: Vec<usize> = rows.iter().map(|&row| set.labels()[row]).collect();
            (set.features().select(Axis(0), rows), labels)
        };
        let own: Vec<usize> = rows.iter().copied().filter(|&row| row < n).collect();
        let others: Vec<usize> = rows
            .iter()
            .filter(|&&row| row >= n)
            .map(|row| row - n)
            .collect();
        let ((x, y), (z, w)) = (of(source, &own), of(target, &others));
        let input = Input {
            embedded: Some([
                Samples::new(x.view(), &y, source.classes())?,
                Samples::new(z.view(), &w, target.classes())?,
            ]),
            otdd: Some(params.clone()),
            ..Input::default()
        };
        let found = (OTDD.value)(&input)?;
        let settled = found.converged != Some(false);
        match first.get() {
            None => first.set(Some(settled)),
            Some(_) => unsettled.set(unsettled.get() + usize::from(!settled)),
        }
        Ok(found.value)
    })?;
    Ok(Distance {
        estimate,
        converged: first.get() == Some(true),
        unsettled: unsettled.get(),
    })
}
