//! Settings of a model's parts: how its encoder pools, and what a target model gets new, its embedder and its
//! predictor.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How an encoder makes one feature of a sample's last tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Mean of the tokens of patches, ids or values.
    #[default]
    Mean,
    /// The first token: the class token of a ViT.
    First,
    /// Mean of class token and distillation token.
    ClassAndDistillation,
    /// The first token and the mean of the patches' side by side, twice as wide.
    FirstAndMean,
    /// The token that ends a text: of CLIP's text tower.
    End,
}

impl Pooling {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Mean,
        Self::First,
        Self::ClassAndDistillation,
        Self::FirstAndMean,
        Self::End,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "first",
            Self::ClassAndDistillation => "class-and-distillation",
            Self::FirstAndMean => "first-and-mean",
            Self::End => "end",
        }
    }
}

impl FromStr for Pooling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}, found {text:?}")
        })
    }
}

/// The activation in the MLPs of a CLIP: part of a checkpoint's identity, which many files do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The exact GELU, of most that were trained on LAION-2B.
    Gelu,
    /// `x·σ(1.702 x)`, of OpenAI's and what was tuned from them.
    QuickGelu,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gelu, Self::QuickGelu];

    /// The word for it, as Hugging Face has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gelu => "gelu",
            Self::QuickGelu => "quick_gelu",
        }
    }
}

impl FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| format!("expected gelu or quick_gelu, found {text:?}"))
    }
}

/// How a target's embedder starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmbedderInit {
    /// 2D: the source projection, its channels tiled and cut to the target's (as ORCA does; the
    /// norm after it takes care of scale); bias and norm copied. 1D: the source's positions.
    #[default]
    SourceTiled,
    /// Truncated normal (std 0.02), zero bias; 1D: the positions too.
    Random,
}

/// How the matrix of a target's predictor starts; its bias is zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "name")]
pub enum PredictorInit {
    /// Truncated normal, as Swin's authors start every linear layer.
    TruncatedNormal {
        /// Standard deviation before truncation at two of them.
        std: f32,
    },
    /// Glorot & Bengio's uniform values.
    XavierUniform {
        /// Factor on the bound.
        gain: f32,
    },
}

impl Default for PredictorInit {
    fn default() -> Self {
        Self::TruncatedNormal { std: 0.02 }
    }
}

/// What a predictor gives for a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "kind")]
pub enum PredictorSpec {
    /// One of K classes: the feature of the sample, linear.
    Classification {
        /// K.
        classes: usize,
    },
    /// Any of K labels: the same map; the loss and the activation differ.
    MultiLabel {
        /// K.
        classes: usize,
    },
    /// A field: 1×1 convolution, pixel shuffle, then averages over channels and over space.
    #[serde(rename = "dense-2d")]
    Dense2d {
        /// Channels of the field.
        channels: usize,
        /// Rows of the field.
        height: usize,
        /// Columns of the field.
        width: usize,
        /// Factor of the pixel shuffle; the encoder's total stride if none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upscale: Option<usize>,
        /// Channels after the pixel shuffle (ORCA: 3).
        #[serde(default = "three")]
        inner: usize,
    },
    /// A signal: the features of every token averaged to its patch.
    #[serde(rename = "dense-1d")]
    Dense1d {
        /// Channels of the signal.
        channels: usize,
        /// Values of every channel.
        length: usize,
    },
}

fn three() -> usize {
    3
}

impl PredictorSpec {
    /// Numbers a sample gets.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Classification { classes } | Self::MultiLabel { classes } => *classes,
            Self::Dense2d {
                channels,
                height,
                width,
                ..
            } => channels * height * width,
            Self::Dense1d { channels, length } => channels * length,
        }
    }

    /// The name of the kind, as a manifest writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Classification { .. } => "classification",
            Self::MultiLabel { .. } => "multi-label",
            Self::Dense2d { .. } => "dense-2d",
            Self::Dense1d { .. } => "dense-1d",
        }
    }
}
