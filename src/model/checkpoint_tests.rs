//! Checkpoints as people have them (`tests/fixtures/checkpoints`): whatever stands beside the
//! weights, wherever they are and whatever was put before their names, the outputs are those of
//! timm and transformers.

use super::opening::SideOrigin;
use super::weights::Weights;
use super::{Architecture, Loaded, ModelError, Opening, Pass, device, folder, load};
use crate::files::{gzip, tar};
use burn::tensor::{DType, Tensor, TensorData};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// All files of the fixture, in a folder.
pub(super) fn unpacked() -> tempfile::TempDir {
    let packed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints/checkpoints.tar.gz");
    let bytes = gzip::inflate(std::fs::File::open(packed).unwrap(), 1 << 24).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut rest = bytes.as_slice();
    while let Some((block, more)) = rest.split_first_chunk::<{ tar::BLOCK }>() {
        if block.iter().all(|b| *b == 0) {
            break;
        }
        let header = tar::Header::parse(block).unwrap();
        let size = header.size as usize;
        let path = home.path().join(&header.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &more[..size]).unwrap();
        rest = &more[size.next_multiple_of(tar::BLOCK)..];
    }
    home
}

fn open(path: &Path, opening: &Opening) -> Result<Loaded, ModelError> {
    let device = device::open("flex").unwrap();
    load::opened(folder::open(path, opening)?, &device, DType::F32)
}

fn key(key: &str) -> Opening {
    Opening {
        key: Some(key.into()),
        ..Opening::default()
    }
}

fn ignore(patterns: &[&str]) -> Opening {
    Opening {
        ignore: patterns.iter().map(|p| p.to_string()).collect(),
        ..Opening::default()
    }
}

/// The outputs of a model against those that `io` has under `pooled` and, unless empty, `logits`.
fn agrees(what: &str, loaded: &Loaded, io: &Weights, pooled: &str, logits: &str) {
    let pixels = io.read("pixels").unwrap();
    let device = device::open("flex").unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(pixels.values, pixels.shape), &device);
    let pass = &mut Pass::eval();
    let network = &loaded.model.network;
    let last = network
        .encoder
        .encode(network.embedder.forward(x, pass), pass);
    let mut found = vec![(pooled, last.clone().pool().primal.into_data())];
    if !logits.is_empty() {
        let scores = network.predictor.forward(last, pass).primal;
        found.push((logits, scores.into_data()));
    }
    for (name, found) in found {
        let want = io.read(name).unwrap().values;
        let found = found.try_to_vec::<f32>().unwrap();
        assert_eq!(found.len(), want.len(), "{what} {name}");
        let norm = |v: &mut dyn Iterator<Item = f32>| v.map(|x| f64::from(x).powi(2)).sum::<f64>();
        let error = norm(&mut found.iter().zip(&want).map(|(a, b)| a - b));
        let error = (error / norm(&mut want.iter().copied())).sqrt();
        assert!(error < 2e-5, "{what} {name}: {error}");
    }
}

fn io(home: &Path) -> Weights {
    Weights::open(&home.join("io.safetensors")).unwrap()
}

/// Loads a file and compares; gives what was told.
fn loads(home: &Path, name: &str, opening: &Opening, [pooled, logits]: [&str; 2]) -> Loaded {
    let loaded = open(&home.join(name), opening).unwrap_or_else(|e| panic!("{name}: {e}"));
    agrees(name, &loaded, &io(home), pooled, logits);
    loaded
}

fn told(loaded: &Loaded) -> String {
    loaded.notes.join("\n")
}

const BOTH: [&str; 2] = ["pooled", "logits"];

