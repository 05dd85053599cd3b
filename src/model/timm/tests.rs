//! Names and numbers against checkpoints that timm made (`tests/fixtures/timm`).

use super::*;
use crate::model::folder::{parameters, with_state};
use crate::model::swin::{Mode, pool};
use crate::model::weights::Weights;
use crate::model::{Model, ModelError, device};
use burn::tensor::{DType, Tensor, TensorData};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/timm")
        .join(name)
}

fn weights(name: &str) -> Weights {
    Weights::open(&fixture(name).join("model.safetensors")).unwrap()
}

/// Names and shapes of a fixture in safetensors.
pub(super) fn shapes_of(name: &str) -> Shapes {
    let file = weights(name);
    file.names()
        .map(|n| (n.to_string(), file.shape(n).unwrap().to_vec()))
        .collect()
}

/// Names and shapes of the fixture with Microsoft's names.
pub(super) fn microsoft() -> Shapes {
    let path = fixture("microsoft/checkpoint.pth");
    let file = pytorch_reader::PytorchReader::with_top_level_key(path, "model").unwrap();
    file.tensors()
        .iter()
        .map(|(n, t)| (n.clone(), t.shape().to_vec()))
        .collect()
}

pub(super) fn infer(shapes: &Shapes, hints: &Hints) -> Result<SwinConfig, ModelError> {
    let names: Vec<String> = shapes.keys().cloned().collect();
    infer_config(&|n| shapes.get(n).cloned(), &names, hints)
}

pub(super) fn hints(name: &str) -> Hints {
    Hints::read(&fixture(name).join("config.json")).unwrap()
}

fn style(shapes: &Shapes) -> Style {
    Style::detect(shapes.keys().map(String::as_str))
}

/// A network with the weights of a fixture, every tensor used once and none left over.
fn load(name: &str) -> Model {
    let (file, shapes) = (weights(name), shapes_of(name));
    let config = infer(&shapes, &hints(name)).unwrap();
    let (channels, device) = (config.num_channels, device::open("flex").unwrap());
    let classes = shapes.get("head.fc.weight").map(|s| s[0]);
    let mut model = Model::new(
        config,
        channels,
        classes.unwrap_or(1),
        0,
        &device,
        DType::F32,
    )
    .unwrap();
    let mut left: Vec<&str> = file.names().collect();
    let mut arrays = BTreeMap::new();
    for (ours, shape) in parameters(&model.network) {
        let theirs = parameter_name(&ours, style(&shapes)).unwrap();
        if classes.is_none() && ours.starts_with("predictor.") {
            let values = vec![0.0; shape.iter().product()];
            arrays.insert(ours, Array { shape, values });
            continue;
        }
        let at = left.iter().position(|n| *n == theirs);
        left.remove(at.unwrap_or_else(|| panic!("{ours} → {theirs}: absent or used twice")));
        let mut array = file.read(&theirs).unwrap();
        if array.shape != shape && ours.ends_with("relative_position_bias_table") {
            array = whole_table(array, shape[0]).unwrap();
        }
        assert_eq!(array.shape, shape, "{ours} → {theirs}");
        arrays.insert(ours, array);
    }
    assert_eq!(left, Vec::<&str>::new(), "unused");
    model.network = with_state(model.network, arrays, Path::new("fixture")).unwrap();
    model
}

