//! What `config.json` says: which architecture, and its shape.

mod roberta;
mod swin;

pub use roberta::RobertaConfig;
pub use swin::SwinConfig;

use super::ModelError;
use std::collections::BTreeMap;
use std::path::Path;

/// The values of `model_type` that load.
pub const SUPPORTED: [&str; 2] = ["swin", "roberta"];

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
    /// Parses and checks the text of a `config.json`; `path` names it in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ModelError> {
        let malformed = |expected: &str, found: String| ModelError::Malformed {
            path: path.into(),
            what: "model configuration".into(),
            expected: expected.into(),
            found,
        };
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| malformed("a JSON object", e.to_string()))?;
        let kind = value.get("model_type").and_then(|v| v.as_str());
        let keys = |e: serde_json::Error| {
            let expected = format!("the keys of a {} configuration", kind.unwrap_or_default());
            malformed(&expected, e.to_string())
        };
        let checked = match kind {
            Some("swin") => serde_json::from_value::<SwinConfig>(value.clone())
                .map_err(keys)?
                .check()
                .map(Self::Swin),
            Some("roberta") => serde_json::from_value::<RobertaConfig>(value.clone())
                .map_err(keys)?
                .check()
                .map(Self::Roberta),
            other => {
                return Err(malformed(
                    &format!("model_type one of {}", SUPPORTED.join(", ")),
                    other.map_or("no model_type".into(), |k| format!("model_type {k:?}")),
                ));
            }
        };
        checked.map_err(|e| e.in_file(path))
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