#[test]
fn whatever_stands_beside_the_weights_is_passed_over_and_not_run() {
    let home = unpacked();
    for name in [
        "beside.pth",
        "beside_protocol4.pth",
        "beside_legacy.pth",
        "within.pth",
        "evil.pth",
    ] {
        loads(home.path(), name, &Opening::default(), BOTH);
    }
    assert!(!Path::new("modalign-evil-ran").exists());
    let weights = |name: &str| {
        let path = home.path().join(name);
        Weights::of_model(&path, &Opening::default(), None).unwrap()
    };
    assert_eq!(weights("beside.pth").key(), Some("model"));
    let foreign = weights("evil.pth").foreign().join(" ");
    assert!(foreign.contains("posix.system"), "{foreign}");
    let within = open(&home.path().join("within.pth"), &Opening::default()).unwrap();
    assert_eq!(within.ignored, ["_extra_state", "settings"]);
}

#[test]
fn the_state_dict_is_found_wherever_it_is() {
    let home = unpacked();
    for (name, found, words) in [
        ("root_scalars.pth.tar", Some("state_dict"), "prefix module."),
        ("flat_scalars.pth", None, ""),
        ("deep.pth", Some("checkpoint.net.state_dict"), ""),
        (
            "student_teacher.pth",
            Some("student"),
            "student is taken, not teacher",
        ),
        (
            "ema_first.pth",
            Some("state_dict"),
            "not model_ema, state_dict_ema",
        ),
        ("tuple.pth", Some("0"), ""),
        ("module.pth", None, "prefix encoder."),
        ("parameters.pth", Some("model"), ""),
        ("script.pt", None, ""),
    ] {
        let loaded = loads(home.path(), name, &Opening::default(), BOTH);
        assert!(told(&loaded).contains(words), "{name}: {}", told(&loaded));
        let path = home.path().join(name);
        let weights = Weights::of_model(&path, &Opening::default(), None).unwrap();
        assert_eq!(weights.key(), found, "{name}");
    }
}

#[test]
fn a_key_chooses_a_dictionary_or_a_prefix() {
    let home = unpacked();
    let other = ["other_pooled", ""];
    // Two models behind a wrapper, in one dictionary.
    let both = Weights::open(&home.path().join("two_in_one.pth")).unwrap();
    let floats = both.names().filter(|n| both.read(n).is_ok());
    let arrays = floats.map(|n| (format!("module.{n}"), both.read(n).unwrap()));
    let wrapped = home.path().join("wrapped.safetensors");
    super::weights::write(&wrapped, &arrays.collect(), Default::default()).unwrap();
    for (name, asked) in [
        ("student_teacher.pth", "teacher"),
        ("student_teacher.pth", "teacher.module"),
        ("wrapped.safetensors", "teacher"),
        ("wrapped.safetensors", "module.teacher"),
        ("two_in_one.pth", "teacher"),
        ("ema_first.pth", "state_dict_ema"),
    ] {
        loads(home.path(), name, &key(asked), other);
    }
    for (name, asked) in [
        ("deep.pth", "checkpoint.net.state_dict"),
        ("deep.pth", "checkpoint.net"),
        ("deep.pth", "checkpoint"),
        ("tuple.pth", "0"),
        ("backbone.safetensors", "backbone"),
        ("lightning.ckpt", "state_dict.model"),
        ("lightning.ckpt", "model"),
    ] {
        loads(home.path(), name, &key(asked), BOTH);
    }
    for (name, asked, words) in [
        ("ema_first.pth", "ema", "state_dict ("),
        ("ema_first.pth", "model_em", "model_ema ("),
        ("beside.pth", "namespace", "model ("),
        ("backbone.safetensors", "model", "backbone (a model)"),
        (
            "two_in_one.pth",
            "averaged",
            "student (a model), teacher (a model)",
        ),
    ] {
        let said = open(&home.path().join(name), &key(asked)).err().unwrap();
        let said = said.to_string();
        assert!(said.contains("--key") && said.contains(words), "{said}");
    }
}

