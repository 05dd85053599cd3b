//! Where a CLIP's description and weights are: a folder of Hugging Face's (`config.json` of `model_type` `clip`) or of
//! open_clip's, or a bare checkpoint with OpenAI's names, whose tensors tell the shapes.

use super::config::MODEL_TYPE;
use super::{TwoTowerConfig, activation, infer, open_clip};
use crate::model::architecture::{clip, vit};
use crate::model::description::Config;
use crate::model::family::{Configuration, Families};
use crate::model::opening::SideOrigin;
use crate::model::weights::{Weights, find};
use crate::model::{ModelError, Opening};
use std::path::{Path, PathBuf};

/// The families of names that its tensors may have.
pub const FAMILIES: Families = &[&vit::CLIP, &clip::FAMILY];

/// A CLIP on disk: described and opened, no tensor read yet.
pub struct TowerFiles {
    /// What the towers are made of.
    pub config: TwoTowerConfig,
    /// Their tensors.
    pub weights: Weights,
    /// Its `config.json` of Hugging Face's kind, if an export is to copy it.
    pub source: Option<PathBuf>,
    /// Its `tokenizer.json`, of a model inside the program.
    pub tokenizer: Option<&'static str>,
    /// Where the side of its images was found.
    pub side: SideOrigin,
    /// What was inferred: to be told.
    pub notes: Vec<String>,
}

/// Whether the folder or file at `path` has both towers.
///
/// # Errors
/// Files that cannot be read.
pub fn is_two_tower(path: &Path, opening: &Opening) -> Result<bool, ModelError> {
    let folder = folder_of(path);
    if let Config::Clip(_) = Config::read(&folder.join("config.json"))? {
        return Ok(true);
    }
    if path.is_dir() {
        return Ok(folder.join(open_clip::FILE).exists());
    }
    let weights = Weights::of_model(path, opening, Some(FAMILIES))?;
    Ok(clip::openai::is_openai(weights.names()))
}

fn folder_of(path: &Path) -> &Path {
    match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(Path::new(".")),
    }
}

/// Opens the folder or checkpoint file at `path`.
///
/// # Errors
/// [`ModelError`] of files that hold no CLIP, or one whose activation nothing tells.
pub fn open(path: &Path, opening: &Opening) -> Result<TowerFiles, ModelError> {
    opening.check()?;
    if !path.exists() {
        return Err(ModelError::Missing {
            path: path.into(),
            hint: "a CLIP is a folder with config.json and weights, or a checkpoint file".into(),
        });
    }
    let folder = folder_of(path);
    let place = folder.join("config.json");
    let described = Config::read(&place)?;
    let of = |file: &Path| Weights::of_model(file, opening, Some(FAMILIES));
    if let Config::Clip(map) = &described {
        let config = TwoTowerConfig::read(map, &place)?;
        let weights = of(&if path.is_dir() {
            find(folder)?
        } else {
            path.into()
        })?;
        let source = Some(place);
        return told(config, weights, source, SideOrigin::Config, opening);
    }
    let other = folder.join(open_clip::FILE);
    if let Some(config) = open_clip::read(&other)? {
        let mut names = open_clip::WEIGHTS.iter().map(|name| folder.join(name));
        let file = match path.is_dir() {
            false => path.into(),
            true => names
                .find(|path| path.exists())
                .map_or_else(|| find(folder), Ok)?,
        };
        return told(config, of(&file)?, None, SideOrigin::Config, opening);
    }
    let file = if path.is_dir() {
        find(folder)?
    } else {
        path.into()
    };
    let weights = of(&file)?;
    if !clip::openai::is_openai(weights.names()) {
        return Err(ModelError::Malformed {
            path: weights.path().into(),
            what: "model of two towers".into(),
            expected: format!(
                "config.json of model_type {MODEL_TYPE:?}, {}, or tensors under OpenAI's names ({} …)",
                open_clip::FILE,
                clip::openai::ANCHOR
            ),
            found: weights.names().take(4).collect::<Vec<_>>().join(", "),
        });
    }
    let (activation, why) = activation::find(&weights, path, opening.activation)?;
    let shape = |name: &str| weights.shape(name).map(<[usize]>::to_vec);
    let config = infer::both(&shape, activation).map_err(|e| e.in_file(weights.path()))?;
    let note = format!(
        "the activation is {}: {why}; heads are width / 64, as in OpenAI's code",
        activation.name()
    );
    let mut files = told(config, weights, None, SideOrigin::Positions, opening)?;
    files.notes.push(note);
    Ok(files)
}

/// A CLIP inside the program: description, weights and tokenizer, with what a user says of it.
///
/// # Errors
/// [`ModelError`] of an opening that does not fit.
pub fn inside(
    config: TwoTowerConfig,
    weights: Weights,
    tokenizer: &'static str,
    opening: &Opening,
) -> Result<TowerFiles, ModelError> {
    opening.check()?;
    let files = told(config, weights, None, SideOrigin::Config, opening)?;
    Ok(TowerFiles {
        tokenizer: Some(tokenizer),
        ..files
    })
}

/// The image tower alone of weights under OpenAI's names, and what is to be told of it.
///
/// # Errors
/// As [`open`].
pub fn of_image(
    weights: &Weights,
    path: &Path,
    opening: &Opening,
) -> Result<(vit::VitConfig, String), ModelError> {
    let (activation, why) = activation::find(weights, path, opening.activation)?;
    let shape = |name: &str| weights.shape(name).map(<[usize]>::to_vec);
    let config = infer::image(&shape, activation).map_err(|e| e.in_file(weights.path()))?;
    let note = format!(
        "the activation is {}: {why}; heads are width / 64, as in OpenAI's code",
        activation.name()
    );
    Ok((config, note))
}

/// The files with what a user says of them.
fn told(
    mut config: TwoTowerConfig,
    weights: Weights,
    source: Option<PathBuf>,
    mut side: SideOrigin,
    opening: &Opening,
) -> Result<TowerFiles, ModelError> {
    let mut notes = weights.notes().to_vec();
    let mut own = true;
    if let Some(asked) = opening.activation {
        if config.text.activation != asked {
            notes.push(format!(
                "the activation is {}, as was asked for; the description says {}",
                asked.name(),
                config.text.activation.name()
            ));
            own = false;
        }
        config.image.set_activation(asked)?;
        config.text.set_activation(asked)?;
    }
    if let Some(asked) = opening.image_size {
        config.image.set_image_size(asked)?;
        side = SideOrigin::Asked;
    }
    if let Some(pooling) = opening.pooling {
        config.image.set_pooling(pooling)?;
        own = false;
    }
    Ok(TowerFiles {
        config,
        weights,
        source: source.filter(|_| own),
        tokenizer: None,
        side,
        notes,
    })
}
