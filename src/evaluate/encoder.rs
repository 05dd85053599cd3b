//! Measures of an encoder, by their descriptors: the values alone, and the values with the noise of the
//! delete-a-group jackknife.

use ndarray::{ArrayView2, Axis};

use super::values::{Measured, Values};
use super::{Fault, defined, noise};
use crate::measure::encoder::{Input, Measure};
use crate::measure::{MeasureError, Samples};

/// Values of measures of one input; `samples` of it were measured.
///
/// # Errors
/// [`Fault`] for a measure that fails for another reason than that it is not defined on this input.
pub fn values<'m>(
    measures: impl IntoIterator<Item = &'m Measure>,
    input: &Input<'_>,
) -> Result<Values, Fault> {
    let mut all = Values::default();
    for measure in measures {
        let found = defined(measure.about.title, (measure.value)(input))?;
        let (value, note) = match found {
            Ok(value) => (Some(value), None),
            Err(why) => (None, Some(why)),
        };
        let measured = Measured {
            value,
            interval: None,
            samples: input.test().len(),
            note,
        };
        all.insert(&measure.about, measured);
    }
    Ok(all)
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

/// Test samples, and the fold that each is left out with.
#[derive(Debug, Clone, Copy)]
pub struct Folded<'a> {
    /// Features `[N, D]`.
    pub features: ArrayView2<'a, f32>,
    /// Class of every sample.
    pub labels: &'a [usize],
    /// How many classes there are.
    pub classes: usize,
    /// The fold of every sample, from 0 on.
    pub folds: &'a [usize],
}

/// Measures of test samples, each with the jackknife's interval: whatever several measures need is computed once
/// for the whole and once without each fold. `with_noise` says of which measures the noise is wanted. They see no
/// training samples.
pub fn jackknifed(
    measures: &[&Measure],
    samples: &Folded<'_>,
    with_noise: impl Fn(&Measure) -> bool,
) -> Vec<Result<Estimate, MeasureError>> {
    let whole = of_rows(measures, samples, |_| true);
    let count = samples.folds.iter().max().map_or(0, |most| most + 1);
    let mut without: Vec<Option<Vec<f64>>> = measures
        .iter()
        .zip(&whole)
        .map(|(measure, found)| (found.is_ok() && with_noise(measure)).then(Vec::new))
        .collect();
    for fold in 0..if count >= noise::FEWEST_FOLDS {
        count
    } else {
        0
    } {
        let places: Vec<usize> = (0..measures.len())
            .filter(|&place| without[place].is_some())
            .collect();
        let wanted: Vec<&Measure> = places.iter().map(|&place| measures[place]).collect();
        if wanted.is_empty() {
            break;
        }
        let found = of_rows(&wanted, samples, |row| samples.folds[row] != fold);
        for (place, found) in places.into_iter().zip(found) {
            match (found, &mut without[place]) {
                (Ok(value), Some(all)) => all.push(value),
                // Not defined without one of the folds: there is no interval.
                (_, all) => *all = None,
            }
        }
    }
    let all = measures.iter().zip(whole).zip(without);
    all.map(|((measure, found), without)| {
        let without = without.unwrap_or_default();
        let [least, most] = measure.about.range;
        found.map(|value| Estimate {
            value,
            interval: noise::interval(value, &without, 0.0)
                .map(|ends| ends.map(|end| end.clamp(least, most))),
            kind: "jackknife",
            without,
            samples: samples.labels.len(),
        })
    })
    .collect()
}

/// The measures of the rows that are kept.
fn of_rows(
    measures: &[&Measure],
    samples: &Folded<'_>,
    kept: impl Fn(usize) -> bool,
) -> Vec<Result<f64, MeasureError>> {
    let rows: Vec<usize> = (0..samples.labels.len()).filter(|&row| kept(row)).collect();
    let features = samples.features.select(Axis(0), &rows);
    let labels: Vec<usize> = rows.iter().map(|&row| samples.labels[row]).collect();
    match Samples::new(features.view(), &labels, samples.classes) {
        Ok(test) => {
            let input = Input::new(test, test);
            let value = |measure: &&Measure| (measure.value)(&input);
            measures.iter().map(value).collect()
        }
        Err(error) => measures.iter().map(|_| Err(error.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::encoder::ALL;
    use ndarray::Array2;

    fn features() -> (Array2<f32>, Vec<usize>) {
        let labels: Vec<usize> = (0..48).map(|i| i % 3).collect();
        let x = Array2::from_shape_fn((48, 4), |(i, j)| {
            ((i * 7 + j * 5 + i * j) % 11) as f32 + if labels[i] == j { 4.0 } else { 0.0 }
        });
        (x, labels)
    }

    #[test]
    fn every_measure_that_is_listed_has_a_value_or_says_why_it_has_none() {
        let (x, labels) = features();
        let samples = Samples::new(x.view(), &labels, 3).expect("valid");
        let alone = values(ALL, &Input::new(samples, samples)).expect("no fault");
        for measure in ALL {
            let found = alone.get(&measure.about).expect("measured");
            assert_eq!(found.value.is_none(), found.note.is_some());
        }
        let wrong = vec![false; 48];
        let whole = Input::new(samples, samples).reference(x.view());
        let whole = whole.mistakes(&wrong).expect("one for each");
        let whole = values(ALL, &whole).expect("no fault");
        assert!(
            ALL.iter().all(|m| whole.value(&m.about).is_some()),
            "{whole:?}"
        );
    }

    #[test]
    fn the_jackknife_leaves_each_fold_out_and_gives_the_value_of_the_whole() {
        let (x, labels) = features();
        let folds: Vec<usize> = (0..48).map(|i| i / 3 % 6).collect();
        let samples = Folded {
            features: x.view(),
            labels: &labels,
            classes: 3,
            folds: &folds,
        };
        let measures: Vec<&Measure> = ALL
            .iter()
            .filter(|m| m.noise == crate::measure::encoder::Noise::Jackknife)
            .collect();
        let found = jackknifed(&measures, &samples, |m| m.about.name != "logme");
        let all = Samples::new(x.view(), &labels, 3).expect("valid");
        for (measure, found) in measures.iter().zip(found) {
            let found = found.expect("defined");
            let value = (measure.value)(&Input::new(all, all)).expect("defined");
            assert_eq!(found.value.to_bits(), value.to_bits());
            let folds = if measure.about.name == "logme" { 0 } else { 6 };
            assert_eq!(found.without.len(), folds, "{}", measure.about.name);
            assert_eq!(found.interval.is_some(), folds > 0);
        }
    }
}
