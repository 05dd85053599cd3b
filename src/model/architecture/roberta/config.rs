//! The shape of a RoBERTa encoder, as Hugging Face's `config.json` writes it.

use crate::model::ModelError;
use crate::model::keys::Keys;
use crate::model::limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A checked RoBERTa architecture. Field names are those of Hugging Face's `RobertaConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct RobertaConfig {
    /// Always `roberta`.
    pub model_type: String,
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Width of the tokens.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads of every layer.
    pub num_attention_heads: usize,
    /// Hidden width of the MLP.
    pub intermediate_size: usize,
    /// Rows of the position table; two more than the longest sequence.
    pub max_position_embeddings: usize,
    /// Rows of the type table.
    pub type_vocab_size: usize,
    /// Id of padding; positions count from the one after it.
    pub pad_token_id: usize,
    /// Added to variances.
    pub layer_norm_eps: f64,
    /// Activation; `gelu` (the exact one) is supported.
    pub hidden_act: String,
    /// Dropout after embeddings, attention and MLP while training.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities while training.
    pub attention_probs_dropout_prob: f64,
    /// Kind of positions; `absolute` is supported.
    pub position_embedding_type: String,
    /// Class names by index.
    pub id2label: BTreeMap<usize, String>,
}

impl TryFrom<Map<String, Value>> for RobertaConfig {
    type Error = ModelError;

    fn try_from(map: Map<String, Value>) -> Result<Self, ModelError> {
        let kind = map.get("model_type").and_then(Value::as_str);
        Self::read(&Keys::new(&map), kind.unwrap_or("roberta"))
    }
}

impl RobertaConfig {
    /// Reads and checks the keys of a `config.json` of the model type `kind`. A key that is absent
    /// or null has the value that `transformers` gives it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key; a decoder, which computes something else.
    pub fn read(keys: &Keys, kind: &str) -> Result<Self, ModelError> {
        for key in ["is_decoder", "add_cross_attention"] {
            if keys.truth(key, false)? {
                return Err(ModelError::Config {
                    what: key.into(),
                    expected: "false: an encoder, whose tokens see all others".into(),
                    found: "true".into(),
                });
            }
        }
        let vocabulary = match kind {
            "roberta" => 50_265,
            _ => 30_522,
        };
        Self {
            model_type: "roberta".into(),
            vocab_size: keys.count("vocab_size", vocabulary)?,
            hidden_size: keys.count("hidden_size", 768)?,
            num_hidden_layers: keys.count("num_hidden_layers", 12)?,
            num_attention_heads: keys.count("num_attention_heads", 12)?,
            intermediate_size: keys.count("intermediate_size", 3072)?,
            max_position_embeddings: keys.count("max_position_embeddings", 512)?,
            type_vocab_size: keys.count("type_vocab_size", 2)?,
            pad_token_id: keys.count("pad_token_id", 1)?,
            layer_norm_eps: keys.number("layer_norm_eps", 1e-12)?,
            hidden_act: keys.gelu("hidden_act")?,
            hidden_dropout_prob: keys.number("hidden_dropout_prob", 0.1)?,
            attention_probs_dropout_prob: keys.number("attention_probs_dropout_prob", 0.1)?,
            position_embedding_type: keys.text("position_embedding_type", "absolute")?,
            id2label: keys.labels("id2label"),
        }
        .check()
    }

    /// An encoder of sequences of up to 512 tokens that has no vocabulary to speak of: it is given
    /// patches of a signal.
    pub fn sequence(hidden: usize, layers: usize, heads: usize) -> Self {
        Self {
            model_type: "roberta".into(),
            vocab_size: 2,
            hidden_size: hidden,
            num_hidden_layers: layers,
            num_attention_heads: heads,
            intermediate_size: hidden.saturating_mul(4),
            max_position_embeddings: 514,
            type_vocab_size: 1,
            pad_token_id: 1,
            layer_norm_eps: 1e-5,
            hidden_act: "gelu".into(),
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            position_embedding_type: "absolute".into(),
            id2label: BTreeMap::new(),
        }
    }

    /// Returns the configuration if a model can be built from it.
    pub fn check(self) -> Result<Self, ModelError> {
        limits::sizes(&[
            ("vocab_size", self.vocab_size, 1 << 24),
            ("hidden_size", self.hidden_size, 65_536),
            ("num_hidden_layers", self.num_hidden_layers, 1024),
            ("num_attention_heads", self.num_attention_heads, 1024),
            ("intermediate_size", self.intermediate_size, 1 << 20),
            // Attention holds the tokens of a sequence squared.
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                65_536,
            ),
            ("type_vocab_size", self.type_vocab_size, 1024),
        ])?;
        limits::heads(self.num_attention_heads, self.hidden_size)?;
        if self.pad_token_id >= self.max_position_embeddings - 1
            || self.pad_token_id >= self.vocab_size
        {
            let expected = format!(
                "below the vocabulary ({}) and the positions ({}) less one",
                self.vocab_size, self.max_position_embeddings
            );
            return Err(ModelError::config(
                "pad_token_id",
                expected,
                self.pad_token_id,
            ));
        }
        limits::rates(&[
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            (
                "attention_probs_dropout_prob",
                self.attention_probs_dropout_prob,
            ),
        ])?;
        limits::epsilon(self.layer_norm_eps)?;
        if self.hidden_act != "gelu" {
            let found = format!("{:?}", self.hidden_act);
            return Err(ModelError::config("hidden_act", "\"gelu\"", found));
        }
        if self.position_embedding_type != "absolute" {
            let found = format!("{:?}", self.position_embedding_type);
            let what = "position_embedding_type";
            return Err(ModelError::config(what, "\"absolute\"", found));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused() {
        let read = |change: serde_json::Value| {
            let mut config = serde_json::json!({
                "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1,
                "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 10,
            });
            let map = config.as_object_mut().unwrap();
            map.extend(change.as_object().unwrap().clone());
            RobertaConfig::read(&Keys::new(map), "roberta")
        };
        read(serde_json::json!({})).unwrap();
        for (key, value) in [
            ("pad_token_id", serde_json::json!(u64::MAX)),
            ("pad_token_id", serde_json::json!(9)),
            ("num_attention_heads", serde_json::json!(3)),
            ("num_hidden_layers", serde_json::json!(1u64 << 60)),
            ("max_position_embeddings", serde_json::json!(1u64 << 20)),
            ("layer_norm_eps", serde_json::json!(-1.0)),
            ("is_decoder", serde_json::json!(true)),
            ("hidden_dropout_prob", serde_json::json!(1.0)),
        ] {
            let error = read(serde_json::json!({ key: value })).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
