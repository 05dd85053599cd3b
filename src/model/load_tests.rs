//! Weights that lie about a model: refused before anything is computed or allocated.

use super::RobertaConfig;
use super::preprocess::Recorded;
use super::weights::{Array, Dtype, Outgoing, Weights, write, write_tensors};
use super::*;
use crate::suite::parts::PredictorSpec;
use burn::tensor::{DType, Device};
use std::collections::BTreeMap;
use std::path::Path;

/// A saved RoBERTa behind an embedder of signals, and its tensors.
fn parts(folder: &Path) -> BTreeMap<String, Array> {
    let config: RobertaConfig = serde_json::from_str(
        r#"{"vocab_size":9,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,
            "intermediate_size":12,"max_position_embeddings":10}"#,
    )
    .unwrap();
    let model = Model::new(config, 1, None, 1, &Device::flex(), DType::F32).unwrap();
    let classes = PredictorSpec::Classification { classes: 3 };
    let model = model
        .for_target(&Target::new([2, 1, 12], classes), 2)
        .unwrap();
    save::save(&model, &[], folder).unwrap();
    let weights = Weights::open(&folder.join("model.safetensors")).unwrap();
    weights
        .names()
        .map(|name| (name.to_string(), weights.read(name).unwrap()))
        .collect()
}

fn zeros(shape: &[usize]) -> Array {
    Array {
        shape: shape.to_vec(),
        values: vec![0.0; shape.iter().product()],
    }
}

/// What loading and describing a folder with these tensors says.
fn refused(folder: &Path, tensors: &BTreeMap<String, Array>) -> String {
    write(
        &folder.join("model.safetensors"),
        tensors,
        Default::default(),
    )
    .unwrap();
    match load::load(folder, &Device::flex(), DType::F32) {
        Ok(_) => panic!("loaded"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn an_embedder_of_signals_must_fit_its_encoder() {
    let home = tempfile::tempdir().unwrap();
    let whole = parts(home.path());
    load::load(home.path(), &Device::flex(), DType::F32).unwrap();
    // Another width, the same everywhere in the embedder.
    let mut wide = whole.clone();
    for (name, array) in &mut wide {
        if let Some(part) = name.strip_prefix("modalign.embedder.") {
            *array = match part {
                "weight" => zeros(&[7, 2, 2]),
                "positions" => zeros(&[10, 7]),
                _ => zeros(&[7]),
            };
        }
    }
    let said = refused(home.path(), &wide);
    assert!(
        said.contains("modalign.embedder.weight: expected [8, 2, 2], found [7, 2, 2]"),
        "{said}"
    );
    for shape in [&[8, 2, 0][..], &[8, 0, 2], &[8, 4], &[]] {
        let mut empty = whole.clone();
        empty.insert("modalign.embedder.weight".into(), zeros(shape));
        let said = refused(home.path(), &empty);
        assert!(
            said.contains("channels, stack") && said.contains("model.safetensors"),
            "{said}"
        );
    }
}

#[test]
fn a_predictor_of_any_size_is_refused_at_once() {
    let home = tempfile::tempdir().unwrap();
    let whole = parts(home.path());
    let path = home.path().join("config.json");
    let config = std::fs::read_to_string(&path).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    for (spec, what) in [
        (r#"{"kind":"classification","classes":0}"#, "classes"),
        (
            r#"{"kind":"multi-label","classes":18446744073709551615}"#,
            "classes",
        ),
        (
            r#"{"kind":"dense-1d","channels":1,"length":1000000}"#,
            "length",
        ),
    ] {
        config["modalign"]["predictor"] = serde_json::from_str(spec).unwrap();
        std::fs::write(&path, config.to_string()).unwrap();
        let said = refused(home.path(), &whole);
        assert!(said.contains(what) && said.contains("found"), "{said}");
    }
}

#[test]
fn a_tensor_in_two_spellings_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut twice = parts(home.path());
    let name = "encoder.layer.0.output.dense.bias";
    twice.insert(name.into(), zeros(&[8]));
    let said = refused(home.path(), &twice);
    assert!(
        said.contains("unexpected (1)") && said.contains(name),
        "{said}"
    );
}

#[test]
fn half_precision_of_timm_stays_half() {
    let origin = crate::fixture::path("timm/regular");
    let (home, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::copy(origin.join("config.json"), home.path().join("config.json")).unwrap();
    let weights = Weights::open(&origin.join("model.safetensors")).unwrap();
    let arrays: Vec<_> = weights
        .names()
        .map(|name| (name, weights.read(name).unwrap()))
        .collect();
    let half = arrays
        .iter()
        .map(|(name, a)| Outgoing::floats(*name, Dtype::F16, a.shape.clone(), &a.values));
    write_tensors(
        &home.path().join("model.safetensors"),
        half,
        Default::default(),
    )
    .unwrap();
    let loaded = load::load(home.path(), &Device::flex(), DType::F32).unwrap();
    save::export(&loaded, &Recorded::Own, None, out.path()).unwrap();
    let written = Weights::open(&out.path().join("model.safetensors")).unwrap();
    for name in written.names() {
        assert_eq!(written.dtype(name), Some(Dtype::F16), "{name}");
    }
    assert!(
        written
            .shape("swin.encoder.layers.0.blocks.0.attention.self.key.weight")
            .is_some()
    );
}
