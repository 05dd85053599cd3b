//! How far the source's conditional is from the target's, for one sample.
//!
//! **Additive** divergences are functions of p = p_k(x) alone, weighted by the target conditional
//! T_c(x), without renormalising the source over the chosen classes B. They add up over pairs of a
//! target class and its source class, so that the infimum over assignments is a linear assignment problem.
//!
//! **Renormalised** divergences are what the definition literally asks: the source's conditional over
//! B is q_c = p_{a(c)} / s with s = Σ_{k∈B} p_k, and T is compared with q. The classes are coupled
//! through s (see `coupled`). Here every p counts as at least [`FLOOR`], and a target conditional is
//! scaled to sum to one.

use serde::{Deserialize, Serialize};

/// A divergence between the target's conditional and the source's.
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
    /// −Σ_c T_c log q_c.
    NllRenormalized,
    /// KL(T‖q) = Σ_c T_c log(T_c / q_c): the above less the entropy of T, so equal for labels.
    KlRenormalized,
    /// ½Σ_c |T_c − q_c|, which is 1 − q_y for a label y.
    TvRenormalized,
}

/// Probabilities below this count as this where logarithms are taken (−log 1e-12 ≈ 27.6) and in
/// renormalised divergences.
pub const FLOOR: f64 = 1e-12;

impl Divergence {
    /// All divergences.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Nll,
        Self::Brier,
        Self::Tv,
        Self::NllRenormalized,
        Self::KlRenormalized,
        Self::TvRenormalized,
    ];

    /// Whether the source is renormalised over the chosen classes.
    pub fn renormalized(self) -> bool {
        self.additive() != self
    }

    /// The additive divergence that stands in for this one where pairs are looked at alone.
    pub fn additive(self) -> Self {
        match self {
            Self::NllRenormalized | Self::KlRenormalized => Self::Nll,
            Self::TvRenormalized => Self::Error,
            other => other,
        }
    }

    /// The cost of probability `p ∈ [0, 1]`, of the additive one for a renormalised divergence.
    pub fn cost(self, p: f64) -> f64 {
        match self.additive() {
            Self::Nll => -p.max(FLOOR).ln(),
            Self::Brier => (1.0 - p) * (1.0 - p),
            _ => 1.0 - p,
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Nll => "nll",
            Self::Brier => "brier",
            Self::Tv => "tv",
            Self::NllRenormalized => "nll-renormalized",
            Self::KlRenormalized => "kl-renormalized",
            Self::TvRenormalized => "tv-renormalized",
        }
    }
}
