//! The shape of a Swin transformer, as Hugging Face's `config.json` writes it.

use crate::model::ModelError;
use crate::model::keys::Keys;
use crate::model::limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A checked Swin architecture. Field names are those of Hugging Face's `SwinConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct SwinConfig {
    /// Always `swin`.
    pub model_type: String,
    /// Side of the square input in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Input channels.
    pub num_channels: usize,
    /// Channels after the patch embedding.
    pub embed_dim: usize,
    /// Blocks of every stage.
    pub depths: Vec<usize>,
    /// Attention heads of every stage.
    pub num_heads: Vec<usize>,
    /// Window side in tokens.
    pub window_size: usize,
    /// Hidden over outer width of the MLP.
    pub mlp_ratio: f64,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
    /// Largest drop-path rate; it grows linearly with depth.
    pub drop_path_rate: f64,
    /// Added to variances.
    pub layer_norm_eps: f64,
    /// Activation; `gelu` (the exact one) is supported.
    pub hidden_act: String,
    /// Learnable absolute positions; not supported.
    pub use_absolute_embeddings: bool,
    /// Class names by index.
    pub id2label: BTreeMap<usize, String>,
}

impl TryFrom<Map<String, Value>> for SwinConfig {
    type Error = ModelError;

    fn try_from(map: Map<String, Value>) -> Result<Self, ModelError> {
        Self::read(&Keys::new(&map), "swin")
    }
}

impl SwinConfig {
    /// Reads and checks the keys of a `config.json`. A key that is absent or null has the value that
    /// `transformers` gives it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key.
    pub fn read(keys: &Keys, _: &str) -> Result<Self, ModelError> {
        Self {
            model_type: "swin".into(),
            image_size: keys.side("image_size", 224)?,
            patch_size: keys.side("patch_size", 4)?,
            num_channels: keys.single("num_channels", 3)?,
            embed_dim: keys.count("embed_dim", 96)?,
            depths: keys.counts("depths", &[2, 2, 6, 2])?,
            num_heads: keys.counts("num_heads", &[3, 6, 12, 24])?,
            window_size: keys.side("window_size", 7)?,
            mlp_ratio: keys.number("mlp_ratio", 4.0)?,
            qkv_bias: keys.truth("qkv_bias", true)?,
            drop_path_rate: keys.number("drop_path_rate", 0.1)?,
            layer_norm_eps: keys.number("layer_norm_eps", 1e-5)?,
            hidden_act: keys.gelu("hidden_act")?,
            use_absolute_embeddings: keys.truth("use_absolute_embeddings", false)?,
            id2label: keys.labels("id2label"),
        }
        .check()
    }

    /// Returns the configuration if a model can be built from it.
    pub fn check(self) -> Result<Self, ModelError> {
        let wrong = |what: &str, expected: &str, found: String| {
            Err(ModelError::Config {
                what: what.into(),
                expected: expected.into(),
                found,
            })
        };
        if self.depths.is_empty()
            || self.depths.len() != self.num_heads.len()
            || self.depths.len() > 8
        {
            return wrong(
                "depths and num_heads",
                "one entry a stage in both, 1 to 8 stages",
                format!("{:?} and {:?}", self.depths, self.num_heads),
            );
        }
        let blocks = self.depths.iter().copied().max().unwrap_or(0);
        if blocks > 512 || self.depths.contains(&0) {
            return wrong(
                "depths",
                "1 to 512 blocks a stage",
                format!("{:?}", self.depths),
            );
        }
        limits::sizes(&[
            ("image_size", self.image_size, 8192),
            ("patch_size", self.patch_size, 256),
            ("num_channels", self.num_channels, 65_536),
            ("embed_dim", self.embed_dim, 16_384),
            // Attention holds a window's tokens squared.
            ("window_size", self.window_size, 64),
        ])?;
        for (stage, &heads) in self.num_heads.iter().enumerate() {
            let width = self.width(stage);
            if heads == 0 || !width.is_multiple_of(heads) {
                return wrong(
                    "num_heads",
                    &format!("a divisor of {width} in stage {stage}"),
                    heads.to_string(),
                );
            }
        }
        if self.image_size < self.patch_size {
            return wrong(
                "image_size",
                "at least patch_size",
                self.image_size.to_string(),
            );
        }
        // Also refuses what is no number.
        if !(self.mlp_ratio <= 64.0 && self.mlp_hidden(0) > 0) {
            let least = format!("at least 1/{}, at most 64", self.embed_dim);
            return wrong("mlp_ratio", &least, self.mlp_ratio.to_string());
        }
        limits::epsilon(self.layer_norm_eps)?;
        limits::rates(&[("drop_path_rate", self.drop_path_rate)])?;
        if self.hidden_act != "gelu" {
            return wrong("hidden_act", "\"gelu\"", format!("{:?}", self.hidden_act));
        }
        if self.use_absolute_embeddings {
            return wrong("use_absolute_embeddings", "false", "true".into());
        }
        Ok(self)
    }

    /// Channels of stage `stage`.
    pub fn width(&self, stage: usize) -> usize {
        self.embed_dim << stage
    }

    /// Hidden width of the MLPs of stage `stage`.
    pub fn mlp_hidden(&self, stage: usize) -> usize {
        (self.mlp_ratio * self.width(stage) as f64) as usize
    }

    /// Channels of the last stage: the feature dimension.
    pub fn hidden_size(&self) -> usize {
        self.width(self.depths.len() - 1)
    }

    /// Token rows and columns after the patch embedding of an `image_size` input.
    pub fn grid(&self) -> usize {
        self.image_size.div_ceil(self.patch_size)
    }

    /// Input pixels that a last token stands for along a side.
    pub fn stride(&self) -> usize {
        self.patch_size << (self.depths.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused() {
        let read = |change: serde_json::Value| {
            let mut config = serde_json::json!({
                "image_size": 16, "patch_size": 2, "embed_dim": 8,
                "depths": [2, 2], "num_heads": [2, 4], "window_size": 4,
            });
            let (map, change) = (config.as_object_mut().unwrap(), change);
            map.extend(change.as_object().unwrap().clone());
            SwinConfig::read(&Keys::new(map), "swin")
        };
        read(serde_json::json!({})).unwrap();
        for (key, value) in [
            ("depths", serde_json::json!([2, 0])),
            ("depths", serde_json::json!([1u64 << 60, 1])),
            ("num_heads", serde_json::json!([0, 4])),
            ("mlp_ratio", serde_json::json!(0.1)),
            ("mlp_ratio", serde_json::json!(-4.0)),
            ("window_size", serde_json::json!(65)),
            ("num_channels", serde_json::json!(0)),
            ("layer_norm_eps", serde_json::json!(-1e-5)),
            ("layer_norm_eps", serde_json::json!(0.0)),
        ] {
            let error = read(serde_json::json!({ key: value })).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
