//! Both towers of a CLIP, as the command line takes them: a model by name, its tokenizer, texts of a file, pictures.

use super::args::TextArgs;
use super::error::CliError;
use super::images::{Asked, Set, open_for};
use super::models::{resolve, tell};
use super::tensor_file::TensorFile;
use super::words::clean;
use crate::dataset::texts;
use crate::model::tokenizer::{Settings, Tokenizer};
use crate::model::two_tower::{self, LoadedTowers};
use crate::model::{Architecture, ModelError, Opening, preprocess};
use crate::suite::preprocess::Preprocess;
use burn::tensor::{DType, Device};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// A CLIP that was opened by name.
pub struct Towers {
    /// What was loaded.
    pub loaded: LoadedTowers,
    name: String,
    path: PathBuf,
}

impl Towers {
    /// Opens the CLIP that `name` means and tells what was inferred.
    pub fn open(
        name: &str,
        opening: &Opening,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, CliError> {
        let path = resolve(name)?;
        let files = two_tower::open(&path, opening)?;
        let loaded = two_tower::opened(files, device, dtype)?;
        tell(&loaded.notes);
        Ok(Self {
            loaded,
            name: name.into(),
            path,
        })
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
        found
            .notes
            .iter()
            .for_each(|note| eprintln!("note: {}", clean(note)));
        Ok(found.how)
    }

    /// Texts as token ids `[M, T]`; what was cut or cannot be told apart is told.
    pub fn ids(&self, texts: &[String], tokenizer: Option<&Path>) -> Result<Array2<i64>, CliError> {
        let config = &self.loaded.config.text;
        let beside = match self.path.is_dir() {
            true => self.path.as_path(),
            false => self.path.parent().unwrap_or(Path::new(".")),
        };
        let place = tokenizer.unwrap_or(beside);
        let tokenizer =
            Tokenizer::open(place, Some(config.vocab_size)).map_err(ModelError::from)?;
        let settings = Settings {
            context: config.max_position_embeddings,
            ..Settings::default()
        };
        let encoded = tokenizer
            .encode(texts, &settings)
            .map_err(ModelError::from)?;
        encoded
            .told()
            .iter()
            .for_each(|line| eprintln!("note: {}", clean(line)));
        self.checked(encoded.ids)
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
        found
            .told
            .iter()
            .for_each(|line| eprintln!("note: {}", clean(line)));
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
        let ids = Array2::from_shape_vec((count, length), file.ints()?).map_err(|_| wrong())?;
        self.checked(ids)
    }

    fn checked(&self, ids: Array2<i64>) -> Result<Array2<i64>, CliError> {
        let (values, length) = (ids.iter().copied().collect::<Vec<_>>(), ids.ncols());
        self.loaded.towers.check_ids(&values, length)?;
        Ok(ids)
    }
}
