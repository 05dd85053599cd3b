//! Files that are not what they say, and folders that lack what they should have.

use super::*;
use crate::fixture;
use crate::model::Opening;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::fs;

/// Writes `bytes` under `name` and gives the error of opening it and reading everything.
fn refused_as(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let text = read_all(&path).expect_err("refused").to_string();
    assert!(text.contains(name), "{text} names the file");
    text
}

fn refused(bytes: &[u8]) -> String {
    refused_as("model.safetensors", bytes)
}

fn read_all(path: &Path) -> Result<(), ModelError> {
    let weights = Weights::open(path)?;
    let names: Vec<&str> = weights.names().collect();
    names
        .into_iter()
        .try_for_each(|name| weights.read(name).map(|_| ()))
}

/// A safetensors file from the text of its header.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn two(first: [u64; 2], second: [u64; 2]) -> String {
    format!(
        r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{first:?}}},"b":{{"dtype":"F32","shape":[2],"data_offsets":{second:?}}}}}"#
    )
}

fn has(text: String, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{text:?} has {part:?}");
    }
}

#[test]
fn a_whole_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, file(&two([0, 8], [8, 16]), &[0; 16])).unwrap();
    read_all(&path).unwrap();
}

#[test]
fn broken_headers_are_refused() {
    let good = file(&two([0, 8], [8, 16]), &[0; 16]);
    let size = good.len();
    has(
        refused(&good[..size - 1]),
        &[
            &format!("expected a file of {size} bytes"),
            &format!("found {} bytes", size - 1),
        ],
    );
    has(
        refused(&[&good[..], &[0]].concat()),
        &[&format!("found {} bytes", size + 1)],
    );
    has(
        refused(&good[..size / 2]),
        &["a header of at most", "a declared header of"],
    );
    has(
        refused(&good[..7]),
        &["expected at least 8 bytes, found 7 bytes"],
    );
    let mut corrupt = good.clone();
    corrupt[9] = b'!';
    has(refused(&corrupt), &["safetensors header", "line 1"]);
    let endless = [&(1u64 << 63).to_le_bytes()[..], &good[8..]].concat();
    has(refused(&endless), &["9223372036854775808"]);
    has(
        refused(&file(&two([0, 8], [4, 12]), &[0; 12])),
        &["gap or overlap", "`b`"],
    );
    has(
        refused(&file(&two([0, 8], [12, 20]), &[0; 20])),
        &["gap or overlap", "`b`"],
    );
    let unknown = two([0, 8], [8, 16]).replace("F32", "Q4");
    has(refused(&file(&unknown, &[0; 16])), &["Q4"]);
    let overflow = two([0, 8], [8, 16]).replace("[2]", "[4611686018427387904,16]");
    has(refused(&file(&overflow, &[0; 16])), &["overflow"]);
    has(refused(b""), &["found an empty file"]);
}

#[test]
fn values_that_are_not_finite_are_refused_with_their_place() {
    let header = r#"{"a":{"dtype":"F32","shape":[70000],"data_offsets":[0,280000]}}"#;
    for (value, text) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
        let mut values = vec![1.0f32; 70_000];
        values[69_999] = value;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let found = format!("tensor a: expected finite values, found {text} at element 69999");
        has(refused(&file(header, &bytes)), &[&found]);
    }
}

#[test]
fn other_things_than_weights_are_called_by_their_names() {
    for name in ["model.safetensors", "model.pth"] {
        has(
            refused_as(name, b"\n<!DOCTYPE html><html>Not found</html>"),
            &["an HTML page"],
        );
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n";
        has(
            refused_as(name, pointer.as_bytes()),
            &["a Git LFS pointer, not the file of 123456 bytes; run `git lfs pull`"],
        );
    }
    has(
        refused_as("model.pth", b"hello, world"),
        &["12 bytes that start with 68 65 6c 6c"],
    );
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    has(
        refused_as("model.pth", &tar),
        &["a tar archive", "torch.save"],
    );
    let folder = tempfile::tempdir().unwrap();
    has(
        Weights::open(folder.path()).err().unwrap().to_string(),
        &["found a folder"],
    );
    let absent = folder.path().join("absent.pth");
    has(
        Weights::open(&absent).err().unwrap().to_string(),
        &["missing model file", "absent.pth"],
    );
}

#[test]
fn cut_checkpoints_are_refused() {
    for stem in ["mixed", "mixed_legacy"] {
        let whole = fs::read(fixture::path(&format!("torch/{stem}.pth"))).unwrap();
        for end in [whole.len() - 1, whole.len() / 2] {
            has(
                refused_as("model.pth", &whole[..end]),
                &["PyTorch checkpoint", "found"],
            );
        }
    }
}

#[test]
fn a_view_larger_than_its_file_is_refused() {
    // A legacy checkpoint whose only tensor repeats two values 2^28 times.
    let whole = fs::read(fixture::path("torch/repeated_legacy.pth")).unwrap();
    has(
        refused_as("model.pth", &whole),
        &["expected at most the", "1073741824 bytes"],
    );
}

