//! Measures of an encoder: what its features of labelled samples say, alone or beside a reference.
//!
//! A measure is one file with its computation and one descriptor, a [`Measure`]; [`ALL`] lists them in the
//! order of tables. To add one, write its file and add its line to [`ALL`]. `docs/measures.md` says what each tells.
//!
//! [`votes`] repeats the neighbours' vote without each fold of training samples.

pub mod cka;
pub mod geometry;
pub mod hscore;
pub mod knn;
pub mod logme;
mod measure;
pub mod probe;
pub mod silhouette;
pub mod votes;
pub mod zero_shot;

pub use measure::{Cost, Extent, Input, Learner, Measure, Noise, Rate};

/// All of them, in the order of tables.
pub const ALL: &[Measure] = &[
    probe::PROBE_ERROR,
    probe::BALANCED_ERROR,
    knn::KNN_ACCURACY,
    geometry::ALIGNMENT,
    geometry::UNIFORMITY,
    silhouette::SILHOUETTE,
    logme::LOGME,
    hscore::H_SCORE,
    cka::CKA,
];

/// Those of an encoder whose CLIP has texts for the classes, in the order of tables.
pub const OF_TEXTS: &[Measure] = &[
    zero_shot::ZERO_SHOT_ERROR,
    zero_shot::TOWER_GAP,
    zero_shot::TOWER_ALIGNMENT,
];

/// The measure of a name, now or in an older version.
pub fn named(name: &str) -> Option<&'static Measure> {
    let all = ALL.iter().chain(OF_TEXTS);
    all.into_iter().find(|measure| measure.about.is(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::about::check_list;
    use crate::measure::{MeasureError, Samples};

    #[test]
    fn every_measure_is_described_and_found_by_its_names() {
        check_list(ALL.iter().chain(OF_TEXTS).map(|measure| &measure.about));
        for measure in ALL.iter().chain(OF_TEXTS) {
            for name in measure.about.older.iter().chain([&measure.about.name]) {
                assert_eq!(named(name).map(|m| m.about), Some(measure.about));
            }
        }
        assert!(named("no-such-measure").is_none());
    }

    #[test]
    fn what_is_not_given_is_not_defined() {
        let x = ndarray::Array2::from_shape_fn((9, 2), |(i, j)| (i * i + j) as f32);
        let labels: Vec<usize> = (0..9).map(|i| i % 3).collect();
        let samples = Samples::new(x.view(), &labels, 3).expect("valid");
        let input = Input::new(samples, samples).neighbours(2);
        for measure in [probe::PROBE_ERROR, cka::CKA] {
            assert!(matches!(
                (measure.value)(&input),
                Err(MeasureError::TooFew { .. })
            ));
        }
        assert!(knn::vote(&input).is_ok() && input.mistakes(&[false; 3]).is_err());
    }
}
