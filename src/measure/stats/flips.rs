//! The sign-flip test: are paired differences as often in favour of the one as of the other?
//!
//! If two methods are equal, each unit's difference (of a sample; of all samples of a clip or a person)
//! might as well have the other sign. p is the share of all sign patterns whose sum is at least as far
//! from zero as the one found. It is exact however few units there are and so demands evidence by itself:
//! five units that all speak for one side have p = 0.06. For single samples predicted rightly or
//! wrongly it is McNemar's exact test.
//!
//! Sources: Fisher, *The Design of Experiments*, 1935, §21; McNemar, *Note on the sampling error of the
//! difference between correlated proportions*, Psychometrika 1947.

use super::tail::two_sided;

/// Beyond so many units the sum of signs is normal.
const MOST: usize = 1000;
/// Steps of the lattice on which sums of weights that are no whole numbers are counted.
const STEPS: f64 = 20_000.0;
/// Degrees of freedom that stand for the normal distribution; its tails are a little heavier.
const NORMAL: usize = 200;

/// Two-sided p of the sum of `units`; 1 where none differs from zero. Exact for whole numbers; weights are
/// rounded to a lattice, with p rounded up.
pub fn sign_flip(units: &[f64]) -> f64 {
    let sizes: Vec<f64> = units.iter().map(|u| u.abs()).filter(|u| *u > 0.0).collect();
    let total: f64 = sizes.iter().sum();
    let found = units.iter().sum::<f64>().abs();
    if sizes.is_empty() || found <= 1e-12 * total {
        return 1.0;
    }
    if sizes.len() > MOST {
        let spread = sizes.iter().map(|s| s * s).sum::<f64>().sqrt();
        return two_sided(found / spread, NORMAL);
    }
    let whole = sizes.iter().all(|s| s.fract() == 0.0) && total <= STEPS;
    let (step, slack) = if whole {
        (1.0, 0.0)
    } else {
        // Rounding shifts a sum by about √(m/12) steps; a whole √m is on the safe side.
        (total / STEPS, (sizes.len() as f64).sqrt() + 1.0)
    };
    let sizes: Vec<usize> = sizes.iter().map(|s| (s / step).round() as usize).collect();
    let all: usize = sizes.iter().sum();
    // Share of patterns by the sum of the units that stay positive.
    let mut share = vec![0.0f64; all + 1];
    share[0] = 1.0;
    let mut reached = 0;
    for size in sizes {
        reached += size;
        for sum in (0..=reached).rev() {
            let with = if sum >= size { share[sum - size] } else { 0.0 };
            share[sum] = 0.5 * (share[sum] + with);
        }
    }
    let least = found / step - slack - 1e-9;
    let sums = share.iter().enumerate();
    let far = sums.filter(|(sum, _)| (2.0 * *sum as f64 - all as f64).abs() >= least);
    far.map(|(_, share)| share).sum::<f64>().min(1.0)
}

/// The sum of `values` over every group, in the order of groups; every value for itself without groups.
pub fn by_group(values: &[f64], groups: Option<&[usize]>) -> Vec<f64> {
    let Some(groups) = groups else {
        return values.to_vec();
    };
    let mut sums = std::collections::BTreeMap::<usize, f64>::new();
    for (value, group) in values.iter().zip(groups) {
        *sums.entry(*group).or_insert(0.0) += value;
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By all patterns.
    fn enumerated(units: &[f64]) -> f64 {
        let found = units.iter().sum::<f64>().abs() - 1e-9;
        let far = |pattern: &usize| {
            let sign = |i: usize| if pattern >> i & 1 == 1 { 1.0 } else { -1.0 };
            let sum: f64 = units.iter().enumerate().map(|(i, u)| sign(i) * u).sum();
            sum.abs() >= found
        };
        let all = 1usize << units.len();
        (0..all).filter(far).count() as f64 / all as f64
    }

    fn signs(plus: usize, minus: usize) -> Vec<f64> {
        [vec![1.0; plus], vec![-1.0; minus], vec![0.0; 7]].concat()
    }

    #[test]
    fn of_single_samples_it_is_mcnemars_test() {
        // scipy.stats.binomtest(3, 13).pvalue, binomtest(5, 10)
        assert!((sign_flip(&signs(3, 10)) - 0.092_285_156_25).abs() < 1e-12);
        assert!((sign_flip(&signs(10, 3)) - 0.092_285_156_25).abs() < 1e-12);
        assert_eq!(sign_flip(&signs(5, 5)), 1.0);
        assert_eq!(sign_flip(&[0.0; 4]), 1.0);
        assert_eq!(sign_flip(&[]), 1.0);
        // binomtest(400, 900): 0.000988...
        let p = sign_flip(&signs(400, 500));
        assert!((0.0009..0.0011).contains(&p), "{p}");
        // Many units: close to the normal distribution, and finite.
        assert!((0.0..1e-12).contains(&sign_flip(&signs(10, 9990))));
    }

    #[test]
    fn few_units_cannot_show_anything() {
        assert_eq!(sign_flip(&[1.0, 1.0]), 0.5);
        assert_eq!(sign_flip(&[3.0; 5]), 0.0625);
        assert_eq!(sign_flip(&[3.0; 6]), 0.03125);
    }

    #[test]
    fn weights_agree_with_all_patterns_and_are_never_more_sure() {
        let cases = [
            vec![3.0, -1.0, 2.0, 2.0, 5.0, 4.0, 1.0],
            vec![
                0.31, 0.12, -0.05, 0.44, 0.27, 0.19, 0.08, 0.33, -0.21, 0.4, 0.02,
            ],
            vec![0.5, 1.0 / 3.0, 1.0 / 3.0, -0.25, 0.25, 0.25, 0.1, 0.1, 0.9],
        ];
        for units in cases {
            let (found, exact) = (sign_flip(&units), enumerated(&units));
            assert!(
                found >= exact - 1e-9 && found < 1.05 * exact + 0.002,
                "{found} for {exact}"
            );
        }
    }

    #[test]
    fn groups_are_summed_before_signs_turn() {
        let sums = by_group(&[1.0, 1.0, -1.0, 1.0], Some(&[7, 7, 2, 2]));
        assert_eq!(sums, [0.0, 2.0]);
        assert_eq!(by_group(&[1.0, 2.0], None), [1.0, 2.0]);
    }
}
