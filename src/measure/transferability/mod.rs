//! Transferability scores: what the source model, before any training, says of a target.
//!
//! A score is one file with its computation (or the measure of an encoder that it is, on other samples) and one
//! descriptor, a [`Score`]; [`ALL`] lists them in the order of tables. D itself is
//! [`discrepancy`](super::discrepancy).
//!
//! | file | score | takes |
//! |---|---|---|
//! | [`leep`] | how probable are labels through source classes? | source probabilities, labels |
//! | [`nce`] | how far do source labels determine target labels? | source probabilities, labels |
//! | [`logme`] | how probable are labels under linear models? | features, labels |
//! | [`hscore`] | how much of the features' variance is between classes? | features, labels |
//! | [`modality_gap`] | how far apart are the means on the sphere? | features, features of the source |
//! | [`otdd`] | how far must the source be moved to become the target? | embedded samples of both, labels |

pub mod hscore;
pub mod leep;
pub mod logme;
pub mod modality_gap;
pub mod nce;
pub mod otdd;
mod score;

pub use score::{Input, Need, Score, Value};

/// All of them, in the order of tables.
pub const ALL: &[Score] = &[
    leep::LEEP,
    nce::NCE,
    logme::LOGME,
    hscore::H_SCORE,
    modality_gap::MODALITY_GAP,
    otdd::OTDD,
];

/// The score of a name, now or in an older version.
pub fn named(name: &str) -> Option<&'static Score> {
    ALL.iter().find(|score| score.about.is(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::MeasureError;
    use crate::measure::about::check_list;

    #[test]
    fn every_score_is_described_and_refuses_what_is_not_given() {
        check_list(ALL.iter().map(|score| &score.about));
        for score in ALL {
            assert_eq!(named(score.about.name).map(|s| s.about), Some(score.about));
            let refused = (score.value)(&Input::default());
            assert!(matches!(
                refused,
                Err(MeasureError::TooFew { found: 0, .. })
            ));
        }
    }
}
