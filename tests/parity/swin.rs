//! Swin against `transformers`, on every device of this build.

use super::{check, fixture, io, tensor};
use burn::tensor::{DType, Device};
use modalign::model::weights::Weights;
use modalign::model::{Pass, device, load};
use std::path::Path;

/// Every device of this build: `flex` always, others by cargo feature.
pub fn on_all_devices(run: impl Fn(&Device)) {
    for (name, built, _) in device::DEVICES {
        if built {
            println!("device {name}");
            run(&device::open(name).unwrap());
        }
    }
}

/// Every output of the fixture `name`.
fn swin(name: &str, device: &Device, dtype: DType, bound: f64) {
    compare(name, &fixture(name), &io(name), device, dtype, bound);
}

/// Every output that `io` has, of the model at `root`.
pub fn compare(name: &str, root: &Path, io: &Weights, device: &Device, dtype: DType, bound: f64) {
    let model = load::load(root, device, dtype).unwrap().model;
    let pass = &mut Pass::eval();
    let x = tensor::<4>(io, "pixels", device, dtype);
    let tokens = model.network.embedder.forward(x, pass);
    let embedded = tokens.values.primal.clone();
    check(name, "embedded", embedded, io, bound);
    let encoded = model.network.encoder.stages(tokens, pass);
    for (i, stage) in encoded.stages.into_iter().enumerate() {
        let what = format!("hidden_{}", i + 1);
        check(name, &what, stage.values.primal, io, bound);
    }
    let last = encoded.last;
    let values = last.values.primal.clone();
    check(name, "last_hidden_state", values, io, bound);
    check(name, "pooled", last.clone().pool().primal, io, bound);
    if io.shape("logits").is_some() {
        let logits = model.network.predictor.forward(last, pass).primal;
        check(name, "logits", logits, io, bound);
    }
}

#[test]
fn swin_regular() {
    on_all_devices(|device| swin("swin-regular", device, DType::F32, 1e-4));
}

#[test]
fn swin_padded() {
    on_all_devices(|device| swin("swin-padded", device, DType::F32, 1e-4));
}

#[test]
fn swin_cifar() {
    on_all_devices(|device| swin("swin-cifar", device, DType::F32, 1e-4));
}
