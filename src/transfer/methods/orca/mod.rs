//! ORCA (Shen et al., ICML 2023): the embedder first learns to bring the embedded target close to the
//! embedded source, as datasets with labels. The distance is in `transfer::objectives::transport`.

#[cfg(feature = "train")]
mod stage1;

#[cfg(feature = "train")]
pub(super) use stage1::aligned;

use super::{Method, Role, settings};
use crate::suite::task::TargetKind;
use serde::{Deserialize, Serialize};

/// ORCA.
pub const METHOD: Method = Method {
    name: "orca",
    title: "ORCA",
    phrase: "ORCA",
    role: Role::Baseline,
    what: "Trains the embedder first, to minimise the optimal transport dataset distance between \
           embedded source and embedded target; then fine-tunes everything.",
    citation: "Shen et al., ICML 2023",
    reads_source: true,
    settings: Some(settings::complete::<TransportSettings>),
    defined_for: |kind| {
        if kind == TargetKind::Labels {
            Ok(())
        } else {
            Err("its distance is taken between classes")
        }
    },
    stage1: Some(stage!(stage1::stage1)),
    ..Method::FINE_TUNING
};

/// Settings of the distance, `[transfer.orca]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransportSettings {
    /// What stands for a class.
    pub inner: InnerDistance,
    /// Share of the isotropic part in a class's covariance (`gaussian`).
    pub shrinkage: f64,
    /// √ε of the transport between points of two classes (`exact`), in units of the features.
    pub inner_blur: f64,
    /// √ε of the transport between samples, in units of the features.
    pub blur: f64,
    /// Marginal violation that counts as converged.
    pub tolerance: f64,
    /// Most Sinkhorn updates at the last ε; how many distances did not converge is recorded.
    pub max_iterations: usize,
    /// Whether gradients go through the distances between classes too.
    pub label_gradient: bool,
    /// Source samples, balanced over classes; embedded and measured among themselves once. ORCA
    /// takes 5,000.
    pub source_samples: usize,
    /// Target samples of a step, all classes together (ORCA goes class by class).
    pub target_batch: usize,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            inner: InnerDistance::Gaussian,
            shrinkage: 0.1,
            inner_blur: 0.05f64.sqrt(),
            blur: 0.1f64.sqrt(),
            tolerance: 1e-4,
            max_iterations: 1000,
            label_gradient: true,
            source_samples: 1000,
            target_batch: 256,
        }
    }
}

/// What stands for a class in the OTDD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InnerDistance {
    /// Its mean and covariance.
    #[default]
    Gaussian,
    /// Its points, by debiased Sinkhorn.
    Exact,
}
