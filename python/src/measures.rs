//! Measures of features and of probabilities: one function each, with the settings that reports and `modalign compare`
//! take them with.

use crate::arrays::{Matrix, either, numbers};
use crate::work::{compute, words};
use modalign::measure::hscore::Covariance;
use modalign::measure::logme::LogmeParams;
use modalign::measure::nce::hard_labels;
use modalign::measure::otdd::{Inner, OtddParams, Source};
use modalign::measure::{self, Samples};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

/// Biased and debiased CKA.
#[pyfunction]
pub fn cka(py: Python<'_>, x: Matrix, y: Matrix) -> PyResult<(f64, Option<f64>)> {
    compute(py, move || {
        let found = either!(x, x => either!(y, y => measure::cka::cka(x, y))).map_err(words)?;
        Ok((found.biased, found.debiased))
    })
}

/// LogME, and whether every class converged.
#[pyfunction]
pub fn logme(
    py: Python<'_>,
    x: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
) -> PyResult<(f64, bool)> {
    let labels = numbers(labels)?;
    compute(py, move || {
        let params = LogmeParams::new().check().map_err(words)?;
        let found = either!(x, x => {
            Samples::new(x, &labels, classes).and_then(|samples| params.run(&samples))
        });
        found
            .map(|found| (found.value, found.converged))
            .map_err(words)
    })
}

/// H-score, by the shrunk covariance or the sample's.
#[pyfunction]
pub fn hscore(
    py: Python<'_>,
    x: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
    shrinkage: bool,
) -> PyResult<f64> {
    let labels = numbers(labels)?;
    let covariance = if shrinkage {
        Covariance::LedoitWolf
    } else {
        Covariance::Sample
    };
    compute(py, move || {
        let found = either!(x, x => {
            Samples::new(x, &labels, classes).and_then(|samples| measure::hscore::hscore(&samples, covariance))
        });
        found.map(|found| found.value).map_err(words)
    })
}

/// Silhouette.
#[pyfunction]
pub fn silhouette(
    py: Python<'_>,
    x: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
) -> PyResult<f64> {
    let labels = numbers(labels)?;
    compute(py, move || {
        let found = either!(x, x => {
            Samples::new(x, &labels, classes).and_then(|samples| measure::silhouette::silhouette(&samples))
        });
        found.map(|found| found.value).map_err(words)
    })
}

/// Alignment, uniformity, rows left out.
#[pyfunction]
pub fn geometry(
    py: Python<'_>,
    x: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
) -> PyResult<(Option<f64>, f64, Vec<usize>)> {
    let labels = numbers(labels)?;
    compute(py, move || {
        let found = either!(x, x => {
            Samples::new(x, &labels, classes).and_then(|samples| measure::geometry::geometry(&samples))
        });
        found
            .map(|found| (found.align, found.uniform, found.left_out))
            .map_err(words)
    })
}

/// Accuracy of the neighbours' vote, its interval, rows of training and test samples left out.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "a tuple that Python unpacks")]
pub fn knn(
    py: Python<'_>,
    train: Matrix,
    train_labels: PyReadonlyArray1<'_, i64>,
    test: Matrix,
    test_labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
    k: usize,
) -> PyResult<(f64, [f64; 2], Vec<usize>, Vec<usize>)> {
    let (known, asked) = (numbers(train_labels)?, numbers(test_labels)?);
    compute(py, move || {
        let found = either!(train, train => either!(test, test => {
            let of = Samples::new(train, &known, classes).map_err(|e| format!("training samples: {e}"))?;
            let to = Samples::new(test, &asked, classes).map_err(|e| format!("test samples: {e}"))?;
            measure::knn::knn(&of, &to, k)
        }))
        .map_err(words)?;
        Ok((
            found.accuracy,
            found.interval,
            found.left_out_train,
            found.left_out,
        ))
    })
}

/// Norm of the gap between two sets of features, rows left out of either.
#[pyfunction]
pub fn modality_gap(py: Python<'_>, x: Matrix, z: Matrix) -> PyResult<(f64, [Vec<usize>; 2])> {
    compute(py, move || {
        let found = either!(x, x => either!(z, z => measure::modality_gap::modality_gap(x, z)));
        found
            .map(|found| (found.norm, found.left_out))
            .map_err(words)
    })
}

/// LEEP.
#[pyfunction]
pub fn leep(
    py: Python<'_>,
    probabilities: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
) -> PyResult<f64> {
    let labels = numbers(labels)?;
    compute(py, move || {
        let found = either!(probabilities, p => measure::leep::leep(p, &labels, classes));
        found.map(|found| found.value).map_err(words)
    })
}

/// NCE, by the most probable source class of each sample.
#[pyfunction]
pub fn nce(
    py: Python<'_>,
    probabilities: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
) -> PyResult<f64> {
    let labels = numbers(labels)?;
    compute(py, move || {
        let source = either!(probabilities, p => hard_labels(p)).map_err(words)?;
        let found = measure::nce::nce(&source, &labels);
        found.map(|found| found.value).map_err(words)
    })
}

/// Settings of the OTDD.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Transport {
    blur: f64,
    shrinkage: f64,
    exact: bool,
    max_iter: usize,
    tol: f64,
    max_per_class: Option<usize>,
    seed: u64,
}

/// OTDD, and whether its iterations came to rest.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "two labelled sets")]
pub fn otdd(
    py: Python<'_>,
    source: Matrix,
    source_labels: PyReadonlyArray1<'_, i64>,
    source_classes: usize,
    target: Matrix,
    target_labels: PyReadonlyArray1<'_, i64>,
    target_classes: usize,
    settings: Transport,
) -> PyResult<(f64, bool)> {
    let (of, to) = (numbers(source_labels)?, numbers(target_labels)?);
    compute(py, move || {
        let inner = match settings.exact {
            true => Inner::Exact {
                blur: settings.blur,
            },
            false => Inner::Gaussian {
                shrinkage: settings.shrinkage,
            },
        };
        let params = OtddParams::new()
            .inner(inner)
            .blur(settings.blur)
            .max_iterations(settings.max_iter)
            .tolerance(settings.tol)
            .max_per_class(settings.max_per_class)
            .seed(settings.seed)
            .check()
            .map_err(words)?;
        let found = either!(source, x => either!(target, z => {
            let x = Samples::new(x, &of, source_classes).map_err(|e| format!("source: {e}"))?;
            let z = Samples::new(z, &to, target_classes).map_err(|e| format!("target: {e}"))?;
            Source::new(&x, &params).and_then(|source| source.distance(&z))
        }));
        found
            .map(|found| (found.value, found.converged))
            .map_err(words)
    })
}
