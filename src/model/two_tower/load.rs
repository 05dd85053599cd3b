//! Weights into both towers: each is filled as a model of its own, then come the projections and the scale, and whatever
//! has no place is refused.

use super::{Tower, TowerFiles, TwoTower, TwoTowerConfig, open};
use crate::model::architecture::{Architecture, clip::openai};
use crate::model::layers::Linear;
use crate::model::load::build;
use crate::model::tokenizer::{Encoded, Settings, Tokenizer};
use crate::model::weights::{Dtype, Weights};
use crate::model::{Loaded, ModelError, Opening};
use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// A CLIP read from its files.
pub struct LoadedTowers {
    /// Shapes of both towers.
    pub config: TwoTowerConfig,
    /// The parameters.
    pub towers: TwoTower,
    /// SHA-256 of the weights, in hexadecimal.
    pub sha256: String,
    /// Tensors of the file that carry nothing for the model.
    pub ignored: Vec<String>,
    /// What every tensor was called and typed in the file, by Hugging Face's name; where the file has OpenAI's names it is
    /// called by Hugging Face's.
    pub spelling: BTreeMap<String, (String, Dtype)>,
    /// Its own tokenizer.
    pub tokenizer: TokenizerAt,
    /// Its `config.json` of Hugging Face's kind, if an export is to copy it.
    pub source: Option<PathBuf>,
    /// What was inferred, chosen or left out: to be told.
    pub notes: Vec<String>,
}

/// Where the tokenizer of a CLIP is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenizerAt {
    /// In this folder, beside the weights.
    Folder(PathBuf),
    /// Inside the program: this is its `tokenizer.json`.
    Inside(&'static str),
}

impl LoadedTowers {
    /// Texts as token ids `[M, T]` that the model can take, by the tokenizer at `place`, or by the one beside the weights.
    ///
    /// # Errors
    /// No tokenizer, one of another model, a text of which nothing is left.
    pub fn tokenised(&self, texts: &[String], place: Option<&Path>) -> Result<Encoded, ModelError> {
        let config = &self.config.text;
        let most = Some(config.vocab_size);
        let tokenizer = match (place, &self.tokenizer) {
            (Some(place), _) => Tokenizer::open(place, most),
            (None, TokenizerAt::Folder(folder)) => Tokenizer::open(folder, most),
            (None, TokenizerAt::Inside(json)) => {
                Tokenizer::parse(Path::new("tokenizer.json"), json.as_bytes(), most)
            }
        }?;
        let settings = Settings {
            context: config.max_position_embeddings,
            ..Settings::default()
        };
        let encoded = tokenizer.encode(texts, &settings)?;
        let ids: Vec<i64> = encoded.ids.iter().copied().collect();
        self.towers.check_ids(&ids, encoded.ids.ncols())?;
        Ok(encoded)
    }
}

/// Whose names the projections and the scale have: of the image tower, of the text tower, of the scale.
struct Names {
    /// Every spelling of each, by tower.
    image: &'static [&'static str],
    text: &'static [&'static str],
    /// Whether the matrices are `[D, E]`.
    transposed: bool,
}

const HUGGING_FACE: Names = Names {
    image: &["visual_projection.weight"],
    text: &["text_projection.weight"],
    transposed: false,
};

const OPENAI: Names = Names {
    image: &["visual.proj"],
    text: &["text_projection", "text.text_projection"],
    transposed: true,
};

/// The name of the scale, everywhere.
const SCALE: &str = "logit_scale";

/// Numbers that OpenAI's files hold beside the tensors, and buffers.
const NOTHING: [&str; 5] = [
    "input_resolution",
    "context_length",
    "vocab_size",
    "attn_mask",
    "text.attn_mask",
];

/// Loads the folder or checkpoint file at `path` onto `device` in float type `dtype`.
///
/// # Errors
/// [`ModelError`] of files that hold no CLIP, or one that does not fit its description.
pub fn load(
    path: &Path,
    opening: &Opening,
    device: &Device,
    dtype: DType,
) -> Result<LoadedTowers, ModelError> {
    opened(open(path, opening)?, device, dtype)
}

