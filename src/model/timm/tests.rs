//! Names and numbers against checkpoints that timm made (`tests/fixtures/timm`).

use super::*;
use crate::model::keys;
use crate::model::state::parameters;
use crate::model::weights::Weights;
use crate::model::{Model, ModelError, Opening, Pass, device};
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
    let file = Weights::of_model(&path, &Opening::default(), None).unwrap();
    assert_eq!(file.key(), Some("model"));
    file.names()
        .map(|n| (n.to_string(), file.shape(n).unwrap().to_vec()))
        .collect()
}

pub(super) fn infer(shapes: &Shapes, hints: &Hints) -> Result<SwinConfig, ModelError> {
    let names: Vec<String> = shapes.keys().cloned().collect();
    infer_all(shapes, &names, hints).map(|found| found.config)
}

pub(super) fn infer_all(
    shapes: &Shapes,
    names: &[String],
    hints: &Hints,
) -> Result<Inferred, ModelError> {
    infer_config(&|n| shapes.get(n).cloned(), names, hints)
}

pub(super) fn hints(name: &str) -> Hints {
    let path = fixture(name).join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    Hints::read(&keys::object(&text).unwrap(), &path).unwrap()
}

fn style(shapes: &Shapes) -> Style {
    Style::detect(shapes.keys().map(String::as_str))
}

/// The model of a fixture, as users load it.
fn load(name: &str) -> Model {
    let device = device::open("flex").unwrap();
    let loaded = crate::model::load::load(&fixture(name), &device, DType::F32).unwrap();
    assert!(loaded.ignored.iter().all(|n| is_buffer(n)));
    loaded.model
}

fn swin_of(model: &Model) -> &SwinConfig {
    match &model.config {
        crate::model::Architecture::Swin(swin) => swin,
        other => panic!("{other:?}"),
    }
}

/// Compares every output of a fixture; `prefix` names whose numbers they are.
fn check_numbers(name: &str, prefix: &str) {
    check_model(name, prefix, &load(name));
}

fn check_model(name: &str, prefix: &str, model: &Model) {
    let io = Weights::open(&fixture(name).join("io.safetensors")).unwrap();
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
    let pass = &mut Pass::eval();
    let tokens = model.network.embedder.forward(x, pass);
    close("embedded", tokens.values.primal.clone().into_data());
    let last = model.network.encoder.encode(tokens, pass);
    let values = last.values.primal.clone();
    close(&format!("{prefix}last_hidden_state"), values.into_data());
    let pooled = last.clone().pool().primal;
    close(&format!("{prefix}pooled"), pooled.into_data());
    if io.shape("logits").is_some() {
        let logits = model.network.predictor.forward(last, pass).primal;
        close(&format!("{prefix}logits"), logits.into_data());
    }
}

#[test]
fn a_bare_checkpoint_of_microsofts_loads_to_the_same_values() {
    let device = device::open("flex").unwrap();
    let path = fixture("microsoft/checkpoint.pth");
    let loaded = crate::model::load::load(&path, &device, DType::F32).unwrap();
    let state = |model: &Model| crate::model::state::state(&model.network);
    assert_eq!(state(&loaded.model), state(&load("regular")));
    assert!(!loaded.ignored.is_empty(), "buffers");
}

#[test]
fn numbers_are_timms_where_windows_divide_the_grids() {
    assert!(!differs_from_transformers(swin_of(&load("regular"))));
    check_numbers("regular", "");
}

#[test]
fn numbers_are_timms_where_a_grid_is_smaller_than_the_window() {
    assert!(!differs_from_transformers(swin_of(&load("clamped"))));
    check_numbers("clamped", "");
}

#[test]
fn numbers_are_timms_where_grids_are_padded() {
    assert!(differs_from_transformers(swin_of(&load("padded"))));
    check_numbers("padded", "");
}

#[test]
fn the_same_tensors_give_the_numbers_of_transformers_with_its_windows() {
    let mut model = load("padded");
    model.set_windows(Windows::Transformers);
    check_model("padded", "transformers.", &model);
}

/// Larger error of pooled outputs and last tokens: norm of the difference over norm of the reference.
fn error_of(model: &Model, folder: &Path) -> f32 {
    let io = Weights::open(&folder.join("io.safetensors")).unwrap();
    let pixels = io.read("pixels").unwrap();
    let device = device::open("flex").unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(pixels.values, pixels.shape), &device);
    let pass = &mut Pass::eval();
    let last = model
        .network
        .encoder
        .encode(model.network.embedder.forward(x, pass), pass);
    let pooled = last.clone().pool().primal.into_data();
    let outputs = [
        ("pooled", pooled),
        ("last_hidden_state", last.values.primal.into_data()),
    ];
    outputs.into_iter().fold(0.0f32, |worst, (name, found)| {
        let want = io.read(name).unwrap().values;
        let found = found.try_to_vec::<f32>().unwrap();
        assert_eq!(found.len(), want.len());
        let square = |values: &mut dyn Iterator<Item = f32>| -> f64 {
            values.map(|v| f64::from(v).powi(2)).sum()
        };
        let apart = square(&mut found.iter().zip(&want).map(|(x, y)| x - y));
        worst.max((apart / square(&mut want.iter().copied())).sqrt() as f32)
    })
}

