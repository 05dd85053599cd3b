//! Tails of Student's distribution, and what becomes of several independent sources of noise.
//!
//! A difference of two trained methods varies with the seed of the training and with the choice of test
//! samples. Neither test alone holds its level where both vary: with ten seeds and noise of the same size
//! from either, "clear by seeds and clear by samples" marks equal methods in 11 %. The half-width of an
//! interval over both is √(Σ (t·SE)²), with each source's own standard error and Student quantile
//! (Graybill & Wang, *Confidence intervals on nonnegative linear combinations of variances*, JASA 1980:
//! the "modified large sample" interval). It holds 5 % or less for any number of seeds and any
//! proportion of the two, and is each source's own interval where the other is silent.

use super::student;

/// Beyond these degrees of freedom nothing changes to the eye; the tails stay a little heavier than normal.
const MOST_DF: usize = 200;
/// The smallest p that double precision can tell from none.
const LEAST: f64 = 1e-14;

/// One source of noise of a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source {
    /// Its standard error of the mean.
    pub error: f64,
    /// Its degrees of freedom.
    pub df: usize,
}

/// Two-sided p of Student's `t`.
pub fn two_sided(t: f64, df: usize) -> f64 {
    let outside = 2.0 * (1.0 - student(t.abs(), df.clamp(1, MOST_DF)));
    outside.clamp(LEAST, 1.0)
}

/// The t beyond which a share `p` lies on both sides together.
pub fn critical(p: f64, df: usize) -> f64 {
    // Bisection of the logarithm: with one degree of freedom small p lie at millions.
    let (mut low, mut high) = (1e-9f64, 1e16f64);
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if two_sided(middle, df) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Half the width of the interval that leaves `p` outside.
pub fn half_width(sources: &[Source], p: f64) -> f64 {
    let own = |s: &Source| {
        if s.error > 0.0 {
            (critical(p, s.df) * s.error).powi(2)
        } else {
            0.0
        }
    };
    sources.iter().map(own).sum::<f64>().sqrt()
}

/// The p at which the interval around `value` reaches zero; 1 for zero itself, `None` where nothing varies.
pub fn p_of(value: f64, sources: &[Source]) -> Option<f64> {
    if value == 0.0 {
        return Some(1.0);
    }
    let noisy: Vec<Source> = sources.iter().copied().filter(|s| s.error > 0.0).collect();
    match noisy.as_slice() {
        [] => None,
        [one] => Some(two_sided(value / one.error, one.df)),
        several => {
            let (mut low, mut high) = (LEAST, 1.0f64);
            for _ in 0..60 {
                let middle = (low * high).sqrt();
                if half_width(several, middle) > value.abs() {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            Some(high)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_tables_also_far_out() {
        // scipy.stats.t.isf(p / 2, df)
        for (p, df, t) in [
            (0.05, 1, 12.706_204_736),
            (0.05, 2, 4.302_652_730),
            (0.001, 2, 31.599_054_58),
            (1e-6, 1, 636_619.772),
        ] {
            let found = critical(p, df);
            assert!((found / t - 1.0).abs() < 1e-6, "{p} {df}: {found}");
            assert!((two_sided(t, df) / p - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn one_source_is_students_test_and_two_are_wider_than_either() {
        let (seeds, samples) = (
            Source { error: 0.3, df: 2 },
            Source {
                error: 0.2,
                df: 150,
            },
        );
        let p = p_of(1.0, &[seeds]).unwrap();
        assert!((p - two_sided(1.0 / 0.3, 2)).abs() < 1e-12);
        let both = p_of(1.0, &[seeds, samples]).unwrap();
        assert!(both > p && both < 0.2, "{both}");
        // The interval at its own p ends at zero.
        assert!((half_width(&[seeds, samples], both) - 1.0).abs() < 1e-6);
        assert_eq!(p_of(0.0, &[]), Some(1.0));
        assert_eq!(p_of(1.0, &[Source { error: 0.0, df: 3 }]), None);
    }
}
