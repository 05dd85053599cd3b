//! modalign measures how far the knowledge of a pretrained source modality fits a target
//! modality, and trains the transfer between them (Ma et al., *Learning Modality Knowledge
//! Alignment for Cross-Modality Transfer*, ICML 2024).
//!
//! The modules stand in a row, and each knows only those before it:
//! [`files`] → [`suite`] → [`dataset`] → [`model`] → [`feature`] → [`measure`] → [`transfer`] → [`table`] →
//! [`evaluate`] → [`run`] → [`compare`] → [`figure`] → [`report`] → [`cli`]. `ARCHITECTURE.md` draws the map; `docs/` is the guide.
//!
//! # Measures on arrays of your own
//!
//! Parameters become valid ones by `check()`, and only valid ones can run. The source model of this example
//! knows four classes; the target's two classes are its third and its first.
//!
//! ```
//! use modalign::measure::Samples;
//! use modalign::measure::discrepancy::{DiscrepancyParams, Target, discrepancy};
//! use modalign::measure::probe::ProbeParams;
//! use ndarray::Array2;
//!
//! // Features [N, D] and labels [N]: does a hyperplane separate the two classes?
//! let labels: Vec<usize> = (0..60).map(|sample| sample % 2).collect();
//! let features = Array2::from_shape_fn((60, 4), |(sample, feature)| {
//!     labels[sample] as f32 + 0.1 * ((7 * sample + 3 * feature) as f32).sin()
//! });
//! let samples = Samples::new(features.view(), &labels, 2)?;
//! let probe = ProbeParams::new().c(0.316).check()?.run(&samples, None, &samples)?;
//! assert_eq!(probe.error, 0.0);
//!
//! // Source probabilities [N, Ks] of the target's samples: which source class stands for which target class?
//! let probabilities = Array2::from_shape_fn((60, 4), |(sample, class)| {
//!     if class == [2, 0][labels[sample]] { 0.7f32 } else { 0.1 }
//! });
//! let target = Target::Labels { labels: &labels, classes: 2 };
//! let d = discrepancy(probabilities.view(), target, &DiscrepancyParams::new().check()?)?;
//! assert_eq!(d.assignment, [Some(2), Some(0)]);
//! assert!((d.value - 0.3).abs() < 1e-6 && d.certified);
//! # Ok::<(), modalign::measure::MeasureError>(())
//! ```

#[cfg(test)]
mod fixture;
mod random;
mod simd;
mod strata;

pub mod cli;
pub mod compare;
pub mod dataset;
pub mod evaluate;
pub mod feature;
pub mod figure;
pub mod files;
pub mod measure;
#[cfg(feature = "train")]
pub mod model;
pub mod report;
pub mod run;
pub mod suite;
pub mod table;
pub mod transfer;
