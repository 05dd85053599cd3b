//! How a suite asks for a dataset. Readers stand in `dataset::readers`; here they are names.

use super::task::{Metric, TaskLoss};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One dataset of a suite: which reader makes it, how much of it is used and what it asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSpec {
    /// Short name used in tables and file names (`[a-z0-9-]+`).
    pub name: String,
    /// Name shown in figures and reports.
    pub title: String,
    /// Name of the reader that makes it.
    pub reader: String,
    /// At most this many training samples (balanced over classes; 0 = all).
    #[serde(default)]
    pub train: usize,
    /// At most this many validation samples (0 = the reader's own share).
    #[serde(default)]
    pub valid: usize,
    /// At most this many test samples (0 = all).
    #[serde(default)]
    pub test: usize,
    /// What training minimises. Without it: cross-entropy for classes (with the training's label
    /// smoothing), binary cross-entropy for several labels, relative L2 for fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<TaskLoss>,
    /// What judges the result. Without it: error for classes, one minus mean average precision for
    /// several labels, relative L2 for fields, one minus mean recall for captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// Where one's own files (readers `images`, `domains`, `captions` and `npy`) are, relative to the suite file; without
    /// it `DATA/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The folder, below that of reader `domains`, whose pictures are the set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What numbers the classes of a domain, where it is one of several: reader `domains` and published sets by domain.
    #[serde(default, skip_serializing_if = "DomainClasses::is_union")]
    pub classes: DomainClasses,
    /// An encoder of its own, for signals that the suite's source model of images does not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<SequenceEncoder>,
}

/// Which classes the pictures of a domain are numbered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainClasses {
    /// Those of all domains that are there, so that labels of different domains' tasks agree.
    #[default]
    Union,
    /// Those that the domain has.
    Own,
}

impl DomainClasses {
    /// Whether they are those of all domains.
    pub fn is_union(&self) -> bool {
        *self == Self::Union
    }
}

/// A sequence encoder (RoBERTa's architecture) for a target of its own. It has no image surrogate, so
/// neither probes nor D are taken of it: only the target's metric is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceEncoder {
    /// A published model to start from. Without it the encoder starts from scratch, in this shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Width of the tokens.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
}

impl Default for SequenceEncoder {
    fn default() -> Self {
        Self {
            model: None,
            hidden: 64,
            layers: 4,
            heads: 4,
        }
    }
}

impl DatasetSpec {
    /// Everything that `reader` has, with its own task.
    pub fn new(name: &str, title: &str, reader: &str) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            reader: reader.into(),
            train: 0,
            valid: 0,
            test: 0,
            loss: None,
            metric: None,
            path: None,
            domain: None,
            classes: DomainClasses::Union,
            encoder: None,
        }
    }
}