#[test]
fn numbers_are_timms_for_images_of_any_shape() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/timm-windows");
    let device = device::open("flex").unwrap();
    let mut cases = 0;
    for entry in std::fs::read_dir(home).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let mut model = crate::model::load::load(&folder, &device, DType::F32)
            .unwrap()
            .model;
        let error = error_of(&model, &folder);
        assert!(error < 2e-5, "{}: {error}", folder.display());
        // The windows survive a folder of Hugging Face's kind.
        let written = tempfile::tempdir().unwrap();
        crate::model::save::save(&model, &[], written.path()).unwrap();
        let again = crate::model::load::load(written.path(), &device, DType::F32).unwrap();
        assert_eq!(again.model.windows(), model.windows());
        let error = error_of(&again.model, &folder);
        assert!(error < 2e-5, "{} again: {error}", folder.display());
        // A test of windows that any windows pass would be none.
        model.set_windows(Windows::Transformers);
        let divided = folder
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .ends_with("rectangle")
            && !folder.to_str().unwrap().contains("padded");
        assert_eq!(
            error_of_shape(&model, &folder) < 2e-5,
            divided,
            "{}",
            folder.display()
        );
        cases += 1;
    }
    assert_eq!(cases, 13);
}

/// The same, where other windows may give another number of tokens.
fn error_of_shape(model: &Model, folder: &Path) -> f32 {
    if folder.ends_with("cut-patches") {
        f32::INFINITY
    } else {
        error_of(model, folder)
    }
}

#[test]
fn microsofts_names_are_timms_with_two_differences_and_buffers() {
    let (old, new) = (microsoft(), shapes_of("regular"));
    assert!(is_timm(old.keys().map(String::as_str)));
    assert_eq!((style(&old), style(&new)), (Style::OLD, Style::NEW));
    let config = infer(&old, &Hints::default()).unwrap();
    let device = device::open("flex").unwrap();
    let spec = crate::suite::parts::PredictorSpec::Classification { classes: 7 };
    let model = Model::new(config, 3, Some(&spec), 0, &device, DType::F32).unwrap();
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
    let small: Vec<f32> = (1..19).map(|v| v as f32).collect();
    let whole = whole_table(&small, [2, 2], [25, 2]);
    assert_eq!(whole.len(), 50);
    // Row (down, right) of offsets −1..=1 stands at (down + 2)·5 + right + 2.
    assert_eq!(whole[2 * 6..2 * 6 + 6], small[..6]);
    assert_eq!(whole[2 * 16..2 * 16 + 6], small[12..]);
    assert_eq!(whole.iter().filter(|v| **v != 0.0).count(), 18);
    assert_eq!(whole_table(&small, [2, 2], [9, 2]), small);
}

#[test]
fn only_the_table_of_the_grids_own_size_stands_for_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let origin = fixture("clamped");
    std::fs::copy(
        origin.join("config.json"),
        folder.path().join("config.json"),
    )
    .unwrap();
    let table = "layers.0.blocks.1.attn.relative_position_bias_table";
    let weights = Weights::open(&origin.join("model.safetensors")).unwrap();
    let device = device::open("flex").unwrap();
    for (rows, fits) in [(169, true), (49, false), (0, false)] {
        let arrays = weights.names().map(|name| {
            let mut array = weights.read(name).unwrap();
            if name == table {
                array.shape[0] = rows;
                array.values.truncate(rows);
            }
            (name.to_string(), array)
        });
        let path = folder.path().join("model.safetensors");
        crate::model::weights::write(&path, &arrays.collect(), Default::default()).unwrap();
        let loaded = crate::model::load::load(folder.path(), &device, DType::F32);
        match loaded {
            Ok(_) => assert!(fits, "{rows}"),
            Err(e) => assert!(
                !fits && e.to_string().contains("wrong shape"),
                "{rows}: {e}"
            ),
        }
    }
    // Doubles are as exact as the file has them, small tables too.
    let double = crate::model::load::load(&origin, &device, DType::F64).unwrap();
    let state = crate::model::state::state(&double.model.network);
    let whole: Vec<f64> = state["encoder.layers.2.blocks.0.relative_position_bias_table"]
        .iter()
        .collect();
    let small = weights
        .read_f64("layers.2.blocks.0.attn.relative_position_bias_table")
        .unwrap();
    assert_eq!(whole, whole_table(&small, [4, 4], [169, 2]));
}
