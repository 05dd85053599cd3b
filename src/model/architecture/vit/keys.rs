//! The keys of Hugging Face's `config.json` of a ViT, in and out. A key that is absent or null has the value that
//! `transformers` gives it.

use super::clip;
use super::config::{Activation, VitConfig};
use super::kind::Kind;
use crate::model::ModelError;
use crate::model::embedder::Resampling;
use crate::model::keys::Keys;
use crate::suite::parts::Pooling;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The ending of classes that read class token and patches.
const CLASSIFIES: &str = "ForImageClassification";

/// Whether a class of `transformers` is one of DINOv2's with a classifier, which reads more than the class token.
pub(super) fn classifies(class: &str) -> bool {
    class.ends_with(CLASSIFIES)
}

impl VitConfig {
    /// Reads and checks the keys of a `config.json` of the model type `model_type`.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key.
    pub fn read(keys: &Keys, model_type: &str) -> Result<Self, ModelError> {
        let Some(kind) = Kind::of(model_type) else {
            let found = format!("{model_type:?}");
            return Err(ModelError::config("model_type", "that of a ViT", found));
        };
        if kind == Kind::Clip {
            return clip::read(keys);
        }
        let dino = matches!(kind, Kind::Dinov2 | Kind::Dinov2WithRegisters);
        let hidden_size = keys.count("hidden_size", 768)?;
        let gated = dino && keys.truth("use_swiglu_ffn", false)?;
        let mut intermediate_size = keys.count("intermediate_size", 3072)?;
        if dino {
            let ratio = keys.number("mlp_ratio", 4.0)?;
            if !(0.0..=64.0).contains(&ratio) {
                return Err(ModelError::config("mlp_ratio", "0 to 64", ratio));
            }
            intermediate_size = (hidden_size as f64 * ratio) as usize;
        }
        if gated {
            // Two thirds, up to a multiple of 8, as DINOv2 has them.
            let share = (intermediate_size as f64 * 2.0 / 3.0) as usize;
            intermediate_size = share.next_multiple_of(8);
        }
        keys.gelu("hidden_act")?;
        let registers = kind == Kind::Dinov2WithRegisters;
        let classifier = keys.first("architectures").is_some_and(|c| classifies(&c));
        let distillation_token = kind == Kind::Deit;
        Self {
            image_size: keys.side("image_size", 224)?,
            asked_size: None,
            patch_size: keys.side("patch_size", if kind == Kind::Dinov2 { 14 } else { 16 })?,
            num_channels: keys.single("num_channels", 3)?,
            hidden_size,
            num_hidden_layers: keys.count("num_hidden_layers", 12)?,
            num_attention_heads: keys.count("num_attention_heads", 12)?,
            intermediate_size,
            activation: if gated {
                Activation::SwiGlu
            } else {
                Activation::Gelu
            },
            qkv_bias: keys.truth("qkv_bias", true)?,
            layer_norm_eps: keys.number("layer_norm_eps", if dino { 1e-6 } else { 1e-12 })?,
            hidden_dropout_prob: keys.number("hidden_dropout_prob", 0.0)?,
            attention_probs_dropout_prob: keys.number("attention_probs_dropout_prob", 0.0)?,
            drop_path_rate: if dino {
                keys.number("drop_path_rate", 0.0)?
            } else {
                0.0
            },
            layer_scale: if dino {
                Some(keys.number("layerscale_value", 1.0)?)
            } else {
                None
            },
            class_token: true,
            distillation_token,
            num_register_tokens: if registers {
                keys.count("num_register_tokens", 4)?
            } else {
                0
            },
            placed: 1 + usize::from(distillation_token),
            pre_norm: false,
            token_norm: true,
            pooled_norm: false,
            pooling: if dino && classifier {
                Pooling::FirstAndMean
            } else {
                Pooling::First
            },
            resampling: if registers {
                Resampling::Antialiased
            } else {
                Resampling::Plain
            },
            id2label: keys.labels("id2label"),
            kind,
        }
        .check()
    }

    /// The pooling of a publisher's class of this kind.
    pub(super) fn pooling_of(&self, class: &str) -> Pooling {
        match self.kind {
            Kind::Dinov2 | Kind::Dinov2WithRegisters if classifies(class) => Pooling::FirstAndMean,
            _ => Pooling::First,
        }
    }

