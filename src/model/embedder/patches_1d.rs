//! The 1D embedder e (docs/method.md: `C×L` cut into N patches, a linear map, LayerNorm, learnable
//! positions), as ORCA builds it: the positions are added **after** the norm and start at row 2 of
//! RoBERTa's table.

use crate::model::dual::Dual;
use crate::model::layers::{Init, LayerNorm};
use crate::model::ops;
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use crate::suite::parts::EmbedderInit;
use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

/// First row of the position table that is used: RoBERTa counts from its padding id plus one.
pub const FIRST_POSITION: usize = 2;

/// The smallest divisor of `length` that leaves at most `longest` patches (ORCA's rule).
pub fn stack(length: usize, longest: usize) -> usize {
    (1..=length)
        .find(|i| length.is_multiple_of(*i) && length / i <= longest)
        .unwrap_or(length.max(1))
}

/// Strided 1D convolution, LayerNorm, positions.
#[derive(Module, Debug)]
pub struct Patch1dEmbedder {
    /// `[out, C, stack]`, as a convolution's.
    weight: Param<Tensor<3>>,
    /// `[out]`.
    bias: Param<Tensor<1>>,
    norm: LayerNorm,
    /// `[positions, out]`.
    positions: Param<Tensor<2>>,
}

impl Patch1dEmbedder {
    /// An embedder of `channels` channels in patches of `stack` values, for an encoder of width
    /// `out` with `source` positions (as many random ones if `how` is random).
    ///
    /// The projection starts from Xavier's uniform values with gain √2, as ORCA's does: text has
    /// no projection that could be tiled.
    pub fn new(
        [channels, stack, out]: [usize; 3],
        source: Tensor<2>,
        how: EmbedderInit,
        init: &mut Init,
    ) -> Self {
        let fan = [channels * stack, out * stack];
        let positions = match how {
            EmbedderInit::Random => init.truncated_normal(0.02, source.dims()),
            EmbedderInit::SourceTiled => {
                let shape = source.dims();
                let values = source.cast(DType::F32).into_data().try_to_vec();
                init.parameter(values.unwrap_or_default(), shape)
            }
        };
        Self {
            weight: init.xavier_uniform(std::f32::consts::SQRT_2, fan, [out, channels, stack]),
            bias: init.constant(0.0, [out]),
            norm: LayerNorm::new(out, 1e-5, init),
            positions,
        }
    }

    /// Placeholders for a checkpoint's values; `positions` counts the rows of the table.
    pub fn blank([out, channels, stack]: [usize; 3], positions: usize, init: &mut Init) -> Self {
        Self {
            weight: init.truncated_normal(0.02, [out, channels, stack]),
            bias: init.constant(0.0, [out]),
            norm: LayerNorm::new(out, 1e-5, init),
            positions: init.truncated_normal(0.02, [positions, out]),
        }
    }

    /// Input channels.
    pub fn channels(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Values of a patch.
    pub fn stack(&self) -> usize {
        self.weight.dims()[2]
    }

    /// The longest signal that has positions.
    pub fn longest(&self) -> usize {
        self.positions.dims()[0].saturating_sub(FIRST_POSITION) * self.stack()
    }

    /// `[B, C, 1, L]` → tokens `[B, N, out]`, N = ⌈L / stack⌉; a rest is padded with zeros. L is at
    /// most [`Patch1dEmbedder::longest`]: whoever builds the model checks.
    pub fn forward(&self, x: Dual<4>, pass: &Pass) -> Tokens {
        let [out, channels, stack] = self.weight.dims();
        let x = x.linear(|t| super::patches::pad(t, [1, stack]));
        let [batch, _, _, length] = x.dims();
        let patches = length / stack;
        let x = x
            .reshape([batch, channels, patches, stack])
            .permute([0, 2, 1, 3])
            .reshape([batch, patches, channels * stack]);
        let kernel = pass
            .parameter(&self.weight)
            .reshape([out, channels * stack]);
        let projected = ops::linear(x, kernel, Some(pass.parameter(&self.bias)));
        let positions = pass
            .parameter(&self.positions)
            .narrow(0, FIRST_POSITION, patches)
            .reshape([1, patches, out]);
        Tokens::new(self.norm.forward(projected, pass) + positions, [1, patches])
    }
}