#[test]
fn prefixes_are_taken_off_and_told() {
    let home = unpacked();
    for (name, prefix, left_out) in [
        ("lightning.ckpt", "model.", "criterion.weight"),
        ("two_in_one.pth", "student.", "loss.center"),
        ("swa.pth", "module.", "n_averaged"),
        ("backbone.safetensors", "backbone.", "neck.0.weight"),
        ("simmim.pth", "encoder.", "decoder.0.bias"),
    ] {
        let outputs = if name == "simmim.pth" {
            ["pooled", ""]
        } else {
            BOTH
        };
        let loaded = loads(home.path(), name, &Opening::default(), outputs);
        assert!(told(&loaded).contains(&format!("prefix {prefix} is taken off")));
        assert!(
            loaded.ignored.iter().any(|n| n == left_out),
            "{name}: {:?}",
            loaded.ignored
        );
    }
    let loaded = loads(
        home.path(),
        "compiled_inside.pth",
        &Opening::default(),
        BOTH,
    );
    assert_eq!(loaded.notes.len(), 1, "the guess alone: {}", told(&loaded));
    let simmim = loads(
        home.path(),
        "simmim.pth",
        &Opening::default(),
        ["pooled", ""],
    );
    assert!(simmim.ignored.iter().any(|n| n == "mask_token"));
}

#[test]
fn a_backbone_without_a_last_norm_loads_and_says_so() {
    let home = unpacked();
    for name in ["detector.pth", "features_only.pth"] {
        let loaded = loads(home.path(), name, &Opening::default(), ["without_norm", ""]);
        assert!(
            told(&loaded).contains("without a last layer norm"),
            "{name}"
        );
    }
    // Without a sign that it is a backbone, a tensor is missing.
    let said = open(
        &home.path().join("lightning.ckpt"),
        &ignore(&["model.norm.*"]),
    );
    let said = said.err().unwrap().to_string();
    assert!(said.contains("missing (2): norm"), "{said}");
}

#[test]
fn unknown_tensors_are_left_out_by_name_alone() {
    let home = unpacked();
    let path = home.path().join("extra.pth");
    let said = open(&path, &Opening::default()).err().unwrap().to_string();
    assert!(
        said.contains("projector.0.bias, projector.0.weight"),
        "{said}"
    );
    assert!(said.contains("--ignore"), "{said}");
    for patterns in [&["projector.*"][..], &["*.0.bias", "projector.0.weight"]] {
        let loaded = loads(home.path(), "extra.pth", &ignore(patterns), BOTH);
        assert_eq!(loaded.ignored, ["projector.0.bias", "projector.0.weight"]);
    }
    let loaded = loads(
        home.path(),
        "extra.pth",
        &ignore(&["proj*", "no.such"]),
        BOTH,
    );
    assert!(told(&loaded).contains("\"no.such\" fits no tensor"));
    // Names are those of the file: the prefix counts.
    let opening = ignore(&["head.*"]);
    assert!(told(&loads(home.path(), "lightning.ckpt", &opening, BOTH)).contains("fits no"));
    loads(
        home.path(),
        "lightning.ckpt",
        &ignore(&["model.head.*"]),
        ["pooled", ""],
    );
}

#[test]
fn tensors_are_read_however_they_lie() {
    let home = unpacked();
    for name in [
        "views.pth",
        "views_legacy.pth",
        "half.pth",
        "deflated.pth",
        "big_endian.pth",
        "detectron_2.pkl",
        "detectron_4.pkl",
        "arrays.pth",
        "pickled.pkl",
        "pickled_2.pkl",
    ] {
        loads(home.path(), name, &Opening::default(), BOTH);
    }
    let said = open(&home.path().join("needed.pth"), &Opening::default());
    let said = said.err().unwrap().to_string();
    assert!(
        said.contains("norm.weight: expected a tensor, found"),
        "{said}"
    );
    assert!(said.contains("_rebuild_qtensor"), "{said}");
}

