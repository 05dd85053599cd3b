//! Simulations of equal encoders: what a comparison calls "beyond noise" must not be called so on more than one
//! page of twenty, whatever the classes, the training share or the likeness of samples. Equal encoders see
//! the same classes, each with noise and a rotation of its own.

use super::align::align;
use super::*;
use crate::feature::FeatureSet;
use crate::measure::calibrate::{covers, holds, repetitions};
use crate::run::progress::Quiet;
use ndarray::{Array2, s};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// A world of equal encoders.
#[derive(Clone, Copy)]
struct World {
    name: &'static str,
    samples: usize,
    classes: usize,
    /// Samples of a further, rare class.
    rare: usize,
    dim: usize,
    apart: f64,
    share: f64,
    /// Samples of a group, which share most of an encoder's noise; 1 for none.
    group: usize,
}

const PLAIN: World = World {
    name: "four classes",
    samples: 400,
    classes: 4,
    rare: 0,
    dim: 8,
    apart: 1.0,
    share: 0.5,
    group: 1,
};

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A random rotation: rows of normal numbers made orthonormal one after the other.
fn rotation(dim: usize, rng: &mut ChaCha8Rng) -> Array2<f64> {
    let mut turn = Array2::from_shape_simple_fn((dim, dim), || normal(rng));
    for i in 0..dim {
        for j in 0..i {
            let (before, mut own) = turn.multi_slice_mut((s![j, ..], s![i, ..]));
            let along = own.dot(&before);
            own.scaled_add(-along, &before);
        }
        let length = turn.row(i).dot(&turn.row(i)).sqrt();
        turn.row_mut(i).mapv_inplace(|v| v / length);
    }
    turn
}

impl World {
    fn labels(&self) -> Vec<usize> {
        let of = |i: usize| i / self.group % self.classes;
        let frequent = (0..self.samples).map(of);
        frequent.chain(vec![self.classes; self.rare]).collect()
    }

    /// One encoder's features of the samples.
    fn encoder(&self, labels: &[usize], means: &Array2<f64>, rng: &mut ChaCha8Rng) -> Array2<f32> {
        let turn = rotation(self.dim, rng);
        let mut shared: Vec<f64> = Vec::new();
        let mut x = Array2::zeros((labels.len(), self.dim));
        for (row, &label) in labels.iter().enumerate() {
            if row % self.group == 0 {
                shared = (0..self.dim).map(|_| normal(rng)).collect();
            }
            for j in 0..self.dim {
                let own = normal(rng);
                let noise = if self.group > 1 {
                    0.9 * shared[j] + 0.44 * own
                } else {
                    own
                };
                x[[row, j]] = self.apart * means[[label, j]] + noise;
            }
        }
        x.dot(&turn).mapv(|v| v as f32)
    }

    fn encoders(&self, seed: u64) -> Vec<EncoderFeatures> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let labels = self.labels();
        let count = self.classes + usize::from(self.rare > 0);
        let means = Array2::from_shape_simple_fn((count, self.dim), || normal(&mut rng));
        let groups = (self.group > 1).then(|| (0..labels.len()).map(|i| i / self.group).collect());
        ["a", "b"]
            .map(|title| EncoderFeatures {
                title: title.into(),
                origin: Origin {
                    kind: "features".into(),
                    path: format!("{title}.npz"),
                    sha256: "00".into(),
                    ..Origin::default()
                },
                set: FeatureSet::unnamed(self.encoder(&labels, &means, &mut rng), labels.clone())
                    .expect("valid"),
                named: false,
                train: None,
                groups: groups.clone(),
            })
            .into()
    }

    fn compared(&self, seed: u64) -> Comparison {
        let settings = Settings::new()
            .train_share(self.share)
            .probe_c([0.001, 0.01, 0.1, 1.0, 10.0, 100.0])
            .tsne_iterations(0)
            .seed(seed);
        let settings = settings.check().expect("valid");
        let shared = align(self.encoders(seed)).expect("aligned");
        Comparison::new(&shared, 0, &settings, &mut Quiet).expect("compared")
    }
}

