//! How a checkpoint is to be opened, the same for every verb that takes a model.

#[cfg(feature = "train")]
use crate::model::Opening;
#[cfg(feature = "train")]
use crate::suite::definition::Source;
use crate::suite::parts::{Activation, Pooling};
use clap::Args;

/// How a checkpoint is to be opened, the same for every verb that takes a model.
#[derive(Debug, Clone, Default, Args)]
pub struct OpeningArgs {
    /// Key of the state dict in a checkpoint, dots lead deeper (model.state_dict); or a prefix of
    /// its tensor names (teacher) [default: the plain model of most tensors, told where several fit]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Leave tensors of these names out, as the file has them; * stands for anything; repeatable
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    pub ignore: Vec<String>,
    /// Side of the model's square images in pixels, before what its files say or what is guessed
    #[arg(long, value_name = "N")]
    pub image_size: Option<usize>,
    /// How the encoder makes a sample's feature of its tokens: first (the class token), mean (of the patches),
    /// first-and-mean or class-and-distillation [default: as published]
    #[arg(long, value_name = "HOW")]
    pub pooling: Option<Pooling>,
    /// Activation of a CLIP's MLPs, gelu or quick_gelu: part of what a checkpoint is, which its file may not tell
    #[arg(long, value_name = "NAME")]
    pub activation: Option<Activation>,
    /// Attention heads of a ViT whose files do not tell them [default: those that timm publishes for its width, told]
    #[arg(long, value_name = "N")]
    pub heads: Option<usize>,
}

#[cfg(feature = "train")]
impl OpeningArgs {
    /// As the model room takes it.
    pub fn opening(&self) -> Opening {
        Opening {
            key: self.key.clone(),
            ignore: self.ignore.clone(),
            image_size: self.image_size,
            pooling: self.pooling,
            activation: self.activation,
            heads: self.heads,
        }
    }

    /// The options as a command line takes them, each behind a space.
    pub fn options(&self) -> String {
        let mut options = String::new();
        if let Some(key) = &self.key {
            options.push_str(&format!(" --key {key}"));
        }
        for pattern in &self.ignore {
            options.push_str(&format!(" --ignore '{pattern}'"));
        }
        if let Some(side) = self.image_size {
            options.push_str(&format!(" --image-size {side}"));
        }
        if let Some(pooling) = self.pooling {
            options.push_str(&format!(" --pooling {}", pooling.name()));
        }
        if let Some(activation) = self.activation {
            options.push_str(&format!(" --activation {}", activation.name()));
        }
        if let Some(heads) = self.heads {
            options.push_str(&format!(" --heads {heads}"));
        }
        options
    }

    /// Sets what is given in the suite's source model, so that the run keeps it.
    pub fn apply(&self, source: &mut Source) {
        if self.key.is_some() {
            source.key.clone_from(&self.key);
        }
        if !self.ignore.is_empty() {
            source.ignore.clone_from(&self.ignore);
        }
        if self.image_size.is_some() {
            source.image_size = self.image_size;
        }
        if self.pooling.is_some() {
            source.pooling = self.pooling;
        }
        if self.activation.is_some() {
            source.activation = self.activation;
        }
        if self.heads.is_some() {
            source.heads = self.heads;
        }
    }
}
