//! Where a model's two halves are: the description of its parts and its weights, from whatever
//! people have. A folder of Hugging Face's (`config.json` with `model_type`) or timm's
//! (`architecture`), with safetensors or PyTorch weights, whole or in shards; or a bare checkpoint
//! with timm's or Microsoft's names, whose tensors tell the architecture. What stands in the same
//! folder and is not the model's (settings of an experiment) is passed over and told.

use super::architecture::clip::openai;
use super::architecture::vit::{TIMM, timm as vit};
use super::description::{Config, MARKS};
pub use super::description::{Description, Extras};
use super::family::Family;
use super::opening::{Opening, SideOrigin};
use super::timm::{self, Hints};
use super::two_tower::{self, TwoTowerConfig};
use super::weights::{Weights, find};
use super::{Architecture, ModelError, swin};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A model on disk: described and opened, no tensor read yet.
pub struct Files {
    /// What the model is made of.
    pub description: Description,
    /// Its tensors.
    pub weights: Weights,
    /// Its `config.json`, if an export is to copy it: that of Hugging Face's kind, and timm's of a ViT.
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
        if let Some(activation) = opening.activation {
            let shape = self.description.architecture.shape_mut();
            shape.set_activation(activation)?;
        }
        if let Some(pooling) = opening.pooling {
            self.description
                .architecture
                .shape_mut()
                .set_pooling(pooling)?;
        }
        if let Some(heads) = opening.heads {
            self.description.architecture.shape().has_heads(heads)?;
        }
        if let Some(side) = opening.image_size {
            self.description
                .architecture
                .shape_mut()
                .set_image_size(side)?;
            self.side = Some(SideOrigin::Asked);
        }
        Ok(self)
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
    let folder = if kind.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new("."))
    };
    let place = folder.join("config.json");
    let config = Config::read(&place)?;
    let file = || {
        if kind.is_dir() {
            find(folder).map_err(|e| match (e, &config) {
                (ModelError::Missing { hint, .. }, Config::Absent) => ModelError::Missing {
                    path: place.clone(),
                    hint: format!("a model folder holds config.json and weights; and {hint}"),
                },
                (e, _) => e,
            })
        } else {
            Ok(path.to_path_buf())
        }
    };
    let weights = || Weights::of_model(&file()?, opening, Some(config.families()));
    match &config {
        Config::HuggingFace(map) => {
            // A script's own settings may have a model_type too; the weights then tell more.
            let theirs = MARKS.iter().any(|key| map.contains_key(*key));
            match Description::read(map, &place) {
                Ok(description) => {
                    let family = description.architecture.shape().family();
                    let weights = of_family(weights()?, family, &place)?;
                    described(description, weights, map, &place, opening)
                }
                Err(ModelError::Malformed { what, .. })
                    if what == "model_type"
                        && !theirs
                        && weights()
                            .is_ok_and(|w| timm::is_timm(w.names()) || vit::is_vit(w.names())) =>
                {
                    alone(path, weights()?, opening, Some(&place))
                }
                Err(e) => Err(e),
            }
        }
        Config::Clip(map) => {
            let config = TwoTowerConfig::read(map, &place)?;
            let architecture = Architecture::from(config.image);
            let mut files = Files::described(architecture.into(), weights()?).with(opening)?;
            files.notes.push(OF_IMAGE.into());
            Ok(files)
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
        Config::Timm(map) if vit::Published::is_vit(name_of(map)) => {
            let told = vit::Told::read(map).map_err(|e| e.in_file(&place))?;
            let weights = of_family(weights()?, &TIMM, &place)?;
            let mut files = of_vit(weights, &told.with(opening))?;
            let architecture = files.description.architecture;
            files.description = Description::with_extras(architecture, map, &place)?;
            files.config = kept(&place, opening);
            files.with(opening)
        }
        Config::Timm(map) => {
            let hints = Hints::read(map, &place)?;
            let weights = of_family(weights()?, &swin::FAMILY, &place)?;
            bare(&place, weights, hints, opening)
        }
        Config::Other => alone(path, weights()?, opening, Some(&place)),
        Config::Absent => alone(path, weights()?, opening, None),
    }
}

