//! What a user may say of a checkpoint that its files do not: where in it the model is, which
//! tensors are not the model's, how large its images are, how many heads it has.

use super::ModelError;
use crate::suite::definition::Source;
use crate::suite::parts::{Activation, Pooling};

/// The largest side of images that a model is given.
const LARGEST: usize = 8192;

/// How a model is to be opened; by default nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// The key of the state dict, or the prefix of its names; dots lead deeper.
    pub key: Option<String>,
    /// Patterns of tensor names, as in the file, to leave out; `*` stands for anything.
    pub ignore: Vec<String>,
    /// Side of the square images in pixels.
    pub image_size: Option<usize>,
    /// How the encoder pools.
    pub pooling: Option<Pooling>,
    /// The activation of a CLIP's MLPs.
    pub activation: Option<Activation>,
    /// Attention heads, where no file tells them.
    pub heads: Option<usize>,
}

impl Opening {
    /// What a suite says of its source model.
    pub fn of(source: &Source) -> Self {
        Self {
            key: source.key.clone(),
            ignore: source.ignore.clone(),
            image_size: source.image_size,
            pooling: source.pooling,
            activation: source.activation,
            heads: source.heads,
        }
    }

    /// Refuses sizes that no model has.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the size.
    pub fn check(&self) -> Result<(), ModelError> {
        match self.image_size {
            Some(side) if side == 0 || side > LARGEST => Err(ModelError::Config {
                what: "image_size".into(),
                expected: format!("1 to {LARGEST}"),
                found: side.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Where a model's image side was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideOrigin {
    /// `--image-size`, or a suite's `source.image_size`.
    Asked,
    /// `config.json`.
    Config,
    /// Attention masks in the weights.
    Masks,
    /// A published name (`patch4_window7_224`) of the file or folder.
    Name,
    /// The grid of positions in the weights.
    Positions,
    /// Nothing tells it.
    Guess,
}

impl SideOrigin {
    /// The word that records keep.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Config => "config.json",
            Self::Masks => "attention masks",
            Self::Name => "published name",
            Self::Positions => "positions",
            Self::Guess => "guess",
        }
    }
}
