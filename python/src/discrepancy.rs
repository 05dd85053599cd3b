//! D, the modality knowledge discrepancy.

use crate::arrays::{Matrix, either, numbers};
use crate::work::{Said, compute, words};
use modalign::measure::discrepancy::{
    Discrepancy, DiscrepancyParams, Divergence, Rows, Search, Sums, Target, ValidDiscrepancyParams,
    discrepancy_by, softmax, stream,
};
use modalign::measure::samples::doubles;
use modalign::measure::{Groups, MeasureError};
use ndarray::Array2;
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Settings of D.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Settings {
    softmax: bool,
    divergence: String,
    search: String,
    nodes: Option<usize>,
    holdout: Option<f64>,
    bootstrap: usize,
    null: usize,
    seed: u64,
}

/// What the target says.
enum Known {
    Labels(Vec<usize>, usize),
    MultiHot(Array2<f32>),
    Conditionals(Array2<f32>),
}

const SEARCHES: [Search; 4] = [Search::Exact, Search::Local, Search::Greedy, Search::Brute];

fn name(search: Search) -> String {
    let name = serde_json::to_value(search).ok();
    let name = name.as_ref().and_then(|name| name.as_str());
    name.expect("a search is written as its name").to_owned()
}

/// Names of the divergences.
#[pyfunction]
pub fn divergences() -> Vec<&'static str> {
    Divergence::ALL
        .iter()
        .map(|divergence| divergence.name())
        .collect()
}

/// Names of the searches.
#[pyfunction]
pub fn searches() -> Vec<String> {
    SEARCHES.into_iter().map(name).collect()
}

/// D as JSON; of labels, multi-hot labels and conditionals one is given.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "three kinds of targets")]
pub fn discrepancy(
    py: Python<'_>,
    source: Matrix,
    labels: Option<PyReadonlyArray1<'_, i64>>,
    classes: usize,
    multi_hot: Option<PyReadonlyArray2<'_, f64>>,
    conditionals: Option<PyReadonlyArray2<'_, f64>>,
    groups: Option<PyReadonlyArray1<'_, i64>>,
    settings: Settings,
) -> PyResult<String> {
    let known = known(labels, classes, multi_hot, conditionals)?;
    let groups = groups.map(numbers).transpose()?;
    let divergence = Divergence::ALL
        .into_iter()
        .find(|d| d.name() == settings.divergence);
    let search = SEARCHES.into_iter().find(|&s| name(s) == settings.search);
    let (Some(divergence), Some(search)) = (divergence, search) else {
        return Err(PyValueError::new_err(
            "divergence or search: expected one that is listed",
        ));
    };
    compute(py, move || {
        let params = DiscrepancyParams::new()
            .divergence(divergence)
            .search(search)
            .nodes(settings.nodes)
            .holdout(settings.holdout)
            .bootstrap(settings.bootstrap)
            .null(settings.null)
            .seed(settings.seed)
            .sums(Sums::One)
            .check()
            .map_err(words)?;
        let found = match settings.softmax {
            true => {
                let probabilities = softmax(either!(source, x => doubles(x)));
                of(&probabilities.view(), &known, groups, &params)
            }
            false => either!(source, x => of(&x, &known, groups, &params)),
        }
        .map_err(|error| match error {
            MeasureError::Unit { .. } if !settings.softmax => {
                format!("{error}; if these are logits, softmax=True makes probabilities of them")
            }
            error => error.to_string(),
        })?;
        serde_json::to_string(&found).map_err(words)
    })
}

fn known(
    labels: Option<PyReadonlyArray1<'_, i64>>,
    classes: usize,
    multi_hot: Option<PyReadonlyArray2<'_, f64>>,
    conditionals: Option<PyReadonlyArray2<'_, f64>>,
) -> PyResult<Known> {
    let checked = |t: &PyReadonlyArray2<'_, f64>| -> Said<()> {
        stream::check("target probabilities", t.as_array(), 0, Sums::One).map_err(words)
    };
    let single = |t: &PyReadonlyArray2<'_, f64>| doubles(t.as_array()).mapv(|v| v as f32);
    match (labels, multi_hot, conditionals) {
        (Some(labels), None, None) => Ok(Known::Labels(numbers(labels)?, classes)),
        (None, Some(hot), None) => Ok(Known::MultiHot(single(&hot))),
        (None, None, Some(t)) => {
            checked(&t).map_err(PyValueError::new_err)?;
            Ok(Known::Conditionals(single(&t)))
        }
        _ => Err(PyValueError::new_err(
            "target: expected labels or probabilities, one of them",
        )),
    }
}

fn of<R: Rows>(
    source: &R,
    known: &Known,
    groups: Option<Vec<usize>>,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    let target = match known {
        Known::Labels(labels, classes) => Target::Labels {
            labels,
            classes: *classes,
        },
        Known::MultiHot(t) => Target::MultiHot(t.view()),
        Known::Conditionals(t) => Target::Conditionals(t.view()),
    };
    let groups = match groups {
        Some(groups) => Groups::of(&groups),
        None => Groups::singletons(source.dim().0),
    };
    discrepancy_by(source, target, &groups, params)
}
