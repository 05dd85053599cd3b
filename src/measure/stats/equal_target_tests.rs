//! Tests of the difference at equal target error: its arithmetic by hand, its noise against a jackknife of the whole
//! computation, and simulations of methods that lie on the curve, of which no more than one page of twenty may be marked.

use super::*;
use crate::measure::calibrate::{holds, repetitions};
use crate::measure::stats::normal_below;
use crate::measure::verdict::{Claim, decide};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

const DRAWS: Draws = Draws {
    groups: None,
    replicates: 100,
    seed: 0,
};

/// `wrong` of `n` samples, the first ones.
fn first(n: usize, wrong: usize) -> Vec<bool> {
    (0..n).map(|i| i < wrong).collect()
}

/// Two seeds with `target` and `source` wrong predictions of 100 each.
fn encoders(target: [usize; 2], source: [usize; 2]) -> Encoders {
    Encoders {
        target: Target::Marks(target.map(|wrong| first(100, wrong)).into()),
        source: source.map(|wrong| first(100, wrong)).into(),
    }
}

/// α = 0, ½ and 1: target 0.8, 0.4, 0.3; source 0.40, 0.42, 0.48.
fn curve() -> Vec<(f64, Encoders)> {
    vec![
        (0.0, encoders([80, 80], [40, 40])),
        (0.5, encoders([39, 41], [41, 43])),
        (1.0, encoders([31, 29], [49, 47])),
    ]
}

fn against(method: &Encoders) -> Result<AtEqualTarget, Outside> {
    at_equal_target(method, &curve(), &DRAWS, &DRAWS).unwrap()
}

#[test]
fn the_curve_is_linear_between_its_points() {
    // Target 0.325: three quarters of the way from 0.4 to 0.3; source 0.42 + 0.75 · 0.06 = 0.465 there.
    let found = against(&encoders([32, 33], [44, 45])).unwrap();
    assert!((found.alpha - 0.875).abs() < 1e-12, "{found:?}");
    assert!((found.source - 0.465).abs() < 1e-12);
    assert!((found.difference.mean - (0.445 - 0.465)).abs() < 1e-12);
    assert_eq!((found.difference.seeds, found.difference.samples), (2, 100));
    assert!(found.difference.p.is_some());
    // At a point of the curve it is the plain difference.
    let found = against(&encoders([41, 39], [50, 52])).unwrap();
    assert!((found.alpha - 0.5).abs() < 1e-12 && (found.source - 0.42).abs() < 1e-12);
    assert!((found.difference.mean - 0.09).abs() < 1e-12);
}

#[test]
fn a_point_of_the_curve_itself_differs_by_nothing() {
    for point in 0..3 {
        let found = against(&curve()[point].1).unwrap();
        assert!((found.alpha - curve()[point].0).abs() < 1e-12, "{found:?}");
        assert!(found.difference.mean.abs() < 1e-12);
        let decided = decide(&[found.difference.claim()]);
        assert!(!decided[0].verdict.shown());
    }
}

#[test]
fn outside_the_curve_nothing_is_said() {
    assert_eq!(against(&encoders([29, 30], [10, 10])), Err(Outside::Below));
    assert_eq!(against(&encoders([81, 80], [10, 10])), Err(Outside::Above));
    assert!(against(&encoders([80, 80], [10, 10])).is_ok());
}

#[test]
fn a_curve_that_turns_back_is_met_at_the_least_alpha() {
    // Target 0.8, 0.3, 0.4: 0.4 is reached on the way down, at 0.8 of the first half.
    let mut folded = curve();
    folded.swap(1, 2);
    folded[1].0 = 0.5;
    folded[2].0 = 1.0;
    let method = encoders([40, 40], [44, 44]);
    let found = at_equal_target(&method, &folded, &DRAWS, &DRAWS)
        .unwrap()
        .unwrap();
    assert!((found.alpha - 0.4).abs() < 1e-12, "{found:?}");
    assert!((found.source - (0.40 + 0.8 * 0.08)).abs() < 1e-12);
    // A level part is no place to go down.
    assert_eq!(
        reached(&[0.5, 0.5, 0.4], 0.5).unwrap(),
        Place { at: 1, share: 0.0 }
    );
    assert_eq!(
        reached(&[0.5, 0.6, 0.4], 0.5).unwrap(),
        Place { at: 1, share: 0.5 }
    );
}

