//! Feature files as users meet them: round trips, damage, and what other programs write
//! (`tests/fixtures/parquet/make.py`).

use super::*;
use crate::container::npy;
use crate::fixture;
use ndarray::{Array2, array};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn example() -> FeatureSet {
    FeatureSet::new(
        array![[1.0, 2.5], [-3.0, 4.0], [0.0, 1e-8]],
        vec![1, 0, 1],
        vec!["cat".into(), "größe".into()],
    )
    .and_then(|s| s.with_ids(vec!["a".into(), "b".into(), "</script>".into()]))
    .expect("valid")
}

#[test]
fn every_format_returns_what_was_written_and_the_same_bytes() {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["f.safetensors", "f.npz", "f.parquet"] {
        let path = folder.path().join(name);
        write(&path, &example()).expect("writes");
        let first = std::fs::read(&path).expect("bytes");
        assert_eq!(read(&path).expect("reads"), example());
        write(&path, &example()).expect("overwrites");
        assert_eq!(
            std::fs::read(&path).expect("bytes"),
            first,
            "{name}: same set, same bytes"
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("folder").count(),
        3,
        "no temporary is left"
    );
    let empty = FeatureSet::new(Array2::zeros((0, 4)), vec![], vec!["a".into()]).expect("empty");
    let path = folder.path().join("e.npz");
    write(&path, &empty).expect("writes");
    assert_eq!(read(&path).expect("reads"), empty);
}

#[test]
fn a_set_passes_through_all_formats_and_row_groups() {
    let folder = tempfile::tempdir().expect("folder");
    // 9,000,000 values: more than one row group and more than nothing of the next.
    let values = Array2::from_shape_fn((9000, 1000), |(i, j)| (i * 31 + j * 7) as f32 / 64.0);
    let labels: Vec<usize> = (0..9000).map(|i| i % 5).collect();
    let set = FeatureSet::unnamed(values, labels).expect("valid");
    let mut path = folder.path().join("0.npz");
    write(&path, &set).expect("writes");
    for (i, ending) in ["parquet", "safetensors", "parquet", "npz"]
        .iter()
        .enumerate()
    {
        let next = folder.path().join(format!("{}.{ending}", i + 1));
        write(&next, &read(&path).expect("reads")).expect("writes");
        path = next;
    }
    assert!(read(&path).expect("reads") == set);
}

fn survived(name: &str, good: &[u8], cut: impl Iterator<Item = usize>, flips: &[(usize, u8)]) {
    let folder = tempfile::tempdir().expect("folder");
    let bad = folder.path().join(format!("bad-{name}"));
    for end in cut {
        std::fs::write(&bad, &good[..end]).expect("writes");
        assert!(read(&bad).is_err(), "{name} cut to {end}");
    }
    for &(at, flip) in flips {
        let mut bytes = good.to_vec();
        bytes[at] ^= flip;
        std::fs::write(&bad, &bytes).expect("writes");
        // Some bytes are padding, names or values; what matters is that nothing panics.
        if let Err(e) = read(&bad) {
            assert!(e.to_string().contains("bad-"), "{e}");
        }
    }
    let longer = [good, &[0]].concat();
    std::fs::write(&bad, longer).expect("writes");
    let _ = read(&bad);
}

#[test]
fn every_truncation_and_every_flipped_byte_is_survived() {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["f.safetensors", "f.npz", "f.parquet"] {
        let path = folder.path().join(name);
        write(&path, &example()).expect("writes");
        let good = std::fs::read(&path).expect("bytes");
        let flips: Vec<_> = (0..good.len())
            .flat_map(|at| [(at, 0xff), (at, 1)])
            .collect();
        survived(name, &good, 0..good.len(), &flips);
    }
}

#[test]
fn no_flip_and_no_cut_of_a_parquet_file_makes_a_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for name in PANDAS_AND_ARROW {
        let good = std::fs::read(fixture::path(&format!("parquet/{name}.parquet"))).expect("bytes");
        for _ in crate::container::fuzz::times(15) {
            let mut draw = |most: usize| random.random_range(0..most);
            let flips: Vec<_> = (0..10).map(|_| (draw(good.len()), 1 << draw(8))).collect();
            survived(name, &good, [draw(good.len())].into_iter(), &flips);
        }
    }
}

const PANDAS_AND_ARROW: [&str; 5] = [
    "pandas_columns",
    "pandas_numbers",
    "pandas_rows",
    "arrow_fixed",
    "arrow_double",
];

