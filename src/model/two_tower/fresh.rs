//! Towers that are yet to be trained: the shape that a suite asks for, and the values that CLIP starts from (OpenAI's
//! `initialize_parameters`): standard deviations by width and depth, so that every residual branch adds little at first and
//! vectors of the common space are neither all alike nor far apart. `TwoTower::new` draws every matrix with 0.02, which suits
//! widths of some 1,000; here the same draws (cut at two deviations) are brought to CLIP's.
//!
//! Patches keep their 0.02, as in `transformers`.

use super::{TwoTower, TwoTowerConfig};
use crate::model::ModelError;
use crate::model::architecture::clip::ClipTextConfig;
use crate::model::embedder::End;
use crate::model::parameters::replaced;
use crate::model::vit::VitConfig;
use crate::suite::pretraining::Towers;
use burn::tensor::{DType, Device};

/// The standard deviation with which [`TwoTower::new`] draws.
const DRAWN: f64 = 0.02;
/// Widths of an MLP in units of its tower's.
const HIDDEN: usize = 4;

impl TwoTowerConfig {
    /// The shape that a suite asks for, with a table of `vocabulary` tokens, the last of which ends a text.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key of `config.json`.
    pub fn asked(towers: &Towers, vocabulary: usize) -> Result<Self, ModelError> {
        let hidden = |width: usize| width.saturating_mul(HIDDEN);
        let text = ClipTextConfig {
            vocab_size: vocabulary,
            hidden_size: towers.text_width,
            num_hidden_layers: towers.text_layers,
            num_attention_heads: towers.text_heads,
            intermediate_size: hidden(towers.text_width),
            max_position_embeddings: towers.context,
            activation: towers.activation,
            layer_norm_eps: 1e-5,
            attention_dropout: 0.0,
            end: End::Id(vocabulary.saturating_sub(1)),
        };
        let image = VitConfig {
            image_size: towers.image_size,
            patch_size: towers.patch_size,
            hidden_size: towers.width,
            num_hidden_layers: towers.layers,
            num_attention_heads: towers.heads,
            intermediate_size: hidden(towers.width),
            activation: towers.activation.into(),
            ..VitConfig::clip()
        };
        Self {
            image,
            text,
            projection: towers.projection,
        }
        .check()
    }

    /// The standard deviation of a parameter that is drawn at random, by its path; `None` of all others.
    fn deviation(&self, path: &str) -> Option<f64> {
        let (tower, rest) = path.split_once('.')?;
        let (width, layers) = match tower {
            "image" => (self.image.hidden_size, self.image.num_hidden_layers),
            _ => (self.text.hidden_size, self.text.num_hidden_layers),
        };
        let wide = (width as f64).sqrt().recip();
        let deep = (2.0 * layers as f64).sqrt().recip();
        let ends = |end: &str| rest.ends_with(end);
        Some(match rest {
            "embedder.words" | "embedder.patches.weight" => DRAWN,
            "embedder.positions" => 0.01,
            "embedder.class_token" | "embedder.position_embeddings" => wide,
            "projection.weight" => wide,
            _ if ends("qkv.weight") => wide,
            _ if ends("projection.weight") => wide * deep,
            _ if ends("fc1.weight") => wide * 0.5_f64.sqrt(),
            _ if ends("fc2.weight") => wide * deep,
            _ => return None,
        })
    }
}

impl TwoTower {
    /// Towers of a checked configuration as CLIP starts them.
    pub fn fresh(config: &TwoTowerConfig, seed: u64, device: &Device, dtype: DType) -> Self {
        let drawn = Self::new(config, seed, device, dtype);
        replaced(drawn, &|path, value| {
            let factor = config.deviation(path)? / DRAWN;
            // Positions of texts are drawn with half of the others' deviation.
            let factor = if path == "text.embedder.positions" {
                2.0 * factor
            } else {
                factor
            };
            Some(value.mul_scalar(factor))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::state;

    fn towers() -> Towers {
        toml::from_str(
            "image_size = 32\npatch_size = 8\nwidth = 64\nlayers = 2\nheads = 2\ntext_width = 32\ntext_layers = 3\n\
             text_heads = 2\ncontext = 16\nvocabulary = 600\nprojection = 48",
        )
        .unwrap()
    }

    #[test]
    fn every_drawn_parameter_has_the_deviation_of_clip() {
        let config = TwoTowerConfig::asked(&towers(), 590).unwrap();
        assert_eq!(config.text.end, End::Id(589));
        let found = state(&TwoTower::fresh(&config, 5, &Device::flex(), DType::F32));
        let plain = state(&TwoTower::new(&config, 5, &Device::flex(), DType::F32));
        let deviation = |name: &str| {
            let values: Vec<f32> = found[name].try_to_vec().unwrap();
            let squares: f32 = values.iter().map(|v| v * v).sum();
            // A normal that is cut at two deviations has 0.88 of them.
            f64::from((squares / values.len() as f32).sqrt()) / 0.8796
        };
        let mut named = 0;
        for (name, expected) in [
            ("image.embedder.position_embeddings", 0.125),
            ("image.embedder.patches.weight", 0.02),
            ("image.encoder.layers.1.qkv.weight", 0.125),
            ("image.encoder.layers.0.projection.weight", 0.0625),
            ("image.encoder.layers.0.mlp.fc1.weight", 0.0884),
            ("image.encoder.layers.1.mlp.fc2.weight", 0.0625),
            ("image.projection.weight", 0.125),
            ("text.embedder.words", 0.02),
            ("text.embedder.positions", 0.01),
            ("text.encoder.layers.2.mlp.fc2.weight", 0.0722),
            ("text.projection.weight", 0.1768),
        ] {
            let found = deviation(name);
            assert!((found / expected - 1.0).abs() < 0.08, "{name}: {found}");
            named += 1;
        }
        assert_eq!(named, 11);
        let mut drawn = 0;
        for (name, values) in &plain {
            let values: Vec<f32> = values.try_to_vec().unwrap();
            let is_constant = values.windows(2).all(|two| two[0] == two[1]);
            assert_eq!(config.deviation(name).is_none(), is_constant, "{name}");
            drawn += usize::from(!is_constant);
        }
        assert_eq!(drawn, 4 + 4 * 2 + 3 + 4 * 3);
    }

    #[test]
    fn impossible_shapes_name_their_key() {
        let wrong = Towers {
            heads: 3,
            ..towers()
        };
        let said = TwoTowerConfig::asked(&wrong, 600).unwrap_err().to_string();
        assert!(said.contains("num_attention_heads"), "{said}");
        let wrong = Towers {
            text_width: usize::MAX,
            ..towers()
        };
        assert!(TwoTowerConfig::asked(&wrong, 600).is_err());
    }
}
