//! BitFit (Ben Zaken et al., ACL 2022): the biases of both towers train, those of the norms among them; every matrix, class
//! token and position stays as pretrained.

use super::settings::{Nothing, Settings};
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::Init;
use crate::model::parameters::{expressed, flat};
use crate::model::two_tower::{Tower, TwoTower};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Biases of their own.
#[derive(Module, Debug)]
pub struct Biases {
    /// Those of the image tower, in the order of their paths.
    image: Vec<Param<Tensor<1>>>,
    /// The same of the text tower.
    text: Vec<Param<Tensor<1>>>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
}

/// Whether a parameter is a bias.
fn is_bias(path: &str) -> bool {
    path.ends_with(".bias")
}

impl Biases {
    /// Copies of the biases of `towers`, where they lie; τ from `start` on.
    ///
    /// # Errors
    /// [`ModelError::Config`] of a temperature that is no positive number.
    pub(super) fn build(
        towers: &TwoTower,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let own = |tower: &Tower| {
            let values = flat(tower, is_bias).into_values();
            values.map(Param::from_tensor).collect()
        };
        Ok(Self {
            image: own(&towers.image),
            text: own(&towers.text),
            temperature: temperature::starting(start, init)?,
        })
    }
}

impl Tunes for Biases {
    fn settings(&self) -> Settings {
        Settings::Biases(Nothing {})
    }

    own_temperature!();

    fn tower<'t>(&'t self, which: Which, towers: &'t TwoTower) -> Cow<'t, Tower> {
        let (tower, own) = (
            towers.tower(which),
            match which {
                Which::Image => &self.image,
                Which::Text => &self.text,
            },
        );
        let paths = flat(tower, is_bias).into_keys();
        let by_path: BTreeMap<String, &Param<Tensor<1>>> = paths.zip(own).collect();
        Cow::Owned(expressed(tower.clone(), &|path, _| {
            Some(by_path.get(path)?.val())
        }))
    }
}
