//! t-SNE.

use crate::arrays::{Matrix, either};
use crate::work::{compute, words};
use modalign::measure::tsne::{Engine, TsneParams};
use numpy::{IntoPyArray, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Settings of a map.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    perplexity: f64,
    max_iter: usize,
    seed: u64,
    engine: String,
    pca: Option<usize>,
    theta: f64,
}

/// The map `[N, 2]`, and what is known of it as JSON.
#[pyfunction]
pub fn tsne<'py>(
    py: Python<'py>,
    x: Matrix,
    settings: Settings,
) -> PyResult<(Bound<'py, PyArray2<f64>>, String)> {
    let engine: Result<Engine, _> = serde_json::from_value(settings.engine.clone().into());
    let engine = engine.map_err(|_| {
        let expected = "auto, exact, barnes-hut, fft or linfa";
        PyValueError::new_err(format!(
            "method: expected {expected}, found {:?}",
            settings.engine
        ))
    })?;
    let (map, said) = compute(py, move || {
        let params = TsneParams::new()
            .perplexity(settings.perplexity)
            .iterations(settings.max_iter)
            .seed(settings.seed)
            .engine(engine)
            .pca(settings.pca)
            .theta(settings.theta)
            .check()
            .map_err(words)?;
        let found = either!(x, x => params.run(x)).map_err(words)?;
        let said = serde_json::json!({
            "kl": found.kl,
            "trustworthiness": found.trustworthiness,
            "engine": found.engine,
            "perplexity": found.perplexity,
            "converged": found.converged,
            "reproducible": found.reproducible,
        });
        Ok((found.embedding, said.to_string()))
    })?;
    Ok((map.into_pyarray(py), said))
}