    /// The keys of its `config.json`, for these channels and classes.
    pub(super) fn keys(&self, channels: usize, id2label: BTreeMap<usize, String>) -> Value {
        let mut map = Map::new();
        for (key, value) in [
            ("model_type", json!(self.kind.family().name)),
            ("image_size", json!(self.image_size)),
            ("patch_size", json!(self.patch_size)),
            ("num_channels", json!(channels)),
            ("hidden_size", json!(self.hidden_size)),
            ("num_hidden_layers", json!(self.num_hidden_layers)),
            ("num_attention_heads", json!(self.num_attention_heads)),
            ("hidden_act", json!("gelu")),
            ("qkv_bias", json!(self.qkv_bias)),
            ("layer_norm_eps", json!(self.layer_norm_eps)),
            ("hidden_dropout_prob", json!(self.hidden_dropout_prob)),
            (
                "attention_probs_dropout_prob",
                json!(self.attention_probs_dropout_prob),
            ),
            ("id2label", json!(id2label)),
        ] {
            map.insert(key.into(), value);
        }
        let Some(scale) = self.layer_scale else {
            map.insert("intermediate_size".into(), json!(self.intermediate_size));
            return Value::Object(map);
        };
        let gated = self.activation == Activation::SwiGlu;
        map.insert("mlp_ratio".into(), self.mlp_ratio());
        map.insert("use_swiglu_ffn".into(), json!(gated));
        map.insert("layerscale_value".into(), json!(scale));
        map.insert("drop_path_rate".into(), json!(self.drop_path_rate));
        if self.kind == Kind::Dinov2WithRegisters {
            let count = self.num_register_tokens;
            map.insert("num_register_tokens".into(), json!(count));
        }
        Value::Object(map)
    }

    /// A ratio that gives the hidden width of DINOv2's MLPs again, whole where one does.
    fn mlp_ratio(&self) -> Value {
        let (width, hidden) = (self.hidden_size, self.intermediate_size);
        let gives = |ratio: f64| {
            let hidden = (width as f64 * ratio) as usize;
            match self.activation {
                Activation::SwiGlu => ((hidden as f64 * 2.0 / 3.0) as usize).next_multiple_of(8),
                _ => hidden,
            }
        };
        let whole = (1..=64).find(|ratio| gives(*ratio as f64) == hidden);
        let before = match self.activation {
            Activation::SwiGlu => hidden * 3 / 2,
            _ => hidden,
        };
        let near = before as f64 / width as f64;
        match whole {
            Some(ratio) => json!(ratio),
            None if gives(near) < hidden => json!(near.next_up()),
            None => json!(near),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, change: Value) -> Result<VitConfig, ModelError> {
        let mut config = json!({
            "image_size": 16, "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 16, "mlp_ratio": 2,
        });
        let map = config.as_object_mut().unwrap();
        map.extend(change.as_object().unwrap().clone());
        VitConfig::read(&Keys::new(map), kind)
    }

    #[test]
    fn impossible_shapes_are_refused() {
        read("vit", json!({})).unwrap();
        for (key, value) in [
            ("image_size", json!(3)),
            ("image_size", json!([16, 32])),
            ("patch_size", json!(0)),
            ("num_attention_heads", json!(3)),
            ("num_hidden_layers", json!(1u64 << 60)),
            ("layer_norm_eps", json!(0.0)),
            ("hidden_dropout_prob", json!(1.0)),
            ("hidden_act", json!("relu")),
            ("num_channels", json!(0)),
        ] {
            let error = read("vit", json!({ key: value })).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
        let error = read("dinov2", json!({ "mlp_ratio": -1 })).unwrap_err();
        assert!(error.to_string().contains("mlp_ratio"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for kind in ["vit", "deit", "vit_mae", "dinov2", "dinov2_with_registers"] {
            for change in [
                json!({}),
                json!({ "use_swiglu_ffn": true, "mlp_ratio": 4 }),
                json!({ "mlp_ratio": 2.7, "qkv_bias": false, "layerscale_value": 0.5 }),
                json!({ "use_swiglu_ffn": true, "mlp_ratio": 3.3, "hidden_size": 24 }),
            ] {
                let config = read(kind, change).unwrap();
                let written = config.keys(3, BTreeMap::new());
                let map = written.as_object().unwrap();
                assert_eq!(VitConfig::read(&Keys::new(map), kind).unwrap(), config);
            }
        }
    }
}
