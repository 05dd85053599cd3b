//! Samples without a direction: rows of features that are zero throughout, such as those of which no
//! unit of an encoder fires. Measures on the sphere leave them out; here they are counted and named, by
//! their rows in the files.

use super::align::Shared;
use crate::measure::samples::directions;

/// So many rows are named; of more, their number.
const NAMED: usize = 5;

/// A sentence for every encoder that has such rows.
pub fn notes(shared: &Shared) -> Vec<String> {
    let train = shared.given_train.unwrap_or(0);
    let row = |row: &usize| match row.checked_sub(train) {
        Some(row) => format!("row {row}"),
        None => format!("row {row} of the training part"),
    };
    let note = |encoder: &super::align::Aligned| {
        let zero = directions(encoder.features.view()).left_out;
        if zero.is_empty() {
            return None;
        }
        let mut names: Vec<String> = zero.iter().take(NAMED).map(row).collect();
        if zero.len() > NAMED {
            names.push(format!("{} more", zero.len() - NAMED));
        }
        let samples = if zero.len() == 1 { "sample" } else { "samples" };
        let (count, title, names) = (zero.len(), &encoder.title, names.join(", "));
        Some(format!(
            "{count} {samples} of {title} with all features zero, which have no direction \
             ({names}, counted from 0): alignment and uniformity leave them out, they give no vote \
             among neighbours, and those of the test part count as wrong in k-NN accuracy."
        ))
    };
    shared.encoders.iter().filter_map(note).collect()
}