/// Loads a model whose files are open.
///
/// # Errors
/// As [`load`].
pub fn opened(
    files: TowerFiles,
    device: &Device,
    dtype: DType,
) -> Result<LoadedTowers, ModelError> {
    let (config, weights) = (files.config, files.weights);
    let tower = |architecture: Architecture| build(architecture.into(), &weights, device, dtype);
    let image = tower(config.image.clone().into())?;
    let text = tower(config.text.clone().into())?;
    let names = match openai::is_openai(weights.names()) {
        true => OPENAI,
        false => HUGGING_FACE,
    };
    let (mut used, mut spelling) = (HashSet::from([SCALE]), BTreeMap::new());
    let mut projection =
        |names: &Names, own: &'static [&'static str], published: &str, of: &Loaded| {
            let found = own.iter().find(|name| weights.shape(name).is_some());
            let name = found.copied().unwrap_or(own[0]);
            used.insert(name);
            if let Some(dtype) = weights.dtype(name) {
                spelling.insert(published.to_string(), (published.to_string(), dtype));
            }
            let shape = [config.projection, of.model.config.features()];
            matrix(&weights, name, shape, names.transposed, (device, dtype))
        };
    let projections = [
        projection(&names, names.image, HUGGING_FACE.image[0], &image)?,
        projection(&names, names.text, HUGGING_FACE.text[0], &text)?,
    ];
    let scale = scale(&weights, (device, dtype))?;
    if let Some(dtype) = weights.dtype(SCALE) {
        spelling.insert(SCALE.into(), (SCALE.into(), dtype));
    }
    // What neither tower knows.
    let others: HashSet<&String> = text.ignored.iter().collect();
    let both = image.ignored.iter().filter(|name| others.contains(*name));
    let both = both.filter(|name| !used.contains(name.as_str()));
    let nothing = |name: &&String| {
        NOTHING.contains(&name.as_str())
            || name.ends_with(".position_ids")
            || weights.left_out().contains(name)
            || weights.is_no_parameter(name)
    };
    let (ignored, unexpected): (Vec<&String>, Vec<&String>) = both.partition(nothing);
    if !unexpected.is_empty() {
        return Err(ModelError::Mismatch {
            path: weights.path().into(),
            missing: Vec::new(),
            unexpected: unexpected.into_iter().cloned().collect(),
            shapes: Vec::new(),
        });
    }
    let ignored = ignored.into_iter().cloned().collect();
    let mut notes = files.notes;
    let [image, text] = [image, text].map(|tower| {
        notes.extend(tower.notes);
        spelling.extend(tower.spelling);
        tower.model.network
    });
    let [of_image, of_text] = projections;
    let tower = |network: crate::model::Network, projection| Tower {
        embedder: network.embedder,
        encoder: network.encoder,
        projection,
    };
    Ok(LoadedTowers {
        towers: TwoTower {
            image: tower(image, of_image),
            text: tower(text, of_text),
            logit_scale: scale,
        },
        sha256: weights.sha256(),
        tokenizer: match files.tokenizer {
            Some(json) => TokenizerAt::Inside(json),
            None => TokenizerAt::Folder(weights.path().parent().unwrap_or(Path::new(".")).into()),
        },
        config,
        ignored,
        spelling,
        source: files.source,
        notes,
    })
}

/// Refuses a tensor of another shape, or none.
fn check(weights: &Weights, name: &str, expected: &[usize]) -> Result<(), ModelError> {
    let (mut missing, mut shapes) = (Vec::new(), Vec::new());
    match weights.shape(name) {
        None => missing.push(name.into()),
        Some(found) if found != expected => {
            shapes.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
        Some(_) => return Ok(()),
    }
    Err(ModelError::Mismatch {
        path: weights.path().into(),
        missing,
        unexpected: Vec::new(),
        shapes,
    })
}

/// A projection `[E, D]`.
fn matrix(
    weights: &Weights,
    name: &str,
    [embed, width]: [usize; 2],
    transposed: bool,
    (device, dtype): (&Device, DType),
) -> Result<Linear, ModelError> {
    let stored = if transposed {
        [width, embed]
    } else {
        [embed, width]
    };
    check(weights, name, &stored)?;
    let data = match dtype {
        DType::F64 => TensorData::new(weights.read_f64(name)?, stored),
        _ => TensorData::new(weights.read(name)?.values, stored).convert_dtype(dtype),
    };
    let found = Tensor::<2>::from_data(data, (device, dtype));
    let weight = if transposed {
        // In memory as every other matrix: a view would be spelt out at every use.
        let data = found.transpose().into_data();
        Tensor::from_data(data, (device, dtype))
    } else {
        found
    };
    Ok(Linear {
        weight: Param::from_tensor(weight),
        bias: None,
    })
}

/// The scale: a number, or a list of one.
fn scale(
    weights: &Weights,
    (device, dtype): (&Device, DType),
) -> Result<Param<Tensor<1>>, ModelError> {
    if weights.shape(SCALE) != Some(&[1]) {
        check(weights, SCALE, &[])?;
    }
    let data = TensorData::new(weights.read_f64(SCALE)?, [1]).convert_dtype(dtype);
    Ok(Param::from_tensor(Tensor::from_data(data, (device, dtype))))
}
