//! What `config.json` says: which architecture, and its shape.

pub mod keys;
mod roberta;
mod swin;

pub use roberta::RobertaConfig;
pub use swin::SwinConfig;

use super::ModelError;
use keys::Keys;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The values of `model_type` that load. XLM-RoBERTa and CamemBERT are RoBERTa with other
/// vocabularies; `timm_wrapper` is timm's configuration under `transformers`.
pub const SUPPORTED: [&str; 5] = [
    "swin",
    "roberta",
    "xlm-roberta",
    "camembert",
    "timm_wrapper",
];

/// Types that look like those that load, and how they differ.
const OTHERS: [(&str, &str); 7] = [
    ("timm_wrapper", "without the architecture of timm's"),
    ("donut-swin", "it has no last layer norm"),
    (
        "maskformer-swin",
        "it shifts windows also where a token grid is one window",
    ),
    ("swinv2", "Swin V2 has cosine attention"),
    ("bert", "its positions start at 0, not after padding"),
    (
        "roberta-prelayernorm",
        "its layer norms come before attention",
    ),
    ("xlm-roberta-xl", "its layer norms come before attention"),
];

/// A checked architecture.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// Swin transformer: images and fields.
    Swin(SwinConfig),
    /// RoBERTa: text, signals and sequences.
    Roberta(RobertaConfig),
}

impl From<SwinConfig> for Architecture {
    fn from(config: SwinConfig) -> Self {
        Self::Swin(config)
    }
}

impl From<RobertaConfig> for Architecture {
    fn from(config: RobertaConfig) -> Self {
        Self::Roberta(config)
    }
}

impl Architecture {
    /// Reads and checks the keys of a `config.json`; `path` names it in errors.
    pub fn read(map: &Map<String, Value>, path: &Path) -> Result<Self, ModelError> {
        let keys = Keys::new(map);
        let kind = map.get("model_type").and_then(Value::as_str);
        let read = match kind {
            Some("swin") => SwinConfig::read(&keys).map(Self::Swin),
            Some(kind @ ("roberta" | "xlm-roberta" | "camembert")) => {
                RobertaConfig::read(&keys, kind).map(Self::Roberta)
            }
            other => {
                let why = OTHERS.iter().find(|(name, _)| Some(*name) == other);
                Err(ModelError::Config {
                    what: "model_type".into(),
                    expected: format!("one of {}", SUPPORTED.join(", ")),
                    found: match (other, why) {
                        (None, _) => "no model_type".into(),
                        (Some(kind), None) => format!("model_type {kind:?}"),
                        (Some(kind), Some((_, why))) => format!("model_type {kind:?} ({why})"),
                    },
                })
            }
        };
        read.map_err(|e| e.in_file(path))
    }

    /// The value of `model_type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Swin(_) => "swin",
            Self::Roberta(_) => "roberta",
        }
    }

    /// Width of the last tokens: the feature dimension.
    pub fn features(&self) -> usize {
        match self {
            Self::Swin(swin) => swin.hidden_size(),
            Self::Roberta(roberta) => roberta.hidden_size,
        }
    }

    /// Side of the square images that the model was made for; `None` for models of sequences.
    pub fn image_size(&self) -> Option<usize> {
        match self {
            Self::Swin(swin) => Some(swin.image_size),
            Self::Roberta(_) => None,
        }
    }

    /// Sets the side of the square images that the model is made for.
    ///
    /// # Errors
    /// A side that the architecture cannot have, or a model of sequences.
    pub fn with_image_size(self, side: usize) -> Result<Self, ModelError> {
        match self {
            Self::Swin(swin) => SwinConfig {
                image_size: side,
                ..swin
            }
            .check()
            .map(Self::Swin),
            Self::Roberta(_) => Err(ModelError::Config {
                what: "image_size".into(),
                expected: "none: this is a model of sequences".into(),
                found: side.to_string(),
            }),
        }
    }

    /// Class names by index, as far as the file gives them.
    pub fn id2label(&self) -> &BTreeMap<usize, String> {
        match self {
            Self::Swin(swin) => &swin.id2label,
            Self::Roberta(roberta) => &roberta.id2label,
        }
    }

    /// Class names in order; `LABEL_i` where the file names none.
    pub fn labels(&self, count: usize) -> Vec<String> {
        let known = self.id2label();
        (0..count)
            .map(|i| known.get(&i).cloned().unwrap_or(format!("LABEL_{i}")))
            .collect()
    }
}
