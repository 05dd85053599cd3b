//! What every architecture says of itself: how checkpoints tell it ([`Family`]), its shape
//! ([`Configuration`]) and its blocks ([`Blocks`]). The list of them is in
//! [`architecture`](super::architecture).

use super::ModelError;
use super::dual::Dual;
use super::embedder::{Embedder, Resampling};
use super::layers::Init;
use super::pass::Pass;
use super::predictor::Predictor;
use super::tokens::Tokens;
use super::windows::Windows;
use crate::suite::parts::{Activation, EmbedderInit, Pooling};
use burn::tensor::TensorData;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// An architecture as checkpoints tell it: how it is found and what its tensors are called.
pub struct Family {
    /// The `model_type` under which its models are written.
    pub name: &'static str,
    /// Every `model_type` that loads.
    pub model_types: &'static [&'static str],
    /// Values of `model_type` that look alike and do not load, and how they differ.
    pub unlike: &'static [(&'static str, &'static str)],
    /// The names by which its checkpoints are known.
    pub marks: &'static [Marks],
    /// What stands before the same names in networks that compute something else.
    pub others: &'static [&'static str],
    /// Whether timm's and Microsoft's names of a Swin load too.
    pub in_timm: bool,
    /// The architectures of timm's that are of the family, in words; `None` for none.
    pub of_timm: Option<&'static str>,
    /// Whether class tokens and positions are published without the axis of one that ours have first.
    pub flat: bool,
    /// The published name of the classifier's linear layer, if the family has one of its own.
    pub classifier: Option<&'static str>,
    /// The published names of the classifiers of class token and distillation token, if the family has such.
    pub distilled: Option<[&'static str; 2]>,
    /// The published tensors that a parameter of embedder or encoder is made of, by its path, stacked
    /// along the first axis.
    pub tensors: fn(&str) -> Vec<String>,
    /// The published spelling of a tensor's name; `None` for what carries nothing for the model.
    pub canonical: fn(&str) -> Option<String>,
}

/// Families, one of which a checkpoint is of.
pub type Families = &'static [&'static Family];

/// Names by which a checkpoint of a family is known, behind whatever prefix.
#[derive(Clone, Copy)]
pub struct Marks {
    /// A tensor that every such model has once.
    pub anchor: &'static str,
    /// What another tensor beside it starts with, one of these.
    pub witness: &'static [&'static str],
    /// What the names of its tensors start with.
    pub core: &'static [&'static str],
    /// The prefix that belongs to the published names.
    pub prefix: &'static str,
}

/// The shape of an architecture.
pub trait Configuration {
    /// The descriptor.
    fn family(&self) -> &'static Family;

    /// Width of a sample's feature.
    fn features(&self) -> usize;

    /// Width of the embedder's tokens.
    fn token_width(&self) -> usize;

    /// Width of the last tokens; that of the feature unless pooling puts several side by side.
    fn last_width(&self) -> usize {
        self.features()
    }

    /// Pixels of a side that one last token stands for; 1 for sequences.
    fn stride(&self) -> usize {
        1
    }

    /// Input channels of the published embedder; ids count as one.
    fn channels(&self) -> usize {
        1
    }

    /// Side of the square images that the model was made for; `None` for models of sequences.
    fn image_size(&self) -> Option<usize> {
        None
    }

    /// Another side of the images than the published one, where it was asked for and does not stand in [`json`](Self::json).
    fn asked_size(&self) -> Option<usize> {
        None
    }

    /// Most tokens of a sequence; `None` for models of images.
    fn longest(&self) -> Option<usize>;

    /// Class names by index, as far as the file gives them.
    fn id2label(&self) -> &BTreeMap<usize, String>;

    /// The shape in words.
    fn words(&self) -> String;

    /// Sets the side of the square images that the model is made for.
    ///
    /// # Errors
    /// A side that the architecture cannot have; any, for a model of sequences.
    fn set_image_size(&mut self, side: usize) -> Result<(), ModelError> {
        let expected = "none: this is a model of sequences";
        Err(ModelError::config("image_size", expected, side))
    }

    /// How the encoder makes a sample's feature of its tokens.
    fn pooling(&self) -> Pooling {
        Pooling::Mean
    }

