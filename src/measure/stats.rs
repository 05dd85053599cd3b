//! The few statistics that several measures report.

/// The standard normal quantile of a two-sided 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % interval of a proportion: `hits` of `n`. All of `[0, 1]` for `n = 0`.
///
/// Source: E. B. Wilson, *Probable inference*, JASA 1927. Unlike the normal interval it stays in
/// `[0, 1]` and has width at 0 % and 100 %.
pub fn wilson(hits: usize, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let z2 = Z95 * Z95;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

/// The 2.5 % and 97.5 % quantiles of the values (linear interpolation); `None` without values.
pub fn interval95(values: &[f64]) -> Option<[f64; 2]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let quantile = |q: f64| {
        let at = q * last as f64;
        let low = at.floor() as usize;
        let high = (low + 1).min(last);
        sorted[low] + (at - low as f64) * (sorted[high] - sorted[low])
    };
    Some([quantile(0.025), quantile(0.975)])
}

/// Student's distribution function at `t` ≥ 0 for `df` ≥ 1, by the finite sums of Abramowitz &
/// Stegun 26.7.3–4.
pub fn student(t: f64, df: usize) -> f64 {
    let theta = (t / (df as f64).sqrt()).atan();
    let (sin, cos2) = (theta.sin(), theta.cos().powi(2));
    let odd = df % 2 == 1;
    let (mut term, mut sum) = (if odd { theta.cos() } else { 1.0 }, 0.0);
    let mut k = if odd { 1 } else { 0 };
    while k + 2 <= df {
        sum += term;
        k += 2;
        term *= cos2 * (k - 1) as f64 / k as f64;
    }
    let inside = match odd {
        true => 2.0 / std::f64::consts::PI * (theta + sin * sum),
        false => sin * sum,
    };
    0.5 + inside / 2.0
}

/// Its quantile for `share` ≥ 0.5, by bisection.
pub fn student_quantile(share: f64, df: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1e4);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        match student(middle, df) < share {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_the_textbook() {
        // 15 of 50: statsmodels proportion_confint(15, 50, method="wilson")
        let [low, high] = wilson(15, 50);
        assert!(
            (low - 0.191_035_5).abs() < 1e-6 && (high - 0.437_503_6).abs() < 1e-6,
            "{low} {high}"
        );
        assert_eq!(wilson(0, 10)[0], 0.0);
        assert!(wilson(0, 10)[1] > 0.2);
    }

    #[test]
    fn quantiles_interpolate() {
        let values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(interval95(&values), Some([2.5, 97.5]));
        assert_eq!(interval95(&[]), None);
    }
}
