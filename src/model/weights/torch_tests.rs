//! Checkpoints that PyTorch wrote (`tests/fixtures/torch/make_fixtures.py`): their values, where
//! their state dicts are found, and what is refused.

use super::*;
use crate::fixture;
use crate::model::Opening;

fn open(stem: &str) -> Result<Weights, ModelError> {
    let path = fixture::path(&format!("torch/{stem}.pth"));
    Weights::of_model(&path, &Opening::default(), None)
}

fn refused(stem: &str) -> String {
    open(stem).err().expect("refused").to_string()
}

/// All tensors of a checkpoint against the values that PyTorch had.
fn agrees(stem: &str) -> Weights {
    let expected = Weights::open(&fixture::path("torch/expected.safetensors")).unwrap();
    let weights = open(stem).unwrap();
    let prefix = format!("{stem}/");
    let names: Vec<&str> = expected
        .names()
        .filter_map(|n| n.strip_prefix(&prefix))
        .collect();
    assert!(!names.is_empty());
    assert_eq!(weights.names().collect::<Vec<_>>(), names);
    for name in names {
        let known = format!("{prefix}{name}");
        assert_eq!(weights.shape(name), expected.shape(&known), "{name}");
        assert_eq!(weights.dtype(name), expected.dtype(&known), "{name}");
        assert_eq!(weights.len(name), expected.len(&known), "{name}");
        if decode::is_float(weights.dtype(name).unwrap()) {
            assert_eq!(
                weights.read(name).unwrap(),
                expected.read(&known).unwrap(),
                "{name}"
            );
            assert_eq!(
                weights.read_f64(name).unwrap(),
                expected.read_f64(&known).unwrap()
            );
        }
    }
    weights
}

#[test]
fn every_container_and_type_gives_the_values_of_pytorch() {
    for (stem, format) in [
        ("mixed", Format::TorchZip),
        ("mixed_protocol4", Format::TorchZip),
        ("mixed_legacy", Format::TorchLegacy),
        ("parameters", Format::TorchZip),
    ] {
        let weights = agrees(stem);
        assert_eq!((weights.format(), weights.key()), (format, None), "{stem}");
    }
}

#[test]
fn views_come_out_row_major() {
    for stem in ["views", "views_legacy"] {
        let weights = agrees(stem);
        assert_eq!(weights.shape("transposed"), Some(&[6, 4][..]));
        assert_eq!(
            weights.read("transposed").unwrap().values[..3],
            [0.0, 6.0, 12.0]
        );
    }
}

#[test]
fn doubles_are_read_exactly() {
    let weights = open("mixed").unwrap();
    let double = weights.read_f64("double").unwrap();
    let single = weights.read("double").unwrap().values;
    assert!(double.iter().zip(&single).any(|(d, s)| *d != f64::from(*s)));
    assert!(double.iter().zip(&single).all(|(d, s)| *d as f32 == *s));
}

#[test]
fn the_state_dict_is_found_and_prefixes_are_taken_off() {
    for (stem, key) in [
        ("nested", "model"),
        ("parallel", "state_dict"),
        ("ema", "model"),
        ("only_ema", "model_ema"),
    ] {
        assert_eq!(agrees(stem).key(), Some(key), "{stem}");
    }
}

#[test]
fn integers_are_listed_but_not_read() {
    let weights = open("mixed").unwrap();
    assert_eq!(weights.dtype("counter"), Some(Dtype::I64));
    let text = weights.read("counter").unwrap_err().to_string();
    assert!(
        text.contains("type of tensor counter: expected F32, F64, F16 or BF16, found I64"),
        "{text}"
    );
    let text = weights.read("mask").unwrap_err().to_string();
    assert!(text.contains("found BOOL"), "{text}");
}

#[test]
fn reading_appends_or_leaves_everything_as_it_was() {
    let weights = open("mixed").unwrap();
    let mut values = vec![9.0];
    weights.read_into("scalar", &mut values).unwrap();
    assert_eq!(values, [9.0, 1.5]);
    let broken = open("not_finite").unwrap();
    let text = broken
        .read_into("weight", &mut values)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("expected finite values, found NaN at element 1"),
        "{text}"
    );
    assert_eq!(values, [9.0, 1.5]);
}

#[test]
fn foreign_objects_are_passed_over_and_nothing_runs() {
    for stem in ["evil", "evil_protocol4", "evil_legacy"] {
        let weights = open(stem).unwrap();
        assert_eq!(weights.read("weight").unwrap().values, [0.0, 0.0], "{stem}");
        assert_eq!(weights.foreign(), ["posix.system"]);
        assert_eq!(weights.foreign_at("payload"), Some("posix.system"));
        let text = weights.read("payload").unwrap_err().to_string();
        assert!(
            text.contains("expected a tensor, found posix.system"),
            "{text}"
        );
    }
    let text = refused("evil_plain");
    assert!(text.contains("payload (posix.system)"), "{text}");
    let weights = open("namespace").unwrap();
    assert_eq!(weights.key(), Some("model"));
    assert_eq!(weights.foreign(), ["argparse.Namespace"]);
    let module = open("whole_module").unwrap();
    assert_eq!(module.shape("fc.weight"), Some(&[2, 3][..]));
    assert_eq!(module.names().count(), 7);
    assert!(!std::path::Path::new("modalign-evil-ran").exists());
}

#[test]
fn an_object_that_holds_no_tensors_is_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("object.pth");
    std::fs::write(&path, b"\x80\x02cargparse\nNamespace\n)\x81}b.").unwrap();
    let error = Weights::of_model(&path, &Opening::default(), None)
        .err()
        .unwrap();
    assert!(matches!(error, ModelError::Foreign { .. }));
    let text = error.to_string();
    for part in [
        "object.pth",
        "argparse.Namespace",
        "torch.save(model.state_dict()",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_checkpoint_without_a_state_dict_says_what_it_has() {
    let text = refused("no_tensors");
    assert!(text.contains("found a dictionary of epoch"), "{text}");
    assert!(text.contains("under model, state_dict, module"), "{text}");
    let text = refused("list");
    assert!(text.contains("expected a state dict"), "{text}");
    assert!(text.contains("found a list of 1"), "{text}");
    let generator = open("unknown_key").unwrap();
    assert_eq!(generator.key(), Some("generator"));
}

#[test]
fn the_digest_is_the_one_of_the_file() {
    for name in [
        "torch/mixed.pth",
        "torch/mixed_legacy.pth",
        "torch/expected.safetensors",
    ] {
        let path = fixture::path(name);
        let bytes = std::fs::read(&path).unwrap();
        let expected = crate::files::checksum::sha256(&bytes);
        let weights = Weights::open(&path).unwrap();
        assert_eq!(weights.sha256(), expected);
        assert_eq!(weights.file_size(), bytes.len() as u64);
    }
}
