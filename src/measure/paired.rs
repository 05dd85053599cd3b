//! Paired comparison of two methods over seeds: the mean difference and its bootstrap interval.
//!
//! Both methods are trained from the same seeds and judged on the same samples, so differences are
//! taken seed by seed and sample by sample before anything is averaged. Replicates draw seeds and,
//! where single samples are known, samples with replacement (a two-level bootstrap), so that the
//! interval covers both the chance of training and the choice of test samples. With few seeds the
//! first is underestimated: the variance of a bootstrap over S seeds is (S − 1)/S of the true one,
//! and with one seed it is not covered at all.

use super::MeasureError;
use super::stats::interval95;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A paired difference, method minus baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Mean over seeds (and samples).
    pub mean: f64,
    /// Its bootstrap 95 % interval.
    pub interval: [f64; 2],
    /// Pairs of seeds.
    pub seeds: usize,
    /// Samples of each seed; 1 where only one value a seed is known.
    pub samples: usize,
}

/// Difference of two error rates: `method[s][i]` says whether sample `i` was answered wrongly
/// after training with seed `s`; `baseline` has the same seeds and samples.
///
/// # Errors
/// [`MeasureError::TooFew`] without a seed, a sample or a replicate; [`MeasureError::Shape`] if
/// seeds or samples do not pair up.
pub fn error_rates(
    method: &[Vec<bool>],
    baseline: &[Vec<bool>],
    replicates: usize,
    seed: u64,
) -> Result<Difference, MeasureError> {
    let number = |all: &[Vec<bool>]| -> Vec<Vec<f64>> {
        let row = |wrong: &Vec<bool>| wrong.iter().map(|w| f64::from(u8::from(*w))).collect();
        all.iter().map(row).collect()
    };
    compare(&number(method), &number(baseline), replicates, seed)
}

/// Difference of two numbers known once a seed.
///
/// # Errors
/// As [`error_rates`].
pub fn values(
    method: &[f64],
    baseline: &[f64],
    replicates: usize,
    seed: u64,
) -> Result<Difference, MeasureError> {
    let rows = |all: &[f64]| -> Vec<Vec<f64>> { all.iter().map(|v| vec![*v]).collect() };
    compare(&rows(method), &rows(baseline), replicates, seed)
}

fn compare(
    method: &[Vec<f64>],
    baseline: &[Vec<f64>],
    replicates: usize,
    seed: u64,
) -> Result<Difference, MeasureError> {
    MeasureError::at_least("pairs of seeds", 1, method.len())?;
    MeasureError::at_least("bootstrap replicates", 1, replicates)?;
    let shape = |what, expected, found| match expected == found {
        true => Ok(()),
        false => Err(MeasureError::Shape {
            what,
            expected,
            found,
        }),
    };
    shape("seeds of the baseline", method.len(), baseline.len())?;
    let samples = method[0].len();
    MeasureError::at_least("samples of a seed", 1, samples)?;
    let mut apart = Vec::with_capacity(method.len());
    for (a, b) in method.iter().zip(baseline) {
        shape("samples of a seed", samples, a.len())?;
        shape("samples of the baseline", samples, b.len())?;
        apart.push(a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f64>>());
    }
    let seeds = apart.len();
    let count = (seeds * samples) as f64;
    let mean = apart.iter().flatten().sum::<f64>() / count;
    // A stream a replicate: the same interval on any number of threads.
    let replicate = |r: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(r as u64);
        let drawn: Vec<&Vec<f64>> = (0..seeds)
            .map(|_| &apart[rng.random_range(0..seeds)])
            .collect();
        let mut total = 0.0;
        for _ in 0..samples {
            let i = rng.random_range(0..samples);
            total += drawn.iter().map(|row| row[i]).sum::<f64>();
        }
        total / count
    };
    let means: Vec<f64> = (0..replicates).into_par_iter().map(replicate).collect();
    Ok(Difference {
        mean,
        interval: interval95(&means).unwrap_or([mean; 2]),
        seeds,
        samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `share` of `n` samples wrong, spread evenly from `first` on.
    fn wrong(n: usize, share: f64, first: usize) -> Vec<bool> {
        (0..n)
            .map(|i| ((i + first) * 7919 % n) < (share * n as f64) as usize)
            .collect()
    }

    #[test]
    fn pairing_removes_what_both_share() {
        // 30 % of the samples are wrong for both, the method fails on 2 % more
        let base = wrong(1000, 0.30, 0);
        let mut more = base.clone();
        (0..1000).filter(|i| !base[*i]).step_by(35).for_each(|i| {
            more[i] = true;
        });
        let paired = error_rates(
            &[more.clone(), more.clone()],
            &[base.clone(), base],
            1000,
            0,
        )
        .unwrap();
        assert!((paired.mean - 0.02).abs() < 1e-12, "{paired:?}");
        // exact normal interval of a share of 0.02 in 1,000: ± 0.0087
        let half = (paired.interval[1] - paired.interval[0]) / 2.0;
        assert!((0.0065..0.0110).contains(&half), "{paired:?}");
        assert!(paired.interval[0] > 0.0);
    }

    #[test]
    fn seeds_that_disagree_widen_the_interval() {
        let (good, bad) = (wrong(2000, 0.1, 0), wrong(2000, 0.3, 0));
        let base = wrong(2000, 0.2, 0);
        let apart = error_rates(&[good, bad], &[base.clone(), base.clone()], 500, 1).unwrap();
        assert!(apart.mean.abs() < 1e-9);
        assert!(apart.interval[0] < -0.09 && apart.interval[1] > 0.09);
        let same = values(&[0.5, 0.5, 0.5], &[0.25, 0.25, 0.25], 100, 1).unwrap();
        assert_eq!((same.mean, same.interval), (0.25, [0.25, 0.25]));
    }

    #[test]
    fn what_does_not_pair_is_refused() {
        let one = vec![vec![true, false]];
        assert!(error_rates(&one, &[], 10, 0).is_err());
        assert!(error_rates(&one, &[vec![true]], 10, 0).is_err());
        assert!(error_rates(&[], &[], 10, 0).is_err());
        assert!(error_rates(&[vec![]], &[vec![]], 10, 0).is_err());
        assert!(error_rates(&one, &one, 0, 0).is_err());
    }

    #[test]
    fn the_interval_does_not_depend_on_threads() {
        let (a, b) = (wrong(500, 0.4, 0), wrong(500, 0.3, 3));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let (a, b) = (vec![a.clone()], vec![b.clone()]);
            pool.install(|| error_rates(&a, &b, 200, 5).unwrap())
        };
        assert_eq!(run(1), run(2));
    }
}
