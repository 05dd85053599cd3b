//! H-score of a target's features through the source encoder: the measure of an encoder
//! ([`hscore()`]) on the target's samples.

use super::score::{Need, Score};
use crate::measure::about::About;
use crate::measure::encoder::hscore::{self, Covariance, hscore};

/// H-score of the target, with Ledoit and Wolf's covariance.
pub const H_SCORE: Score = Score {
    about: About {
        what: "How much of the variance of the target's features through the source encoder, in units of itself, lies between its classes.",
        ..hscore::H_SCORE.about
    },
    needs: &[Need::Labels],
    value: |input| {
        Ok(hscore(input.labelled()?, Covariance::LedoitWolf)?
            .value
            .into())
    },
};
