//! Settings of HarMA's adapters: where the paper and the released code differ, both are there.

use crate::model::ModelError;
use serde::{Deserialize, Serialize};

/// Whose formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Algorithm 1 of the paper: `f3 = λ₁·l2(MHA(gelu(l1 f2))) + (1−λ₁)·f2`, `f4 = λ₂·MHA(f3) + (1−λ₂)·f1`.
    #[default]
    Paper,
    /// The released code: `f3 = f2 + l2(g·MHA(z) + (1−g)·z)`, `z = l1 f2`; `f4 = s·f1 + (1−s)·MHA(f3)`: the gate stands on
    /// the other term.
    Released,
}

/// Which towers call the sub-adapter of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Both, as the paper says.
    #[default]
    Both,
    /// That of texts alone, as the released code does.
    Text,
}

/// Sizes and settings of the adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HarmaShape {
    /// Whose formula.
    pub form: Form,
    /// Which towers share.
    pub share: Share,
    /// Width that tokens are brought down to.
    pub rank: usize,
    /// Width of the sub-adapter, inside.
    pub share_rank: usize,
    /// Attention heads of both.
    pub heads: usize,
}

impl Default for HarmaShape {
    fn default() -> Self {
        Self {
            form: Form::default(),
            share: Share::default(),
            rank: 128,
            share_rank: 64,
            heads: 8,
        }
    }
}

impl HarmaShape {
    /// Returns the shape if adapters can be built of it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the size.
    pub fn check(self) -> Result<Self, ModelError> {
        for (what, size) in [("rank", self.rank), ("share_rank", self.share_rank)] {
            if !(1..=65_536).contains(&size) || self.heads == 0 || !size.is_multiple_of(self.heads)
            {
                let what = format!("{what} of HarMA's adapter");
                let expected = format!("1 to 65536, a multiple of its heads ({})", self.heads);
                return Err(ModelError::config(what, expected, size));
            }
        }
        Ok(self)
    }
}
