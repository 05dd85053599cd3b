//! The checkpoints inside the program, made by `modalign pretrain`, with the recipe that made each beside it in
//! `data-manifests/models/`: small Swins, and small CLIPs with their tokenizers. As an encoder of images a CLIP is its image
//! tower, as every other; [`towers`] opens both.

use super::description::{self, Description};
use super::folder::{self, Files, OF_IMAGE};
use super::load::{self, Loaded};
use super::two_tower::{self, TowerFiles, TwoTowerConfig};
use super::weights::Weights;
use super::{Architecture, ModelError, Opening, hub};
use burn::tensor::{DType, Device};
use std::path::Path;

/// A checkpoint.
struct Inside {
    name: &'static str,
    config: &'static str,
    weights: &'static [u8],
    /// `tokenizer.json` of a CLIP.
    tokenizer: Option<&'static str>,
}

/// A file of the model of this name.
macro_rules! file {
    ($read:ident, $name:literal, $file:literal) => {
        $read!(concat!("../../data-manifests/models/", $name, "/", $file))
    };
}

/// A Swin of this name.
macro_rules! swin {
    ($name:literal) => {
        Inside {
            name: $name,
            config: file!(include_str, $name, "config.json"),
            weights: file!(include_bytes, $name, "model.safetensors"),
            tokenizer: None,
        }
    };
}

/// A CLIP of this name.
macro_rules! clip {
    ($name:literal) => {
        Inside {
            tokenizer: Some(file!(include_str, $name, "tokenizer.json")),
            ..swin!($name)
        }
    };
}

const MODELS: [Inside; 4] = [
    swin!("demo"),
    swin!("real-mini"),
    clip!("demo-clip"),
    clip!("emoji-clip"),
];

fn named(name: &str) -> Option<&'static Inside> {
    MODELS.iter().find(|inside| inside.name == name)
}

impl Inside {
    fn two_towers(&self) -> Result<TwoTowerConfig, ModelError> {
        let path = Path::new(self.name);
        TwoTowerConfig::read(&description::object(self.config, path)?, path)
    }

    fn weights(&self) -> Result<Weights, ModelError> {
        let family = self.tokenizer.map(|_| two_tower::FAMILIES);
        Weights::embedded(self.name, self.weights, family)
    }

    fn files(&self) -> Result<Files, ModelError> {
        let description = match self.tokenizer {
            Some(_) => Architecture::from(self.two_towers()?.image).into(),
            None => Description::parse(self.config, Path::new(self.name))?,
        };
        let mut files = Files::described(description, self.weights()?);
        if self.tokenizer.is_some() {
            files.notes.push(OF_IMAGE.into());
        }
        Ok(files)
    }
}

/// Opens a checkpoint inside the program by name, or else what [`hub::resolve`] finds.
pub fn open(name: &str, opening: &Opening) -> Result<Files, ModelError> {
    match named(name) {
        Some(inside) => inside.files()?.with(opening),
        None => folder::open(&hub::resolve(name, &mut |_, _, _| ())?, opening),
    }
}

/// Loads a checkpoint inside the program by name, or else what [`hub::resolve`] finds.
pub fn load(name: &str, device: &Device, dtype: DType) -> Result<Loaded, ModelError> {
    load::opened(open(name, &Opening::default())?, device, dtype)
}

/// Both towers of a checkpoint inside the program; `None` if there is none of that name, or it has one tower.
pub fn two_towers(name: &str, opening: &Opening) -> Option<Result<TowerFiles, ModelError>> {
    let inside = named(name)?;
    let tokenizer = inside.tokenizer?;
    let opened = || two_tower::inside(inside.two_towers()?, inside.weights()?, tokenizer, opening);
    Some(opened())
}

/// Opens both towers of a CLIP inside the program by name, or else of what [`hub::resolve`] finds.
///
/// # Errors
/// As [`two_tower::open`].
pub fn towers(name: &str, opening: &Opening) -> Result<TowerFiles, ModelError> {
    match two_towers(name, opening) {
        Some(files) => files,
        None if named(name).is_some() => {
            let expected = "a model of images and texts (a CLIP)";
            Err(ModelError::config(
                format!("model {name}"),
                expected,
                "one tower",
            ))
        }
        None => two_tower::open(&hub::resolve(name, &mut |_, _, _| ())?, opening),
    }
}

/// Names of the checkpoints inside the program.
pub fn names() -> Vec<&'static str> {
    MODELS.iter().map(|inside| inside.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{device, preprocess};

    #[test]
    fn every_embedded_model_loads_and_a_swin_names_its_classes() {
        let device = device::open("flex").unwrap();
        for name in names() {
            let loaded = load(name, &device, DType::F32).unwrap();
            if two_towers(name, &Opening::default()).is_some() {
                assert_eq!(loaded.model.classes(), None, "{name}");
                continue;
            }
            assert_eq!(Some(loaded.labels.len()), loaded.model.classes());
            assert!(
                loaded.labels.iter().all(|l| !l.starts_with("LABEL_")),
                "{name}"
            );
        }
    }

    #[test]
    fn both_towers_of_an_embedded_clip_open_through_one_door() {
        let device = device::open("flex").unwrap();
        let opening = Opening::default();
        let mut found = 0;
        for name in names() {
            let Some(files) = two_towers(name, &opening) else {
                assert!(towers(name, &opening).is_err(), "{name} has one tower");
                continue;
            };
            let loaded = two_tower::opened(files.unwrap(), &device, DType::F32).unwrap();
            let texts = ["a photo of a cat.".to_string(), "naïve 🙂".to_string()];
            let encoded = loaded.tokenised(&texts, None).unwrap();
            assert_eq!(encoded.ids.nrows(), 2);
            // Written and read again it is the same model, with its tokenizer beside it.
            let folder = tempfile::tempdir().unwrap();
            two_tower::export(&loaded, None, folder.path()).unwrap();
            let again = two_tower::load(folder.path(), &opening, &device, DType::F32).unwrap();
            assert_eq!(again.config, loaded.config);
            assert_eq!(again.tokenised(&texts, None).unwrap().ids, encoded.ids);
            assert_eq!(again.sha256, loaded.sha256, "{name}");
            let side = loaded.config.image.image_size;
            let image = Architecture::from(loaded.config.image.clone());
            let inside = preprocess::of(name, &image, None).unwrap().how;
            let beside = preprocess::beside(folder.path(), &image).unwrap().how;
            assert_eq!(
                (&inside.mean, inside.resized([40, 60])),
                (&beside.mean, beside.resized([40, 60]))
            );
            assert_eq!(inside.fixed_size(), Some([side; 2]));
            found += 1;
        }
        assert!(found > 0);
    }
}
