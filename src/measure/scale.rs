//! The unit of features must not matter where a measure does not ask for it: every scale-free measure on
//! the same features times 1e-4 … 1e6, in double and in single precision.

use super::cka::cka;
use super::geometry::geometry;
use super::hscore::{Covariance, hscore};
use super::knn::knn;
use super::logme::LogmeParams;
use super::modality_gap::modality_gap;
use super::pca::pca;
use super::probe::ProbeParams;
use super::references::normal;
use super::samples::Real;
use super::silhouette::silhouette;
use super::tsne::{Engine, TsneParams};
use super::{MeasureError, Samples};
use ndarray::{Array2, ArrayView2};

/// Every scale-free number of features, by name, with its relative tolerance.
fn numbers<'a, A: Real>(
    x: ArrayView2<'a, A>,
    other: ArrayView2<'_, A>,
    labels: &'a [usize],
) -> Result<Vec<(&'static str, f64)>, MeasureError> {
    let samples = Samples::new(x, labels, 4)?;
    let (agreement, sphere) = (cka(x, other)?, geometry(&samples)?);
    let probe = ProbeParams::new().check()?.run(&samples, None, &samples)?;
    let map = TsneParams::new().iterations(1).engine(Engine::Exact);
    let components = pca(x.mapv(Into::into).view(), 2)?;
    Ok(vec![
        ("CKA", agreement.biased),
        ("CKA, debiased", agreement.debiased.unwrap_or(f64::NAN)),
        ("alignment", sphere.align.unwrap_or(f64::NAN)),
        ("uniformity", sphere.uniform),
        ("k-NN", knn(&samples, &samples, 5)?.accuracy),
        ("silhouette", silhouette(&samples)?.value),
        ("LogME", LogmeParams::new().check()?.run(&samples)?.value),
        ("H-score", hscore(&samples, Covariance::Sample)?.value),
        (
            "H-score, shrunk",
            hscore(&samples, Covariance::LedoitWolf)?.value,
        ),
        ("modality gap", modality_gap(x, other)?.norm),
        ("probe's error", probe.error),
        ("probe's objective", probe.objective),
        ("t-SNE", map.check()?.run(x)?.kl),
        (
            "share of the first component",
            components.column(0).std(0.0) / components.column(1).std(0.0),
        ),
    ])
}

fn compared<A: Real>(of: impl Fn(f64) -> Array2<A>, other: &Array2<A>, tolerance: f64) {
    let labels: Vec<usize> = (0..90).map(|i| i * i % 4).collect();
    let plain = numbers(of(1.0).view(), other.view(), &labels).expect("runs");
    for factor in [1e-4, 1e-2, 0.3, 7.0, 255.0, 1e4, 1e6] {
        let scaled = numbers(of(factor).view(), other.view(), &labels).expect("runs");
        for ((name, a), (_, b)) in plain.iter().zip(scaled) {
            let apart = (a - b).abs() / a.abs().max(0.1);
            assert!(apart <= tolerance, "{name}, × {factor}: {b}, not {a}");
        }
    }
}

#[test]
fn no_unit_matters() {
    let labels: Vec<usize> = (0..90).map(|i| i * i % 4).collect();
    // Some columns hardly vary, one is constant, one row is zero.
    let mut x = normal(11, 90, 7);
    for (mut row, &label) in x.outer_iter_mut().zip(&labels) {
        row[label] += 1.5;
        row[5] = 3.0 + 1e-3 * row[5];
        row[6] = 2.0;
    }
    x.row_mut(33).fill(0.0);
    let other = normal(12, 90, 7);
    compared(|factor| &x * factor, &other, 1e-7);
    let single = |factor: f64| x.mapv(|v| (v * factor) as f32);
    compared(single, &other.mapv(|v| v as f32), 2e-4);
}