#[test]
fn one_seed_has_no_p_and_what_does_not_pair_is_refused() {
    let one = |all: &Encoders| Encoders {
        target: match &all.target {
            Target::Marks(marks) => Target::Marks(marks[..1].to_vec()),
            Target::Numbers(numbers) => Target::Numbers(numbers[..1].to_vec()),
        },
        source: all.source[..1].to_vec(),
    };
    let single: Vec<(f64, Encoders)> = curve().iter().map(|(a, e)| (*a, one(e))).collect();
    let method = one(&encoders([35, 35], [44, 45]));
    let found = at_equal_target(&method, &single, &DRAWS, &DRAWS)
        .unwrap()
        .unwrap();
    assert_eq!(found.difference.p, None);
    assert!(found.difference.interval.is_some());
    assert!(at_equal_target(&method, &curve(), &DRAWS, &DRAWS).is_err());
    assert!(at_equal_target(&method, &single[..1], &DRAWS, &DRAWS).is_err());
    let short = Draws {
        groups: Some(&[1]),
        ..DRAWS
    };
    assert!(at_equal_target(&method, &single, &short, &DRAWS).is_err());
    // Of one group nothing is known of others.
    let whole = Draws {
        groups: Some(&[3; 100]),
        ..DRAWS
    };
    let method = encoders([35, 36], [44, 45]);
    for draws in [[&whole, &DRAWS], [&DRAWS, &whole]] {
        let found = at_equal_target(&method, &curve(), draws[0], draws[1])
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.difference.interval, found.difference.p),
            (None, None)
        );
    }
}

#[test]
fn numbers_known_once_a_seed_count_with_the_slope_of_the_curve() {
    // The curve falls by 0.6 points of source error a point of target error; a method on it but for the
    // target metric of its seeds, which lie ± 0.02 around the curve's: ± 0.012 on the source.
    let numbers = |values: [f64; 2], source| Encoders {
        target: Target::Numbers(values.into()),
        source: [first(1000, source), first(1000, source)].into(),
    };
    let curve = [
        (0.0, numbers([0.4, 0.4], 420)),
        (1.0, numbers([0.3, 0.3], 480)),
    ];
    let method = numbers([0.33, 0.37], 450);
    let found = at_equal_target(&method, &curve, &DRAWS, &DRAWS)
        .unwrap()
        .unwrap();
    assert!(found.difference.mean.abs() < 1e-12);
    let [low, high] = found.difference.interval.unwrap();
    // Student's t of ± 0.012 at one degree of freedom is 12.706 · 0.012, and the samples add a little.
    let half = (high - low) / 2.0;
    assert!((0.1525..0.1540).contains(&half), "{half}");
}

/// A world in which a method lies on the curve.
#[derive(Clone, Copy)]
struct World {
    name: &'static str,
    /// Expected target and source errors along α.
    curve: [(f64, f64); 5],
    /// Those of the method.
    method: (f64, f64),
    seeds: usize,
    samples: usize,
    /// Samples of a group; 1 for none.
    group: usize,
    /// Deviation, on the scale of scores, of what a training draws for all samples.
    training: f64,
    /// Of what a method has with a group of samples under every seed.
    sampling: f64,
}

const CURVE: [(f64, f64); 5] = [
    (0.85, 0.40),
    (0.55, 0.405),
    (0.38, 0.42),
    (0.32, 0.44),
    (0.30, 0.46),
];

