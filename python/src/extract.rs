//! What a model says of images: as `modalign extract --tensor` does it, of an array in place of a file.

use crate::work::{Said, compute, words};
use burn::tensor::{DType, Device};
use modalign::feature::outputs::{Input, Output, outputs};
use modalign::feature::samples_at_once;
use modalign::model::{Embedder, Model, Opening, embedded, load};
use ndarray::Array4;
use numpy::{IntoPyArray, PyArrayDyn, PyReadonlyArray4};
use pyo3::prelude::*;

/// An output's name and its values, `[N, …]`.
type Named<'py> = (String, Bound<'py, PyArrayDyn<f32>>);

/// Names of the models inside the program.
#[pyfunction]
pub fn models() -> Vec<&'static str> {
    embedded::names()
}

/// The wanted outputs of a model for images `[N, C, H, W]`, and what is to be told of how it was opened.
#[pyfunction]
pub fn extract<'py>(
    py: Python<'py>,
    model: String,
    images: PyReadonlyArray4<'py, f32>,
    wanted: Vec<String>,
) -> PyResult<(Vec<Named<'py>>, Vec<String>)> {
    // A model keeps its batch, so that it takes it row-major and whole.
    let images: Array4<f32> = images.as_array().as_standard_layout().into_owned();
    let (found, notes) = compute(py, move || run(&model, &images, &wanted))?;
    let arrays = found.into_iter().map(|(name, shape, values)| {
        let values = ndarray::ArrayD::from_shape_vec(shape, values);
        let values = values.expect("an output has as many values as its shape says");
        (name, values.into_pyarray(py))
    });
    Ok((arrays.collect(), notes))
}

type Found = (Vec<(String, Vec<usize>, Vec<f32>)>, Vec<String>);

fn run(name: &str, images: &Array4<f32>, wanted: &[String]) -> Said<Found> {
    let mut asked = Vec::with_capacity(wanted.len());
    for output in wanted {
        let known = Output::ALL.into_iter().find(|known| known.name() == output);
        asked.push(known.ok_or_else(|| {
            let all: Vec<&str> = Output::ALL.iter().map(|output| output.name()).collect();
            format!(
                "outputs: expected some of {}, found {output:?}",
                all.join(", ")
            )
        })?);
    }
    let device = Device::flex();
    let files = embedded::open(name, &Opening::default()).map_err(words)?;
    let loaded = load::opened(files, &device, DType::F32).map_err(words)?;
    let model = &loaded.model;
    fits(model, images.dim())?;
    if asked.contains(&Output::Logits) && model.network.predictor.spec().is_none() {
        return Err(format!(
            "outputs: expected a model with a classifier for logits, found {name} without one"
        ));
    }
    let (n, c, h, w) = images.dim();
    let values = images.as_slice().expect("the images were made row-major");
    let size = c * h * w;
    let mut found: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for part in values.chunks(samples_at_once(size) * size) {
        if modalign::measure::interrupt::asked() {
            return Err("interrupted before there was a result".into());
        }
        let input = Input::Samples(part.to_vec(), [part.len() / size, c, h, w]);
        let said = outputs(&model.network, input, &asked);
        for (place, (name, (shape, values))) in said.into_iter().enumerate() {
            match found.get_mut(place) {
                Some((_, whole, all)) => {
                    whole[0] += shape[0];
                    all.extend(values);
                }
                None => found.push((name, shape, values)),
            }
        }
    }
    debug_assert!(found.iter().all(|(_, shape, _)| shape[0] == n));
    Ok((found, loaded.notes))
}

/// Refuses images that are none of the model's.
fn fits(model: &Model, (n, c, h, w): (usize, usize, usize, usize)) -> Said<()> {
    let embedder = &model.network.embedder;
    if !matches!(embedder, Embedder::Patches(_) | Embedder::Positioned(_)) {
        return Err("model: expected one of images, found one of sequences; modalign extract --tensor takes these".into());
    }
    let channels = embedder.channels();
    if c != channels || [n, h, w].contains(&0) {
        return Err(format!(
            "images: expected [N, {channels}, H, W] as the model's embedder takes them, without empty axes, found [{n}, {c}, {h}, {w}]"
        ));
    }
    Ok(())
}
