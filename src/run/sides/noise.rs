//! What a difference is worth: the delete-a-group jackknife for measures that are no mean over
//! samples, McNemar's exact test for error rates, Holm's correction for asking often.
//!
//! A bootstrap would draw samples twice. A measure over pairs then sees pairs at distance zero, a
//! fit sees more evidence than there is, and both move by more than their noise. The jackknife
//! leaves samples out instead: Kott, *The delete-a-group jackknife*, J. Official Statistics 2001.
//! With G groups, θ₍ₐ₎ the measure without group a, SE² = (G − 1)/G Σ (θ₍ₐ₎ − θ̄)², and θ ± t·SE with
//! Student's t at G − 1 degrees of freedom. The standard error of a paired difference is that of
//! the differences θ₍ₐ₎ − θ′₍ₐ₎ of the same groups.

use crate::measure::stats::{student, student_quantile};

/// Fewest groups that give an interval.
pub const FEWEST_GROUPS: usize = 5;

/// Standard error from the values without each group; `None` for fewer than [`FEWEST_GROUPS`].
pub fn standard_error(without: &[f64]) -> Option<f64> {
    let g = without.len() as f64;
    let mean = without.iter().sum::<f64>() / g;
    let squares = without.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let error = ((g - 1.0) / g * squares).sqrt();
    (without.len() >= FEWEST_GROUPS && error.is_finite()).then_some(error)
}

/// The 95 % interval of `value`.
pub fn interval(value: f64, without: &[f64]) -> Option<[f64; 2]> {
    let half = standard_error(without)? * student_quantile(0.975, without.len() - 1);
    Some([value - half, value + half])
}

/// Two-sided p of a value that is 0 but for noise.
pub fn student_p(value: f64, without: &[f64]) -> Option<f64> {
    let error = standard_error(without)?;
    if value == 0.0 || error == 0.0 {
        return Some(if value == 0.0 { 1.0 } else { 0.0 });
    }
    let t = (value / error).abs();
    Some(2.0 * (1.0 - student(t, without.len() - 1)).max(0.0))
}

/// McNemar's exact two-sided p: of the samples that only one side gets wrong, is it as often one as the
/// other? 1 where they never part.
///
/// Source: McNemar, *Note on the sampling error of the difference between correlated proportions*,
/// Psychometrika 1947; exact by the binomial distribution.
pub fn mcnemar(a: &[bool], b: &[bool]) -> f64 {
    let count = |x: bool| a.iter().zip(b).filter(|&(&a, &b)| a == x && b != x).count();
    let (only_a, only_b) = (count(true), count(false));
    let (n, less) = (only_a + only_b, only_a.min(only_b));
    // log C(n, k) − n log 2, k from 0 on: no power leaves double precision.
    let mut log = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = log.exp();
    for k in 1..=less {
        log += ((n + 1 - k) as f64 / k as f64).ln();
        tail += log.exp();
    }
    (2.0 * tail).min(1.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_agrees_with_tables() {
        // scipy.stats.t.ppf(0.975, df), t.cdf(2, df)
        for (df, quantile, at_two) in [
            (1, 12.706_204_736, 0.852_416_382),
            (2, 4.302_652_730, 0.908_248_290),
            (4, 2.776_445_105, 0.941_941_738),
            (9, 2.262_157_163, 0.961_723_588),
            (19, 2.093_024_054, 0.969_998_982),
        ] {
            let found = student_quantile(0.975, df);
            assert!((found - quantile).abs() < 1e-6, "{df}: {found}");
            assert!((student(2.0, df) - at_two).abs() < 1e-6, "{df}");
        }
    }

    #[test]
    fn the_jackknife_of_a_mean_is_its_standard_error() {
        // One sample a group: SE of the mean is s/√n exactly.
        let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let (n, sum) = (x.len() as f64, x.iter().sum::<f64>());
        let without: Vec<f64> = x.iter().map(|v| (sum - v) / (n - 1.0)).collect();
        let spread = x.iter().map(|v| (v - sum / n).powi(2)).sum::<f64>() / (n - 1.0);
        let error = standard_error(&without).expect("groups");
        assert!((error - (spread / n).sqrt()).abs() < 1e-12);
        assert!(standard_error(&without[..4]).is_none());
        assert_eq!(student_p(0.0, &without), Some(1.0));
    }

    #[test]
    fn mcnemar_is_the_binomial_test() {
        // scipy.stats.binomtest(3, 13).pvalue, binomtest(5, 10), binomtest(10, 1000)
        let sides = |a: usize, b: usize| {
            let wrong = |first: bool| (0..a + b + 7).map(move |i| i < a + b && (i < a) == first);
            (
                wrong(true).collect::<Vec<_>>(),
                wrong(false).collect::<Vec<_>>(),
            )
        };
        for (a, b, p) in [
            (3, 10, 0.092_285_156_25),
            (10, 3, 0.092_285_156_25),
            (5, 5, 1.0),
        ] {
            let (x, y) = sides(a, b);
            assert!((mcnemar(&x, &y) - p).abs() < 1e-12, "{a} {b}");
        }
        let (x, y) = sides(10, 9990);
        let p = mcnemar(&x, &y);
        assert!((0.0..1e-300).contains(&p), "{p}");
        assert_eq!(mcnemar(&[true, false], &[true, false]), 1.0);
    }

    #[test]
    fn holm_steps_down() {
        // 4 · 0.005; 3 · 0.01; 2 · 0.03; and never less than the one before
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert!(holm(&[]).is_empty());
    }
}
