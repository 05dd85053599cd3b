//! Groups in the discrepancy, and what its intervals cover: simulated.

use super::*;
use crate::measure::MeasureError;
use crate::measure::calibrate::{repetitions, share_covered};
use ndarray::Array2;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Rows of logits as rows of probabilities.
fn softmax(mut z: Array2<f64>) -> Array2<f64> {
    for mut row in z.outer_iter_mut() {
        let most = row.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|v| (v - most).exp());
        let sum = row.sum();
        row /= sum;
    }
    z
}

/// Chunks of clips: probabilities that are alike within a clip, and the class of every clip, drawn
/// at random, two clips a class.
struct World {
    p: Array2<f64>,
    labels: Vec<usize>,
    clips: Vec<usize>,
}

fn world(rng: &mut ChaCha8Rng, sizes: impl Fn(usize) -> usize, within: f64) -> World {
    let mut of_clip: Vec<usize> = (0..10).flat_map(|c| [c, c]).collect();
    of_clip.shuffle(rng);
    let clips: Vec<usize> = (0..20).flat_map(|q| vec![q; sizes(q)]).collect();
    let base = Array2::from_shape_fn((20, 80), |_| 2.0 * normal(rng));
    let z = Array2::from_shape_fn((clips.len(), 80), |(i, k)| {
        base[[clips[i], k]] + within * normal(rng)
    });
    World {
        p: softmax(z),
        labels: clips.iter().map(|&q| of_clip[q]).collect(),
        clips,
    }
}

/// D over its null, and whether it is below all 19 shuffles, over worlds where labels say nothing.
fn calibration(worlds: usize, groups: bool, sizes: fn(usize) -> usize) -> (f64, f64) {
    let of = |seed: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
        let World { p, labels, clips } = world(&mut rng, sizes, 1.0);
        let target = Target::Labels {
            labels: &labels,
            classes: 10,
        };
        let params = DiscrepancyParams::new().holdout(0.5).bootstrap(0);
        let params = params.null(19).seed(seed as u64).check().expect("valid");
        let found = if groups {
            discrepancy_by(&p.view(), target, &Groups::of(&clips), &params)
        } else {
            discrepancy(p.view(), target, &params)
        };
        let found = found.expect("runs");
        // Of 19 shuffles the 2.5 % quantile lies near the least, a little above it.
        let [least, _] = found.null_interval.expect("null");
        (found.normalized.expect("null"), found.value < least)
    };
    let all: Vec<(f64, bool)> = (0..worlds).into_par_iter().map(of).collect();
    let ratio = all.iter().map(|w| w.0).sum::<f64>() / worlds as f64;
    let below = all.iter().filter(|w| w.1).count() as f64 / worlds as f64;
    (ratio, below)
}

#[test]
fn clips_whose_labels_say_nothing_are_as_far_as_their_null() {
    let worlds = repetitions(60, 1000);
    let (ratio, below) = calibration(worlds, true, |_| 8);
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
    assert!(below <= 0.13, "{below}");
    // Clips of 2 to 14 chunks.
    let (ratio, below) = calibration(worlds, true, |q| 2 + 3 * (q % 5));
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
    assert!(below <= 0.13, "{below}");
    // By chunks the same clip chooses and tests the matching.
    let (ratio, below) = calibration(20, false, |_| 8);
    assert!(ratio < 0.96 && below > 0.9, "{ratio} {below}");
}

#[test]
fn persons_who_have_every_class_are_as_far_as_their_null() {
    // Six persons; what a gesture looks like is a person's own, so that names say nothing.
    let of = |seed: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
        let persons: Vec<usize> = (0..240).map(|i| i / 40).collect();
        let labels: Vec<usize> = (0..240).map(|i| i % 40 / 8).collect();
        let base = Array2::from_shape_fn((30, 20), |_| 2.0 * normal(&mut rng));
        let z = Array2::from_shape_fn((240, 20), |(i, k)| {
            base[[persons[i] * 5 + labels[i], k]] + normal(&mut rng)
        });
        let p = softmax(z);
        let target = Target::Labels {
            labels: &labels,
            classes: 5,
        };
        let params = DiscrepancyParams::new().holdout(0.5).bootstrap(0).null(19);
        let params = params.seed(seed as u64).check().expect("valid");
        let found = discrepancy_by(&p.view(), target, &Groups::of(&persons), &params);
        let found = found.expect("runs");
        assert_eq!((found.groups, found.groups_per_class), (6, 6));
        found.normalized.expect("null")
    };
    let worlds = repetitions(60, 1000);
    let sum: f64 = (0..worlds).into_par_iter().map(of).sum();
    let ratio = sum / worlds as f64;
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
}