/// Repetitions in which any measure, and in which any class, is marked.
fn check(world: World, few: usize, many: usize) {
    let all = repetitions(few, many);
    let found: Vec<[bool; 2]> = (0..all as u64)
        .into_par_iter()
        .map(|seed| {
            let found = world.compared(seed);
            let mut measures = found.differences.iter();
            let mut classes = found.classes.iter().filter_map(|c| c.difference.as_ref());
            let tested = found
                .differences
                .iter()
                .filter(|d| d.difference.p.is_some());
            assert!(tested.count() >= 7, "measures are tested");
            [
                measures.any(|d| d.difference.verdict.beyond()),
                classes.any(|d| d.verdict.beyond()),
            ]
        })
        .collect();
    let count = |of: fn(&[bool; 2]) -> bool| found.iter().filter(|marks| of(marks)).count();
    let name = world.name;
    println!(
        "{name}: {} by a measure, {} by a class",
        count(|m| m[0]),
        count(|m| m[1])
    );
    holds(&format!("compare, {name}"), count(|m| m[0] || m[1]), all);
}

#[test]
fn calibration_with_small_and_large_training_parts() {
    for (name, share) in [
        ("a tenth to learn from", 0.1),
        ("a fifth to learn from", 0.2),
        ("half to learn from", 0.5),
        ("four fifths to learn from", 0.8),
    ] {
        let world = World {
            name,
            share,
            ..PLAIN
        };
        check(world, 30, 600);
    }
}

#[test]
fn calibration_with_a_rare_class() {
    let world = World {
        name: "a class of four samples",
        classes: 2,
        rare: 4,
        dim: 6,
        ..PLAIN
    };
    check(world, 30, 600);
}

#[test]
fn calibration_with_ten_classes_and_little_to_learn_from() {
    let world = World {
        name: "ten classes, a tenth to learn from",
        classes: 10,
        share: 0.1,
        ..PLAIN
    };
    check(world, 20, 400);
}

#[test]
fn calibration_with_fifty_classes() {
    let world = World {
        name: "fifty classes",
        samples: 1000,
        classes: 50,
        dim: 16,
        share: 0.4,
        ..PLAIN
    };
    check(world, 6, 200);
}

#[test]
fn calibration_with_samples_that_belong_together() {
    let world = World {
        name: "clips of eight windows",
        samples: 640,
        group: 8,
        apart: 0.8,
        ..PLAIN
    };
    check(world, 30, 600);
    // The groups are what holds the level: they may not be lost on the way.
    let found = world.compared(0);
    assert!(
        (30..=50).contains(&found.groups.expect("groups")),
        "{:?}",
        found.groups
    );
}

#[test]
fn calibration_of_a_rates_own_interval() {
    // Of a probe that errs on 2 % of a frequent class and on 40 % of one with twelve samples.
    let all = repetitions(300, 3000);
    let held = (0..all as u64).into_par_iter().filter(|seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(*seed);
        let labels: Vec<usize> = (0..120).map(|i| usize::from(i < 12)).collect();
        let truth = [0.02, 0.4];
        let wrong = labels.iter().map(|label| {
            let u: f64 = rand::RngExt::random(&mut rng);
            u < truth[*label]
        });
        let mistakes = super::probed::Mistakes {
            wrong: wrong.collect(),
            without: Vec::new(),
        };
        let rates = super::rates::Rates {
            folds: vec![0; labels.len()],
            labels,
            classes: 2,
            groups: None,
        };
        let found = rates.estimate(super::rates::Kind::Balanced, &mistakes, true);
        let [low, high] = found.interval.expect("interval");
        low <= 0.21 && 0.21 <= high
    });
    covers("balanced error of a rare class", held.count(), all);
    // In a world with a rare class no interval is a point or leaves the range.
    let world = World {
        rare: 4,
        classes: 3,
        apart: 3.0,
        ..PLAIN
    };
    let found = world.compared(1);
    for measure in ["probe-error", "balanced-error"] {
        let own = found.encoders[0].estimate(measure).expect("defined");
        let [low, high] = own.interval.expect("interval");
        assert!(0.0 <= low && low <= own.value && own.value <= high && high <= 1.0);
        assert!(high - low > 0.005, "{low} to {high}");
    }
}
