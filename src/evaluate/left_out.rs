//! One number with the noise of the delete-a-group jackknife, whatever it is computed from: rows of a features file, of two
//! files of the same samples, or of two sets. The measures of one encoder share what they compute and are taken by
//! [`encoder::jackknifed`](super::encoder::jackknifed).
//!
//! An interval is of the value at this number of samples: what a measure is off by because samples are few (a distance of
//! two parts of one set is not 0) is not in it.

use super::encoder::Estimate;
use super::noise;
use crate::measure::MeasureError;

/// The value of all rows, with its interval from those of the rows without each fold. `folds` has the fold of every row,
/// from 0 on; below [`noise::FEWEST_FOLDS`] of them, or where the value is not defined without one, there is no interval.
///
/// # Errors
/// Those of the value of all rows.
pub fn left_out(
    range: [f64; 2],
    folds: &[usize],
    value: impl Fn(&[usize]) -> Result<f64, MeasureError>,
) -> Result<Estimate, MeasureError> {
    let rows: Vec<usize> = (0..folds.len()).collect();
    let whole = value(&rows)?;
    let count = folds.iter().max().map_or(0, |most| most + 1);
    let mut without = Vec::with_capacity(count);
    for fold in 0..if count < noise::FEWEST_FOLDS {
        0
    } else {
        count
    } {
        let kept: Vec<usize> = rows
            .iter()
            .copied()
            .filter(|&row| folds[row] != fold)
            .collect();
        match value(&kept) {
            Ok(value) => without.push(value),
            Err(_) => {
                without.clear();
                break;
            }
        }
    }
    let ends = noise::interval(whole, &without, 0.0);
    let [least, most] = range;
    Ok(Estimate {
        value: whole,
        interval: ends.map(|ends| ends.map(|end| end.clamp(least, most))),
        kind: "jackknife",
        without,
        samples: folds.len(),
    })
}

#[cfg(test)]
mod tests;