#[test]
fn groups_that_say_something_are_nearer_than_their_null() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let World { p, labels, clips } = world(&mut rng, |_| 4, 1.0);
    let mut p = p;
    for (mut row, &label) in p.outer_iter_mut().zip(&labels) {
        row *= 0.3;
        row[7 * label] += 0.7;
    }
    let target = Target::Labels {
        labels: &labels,
        classes: 10,
    };
    let params = DiscrepancyParams::new()
        .holdout(0.5)
        .check()
        .expect("valid");
    let found = discrepancy_by(&p.view(), target, &Groups::of(&clips), &params).expect("runs");
    assert!(found.normalized.expect("null") < 0.5);
    assert_eq!((found.groups, found.groups_per_class), (20, 2));
    let [low, high] = found.interval.expect("held out");
    assert!(low < found.value && found.value < high);
    // As many samples as there are, each its own group: the numbers without groups.
    let alone = discrepancy(p.view(), target, &params).expect("runs");
    let singles = discrepancy_by(&p.view(), target, &Groups::singletons(80), &params);
    let singles = Discrepancy {
        seconds: alone.seconds,
        ..singles.expect("runs")
    };
    assert_eq!(alone, singles);
}

#[test]
fn a_class_of_one_clip_is_refused_where_clips_are_held_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let World { p, clips, .. } = world(&mut rng, |_| 2, 1.0);
    let labels: Vec<usize> = clips.iter().map(|&q| usize::from(q == 5)).collect();
    let target = Target::Labels {
        labels: &labels,
        classes: 2,
    };
    let groups = Groups::of(&clips);
    let run = |params: DiscrepancyParams| {
        let params = params.null(3).bootstrap(0).check().expect("valid");
        discrepancy_by(&p.view(), target, &groups, &params)
    };
    assert_eq!(
        run(DiscrepancyParams::new().holdout(0.5)).expect_err("one clip"),
        MeasureError::Groups {
            class: 1,
            expected: 2,
            found: 1
        }
    );
    let all = run(DiscrepancyParams::new()).expect("runs");
    assert_eq!((all.groups_per_class, all.interval), (1, None));
    // Of several classes a sample: such a class is fitted and not evaluated, and the count says so.
    let hot = Array2::from_shape_fn((40, 2), |(i, c)| f32::from(u8::from(labels[i] == c)));
    let params = DiscrepancyParams::new()
        .holdout(0.5)
        .null(3)
        .check()
        .expect("valid");
    let found = discrepancy_by(&p.view(), Target::MultiHot(hot.view()), &groups, &params);
    assert_eq!(found.expect("runs").groups_per_class, 1);
    let wrong = Groups::singletons(39);
    let found = discrepancy_by(&p.view(), target, &wrong, &params);
    assert!(matches!(found, Err(MeasureError::Shape { found: 39, .. })));
}

/// Samples of `kt` classes whose source probabilities lean by `lean`.
fn sample(
    n: usize,
    means: &Array2<f64>,
    lean: f64,
    rng: &mut ChaCha8Rng,
) -> (Array2<f64>, Vec<usize>) {
    let labels: Vec<usize> = (0..n).map(|_| rng.random_range(0..means.nrows())).collect();
    let z = Array2::from_shape_fn((n, means.ncols()), |(i, k)| {
        normal(rng) + lean * means[[labels[i], k]]
    });
    (softmax(z), labels)
}

#[test]
fn intervals_cover_the_found_assignment_and_the_infimum() {
    // The settings of the trial: samples, source classes, target classes, lean.
    for (n, ks, kt, lean) in [(200, 20, 5, 1.0), (40, 10, 3, 1.0), (200, 200, 10, 0.5)] {
        let mut rng = ChaCha8Rng::seed_from_u64(99);
        let means = Array2::from_shape_fn((kt, ks), |_| normal(&mut rng));
        let (p, labels) = sample(20_000, &means, lean, &mut rng);
        let mut costs = Array2::<f64>::zeros((kt, ks));
        for (row, &label) in p.outer_iter().zip(&labels) {
            costs
                .row_mut(label)
                .zip_mut_with(&row, |c, p| *c += 1.0 - p);
        }
        costs /= 20_000.0;
        let truth = assign(costs.view(), Search::Exact).expect("costs").total;
        let found = |rng: &mut ChaCha8Rng, holdout: Option<f64>| {
            let (p, labels) = sample(n, &means, lean, rng);
            let target = Target::Labels {
                labels: &labels,
                classes: kt,
            };
            let params = DiscrepancyParams::new().holdout(holdout).null(0);
            let params = params.bootstrap(400).check().expect("valid");
            discrepancy(p.view(), target, &params).expect("runs")
        };
        let repeat = repetitions(300, 5000);
        let infimum = share_covered(repeat, |rng| {
            let [low, high] = found(rng, Some(0.5)).infimum_interval.expect("held out");
            low <= truth && truth <= high
        });
        assert!(infimum >= 0.95, "{n} × {ks}: the infimum in {infimum}");
        let assignment = share_covered(repeat, |rng| {
            let found = found(rng, Some(0.5));
            let pairs = found.assignment.iter().enumerate();
            let value: f64 = pairs.map(|(c, k)| k.map_or(0.0, |k| costs[[c, k]])).sum();
            let [low, high] = found.interval.expect("held out");
            low <= value && value <= high
        });
        println!("{n} × {ks}: infimum {infimum}, assignment {assignment}");
        assert!(
            assignment >= 0.9,
            "{n} × {ks}: the assignment in {assignment}"
        );
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let whole = found(&mut rng, None);
        assert_eq!((whole.interval, whole.infimum_interval), (None, None));
    }
}
