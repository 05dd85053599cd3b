//! Measures between two towers, by their descriptors, with the noise of the delete-a-group jackknife.

use super::values::{Measured, Values};
use super::{Fault, defined, noise};
use crate::measure::towers::{ALL, Pairs};
use crate::measure::{Groups, MeasureError};

/// Most folds of the jackknife.
const FOLDS: usize = 20;

/// Every measure of paired embeddings. `groups` says which of the rows that the pairs were made of belong together:
/// whole groups are left out in turn, in at most twenty folds.
///
/// # Errors
/// [`Fault`] for other numbers of groups than of rows, and for a measure that fails for another reason than that it is
/// not defined on these pairs.
pub fn towers(pairs: &Pairs, groups: &Groups) -> Result<Values, Fault> {
    let rows = pairs.len() + pairs.left_out().len();
    MeasureError::same("groups of pairs", rows, groups.len()).map_err(|source| Fault {
        measure: "measures between towers",
        source,
    })?;
    let own = groups.select(pairs.rows());
    let folds = own.count().min(FOLDS);
    let parts: Vec<Pairs> = match folds >= noise::FEWEST_FOLDS {
        false => Vec::new(),
        true => (0..folds)
            .filter_map(|fold| pairs.part(|place| own.group(place) % folds != fold))
            .collect(),
    };
    let mut all = Values::default();
    for measure in ALL {
        let found = defined(measure.about.title, (measure.value)(pairs))?;
        let without: Result<Vec<f64>, _> = parts.iter().map(measure.value).collect();
        let [least, most] = measure.about.range;
        let interval = |value: f64| {
            let ends = noise::interval(value, &without.ok()?, 0.0)?;
            Some(ends.map(|end| end.clamp(least, most)))
        };
        let mut note = (!pairs.left_out().is_empty()).then(|| {
            let count = pairs.left_out().len();
            format!("{count} pairs are left out, of which an embedding is zero throughout")
        });
        let value = found.map_err(|why| note = Some(why)).ok();
        let measured = Measured {
            value,
            interval: value.and_then(interval),
            samples: pairs.len(),
            note,
        };
        all.insert(&measure.about, measured);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::towers::pairs::{ALIGNMENT, IMAGE_UNIFORMITY};
    use ndarray::Array2;

    fn pairs(n: usize) -> Pairs {
        let x = Array2::from_shape_fn((n, 4), |(i, j)| ((i * (j + 3) + j) as f64 * 0.7).sin());
        let y = Array2::from_shape_fn((n, 4), |(i, j)| {
            ((i * (j + 3) + j) as f64 * 0.7 + 0.4).sin()
        });
        Pairs::new(x.view(), y.view()).expect("valid")
    }

    #[test]
    fn every_measure_has_its_value_and_an_interval_around_it() {
        let pairs = pairs(60);
        let found = towers(&pairs, &Groups::singletons(60)).expect("no fault");
        for measure in ALL {
            let value = (measure.value)(&pairs).expect("defined");
            let measured = found.get(&measure.about).expect("measured");
            assert_eq!((measured.value, measured.samples), (Some(value), 60));
            let [low, high] = measured.interval.expect("folds");
            assert!(low < value && value < high, "{}", measure.about.name);
        }
    }

    #[test]
    fn groups_are_left_out_whole_and_too_few_give_no_interval() {
        let pairs = pairs(60);
        // Blocks of neighbours: what is left out together varies more.
        let blocks: Vec<usize> = (0..60).map(|i| i / 10).collect();
        let found = towers(&pairs, &Groups::of(&blocks)).expect("no fault");
        let alignment = found.get(&ALIGNMENT.about).expect("measured");
        let parts = (0..6).map(|fold| pairs.part(|i| i / 10 != fold).expect("rest"));
        let without: Vec<f64> = parts
            .map(|p| (ALIGNMENT.value)(&p).expect("defined"))
            .collect();
        let value = alignment.value.expect("defined");
        assert_eq!(alignment.interval, noise::interval(value, &without, 0.0));
        let four: Vec<usize> = (0..60).map(|i| i / 15).collect();
        let found = towers(&pairs, &Groups::of(&four)).expect("no fault");
        assert_eq!(found.get(&ALIGNMENT.about).and_then(|m| m.interval), None);
    }

    #[test]
    fn what_is_not_defined_says_why() {
        let found = towers(&pairs(1), &Groups::singletons(1)).expect("no fault");
        let uniformity = found.get(&IMAGE_UNIFORMITY.about).expect("measured");
        assert!(uniformity.value.is_none() && uniformity.note.is_some());
        assert!(found.value(&ALIGNMENT.about).is_some());
        assert!(towers(&pairs(1), &Groups::singletons(2)).is_err());
    }
}
