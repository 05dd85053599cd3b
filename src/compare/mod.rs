//! Comparisons: several encoders set against each other on the same samples (`modalign compare`).
//!
//! Anything that gives features of the samples is an encoder here: a features file, an encoder whose
//! features a run kept, a model that was just asked. [`align`] makes sure that all encoders speak of the
//! same samples, [`parts`] cuts these once for all encoders, [`measures`] measures every encoder alone,
//! probe and neighbours in [`probed`], [`difference`] sets each against the reference, sample by sample
//! ([`rates`]), and [`noise`](crate::evaluate::noise) says what a difference is worth. [`comparison`] does all of it; [`mod@write`] leaves tables and a record.
//!
//! (What [`run::compare`](crate::run) does is another thing: it compares the methods inside one run.)

pub mod align;
pub mod comparison;
pub mod difference;
pub mod error;
pub mod folder;
pub mod kept;
pub mod measures;
pub mod parts;
pub mod probed;
pub mod rates;
pub mod rows;
pub mod settings;
pub mod summary;
pub mod write;
mod zeros;

#[cfg(test)]
mod calibration_tests;
#[cfg(test)]
mod tests;

pub use align::{Aligned, EncoderFeatures, Origin};
pub use comparison::Comparison;
pub use error::CompareError;
pub use settings::{Settings, ValidSettings};
