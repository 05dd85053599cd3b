//! Deep visual prompt tuning (Jia et al., ECCV 2022) of CLIP's image tower: prompts of their own in every layer up to a depth,
//! the texts as pretrained. The paper puts them between class token and patches; here they stand behind the patches, which
//! is the same function, as no position is added to them. They start uniform within √(6 / (3·patch² + D)), as in the paper.

use super::prompts::Prompts;
use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::Init;
use crate::model::pass::Inserted;
use crate::model::two_tower::TwoTowerConfig;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of visual prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisualPromptSettings {
    /// Prompts of a layer.
    pub tokens: usize,
    /// Layers that have some; all where `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
}

impl Default for VisualPromptSettings {
    fn default() -> Self {
        Self {
            tokens: 8,
            depth: None,
        }
    }
}

impl VisualPromptSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        super::some_tokens("visual prompts", self.tokens)?;
        if self.depth == Some(0) {
            return Err(ModelError::config("depth of prompts", "at least 1", 0));
        }
        Ok(self)
    }
}

/// Prompts of the image tower.
#[derive(Module, Debug)]
pub struct VisualPrompts {
    /// A layer's `[n, Dv]`.
    layers: Vec<Param<Tensor<2>>>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: VisualPromptSettings,
}

impl VisualPrompts {
    /// Fresh prompts with initial values from `init`.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: VisualPromptSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let settings = settings.check()?;
        let (image, temperature) = (&towers.image, temperature::starting(start, init)?);
        let inputs = 3 * image.patch_size * image.patch_size + image.hidden_size;
        let bound = (6.0 / inputs as f32).sqrt();
        let depth = settings.depth.unwrap_or(usize::MAX);
        let layers = (0..image.num_hidden_layers.min(depth))
            .map(|_| init.uniform(bound, [settings.tokens, image.hidden_size]));
        Ok(Self {
            layers: layers.collect(),
            temperature,
            settings,
        })
    }
}

impl Tunes for VisualPrompts {
    fn settings(&self) -> Settings {
        Settings::VisualPrompts(self.settings)
    }

    own_temperature!();

    fn moves_texts(&self) -> bool {
        false
    }

    fn inserted(&self, which: Which) -> Option<Box<dyn Inserted + '_>> {
        match which {
            Which::Text => None,
            Which::Image => Some(Box::new(Prompts::by(which, |layer, pass| {
                Some(pass.parameter(self.layers.get(layer)?))
            }))),
        }
    }
}
