//! Tokens: what embedders give and encoders take.

use super::dual::Dual;
use burn::tensor::Tensor;

/// A token grid: rows and columns. A sequence is one row.
pub type Grid = [usize; 2];

/// A batch of token grids.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `[B, T, C]`, row by row.
    pub values: Dual<3>,
    /// How the T tokens lie.
    pub grid: Grid,
    /// `[B, T]`, 1 for tokens that others may attend to and 0 for padding; `None` = all.
    pub keep: Option<Tensor<2>>,
}

impl Tokens {
    /// Tokens without padding.
    pub fn new(values: impl Into<Dual<3>>, grid: Grid) -> Self {
        Self {
            values: values.into(),
            grid,
            keep: None,
        }
    }

    /// Other values in the same places.
    pub fn with(self, values: Dual<3>) -> Self {
        Self { values, ..self }
    }

    /// Mean over tokens (over those that are kept): `[B, C]`.
    pub fn pool(self) -> Dual<2> {
        let [batch, tokens, width] = self.values.dims();
        let mean = match self.keep {
            None => self.values.mean_dim(1),
            Some(keep) => {
                let share = keep.clone() / keep.sum_dim(1).clamp_min(1.0);
                let share = share.reshape([batch, tokens, 1]);
                self.values.linear(|t| t * share.clone()).sum_dim(1)
            }
        };
        mean.reshape([batch, width])
    }
}
