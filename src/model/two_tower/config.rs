//! The shape of both towers, as Hugging Face's `config.json` of a CLIP writes it.

use crate::model::ModelError;
use crate::model::architecture::clip::ClipTextConfig;
use crate::model::keys::Keys;
use crate::model::limits;
use crate::model::vit::{Kind, VitConfig};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The value of `model_type`.
pub const MODEL_TYPE: &str = "clip";

/// What `logit_scale` starts from: ln(1/0.07).
pub const LOGIT_SCALE: f64 = 2.659_260_036_932_778;

/// Checked shapes of both towers.
#[derive(Debug, Clone, PartialEq)]
pub struct TwoTowerConfig {
    /// The image tower; its kind is that of CLIP.
    pub image: VitConfig,
    /// The text tower.
    pub text: ClipTextConfig,
    /// Width of the common space.
    pub projection: usize,
}

impl TwoTowerConfig {
    /// Reads and checks a `config.json` whose `model_type` is `clip`; `path` names it in errors. As in `transformers`, the
    /// old keys `text_config_dict` and `vision_config_dict` come before the present ones.
    ///
    /// # Errors
    /// [`ModelError`] that names the key.
    pub fn read(map: &Map<String, Value>, path: &Path) -> Result<Self, ModelError> {
        let none = Map::new();
        let part = |old: &str, name: &str| {
            let found = [old, name].into_iter().find_map(|key| {
                let value = map.get(key).filter(|value| !value.is_null())?;
                Some((key.to_string(), value))
            });
            match found {
                None => Ok(&none),
                Some((_, Value::Object(part))) => Ok(part),
                Some((key, other)) => Err(ModelError::config(key, "an object", other)),
            }
        };
        let read = || {
            let text = part("text_config_dict", "text_config")?;
            let image = part("vision_config_dict", "vision_config")?;
            Self {
                image: VitConfig::read(&Keys::new(image), crate::model::vit::CLIP.name)?,
                text: ClipTextConfig::read(&Keys::new(text), "")?,
                projection: Keys::new(map).count("projection_dim", 512)?,
            }
            .check()
        };
        read().map_err(|e: ModelError| e.in_file(path))
    }

    /// Returns the configuration if a model can be built from it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the key.
    pub fn check(self) -> Result<Self, ModelError> {
        limits::sizes(&[("projection_dim", self.projection, 65_536)])?;
        if self.image.kind != Kind::Clip {
            return Err(ModelError::config(
                "vision_config",
                "CLIP's image tower",
                format!("{:?}", self.image.kind),
            ));
        }
        Ok(Self {
            image: self.image.check()?,
            text: self.text.check()?,
            projection: self.projection,
        })
    }

    /// The `config.json` that `transformers` loads.
    pub fn json(&self) -> Value {
        let part = |mut keys: Value| {
            if let Some(map) = keys.as_object_mut() {
                map.insert("projection_dim".into(), json!(self.projection));
                map.remove("id2label");
            }
            keys
        };
        json!({
            "model_type": MODEL_TYPE,
            "architectures": ["CLIPModel"],
            "projection_dim": self.projection,
            "logit_scale_init_value": LOGIT_SCALE,
            "text_config": part(self.text.keys()),
            "vision_config": part(self.image.clip_keys()),
        })
    }
}
