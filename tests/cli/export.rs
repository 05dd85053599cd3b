//! `modalign models` and `modalign export`: what a checkpoint is, and the way back to PyTorch.

use super::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Type, shape and bytes of every tensor of a safetensors file.
fn tensors(path: &Path) -> BTreeMap<String, (String, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.iter()
        .map(|(name, t)| {
            let kind = format!("{:?}", t.dtype());
            (name.into(), (kind, t.shape().to_vec(), t.data().to_vec()))
        })
        .collect()
}

fn export(model: &Path, out: &Path, more: &[&str]) {
    let mut arguments = vec!["export", model.to_str().unwrap(), "--out"];
    arguments.push(out.to_str().unwrap());
    arguments.extend(more);
    let run = modalign(&arguments);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(text(&run.stdout).trim(), out.to_str().unwrap());
}

#[test]
fn every_tensor_goes_back_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    for name in [
        "swin-cifar",
        "swin-padded",
        "roberta-small",
        "mona",
        "vit/vit-classes",
        "vit/deit-teacher",
        "vit/mae-odd",
        "vit/timm-clip",
        "vit/timm-distilled",
        "vit/timm-registers",
    ] {
        let (origin, out) = (fixture(name), home.path().join(name));
        export(&origin, &out, &["--format", "safetensors-hf"]);
        let [before, after] = [&origin, &out].map(|f| tensors(&f.join("model.safetensors")));
        assert_eq!(before, after, "{name}");
        let config = |folder: &Path| std::fs::read_to_string(folder.join("config.json")).unwrap();
        assert_eq!(config(&origin), config(&out), "{name}");
    }
}

#[test]
fn half_precision_goes_through_single_precision_unharmed() {
    let home = tempfile::tempdir().unwrap();
    let (half, again) = (home.path().join("half"), home.path().join("again"));
    export(&fixture("swin-padded"), &half, &["--dtype", "bf16"]);
    export(&half, &again, &[]);
    let [before, after] = [&half, &again].map(|f| tensors(&f.join("model.safetensors")));
    assert_eq!(before, after);
    assert!(before.values().all(|(kind, ..)| kind == "BF16"));
}

#[test]
fn names_of_timm_and_microsoft_become_hugging_faces() {
    let home = tempfile::tempdir().unwrap();
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    export(&fixture("timm/microsoft/checkpoint.pth"), &old, &[]);
    export(&fixture("timm/regular"), &new, &[]);
    let [old, new] = [&old, &new].map(|f| tensors(&f.join("model.safetensors")));
    assert_eq!(old, new);
    let origin = tensors(&fixture("timm/regular/model.safetensors"));
    let (_, _, whole) = &origin["layers.0.blocks.0.attn.qkv.weight"];
    let parts: Vec<u8> = ["query", "key", "value"]
        .iter()
        .flat_map(|part| {
            let name = format!("swin.encoder.layers.0.blocks.0.attention.self.{part}.weight");
            new[&name].2.clone()
        })
        .collect();
    assert_eq!(&parts, whole);
}

#[test]
fn show_says_what_will_and_will_not_load() {
    let show = |model: &Path| {
        let run = modalign(&["models", "show", model.to_str().unwrap(), "--json"]);
        assert!(run.status.success(), "{}", text(&run.stderr));
        serde_json::from_slice::<serde_json::Value>(&run.stdout).unwrap()
    };
    let facts = show(&fixture("timm/microsoft/checkpoint.pth"));
    assert_eq!(facts["architecture"], "swin");
    assert_eq!(facts["state_dict"], "model");
    assert!(facts["loads"].as_str().unwrap().starts_with("yes"));
    assert_eq!(facts["ignored"].as_array().unwrap().len(), 7);

    let home = tempfile::tempdir().unwrap();
    for (from, name) in [
        ("swin-cifar", "config.json"),
        ("swin-padded", "model.safetensors"),
    ] {
        std::fs::copy(fixture(from).join(name), home.path().join(name)).unwrap();
    }
    let facts = show(home.path());
    assert_eq!(facts["loads"], "no");
    assert!(!facts["missing"].as_array().unwrap().is_empty());
    assert!(!facts["wrong_shape"].as_array().unwrap().is_empty());

    let run = modalign(&["models", "list", "--json"]);
    let all: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(all["model_types"].as_array().unwrap().len() >= 2);
}

#[test]
fn foreign_models_are_refused_with_what_is_supported() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.json");
    let show = ["models", "show", home.path().to_str().unwrap()];
    for (written, expected) in [
        (r#"{"model_type":"siglip"}"#, "swin, vit, deit"),
        (r#"{"architecture":"resnet50"}"#, "Swin"),
        (r#"[]"#, "model_type"),
        ("{", "JSON"),
    ] {
        std::fs::write(&config, written).unwrap();
        let run = modalign(&show);
        assert_eq!(run.status.code(), Some(1), "{written}");
        let said = text(&run.stderr);
        assert!(said.contains(expected), "{written}: {said}");
    }
    let evil = fixture("torch/evil.pth");
    let run = modalign(&["models", "show", evil.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    assert!(said.contains("2 tensors: payload, weight"), "{said}");
    assert!(!Path::new("modalign-evil-ran").exists());
}

#[test]
fn a_models_own_folder_is_not_written_to() {
    let home = tempfile::tempdir().unwrap();
    let own = home.path();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(fixture("timm/regular").join(name), own.join(name)).unwrap();
    }
    let file = own.join("model.safetensors");
    let before = std::fs::read(&file).unwrap();
    for model in [own, &file] {
        let (model, out) = (model.to_str().unwrap(), own.to_str().unwrap());
        let run = modalign(&["export", model, "--out", out]);
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        assert!(text(&run.stderr).contains("--out"));
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}
