//! Where a model's two halves are: the description of its parts and its weights, from whatever
//! people have. A folder of Hugging Face's (`config.json` with `model_type`) or timm's
//! (`architecture`), with safetensors or PyTorch weights, whole or in shards; or a bare checkpoint
//! with timm's or Microsoft's names, whose tensors tell the architecture. What stands in the same
//! folder and is not the model's (settings of an experiment) is passed over and told.

use super::config::{self, Architecture, keys};
use super::opening::{Opening, SideOrigin};
use super::preprocess::Recorded;
use super::swin::Windows;
use super::timm::{self, Hints};
use super::weights::{Family, Weights, find};
use super::{ModelError, predictor};
use crate::manifest::parts::PredictorSpec;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Keys that Hugging Face's library, or we, write into every `config.json`.
const MARKS: [&str; 3] = ["architectures", "transformers_version", "modalign"];

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
        Self::read(&object(text, path)?, path)
    }

    fn read(map: &Map<String, Value>, path: &Path) -> Result<Self, ModelError> {
        let architecture = Architecture::read(map, path)?;
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
        Ok(Self {
            architecture,
            extras,
        })
    }
}

/// The object in a `config.json`.
fn object(text: &str, path: &Path) -> Result<Map<String, Value>, ModelError> {
    keys::object(text).map_err(|found| ModelError::Malformed {
        path: path.into(),
        what: "model configuration".into(),
        expected: "a JSON object with a model_type or an architecture".into(),
        found,
    })
}

/// A model on disk: described and opened, no tensor read yet.
pub struct Files {
    /// What the model is made of.
    pub description: Description,
    /// Its tensors.
    pub weights: Weights,
    /// Its `config.json`, if that is of Hugging Face's kind.
    pub config: Option<PathBuf>,
    /// Where the side of its images was found; `None` for models of sequences.
    pub side: Option<SideOrigin>,
    /// What was inferred or passed over: to be told.
    pub notes: Vec<String>,
}

impl Files {
    /// A model that is described already.
    pub fn described(description: Description, weights: Weights) -> Self {
        let side = description.architecture.image_size();
        Self {
            notes: weights.notes().to_vec(),
            side: side.map(|_| SideOrigin::Config),
            description,
            weights,
            config: None,
        }
    }

    /// The same with what a user says of the side of its images.
    pub fn with(mut self, opening: &Opening) -> Result<Self, ModelError> {
        opening.check()?;
        if let Some(side) = opening.image_size {
            let architecture = self.description.architecture;
            self.description.architecture = architecture.with_image_size(side)?;
            self.side = Some(SideOrigin::Asked);
        }
        Ok(self)
    }
}

/// What kind a `config.json` is of.
enum Config {
    /// Hugging Face's, with a `model_type`.
    HuggingFace(Map<String, Value>),
    /// That of a part of a larger model of Hugging Face's, by its key.
    Part(Map<String, Value>, &'static str),
    /// timm's, with an `architecture`.
    Timm(Map<String, Value>),
    /// Something else that goes by the same name.
    Other,
    Absent,
}

impl Config {
    fn read(path: &Path) -> Result<Self, ModelError> {
        let io = |source| ModelError::Io {
            path: path.into(),
            source,
        };
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
                .is_some_and(|kind| config::SUPPORTED.contains(&kind))
        };
        let named = kind(&map);
        if named.is_some() && !loads(&named) {
            for key in PARTS {
                let part = map.get(key).and_then(Value::as_object);
                if let Some(part) = part.filter(|part| loads(&kind(part))) {
                    return Ok(Self::Part(part.clone(), key));
                }
            }
        }
        if named.is_some() || MARKS.iter().any(|key| map.contains_key(*key)) {
            return Ok(Self::HuggingFace(map));
        }
        Ok(Self::Other)
    }

    /// The family of names that the weights beside it have.
    fn family(&self) -> Family {
        let kind = match self {
            Self::HuggingFace(map) | Self::Part(map, _) => {
                map.get("model_type").and_then(Value::as_str)
            }
            _ => None,
        };
        match kind {
            Some("roberta" | "xlm-roberta" | "camembert") => Family::Roberta,
            _ => Family::Swin,
        }
    }
}

