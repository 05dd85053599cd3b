//! Parity with the implementations that the field trusts. Each test prints its largest error.
//! `MODALIGN_FIXTURES` points to other fixtures of the same layout.

#[path = "parity/clip.rs"]
mod clip;
#[path = "parity/devices.rs"]
mod devices;
#[path = "parity/full_size.rs"]
mod full_size;
#[path = "parity/harma.rs"]
mod harma;
#[path = "parity/meta_gradient.rs"]
mod meta_gradient;
#[path = "parity/meta_steps.rs"]
mod meta_steps;
#[path = "parity/mmap.rs"]
mod mmap;
#[path = "parity/objectives.rs"]
mod objectives;
#[path = "parity/parts.rs"]
mod parts;
#[path = "parity/roberta.rs"]
mod roberta;
#[path = "parity/swin.rs"]
mod swin;
#[path = "parity/vit.rs"]
mod vit;

use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::model::weights::Weights;
use std::path::{Path, PathBuf};

/// The folder of a fixture: below `$MODALIGN_FIXTURES` if it is there, else our own.
fn fixture(name: &str) -> PathBuf {
    std::env::var_os("MODALIGN_FIXTURES")
        .map(|root| PathBuf::from(root).join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures")
                .join(name)
        })
}

/// Inputs and outputs of a fixture.
fn io(name: &str) -> Weights {
    io_in(&fixture(name))
}

fn io_in(folder: &Path) -> Weights {
    Weights::open(&folder.join("io.safetensors")).unwrap()
}

/// A tensor of a file on a device.
fn tensor<const D: usize>(io: &Weights, name: &str, device: &Device, dtype: DType) -> Tensor<D> {
    let shape = io.shape(name).unwrap().to_vec();
    let data = TensorData::new(io.read_f64(name).unwrap(), shape);
    Tensor::from_data(data.convert_dtype(dtype), (device, dtype))
}

/// Largest difference from the reference relative to its largest value; at most `bound`.
fn check<const D: usize>(name: &str, what: &str, found: Tensor<D>, io: &Weights, bound: f64) {
    let found: Vec<f64> = found.into_data().iter::<f64>().collect();
    let want = io.read_f64(what).unwrap();
    assert_eq!(found.len(), want.len(), "{name} {what}");
    let scale = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
    let worst = found
        .iter()
        .zip(&want)
        .fold(0.0f64, |a, (x, y)| a.max((x - y).abs()));
    let error = worst / scale.max(f64::MIN_POSITIVE);
    println!("{name:>22} {what:<24} max relative error {error:.2e}");
    assert!(error < bound, "{name} {what}: {error}");
}
