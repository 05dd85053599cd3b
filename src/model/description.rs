//! `config.json`: whose it is (Hugging Face's, timm's, or that of something else that goes by the
//! same name), and the description of a model that Hugging Face's kind holds.

use super::architecture::vit::{self, timm::Published};
use super::architecture::{Architecture, UNDESCRIBED, family_of, only, swin};
use super::embedder::Resampling;
use super::family::Families;
use super::keys;
use super::timm::Hints;
use super::two_tower;
use super::windows::Windows;
use super::{ModelError, predictor};
use crate::suite::parts::{Pooling, PredictorSpec};
use crate::suite::preprocess::{Origin, Preprocess};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// Keys that Hugging Face's library, or we, write into every `config.json`.
pub(super) const MARKS: [&str; 3] = ["architectures", "transformers_version", "modalign"];

/// Where larger models (detectors, captioners) describe the encoder that they are built on.
const PARTS: [&str; 3] = ["backbone_config", "encoder", "vision_config"];

/// The largest `config.json` that is read.
const LARGEST_CONFIG: u64 = 64 << 20;

/// What `config.json` says under `modalign`: the parts that Hugging Face has no words for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// The predictor, unless it is Hugging Face's own classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictor: Option<PredictorSpec>,
    /// How the encoder pools, unless as its publisher's class does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// How positions come to other grids, where that is not as the names of tensors have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resampling: Option<Resampling>,
    /// Side of the images that enter, where the positions were made for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// How pictures are prepared, where that was known when the folder was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Recorded>,
    /// Whose windows the encoder has, unless they are those of `transformers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
}

/// What our own folders record in `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Recorded {
    /// Trained by us: image sets keep their own constants.
    #[serde(rename = "own")]
    Own,
    /// As the model was published.
    #[serde(untagged)]
    Published(Box<Preprocess>),
}

impl From<&Preprocess> for Recorded {
    fn from(how: &Preprocess) -> Self {
        match how.origin {
            Origin::Own => Self::Own,
            _ => Self::Published(Box::new(how.clone())),
        }
    }
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
        Self::read(&object(text, path)?, path)
    }

    /// Reads and checks the keys of a `config.json` of Hugging Face's kind.
    pub(super) fn read(map: &Map<String, Value>, path: &Path) -> Result<Self, ModelError> {
        Self::with_extras(Architecture::read(map, path)?, map, path)
    }

    /// An architecture with what the keys of its `config.json` say beyond it.
    pub(super) fn with_extras(
        mut architecture: Architecture,
        map: &Map<String, Value>,
        path: &Path,
    ) -> Result<Self, ModelError> {
        let extras: Extras = match map.get("modalign") {
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
        let shape = architecture.shape_mut();
        if let Some(pooling) = extras.pooling {
            shape.set_pooling(pooling).map_err(|e| e.in_file(path))?;
        }
        if let Some(how) = extras.resampling {
            shape.set_resampling(how);
        }
        if let Some(side) = extras.image_size {
            shape.set_image_size(side).map_err(|e| e.in_file(path))?;
        }
        Ok(Self {
            architecture,
            extras,
        })
    }
}

/// The object in a `config.json`.
pub(super) fn object(text: &str, path: &Path) -> Result<Map<String, Value>, ModelError> {
    keys::object(text).map_err(|found| ModelError::Malformed {
        path: path.into(),
        what: "model configuration".into(),
        expected: "a JSON object with a model_type or an architecture".into(),
        found,
    })
}

/// What kind a `config.json` is of.
pub(super) enum Config {
    /// Hugging Face's, with a `model_type`.
    HuggingFace(Map<String, Value>),
    /// Hugging Face's of both towers of a CLIP.
    Clip(Map<String, Value>),
    /// That of a part of a larger model of Hugging Face's, by its key.
    Part(Map<String, Value>, &'static str),
    /// timm's, with an `architecture`.
    Timm(Map<String, Value>),
    /// Something else that goes by the same name.
    Other,
    Absent,
}

impl Config {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let io = |source| ModelError::Io {
            path: path.into(),
            source,
        };
        if path.is_dir() {
            return Ok(Self::Absent);
        }
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::Absent),
            Err(e) => return Err(io(e)),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST_CONFIG)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        let map = object(&String::from_utf8_lossy(&bytes), path)?;
        if Hints::is_timm_config(&map) {
            return Ok(Self::Timm(map));
        }
        let kind = |map: &Map<String, Value>| {
            map.get("model_type")
                .and_then(Value::as_str)
                .map(String::from)
        };
        let loads = |kind: &Option<String>| {
            kind.as_deref()
                .is_some_and(|kind| family_of(kind).is_some())
        };
        let named = kind(&map);
        if named.as_deref() == Some(two_tower::MODEL_TYPE) {
            return Ok(Self::Clip(map));
        }
        if named.is_some() && !loads(&named) {
            for key in PARTS {
                let part = map.get(key).and_then(Value::as_object);
                let own = part.map(kind).filter(loads);
                if let (Some(part), Some(_)) = (part, own) {
                    return Ok(Self::Part(part.clone(), key));
                }
            }
        }
        if named.is_some() || MARKS.iter().any(|key| map.contains_key(*key)) {
            return Ok(Self::HuggingFace(map));
        }
        Ok(Self::Other)
    }

    /// The families of names that the weights beside it may have.
    pub fn families(&self) -> Families {
        if let Self::Timm(map) = self {
            let name = map.get("architecture").and_then(Value::as_str);
            return match Published::is_vit(name.unwrap_or_default()) {
                true => only(&vit::TIMM),
                false => only(&swin::FAMILY),
            };
        }
        let kind = match self {
            Self::Clip(_) => return two_tower::FAMILIES,
            Self::HuggingFace(map) | Self::Part(map, _) => {
                map.get("model_type").and_then(Value::as_str)
            }
            _ => None,
        };
        kind.and_then(family_of).unwrap_or(UNDESCRIBED)
    }
}
