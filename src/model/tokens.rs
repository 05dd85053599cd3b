//! Tokens: what embedders give and encoders take.

use super::dual::Dual;
use burn::tensor::Tensor;

/// A token grid: rows and columns. A sequence is one row.
pub type Grid = [usize; 2];

/// A batch of token grids.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `[B, T, C]`: the tokens before the grid, then the grid row by row.
    pub values: Dual<3>,
    /// How the last tokens lie.
    pub grid: Grid,
    /// Number of tokens before the grid: class, distillation and register tokens.
    pub before: usize,
    /// `[B, T]`, 1 for tokens that others may attend to and 0 for padding; `None` = all.
    pub keep: Option<Tensor<2>>,
    /// `[B, T]`, 1 for the token that ends a text and 0 for all others; `None` where there is no such token.
    pub end: Option<Tensor<2>>,
    /// The features `[B, D]` of the samples, where an encoder that does not take means has made them.
    pub pooled: Option<Dual<2>>,
}

impl Tokens {
    /// A grid without padding and without tokens before it.
    pub fn new(values: impl Into<Dual<3>>, grid: Grid) -> Self {
        Self {
            values: values.into(),
            grid,
            before: 0,
            keep: None,
            end: None,
            pooled: None,
        }
    }

    /// Other values in the same places.
    pub fn with(self, values: Dual<3>) -> Self {
        Self {
            values,
            pooled: None,
            ..self
        }
    }

    /// The same places with every tensor put through `value` and `place`, as from one device to another.
    pub fn moved(
        &self,
        value: impl Fn(&Dual<3>) -> Dual<3>,
        place: impl Fn(Tensor<2>) -> Tensor<2>,
    ) -> Self {
        Self {
            values: value(&self.values),
            keep: self.keep.clone().map(&place),
            end: self.end.clone().map(&place),
            pooled: None,
            ..*self
        }
    }

    /// The tokens of the grid alone.
    pub fn of_grid(self) -> Self {
        let (before, count) = (self.before, self.values.dims()[1]);
        if before == 0 {
            return self;
        }
        let rest = count.saturating_sub(before);
        Self {
            values: self.values.narrow(1, before, rest),
            keep: self.keep.map(|keep| keep.narrow(1, before, rest)),
            before: 0,
            ..self
        }
    }

    /// The token that ends every sample's text `[B, C]`; the last token where none is marked.
    pub fn ending(&self) -> Dual<2> {
        let [batch, tokens, width] = self.values.dims();
        let Some(end) = &self.end else {
            return self.token(tokens - 1);
        };
        let end = end.clone().reshape([batch, tokens, 1]);
        let only = self.values.clone().linear(|t| t * end.clone());
        only.sum_dim(1).reshape([batch, width])
    }

    /// One of the tokens of every sample: `[B, C]`.
    pub fn token(&self, index: usize) -> Dual<2> {
        let [batch, _, width] = self.values.dims();
        let one = self.values.clone().narrow(1, index, 1);
        one.reshape([batch, width])
    }

    /// The feature of every sample, as the encoder has made it; else the mean over the grid's tokens (over those that
    /// are kept): `[B, C]`.
    pub fn pool(self) -> Dual<2> {
        if let Some(pooled) = self.pooled {
            return pooled;
        }
        let Self { values, keep, .. } = self.of_grid();
        let [batch, tokens, width] = values.dims();
        let mean = match keep {
            None => values.mean_dim(1),
            Some(keep) => {
                let share = keep.clone() / keep.sum_dim(1).clamp_min(1.0);
                let share = share.reshape([batch, tokens, 1]);
                values.linear(|t| t * share.clone()).sum_dim(1)
            }
        };
        mean.reshape([batch, width])
    }
}
