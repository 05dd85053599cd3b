//! `open_clip_config.json`: the description that open_clip's folders have.

use super::TwoTowerConfig;
use crate::model::ModelError;
use crate::model::architecture::clip::ClipTextConfig;
use crate::model::embedder::End;
use crate::model::keys::{self, Keys};
use crate::model::vit::VitConfig;
use crate::suite::parts::Activation;
use serde_json::{Map, Value};
use std::path::Path;

/// The name of the file.
pub(in crate::model) const FILE: &str = "open_clip_config.json";

/// The names of the weights beside it, the best first.
pub(super) const WEIGHTS: [&str; 2] =
    ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"];

/// What is read of the whole, of an image tower and of a text tower; anything else that is set changes what is computed.
const WHOLE: [&str; 5] = [
    "embed_dim",
    "vision_cfg",
    "text_cfg",
    "quick_gelu",
    "custom_text",
];
const IMAGE: [&str; 6] = [
    "image_size",
    "layers",
    "width",
    "patch_size",
    "head_width",
    "mlp_ratio",
];
const TEXT: [&str; 7] = [
    "context_length",
    "vocab_size",
    "width",
    "heads",
    "layers",
    "mlp_ratio",
    // The tokenizer that belongs to it.
    "tokenizer_kwargs",
];

/// Refuses what is set and not read.
fn known(map: &Map<String, Value>, names: &[&str]) -> Result<(), ModelError> {
    let set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
    let other = map
        .iter()
        .find(|(key, value)| !names.contains(&key.as_str()) && set(value));
    match other {
        None => Ok(()),
        Some((key, value)) => Err(ModelError::config(
            key.as_str(),
            "CLIP as OpenAI published it, with a ViT",
            value,
        )),
    }
}

fn part<'m>(map: &'m Map<String, Value>, key: &str) -> Result<&'m Map<String, Value>, ModelError> {
    let found = map.get(key);
    found.and_then(Value::as_object).ok_or_else(|| {
        let found = found.map_or("none".into(), Value::to_string);
        ModelError::config(key, "an object", found)
    })
}

fn hidden(width: usize, keys: &Keys) -> Result<usize, ModelError> {
    let ratio = keys.number("mlp_ratio", 4.0)?;
    if !(0.0..=64.0).contains(&ratio) {
        return Err(ModelError::config("mlp_ratio", "0 to 64", ratio));
    }
    Ok((width as f64 * ratio) as usize)
}

/// Reads the description in `path`; `None` where there is no such file.
///
/// # Errors
/// [`ModelError`] that names the key: architectures that are no CLIP with a ViT too.
pub(super) fn read(path: &Path) -> Result<Option<TwoTowerConfig>, ModelError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let path = path.into();
            return Err(ModelError::Io { path, source });
        }
    };
    let map = keys::object(&text).map_err(|found| ModelError::Malformed {
        path: path.into(),
        what: "model configuration".into(),
        expected: "a JSON object with a model_cfg".into(),
        found,
    })?;
    parse(&map).map(Some).map_err(|e| e.in_file(path))
}

fn parse(map: &Map<String, Value>) -> Result<TwoTowerConfig, ModelError> {
    let whole = part(map, "model_cfg")?;
    let (image, text) = (part(whole, "vision_cfg")?, part(whole, "text_cfg")?);
    known(whole, &WHOLE)?;
    known(image, &IMAGE)?;
    known(text, &TEXT)?;
    let [whole, image, text] = [whole, image, text].map(Keys::new);
    // open_clip's own default is the exact GELU.
    let activation = match whole.truth("quick_gelu", false)? {
        true => Activation::QuickGelu,
        false => Activation::Gelu,
    };
    let (wide, width) = (image.count("width", 768)?, text.count("width", 512)?);
    let head = image.count("head_width", 64)?;
    TwoTowerConfig {
        image: VitConfig {
            image_size: image.side("image_size", 224)?,
            patch_size: image.side("patch_size", 16)?,
            num_channels: 3,
            hidden_size: wide,
            num_hidden_layers: image.count("layers", 12)?,
            num_attention_heads: wide / head.max(1),
            intermediate_size: hidden(wide, &image)?,
            activation: activation.into(),
            ..VitConfig::clip()
        },
        text: ClipTextConfig {
            vocab_size: text.count("vocab_size", 49_408)?,
            hidden_size: width,
            num_hidden_layers: text.count("layers", 12)?,
            num_attention_heads: text.count("heads", 8)?,
            intermediate_size: hidden(width, &text)?,
            max_position_embeddings: text.count("context_length", 77)?,
            activation,
            layer_norm_eps: 1e-5,
            attention_dropout: 0.0,
            end: End::Largest,
        },
        projection: whole.count("embed_dim", 512)?,
    }
    .check()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(change: Value) -> Result<TwoTowerConfig, ModelError> {
        let mut model = json!({
            "embed_dim": 16,
            "vision_cfg": { "image_size": 32, "layers": 1, "width": 64, "patch_size": 8 },
            "text_cfg": { "context_length": 9, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1 },
        });
        model
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        parse(json!({ "model_cfg": model }).as_object().unwrap())
    }

    #[test]
    fn the_activation_is_open_clips_default_unless_told() {
        let quick = |change| read(change).unwrap().text.activation;
        assert_eq!(quick(json!({})), Activation::Gelu);
        assert_eq!(quick(json!({ "quick_gelu": true })), Activation::QuickGelu);
    }

    #[test]
    fn what_is_no_plain_clip_is_refused() {
        for (change, key) in [
            (
                json!({ "multimodal_cfg": { "layers": 2 } }),
                "multimodal_cfg",
            ),
            (
                json!({ "vision_cfg": { "timm_model_name": "convnext_base" } }),
                "timm_model_name",
            ),
            (
                json!({ "text_cfg": { "hf_model_name": "roberta-base" } }),
                "hf_model_name",
            ),
            (json!({ "embed_dim": 0 }), "projection_dim"),
            (json!({ "vision_cfg": 3 }), "vision_cfg"),
        ] {
            let error = read(change).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
