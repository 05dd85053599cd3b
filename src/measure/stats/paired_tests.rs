//! Tests of paired differences: what pairing takes away, what each source of noise adds, and simulations of
//! equal methods, which must not be told apart in more than one page of twenty.

use super::*;
use crate::measure::calibrate::{covers, holds, repetitions};
use crate::measure::verdict::decide;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const DRAWS: Draws = Draws {
    groups: None,
    replicates: 200,
    seed: 0,
};

/// `share` of `n` samples wrong, spread evenly from `first` on.
fn wrong(n: usize, share: f64, first: usize) -> Vec<bool> {
    (0..n)
        .map(|i| ((i + first) * 7919 % n) < (share * n as f64) as usize)
        .collect()
}

#[test]
fn pairing_removes_what_both_share() {
    // 30 % of the samples are wrong for both, the method fails on 2 % more.
    let base = wrong(1000, 0.30, 0);
    let mut more = base.clone();
    (0..1000).filter(|i| !base[*i]).step_by(35).for_each(|i| {
        more[i] = true;
    });
    let paired = error_rates(&[more], &[base], &DRAWS).unwrap();
    assert!((paired.mean - 0.02).abs() < 1e-12, "{paired:?}");
    // Exact normal interval of a share of 0.02 in 1,000: ± 0.0087.
    let [low, high] = paired.interval.unwrap();
    assert!((0.0080..0.0110).contains(&((high - low) / 2.0)) && low > 0.0);
    // But one seed says nothing of others.
    assert_eq!(paired.p, None);
}

#[test]
fn seeds_that_disagree_widen_the_interval() {
    let (good, bad) = (wrong(2000, 0.1, 0), wrong(2000, 0.3, 0));
    let base = wrong(2000, 0.2, 0);
    let apart = error_rates(&[good, bad], &[base.clone(), base.clone()], &DRAWS).unwrap();
    assert!(apart.mean.abs() < 1e-9 && apart.p.unwrap() > 0.99);
    // Student's t of ±0.1 at one degree of freedom: 12.7 · 0.1, cut to the range of a difference.
    assert_eq!(apart.interval, Some([-1.0, 1.0]));
    // The seeds of digits in suite real-more: +9.0, +1.0, +15.7 points, p = 0.18 by scipy.stats.ttest_1samp.
    let digits = values(&[0.090, 0.010, 0.157], &[0.0; 3]).unwrap();
    assert!((digits.p.unwrap() - 0.182).abs() < 0.002, "{digits:?}");
    let [low, high] = digits.interval.unwrap();
    assert!(low < 0.0 && (high - low - 2.0 * 4.302_65 * 0.042_5).abs() < 2e-3);
}

#[test]
fn what_does_not_vary_has_no_verdict_and_no_interval_of_no_width() {
    let same = values(&[0.5, 0.5, 0.5], &[0.25, 0.25, 0.25]).unwrap();
    assert_eq!((same.mean, same.interval, same.p), (0.25, None, None));
    let equal = values(&[0.5, 0.4], &[0.5, 0.4]).unwrap();
    assert_eq!((equal.interval, equal.p), (None, Some(1.0)));
    assert_eq!(values(&[0.5], &[0.25]).unwrap().p, None);
    // Nothing wrong at all: still an interval, inside the range.
    let none = vec![vec![false; 50]; 3];
    let [low, high] = mean_rate(&none, &DRAWS).unwrap().interval.unwrap();
    assert!(low == 0.0 && (0.01..0.2).contains(&high), "{high}");
    let alike = error_rates(&none, &none, &DRAWS).unwrap();
    let [low, high] = alike.interval.unwrap();
    assert!(low < 0.0 && high > 0.0 && alike.p == Some(1.0));
    let all = vec![vec![true; 50]; 2];
    let [low, high] = mean_rate(&all, &DRAWS).unwrap().interval.unwrap();
    assert!(low < 1.0 && high == 1.0);
    let one = mean_rate(&[wrong(50, 0.3, 0)], &DRAWS).unwrap();
    assert_eq!(one.interval, Some(wilson(15, 50)));
}

#[test]
fn samples_of_one_group_count_once() {
    // 20 clips of 8 chunks: on six clips the method fails, on none the baseline does.
    let n = 160;
    let groups: Vec<usize> = (0..n).map(|i| i / 8).collect();
    let fails: Vec<bool> = groups.iter().map(|g| *g < 6).collect();
    let of = |groups| {
        let draws = Draws { groups, ..DRAWS };
        let (a, b) = (vec![fails.clone(); 3], vec![vec![false; n]; 3]);
        error_rates(&a, &b, &draws).unwrap()
    };
    let (alone, whole) = (of(None), of(Some(groups.as_slice())));
    assert_eq!((alone.groups, whole.groups), (160, 20));
    let width = |d: &Difference| {
        let [low, high] = d.interval.unwrap();
        high - low
    };
    assert!(
        width(&whole) > 2.0 * width(&alone),
        "{} {}",
        width(&whole),
        width(&alone)
    );
    // Six units of one sign: 2/2⁶.
    assert!(whole.p.unwrap() >= 0.03125 && alone.p.unwrap() < 1e-4);
    // One group is no sample of groups.
    let single = of(Some(&[3; 160]));
    assert_eq!((single.p, single.interval), (None, None));
}

