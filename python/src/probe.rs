//! The linear probe: fitted to parts that Python keeps, and asked with them.

use crate::arrays::{Matrix, either, numbers};
use crate::work::{Said, compute, words};
use modalign::measure::Samples;
use modalign::measure::probe::scaling::Scaling;
use modalign::measure::probe::{LinearProbe, ProbeParams};
use ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

/// Weights, intercepts, means, scales; iterations, objective, whether it converged.
type Fitted<'py> = (Parts<'py>, (usize, f64, bool));
type Parts<'py> = (
    Bound<'py, PyArray2<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
);

/// Fits a probe.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the settings of an estimator")]
pub fn probe_fit<'py>(
    py: Python<'py>,
    x: Matrix,
    labels: PyReadonlyArray1<'_, i64>,
    classes: usize,
    c: f64,
    standardize: bool,
    max_iter: usize,
    tol: f64,
) -> PyResult<Fitted<'py>> {
    let labels = numbers(labels)?;
    let (probe, facts) = compute(py, move || {
        let params = ProbeParams::new()
            .c(c)
            .standardize(standardize)
            .iterations(max_iter)
            .tolerance(tol)
            .check()
            .map_err(words)?;
        let fitted = either!(x, x => {
            let samples = Samples::new(x, &labels, classes);
            samples.and_then(|samples| params.fit(&samples, None::<&Samples<'_, f64>>))
        });
        let (probe, end, _) = fitted.map_err(words)?;
        Ok((probe, (end.iterations, end.value, end.converged)))
    })?;
    let scaling = probe.scaling();
    let parts = (
        probe.weights().to_owned().into_pyarray(py),
        probe.intercepts().to_owned().into_pyarray(py),
        scaling.mean().to_owned().into_pyarray(py),
        scaling.scale().to_owned().into_pyarray(py),
    );
    Ok((parts, facts))
}

/// The parts of a fitted probe, as Python kept them.
#[derive(FromPyObject)]
pub struct Kept<'py>(
    PyReadonlyArray2<'py, f64>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, f64>,
    PyReadonlyArray1<'py, f64>,
);

impl Kept<'_> {
    fn probe(&self) -> impl FnOnce() -> Said<LinearProbe> + Send + 'static + use<> {
        let of =
            |values: &PyReadonlyArray1<'_, f64>| -> Array1<f64> { values.as_array().to_owned() };
        let weights: Array2<f64> = self.0.as_array().to_owned();
        let (intercepts, mean, scale) = (of(&self.1), of(&self.2), of(&self.3));
        move || {
            let classes = if weights.nrows() == 1 {
                2
            } else {
                weights.nrows()
            };
            let scaling = Scaling::from_parts(mean, scale).map_err(words)?;
            let classes = (0..classes).collect();
            LinearProbe::from_parts(weights, intercepts, classes, scaling, 1.0).map_err(words)
        }
    }
}

/// The most probable class of each row, as a place in the classes.
#[pyfunction]
pub fn probe_predict<'py>(
    py: Python<'py>,
    x: Matrix,
    kept: Kept<'py>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let probe = kept.probe();
    let found = compute(py, move || {
        let probe = probe()?;
        either!(x, x => probe.predict(x)).map_err(words)
    })?;
    let found: Array1<i64> = found.into_iter().map(|class| class as i64).collect();
    Ok(found.into_pyarray(py))
}

/// Class probabilities `[N, K]`.
#[pyfunction]
pub fn probe_probabilities<'py>(
    py: Python<'py>,
    x: Matrix,
    kept: Kept<'py>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let probe = kept.probe();
    let found = compute(py, move || {
        let probe = probe()?;
        either!(x, x => probe.probabilities(x)).map_err(words)
    })?;
    Ok(found.into_pyarray(py))
}

/// Logits `[N, K]`; of two classes the first one's are zero.
#[pyfunction]
pub fn probe_logits<'py>(
    py: Python<'py>,
    x: Matrix,
    kept: Kept<'py>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let probe = kept.probe();
    let found = compute(py, move || {
        let probe = probe()?;
        either!(x, x => probe.logits(x)).map_err(words)
    })?;
    Ok(found.into_pyarray(py))
}
