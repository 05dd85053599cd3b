//! A ViT as a suite's source model, from outside: probes, D, every kind of method, recomputation, and what a run writes.

use super::*;
use burn::tensor::{DType, Device};
use modalign::model::keys::Keys;
use modalign::model::{Model, VitConfig, load, save};
use modalign::suite::parts::PredictorSpec;
use serde_json::{Value, json};

/// A small ViT of random weights for the demo's images and classes.
fn vit(folder: &Path) {
    let keys = json!({
        "image_size": 32, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 32,
    });
    let config = VitConfig::read(&Keys::new(keys.as_object().unwrap()), "vit").unwrap();
    let spec = PredictorSpec::Classification { classes: 48 };
    let model = Model::new(config, 3, Some(&spec), 5, &Device::flex(), DType::F32).unwrap();
    save::save(&model, &[], folder).unwrap();
}

#[test]
fn a_vit_is_a_source_like_any_other() {
    let home = tempfile::tempdir().unwrap();
    let (model, run) = (home.path().join("vit"), home.path().join("run"));
    vit(&model);
    let named = format!("model = {:?}\npooling = \"mean\"", model.to_str().unwrap());
    let suite_text = TINY
        .replace("model = \"demo\"", &named)
        .replace(
            "seeds = [0, 1]",
            "seeds = [0]\nmethods = [\"nft\", \"orca\", \"mona\", \"pare\", \"lora\"]",
        )
        .replace(
            "epochs = 2, batch = 16",
            "epochs = 1, batch = 16, recompute = true",
        );
    let unseen = suite_text.find("[[targets]]\nname = \"unseen\"").unwrap();
    let after = suite_text.find("[transfer]").unwrap();
    let suite_text = format!("{}{}", &suite_text[..unseen], &suite_text[after..]);
    let suite = home.path().join("suite.toml");
    std::fs::write(&suite, suite_text).unwrap();
    let done = modalign(&[
        "report",
        "--suite",
        suite.to_str().unwrap(),
        "--out",
        run.to_str().unwrap(),
    ]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let results = std::fs::read_to_string(run.join("tables/results.csv")).unwrap();
    for method in ["nft", "orca", "mona", "pare", "lora"] {
        assert!(results.contains(method), "{method}: {results}");
    }
    let cells = run.join("cells");
    let config = walk(&cells, "config.json");
    assert!(!config.is_empty());
    for path in config {
        let keys: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(keys["model_type"], "vit");
        assert_eq!(keys["modalign"]["pooling"], "mean");
        let folder = path.parent().unwrap();
        load::load(folder, &Device::flex(), DType::F32).unwrap();
    }
}

/// Files of that name below a folder.
fn walk(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path, name));
        } else if path.file_name().is_some_and(|n| n == name) {
            found.push(path);
        }
    }
    found
}
