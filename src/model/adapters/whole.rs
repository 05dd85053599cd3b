//! Full fine-tuning: copies of both towers, of which everything trains. The pretrained towers are not looked at again;
//! `logit_scale` is no part of it, τ takes its place as in every tuning.

use super::settings::{Nothing, Settings};
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::Init;
use crate::model::parameters::copied;
use crate::model::two_tower::{Tower, TwoTower};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use std::borrow::Cow;

/// Towers of their own.
#[derive(Module, Debug)]
pub struct Whole {
    image: Tower,
    text: Tower,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
}

impl Whole {
    /// The towers as they are now, with −ln τ as their scale: on the plain device, as one model.
    pub fn into_towers(self) -> TwoTower {
        let plain = self.valid();
        TwoTower {
            logit_scale: plain.temperature.map(|value| value.log().neg()),
            image: plain.image,
            text: plain.text,
        }
    }

    /// Copies of `towers`, where they lie (in the same memory until the first step); τ from `temperature` on.
    ///
    /// # Errors
    /// [`ModelError::Config`] of a temperature that is no positive number.
    pub(super) fn build(
        towers: &TwoTower,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            image: copied(&towers.image),
            text: copied(&towers.text),
            temperature: temperature::starting(start, init)?,
        })
    }
}

impl Tunes for Whole {
    fn settings(&self) -> Settings {
        Settings::Whole(Nothing {})
    }

    own_temperature!();

    fn tower<'t>(&'t self, which: Which, _: &'t TwoTower) -> Cow<'t, Tower> {
        Cow::Borrowed(match which {
            Which::Image => &self.image,
            Which::Text => &self.text,
        })
    }
}
