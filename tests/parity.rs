//! Parity with the implementations that the field trusts. Each test prints its largest error.
//! `MODALIGN_FIXTURES` points to other fixtures of the same layout.

use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::model::weights::{Array, Weights};
use modalign::model::{Pass, device, folder};
use std::path::PathBuf;

fn fixtures() -> PathBuf {
    std::env::var_os("MODALIGN_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"),
        PathBuf::from,
    )
}

/// Largest difference relative to the largest reference value.
fn relative_error(found: &[f32], want: &Array) -> f32 {
    assert_eq!(found.len(), want.values.len(), "shape {:?}", want.shape);
    let scale = want.values.iter().fold(0.0f32, |a, v| a.max(v.abs()));
    found
        .iter()
        .zip(&want.values)
        .fold(0.0f32, |a, (x, y)| a.max((x - y).abs()))
        / scale
}

fn check<const D: usize>(name: &str, what: &str, found: Tensor<D>, io: &Weights) {
    let error = relative_error(
        &found.into_data().try_to_vec::<f32>().unwrap(),
        &io.read(what).unwrap(),
    );
    println!("{name:>14} {what:<18} max relative error {error:.2e}");
    assert!(error < 1e-4, "{name} {what}: {error}");
}

/// Every device of this build: `flex` always, others by cargo feature.
fn swin_on_all_devices(name: &str) {
    for (device, built, _) in device::DEVICES {
        if built {
            println!("device {device}");
            swin(name, &device::open(device).unwrap());
        }
    }
}

fn swin(name: &str, device: &Device) {
    let root = fixtures().join(name);
    let io = Weights::open(&root.join("io.safetensors")).unwrap();
    let model = folder::load(&root, device, DType::F32).unwrap().model;
    let pixels = io.read("pixels").unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(pixels.values, pixels.shape), device);
    let pass = &mut Pass::eval();
    let tokens = model.network.embedder.forward(x, pass);
    check(name, "embedded", tokens.values.primal.clone(), &io);
    check(name, "hidden_0", tokens.values.primal.clone(), &io);
    let encoded = model.network.encoder.stages(tokens, pass);
    for (i, stage) in encoded.stages.into_iter().enumerate() {
        check(name, &format!("hidden_{}", i + 1), stage.values.primal, &io);
    }
    let last = encoded.last;
    check(name, "last_hidden_state", last.values.primal.clone(), &io);
    check(name, "pooled", last.clone().pool().primal, &io);
    let logits = model.network.predictor.forward(last, pass);
    check(name, "logits", logits.primal, &io);
}

#[test]
fn swin_regular() {
    swin_on_all_devices("swin-regular");
}

#[test]
fn swin_padded() {
    swin_on_all_devices("swin-padded");
}

#[test]
fn swin_cifar() {
    swin_on_all_devices("swin-cifar");
}
