//! The multi-modal alignment prompts of MmAP (Xin et al., AAAI 2024, arXiv 2312.08636): one source prompt `Ps [m, n]` for
//! both towers and all layers, which a scaling matrix a layer and tower takes to its width, `P = K ⊗ Ps`,
//! `P[i·m + p, j·n + q] = K[i, j]·Ps[p, q]`.
//!
//! Where prompts go the paper does not say; they go where MaPLe's do (Khattak et al., CVPR 2023; our choice). Texts: in
//! place of the embeddings behind the first token, before positions are added. Images: behind the patches, after positions
//! and before the first norm. Deeper layers put their own prompts in the same places; below the depth they stay.

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
pub struct PromptShape {
    /// Rows m of the source prompt.
    pub rows: usize,
    /// Columns n of the source prompt.
    pub columns: usize,
    /// Tokens b of the prompt of a layer.
    pub tokens: usize,
    /// Layers that have one; all where `None`.
    pub depth: Option<usize>,
    /// Standard deviation of the prompts at the start.
    pub std: f32,
}

impl Default for PromptShape {
    fn default() -> Self {
        Self {
            rows: 2,
            columns: 2,
            tokens: 4,
            depth: None,
            std: 0.02,
        }
    }
}

impl PromptShape {
    /// Layers with prompts, of a tower's.
    fn deep(&self, layers: usize) -> usize {
        self.depth.unwrap_or(layers).min(layers)
    }

    /// Checks that prompts of this shape fit both towers.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names what divides what; prompts that leave a text no room.
    pub fn check(&self, towers: &TwoTowerConfig) -> Result<(), ModelError> {
        if self.rows == 0 || self.tokens == 0 || !self.tokens.is_multiple_of(self.rows) {
            let expected = format!("a multiple of its {} rows", self.rows);
            return Err(ModelError::config(
                "tokens of a prompt",
                expected,
                self.tokens,
            ));
        }
        for (what, width) in [
            ("text", towers.text.hidden_size),
            ("image", towers.image.hidden_size),
        ] {
            if self.columns == 0 || !width.is_multiple_of(self.columns) {
                let expected = format!("a divisor of {width}, the width of the {what} tower");
                let what = "columns of the source prompt";
                return Err(ModelError::config(what, expected, self.columns));
            }
        }
        // The start, the end and a word at least stay.
        let context = towers.text.max_position_embeddings;
        if self.tokens.saturating_add(3) > context {
            let expected = format!(
                "at most {}: texts have {context} tokens",
                context.saturating_sub(3)
            );
            return Err(ModelError::config(
                "tokens of a prompt",
                expected,
                self.tokens,
            ));
        }
        if self.depth == Some(0) {
            return Err(ModelError::config("depth of prompts", "at least 1", 0));
        }
        if !(self.std > 0.0 && self.std.is_finite()) {
            let expected = "a positive number";
            return Err(ModelError::config("std of prompts", expected, self.std));
        }
        Ok(())
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
        shape.check(towers)?;
        let mut rng = INITIAL_VALUES.rng(seed, &[]);
        let mut init = Init {
            device,
            dtype,
            rng: Some(&mut rng),
        };
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

/// Prompts as a pass of one tower inserts them: joined in order (a group's, then a task's).
pub struct Prompts<'p> {
    parts: Vec<&'p Prompt>,
    tower: Tower,
}

impl<'p> Prompts<'p> {
    /// Those of one tower.
    pub fn of(parts: Vec<&'p Prompt>, tower: Tower) -> Self {
        Self { parts, tower }
    }

    /// The joined prompts of a layer for so many samples, `[B, b, D]`.
    fn at(&self, layer: usize, batch: usize, pass: &Pass) -> Option<Dual<3>> {
        let all: Option<Vec<_>> = self
            .parts
            .iter()
            .map(|prompt| prompt.of_layer(self.tower, layer, pass))
            .collect();
        let joined = Dual::cat(all.filter(|all| !all.is_empty())?, 0);
        let [tokens, width] = joined.dims();
        let one = joined.reshape([1, tokens, width]);
        Some(one.expand([batch, tokens, width]))
    }
}

impl Inserted for Prompts<'_> {
    fn embedded(&self, tokens: Dual<3>, pass: &mut Pass) -> Dual<3> {
        let [batch, count, _] = tokens.dims();
        let Some(prompts) = self.at(0, batch, pass) else {
            return tokens;
        };
        match self.tower {
            Tower::Image => Dual::cat(vec![tokens, prompts], 1),
            Tower::Text => behind_first(tokens, prompts, count),
        }
    }

    fn before_layer(&self, index: usize, tokens: Dual<3>, pass: &mut Pass) -> Dual<3> {
        let [batch, count, _] = tokens.dims();
        if index == 0 {
            return tokens;
        }
        let Some(prompts) = self.at(index, batch, pass) else {
            return tokens;
        };
        match self.tower {
            Tower::Image => {
                let kept = count - prompts.dims()[1];
                Dual::cat(vec![tokens.narrow(1, 0, kept), prompts], 1)
            }
            Tower::Text => behind_first(tokens, prompts, count),
        }
    }
}

/// Prompts in place of the tokens behind the first.
fn behind_first(tokens: Dual<3>, prompts: Dual<3>, count: usize) -> Dual<3> {
    let after = 1 + prompts.dims()[1];
    let mut parts = vec![tokens.clone().narrow(1, 0, 1), prompts];
    if after < count {
        parts.push(tokens.narrow(1, after, count - after));
    }
    Dual::cat(parts, 1)
}
