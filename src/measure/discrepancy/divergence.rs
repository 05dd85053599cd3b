//! How far one source probability is from the target label it should stand for.
//!
//! These divergences add up over pairs of a target class and its source class, without
//! renormalising the source over the chosen classes: a function of p = p_k(x) alone, weighted by
//! the target conditional T_c(x). That is what makes the infimum over assignments a linear
//! assignment problem.

use serde::{Deserialize, Serialize};

/// An additive divergence between a target conditional and unnormalised source probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Divergence {
    /// Expected 0/1 error: 1 − p.
    #[default]
    Error,
    /// Negative log likelihood: −log p, with p no smaller than [`FLOOR`].
    Nll,
    /// Quadratic score of the class's own probability: (1 − p)².
    Brier,
    /// Total variation of the source's whole conditional from the one-hot target: ½(1 − p) +
    /// ½Σ_{others} = 1 − p for probabilities that sum to one, so equal to [`Divergence::Error`].
    Tv,
}

/// Probabilities below this count as this in [`Divergence::Nll`] (−log 1e-12 ≈ 27.6).
pub const FLOOR: f64 = 1e-12;

impl Divergence {
    /// The cost of probability `p ∈ [0, 1]`.
    pub fn cost(self, p: f64) -> f64 {
        match self {
            Self::Error | Self::Tv => 1.0 - p,
            Self::Nll => -p.max(FLOOR).ln(),
            Self::Brier => (1.0 - p) * (1.0 - p),
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Nll => "nll",
            Self::Brier => "brier",
            Self::Tv => "tv",
        }
    }
}