#[test]
fn what_pandas_and_arrow_write_is_read() {
    for name in PANDAS_AND_ARROW {
        let set = read(&fixture::path(&format!("parquet/{name}.parquet"))).expect(name);
        let expected = Array2::from_shape_fn((11, 4), |(i, j)| i as f32 + j as f32 / 4.0);
        assert_eq!(set.features(), expected, "{name}");
        let labels: Vec<usize> = (0..11).map(|i| i % 3).collect();
        assert_eq!(set.labels(), labels, "{name}");
        let unnamed = name == "pandas_rows";
        let names = if unnamed {
            ["0", "1", "2"]
        } else {
            ["ant", "bee", "cat"]
        };
        assert_eq!(set.class_names(), names, "{name}");
        let with_ids = unnamed || name.starts_with("arrow");
        assert_eq!(
            set.ids().map(|ids| ids[10].as_str()),
            with_ids.then_some("img10")
        );
    }
}

#[test]
fn parquet_files_that_are_no_features_are_told_why() {
    for (name, expected) in [
        ("empty_cell", "f0: expected no empty cell, found 1 empty"),
        (
            "gap",
            "numbered from 0 or 1 without a gap (f0, f1, …), found f0, f2, label",
        ),
        ("ragged", "features, row 1: expected 2 numbers, found 1"),
        ("labels", "labels: expected integers, found f64"),
        ("half", "features: expected numbers, found binary"),
        ("text", "features: expected lists of numbers, found str"),
        (
            "names",
            "class_name, row 1: expected \"a\", the name of class 0, found b",
        ),
    ] {
        let path = fixture::path(&format!("parquet/bad_{name}.parquet"));
        let said = read(&path).expect_err(name).to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn stored_and_deflated_members_are_checked_alike() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("f.npz");
    write(&path, &example()).expect("writes");
    let mut bytes = std::fs::read(&path).expect("bytes");
    let at = bytes
        .windows(4)
        .position(|w| w == 2.5f32.to_le_bytes())
        .expect("the value");
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).expect("writes");
    let said = read(&path).expect_err("another checksum").to_string();
    assert!(
        said.contains("npz member features: expected intact data"),
        "{said}"
    );
}

#[test]
fn nan_weights_missing_parts_and_unknown_endings_are_named() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("f.safetensors");
    write(&path, &example()).expect("writes");
    let mut bytes = std::fs::read(&path).expect("bytes");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, &bytes).expect("writes");
    let error = read(&path).expect_err("NaN").to_string();
    assert!(error.contains("row 2, column 1"), "{error}");
    let said = |path: &str| read(Path::new(path)).expect_err("refused").to_string();
    assert!(said("x.csv").contains(".npy, .safetensors or .parquet, found \"csv\""));
    assert!(matches!(
        write(Path::new("x.npy"), &example()),
        Err(FeatureError::UnknownFormat { .. })
    ));
    assert!(matches!(
        read(&folder.path().join("none.npz")),
        Err(FeatureError::Io { .. })
    ));
}
#[test]
fn a_single_array_is_features_or_labels_and_finds_its_classes_elsewhere() {
    let folder = tempfile::tempdir().expect("folder");
    let [features, labels] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
    array::write_matrix(&features, array![[1.0, 2.0], [3.0, 4.0]].view()).expect("writes");
    let bytes = [npy::header("|i1", &[2]), vec![1, 0]].concat();
    std::fs::write(&labels, bytes).expect("writes");
    let contents = Contents::read(&features).expect("reads");
    let none = contents.clone().set().expect_err("no labels").to_string();
    assert!(
        none.contains("labels: expected an array labels [N]"),
        "{none}"
    );
    let contents = contents.with_labels(&labels).expect("reads");
    let set = contents.clone().set().expect("valid");
    assert_eq!((set.labels(), set.dim()), (&[1, 0][..], 2));
    let beyond = contents.set_of(&["only".into()]).expect_err("label");
    assert!(
        beyond
            .to_string()
            .contains("row 0: expected a class below 1")
    );
    let bytes = [npy::header("|i1", &[1]), vec![255]].concat();
    std::fs::write(&labels, bytes).expect("writes");
    let said = array::labels(&labels).expect_err("negative").to_string();
    assert!(
        said.contains("row 0: expected a class, from 0, found -1"),
        "{said}"
    );
    assert!(Contents::read(&labels).is_err(), "one side is no matrix");
}
