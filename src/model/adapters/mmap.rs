//! The multi-modal alignment prompts of MmAP (Xin et al., AAAI 2024, arXiv 2312.08636): one source prompt `Ps [m, n]` for
//! both towers and all layers, which a scaling matrix a layer and tower takes to its width, `P = K ⊗ Ps`,
//! `P[i·m + p, j·n + q] = K[i, j]·Ps[p, q]`.
//!
//! Where prompts go the paper does not say; they go where MaPLe's do ([`prompts`](super::prompts); our choice). Several are
//! joined: those of a group of tasks, then those of one task.

use super::prompts::Prompts;
use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::ModelError;
use crate::model::architecture::clip::openai::Tower;
use crate::model::dual::Dual;
use crate::model::layers::Init;
use crate::model::pass::{Inserted, Pass};
use crate::model::two_tower::TwoTowerConfig;
use crate::random::INITIAL_VALUES;
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

/// Sizes of a prompt. The paper names none of them: the defaults are ours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromptShape {
    /// Rows m of the source prompt.
    pub rows: usize,
    /// Columns n of the source prompt.
    pub columns: usize,
    /// Tokens b of the prompt of a layer.
    pub tokens: usize,
    /// Layers that have one; all where `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Standard deviation of the prompts at the start.
    pub std: f32,
    /// Prompts that are joined: one, or two of a group of tasks and of a task.
    pub joined: usize,
}

impl Default for PromptShape {
    fn default() -> Self {
        Self {
            rows: 2,
            columns: 2,
            tokens: 4,
            depth: None,
            std: 0.02,
            joined: 1,
        }
    }
}

impl PromptShape {
    /// Layers with prompts, of a tower's.
    fn deep(&self, layers: usize) -> usize {
        self.depth.unwrap_or(layers).min(layers)
    }

    /// Tokens of all joined prompts.
    pub fn all_tokens(&self) -> usize {
        self.tokens.saturating_mul(self.joined)
    }

    /// Returns the shape if it is possible, whatever the towers.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names what divides what.
    pub fn possible(self) -> Result<Self, ModelError> {
        if self.rows == 0 || self.tokens == 0 || !self.tokens.is_multiple_of(self.rows) {
            let expected = format!("a multiple of its {} rows", self.rows);
            return Err(ModelError::config(
                "tokens of a prompt",
                expected,
                self.tokens,
            ));
        }
        if !(1..=2).contains(&self.joined) {
            let expected = "1, or 2 of a group and a task";
            return Err(ModelError::config("joined prompts", expected, self.joined));
        }
        if self.columns == 0 {
            let what = "columns of the source prompt";
            return Err(ModelError::config(what, "at least 1", 0));
        }
        if self.depth == Some(0) {
            return Err(ModelError::config("depth of prompts", "at least 1", 0));
        }
        super::deviation(self.std)?;
        Ok(self)
    }

    /// Checks that prompts of this shape fit both towers.
    ///
    /// # Errors
    /// As [`possible`](Self::possible); columns that divide no width; prompts that leave a text no room.
    pub fn check(&self, towers: &TwoTowerConfig) -> Result<(), ModelError> {
        self.possible()?;
        for (what, width) in [
            ("text", towers.text.hidden_size),
            ("image", towers.image.hidden_size),
        ] {
            if !width.is_multiple_of(self.columns) {
                let expected = format!("a divisor of {width}, the width of the {what} tower");
                let what = "columns of the source prompt";
                return Err(ModelError::config(what, expected, self.columns));
            }
        }
        super::room(self.all_tokens(), towers)
    }
}

/// One prompt for all layers of both towers.
#[derive(Module, Debug)]
pub struct Prompt {
    /// `[m, n]`.
    source: Param<Tensor<2>>,
    /// A layer's `[b/m, Dt/n]`.
    text: Vec<Param<Tensor<2>>>,
    /// A layer's `[b/m, Dv/n]`.
    image: Vec<Param<Tensor<2>>>,
}

