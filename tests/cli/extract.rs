//! `modalign extract` against the outputs of `transformers`.

use super::*;
use modalign::model::weights::Weights;

#[test]
fn outputs_agree_with_transformers() {
    let model = fixtures().join("swin-cifar");
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out.safetensors");
    let tensor = format!("{}:pixels", model.join("io.safetensors").display());
    let run = modalign(&[
        "extract",
        "--model",
        model.to_str().unwrap(),
        "--tensor",
        &tensor,
        "--outputs",
        "embedded,pooled,logits,last_hidden_state",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let (found, want) = (
        Weights::open(&out).unwrap(),
        Weights::open(&model.join("io.safetensors")).unwrap(),
    );
    for name in ["embedded", "pooled", "logits", "last_hidden_state"] {
        let (a, b) = (found.read(name).unwrap(), want.read(name).unwrap());
        assert_eq!(a.shape, b.shape, "{name}");
        let scale = b.values.iter().fold(0.0f32, |s, v| s.max(v.abs()));
        let worst = a
            .values
            .iter()
            .zip(&b.values)
            .fold(0.0f32, |w, (x, y)| w.max((x - y).abs()))
            / scale;
        assert!(worst < 1e-4, "{name}: {worst}");
    }
}

#[test]
fn a_model_folder_goes_out_as_it_came_in() {
    use burn::tensor::{DType, Device};
    use modalign::model::{load, save, state};
    let origin = fixtures().join("swin-padded");
    let home = tempfile::tempdir().unwrap();
    let loaded = load::load(&origin, &Device::flex(), DType::F32).unwrap();
    save::save(&loaded.model, &loaded.labels, home.path()).unwrap();
    let again = load::load(home.path(), &Device::flex(), DType::F32).unwrap();
    assert_eq!(
        state::state(&loaded.model.network),
        state::state(&again.model.network)
    );
    assert_eq!(loaded.labels, again.labels);
}
