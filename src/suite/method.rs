//! The transfer methods and their settings, as a suite writes them. A method is a name, a stage 1
//! that prepares the target model (most of them: its embedder), and a stage 2 that fine-tunes it.

use serde::{Deserialize, Serialize};

/// The transfer methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Control: the same architecture with a fresh encoder, everything trained.
    Scratch,
    /// Control (FPT, Lu et al. 2021): embedder, norms and predictor train, the encoder's rest
    /// stays.
    Frozen,
    /// Plain fine-tuning of everything.
    Nft,
    /// The embedder first, on the task loss; then plain fine-tuning.
    Emb,
    /// The embedder first, to minimise the OTDD between embedded source and embedded target
    /// (Shen et al., ICML 2023); then plain fine-tuning.
    Orca,
    /// The embedder first, meta-learned so that a fine-tuning step keeps source knowledge (Ma et
    /// al., ICML 2024); then plain fine-tuning.
    Mona,
}

impl Method {
    /// All of them, controls first.
    pub const ALL: [Self; 6] = [
        Self::Scratch,
        Self::Frozen,
        Self::Nft,
        Self::Emb,
        Self::Orca,
        Self::Mona,
    ];

    /// The name used in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Frozen => "frozen",
            Self::Nft => "nft",
            Self::Emb => "emb",
            Self::Orca => "orca",
            Self::Mona => "mona",
        }
    }

    /// The method called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether it has a stage of its own for the embedder.
    pub fn has_stage1(self) -> bool {
        matches!(self, Self::Emb | Self::Orca | Self::Mona)
    }
}

/// Stage 1: the embedder's own training, the same for every method that has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stage1 {
    /// Passes over the training part.
    pub epochs: usize,
    /// What an epoch is for a method whose batches have another size than stage 2's (`orca`).
    pub budget: Budget,
    /// Learning rate, constant. 0 = ten times stage 2's (ORCA's choice).
    pub learning_rate: f64,
    /// Bound on the global gradient norm; 0 = none.
    pub clip: f64,
    /// Whether the predictor trains along with the embedder, on the task loss (`emb`, `mona`).
    pub train_predictor: bool,
    /// Which samples stand for the source (`orca`, `mona`).
    pub source: SourceData,
    /// Samples of a source batch.
    pub source_batch: usize,
    /// Classes of a source batch; every one has equally many samples, so that pairs of one class
    /// exist. 0 = all.
    pub source_classes: usize,
}

impl Default for Stage1 {
    fn default() -> Self {
        Self {
            epochs: 3,
            budget: Budget::Steps,
            learning_rate: 0.0,
            clip: 1.0,
            train_predictor: true,
            source: SourceData::Surrogate,
            source_batch: 64,
            source_classes: 0,
        }
    }
}

/// What an epoch of stage 1 is for a method whose batches have another size than stage 2's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// As many steps as the other methods take, over as many passes as these need.
    #[default]
    Steps,
    /// One pass, of whole batches: fewer steps, and in small sets samples that no step of the epoch
    /// sees.
    Passes,
}

/// Which samples stand for the source in stage 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceData {
    /// The training part of the surrogate, as the papers do; its test part measures.
    #[default]
    Surrogate,
    /// The training part of what the source model was pretrained on.
    Pretraining,
}

/// Settings of MoNA's stage 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MonaSettings {
    /// λ: weight of the outer loss.
    pub lambda: f64,
    /// α: step size of the simulated inner step. 0 = stage 2's learning rate.
    pub alpha: f64,
    /// Orientation of the outer loss.
    pub outer_sign: OuterSign,
    /// How the meta-gradient is computed.
    pub meta_gradient: MetaGradient,
    /// Central difference: distance of the two points from θ, in units of 1/‖v‖.
    pub difference_step: f64,
    /// What the simulated step moves. The source path sees only the encoder, so all three give the
    /// same meta-gradient; with `reset_encoder = false` they differ in what is kept.
    pub inner_scope: InnerScope,
    /// Whether the simulated step is undone: stage 2 then starts from the pretrained encoder.
    pub reset_encoder: bool,
}

impl Default for MonaSettings {
    fn default() -> Self {
        Self {
            lambda: 0.5,
            alpha: 0.0,
            outer_sign: OuterSign::WangIsola,
            meta_gradient: MetaGradient::Exact,
            difference_step: 0.01,
            inner_scope: InnerScope::Encoder,
            reset_encoder: true,
        }
    }
}

/// Settings of ORCA's stage 1: the OTDD between embedded source and embedded target, a sample's
/// features being its embedded tokens averaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrcaSettings {
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

impl Default for OrcaSettings {
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

/// Orientation of the outer loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OuterSign {
    /// Alignment and uniformity are minimised, as their authors mean them and the paper's text
    /// says.
    #[default]
    WangIsola,
    /// The formula as the paper prints it: the negative. An ablation; it spreads classes apart and
    /// rewards collapse.
    Printed,
}

/// How the meta-gradient is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetaGradient {
    /// Forward over reverse: exact.
    #[default]
    Exact,
    /// Central difference of inner gradients along v: a cross-check.
    CentralDifference,
    /// The inner gradient taken as a constant: the outer term vanishes, so this equals `emb`. An
    /// ablation.
    FirstOrder,
}

/// What the simulated inner step moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InnerScope {
    /// The encoder.
    #[default]
    Encoder,
    /// Encoder and predictor.
    EncoderPredictor,
    /// Encoder, predictor and embedder.
    All,
}
