//! Encoders compared: as `modalign compare` does it, of arrays in place of files.

use crate::arrays::{Matrix, either, numbers};
use crate::work::{Said, compute, words};
use modalign::compare::align;
use modalign::compare::folder::Folder;
use modalign::compare::summary::summary;
use modalign::compare::{Comparison, EncoderFeatures, Origin, Settings, write};
use modalign::feature::FeatureSet;
use modalign::feature::file::matrix_beyond;
use modalign::figure::Format;
use modalign::measure::{Real, interrupt};
use modalign::report;
use modalign::run::progress::Progress;
use ndarray::{Array2, ArrayView2};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Settings of a comparison.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Asked {
    reference: usize,
    train_share: f64,
    sample: usize,
    iterations: usize,
    seed: u64,
    /// Whether the classes have names, rather than numbers.
    named: bool,
}

/// Listens for a wish to stop, and shows nothing.
struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &str, _: usize) {}

    fn step(&mut self, _: usize, _: usize) -> bool {
        !interrupt::asked()
    }

    fn end(&mut self) {}

    fn skip(&mut self, _: &str) {}
}

/// The comparison as JSON; with `out` also a folder with tables, figures and a page.
#[pyfunction]
pub fn compare(
    py: Python<'_>,
    encoders: Vec<(String, Matrix)>,
    labels: PyReadonlyArray1<'_, i64>,
    class_names: Vec<String>,
    groups: Option<PyReadonlyArray1<'_, i64>>,
    asked: Asked,
    out: Option<PathBuf>,
) -> PyResult<String> {
    let (labels, groups) = (numbers(labels)?, groups.map(numbers).transpose()?);
    compute(py, move || {
        let settings = Settings::new()
            .train_share(asked.train_share)
            .sample(asked.sample)
            .tsne_iterations(asked.iterations)
            .seed(asked.seed)
            .check()
            .map_err(words)?;
        let mut all = Vec::with_capacity(encoders.len());
        for (title, matrix) in encoders {
            if let Matrix::Double(wide) = &matrix
                && let Some(beyond) = matrix_beyond(wide.view())
            {
                let column = beyond.column;
                return Err(format!(
                    "{title}, column {column}: expected numbers that single precision holds, found {beyond}; centre and scale the column"
                ));
            }
            let features: Array2<f32> = either!(matrix, x => single(x));
            drop(matrix);
            all.push(encoder(
                title,
                features,
                &labels,
                &class_names,
                &groups,
                asked.named,
            )?);
        }
        let shared = align::align(all).map_err(words)?;
        let folder = out
            .map(|out| Folder::open(&out))
            .transpose()
            .map_err(words)?;
        let found =
            Comparison::new(&shared, asked.reference, &settings, &mut Silent).map_err(words)?;
        let mut said = summary(&shared, &settings, &found);
        said["classes"] = json!(shared.class_names);
        said["test_rows"] = json!(found.parts.test);
        said["sample_rows"] = json!(
            found
                .parts
                .sample
                .iter()
                .map(|&place| found.parts.test[place])
                .collect::<Vec<_>>()
        );
        said["train_rows"] = json!(found.parts.train);
        if let Some(folder) = folder {
            let root = folder.root().map_err(words)?;
            write::write(root, &shared, &settings, &found).map_err(words)?;
            let (tables, figures) = (root.join("tables"), root.join("figures"));
            report::draw(&tables, &figures, &Format::ALL, None).map_err(words)?;
            said["report"] = json!(report::write_comparison(root).map_err(words)?);
        }
        Ok(said.to_string())
    })
}

/// As features files are read: in single precision.
fn single<A: Real>(features: ArrayView2<'_, A>) -> Array2<f32> {
    features.mapv(|value| Into::<f64>::into(value) as f32)
}

fn encoder(
    title: String,
    features: Array2<f32>,
    labels: &[usize],
    class_names: &[String],
    groups: &Option<Vec<usize>>,
    named: bool,
) -> Said<EncoderFeatures> {
    let mut hash = Sha256::new();
    features
        .iter()
        .for_each(|value| hash.update(value.to_le_bytes()));
    let sha256 = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let set = FeatureSet::new(features, labels.to_vec(), class_names.to_vec());
    let set = set.map_err(|error| format!("{title}: {error}"))?;
    Ok(EncoderFeatures {
        origin: Origin {
            kind: "array".into(),
            path: title.clone(),
            sha256,
            ..Origin::default()
        },
        title,
        groups: groups.clone(),
        set,
        named,
        train: None,
    })
}
