//! Both towers of a CLIP, as the command line takes them: a model by name, its tokenizer, texts of a file, pictures.

use super::args::TextArgs;
use super::error::CliError;
use super::images::{Asked, Set, open_for};
use super::models::{resolve, tell};
use super::tensor_file::TensorFile;
use super::words::clean;
use crate::dataset::texts;
use crate::model::two_tower::{self, LoadedTowers, TwoTower};
use crate::model::{Architecture, Opening, embedded, precision, preprocess};
use crate::suite::preprocess::Preprocess;
use burn::tensor::{DType, Device};
use ndarray::Array2;
use std::path::Path;

/// A CLIP that was opened by name.
pub struct Towers {
    /// What was loaded.
    pub loaded: LoadedTowers,
    name: String,
}

fn load(
    name: &str,
    opening: &Opening,
    device: &Device,
    dtype: DType,
) -> Result<LoadedTowers, CliError> {
    let files = match embedded::two_towers(name, opening) {
        Some(files) => files?,
        None => two_tower::open(&resolve(name)?, opening)?,
    };
    Ok(two_tower::opened(files, device, dtype)?)
}

impl Towers {
    /// Opens the CLIP that `name` means and tells what was inferred; on the processor bf16 rounds the products alone.
    pub fn open(
        name: &str,
        opening: &Opening,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, CliError> {
        let mut loaded = load(name, opening, device, precision::held(device, dtype))?;
        if precision::rounds_products(device, dtype) {
            loaded.towers = precision::round_products(loaded.towers);
        }
        tell(&loaded.notes);
        Ok(Self {
            loaded,
            name: name.into(),
        })
    }

    /// The same towers in single precision; what was inferred has been told.
    pub fn exact(&self, opening: &Opening, device: &Device) -> Result<TwoTower, CliError> {
        Ok(load(&self.name, opening, device, DType::F32)?.towers)
    }

    /// The pictures that were asked for, prepared as the model's files say.
    pub fn images(&self, asked: &Asked) -> Result<Set, CliError> {
        let config = &self.loaded.config.image;
        let architecture = Architecture::from(config.clone());
        open_for(asked, &self.name, &architecture, config.num_channels)
    }

    /// How pictures are prepared for the model, told.
    pub fn pictures(&self, side: Option<usize>) -> Result<Preprocess, CliError> {
        let architecture = Architecture::from(self.loaded.config.image.clone());
        let found = preprocess::of(&self.name, &architecture, side)?;
        eprintln!("pictures: {}", clean(&found.how.words()));
        tell(&found.notes);
        Ok(found.how)
    }

    /// Texts as token ids `[M, T]`; what was cut or cannot be told apart is told.
    pub fn ids(&self, texts: &[String], tokenizer: Option<&Path>) -> Result<Array2<i64>, CliError> {
        let encoded = self.loaded.tokenised(texts, tokenizer)?;
        tell(&encoded.told());
        Ok(encoded.ids)
    }

    /// The ids of `--texts`: those of a file's texts, or a tensor of ids.
    pub fn texts(&self, args: &TextArgs) -> Result<Option<Array2<i64>>, CliError> {
        let Some(given) = &args.texts else {
            return Ok(None);
        };
        if !Path::new(given).is_file() && given.contains(':') {
            return self.tensor(given).map(Some);
        }
        let found = texts::read(Path::new(given), args.text_column.as_deref())?;
        tell(&found.told);
        self.ids(&found.texts, args.tokenizer.as_deref()).map(Some)
    }

    /// Token ids of a tensor.
    fn tensor(&self, given: &str) -> Result<Array2<i64>, CliError> {
        let file = TensorFile::open("--texts", given)?;
        let wrong = || CliError::Usage {
            what: "--texts".into(),
            expected: "token ids [M, T], as integers".into(),
            found: file.described(),
        };
        let [count, length] = file.shape.as_slice().try_into().map_err(|_| wrong())?;
        if !file.is_whole() || file.is_truth() {
            return Err(wrong());
        }
        let ids = file.ints()?;
        self.loaded.towers.check_ids(&ids, length)?;
        let ids = Array2::from_shape_vec((count, length), ids).map_err(|_| wrong())?;
        Ok(ids)
    }
}
