//! What a difference is worth: the delete-a-group jackknife of everything that is measured.
//!
//! A bootstrap would draw samples twice. A measure over pairs then sees pairs at distance zero, a
//! fit sees more evidence than there is, and both move by more than their noise. The jackknife
//! leaves samples out instead: Kott, *The delete-a-group jackknife*, J. Official Statistics 2001.
//! With G folds, θ₍ₐ₎ the measure without fold a, SE² = (G − 1)/G Σ (θ₍ₐ₎ − θ̄)², and θ ± t·SE with
//! Student's t at G − 1 degrees of freedom. The standard error of a paired difference is that of
//! the differences θ₍ₐ₎ − θ′₍ₐ₎ of the same folds. Probe and neighbours learn again without each fold, so that
//! the choice of training samples and of C is in their noise. The variance of a jackknife is on average no
//! smaller than the true one (Efron and Stein, Annals of Statistics 1981). What it lacks, that nothing was ever
//! seen to differ, is made up by the sign-flip test ([`flips`](crate::measure::flips)) and a least standard error.

use crate::measure::tail::{critical, two_sided};
use crate::measure::verdict::LEVEL;

/// Fewest folds that give an interval.
pub const FEWEST_FOLDS: usize = 5;
/// N·D·min(N, D) above which measures that decompose features get no interval, as the jackknife would compute each of them
/// once a fold.
pub const MOST_WORK: f64 = 6e9;

/// Standard error from the values without each fold; `None` for fewer than [`FEWEST_FOLDS`].
pub fn standard_error(without: &[f64]) -> Option<f64> {
    let g = without.len() as f64;
    let mean = without.iter().sum::<f64>() / g;
    let squares = without.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let error = ((g - 1.0) / g * squares).sqrt();
    (without.len() >= FEWEST_FOLDS && error.is_finite()).then_some(error)
}

/// The 95 % interval of `value`, whose standard error is `least` or more; none of no width.
pub fn interval(value: f64, without: &[f64], least: f64) -> Option<[f64; 2]> {
    let error = standard_error(without)?.max(least);
    let half = error * critical(LEVEL, without.len() - 1);
    (half > 0.0).then_some([value - half, value + half])
}

/// Two-sided p of a value that is 0 but for noise; `None` where nothing says how large that is.
pub fn student_p(value: f64, without: &[f64], least: f64) -> Option<f64> {
    let error = standard_error(without)?.max(least);
    if value == 0.0 {
        return Some(1.0);
    }
    (error > 0.0).then(|| two_sided(value / error, without.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jackknife_of_a_mean_is_its_standard_error() {
        // One sample a fold: SE of the mean is s/√n exactly.
        let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let (n, sum) = (x.len() as f64, x.iter().sum::<f64>());
        let without: Vec<f64> = x.iter().map(|v| (sum - v) / (n - 1.0)).collect();
        let spread = x.iter().map(|v| (v - sum / n).powi(2)).sum::<f64>() / (n - 1.0);
        let error = standard_error(&without).expect("folds");
        assert!((error - (spread / n).sqrt()).abs() < 1e-12);
        assert!(standard_error(&without[..4]).is_none());
        assert_eq!(student_p(0.0, &without, 0.0), Some(1.0));
    }

    #[test]
    fn nothing_seen_to_vary_is_no_evidence() {
        let same = [0.5; 20];
        assert_eq!(student_p(0.5, &same, 0.0), None);
        assert_eq!(interval(0.5, &same, 0.0), None);
        let [low, high] = interval(0.5, &same, 0.1).expect("least");
        assert!((low - 0.290_7).abs() < 1e-3 && (high - 0.709_3).abs() < 1e-3);
    }
}