const WORLD: World = World {
    name: "at a point of the curve",
    curve: CURVE,
    method: CURVE[3],
    seeds: 3,
    samples: 200,
    group: 1,
    training: 0.1,
    sampling: 0.4,
};

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// The standard score below which a share `p` lies.
fn score(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0f64, 8.0f64);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if normal_below(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

impl World {
    /// Deviation of a score: how hard a group is, and all that follows.
    fn spread(&self) -> f64 {
        (1.0 + self.sampling.powi(2) + self.training.powi(2) + 1.0 + 0.25).sqrt()
    }

    /// Marks of one family of networks that are trained together, one list of seeds an expected error.
    fn family(&self, errors: &[f64], hard: &[f64], rng: &mut ChaCha8Rng) -> Vec<Vec<Vec<bool>>> {
        let limits: Vec<f64> = errors
            .iter()
            .map(|e| self.spread() * score(1.0 - e))
            .collect();
        let own: Vec<f64> = hard.iter().map(|_| self.sampling * normal(rng)).collect();
        let mut all = vec![Vec::new(); errors.len()];
        for _ in 0..self.seeds {
            let shift = self.training * normal(rng);
            let shared: Vec<f64> = (0..self.samples).map(|_| normal(rng)).collect();
            for (marks, limit) in all.iter_mut().zip(&limits) {
                let one = |i: usize| {
                    let g = i / self.group;
                    hard[g] + own[g] + shift + shared[i] + 0.5 * normal(rng) > *limit
                };
                marks.push((0..self.samples).map(one).collect());
            }
        }
        all
    }

    /// The curve and the method, of trainings and test samples of their own.
    fn drawn(&self, rng: &mut ChaCha8Rng) -> (Vec<(f64, Encoders)>, Encoders) {
        let count = self.samples.div_ceil(self.group);
        let mut axis = |of: fn(&(f64, f64)) -> f64| {
            let hard: Vec<f64> = (0..count).map(|_| normal(rng)).collect();
            let errors: Vec<f64> = self.curve.iter().map(of).collect();
            let curve = self.family(&errors, &hard, rng);
            let method = self.family(&[of(&self.method)], &hard, rng);
            (curve, method)
        };
        let (targets, target) = axis(|point| point.0);
        let (sources, source) = axis(|point| point.1);
        let encoders = |(target, source)| Encoders {
            target: Target::Marks(target),
            source,
        };
        let curve = targets.into_iter().zip(sources).enumerate();
        let curve = curve.map(|(i, both)| (i as f64 / 4.0, encoders(both)));
        let [target, source] = [target, source].map(|mut all| all.swap_remove(0));
        (curve.collect(), encoders((target, source)))
    }

    fn claim(&self, rng: &mut ChaCha8Rng) -> Option<Claim> {
        let groups: Vec<usize> = (0..self.samples).map(|i| i / self.group).collect();
        let draws = Draws {
            groups: (self.group > 1).then_some(groups.as_slice()),
            replicates: 60,
            seed: 0,
        };
        let (curve, method) = self.drawn(rng);
        let found = at_equal_target(&method, &curve, &draws, &draws).unwrap();
        found.ok().map(|found| found.difference.claim())
    }

    /// Pages of four methods on which any is marked, out of so many.
    fn marked(&self, pages: usize) -> usize {
        let any = |page: &usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(*page as u64);
            let claims: Vec<Claim> = (0..4).filter_map(|_| self.claim(&mut rng)).collect();
            decide(&claims)
                .iter()
                .any(|decided| decided.verdict.shown())
        };
        (0..pages)
            .collect::<Vec<_>>()
            .par_iter()
            .filter(|p| any(p))
            .count()
    }
}