#[test]
fn names_of_files_and_folders_change_nothing() {
    let home = unpacked();
    let bytes = std::fs::read(home.path().join("parameters.pth")).unwrap();
    for name in [
        "swin_epoch_300.pth",
        "checkpoint-299.pth",
        "swin_2024-05-01.ckpt",
        "exp_seed_300/model.pth",
        "run_512/best.pth.tar",
        "swin_base_patch4_window7_224/x.pt",
    ] {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let loaded = loads(home.path(), name, &Opening::default(), BOTH);
        assert_eq!(loaded.model.config.image_size(), Some(16), "{name}");
        assert_eq!(loaded.side, Some(SideOrigin::Guess));
        assert!(told(&loaded).contains("image side 16 is a guess"));
        if let Some((folder, _)) = name.split_once('/') {
            let loaded = loads(home.path(), folder, &Opening::default(), BOTH);
            assert_eq!(loaded.model.config.image_size(), Some(16), "{name}");
        }
    }
    let asked = Opening {
        image_size: Some(32),
        ..Opening::default()
    };
    let loaded = open(&home.path().join("parameters.pth"), &asked).unwrap();
    assert_eq!(loaded.model.config.image_size(), Some(32));
    assert_eq!(loaded.side, Some(SideOrigin::Asked));
    assert!(loaded.notes.is_empty(), "{}", told(&loaded));
    let path = home.path().join("parameters.pth");
    for side in [0, 9000] {
        let asked = Opening {
            image_size: Some(side),
            ..Opening::default()
        };
        let said = open(&path, &asked).err().unwrap().to_string();
        assert!(said.contains("image_size: expected 1 to 8192"), "{said}");
    }
}

#[test]
fn a_config_json_that_is_not_the_models_is_passed_over() {
    let home = unpacked();
    let bytes = std::fs::read(home.path().join("parameters.pth")).unwrap();
    let folder = home.path().join("run");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("best.pth"), bytes).unwrap();
    for text in [
        r#"{"lr": 0.001, "epochs": 30, "model": "swin_tiny"}"#,
        "\u{feff}{\"lr\": NaN}",
        r#"{"model": {"name": "swin", "architecture": "swin_tiny"}}"#,
        r#"{"architecture": "SwinT", "lr": 0.1}"#,
        r#"{"model_type": "tiny", "lr": 0.1}"#,
    ] {
        std::fs::write(folder.join("config.json"), text).unwrap();
        for name in ["run", "run/best.pth"] {
            let loaded = loads(home.path(), name, &Opening::default(), BOTH);
            let told = told(&loaded);
            assert!(told.contains("config.json is not the model's"), "{told}");
        }
    }
    for (text, words) in [
        ("{\"lr\": 0.1", "ends too early"),
        ("[1, 2]", "found a list"),
        (
            r#"{"model_type": "resnet", "architectures": ["ResNetModel"]}"#,
            "model_type \"resnet\"",
        ),
        (
            r#"{"model_type": "swinv2", "transformers_version": "5"}"#,
            "cosine attention",
        ),
        (
            r#"{"architecture": "vit_base", "pretrained_cfg": {}}"#,
            "vit_base",
        ),
    ] {
        std::fs::write(folder.join("config.json"), text).unwrap();
        let said = open(&folder, &Opening::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            said.contains(words) && said.contains("config.json"),
            "{said}"
        );
    }
}

/// A small ViT in timm's names, whose heads are to be told.
fn vit(home: &Path) -> std::collections::BTreeMap<String, super::weights::Array> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("tests/fixtures/vit/timm-token/model.safetensors");
    let weights = Weights::open(&path).unwrap();
    std::fs::create_dir_all(home).unwrap();
    let read = |name: &str| (name.to_string(), weights.read(name).unwrap());
    weights.names().map(read).collect()
}

