//! MaPLe (Khattak et al., CVPR 2023): prompts of the text tower in every layer up to a depth, and a linear map a layer that
//! takes them to the image tower. Their code puts the first prompts in place of the words "a photo" of the template and
//! starts them there; here they stand before the template and start from normal values as those of deeper layers do (our
//! choice: no word of a template is known here).

use super::prompts::Prompts;
use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::dual::Dual;
use crate::model::layers::{Init, Linear};
use crate::model::pass::{Inserted, Pass};
use crate::model::two_tower::TwoTowerConfig;
use crate::model::{ModelError, ops};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of coupled prompts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MapleSettings {
    /// Prompts of a layer.
    pub tokens: usize,
    /// Layers that have some, at most those of the tower that has fewer.
    pub depth: usize,
    /// Standard deviation at the start.
    pub std: f32,
}

impl Default for MapleSettings {
    fn default() -> Self {
        Self {
            tokens: 2,
            depth: 9,
            std: 0.02,
        }
    }
}

impl MapleSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        super::some_tokens("prompts of MaPLe", self.tokens)?;
        super::some_tokens("depth of prompts", self.depth)?;
        super::deviation(self.std)?;
        Ok(self)
    }
}

/// The prompts of one layer.
#[derive(Module, Debug)]
pub struct Coupled {
    /// `[n, Dt]`.
    text: Param<Tensor<2>>,
    /// `[Dv, Dt]` with a bias.
    map: Linear,
}

/// The prompts of all layers.
#[derive(Module, Debug)]
pub struct Maple {
    layers: Vec<Coupled>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: MapleSettings,
}

impl Maple {
    /// Fresh prompts with initial values from `init`.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting; prompts that leave a text no room.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: MapleSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let settings = settings.check()?;
        super::room(settings.tokens, towers)?;
        let temperature = temperature::starting(start, init)?;
        let (image, text) = (&towers.image, &towers.text);
        let layers = image.num_hidden_layers.min(text.num_hidden_layers);
        let layers = (0..layers.min(settings.depth)).map(|_| Coupled {
            text: init.truncated_normal(settings.std, [settings.tokens, text.hidden_size]),
            map: Linear::as_torch(text.hidden_size, image.hidden_size, true, init),
        });
        Ok(Self {
            layers: layers.collect(),
            temperature,
            settings,
        })
    }
}

impl Coupled {
    fn of(&self, which: Which, pass: &Pass) -> Dual<2> {
        let text = pass.parameter(&self.text);
        let [tokens, width] = text.dims();
        match which {
            Which::Text => text,
            Which::Image => {
                let weight = pass.parameter(&self.map.weight);
                let bias = pass.optional(self.map.bias.as_ref());
                let found = ops::linear(text.reshape([1, tokens, width]), weight, bias);
                let width = found.dims()[2];
                found.reshape([tokens, width])
            }
        }
    }
}

impl Tunes for Maple {
    fn settings(&self) -> Settings {
        Settings::Maple(self.settings)
    }

    own_temperature!();

    fn text_tokens(&self) -> usize {
        self.settings.tokens
    }

    fn inserted(&self, which: Which) -> Option<Box<dyn Inserted + '_>> {
        Some(Box::new(Prompts::by(which, move |layer, pass| {
            Some(self.layers.get(layer)?.of(which, pass))
        })))
    }
}