    /// How `class` of `transformers` does.
    fn published_pooling(&self, _class: &str) -> Pooling {
        Pooling::Mean
    }

    /// Sets how the encoder pools.
    ///
    /// # Errors
    /// A pooling for which the architecture has no tokens.
    fn set_pooling(&mut self, pooling: Pooling) -> Result<(), ModelError> {
        if pooling == self.pooling() {
            return Ok(());
        }
        Err(ModelError::Config {
            what: "pooling".into(),
            expected: format!(
                "{}, the only one of {}",
                self.pooling().name(),
                self.family().name
            ),
            found: pooling.name().into(),
        })
    }

    /// Sets the activation of the MLPs.
    ///
    /// # Errors
    /// An architecture whose activation its description tells.
    fn set_activation(&mut self, activation: Activation) -> Result<(), ModelError> {
        Err(ModelError::Config {
            what: "activation".into(),
            expected: format!("none to be said of {}", self.family().name),
            found: activation.name().into(),
        })
    }

    /// Refuses another number of attention heads than its own: files tell them, but for timm's of a ViT.
    ///
    /// # Errors
    /// Any other number.
    fn has_heads(&self, heads: usize) -> Result<(), ModelError> {
        Err(ModelError::Config {
            what: "heads".into(),
            expected: format!("none: the files of a {} tell them", self.family().name),
            found: heads.to_string(),
        })
    }

    /// How positions come to other grids, where the names of tensors do not tell it.
    fn resampling(&self) -> Option<Resampling> {
        None
    }

    /// Sets it.
    fn set_resampling(&mut self, _: Resampling) {}

    /// Whether a second token before the grid has a classifier of its own.
    fn distills(&self) -> bool {
        false
    }

    /// Gives parameters, by their paths, the form in which the family publishes them.
    fn publish(&self, _: &mut BTreeMap<String, TensorData>) {}

    /// Rows and columns of every stage's windows, for bias tables; none without windows.
    fn window_tables(&self, _: Windows) -> Vec<[usize; 2]> {
        Vec::new()
    }

    /// Whether timm computes other numbers than `transformers` for images of the model's size.
    fn differs_in_timm(&self) -> bool {
        false
    }

    /// A fresh embedder of the published kind.
    fn embedder(&self, channels: usize, init: &mut Init) -> Embedder;

    /// An embedder for samples `[C, H, W]` that starts from the source model's; `None` where the
    /// architecture takes no such samples. That of patches is the source's own for other channels.
    fn target_embedder(
        &self,
        source: &Embedder,
        [channels, ..]: [usize; 3],
        how: EmbedderInit,
        init: &mut Init,
    ) -> Result<Option<Embedder>, ModelError> {
        Ok(match source {
            Embedder::Patches(source) => {
                Some(Embedder::Patches(source.for_target(channels, how, init)))
            }
            Embedder::Positioned(source) => {
                Some(Embedder::Positioned(source.for_target(channels, how, init)))
            }
            Embedder::Patches1d(_) | Embedder::Ids(_) | Embedder::Text(_) => None,
        })
    }

    /// The keys of its `config.json`, for these channels and classes.
    fn json(
        &self,
        channels: usize,
        id2label: BTreeMap<usize, String>,
    ) -> Result<Value, serde_json::Error>;

    /// The class of `transformers` that loads it.
    fn class(&self, predictor: &Predictor) -> &'static str;
}

/// A list of steps (blocks) and what comes after them.
pub trait Blocks {
    /// Number of steps.
    fn steps(&self) -> usize;

    /// Runs step `index`; also says whether it ends a stage.
    fn step(&self, index: usize, x: Tokens, pass: &mut Pass) -> (Tokens, bool);

    /// What comes after the last step.
    fn finish(&self, x: Tokens, pass: &Pass) -> Tokens;

    /// The features `[B, D]` of samples that tokens between the steps have, chosen as those of the last are and without
    /// the last norm.
    fn pooled(&self, x: &Tokens) -> Dual<2> {
        x.clone().pool()
    }

    /// Whose windows it has; `None` without windows.
    fn windows(&self) -> Option<Windows> {
        None
    }

    /// Takes the windows of its checkpoint.
    fn set_windows(&mut self, _: Windows) {}
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Family {}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