#[test]
fn what_does_not_pair_is_refused() {
    let one = vec![vec![true, false]];
    assert!(error_rates(&one, &[], &DRAWS).is_err());
    assert!(error_rates(&one, &[vec![true]], &DRAWS).is_err());
    assert!(error_rates(&[], &[], &DRAWS).is_err());
    assert!(error_rates(&[vec![]], &[vec![]], &DRAWS).is_err());
    let none = Draws {
        replicates: 0,
        ..DRAWS
    };
    assert!(error_rates(&one, &one, &none).is_err());
    let short = Draws {
        groups: Some(&[1]),
        ..DRAWS
    };
    assert!(error_rates(&one, &one, &short).is_err());
    assert!(values(&[], &[]).is_err() && values(&[1.0], &[]).is_err());
    assert!(mean_value(&[]).is_err());
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
        pool.install(|| error_rates(&a, &b, &DRAWS).unwrap())
    };
    assert_eq!(run(1), run(2));
}

/// What makes two equal methods look different.
#[derive(Clone, Copy)]
struct World {
    seeds: usize,
    samples: usize,
    /// Samples of a group; 1 for none.
    group: usize,
    /// Deviation, on the scale of scores, of what a training draws for all samples.
    training: f64,
    /// Of what a method has with a group of samples under every seed.
    sampling: f64,
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Errors of one method under every seed; `hard` is how hard every group is for both.
fn errors(world: World, hard: &[f64], rng: &mut ChaCha8Rng) -> Vec<Vec<bool>> {
    let own: Vec<f64> = hard.iter().map(|_| world.sampling * normal(rng)).collect();
    let seed = |_| {
        let shift = world.training * normal(rng);
        let one = |i: usize| {
            let g = i / world.group;
            hard[g] + own[g] + shift + normal(rng) > 0.5
        };
        (0..world.samples).map(one).collect()
    };
    (0..world.seeds).map(seed).collect()
}

/// Repetitions in which any of four claims about equal methods is marked.
fn marked(world: World, repetitions: usize) -> usize {
    let count = world.samples.div_ceil(world.group);
    let groups: Vec<usize> = (0..world.samples).map(|i| i / world.group).collect();
    let draws = Draws {
        groups: (world.group > 1).then_some(groups.as_slice()),
        replicates: 100,
        seed: 0,
    };
    let any = |repetition: &usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(*repetition as u64);
        let page: Vec<Claim> = (0..4)
            .map(|_| {
                let hard: Vec<f64> = (0..count).map(|_| normal(&mut rng)).collect();
                let (a, b) = (
                    errors(world, &hard, &mut rng),
                    errors(world, &hard, &mut rng),
                );
                error_rates(&a, &b, &draws).unwrap().claim()
            })
            .collect();
        decide(&page).iter().any(|decided| decided.verdict.shown())
    };
    (0..repetitions)
        .collect::<Vec<_>>()
        .par_iter()
        .filter(|r| any(r))
        .count()
}

#[test]
fn calibration_of_a_runs_verdicts() {
    let repetitions = repetitions(60, 1000);
    for seeds in [2, 3, 5] {
        for (training, sampling) in [(0.0, 0.0), (0.3, 0.0), (0.0, 0.8), (0.15, 0.8)] {
            for (samples, group) in [(40, 1), (300, 1), (160, 8)] {
                let world = World {
                    seeds,
                    samples,
                    group,
                    training,
                    sampling,
                };
                let scenario = format!(
                    "verdicts of a run, {seeds} seeds, {samples} samples in groups of {group}, noise of training {training}, of samples {sampling}"
                );
                holds(&scenario, marked(world, repetitions), repetitions);
            }
        }
    }
}

#[test]
fn calibration_of_numbers_known_once_a_seed() {
    // No difference: a bootstrap of three seeds is clear of zero in 27 %.
    let repetitions = repetitions(400, 4000);
    for seeds in [2, 3, 5, 10] {
        let mut rng = ChaCha8Rng::seed_from_u64(seeds as u64);
        let clear = (0..repetitions).filter(|_| {
            let apart: Vec<f64> = (0..seeds).map(|_| normal(&mut rng)).collect();
            let found = values(&apart, &vec![0.0; seeds]).unwrap();
            decide(&[found.claim()])[0].verdict.shown()
        });
        holds(
            &format!("numbers, {seeds} seeds"),
            clear.count(),
            repetitions,
        );
    }
}

#[test]
fn calibration_of_a_methods_own_interval() {
    let repetitions = repetitions(100, 1000);
    for (seeds, group) in [(1, 1), (3, 1), (3, 8), (5, 8)] {
        let world = World {
            seeds,
            samples: 240,
            group,
            training: if seeds == 1 { 0.0 } else { 0.2 },
            sampling: 0.8,
        };
        let groups: Vec<usize> = (0..world.samples).map(|i| i / group).collect();
        let draws = Draws {
            groups: (group > 1).then_some(groups.as_slice()),
            ..DRAWS
        };
        // Mean rate over all trainings and samples: P(N(0, 1 + 0.64 + t² + 1) > 0.5).
        let truth = {
            let mut rng = ChaCha8Rng::seed_from_u64(99);
            let spread = (2.0 + 0.64 + world.training * world.training).sqrt();
            let hits = (0..200_000).filter(|_| spread * normal(&mut rng) > 0.5);
            hits.count() as f64 / 2e5
        };
        let held = (0..repetitions).filter(|repetition| {
            let mut rng = ChaCha8Rng::seed_from_u64(*repetition as u64);
            let hard: Vec<f64> = (0..240 / group).map(|_| normal(&mut rng)).collect();
            let found = mean_rate(&errors(world, &hard, &mut rng), &draws).unwrap();
            let [low, high] = found.interval.unwrap();
            low <= truth && truth <= high
        });
        let scenario = format!("error of a method, {seeds} seeds, groups of {group}");
        covers(&scenario, held.count(), repetitions);
    }
}
