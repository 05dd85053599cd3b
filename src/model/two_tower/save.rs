//! A CLIP out, as a folder that `transformers` loads as `CLIPModel`.

use super::{LoadedTowers, Tower, TwoTower, TwoTowerConfig};
use crate::model::ModelError;
use crate::model::architecture::{clip, vit};
use crate::model::family::Family;
use crate::model::names::Scheme;
use crate::model::save::{outgoing, type_of, write_text};
use crate::model::state::state;
use crate::model::weights::{Dtype, Outgoing, write_tensors};
use burn::tensor::TensorData;
use std::collections::HashMap;
use std::path::Path;

const CONFIG: &str = "config.json";

/// Files beside the weights that an export copies: how texts and pictures enter.
const BESIDE: [&str; 8] = [
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
];

/// A tensor on its way out: Hugging Face's name, shape, and where its values begin in those of a parameter.
struct Part<'d> {
    name: String,
    shape: Vec<usize>,
    data: &'d TensorData,
    first: usize,
}

/// The parameters of a module by path.
type State = std::collections::BTreeMap<String, TensorData>;

/// The tensors of a tower.
fn tower<'d>(state: &'d State, family: &'static Family, projection: &str) -> Vec<Part<'d>> {
    let scheme = Scheme::Published(family);
    let mut all = Vec::new();
    for (path, data) in state {
        let shape = data.shape().to_vec();
        if path == "projection.weight" {
            let name = projection.into();
            all.push(Part {
                name,
                shape,
                data,
                first: 0,
            });
            continue;
        }
        let names = scheme.tensors(path);
        let mut part = shape;
        part[0] /= names.len();
        let shape = scheme.shape(path, part);
        let size = shape.iter().product::<usize>();
        let parts = names.into_iter().enumerate();
        all.extend(parts.map(|(i, name)| Part {
            name,
            shape: shape.clone(),
            data,
            first: i * size,
        }));
    }
    all
}

/// Writes `model.safetensors`; `called` gives the final name and type of a tensor.
fn tensors(
    towers: &TwoTower,
    folder: &Path,
    called: impl Fn(&str, Dtype) -> (String, Dtype),
) -> Result<(), ModelError> {
    let of = |tower: &Tower| state(tower);
    let (image, text) = (of(&towers.image), of(&towers.text));
    let scale = towers.logit_scale.val().into_data();
    let mut parts = tower(&image, &vit::CLIP, "visual_projection.weight");
    parts.extend(tower(&text, &clip::FAMILY, "text_projection.weight"));
    parts.push(Part {
        name: "logit_scale".into(),
        shape: Vec::new(),
        data: &scale,
        first: 0,
    });
    let all: Vec<Outgoing> = parts
        .into_iter()
        .map(|part| {
            let (name, dtype) = called(&part.name, type_of(part.data));
            outgoing(name, dtype, part.shape, part.data, part.first)
        })
        .collect();
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    write_tensors(&folder.join("model.safetensors"), all, metadata)
}

/// Writes a CLIP as a folder, in the float type of its parameters.
///
/// # Errors
/// The operating system's.
pub fn save(config: &TwoTowerConfig, towers: &TwoTower, folder: &Path) -> Result<(), ModelError> {
    tensors(towers, folder, |name, own| (name.into(), own))?;
    write_text(folder, CONFIG, &(json(config) + "\n"))
}

fn json(config: &TwoTowerConfig) -> String {
    serde_json::to_string_pretty(&config.json()).expect("a value has string keys")
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
        let kept = loaded.spelling.get(name).cloned();
        let (name, kept) = kept.unwrap_or((name.into(), own));
        (name, dtype.unwrap_or(kept))
    })?;
    let Some(source) = &loaded.source else {
        return write_text(folder, CONFIG, &(json(&loaded.config) + "\n"));
    };
    for name in [CONFIG].into_iter().chain(BESIDE) {
        let path = source.with_file_name(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => write_text(folder, name, &text)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && name != CONFIG => {}
            Err(source) => return Err(ModelError::Io { path, source }),
        }
    }
    Ok(())
}
