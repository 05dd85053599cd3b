//! The embedder e: samples `[B, C, H, W]` to tokens of the encoder's width. Source models have
//! their pretraining's own; target models get one for their modality.

mod ids;
mod patches;
mod patches_1d;
mod positioned;
mod resample;
mod text;

pub use ids::IdEmbedder;
pub use patches::PatchEmbedder;
pub use patches_1d::{FIRST_POSITION, Patch1dEmbedder, stack};
pub use positioned::{Layout, PositionedEmbedder};
pub use resample::Resampling;
pub use text::{End, TextEmbedder};

use super::dual::Dual;
use super::pass::Pass;
use super::tokens::Tokens;
use burn::module::Module;
use burn::tensor::{Int, Tensor};

/// An embedder.
// A network has one: what a variant leaves empty is not worth a pointer.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Embedder {
    /// Square patches of images and fields.
    Patches(PatchEmbedder),
    /// The same with positions, behind tokens of no patch.
    Positioned(PositionedEmbedder),
    /// Patches of signals and sequences.
    Patches1d(Patch1dEmbedder),
    /// Token ids of text.
    Ids(IdEmbedder),
    /// Token ids of text, one of which ends it.
    Text(TextEmbedder),
}

impl Embedder {
    /// Channels of the samples that it takes; ids count as one.
    pub fn channels(&self) -> usize {
        match self {
            Self::Patches(patches) => patches.channels(),
            Self::Positioned(patches) => patches.channels(),
            Self::Patches1d(patches) => patches.channels(),
            Self::Ids(_) | Self::Text(_) => 1,
        }
    }

    /// The longest row of ids and the size of the vocabulary; `None` where it takes no ids.
    pub fn tables(&self) -> Option<[usize; 2]> {
        match self {
            Self::Ids(ids) => Some([ids.longest(), ids.vocabulary()]),
            Self::Text(text) => Some([text.longest(), text.vocabulary()]),
            _ => None,
        }
    }

    /// Number of tokens that it puts before the grid.
    pub fn before(&self) -> usize {
        match self {
            Self::Positioned(patches) => patches.before(),
            _ => 0,
        }
    }

    /// How many pixels of a side of `side` pixels are left out beyond the last whole patch. An embedder of a target does
    /// as its source's, and that as its publisher's: `transformers`' Swin fills patches up, all others leave out.
    pub fn left_out(&self, side: usize) -> usize {
        match self {
            Self::Patches(patches) => patches.left_out(side),
            Self::Positioned(patches) => patches.left_out(side),
            Self::Patches1d(_) | Self::Ids(_) | Self::Text(_) => 0,
        }
    }

    /// Ids `[B, T]` → tokens, `keep` as in [`IdEmbedder::forward`]; other embedders take them for a
    /// signal of one channel.
    pub fn embed_ids(
        &self,
        ids: Tensor<2, Int>,
        keep: Option<Tensor<2>>,
        pass: &mut Pass,
    ) -> Tokens {
        match self {
            Self::Ids(embedder) => embedder.forward(ids, keep, pass),
            Self::Text(embedder) => embedder.forward(ids, pass),
            _ => {
                let [batch, length] = ids.dims();
                self.forward(ids.float().reshape([batch, 1, 1, length]), pass)
            }
        }
    }

    /// `[B, C, H, W]` → tokens. Signals are `[B, C, 1, L]`, ids (as whole numbers) `[B, 1, 1, L]`.
    pub fn forward(&self, x: impl Into<Dual<4>>, pass: &mut Pass) -> Tokens {
        let x = x.into();
        match self {
            Self::Patches(patches) => patches.forward(x, pass),
            Self::Positioned(patches) => patches.forward(x, pass),
            Self::Patches1d(patches) => patches.forward(x, pass),
            Self::Ids(ids) => {
                let [batch, _, _, length] = x.dims();
                ids.forward(x.primal.int().reshape([batch, length]), None, pass)
            }
            Self::Text(text) => {
                let [batch, _, _, length] = x.dims();
                text.forward(x.primal.int().reshape([batch, length]), pass)
            }
        }
    }
}
