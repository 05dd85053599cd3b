//! Evaluation: every measure of an encoder and every score of a target, asked for by the lists of the measure room.
//!
//! The measure room knows arrays alone; here its interfaces are given to the types of the rooms before it, and
//! runs and comparisons find the one place where "all measures" are taken. A measure that is added to
//! [`encoder::ALL`](crate::measure::encoder::ALL) or [`transferability::ALL`](crate::measure::transferability::ALL)
//! is taken, kept and written without a change here.
//!
//! | file | what |
//! |---|---|
//! | [`inputs`] | a feature set as labelled samples, a file of probabilities as rows |
//! | [`device`] | the linear probe on a burn device |
//! | [`encoder`] | measures of an encoder: values, and values with the jackknife's noise |
//! | [`target`] | transferability scores of a target |
//! | [`scored`] | the same of anyone's features, with their noise; the OTDD of two sets |
//! | [`left_out`] | the jackknife of a number, whatever it is computed from |
//! | [`towers`] | measures between an image tower and a text tower, with their noise |
//! | [`noise`] | standard errors, intervals and p of the delete-a-group jackknife |
//! | [`values`] | measured values by the names of their measures, as they are kept |
//! | [`kept`] | an encoder's evaluation and a target's scores as files, those of older versions included |

#[cfg(feature = "train")]
pub mod device;
pub mod encoder;
pub mod inputs;
pub mod kept;
pub mod left_out;
pub mod noise;
pub mod scored;
pub mod target;
pub mod towers;
pub mod values;

pub use encoder::Estimate;
pub use kept::{Evaluation, Marks, Probe, Scores};
pub use values::{Measured, Values};

use crate::measure::MeasureError;

/// A measure that failed for another reason than that it is not defined on its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{measure}: {source}")]
pub struct Fault {
    /// Title of the measure.
    pub measure: &'static str,
    /// Its error.
    pub source: MeasureError,
}

/// A measure's value, or in words why it has none on this input; every other error stands.
///
/// # Errors
/// [`Fault`] for every other error.
pub fn defined<T>(
    measure: &'static str,
    found: Result<T, MeasureError>,
) -> Result<Result<T, String>, Fault> {
    use MeasureError::{Numerical, TooFew, TooMany, ZeroVector};
    match found {
        Ok(value) => Ok(Ok(value)),
        Err(why @ (TooFew { .. } | TooMany { .. } | ZeroVector { .. } | Numerical { .. })) => {
            Ok(Err(why.to_string()))
        }
        Err(source) => Err(Fault { measure, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_without_a_value_says_why_and_a_fault_is_told() {
        let one = |error| defined("k-NN accuracy", Err::<f64, _>(error));
        let few = MeasureError::at_least("training samples", 10, 3).expect_err("too few");
        assert!(matches!(one(few), Ok(Err(why)) if why.contains("training samples")));
        let fault = one(MeasureError::parameter("k", "at least 1", 0)).expect_err("a fault");
        assert!(fault.to_string().starts_with("k-NN accuracy: "), "{fault}");
        assert!(matches!(defined("k-NN accuracy", Ok(0.5)), Ok(Ok(0.5))));
    }
}
