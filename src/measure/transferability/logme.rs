//! LogME of a target's features through the source encoder: the measure of an encoder
//! ([`logme`]) on the target's samples.

use super::score::{Need, Score};
use crate::measure::about::About;
use crate::measure::encoder::logme::{self, LogmeParams};

/// LogME of the target.
pub const LOGME: Score = Score {
    about: About {
        what: "How probable the target's labels are under the best linear model of its features through the source encoder.",
        ..logme::LOGME.about
    },
    needs: &[Need::Labels],
    value: |input| {
        let found = LogmeParams::new().check()?.run(input.labelled()?)?;
        Ok(found.value.into())
    },
};
