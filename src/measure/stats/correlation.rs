//! Rank correlation: do two numbers order the same things alike?

use super::Z95;

/// Fewest pairs of which an interval is given.
pub const FEWEST: usize = 6;

/// Spearman's rank correlation with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// ρ, in [−1, 1].
    pub value: f64,
    /// Its 95 % interval, from [`FEWEST`] pairs on.
    pub interval: Option<[f64; 2]>,
    /// Number of pairs.
    pub pairs: usize,
}

/// Spearman's ρ of pairs, ties at their mean rank; `None` for fewer than three pairs, for numbers that are not
/// finite, and where one side is constant.
///
/// The interval is Fisher's, `tanh(artanh ρ ± 1.96 σ)`, with the standard error of ranks,
/// `σ² = (1 + ρ²/2) / (n − 3)` (D. G. Bonett and T. A. Wright, Psychometrika 2000). It takes the pairs as
/// independent.
///
/// ```
/// use modalign::measure::stats::correlation::rank_correlation;
///
/// let found = rank_correlation(&[(1.0, 10.0), (2.0, 40.0), (3.0, 90.0)]).expect("three pairs");
/// assert_eq!(found.value, 1.0);
/// ```
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<Correlation> {
    let finite = pairs.iter().all(|(x, y)| x.is_finite() && y.is_finite());
    if pairs.len() < 3 || !finite {
        return None;
    }
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let value = pearson(&ranks(&x), &ranks(&y))?;
    let n = pairs.len();
    let ends = |rho: f64| {
        let half = Z95 * ((1.0 + rho * rho / 2.0) / (n - 3) as f64).sqrt();
        [-half, half].map(|half| (rho.atanh() + half).tanh())
    };
    let interval = (n >= FEWEST).then(|| {
        // A perfect order would leave no width: its inner end is that of the nearest other order.
        let nearest = 1.0 - 12.0 / (n * (n * n - 1)) as f64;
        if value.abs() < 1.0 {
            ends(value)
        } else if value > 0.0 {
            [ends(nearest)[0], 1.0]
        } else {
            [-1.0, -ends(nearest)[0]]
        }
    });
    Some(Correlation {
        value,
        interval,
        pairs: n,
    })
}

/// Ranks from 1, ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let before = order.partition_point(|&i| values[i] < values[tied[0]]);
        let mean = before as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&i| ranks[i] = mean);
    }
    ranks
}

/// Pearson's correlation; `None` where one side is constant.
fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (mx, my) = (mean(x), mean(y));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (dx, dy) = (x - mx, y - my);
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    (xx > 0.0 && yy > 0.0).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::stats::calibrate::{repetitions, share_covered};
    use rand::RngExt;

    /// `scipy.stats.spearmanr` 1.17.1, with ties.
    #[test]
    fn agrees_with_scipy() {
        let x = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0];
        let y = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0];
        let pairs: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        let found = rank_correlation(&pairs).expect("eight pairs");
        assert!((found.value - SCIPY).abs() < 1e-12, "{}", found.value);
        let [lower, upper] = found.interval.expect("enough pairs");
        assert!(-1.0 < lower && lower < found.value && found.value < upper && upper < 1.0);
    }
    const SCIPY: f64 = 0.198_853_681_209_924_67;

    #[test]
    fn order_alone_counts_and_what_is_undefined_is_not_guessed() {
        let up: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), f64::from(i * i))).collect();
        let found = rank_correlation(&up).expect("ten pairs");
        assert_eq!(found.value, 1.0);
        let [lower, upper] = found.interval.expect("enough pairs");
        assert!(lower > 0.8 && lower < 1.0 && upper == 1.0, "{lower}");
        let down: Vec<(f64, f64)> = up.iter().map(|(x, y)| (*x, -y)).collect();
        assert_eq!(rank_correlation(&down).expect("ten pairs").value, -1.0);
        assert!(rank_correlation(&up[..2]).is_none());
        assert!(rank_correlation(&up[..4]).expect("four").interval.is_none());
        let flat: Vec<(f64, f64)> = up.iter().map(|(x, _)| (*x, 1.0)).collect();
        assert!(rank_correlation(&flat).is_none());
        assert!(rank_correlation(&[(0.0, 1.0), (1.0, f64::NAN), (2.0, 0.0)]).is_none());
    }

    #[test]
    fn interval_holds_zero_where_nothing_is_shared() {
        for pairs in [8, 15, 40] {
            let covered = share_covered(repetitions(1500, 20_000), |rng| {
                let all: Vec<(f64, f64)> =
                    (0..pairs).map(|_| (rng.random(), rng.random())).collect();
                let found = rank_correlation(&all).expect("values differ");
                let [lower, upper] = found.interval.expect("enough pairs");
                lower <= 0.0 && 0.0 <= upper
            });
            assert!(covered > 0.925, "{pairs} pairs: {covered}");
        }
    }
}
