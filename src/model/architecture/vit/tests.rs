//! Full sizes, names of architectures, and bad input.

use super::*;
use crate::fixture;
use crate::model::Opening;
use crate::model::keys::Keys;
use crate::model::state::size;
use crate::model::weights::{Array, Weights, write};
use crate::model::{Model, folder, load};
use crate::suite::parts::PredictorSpec;
use burn::tensor::{DType, Device};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A model without values.
pub(super) fn outline(config: VitConfig, classes: Option<usize>) -> Model {
    let mut init = Init {
        device: &Device::flex(),
        dtype: DType::F32,
        rng: None,
    };
    let spec = classes.map(|classes| PredictorSpec::Classification { classes });
    Model::build(config.into(), 3, spec.as_ref(), &mut init).unwrap()
}

pub(super) fn read(kind: &str, keys: Value) -> VitConfig {
    VitConfig::read(&Keys::new(keys.as_object().unwrap()), kind).unwrap()
}

#[test]
fn full_sizes_have_the_publishers_numbers_of_parameters() {
    let base = outline(read("vit", json!({})), Some(1000));
    assert_eq!(size(&base.network), 86_567_656);
    let distilled = outline(read("deit", json!({})), None);
    let heads = 2 * 1000 * (768 + 1);
    assert_eq!(size(&distilled.network) + heads, 87_338_192);
    assert_eq!(
        size(&outline(read("vit_mae", json!({})), None).network),
        85_798_656
    );
    let giant = json!({
        "hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 24,
        "use_swiglu_ffn": true, "image_size": 518,
    });
    // Hugging Face's have a mask token besides.
    let giant = size(&outline(read("dinov2", giant), None).network);
    assert_eq!(giant + 1536, 1_136_480_768);
}

/// A fixture's folder.
pub(super) fn folder_of(name: &str) -> std::path::PathBuf {
    fixture::path(&format!("vit/{name}"))
}

/// The error of a fixture whose configuration or tensors were changed.
pub(super) fn refused(
    name: &str,
    config: impl FnOnce(&mut Value),
    tensors: impl FnOnce(&mut BTreeMap<String, Array>),
) -> String {
    let home = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(folder_of(name).join("config.json")).unwrap();
    let mut keys: Value = serde_json::from_str(&text).unwrap();
    config(&mut keys);
    std::fs::write(home.path().join("config.json"), keys.to_string()).unwrap();
    let weights = Weights::open(&folder_of(name).join("model.safetensors")).unwrap();
    let read = |name: &str| (name.to_string(), weights.read(name).unwrap());
    let mut all: BTreeMap<String, Array> = weights.names().map(read).collect();
    tensors(&mut all);
    write(&home.path().join("model.safetensors"), &all, HashMap::new()).unwrap();
    let loaded = load::load(home.path(), &Device::flex(), DType::F32);
    loaded.err().unwrap().to_string()
}

#[test]
fn positions_of_another_grid_are_refused_with_both() {
    let said = refused("vit-classes", |keys| keys["image_size"] = json!(24), |_| ());
    let shapes = "position_embeddings: expected [1, 37, 8], found [1, 17, 8]";
    assert!(said.contains(shapes), "{said}");
    let said = refused(
        "timm-token",
        |keys| keys["model_args"]["img_size"] = json!(24),
        |_| (),
    );
    assert!(
        said.contains("6 × 6 patches") && said.contains("17 positions"),
        "{said}"
    );
    let said = refused(
        "timm-token",
        |_| (),
        |all| {
            let array = all.get_mut("pos_embed").unwrap();
            (array.shape[1], array.values) = (15, vec![0.0; 15 * 9]);
        },
    );
    assert!(
        said.contains("4 × 4 patches") && said.contains("15 positions"),
        "{said}"
    );
}

