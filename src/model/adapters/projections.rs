//! Both projection matrices trained from the pretrained ones on, all else frozen: what a linear probe is to classes, to
//! pairs of pictures and texts. Features before the projections stay.

use super::settings::{Nothing, Settings};
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::{Init, Linear};
use crate::model::parameters::copied;
use crate::model::two_tower::{Tower, TwoTower};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use std::borrow::Cow;

/// Projections of their own.
#[derive(Module, Debug)]
pub struct Projections {
    /// `[E, D]`.
    image: Linear,
    /// `[E, D]`.
    text: Linear,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
}

impl Projections {
    /// Copies of the projections of `towers`, where they lie; τ from `temperature` on.
    ///
    /// # Errors
    /// [`ModelError::Config`] of a temperature that is no positive number.
    pub(super) fn build(
        towers: &TwoTower,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            image: copied(&towers.image.projection),
            text: copied(&towers.text.projection),
            temperature: temperature::starting(start, init)?,
        })
    }
}

impl Tunes for Projections {
    fn settings(&self) -> Settings {
        Settings::Projections(Nothing {})
    }

    own_temperature!();

    fn tower<'t>(&'t self, which: Which, towers: &'t TwoTower) -> Cow<'t, Tower> {
        let own = match which {
            Which::Image => &self.image,
            Which::Text => &self.text,
        };
        Cow::Owned(Tower {
            projection: own.clone(),
            ..towers.tower(which).clone()
        })
    }
}
