//! CLIP's image tower alone (Radford et al., ICML 2021), in Hugging Face's names and keys: a ViT with a norm before the
//! blocks, whose last norm is over the pooled class token. Of a whole CLIP its text tower and projections are left out.

use super::config::{Activation, VitConfig};
use super::kind::Kind;
use crate::model::ModelError;
use crate::model::architecture::clip::{activation, of_layer};
use crate::model::embedder::Resampling;
use crate::model::keys::Keys;
use crate::model::names::with_prefix;
use crate::suite::parts::Pooling;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The published tensors that the parameter `path` is made of.
pub fn tensors(path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix("embedder.") {
        let name = match rest {
            "class_token" => "embeddings.class_embedding".into(),
            "position_embeddings" => "embeddings.position_embedding.weight".into(),
            _ if rest.starts_with("norm.") => rest.replacen("norm.", "pre_layrnorm.", 1),
            _ => rest.replacen("patches.", "embeddings.patch_embedding.", 1),
        };
        return vec![format!("vision_model.{name}")];
    }
    let rest = path.strip_prefix("encoder.").unwrap_or(path);
    let Some(layer) = rest.strip_prefix("layers.") else {
        let name = rest.replacen("pooled_norm.", "post_layernorm.", 1);
        return vec![format!("vision_model.{name}")];
    };
    of_layer("vision_model", layer)
}

/// The published spelling of a tensor's name; `None` for the text tower, projections and indices.
pub fn canonical(name: &str) -> Option<String> {
    let others = [
        "text_model.",
        "text_projection.",
        "visual_projection.",
        "logit_scale",
    ];
    if others.iter().any(|other| name.starts_with(other)) || name.ends_with(".position_ids") {
        return None;
    }
    let parts = [
        "embeddings.",
        "encoder.",
        "pre_layrnorm.",
        "post_layernorm.",
    ];
    Some(with_prefix(name.into(), "vision_model.", &parts))
}

/// Reads the keys of its `config.json`, with the defaults of `transformers`.
///
/// # Errors
/// [`ModelError::Config`] that names the key.
pub(super) fn read(keys: &Keys) -> Result<VitConfig, ModelError> {
    let activation = activation(keys)?.into();
    VitConfig {
        image_size: keys.side("image_size", 224)?,
        patch_size: keys.side("patch_size", 32)?,
        num_channels: keys.single("num_channels", 3)?,
        hidden_size: keys.count("hidden_size", 768)?,
        num_hidden_layers: keys.count("num_hidden_layers", 12)?,
        num_attention_heads: keys.count("num_attention_heads", 12)?,
        intermediate_size: keys.count("intermediate_size", 3072)?,
        activation,
        layer_norm_eps: keys.number("layer_norm_eps", 1e-5)?,
        attention_probs_dropout_prob: keys.number("attention_dropout", 0.0)?,
        id2label: keys.labels("id2label"),
        ..VitConfig::clip()
    }
    .check()
}

impl VitConfig {
    /// OpenAI's ViT-B/32, for others to change.
    pub fn clip() -> Self {
        Self {
            kind: Kind::Clip,
            image_size: 224,
            asked_size: None,
            patch_size: 32,
            num_channels: 3,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            activation: Activation::QuickGelu,
            qkv_bias: true,
            layer_norm_eps: 1e-5,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            drop_path_rate: 0.0,
            layer_scale: None,
            class_token: true,
            distillation_token: false,
            num_register_tokens: 0,
            placed: 1,
            pre_norm: true,
            token_norm: false,
            pooled_norm: true,
            pooling: Pooling::First,
            resampling: Resampling::Plain,
            id2label: BTreeMap::new(),
        }
    }

    /// The keys of CLIP's image tower, without classes.
    pub fn clip_keys(&self) -> Value {
        keys(self, self.num_channels, BTreeMap::new())
    }
}

/// The keys of its `config.json`, for these channels and classes.
pub(super) fn keys(
    config: &VitConfig,
    channels: usize,
    id2label: BTreeMap<usize, String>,
) -> Value {
    let quick = config.activation == Activation::QuickGelu;
    json!({
        "model_type": config.kind.family().name,
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "num_channels": channels,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.intermediate_size,
        "hidden_act": if quick { "quick_gelu" } else { "gelu" },
        "layer_norm_eps": config.layer_norm_eps,
        "attention_dropout": config.attention_probs_dropout_prob,
        "id2label": id2label,
    })
}
