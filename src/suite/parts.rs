//! Settings of the parts that a target model gets new: its embedder and its predictor.

use serde::{Deserialize, Serialize};

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
    /// One of K classes: mean over tokens, linear.
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
