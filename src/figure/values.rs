//! Measures and their values as readers see them, by the descriptors of the measures.

use crate::measure::about::{About, Unit};
use crate::measure::encoder;
use crate::table::{MeasureRow, ProbeRow};

/// The probes among the measures, for the titles of maps.
pub fn probes(measures: &[MeasureRow]) -> Vec<ProbeRow> {
    let probe = |row: &MeasureRow| {
        Some(ProbeRow {
            encoder: row.encoder.clone(),
            encoder_title: row.encoder_title.clone(),
            method: "-".into(),
            seed: None,
            epochs: None,
            error: row.value.filter(|_| row.measure == "probe-error")?,
            lower: row.lower,
            upper: row.upper,
            c: None,
            n_train: None,
            n_test: row.samples,
        })
    };
    measures.iter().filter_map(probe).collect()
}

/// What is said of a measure; `None` for one that this version does not know.
pub fn about(id: &str) -> Option<&'static About> {
    encoder::named(id).map(|measure| &measure.about)
}

/// How values of a measure are written; plain numbers for one that this version does not know.
pub fn unit(id: &str) -> Unit {
    about(id).map_or(Unit::Number(3), |about| about.unit)
}

/// Reader's name of a measure, as a heading.
pub fn measure_name(id: &str) -> String {
    about(id).map_or_else(|| id.to_owned(), About::heading)
}

/// A value of a measure as readers see it.
pub fn shown(id: &str, value: f64) -> String {
    unit(id).show(value)
}

/// A difference of a measure with its sign; of shares, in percentage points.
pub fn signed(id: &str, difference: f64) -> String {
    unit(id).show_difference(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_differences_read_well() {
        assert_eq!(shown("probe-error", 0.1234), "12.3\u{a0}%");
        assert_eq!(shown("logme", -0.25), "\u{2212}0.250");
        assert_eq!(signed("knn-accuracy", -0.021), "\u{2212}2.1");
        assert_eq!(signed("alignment", 0.0401), "+0.040");
        assert_eq!(signed("alignment", -1e-9), "0.000");
    }
}
