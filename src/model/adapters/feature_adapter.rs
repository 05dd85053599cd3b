//! CLIP-Adapter (Gao et al., IJCV 2024): two small maps on the vectors f of pictures, behind the projection and before they
//! are brought to length one: `ratio·A(f) + (1 − ratio)·f`, `A(f) = relu(W₂ relu(W₁ f))`, E → E/4 → E without biases. As
//! published, of pictures alone; a second one for texts is a setting.
//!
//! At the start this is **not** the identity: A is drawn as PyTorch draws a linear layer, and its part of every vector is
//! noise until it is trained. Features before the projection stay.

use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::{Init, Linear};
use crate::model::two_tower::TwoTowerConfig;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation::relu};
use serde::{Deserialize, Serialize};

/// Settings of CLIP-Adapter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureAdapterSettings {
    /// The adapter's part of a vector.
    pub ratio: f64,
    /// By how much vectors are narrowed between its maps; a remainder is left out.
    pub reduction: usize,
    /// Whether texts have one too.
    pub texts: bool,
}

impl Default for FeatureAdapterSettings {
    fn default() -> Self {
        Self {
            ratio: 0.2,
            reduction: 4,
            texts: false,
        }
    }
}

impl FeatureAdapterSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        if !(self.ratio > 0.0 && self.ratio <= 1.0) {
            let what = "ratio of the feature adapter";
            return Err(ModelError::config(what, "above 0, at most 1", self.ratio));
        }
        if self.reduction == 0 {
            let what = "reduction of the feature adapter";
            return Err(ModelError::config(what, "at least 1", 0));
        }
        Ok(self)
    }
}

/// The maps of one tower's vectors.
#[derive(Module, Debug)]
pub struct Maps {
    /// `[E / reduction, E]`.
    down: Linear,
    /// `[E, E / reduction]`.
    up: Linear,
}

impl Maps {
    fn forward(&self, vectors: Tensor<2>) -> Tensor<2> {
        let map = |x: Tensor<2>, by: &Linear| relu(x.matmul(by.weight.val().transpose()));
        map(map(vectors, &self.down), &self.up)
    }
}

/// The adapters on vectors.
#[derive(Module, Debug)]
pub struct FeatureAdapter {
    image: Maps,
    text: Option<Maps>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: FeatureAdapterSettings,
}

impl FeatureAdapter {
    /// Fresh adapters for towers of this shape; they change the vectors already.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: FeatureAdapterSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let (settings, width) = (settings.check()?, towers.projection);
        let narrow = width / settings.reduction;
        if narrow == 0 {
            let what = "reduction of the feature adapter";
            let expected = format!("at most {width}, the width of vectors");
            return Err(ModelError::config(what, expected, settings.reduction));
        }
        let temperature = temperature::starting(start, init)?;
        let mut maps = || Maps {
            down: Linear::as_torch(width, narrow, false, init),
            up: Linear::as_torch(narrow, width, false, init),
        };
        Ok(Self {
            image: maps(),
            text: settings.texts.then(maps),
            temperature,
            settings,
        })
    }
}

impl Tunes for FeatureAdapter {
    fn settings(&self) -> Settings {
        Settings::FeatureAdapter(self.settings)
    }

    own_temperature!();

    fn moves_texts(&self) -> bool {
        self.settings.texts
    }

    fn vectors(&self, which: Which, vectors: Tensor<2>) -> Tensor<2> {
        let maps = match which {
            Which::Image => Some(&self.image),
            Which::Text => self.text.as_ref(),
        };
        let Some(maps) = maps else {
            return vectors;
        };
        let ratio = self.settings.ratio;
        let own = maps.forward(vectors.clone()).mul_scalar(ratio);
        own + vectors.mul_scalar(1.0 - ratio)
    }
}
