//! Swin-B at full size: shapes, parameter count, a round trip through files, and numbers. The
//! reference is PyTorch where Python with torch and transformers is at hand (`$PYTHON`, else
//! `python3`), and our own composed operations in f64 everywhere.

use super::swin::compare;
use super::{check, io_in};
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::model::preprocess::Recorded;
use modalign::model::weights::{Array, Weights, write};
use modalign::model::{Model, Pass, SwinConfig, load, save, state};
use std::collections::{BTreeMap, HashMap};
use std::process::Command;

/// `microsoft/swin-base-patch4-window7-224-in22k`, as its config.json has it.
const SWIN_B: &str = r#"{"model_type":"swin","image_size":224,"patch_size":4,"num_channels":3,
    "embed_dim":128,"depths":[2,2,18,2],"num_heads":[4,8,16,32],"window_size":7,"mlp_ratio":4.0,
    "qkv_bias":true,"drop_path_rate":0.1,"layer_norm_eps":1e-5,"hidden_act":"gelu"}"#;

#[test]
fn swin_base_of_random_weights() {
    let device = Device::flex();
    let config: SwinConfig = serde_json::from_str(SWIN_B).unwrap();
    let made = Model::new(config, 3, None, 17, &device, DType::F32).unwrap();
    assert_eq!(state::size(&made.network), 86_743_224);
    let home = tempfile::tempdir().unwrap();
    save::save(&made, &[], home.path()).unwrap();
    drop(made);

    let loaded = load::load(home.path(), &device, DType::F32).unwrap();
    assert!(loaded.labels.is_empty() && loaded.ignored.is_empty());
    let again = home.path().join("again");
    save::export(&loaded, &Recorded::Own, None, &again).unwrap();
    let digest = |folder| Weights::in_folder(folder).unwrap().sha256();
    assert_eq!(digest(home.path()), digest(&again), "not a byte differs");

    let pixels: Vec<f32> = (0..3 * 224 * 224)
        .map(|i| ((i * 2_654_435_761usize) % 1000) as f32 / 250.0 - 2.0)
        .collect();
    let run = |model: &Model, dtype| {
        let data = TensorData::new(pixels.clone(), [1, 3, 224, 224]).convert_dtype(dtype);
        let x = Tensor::<4>::from_data(data, (&device, dtype));
        let pass = &mut Pass::eval();
        let tokens = model.network.embedder.forward(x, pass);
        assert_eq!(tokens.grid, [56, 56]);
        let last = model.network.encoder.encode(tokens, pass);
        assert_eq!(last.values.dims(), [1, 49, 1024]);
        last.values.primal
    };
    let found = run(&loaded.model, DType::F32);
    drop(loaded);
    let double = load::load(home.path(), &device, DType::F64).unwrap().model;
    let want = run(&double, DType::F64).into_data().iter::<f32>().collect();
    let array = Array {
        shape: vec![1, 49, 1024],
        values: want,
    };
    let path = home.path().join("io.safetensors");
    let arrays = BTreeMap::from([("last_hidden_state".to_string(), array)]);
    write(&path, &arrays, HashMap::new()).unwrap();
    let io = Weights::open(&path).unwrap();
    check("swin-b against f64", "last_hidden_state", found, &io, 1e-4);
}

#[test]
fn swin_base_against_transformers() {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/swin_base/make_reference.py"
    );
    let ready = Command::new(&python)
        .args(["-c", "import torch, transformers, safetensors"])
        .output()
        .is_ok_and(|out| out.status.success());
    if !ready {
        println!("skipped: {python} has no torch, transformers and safetensors");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let made = Command::new(&python)
        .args([script, "--labels", "11", "--out"])
        .arg(home.path())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let io = io_in(home.path());
    compare(
        "swin-b",
        home.path(),
        &io,
        &Device::flex(),
        DType::F32,
        1e-4,
    );
}
