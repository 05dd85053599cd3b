//! The shape of CLIP's text tower, as Hugging Face's `config.json` writes it.

use crate::model::ModelError;
use crate::model::embedder::End;
use crate::model::keys::Keys;
use crate::model::limits;
use crate::model::transformer::{self, LayerShape, Sight};
use crate::suite::parts::Activation;
use serde_json::{Value, json};

/// A checked text tower. Field names are those of Hugging Face's `CLIPTextConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipTextConfig {
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Width of the tokens.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads of every layer.
    pub num_attention_heads: usize,
    /// Hidden width of the MLPs.
    pub intermediate_size: usize,
    /// Most tokens of a text.
    pub max_position_embeddings: usize,
    /// Activation of the MLPs.
    pub activation: Activation,
    /// Added to variances.
    pub layer_norm_eps: f64,
    /// Dropout of attention probabilities while training.
    pub attention_dropout: f64,
    /// Which token ends a text.
    pub end: End,
}

/// An activation by Hugging Face's word.
pub(in crate::model) fn activation(keys: &Keys) -> Result<Activation, ModelError> {
    let text = keys.text("hidden_act", "quick_gelu")?;
    text.parse().map_err(|_| {
        let expected = "\"quick_gelu\" or \"gelu\"";
        ModelError::config("hidden_act", expected, format!("{text:?}"))
    })
}

/// The id that old files write for the end of texts, whatever their vocabulary: `transformers` then takes the largest.
const LEGACY_END: usize = 2;

impl ClipTextConfig {
    /// Reads and checks the keys of a `config.json`. A key that is absent or null has the value that `transformers`
    /// gives it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key.
    pub fn read(keys: &Keys, _: &str) -> Result<Self, ModelError> {
        Self {
            vocab_size: keys.count("vocab_size", 49_408)?,
            hidden_size: keys.count("hidden_size", 512)?,
            num_hidden_layers: keys.count("num_hidden_layers", 12)?,
            num_attention_heads: keys.count("num_attention_heads", 8)?,
            intermediate_size: keys.count("intermediate_size", 2048)?,
            max_position_embeddings: keys.count("max_position_embeddings", 77)?,
            activation: activation(keys)?,
            layer_norm_eps: keys.number("layer_norm_eps", 1e-5)?,
            attention_dropout: keys.number("attention_dropout", 0.0)?,
            end: match keys.count("eos_token_id", 49_407)? {
                LEGACY_END => End::Largest,
                id => End::Id(id),
            },
        }
        .check()
    }

    /// The keys of its `config.json`.
    pub fn keys(&self) -> Value {
        json!({
            "model_type": super::FAMILY.name,
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_position_embeddings,
            "hidden_act": self.activation.name(),
            "layer_norm_eps": self.layer_norm_eps,
            "attention_dropout": self.attention_dropout,
            "eos_token_id": match self.end {
                End::Id(id) => id,
                End::Largest => LEGACY_END,
            },
        })
    }

    /// Returns the configuration if a model can be built from it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key.
    pub fn check(self) -> Result<Self, ModelError> {
        limits::sizes(&[
            ("vocab_size", self.vocab_size, 1 << 24),
            ("hidden_size", self.hidden_size, 65_536),
            ("num_hidden_layers", self.num_hidden_layers, 1024),
            ("num_attention_heads", self.num_attention_heads, 1024),
            ("intermediate_size", self.intermediate_size, 1 << 20),
            // Attention holds the tokens of a text squared.
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                8192,
            ),
        ])?;
        limits::heads(self.num_attention_heads, self.hidden_size)?;
        limits::epsilon(self.layer_norm_eps)?;
        limits::rates(&[("attention_dropout", self.attention_dropout)])?;
        Ok(self)
    }

    /// What its layers are made of.
    pub(super) fn layer(&self) -> LayerShape {
        LayerShape {
            width: self.hidden_size,
            hidden: self.intermediate_size,
            heads: self.num_attention_heads,
            activation: self.activation.into(),
            qkv_bias: true,
            epsilon: self.layer_norm_eps,
            scale: None,
            dropout: 0.0,
            attention_dropout: self.attention_dropout,
            drop_path: 0.0,
            sight: Sight::Before,
        }
    }
}

impl From<Activation> for transformer::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Gelu => Self::Gelu,
            Activation::QuickGelu => Self::QuickGelu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: Value) -> Result<ClipTextConfig, ModelError> {
        let mut config = json!({
            "vocab_size": 50, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 16, "max_position_embeddings": 7, "eos_token_id": 49,
        });
        let map = config.as_object_mut().unwrap();
        map.extend(change.as_object().unwrap().clone());
        ClipTextConfig::read(&Keys::new(map), "clip_text_model")
    }

    #[test]
    fn impossible_shapes_are_refused() {
        read(json!({})).unwrap();
        for (key, value) in [
            ("vocab_size", json!(0)),
            ("num_attention_heads", json!(3)),
            ("num_hidden_layers", json!(1u64 << 60)),
            ("layer_norm_eps", json!(0.0)),
            ("hidden_act", json!("relu")),
            ("max_position_embeddings", json!(1u64 << 40)),
        ] {
            let error = read(json!({ key: value })).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for change in [
            json!({}),
            json!({ "eos_token_id": 2, "hidden_act": "gelu", "attention_dropout": 0.1 }),
        ] {
            let config = read(change).unwrap();
            let written = config.keys();
            let keys = Keys::new(written.as_object().unwrap());
            assert_eq!(ClipTextConfig::read(&keys, "").unwrap(), config);
        }
    }
}
