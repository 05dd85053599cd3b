//! LoRA (Hu et al., ICLR 2022) of both towers: the matrices of their layers move in a space of low rank,
//! `W = W⁰ + (α/r)·B·A` with `A [r, in]`, `B [out, r]`, while the pretrained ones stay.
//!
//! As in the authors' `loralib`, B starts at zero, so that nothing changes yet, and A from Kaiming's uniform values with
//! a = √5, which are U(±1/√in). Queries, keys and values are one matrix here and share one A (our choice; `loralib` gives
//! each its own where it is asked to). Nothing is dropped before A. Every forward pass adds up the matrices anew: gradients
//! flow to A and B alone, and a step costs one copy of the matrices in memory.
//!
//! The method `lora` of the transfer room does the same to a single encoder, with gradients by hand; the sum is the same
//! function, [`moved`].

use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::Init;
use crate::model::parameters::expressed;
use crate::model::two_tower::{Tower, TwoTower, TwoTowerConfig};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Which matrices of a layer move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those of attention: queries, keys and values, and the projection.
    Attention,
    /// Those of the MLP too.
    #[default]
    All,
}

/// Settings of LoRA.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LowRankSettings {
    /// r: rank of the addition; at most the width of either tower.
    pub rank: usize,
    /// α: the addition is multiplied by α / r.
    pub alpha: f64,
    /// Which matrices of a layer move.
    pub scope: Scope,
}

impl Default for LowRankSettings {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 8.0,
            scope: Scope::default(),
        }
    }
}

impl LowRankSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        if self.rank == 0 {
            return Err(ModelError::config("rank of LoRA", "at least 1", 0));
        }
        if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            let expected = "a positive number";
            return Err(ModelError::config("alpha of LoRA", expected, self.alpha));
        }
        Ok(self)
    }
}

/// `W + s·B·A`, `matrix` being W `[out·in]` row by row, of `a [r, in]` and `b [out, r]`.
pub fn moved(matrix: Tensor<1>, [a, b]: [Tensor<2>; 2], scale: f64) -> Tensor<1> {
    let count = matrix.dims()[0];
    matrix + b.matmul(a).mul_scalar(scale).reshape([count])
}

/// The factors of one matrix.
#[derive(Module, Debug)]
pub struct Factors {
    /// `[r, in]`.
    a: Param<Tensor<2>>,
    /// `[out, r]`.
    b: Param<Tensor<2>>,
}

impl Factors {
    fn new(inputs: usize, outputs: usize, rank: usize, init: &mut Init) -> Self {
        let bound = 1.0 / (inputs as f32).sqrt();
        Self {
            a: init.uniform(bound, [rank, inputs]),
            b: init.constant(0.0, [outputs, rank]),
        }
    }
}

/// The factors of one layer.
#[derive(Module, Debug)]
pub struct OfLayer {
    qkv: Factors,
    projection: Factors,
    fc1: Option<Factors>,
    fc2: Option<Factors>,
}

impl OfLayer {
    fn new([width, hidden]: [usize; 2], settings: &LowRankSettings, init: &mut Init) -> Self {
        let mlp = settings.scope == Scope::All;
        let mut factors =
            |inputs: usize, outputs: usize| Factors::new(inputs, outputs, settings.rank, init);
        Self {
            qkv: factors(width, 3 * width),
            projection: factors(width, width),
            fc1: mlp.then(|| factors(width, hidden)),
            fc2: mlp.then(|| factors(hidden, width)),
        }
    }

    /// Its factors by the path of their matrix in the tower.
    fn named(&self, index: usize) -> impl Iterator<Item = (String, &Factors)> {
        let all = [
            ("qkv", Some(&self.qkv)),
            ("projection", Some(&self.projection)),
            ("mlp.fc1", self.fc1.as_ref()),
            ("mlp.fc2", self.fc2.as_ref()),
        ];
        all.into_iter().filter_map(move |(name, factors)| {
            Some((format!("encoder.layers.{index}.{name}.weight"), factors?))
        })
    }
}

/// The factors of all layers of both towers.
#[derive(Module, Debug)]
pub struct LowRank {
    image: Vec<OfLayer>,
    text: Vec<OfLayer>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: LowRankSettings,
}

impl LowRank {
    /// Fresh factors for towers of this shape: they change nothing yet.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: LowRankSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let settings = settings.check()?;
        let (image, text) = (&towers.image, &towers.text);
        let most = image.hidden_size.min(text.hidden_size);
        if settings.rank > most {
            let expected = format!("at most {most}, the width of a tower");
            return Err(ModelError::config("rank of LoRA", expected, settings.rank));
        }
        let temperature = temperature::starting(start, init)?;
        let mut layers = |count: usize, sizes: [usize; 2]| -> Vec<OfLayer> {
            (0..count)
                .map(|_| OfLayer::new(sizes, &settings, init))
                .collect()
        };
        Ok(Self {
            image: layers(
                image.num_hidden_layers,
                [image.hidden_size, image.intermediate_size],
            ),
            text: layers(
                text.num_hidden_layers,
                [text.hidden_size, text.intermediate_size],
            ),
            temperature,
            settings,
        })
    }
}

impl Tunes for LowRank {
    fn settings(&self) -> Settings {
        Settings::LowRank(self.settings)
    }

    own_temperature!();

    fn tower<'t>(&'t self, which: Which, towers: &'t TwoTower) -> Cow<'t, Tower> {
        let layers = match which {
            Which::Image => &self.image,
            Which::Text => &self.text,
        };
        let named = layers.iter().enumerate();
        let factors: BTreeMap<String, &Factors> = named
            .flat_map(|(index, layer)| layer.named(index))
            .collect();
        let scale = self.settings.alpha / self.settings.rank as f64;
        let matrix = |path: &str, matrix: Tensor<1>| {
            let Factors { a, b } = factors.get(path)?;
            Some(moved(matrix, [a.val(), b.val()], scale))
        };
        Cow::Owned(expressed(towers.tower(which).clone(), &matrix))
    }
}