#[test]
fn another_familys_tensors_are_refused_with_both_names() {
    let swin = |all: &mut BTreeMap<String, Array>| {
        let weights = Weights::open(&fixture::path("swin-regular/model.safetensors")).unwrap();
        *all = weights
            .names()
            .map(|n| (n.to_string(), weights.read(n).unwrap()))
            .collect();
    };
    for name in ["vit-classes", "timm-token"] {
        let said = refused(name, |_| (), swin);
        assert!(said.contains("expected") && said.contains("swin"), "{said}");
    }
    let said = refused(
        "dinov2-bare",
        |keys| keys["model_type"] = json!("vit"),
        |_| (),
    );
    assert!(said.contains("layer_scale1"), "{said}");
}

#[test]
fn what_timm_would_compute_otherwise_is_refused() {
    for (key, value) in [
        ("act_layer", json!("relu")),
        ("global_pool", json!("map")),
        ("norm_layer", json!("rmsnorm")),
        ("pool_include_prefix", json!(true)),
        ("attn_drop_rate", json!(0.1)),
        ("img_size", json!([16, 32])),
    ] {
        let said = refused(
            "timm-token",
            |keys| keys["model_args"][key] = value.clone(),
            |_| (),
        );
        assert!(said.contains(key) && said.contains("expected"), "{said}");
    }
    let rpn = json!("vit_base_patch16_rpn_224");
    let said = refused("timm-token", |keys| keys["architecture"] = rpn, |_| ());
    assert!(said.contains("rpn"), "{said}");
}

pub(super) fn opened(path: &Path, opening: &Opening) -> Result<load::Loaded, ModelError> {
    load::opened(folder::open(path, opening)?, &Device::flex(), DType::F32)
}

#[test]
fn bare_files_tell_their_shape_or_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let put = |fixture: &str, name: &str| {
        let path = home.path().join(name);
        std::fs::copy(folder_of(fixture).join("model.safetensors"), &path).unwrap();
        opened(&path, &Opening::default())
    };
    // No published model is 9 wide: its heads cannot be known.
    let said = put("timm-token", "a.safetensors")
        .err()
        .unwrap()
        .to_string();
    assert!(
        said.contains("num_heads") && said.contains("width 9"),
        "{said}"
    );
    let said = put("timm-clip", "b.safetensors").err().unwrap().to_string();
    assert!(said.contains("activation"), "{said}");
}

#[test]
fn pooling_and_side_are_settings_that_folders_keep() {
    let opening = Opening {
        pooling: Some(Pooling::Mean),
        image_size: Some(24),
        ..Opening::default()
    };
    for name in ["vit-bare", "dinov2-bare", "timm-dinov2", "timm-registers"] {
        let loaded = opened(&folder_of(name), &opening).unwrap();
        let shape = loaded.model.config.shape();
        assert_eq!(
            (shape.pooling(), shape.image_size()),
            (Pooling::Mean, Some(24))
        );
        let home = tempfile::tempdir().unwrap();
        crate::model::save::save(&loaded.model, &[], home.path()).unwrap();
        let again = opened(home.path(), &Opening::default()).unwrap().model;
        let shape = again.config.shape();
        assert_eq!(
            (shape.pooling(), shape.image_size()),
            (Pooling::Mean, Some(24)),
            "{name}"
        );
    }
    let teacher = Opening {
        pooling: Some(Pooling::ClassAndDistillation),
        ..Opening::default()
    };
    assert!(opened(&folder_of("deit-bare"), &teacher).is_ok());
    for name in ["vit-bare", "timm-gap"] {
        let said = opened(&folder_of(name), &teacher)
            .err()
            .unwrap()
            .to_string();
        assert!(
            said.contains("pooling") && said.contains("without a distillation token"),
            "{said}"
        );
    }
    let swin = opened(&fixture::path("swin-regular"), &teacher)
        .err()
        .unwrap()
        .to_string();
    assert!(swin.contains("pooling: expected mean"), "{swin}");
}