/// Compares every output of a fixture; `prefix` names whose numbers they are.
fn check_numbers(name: &str, prefix: &str) {
    let io = Weights::open(&fixture(name).join("io.safetensors")).unwrap();
    let model = load(name);
    let pixels = io.read("pixels").unwrap();
    let device = device::open("flex").unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(pixels.values, pixels.shape), &device);
    let close = |what: &str, found: TensorData| {
        let want = io.read(what).unwrap();
        let found = found.try_to_vec::<f32>().unwrap();
        assert_eq!(found.len(), want.values.len());
        let scale = want.values.iter().fold(0f32, |a, v| a.max(v.abs()));
        let pairs = found.iter().zip(&want.values);
        let error = pairs.fold(0f32, |a, (x, y)| a.max((x - y).abs())) / scale;
        assert!(error < 1e-4, "{name} {what}: {error}");
    };
    let (tokens, grid) = model.network.embedder.forward(x);
    close("embedded", tokens.clone().into_data());
    let tokens = model
        .network
        .encoder
        .encode(tokens, grid, &mut Mode::Eval)
        .last;
    close(
        &format!("{prefix}last_hidden_state"),
        tokens.clone().into_data(),
    );
    let pooled = pool(tokens);
    close(&format!("{prefix}pooled"), pooled.clone().into_data());
    if io.shape("logits").is_some() {
        let logits = model.network.predict(pooled);
        close(&format!("{prefix}logits"), logits.into_data());
    }
}

#[test]
fn numbers_are_timms_where_windows_divide_the_grids() {
    assert!(!differs_from_timm(&load("regular").config));
    check_numbers("regular", "");
}

#[test]
fn numbers_are_timms_where_a_grid_is_smaller_than_the_window() {
    assert!(!differs_from_timm(&load("clamped").config));
    check_numbers("clamped", "");
}

#[test]
fn numbers_are_those_of_transformers_where_grids_are_padded() {
    assert!(differs_from_timm(&load("padded").config));
    check_numbers("padded", "transformers.");
}

#[test]
fn microsofts_names_are_timms_with_two_differences_and_buffers() {
    let (old, new) = (microsoft(), shapes_of("regular"));
    assert!(is_timm(old.keys().map(String::as_str)));
    assert_eq!((style(&old), style(&new)), (Style::OLD, Style::NEW));
    let config = infer(&old, &Hints::default()).unwrap();
    let device = device::open("flex").unwrap();
    let model = Model::new(config, 3, 7, 0, &device, DType::F32).unwrap();
    let mut left: Vec<&String> = old.keys().filter(|n| !is_buffer(n)).collect();
    for (ours, shape) in parameters(&model.network) {
        let [a, b] = [Style::OLD, Style::NEW].map(|s| parameter_name(&ours, s).unwrap());
        assert_eq!((&old[&a], &new[&b]), (&shape, &shape), "{ours}");
        left.retain(|n| **n != a);
    }
    assert_eq!(left, Vec::<&String>::new());
    assert_eq!(old.len() - new.len(), 5 + 2, "buffers");
}

#[test]
fn other_names_are_not_timms() {
    assert!(!is_timm(
        [
            "swin.encoder.layers.0.blocks.0.x",
            "patch_embed.proj.weight"
        ]
        .into_iter()
    ));
    assert!(!is_timm(["layers.0.blocks.0.norm1.weight"].into_iter()));
    for ours in [
        "positions.table",
        "encoder.layers.0.blocks.0.gate.weight",
        "encoder.extra",
    ] {
        assert_eq!(parameter_name(ours, Style::NEW), None);
    }
}

#[test]
fn a_small_table_is_the_centre_of_the_whole_one() {
    let small = Array {
        shape: vec![9, 2],
        values: (1..19).map(|v| v as f32).collect(),
    };
    let whole = whole_table(small.clone(), 25).unwrap();
    assert_eq!(whole.shape, [25, 2]);
    // Row (down, right) of offsets −1..=1 stands at (down + 2)·5 + right + 2.
    assert_eq!(whole.values[2 * 6..2 * 6 + 6], small.values[..6]);
    assert_eq!(whole.values[2 * 16..2 * 16 + 6], small.values[12..]);
    assert_eq!(whole.values.iter().filter(|v| **v != 0.0).count(), 18);
    assert_eq!(whole_table(small.clone(), 9), Some(small.clone()));
    for rows in [1, 16, 24] {
        assert_eq!(whole_table(small.clone(), rows), None);
    }
}
