//! Prompts as a pass of one tower inserts them, whatever they are made of.
//!
//! They go where MaPLe's do (Khattak et al., CVPR 2023). Texts: in place of the embeddings behind the first token, before
//! positions are added; [`with_places`] makes room for them in the ids. Images: behind the patches, after positions and before the
//! first norm. Deeper layers put their own prompts in the same places; where a layer has none, what is there stays.

use crate::model::architecture::clip::openai::Tower;
use crate::model::dual::Dual;
use crate::model::pass::{Inserted, Pass};
use burn::tensor::{Int, Tensor};

/// The prompts of a layer, if it has some: `[B, b, D]` of every sample, or `[1, b, D]` of all.
type OfLayer<'p> = Box<dyn Fn(usize, &Pass) -> Option<Dual<3>> + 'p>;

/// The prompts of a tower.
pub struct Prompts<'p> {
    tower: Tower,
    of_layer: OfLayer<'p>,
}

impl<'p> Prompts<'p> {
    /// Those that `of_layer` gives, `[b, D]` of every layer that has some; b is the same in all.
    pub fn by(tower: Tower, of_layer: impl Fn(usize, &Pass) -> Option<Dual<2>> + 'p) -> Self {
        Self::of_samples(tower, move |layer, pass| {
            let own = of_layer(layer, pass)?;
            let [tokens, width] = own.dims();
            Some(own.reshape([1, tokens, width]))
        })
    }

    /// Those that `of_layer` gives of every sample, `[B, b, D]`.
    pub fn of_samples(
        tower: Tower,
        of_layer: impl Fn(usize, &Pass) -> Option<Dual<3>> + 'p,
    ) -> Self {
        Self {
            tower,
            of_layer: Box::new(of_layer),
        }
    }

    /// The prompts of a layer for so many samples, `[B, b, D]`.
    fn at(&self, layer: usize, batch: usize, pass: &Pass) -> Option<Dual<3>> {
        let own = (self.of_layer)(layer, pass)?;
        let [_, tokens, width] = own.dims();
        Some(own.expand([batch, tokens, width]))
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

/// Ids `[B, T]` with room for `count` tokens behind the first: the rest moves on, and what is last is cut. The caller sees to
/// it that only padding is.
pub fn with_places(ids: Tensor<2, Int>, count: usize) -> Tensor<2, Int> {
    let [batch, tokens] = ids.dims();
    let count = count.min(tokens.saturating_sub(1));
    let first = ids.clone().narrow(1, 0, 1);
    let places = first.clone().expand([batch, count]);
    let rest = ids.narrow(1, 1, tokens - 1 - count);
    Tensor::cat(vec![first, places, rest], 1)
}