#[test]
fn a_config_json_of_a_script_is_passed_over_beside_any_architecture() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("model.safetensors");
    super::weights::write(&path, &vit(home.path()), Default::default()).unwrap();
    std::fs::write(
        home.path().join("config.json"),
        r#"{"model_type": "tiny", "lr": 0.1}"#,
    )
    .unwrap();
    let opening = Opening {
        heads: Some(3),
        ..Opening::default()
    };
    let loaded = open(home.path(), &opening).unwrap();
    assert!(told(&loaded).contains("config.json is not the model's"));
    // Of another network of timm's all that load are named.
    std::fs::write(
        home.path().join("config.json"),
        r#"{"architecture": "resnet50", "num_classes": 3}"#,
    )
    .unwrap();
    let said = open(home.path(), &opening).err().unwrap().to_string();
    for part in ["resnet50", "Swin", "vit_*"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn models_of_several_architectures_in_one_file_need_a_key() {
    let home = unpacked();
    let swin = Weights::open(&home.path().join("simmim.pth")).unwrap();
    let student = swin
        .names()
        .filter(|name| name.starts_with("encoder.") && swin.read(name).is_ok());
    let student = student.map(|name| {
        let own = name.replacen("encoder.", "student.", 1);
        (own, swin.read(name).unwrap())
    });
    let mut both: std::collections::BTreeMap<_, _> = student.collect();
    let teacher = vit(home.path()).into_iter();
    both.extend(teacher.map(|(name, array)| (format!("teacher.{name}"), array)));
    let path = home.path().join("both.safetensors");
    super::weights::write(&path, &both, Default::default()).unwrap();
    let said = open(&path, &Opening::default()).err().unwrap().to_string();
    for part in ["--key", "student (swin", "teacher (timm-vit"] {
        assert!(said.contains(part), "{said}");
    }
    let loaded = open(&path, &key("student")).unwrap();
    assert!(matches!(loaded.model.config, Architecture::Swin(_)));
    let teacher = Opening {
        heads: Some(3),
        ..key("teacher")
    };
    let loaded = open(&path, &teacher).unwrap();
    assert!(matches!(loaded.model.config, Architecture::Vit(_)));
}

#[test]
fn names_that_tell_no_architecture_are_shown() {
    let home = unpacked();
    let path = home.path().join("x.safetensors");
    let array = super::weights::Array {
        shape: vec![1],
        values: vec![0.0],
    };
    let names = ["trunk.a.weight", "trunk.b.weight"].map(|n| (n.to_string(), array.clone()));
    super::weights::write(&path, &names.into(), Default::default()).unwrap();
    let said = open(&path, &Opening::default()).err().unwrap().to_string();
    for part in [
        "x.safetensors",
        "2 tensors: trunk.a.weight",
        "all start with trunk.",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Hugging Face's names without their description.
    std::fs::remove_file(home.path().join("hf/config.json")).unwrap();
    let said = open(
        &home.path().join("hf/model.safetensors"),
        &Opening::default(),
    );
    let said = said.err().unwrap().to_string();
    assert!(
        said.contains("config.json") && said.contains("swin.embeddings"),
        "{said}"
    );
}

/// A copy of the folder of Hugging Face's kind with another `config.json`.
fn changed(home: &Path, change: Value) -> PathBuf {
    let text = std::fs::read_to_string(home.join("hf/config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let map = config.as_object_mut().unwrap();
    for (key, value) in change.as_object().unwrap() {
        if value == "absent" {
            map.remove(key);
        } else {
            map.insert(key.clone(), value.clone());
        }
    }
    let folder = home.join("changed");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let weights = "model.safetensors";
    std::fs::copy(home.join("hf").join(weights), folder.join(weights)).unwrap();
    folder
}

#[test]
fn what_transformers_accepts_in_a_config_json_loads_to_its_numbers() {
    let home = unpacked();
    let io = Weights::open(&home.path().join("hf/io.safetensors")).unwrap();
    for change in [
        json!({}),
        json!({"id2label": {"0": 0, "1": 1, "2": [2]}}),
        json!({"id2label": ["a", "b", 3]}),
        json!({"id2label": null, "label2id": null}),
        json!({"image_size": [16, 16], "patch_size": [2, 2]}),
        json!({"image_size": 16.0, "embed_dim": 4.0, "depths": [1.0, 1]}),
        json!({"num_channels": [3], "window_size": [4, 4]}),
        json!({"hidden_act": "gelu_python"}),
        json!({"mlp_ratio": 4, "drop_path_rate": 0, "qkv_bias": 1}),
        json!({"mlp_ratio": null, "layer_norm_eps": null, "hidden_act": null, "qkv_bias": null}),
        json!({"use_absolute_embeddings": 0, "unknown": {"a": [1]}, "num_channels": "absent"}),
    ] {
        let folder = changed(home.path(), change.clone());
        let loaded = open(&folder, &Opening::default());
        let loaded = loaded.unwrap_or_else(|e| panic!("{change}: {e}"));
        agrees(&change.to_string(), &loaded, &io, "pooled", "logits");
        assert!(loaded.notes.is_empty(), "{change}: {}", told(&loaded));
        assert_eq!(loaded.side, Some(SideOrigin::Config));
    }
    let named = changed(home.path(), json!({"id2label": {"0": 7, "2": true}}));
    let labels = open(&named, &Opening::default()).unwrap().labels;
    assert_eq!(labels, ["7", "LABEL_1", "true"]);
    for (change, key) in [
        (json!({"image_size": [16, 32]}), "image_size"),
        (json!({"patch_size": "2"}), "patch_size"),
        (json!({"depths": 2}), "depths"),
        (json!({"depths": [1, "1"]}), "depths"),
        (json!({"num_heads": [1.5, 2]}), "num_heads"),
        (json!({"hidden_act": "gelu_new"}), "hidden_act"),
        (json!({"hidden_act": "gelu_pytorch_tanh"}), "hidden_act"),
        (json!({"hidden_act": 3}), "hidden_act"),
        (json!({"qkv_bias": "yes"}), "qkv_bias"),
        (json!({"mlp_ratio": "4"}), "mlp_ratio"),
        (json!({"model_type": "donut-swin"}), "no last layer norm"),
        (json!({"model_type": "maskformer-swin"}), "one window"),
        (json!({"model_type": "absent"}), "no model_type"),
    ] {
        let folder = changed(home.path(), change);
        let said = open(&folder, &Opening::default())
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains(key), "{said}");
        assert!(
            !said.contains("invalid type") && !said.contains("usize"),
            "{said}"
        );
    }
    // A side that the file does not tell is a guess here too.
    let folder = changed(home.path(), json!({"image_size": null}));
    let loaded = open(&folder, &Opening::default()).unwrap();
    assert_eq!(loaded.side, Some(SideOrigin::Guess));
    assert!(told(&loaded).contains("image side 224 is a guess"));
}

#[test]
fn masked_image_modelling_and_backbones_of_hugging_face_load() {
    let home = unpacked();
    let io = Weights::open(&home.path().join("hf/io.safetensors")).unwrap();
    for (name, left_out) in [
        ("hf-simmim", "decoder.0.weight"),
        ("hf-simmim", "swin.embeddings.mask_token"),
        ("hf-backbone", "hidden_states_norms.stage1.bias"),
    ] {
        let loaded = open(&home.path().join(name), &Opening::default()).unwrap();
        agrees(name, &loaded, &io, "pooled", "");
        assert!(
            loaded.ignored.iter().any(|n| n == left_out),
            "{:?}",
            loaded.ignored
        );
    }
}

#[test]
fn the_backbone_of_a_larger_model_is_taken_and_told() {
    let home = unpacked();
    let io = Weights::open(&home.path().join("hf/io.safetensors")).unwrap();
    let folder = home.path().join("upernet");
    std::fs::create_dir(&folder).unwrap();
    let text = std::fs::read_to_string(home.path().join("hf-backbone/config.json")).unwrap();
    let inner: Value = serde_json::from_str(&text).unwrap();
    let outer = json!({
        "model_type": "upernet", "architectures": ["UperNetForSemanticSegmentation"],
        "backbone_config": inner,
    });
    std::fs::write(folder.join("config.json"), outer.to_string()).unwrap();
    let backbone = Weights::open(&home.path().join("hf-backbone/model.safetensors")).unwrap();
    let arrays = backbone
        .names()
        .map(|n| (format!("backbone.{n}"), backbone.read(n).unwrap()));
    let mut arrays: std::collections::BTreeMap<_, _> = arrays.collect();
    arrays.insert(
        "decode_head.classifier.weight".into(),
        backbone.read("embeddings.norm.bias").unwrap(),
    );
    let path = folder.join("model.safetensors");
    super::weights::write(&path, &arrays, Default::default()).unwrap();
    let loaded = open(&folder, &Opening::default()).unwrap();
    agrees("upernet", &loaded, &io, "pooled", "");
    assert!(told(&loaded).contains("its swin alone is taken (backbone_config)"));
    assert_eq!(loaded.config, None);
}

#[test]
fn other_names_of_the_same_networks_load() {
    let home = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let copy = |from: &str, change: Value, prefix: &str| {
        let origin = fixtures.join(from);
        let text = std::fs::read_to_string(origin.join("config.json")).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        let map = config.as_object_mut().unwrap();
        map.extend(change.as_object().unwrap().clone());
        std::fs::write(home.path().join("config.json"), config.to_string()).unwrap();
        let weights = Weights::open(&origin.join("model.safetensors")).unwrap();
        let arrays = weights.names().filter(|n| weights.read(n).is_ok());
        let arrays = arrays.map(|n| (format!("{prefix}{n}"), weights.read(n).unwrap()));
        let path = home.path().join("model.safetensors");
        super::weights::write(&path, &arrays.collect(), Default::default()).unwrap();
        let plain = open(&origin, &Opening::default()).unwrap();
        (plain, open(home.path(), &Opening::default()))
    };
    let same = |(plain, other): (Loaded, Result<Loaded, ModelError>)| {
        let other = other.unwrap_or_else(|e| panic!("{e}"));
        let state = |loaded: &Loaded| super::state::state(&loaded.model.network);
        assert_eq!(state(&plain), state(&other));
        assert_eq!(plain.model.config, other.model.config);
    };
    for kind in ["xlm-roberta", "camembert"] {
        same(copy("roberta-more", json!({"model_type": kind}), ""));
    }
    same(copy(
        "timm/regular",
        json!({"model_type": "timm_wrapper"}),
        "timm_model.",
    ));
    let (_, said) = copy("roberta-more", json!({"is_decoder": true}), "");
    assert!(said.err().unwrap().to_string().contains("is_decoder"));
    let (_, said) = copy("roberta-more", json!({"model_type": "bert"}), "");
    assert!(
        said.err()
            .unwrap()
            .to_string()
            .contains("positions start at 0")
    );
}

#[test]
fn shards_may_have_prefixes_too() {
    let home = unpacked();
    let origin = Weights::of_model(
        &home.path().join("parameters.pth"),
        &Opening::default(),
        None,
    )
    .unwrap();
    let folder = home.path().join("shards");
    std::fs::create_dir(&folder).unwrap();
    let mut map = serde_json::Map::new();
    let names: Vec<&str> = origin.names().collect();
    for (i, part) in names.chunks(names.len() / 2 + 1).enumerate() {
        let file = format!("{i}.safetensors");
        let arrays = part.iter().map(|n| {
            map.insert(format!("net.{n}"), json!(file));
            (format!("net.{n}"), origin.read(n).unwrap())
        });
        let arrays = arrays.collect();
        super::weights::write(&folder.join(&file), &arrays, Default::default()).unwrap();
    }
    let index = json!({"metadata": {}, "weight_map": map});
    std::fs::write(
        folder.join("model.safetensors.index.json"),
        index.to_string(),
    )
    .unwrap();
    let loaded = loads(home.path(), "shards", &Opening::default(), BOTH);
    assert!(told(&loaded).contains("prefix net. is taken off"));
    assert!(matches!(loaded.model.config, Architecture::Swin(_)));
}

#[test]
fn no_flip_makes_a_description_panic() {
    let home = unpacked();
    let bytes = std::fs::read(home.path().join("hf/config.json")).unwrap();
    let weights = home.path().join("hf/model.safetensors");
    crate::files::fuzz::rounds(&bytes, 300, |bytes, folder| {
        std::fs::write(folder.join("config.json"), bytes).unwrap();
        let here = folder.join("model.safetensors");
        if !here.exists() {
            std::fs::copy(&weights, here).unwrap();
        }
        folder::open(folder, &Opening::default()).map(|_| ())
    });
}