/// `K ⊗ S`: `[a, c]` and `[m, n]` → `[a·m, c·n]`.
fn kronecker(scale: Dual<2>, source: Dual<2>) -> Dual<2> {
    let ([a, c], [m, n]) = (scale.dims(), source.dims());
    let product = scale.reshape([a, 1, c, 1]) * source.reshape([1, m, 1, n]);
    product.reshape([a * m, c * n])
}

impl Prompt {
    /// A fresh prompt: source and scales are normal with a deviation of √std each, so that prompts have `std`.
    ///
    /// # Errors
    /// As [`PromptShape::check`].
    pub fn new(
        towers: &TwoTowerConfig,
        shape: &PromptShape,
        seed: u64,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, ModelError> {
        let mut rng = INITIAL_VALUES.rng(seed, &[]);
        let mut init = Init {
            device,
            dtype,
            rng: Some(&mut rng),
        };
        Self::build(towers, shape, &mut init)
    }

    /// The same with initial values from `init`.
    fn build(
        towers: &TwoTowerConfig,
        shape: &PromptShape,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        shape.check(towers)?;
        let (each, (m, n)) = (shape.std.sqrt(), (shape.rows, shape.columns));
        let source = init.truncated_normal(each, [m, n]);
        let mut scales = |layers: usize, width: usize| {
            let size = [shape.tokens / m, width / n];
            (0..shape.deep(layers))
                .map(|_| init.truncated_normal(each, size))
                .collect()
        };
        let (text, image) = (&towers.text, &towers.image);
        Ok(Self {
            source,
            text: scales(text.num_hidden_layers, text.hidden_size),
            image: scales(image.num_hidden_layers, image.hidden_size),
        })
    }

    /// The prompt `[b, D]` of a layer of a tower; `None` below its depth.
    pub fn of_layer(&self, tower: Tower, layer: usize, pass: &Pass) -> Option<Dual<2>> {
        let scales = match tower {
            Tower::Image => &self.image,
            Tower::Text => &self.text,
        };
        let scale = pass.parameter(scales.get(layer)?);
        Some(kronecker(scale, pass.parameter(&self.source)))
    }
}

/// The prompts of a layer one after the other, `[Σ b, D]`.
fn joined(parts: &[&Prompt], tower: Tower, layer: usize, pass: &Pass) -> Option<Dual<2>> {
    let all: Option<Vec<_>> = parts
        .iter()
        .map(|prompt| prompt.of_layer(tower, layer, pass))
        .collect();
    Some(Dual::cat(all.filter(|all| !all.is_empty())?, 0))
}

impl<'p> Prompts<'p> {
    /// Those of one tower, joined in order.
    pub fn of(parts: Vec<&'p Prompt>, tower: Tower) -> Self {
        Self::by(tower, move |layer, pass| joined(&parts, tower, layer, pass))
    }
}

/// Joined prompts as a tuning.
#[derive(Module, Debug)]
pub struct Mmap {
    /// A group's, then a task's; or one alone.
    prompts: Vec<Prompt>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    shape: PromptShape,
}

impl Mmap {
    /// Fresh prompts with initial values from `init`.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        shape: PromptShape,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        shape.check(towers)?;
        let temperature = temperature::starting(start, init)?;
        let prompts = (0..shape.joined).map(|_| Prompt::build(towers, &shape, init));
        Ok(Self {
            prompts: prompts.collect::<Result<_, _>>()?,
            temperature,
            shape,
        })
    }

    /// These prompts and then those of `own`, as one tuning with the temperature of `own`.
    pub(super) fn then(&self, own: &Self) -> Self {
        Self {
            prompts: [self.prompts.clone(), own.prompts.clone()].concat(),
            temperature: own.temperature.clone(),
            shape: PromptShape {
                joined: self.shape.joined + own.shape.joined,
                ..own.shape
            },
        }
    }
}

impl Tunes for Mmap {
    fn settings(&self) -> Settings {
        Settings::Mmap(self.shape)
    }

    own_temperature!();

    fn text_tokens(&self) -> usize {
        self.shape.all_tokens()
    }

    fn inserted(&self, which: Tower) -> Option<Box<dyn Inserted + '_>> {
        Some(Box::new(Prompts::of(self.prompts.iter().collect(), which)))
    }
}