#[test]
fn no_flip_makes_a_checkpoint_panic() {
    let home = crate::model::checkpoint_tests::unpacked();
    for name in [
        "beside.pth",
        "beside_protocol4.pth",
        "beside_legacy.pth",
        "views.pth",
        "deflated.pth",
        "big_endian.pth",
        "detectron_2.pkl",
        "detectron_4.pkl",
        "arrays.pth",
        "pickled.pkl",
        "module.pth",
        "script.pt",
        "two_in_one.pth",
    ] {
        let good = fs::read(home.path().join(name)).unwrap();
        crate::files::fuzz::rounds(&good, 100, |bytes, folder| {
            let path = folder.join("model.pth");
            fs::write(&path, bytes).unwrap();
            for key in [None, Some("model.student".to_string())] {
                let opening = Opening {
                    key,
                    ..Opening::default()
                };
                if let Ok(weights) = Weights::of_model(&path, &opening, None) {
                    for name in weights.names() {
                        let _ = (weights.read(name), weights.read_ints(name));
                    }
                }
            }
            crate::model::folder::open(&path, &Opening::default()).map(|_| ())
        });
    }
}

#[test]
fn no_flip_and_no_cut_makes_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let safetensors = file(&two([0, 8], [8, 16]), &[0; 16]);
    let mut files = vec![safetensors];
    for stem in [
        "mixed",
        "mixed_protocol4",
        "mixed_legacy",
        "views",
        "nested",
        "evil_plain",
    ] {
        files.push(fs::read(fixture::path(&format!("torch/{stem}.pth"))).unwrap());
    }
    let (mut read, mut refused) = (0, 0);
    for whole in files {
        for _ in crate::files::fuzz::times(300) {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            if random.random_bool(0.2) {
                bytes.truncate(random.random_range(0..bytes.len()));
            }
            fs::write(&path, &bytes).unwrap();
            match read_all(&path) {
                Ok(()) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 0 && refused > read, "{read} read, {refused} refused");
}

/// A folder of files with the given names and contents.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn one(name: &str) -> Vec<u8> {
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#);
    file(&header, &2.0f32.to_le_bytes())
}

fn index(map: &[(&str, &str)]) -> Vec<u8> {
    let map: HashMap<_, _> = map.iter().copied().collect();
    serde_json::to_vec(&serde_json::json!({ "metadata": {}, "weight_map": map })).unwrap()
}

#[test]
fn shards_are_read_through_their_index() {
    let map = index(&[("a", "1.safetensors"), ("b", "2.safetensors")]);
    let folder = folder(&[
        ("config.json", b"{}"),
        ("model.safetensors.index.json", &map),
        ("1.safetensors", &one("a")),
        ("2.safetensors", &one("b")),
    ]);
    let weights = Weights::in_folder(folder.path()).unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(weights.read("b").unwrap().values, [2.0]);
    assert_eq!(weights.file_size(), 2 * one("a").len() as u64);
    assert_eq!(weights.sha256().len(), 64);
    assert!(weights.path().ends_with("model.safetensors.index.json"));
}

#[test]
fn an_index_that_lies_is_refused() {
    let refused = |files: &[(&str, &[u8])]| {
        let folder = folder(files);
        let path = folder.path().join("model.safetensors.index.json");
        Weights::of_model(&path, &Opening::default(), None)
            .err()
            .expect("refused")
            .to_string()
    };
    let name = "model.safetensors.index.json";
    for outside in [
        "../1.safetensors",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "..",
        "",
        "./1",
    ] {
        has(
            refused(&[(name, &index(&[("a", outside)]))]),
            &["names of files in its own folder"],
        );
    }
    has(refused(&[(name, b"[]")]), &["weight_map"]);
    has(refused(&[(name, &index(&[]))]), &["at least one tensor"]);
    let map = index(&[("a", "1.safetensors")]);
    has(
        refused(&[(name, &map)]),
        &["missing model file", "1.safetensors"],
    );
    has(
        refused(&[(name, &map), ("1.safetensors", &one("b"))]),
        &["1.safetensors: shard", "also b"],
    );
    let map = index(&[("a", "1.safetensors"), ("b", "1.safetensors")]);
    has(
        refused(&[(name, &map), ("1.safetensors", &one("a"))]),
        &["b (in 1.safetensors)"],
    );
}

#[test]
fn a_folder_gives_its_best_weights_or_says_what_it_has() {
    let good = folder(&[("model.safetensors", &one("a")), ("pytorch_model.bin", b"")]);
    assert!(
        Weights::in_folder(good.path())
            .unwrap()
            .path()
            .ends_with("model.safetensors")
    );
    let single = folder(&[("config.json", b"{}"), ("swin_base.PTH", &one("a"))]);
    assert_eq!(
        Weights::in_folder(single.path()).unwrap().names().count(),
        1
    );
    let refused = |files: &[(&str, &[u8])]| {
        let folder = folder(files);
        Weights::in_folder(folder.path())
            .err()
            .expect("refused")
            .to_string()
    };
    has(
        refused(&[("config.json", b"{}")]),
        &["pytorch_model.bin", "the folder has config.json"],
    );
    has(refused(&[]), &["the folder has nothing"]);
    has(
        refused(&[("a.pth", b""), ("b.pt", b"")]),
        &["exactly one", "a.pth, b.pt"],
    );
    let absent = Weights::in_folder(Path::new("no/such/folder"))
        .err()
        .unwrap();
    has(absent.to_string(), &["a model folder was expected there"]);
}
