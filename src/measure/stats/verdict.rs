//! The one rule by which a difference is called one. Runs, comparisons of encoders, pages and figures all
//! ask here, so that no two of them can say different things of the same numbers.
//!
//! A difference is shown where its p, corrected by Holm's method for everything that the page says, is at
//! most [`LEVEL`] and its own interval is clear of zero. A difference whose noise is not known (one seed,
//! nothing that varies) has no p, is not tested, and never shown.

/// Level of every page: of all that it calls different, falsely so with at most this probability.
pub const LEVEL: f64 = 0.05;

/// What a difference amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Below zero beyond noise.
    Lower,
    /// Above zero beyond noise.
    Higher,
    /// Within noise.
    NotShown,
    /// Nothing says how large the noise is.
    NotTested,
}

impl Verdict {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::NotShown => "not shown",
            Self::NotTested => "not tested",
        }
    }

    /// Whether a difference is shown.
    pub fn shown(self) -> bool {
        matches!(self, Self::Lower | Self::Higher)
    }
}

/// A difference as far as the rule needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// The difference.
    pub value: f64,
    /// Its own 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Its two-sided p; `None` where nothing says how large the noise is.
    pub p: Option<f64>,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decided {
    /// p, corrected for all claims of the page.
    pub adjusted: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Decides all claims of a page together.
pub fn decide(claims: &[Claim]) -> Vec<Decided> {
    let tested: Vec<f64> = claims.iter().filter_map(|claim| claim.p).collect();
    let mut adjusted = holm(&tested).into_iter();
    let one = |claim: &Claim| {
        let Some(adjusted) = claim.p.and_then(|_| adjusted.next()) else {
            return Decided {
                adjusted: None,
                verdict: Verdict::NotTested,
            };
        };
        let clear = claim
            .interval
            .is_some_and(|[low, high]| low > 0.0 || high < 0.0);
        let verdict = if adjusted > LEVEL || !clear {
            Verdict::NotShown
        } else if claim.value < 0.0 {
            Verdict::Lower
        } else {
            Verdict::Higher
        };
        Decided {
            adjusted: Some(adjusted),
            verdict,
        }
    };
    claims.iter().map(one).collect()
}

/// Holm's step-down correction: p values that can each be held against the level of the whole family.
///
/// Source: Holm, *A simple sequentially rejective multiple test procedure*, Scand. J. Stat. 1979.
pub fn holm(ps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|&a, &b| ps[a].total_cmp(&ps[b]));
    let mut adjusted = vec![1.0; ps.len()];
    let mut most = 0.0f64;
    for (rank, &i) in order.iter().enumerate() {
        most = most.max((ps[i] * (ps.len() - rank) as f64).min(1.0));
        adjusted[i] = most;
    }
    adjusted
}

/// The claim to be below all of several others: the weakest of the claims to be below each. `None`
/// without a rival, or where the difference to one cannot be tested.
pub fn below_all(rivals: &[Option<Claim>]) -> Option<Claim> {
    let mut weakest: Option<Claim> = None;
    for rival in rivals {
        let rival = (*rival)?;
        let p = rival.p?;
        // What is not below zero is no evidence for it, however far from zero.
        let p = if rival.value < 0.0 { p } else { 1.0 };
        let rival = Claim {
            p: Some(p),
            ..rival
        };
        let high = |claim: &Claim| claim.interval.map_or(f64::INFINITY, |[_, high]| high);
        weakest = Some(match weakest {
            None => rival,
            Some(before) => Claim {
                value: before.value.max(rival.value),
                interval: match high(&before) >= high(&rival) {
                    true => before.interval,
                    false => rival.interval,
                },
                p: before.p.zip(Some(p)).map(|(a, b)| a.max(b)),
            },
        });
    }
    weakest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_steps_down() {
        // 4 · 0.005; 3 · 0.01; 2 · 0.03; and never less than the one before
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn a_verdict_needs_the_corrected_p_and_the_interval() {
        let claim = |value: f64, half: f64, p: Option<f64>| Claim {
            value,
            interval: Some([value - half, value + half]),
            p,
        };
        let all = [
            claim(-1.0, 0.5, Some(0.001)),
            claim(1.0, 0.5, Some(0.012)),
            claim(1.0, 0.5, Some(0.04)),
            claim(1.0, 2.0, Some(0.001)),
            claim(9.0, 0.1, None),
            Claim {
                interval: None,
                ..claim(9.0, 0.1, Some(1e-9))
            },
        ];
        let found: Vec<Verdict> = decide(&all).iter().map(|j| j.verdict).collect();
        use Verdict::{Higher, Lower, NotShown, NotTested};
        // 0.012 holds as the fourth of five; 0.04 as the last, alone.
        assert_eq!(
            found,
            [Lower, Higher, Higher, NotShown, NotTested, NotShown]
        );
        let many = vec![claim(1.0, 0.5, Some(0.012)); 5];
        assert!(decide(&many).iter().all(|j| j.verdict == NotShown));
        assert!(Lower.shown() && !NotTested.shown());
    }
}
