//! Simulations: intervals hold the number that they are of in 95 % of repetitions.

use super::*;
use crate::evaluate::scored::distance;
use crate::measure::Samples;
use crate::measure::calibrate::{covers, repetitions};
use crate::measure::encoder::cka::cka;
use crate::measure::leep::leep;
use crate::measure::otdd::OtddParams;
use ndarray::{Array2, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Independent standard normal numbers.
fn normal(rng: &mut ChaCha8Rng, n: usize, d: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((n, d), || StandardNormal.sample(rng))
}

fn folds(n: usize, count: usize) -> Vec<usize> {
    (0..n).map(|row| row % count).collect()
}

/// Estimates of seeded repetitions, and how many of their intervals hold `truth`, or their mean without one.
fn held(
    scenario: &str,
    count: usize,
    truth: Option<f64>,
    one: impl Fn(&mut ChaCha8Rng) -> Estimate + Sync,
) {
    let seeded = |seed: usize| one(&mut ChaCha8Rng::seed_from_u64(seed as u64));
    let found: Vec<Estimate> = (0..count).into_par_iter().map(seeded).collect();
    let mean = found.iter().map(|own| own.value).sum::<f64>() / count as f64;
    let truth = truth.unwrap_or(mean);
    // One that did not converge has no interval, and claims nothing.
    let given: Vec<[f64; 2]> = found.iter().filter_map(|own| own.interval).collect();
    assert!(
        2 * given.len() > count,
        "{scenario}: {} of {count} have an interval",
        given.len()
    );
    let holds = |[low, high]: &&[f64; 2]| *low <= truth && truth <= *high;
    covers(scenario, given.iter().filter(holds).count(), given.len());
}

#[test]
fn intervals_of_cka_hold_the_populations_value() {
    // y = s·x + noise, coordinate by coordinate: CKA of the population is s²/(1 + s²) for as many features on both sides.
    for (strength, n) in [(0.0, 200), (0.5, 200), (1.0, 100), (3.0, 200)] {
        let truth = strength * strength / (1.0 + strength * strength);
        held(
            &format!("CKA {truth:.2}"),
            repetitions(120, 2000),
            Some(truth),
            |rng| {
                let x = normal(rng, n, 4);
                let y = &x * strength + normal(rng, n, 4);
                let value = |rows: &[usize]| {
                    let (x, y) = (x.select(Axis(0), rows), y.select(Axis(0), rows));
                    Ok(cka(x.view(), y.view())?.debiased.expect("defined"))
                };
                left_out([-1.0, 1.0], &folds(n, 20), value).expect("defined")
            },
        );
    }
}

#[test]
fn intervals_of_leep_hold_its_mean_at_that_size() {
    held("LEEP", repetitions(60, 2000), None, |rng| {
        let labels: Vec<usize> = (0..300).map(|i| i % 3).collect();
        let mut p = normal(rng, 300, 5);
        for (mut row, label) in p.outer_iter_mut().zip(&labels) {
            row[*label] += 1.0;
            row.mapv_inplace(f64::exp);
            row /= row.sum();
        }
        let value = |rows: &[usize]| {
            let labels: Vec<usize> = rows.iter().map(|&row| labels[row]).collect();
            Ok(leep(p.select(Axis(0), rows).view(), &labels, 3)?.value)
        };
        left_out([f64::NEG_INFINITY, 0.0], &folds(300, 20), value).expect("defined")
    });
}

#[test]
fn intervals_of_otdd_hold_its_mean_at_that_size() {
    let params = OtddParams::new().blur(0.5).check().expect("valid");
    for shift in [0.0, 1.5] {
        held(
            &format!("OTDD, shift {shift}"),
            repetitions(24, 500),
            None,
            |rng| {
                let labels: Vec<usize> = (0..40).map(|i| i % 2).collect();
                let [x, y] = [0.0, shift].map(|shift| {
                    let mut x = normal(rng, 40, 2) + shift;
                    (0..40)
                        .filter(|i| i % 2 == 1)
                        .for_each(|i| x[[i, 0]] += 3.0);
                    x
                });
                let (x, y) = (
                    Samples::new(x.view(), &labels, 2).expect("valid"),
                    Samples::new(y.view(), &labels, 2).expect("valid"),
                );
                let folds = folds(40, 10);
                distance(&x, &y, [&folds, &folds], &params)
                    .expect("defined")
                    .estimate
            },
        );
    }
}

#[test]
fn too_few_folds_and_a_value_that_needs_them_all_have_no_interval() {
    let mean = |rows: &[usize]| Ok(rows.iter().sum::<usize>() as f64 / rows.len() as f64);
    let few = left_out([0.0, 10.0], &folds(12, 4), mean).expect("defined");
    assert!(few.interval.is_none() && few.value == 5.5);
    let found = left_out([5.0, 6.0], &folds(12, 6), mean).expect("defined");
    let [low, high] = found.interval.expect("six folds");
    assert!(
        low >= 5.0 && high <= 6.0 && found.without.len() == 6,
        "no end leaves the range"
    );
    let whole = |rows: &[usize]| MeasureError::at_least("rows", 12, rows.len()).map(|()| 1.0);
    let found = left_out([0.0, 10.0], &folds(12, 6), whole).expect("defined");
    assert!(found.interval.is_none() && found.without.is_empty());
    assert!(left_out([0.0, 1.0], &folds(11, 6), whole).is_err());
}
