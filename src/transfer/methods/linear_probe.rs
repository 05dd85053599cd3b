//! The linear probe of CLIP (Radford et al., ICML 2021): a linear classifier of the untouched image tower's vectors, in place
//! of texts. It is fitted to its minimum; C is chosen on the validation part.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{LinearProbeSettings, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// A linear classifier of vectors.
pub const METHOD: Method = Method {
    name: "linear-probe",
    title: "Linear probe",
    phrase: "a linear probe",
    role: Role::Control,
    what: "Fits a linear classifier to the vectors of the image tower, in place of texts; both towers stay as they were \
           pretrained.",
    citation: "Radford et al., ICML 2021",
    settings: Some(settings::complete::<Settings>),
    // As many classes as the target has.
    towers: Some(stage!(|_| Ok(Tuned::LinearProbe(
        LinearProbeSettings::default()
    )))),
    ..Method::OF_CLASSES
};

/// `[transfer.linear-probe]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Values of C (scikit-learn's inverse regularisation) to choose from on the validation part.
    pub c: Vec<f64>,
    /// L-BFGS iterations at most, for each C.
    pub iterations: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            c: vec![0.1, 1.0, 10.0, 100.0, 1000.0],
            iterations: 2000,
        }
    }
}
