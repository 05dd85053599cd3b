//! Measures and scores against the numbers of other implementations, and what their tests share.
//!
//! `tests/fixtures/make_measures.py` says where every number comes from.

use ndarray::{Array2, ArrayView2};
use ndarray_linalg::QR;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::Value;

use super::Samples;
use super::cka::cka;
use super::hscore::{Covariance, hscore};
use super::leep::leep;
use super::logme::{Evidence, LogmeParams, published};
use super::modality_gap::modality_gap;
use super::nce::{hard_labels, nce};
use super::samples::Real;
use super::silhouette::silhouette;
use crate::fixture;

/// Independent standard normal numbers.
pub(super) fn normal(seed: u64, n: usize, d: usize) -> Array2<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((n, d), || StandardNormal.sample(&mut random))
}

/// An orthogonal matrix.
pub(super) fn rotation(seed: u64, d: usize) -> Array2<f64> {
    normal(seed, d, d).qr().expect("decomposes").0
}

/// One case's inputs.
struct Case {
    name: String,
    x: Array2<f64>,
    y: Array2<f64>,
    z: Array2<f64>,
    p: Array2<f64>,
    labels: Vec<usize>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let array =
        |name: &str, key: &str| fixture::npz("measures/inputs.npz", &format!("{name}.{key}"));
    let matrix = |name: &str, key: &str| -> Array2<f64> {
        array(name, key).into_dimensionality().expect("rank")
    };
    let all = fixture::json("measures/expected.json");
    let case = |(name, expected): (&String, &Value)| Case {
        x: matrix(name, "x"),
        y: matrix(name, "y"),
        z: matrix(name, "z"),
        p: matrix(name, "p"),
        labels: array(name, "labels").iter().map(|&l| l as usize).collect(),
        name: name.clone(),
        expected: expected.clone(),
    };
    all.as_object().expect("cases").iter().map(case).collect()
}

/// Every number of every measure, by the reference's name.
fn numbers<'a, A: Real>(
    x: ArrayView2<'a, A>,
    y: ArrayView2<'_, A>,
    z: ArrayView2<'_, A>,
    p: ArrayView2<'_, A>,
    labels: &'a [usize],
) -> Vec<(String, f64)> {
    let samples = Samples::new(x, labels, 1000).expect("valid");
    let cka = cka(x, y).expect("cka");
    let logme = LogmeParams::new().check().expect("valid");
    let maximum = logme.run(&samples).expect("logme");
    // Against the authors' values by the authors' fixed point; ours is the maximum that it goes to.
    let logme = published(&samples);
    let mean =
        |of: &dyn Fn(&Evidence) -> f64| logme.iter().map(of).sum::<f64>() / logme.len() as f64;
    let value = mean(&|c| c.value);
    for (ours, theirs) in maximum.classes.iter().zip(&logme) {
        let apart = (ours.value - theirs.value).abs();
        assert!(!theirs.converged || apart < 1e-2, "{ours:?} {theirs:?}");
    }
    let leep = leep(p, labels, 1000).expect("leep");
    let nce = nce(&hard_labels(p).expect("labels"), labels).expect("nce");
    let plain = hscore(&samples, Covariance::Sample).expect("hscore");
    let shrunk = hscore(&samples, Covariance::LedoitWolf).expect("hscore");
    let gap = modality_gap(x, z).expect("gap");
    let silhouette = silhouette(&samples).expect("silhouette");
    // What the authors' code leaves out of the determinant.
    let (n, d) = x.dim();
    let beyond = (d - d.min(n)) as f64 / (2.0 * n as f64);
    let code = value + beyond * mean(&|c| c.alpha.ln());
    [
        ("cka_biased", cka.biased),
        ("cka_debiased", cka.debiased.expect("four samples")),
        ("logme", value),
        ("logme_code", code),
        ("leep", leep.value),
        ("leep_bound", leep.lower_bound),
        ("nce", nce.value),
        ("hscore", plain.value),
        ("hscore_shrunk", shrunk.value),
        ("ledoit_wolf", shrunk.shrinkage),
        ("rank", plain.rank as f64),
        ("gap", gap.norm),
        ("silhouette", silhouette.value),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .chain((0..gap.vector.len()).map(|i| (format!("gap_vector/{i}"), gap.vector[i])))
    .chain(
        silhouette
            .classes
            .iter()
            .map(|(label, value)| (format!("silhouette_classes/{label}"), *value)),
    )
    .collect()
}

#[test]
fn references_are_met() {
    for case in cases() {
        let Case {
            x, y, z, p, labels, ..
        } = &case;
        let double = numbers(x.view(), y.view(), z.view(), p.view(), labels);
        let [x, y, z, p] = [x, y, z, p].map(|a| a.mapv(|v| v as f32));
        let single = numbers(x.view(), y.view(), z.view(), p.view(), labels);
        for (found, limit) in [(double, 1e-9), (single, 2e-4)] {
            let mut worst = (0.0, "nothing");
            for (name, value) in &found {
                let expected = case.expected.pointer(&format!("/{name}"));
                let expected = expected.and_then(Value::as_f64).expect("reference");
                let error = (value - expected).abs() / expected.abs().max(1e-3);
                assert!(
                    error < limit,
                    "{name} of {}: {value}, not {expected}",
                    case.name
                );
                if error > worst.0 {
                    worst = (error, name);
                }
            }
            let (error, name) = worst;
            println!(
                "{}: {} numbers, {name} off by {error:.1e} (limit {limit:e})",
                case.name,
                found.len()
            );
        }
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let x = normal(1, 1300, 150);
    let y = normal(2, 1300, 90);
    let z = normal(3, 1100, 150);
    let mut p = normal(4, 1300, 30).mapv(f64::exp);
    for mut row in p.outer_iter_mut() {
        row /= row.sum();
    }
    let labels: Vec<usize> = (0..1300).map(|i| (i * i) % 11).collect();
    let with = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("pool")
            .install(|| numbers(x.view(), y.view(), z.view(), p.view(), &labels))
    };
    let one = with(1);
    for threads in [2, 3, 7] {
        assert_eq!(one, with(threads), "{threads} threads");
    }
}