/// What is told where a CLIP is opened as an encoder of images.
pub(super) const OF_IMAGE: &str =
    "of a CLIP the image tower is taken, without its projection (image_embeds has it)";

/// A model that a `config.json` of Hugging Face's kind describes.
fn described(
    description: Description,
    weights: Weights,
    map: &Map<String, Value>,
    place: &Path,
    opening: &Opening,
) -> Result<Files, ModelError> {
    let mut files = Files::described(description, weights).with(opening)?;
    files.config = kept(place, opening);
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

/// A checkpoint without a description; `unrelated` is a `config.json` that is none.
fn alone(
    path: &Path,
    weights: Weights,
    opening: &Opening,
    unrelated: Option<&Path>,
) -> Result<Files, ModelError> {
    // Its own name alone: folders above it are called after anything.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut files = if openai::is_openai(weights.names()) {
        let (config, note) = two_tower::of_image(&weights, path, opening)?;
        let mut files = Files::described(Architecture::from(config).into(), weights);
        files.side = Some(SideOrigin::Positions);
        files.notes.extend([OF_IMAGE.into(), note]);
        files.with(opening)?
    } else if vit::is_vit(weights.names()) {
        let told = vit::Told::by_name(&name).map_err(|e| e.in_file(weights.path()))?;
        of_vit(weights, &told.with(opening))?.with(opening)?
    } else {
        bare(path, weights, Hints::of_name(&name), opening)?
    };
    if let Some(unrelated) = unrelated {
        files.notes.push(format!(
            "{} is not the model's (it has neither a model_type nor an architecture that we \
             know): passed over",
            unrelated.display()
        ));
    }
    Ok(files)
}

/// The `config.json` that an export copies; none where a user says what it does not.
fn kept(place: &Path, opening: &Opening) -> Option<PathBuf> {
    let Opening {
        image_size,
        pooling,
        heads,
        activation,
        // These two are about the file of weights, which is written anew.
        key: _,
        ignore: _,
    } = opening;
    let said = image_size.is_some() || pooling.is_some() || heads.is_some() || activation.is_some();
    (!said).then(|| place.into())
}

/// Refuses the weights of another family than the description's, by both names.
fn of_family(weights: Weights, family: &Family, place: &Path) -> Result<Weights, ModelError> {
    let found: Vec<&str> = weights.families().map(|found| found.name).collect();
    if found.is_empty() || found.contains(&family.name) {
        return Ok(weights);
    }
    Err(ModelError::Malformed {
        path: weights.path().into(),
        what: "names of tensors".into(),
        expected: format!("those of {}, as {} says", family.name, place.display()),
        found: format!("those of {}", found.join(" or ")),
    })
}

/// The name of timm's architecture in a `config.json`.
fn name_of(map: &Map<String, Value>) -> &str {
    let name = map.get("architecture").and_then(Value::as_str);
    name.unwrap_or_default()
}

/// A ViT with timm's names, whose tensors tell the architecture with what is told beside them.
fn of_vit(weights: Weights, told: &vit::Told) -> Result<Files, ModelError> {
    let names: Vec<String> = weights.names().map(String::from).collect();
    let shape = |name: &str| weights.shape(name).map(<[usize]>::to_vec);
    let found = vit::infer(&shape, &names, told).map_err(|e| e.in_file(weights.path()))?;
    let architecture = Architecture::from(found.config);
    let mut files = Files::described(architecture.into(), weights);
    files.side = Some(found.side);
    files.notes.extend(found.notes);
    Ok(files)
}

/// A Swin whose tensors tell the architecture.
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
        architecture: found.config.into(),
        extras,
    };
    let mut files = Files::described(description, weights);
    files.side = Some(found.side);
    files.notes.extend(found.notes);
    let shape = files.description.architecture.shape_mut();
    if let Some(pooling) = opening.pooling {
        shape.set_pooling(pooling)?;
    }
    if let Some(heads) = opening.heads {
        shape.has_heads(heads)?;
    }
    Ok(files)
}