#[test]
fn what_a_user_says_is_written_and_not_copied_from_the_old_config() {
    let side = Opening {
        image_size: Some(24),
        ..Opening::default()
    };
    for name in ["vit-bare", "timm-token", "../swin-regular"] {
        let home = tempfile::tempdir().unwrap();
        let loaded = opened(&folder_of(name), &side).unwrap();
        let how = crate::model::preprocess::Recorded::Own;
        crate::model::save::export(&loaded, &how, None, home.path()).unwrap();
        let again = opened(home.path(), &Opening::default()).unwrap();
        assert_eq!(again.model.config.image_size(), Some(24), "{name}");
        let plain = opened(&folder_of(name), &Opening::default()).unwrap();
        assert!(plain.config.is_some(), "{name}");
    }
}

#[test]
fn pixels_beyond_the_last_patch_are_told() {
    // transformers and timm leave them out of a ViT, and transformers fills them up of a Swin.
    let side = |side| Opening {
        image_size: Some(side),
        ..Opening::default()
    };
    for (name, opening, rest) in [
        ("vit-bare", Opening::default(), Some(2)),
        ("timm-token", side(18), Some(2)),
        ("timm-token", side(24), None),
        ("../timm/regular", side(33), Some(1)),
        ("../swin-regular", side(33), None),
    ] {
        let notes = opened(&folder_of(name), &opening).unwrap().notes.join("\n");
        let told = rest.map(|rest| format!("the last {rest} rows and columns"));
        assert_eq!(
            notes.contains("are left out"),
            told.is_some(),
            "{name}: {notes}"
        );
        assert!(notes.contains(&told.unwrap_or_default()), "{name}: {notes}");
    }
}

#[test]
fn kinds_are_those_of_their_model_types() {
    for kind in [
        "vit",
        "deit",
        "vit_mae",
        "dinov2",
        "dinov2_with_registers",
        "clip_vision_model",
    ] {
        assert_eq!(Kind::of(kind).unwrap().family().name, kind);
    }
    let said = VitConfig::read(&Keys::new(&Default::default()), "beit");
    assert!(
        said.unwrap_err()
            .to_string()
            .contains("model_type: expected")
    );
    // The defaults of transformers differ.
    assert_eq!(read("dinov2", json!({})).patch_size, 14);
    assert_eq!(read("dinov2_with_registers", json!({})).patch_size, 16);
}

#[test]
fn swiglu_of_transformers_in_memory_is_that_of_its_files() {
    for name in ["dinov2-gated", "dinov2-registers"] {
        let folder = folder_of(name);
        let home = tempfile::tempdir().unwrap();
        std::fs::copy(folder.join("config.json"), home.path().join("config.json")).unwrap();
        let weights = Weights::open(&folder.join("model.safetensors")).unwrap();
        let mut all: BTreeMap<String, Array> = BTreeMap::new();
        for name in weights.names() {
            let array = weights.read(name).unwrap();
            let Some((before, leaf)) = name.split_once(".weights_in.") else {
                let name = name.replace(".weights_out.", ".down_proj.");
                all.insert(name, array);
                continue;
            };
            let mut shape = array.shape.clone();
            shape[0] /= 2;
            let halves = array.values.chunks(array.values.len() / 2);
            for (part, values) in ["gate_proj", "up_proj"].iter().zip(halves) {
                let (shape, values) = (shape.clone(), values.to_vec());
                all.insert(format!("{before}.{part}.{leaf}"), Array { shape, values });
            }
        }
        assert!(all.keys().any(|name| name.contains("up_proj")), "{name}");
        write(&home.path().join("model.safetensors"), &all, HashMap::new()).unwrap();
        let state = |path: &Path| {
            let loaded = opened(path, &Opening::default()).unwrap();
            crate::model::state::state(&loaded.model.network)
        };
        assert_eq!(state(home.path()), state(&folder), "{name}");
    }
}
