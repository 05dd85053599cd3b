//! Where a model's two halves are: the description of its parts and its weights, from whatever
//! people have. A folder of Hugging Face's (`config.json` with `model_type`) or timm's
//! (`architecture`), with safetensors or PyTorch weights, whole or in shards; or a bare checkpoint
//! with timm's or Microsoft's names, whose tensors tell the architecture.

use super::config::Architecture;
use super::preprocess::Recorded;
use super::swin::Windows;
use super::timm::{self, Hints};
use super::weights::Weights;
use super::{ModelError, SwinConfig, predictor};
use crate::manifest::parts::PredictorSpec;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What `config.json` says under `modalign`: the parts that Hugging Face has no words for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// The predictor, unless it is Hugging Face's own classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictor: Option<PredictorSpec>,
    /// How pictures are prepared, where that was known when the folder was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Recorded>,
    /// Whose windows the encoder has, unless they are those of `transformers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
}

/// The parts of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The encoder's architecture.
    pub architecture: Architecture,
    /// What only we have words for.
    pub extras: Extras,
}

impl From<Architecture> for Description {
    fn from(architecture: Architecture) -> Self {
        Self {
            architecture,
            extras: Extras::default(),
        }
    }
}

impl Description {
    /// Parses and checks the text of a `config.json` of Hugging Face's kind; `path` names it in
    /// errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ModelError> {
        let architecture = Architecture::parse(text, path)?;
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let extras: Extras = match value.get("modalign") {
            None => Extras::default(),
            Some(own) => {
                serde_json::from_value(own.clone()).map_err(|e| ModelError::Malformed {
                    path: path.into(),
                    what: "modalign".into(),
                    expected: "the description of a predictor".into(),
                    found: e.to_string(),
                })?
            }
        };
        if let Some(spec) = &extras.predictor {
            predictor::check(spec).map_err(|e| e.in_file(path))?;
        }
        Ok(Self {
            architecture,
            extras,
        })
    }
}

/// A model on disk: described and opened, no tensor read yet.
pub struct Files {
    /// What the model is made of.
    pub description: Description,
    /// Its tensors.
    pub weights: Weights,
    /// Its `config.json`, if that is of Hugging Face's kind.
    pub config: Option<PathBuf>,
}

/// Opens the model folder or the checkpoint file at `path`.
pub fn open(path: &Path) -> Result<Files, ModelError> {
    let kind = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ModelError::Missing {
            path: path.into(),
            hint: "a model is a folder with config.json and weights, or a checkpoint file".into(),
        },
        _ => ModelError::Io {
            path: path.into(),
            source,
        },
    })?;
    let (folder, weights) = if kind.is_dir() {
        (path.to_path_buf(), None)
    } else {
        let folder = path.parent().unwrap_or(Path::new("."));
        (folder.to_path_buf(), Some(Weights::open(path)?))
    };
    let config = folder.join("config.json");
    let text = match std::fs::read_to_string(&config) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => {
            return Err(ModelError::Io {
                path: config,
                source,
            });
        }
    };
    let weights = || weights.map_or_else(|| Weights::in_folder(&folder), Ok);
    match text {
        Some(text) if !Hints::is_timm_config(&text) => Ok(Files {
            description: Description::parse(&text, &config)?,
            weights: weights()?,
            config: Some(config),
        }),
        text => {
            let hints = match text {
                Some(text) => Hints::parse(&text, &config)?,
                // Its own name alone: folders above it are called after anything.
                None => Hints::of_name(&path.file_name().unwrap_or_default().to_string_lossy()),
            };
            let weights = weights().map_err(|e| match e {
                ModelError::Missing { .. } => ModelError::Missing {
                    path: config.clone(),
                    hint: format!("a model folder holds config.json and weights; and {e}"),
                },
                other => other,
            })?;
            if !timm::is_timm(weights.names()) {
                return Err(ModelError::Missing {
                    path: config,
                    hint: "without it only Swin checkpoints with timm's or Microsoft's tensor \
                           names (patch_embed.proj.weight, layers.0.blocks.0…) tell their \
                           architecture"
                        .into(),
                });
            }
            let swin = infer(&weights, &hints)?;
            let extras = Extras {
                windows: Some(timm::windows(&swin, &hints)),
                ..Extras::default()
            };
            Ok(Files {
                description: Description {
                    architecture: Architecture::Swin(swin),
                    extras,
                },
                weights,
                config: None,
            })
        }
    }
}

/// The architecture that timm's tensors tell.
fn infer(weights: &Weights, hints: &Hints) -> Result<SwinConfig, ModelError> {
    let names: Vec<String> = weights.names().map(String::from).collect();
    let shape = |name: &str| weights.shape(name).map(<[usize]>::to_vec);
    timm::infer_config(&shape, &names, hints).map_err(|e| e.in_file(weights.path()))
}
