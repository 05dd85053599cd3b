//! Error of long-range contacts in maps of distances between residues.

use super::descriptor::{How, TaskMetric};
use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::suite::task::Metric;

/// Residues of a long-range pair are at least this far apart in sequence.
const SEPARATION: usize = 24;
/// A contact is at most this far apart in space, in ångström.
const CONTACT: f64 = 8.0;

/// Mean over maps of the mean absolute error of their long-range contacts.
pub const MAE8: TaskMetric = TaskMetric {
    about: About {
        name: "mae8",
        older: &[],
        title: "MAE₈",
        unit: Unit::Number(4),
        better: Better::Lower,
        range: [0.0, f64::INFINITY],
        values: "from 0, in Å",
        what: "Mean absolute error in ångström of the distances between residues that are far apart in sequence and near in space.",
        computed: "Over pairs at least 24 apart in sequence and at most 8 Å apart in truth, predictions of both triangles averaged, then the mean over maps; maps without such a pair are left out.",
        limits: "It says nothing of pairs that are predicted near and are not.",
        citation: "Adhikari, DEEPCON and PDNET, Scientific Reports 2020; Tu et al., NAS-Bench-360, 2022",
    },
    metric: Metric::Mae8,
    chance: "not known beforehand",
    how: How::Terms {
        maps: true,
        needs: "maps with a long-range contact",
        of: |row, shape, p, t, terms| {
            terms.push(contact_error(row, shape[1], p, t)?);
            Ok(())
        },
    },
};

/// The distances of a map `[L, L]` that decide about its contacts: indices i < j at least
/// [`SEPARATION`] apart.
fn long_range(length: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..length).flat_map(move |i| (i + SEPARATION..length).map(move |j| (i, j)))
}

/// Mean |p − t| over the long-range contacts of a map `[L · L]`, the predictions of both triangles
/// averaged; `None` without such a contact. Truth is read from the upper triangle.
fn contact_error(
    row: usize,
    length: usize,
    prediction: &[f64],
    target: &[f64],
) -> Result<Option<f64>, MeasureError> {
    let (mut sum, mut count) = (0.0, 0usize);
    for (i, j) in long_range(length) {
        let truth = target[i * length + j];
        if truth <= 0.0 {
            let found = truth;
            return Err(MeasureError::Distance { row, i, j, found });
        }
        if truth <= CONTACT {
            let (upper, lower) = (prediction[i * length + j], prediction[j * length + i]);
            sum += (0.5 * upper + 0.5 * lower - truth).abs();
            count += 1;
        }
    }
    Ok((count > 0).then(|| sum / count as f64))
}