#[test]
fn calibration_of_source_error_at_equal_target_error() {
    let between = |a: (f64, f64), b: (f64, f64)| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    // Past α = ¾ more of the fine-tuning makes the target worse again.
    let folded = [CURVE[0], CURVE[1], (0.34, 0.42), (0.30, 0.44), (0.32, 0.46)];
    let worlds = [
        WORLD,
        World {
            name: "between two points",
            method: between(CURVE[2], CURVE[3]),
            ..WORLD
        },
        World {
            name: "at the fine-tuned end",
            method: CURVE[4],
            ..WORLD
        },
        World {
            name: "where the curve is steep",
            method: between(CURVE[3], CURVE[4]),
            seeds: 5,
            ..WORLD
        },
        World {
            name: "before the curve turns back",
            curve: folded,
            method: between(folded[2], folded[3]),
            seeds: 5,
            ..WORLD
        },
        World {
            name: "where the curve turns back",
            curve: folded,
            method: folded[3],
            ..WORLD
        },
        World {
            name: "of two seeds",
            seeds: 2,
            ..WORLD
        },
        World {
            name: "of noisy trainings",
            seeds: 5,
            training: 0.3,
            ..WORLD
        },
        World {
            name: "of clips of eight windows",
            samples: 320,
            group: 8,
            sampling: 0.8,
            seeds: 5,
            ..WORLD
        },
    ];
    let pages = repetitions(24, 1000);
    for world in worlds {
        let scenario = format!("source error at equal target error, {}", world.name);
        holds(&scenario, world.marked(pages), pages);
    }
}

#[test]
fn what_is_kept_beyond_the_curve_is_found() {
    let world = World {
        method: (CURVE[3].0, CURVE[3].1 - 0.08),
        seeds: 5,
        samples: 1500,
        training: 0.02,
        ..WORLD
    };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let claim = world.claim(&mut rng).unwrap();
    assert!(
        decide(&[claim])[0].verdict.shown() && claim.value < 0.0,
        "{claim:?}"
    );
}

/// The difference by means alone, without any noise.
fn plainly(method: &Encoders, curve: &[(f64, Encoders)]) -> f64 {
    let means: Vec<(f64, f64)> = curve.iter().map(|(_, point)| point.means()).collect();
    let (x, y) = method.means();
    let at = (0..4)
        .find(|i| means[*i].0 >= x && means[i + 1].0 <= x)
        .unwrap();
    let ((xa, ya), (xb, yb)) = (means[at], means[at + 1]);
    y - (ya + (yb - ya) * (x - xa) / (xb - xa))
}

#[test]
fn the_noise_of_samples_is_that_of_a_jackknife_of_everything() {
    let world = World {
        method: (0.35, 0.43),
        seeds: 1,
        samples: 600,
        training: 0.0,
        ..WORLD
    };
    let (curve, method) = world.drawn(&mut ChaCha8Rng::seed_from_u64(3));
    let without = |marks: &[Vec<bool>], i: usize| -> Vec<Vec<bool>> {
        let seed = |seed: &Vec<bool>| [&seed[..i], &seed[i + 1..]].concat();
        marks.iter().map(seed).collect()
    };
    let less = |all: &Encoders, i: usize, on_target: bool| {
        let Target::Marks(marks) = &all.target else {
            panic!("marks were drawn");
        };
        if on_target {
            return Encoders {
                target: Target::Marks(without(marks, i)),
                source: all.source.clone(),
            };
        }
        Encoders {
            target: all.target.clone(),
            source: without(&all.source, i),
        }
    };
    let error = |on_target: bool| {
        let values: Vec<f64> = (0..600)
            .map(|i| {
                let curve: Vec<_> = curve
                    .iter()
                    .map(|(a, e)| (*a, less(e, i, on_target)))
                    .collect();
                plainly(&less(&method, i, on_target), &curve)
            })
            .collect();
        let centre = mean(&values);
        let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
        (599.0 / 600.0 * squares).sqrt()
    };
    // The bootstrap of one replicate has no width.
    let draws = Draws {
        replicates: 1,
        ..DRAWS
    };
    let found = at_equal_target(&method, &curve, &draws, &draws)
        .unwrap()
        .unwrap();
    assert!((found.difference.mean - plainly(&method, &curve)).abs() < 1e-12);
    // Of one seed the interval is of samples alone: Student's quantile at many degrees of freedom.
    let [low, high] = found.difference.interval.unwrap();
    let joined = (error(false).powi(2) + error(true).powi(2)).sqrt();
    let ratio = (high - low) / 2.0 / (1.972 * joined);
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
}
