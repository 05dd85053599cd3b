//! A CLIP out, as a folder that `transformers` loads as `CLIPModel`.

use super::{LoadedTowers, TokenizerAt, TwoTower, TwoTowerConfig};
use crate::model::ModelError;
use crate::model::architecture::{clip, vit};
use crate::model::names::Scheme;
use crate::model::preprocess::clip_json;
use crate::model::save::{
    CONFIG, PICTURES, copy_beside, outgoing, parts, type_of, write_text, write_weights,
};
use crate::model::state::state;
use crate::model::weights::{Dtype, Outgoing};
use burn::tensor::TensorData;
use std::path::Path;

/// Files beside the weights on how texts are tokenised.
const TEXTS: [&str; 6] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
];

/// Writes `model.safetensors`; `called` gives the final name and type of a tensor.
fn tensors(
    towers: &TwoTower,
    folder: &Path,
    called: impl Fn(String, Dtype) -> (String, Dtype),
) -> Result<(), ModelError> {
    let mut states = Vec::new();
    for (tower, family, projection) in [
        (&towers.image, &vit::CLIP, "visual_projection.weight"),
        (&towers.text, &clip::FAMILY, "text_projection.weight"),
    ] {
        let mut state = state(tower);
        states.push((state.remove("projection.weight"), projection, state, family));
    }
    let scale = towers.logit_scale.val().into_data();
    let mut all = Vec::new();
    for (matrix, name, state, family) in &states {
        all.extend(parts(state, Scheme::Published(family), &called));
        if let Some(matrix) = matrix {
            all.push(alone(name, matrix.shape().to_vec(), matrix, &called));
        }
    }
    all.push(alone("logit_scale", Vec::new(), &scale, &called));
    write_weights(folder, all)
}

/// A tensor of no tower's embedder or encoder.
fn alone<'d>(
    name: &str,
    shape: Vec<usize>,
    data: &'d TensorData,
    called: impl Fn(String, Dtype) -> (String, Dtype),
) -> Outgoing<'d> {
    let (name, dtype) = called(name.into(), type_of(data));
    outgoing(name, dtype, shape, data, 0)
}

/// Writes a CLIP as a folder, in the float type of its parameters.
///
/// # Errors
/// The operating system's.
pub fn save(config: &TwoTowerConfig, towers: &TwoTower, folder: &Path) -> Result<(), ModelError> {
    tensors(towers, folder, |name, own| (name, own))?;
    write_text(folder, CONFIG, &(json(config) + "\n"))
}

/// A CLIP of our own, with all that its folder holds.
pub struct Written<'a> {
    /// Shapes of both towers.
    pub config: &'a TwoTowerConfig,
    /// The parameters.
    pub towers: &'a TwoTower,
    /// Its `tokenizer.json`.
    pub tokenizer: &'a str,
}

/// Writes a CLIP with its tokenizer and how its pictures are prepared; `dtype` overrides the float type of its parameters.
///
/// # Errors
/// The operating system's.
pub fn write(written: &Written, dtype: Option<Dtype>, folder: &Path) -> Result<(), ModelError> {
    let Written {
        config,
        towers,
        tokenizer,
    } = written;
    tensors(towers, folder, |name, own| (name, dtype.unwrap_or(own)))?;
    write_text(folder, CONFIG, &(json(config) + "\n"))?;
    beside(config, tokenizer, folder)
}

/// The files beside weights and description.
fn beside(config: &TwoTowerConfig, tokenizer: &str, folder: &Path) -> Result<(), ModelError> {
    let pictures = clip_json(config.image.image_size);
    write_text(folder, PICTURES[0], &(pretty(&pictures) + "\n"))?;
    write_text(folder, TEXTS[0], tokenizer)
}

fn json(config: &TwoTowerConfig) -> String {
    pretty(&config.json())
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("a value has string keys")
}

/// Writes a CLIP as it came: every tensor under the name and in the float type that it had (under Hugging Face's name
/// where the file had OpenAI's), with the `config.json`, preprocessing and tokenizer that lay beside it.
///
/// `dtype` overrides the float type of all tensors.
///
/// # Errors
/// The operating system's.
pub fn export(
    loaded: &LoadedTowers,
    dtype: Option<Dtype>,
    folder: &Path,
) -> Result<(), ModelError> {
    tensors(&loaded.towers, folder, |name, own| {
        let (name, kept) = loaded.spelling.get(&name).cloned().unwrap_or((name, own));
        (name, dtype.unwrap_or(kept))
    })?;
    let Some(source) = &loaded.source else {
        write_text(folder, CONFIG, &(json(&loaded.config) + "\n"))?;
        return match &loaded.tokenizer {
            TokenizerAt::Inside(tokenizer) => beside(&loaded.config, tokenizer, folder),
            TokenizerAt::Folder(_) => Ok(()),
        };
    };
    copy_beside(source, &[&PICTURES[..], &TEXTS].concat(), folder)
}