/// Opens the model folder or the checkpoint file at `path`.
pub fn open(path: &Path, opening: &Opening) -> Result<Files, ModelError> {
    opening.check()?;
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
    let folder = match kind.is_dir() {
        true => path,
        false => path.parent().unwrap_or(Path::new(".")),
    };
    let place = folder.join("config.json");
    let config = Config::read(&place)?;
    let file = || match kind.is_dir() {
        false => Ok(path.to_path_buf()),
        true => find(folder).map_err(|e| match (e, &config) {
            (ModelError::Missing { hint, .. }, Config::Absent) => ModelError::Missing {
                path: place.clone(),
                hint: format!("a model folder holds config.json and weights; and {hint}"),
            },
            (e, _) => e,
        }),
    };
    let weights = || Weights::of_model(&file()?, opening, Some(config.family()));
    match &config {
        Config::HuggingFace(map) => {
            // A script's own settings may have a model_type too; the weights then tell more.
            let theirs = MARKS.iter().any(|key| map.contains_key(*key));
            match Description::read(map, &place) {
                Ok(description) => described(description, weights()?, map, &place, opening),
                Err(ModelError::Malformed { what, .. })
                    if what == "model_type"
                        && !theirs
                        && weights().is_ok_and(|w| timm::is_timm(w.names())) =>
                {
                    alone(path, weights()?, opening, Some(&place))
                }
                Err(e) => Err(e),
            }
        }
        Config::Part(map, key) => {
            let description = Description::read(map, &place)?;
            let mut files = described(description, weights()?, map, &place, opening)?;
            // It describes the larger model.
            files.config = None;
            let name = files.description.architecture.name();
            files.notes.push(format!(
                "config.json describes a larger model: its {name} alone is taken ({key})"
            ));
            Ok(files)
        }
        Config::Timm(map) => {
            let hints = Hints::read(map, &place)?;
            bare(&place, weights()?, hints, opening)
        }
        Config::Other => alone(path, weights()?, opening, Some(&place)),
        Config::Absent => alone(path, weights()?, opening, None),
    }
}

/// A model that a `config.json` of Hugging Face's kind describes.
fn described(
    description: Description,
    weights: Weights,
    map: &Map<String, Value>,
    place: &Path,
    opening: &Opening,
) -> Result<Files, ModelError> {
    let mut files = Files::described(description, weights).with(opening)?;
    files.config = Some(place.into());
    let side = files.description.architecture.image_size();
    let given = map.get("image_size").is_some_and(|v| !v.is_null());
    if let (Some(side), None, false) = (side, opening.image_size, given) {
        files.side = Some(SideOrigin::Guess);
        files.notes.push(format!(
            "image side {side} is a guess: config.json does not tell it; --image-size N sets it"
        ));
    }
    Ok(files)
}

/// A checkpoint without a description; `stranger` is a `config.json` that is none.
fn alone(
    path: &Path,
    weights: Weights,
    opening: &Opening,
    stranger: Option<&Path>,
) -> Result<Files, ModelError> {
    // Its own name alone: folders above it are called after anything.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut files = bare(path, weights, Hints::of_name(&name), opening)?;
    if let Some(stranger) = stranger {
        files.notes.push(format!(
            "{} is not the model's (it has neither a model_type nor an architecture that we \
             know): passed over",
            stranger.display()
        ));
    }
    Ok(files)
}

/// A checkpoint whose tensors tell the architecture.
fn bare(
    place: &Path,
    weights: Weights,
    hints: Hints,
    opening: &Opening,
) -> Result<Files, ModelError> {
    let names: Vec<String> = weights.names().map(String::from).collect();
    if !timm::is_timm(names.iter().map(String::as_str)) {
        return Err(ModelError::Names {
            path: weights.path().into(),
            config: place.with_file_name("config.json"),
            names,
        });
    }
    let hints = Hints {
        asked: opening.image_size,
        ..hints
    };
    let shape = |name: &str| weights.shape(name).map(<[usize]>::to_vec);
    let found =
        timm::infer_config(&shape, &names, &hints).map_err(|e| e.in_file(weights.path()))?;
    let extras = Extras {
        windows: Some(timm::windows(&found.config, &hints, found.side)),
        ..Extras::default()
    };
    let description = Description {
        architecture: Architecture::Swin(found.config),
        extras,
    };
    let mut files = Files::described(description, weights);
    files.side = Some(found.side);
    files.notes.extend(found.notes);
    Ok(files)
}
