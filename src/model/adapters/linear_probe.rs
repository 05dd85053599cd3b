//! A linear classifier of the image tower's vectors of length one, in place of texts: it is fitted, not trained by steps, and
//! moves neither tower.

use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::layers::Init;
use crate::model::two_tower::TwoTowerConfig;
use crate::model::{ModelError, limits};
use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor, TensorData};
use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// Settings of a linear probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearProbeSettings {
    /// K: number of classes.
    pub classes: usize,
}

impl Default for LinearProbeSettings {
    fn default() -> Self {
        Self { classes: 2 }
    }
}

impl LinearProbeSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        limits::sizes(&[("classes of the linear probe", self.classes, 1 << 20)])?;
        Ok(self)
    }
}

/// A linear classifier.
#[derive(Module, Debug)]
pub struct LinearProbe {
    /// `[K, E]`.
    weights: Param<Tensor<2>>,
    /// `[K]`.
    intercepts: Param<Tensor<1>>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: LinearProbeSettings,
}

impl LinearProbe {
    /// One of zeros.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: LinearProbeSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let settings = settings.check()?;
        Ok(Self {
            weights: init.constant(0.0, [settings.classes, towers.projection]),
            intercepts: init.constant(0.0, [settings.classes]),
            temperature: temperature::starting(start, init)?,
            settings,
        })
    }

    /// The same with fitted numbers: weights `[K, E]` and intercepts `[K]`.
    pub fn fitted(self, weights: ArrayView2<f64>, intercepts: ArrayView1<f64>) -> Self {
        let place = (&self.weights.val().device(), self.weights.val().dtype());
        let data = |values: Vec<f64>, shape: Vec<usize>| {
            TensorData::new(values, shape).convert_dtype(match place.1 {
                DType::F64 => DType::F64,
                _ => DType::F32,
            })
        };
        let matrix = data(
            weights.iter().copied().collect(),
            vec![weights.nrows(), weights.ncols()],
        );
        let column = data(intercepts.to_vec(), vec![intercepts.len()]);
        let (matrix, column) = (
            Tensor::from_data(matrix, place),
            Tensor::from_data(column, place),
        );
        Self {
            weights: Param::initialized(self.weights.id, matrix),
            intercepts: Param::initialized(self.intercepts.id, column),
            ..self
        }
    }
}

impl Tunes for LinearProbe {
    fn settings(&self) -> Settings {
        Settings::LinearProbe(self.settings)
    }

    own_temperature!();

    fn moves_texts(&self) -> bool {
        false
    }

    fn has_scores(&self) -> bool {
        true
    }

    fn class_scores(&self, vectors: Tensor<2>) -> Tensor<2> {
        let classes = self.settings.classes;
        let scores = vectors.matmul(self.weights.val().transpose());
        scores + self.intercepts.val().reshape([1, classes])
    }
}
