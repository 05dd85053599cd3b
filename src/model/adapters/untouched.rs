//! The towers as they are: only τ trains, which no vector depends on. The row that every tuning is set against.

use super::settings::{Nothing, Settings};
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::layers::Init;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// τ alone.
#[derive(Module, Debug)]
pub struct Untouched {
    /// `[1]`.
    temperature: Param<Tensor<1>>,
}

impl Untouched {
    /// τ from `temperature` on.
    ///
    /// # Errors
    /// [`ModelError::Config`] of a temperature that is no positive number.
    pub(super) fn build(start: f64, init: &mut Init) -> Result<Self, ModelError> {
        Ok(Self {
            temperature: temperature::starting(start, init)?,
        })
    }
}

impl Tunes for Untouched {
    fn settings(&self) -> Settings {
        Settings::Untouched(Nothing {})
    }

    own_temperature!();

    fn moves_texts(&self) -> bool {
        false
    }
}
