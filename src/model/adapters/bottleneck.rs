//! Bottleneck adapters (Houlsby et al., ICML 2019) behind the MLP of every layer of both towers, inside its residual:
//! `x += m + Up(gelu(Down m))`, `m = MLP(ln₂ x)`. Up starts at zero, so that nothing changes yet (the paper: near the identity);
//! Down as PyTorch starts a linear layer.
//!
//! The paper puts a second one behind attention and trains the norms too; of CLIP's towers the one behind the MLP alone is
//! usual, and it stands where HarMA's does, which it is compared with. GELU is the exact one, whatever the tower has.

use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::dual::Dual;
use crate::model::layers::{Init, Linear};
use crate::model::pass::{Inserted, Pass};
use crate::model::two_tower::TwoTowerConfig;
use crate::model::{ModelError, limits, ops};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Settings of bottleneck adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BottleneckSettings {
    /// r: width that tokens are brought down to.
    pub width: usize,
}

impl Default for BottleneckSettings {
    fn default() -> Self {
        Self { width: 64 }
    }
}

impl BottleneckSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        limits::sizes(&[("width of the bottleneck", self.width, 65_536)])?;
        Ok(self)
    }
}

/// The adapter of one layer.
#[derive(Module, Debug)]
pub struct Adapter {
    down: Linear,
    up: Linear,
}

/// The adapters of one tower.
struct OfTower<'a>(&'a [Adapter]);

impl Inserted for OfTower<'_> {
    fn after_mlp(&self, index: usize, added: Dual<3>, pass: &mut Pass) -> Dual<3> {
        let Some(adapter) = self.0.get(index) else {
            return added;
        };
        let hidden = ops::gelu(adapter.down.forward(added.clone(), pass));
        added + adapter.up.forward(hidden, pass)
    }
}

/// The adapters of both towers.
#[derive(Module, Debug)]
pub struct Bottleneck {
    image: Vec<Adapter>,
    text: Vec<Adapter>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: BottleneckSettings,
}

impl Bottleneck {
    /// Fresh adapters for towers of this shape: they change nothing yet.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: BottleneckSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let settings = settings.check()?;
        let temperature = temperature::starting(start, init)?;
        let mut adapters = |layers: usize, width: usize| -> Vec<Adapter> {
            let mut adapter = || Adapter {
                down: Linear::as_torch(width, settings.width, true, init),
                up: Linear::silent(settings.width, width, init),
            };
            (0..layers).map(|_| adapter()).collect()
        };
        let (image, text) = (&towers.image, &towers.text);
        Ok(Self {
            image: adapters(image.num_hidden_layers, image.hidden_size),
            text: adapters(text.num_hidden_layers, text.hidden_size),
            temperature,
            settings,
        })
    }
}

impl Tunes for Bottleneck {
    fn settings(&self) -> Settings {
        Settings::Bottleneck(self.settings)
    }

    own_temperature!();

    fn inserted(&self, which: Which) -> Option<Box<dyn Inserted + '_>> {
        Some(Box::new(OfTower(match which {
            Which::Image => &self.image,
            Which::Text => &self.text,
        })))
    }
}
