//! Feature files as users meet them: round trips, damage, and what other programs write
//! (`tests/fixtures/parquet/make.py`).

use super::*;
use crate::feature::TextsOf;
use crate::files::npy;
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

/// Files of other programs, each in some variety (`tests/fixtures/features/make.py`), with what is in them.
#[test]
fn every_kind_of_file_gives_the_same_set() {
    let listed = std::fs::read_to_string(fixture::path("features/same.txt")).expect("the list");
    let mut count = 0;
    for line in listed.lines() {
        let (name, choice) = line.split_once(' ').unwrap_or((line, ""));
        let mut words = choice.split_whitespace().map(str::to_owned);
        let choice = Choice {
            features: words.next().filter(|word| word != "-"),
            labels: words.next(),
            ..Choice::default()
        };
        let path = fixture::path(&format!("features/{name}"));
        let contents = Contents::choose(&path, &choice, Keep::Single).expect(line);
        let expected = Array2::from_shape_fn((7, 3), |(i, j)| ((i * 5 + j * 2) % 11) as f32 - 4.0);
        assert_eq!(*contents.single().expect("single"), expected, "{line}");
        let labels: Vec<usize> = [2, 0, 1, 2, 0, 1, 1].to_vec();
        assert_eq!(contents.labels(), Some(&labels[..]), "{line}");
        if contents.by_name() {
            assert_eq!(
                contents.class_names().expect("names"),
                ["ant", "bee", "wasp"],
                "{line}"
            );
            assert!(
                contents.told().iter().any(|t| t.contains("sorted order")),
                "{line}"
            );
        }
        if name.contains("named") {
            assert_eq!(
                contents.class_names().expect("names"),
                ["zebra", "ant", "fly"],
                "{line}"
            );
        }
        if name.contains("other") {
            let told = contents
                .told()
                .iter()
                .any(|told| told.contains("taken for features"));
            assert_eq!(told, choice.features.is_none(), "{line}");
        }
        if name.contains("ids") {
            let ids: Vec<String> = (0..7).map(|i| (i * 10).to_string()).collect();
            assert_eq!(contents.ids().expect("ids"), ids, "{line}");
        }
        if name.contains("groups") {
            assert_eq!(
                contents.groups().expect("groups"),
                [0, 0, 1, 1, 2, 0, 2],
                "{line}"
            );
            let set = contents.set().expect("valid");
            assert_eq!(set.groups().expect("groups")[4], 2, "{line}");
            let folder = tempfile::tempdir().expect("folder");
            for ending in ["npz", "safetensors", "parquet"] {
                let path = folder.path().join(format!("again.{ending}"));
                write(&path, &set).expect("writes");
                assert_eq!(read(&path).expect("reads"), set, "{line} as {ending}");
            }
        }
        count += 1;
    }
    assert!(count >= 60, "{count} files");
}

#[test]
fn every_kind_of_refusal_says_what_it_is() {
    let listed = std::fs::read_to_string(fixture::path("features/refused.txt")).expect("the list");
    let mut count = 0;
    for line in listed.lines() {
        let (name, expected) = line.split_once(' ').expect("a name and words");
        let path = fixture::path(&format!("features/{name}"));
        let found = Contents::read(&path).and_then(Contents::set);
        let said = found.expect_err(line).to_string();
        assert!(said.contains(name), "{name}: {said}");
        for words in expected.split(" & ") {
            assert!(said.contains(words), "{name}: {words:?} in {said}");
        }
        for foreign in ["os error", "Some(", "dtype", "Utf8", "ComputeError"] {
            assert!(!said.contains(foreign), "{name}: {foreign:?} in {said}");
        }
        count += 1;
    }
    assert!(count >= 20, "{count} files");
}

#[test]
fn no_flip_of_a_file_of_another_program_makes_a_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let listed = std::fs::read_to_string(fixture::path("features/same.txt")).expect("the list");
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let files = names
        .into_iter()
        .map(|name| (name, fixture::path(&format!("features/{name}"))));
    let files: Vec<_> = files.filter(|(_, path)| path.is_file()).collect();
    for _ in crate::files::fuzz::times(1) {
        for (name, path) in &files {
            let good = std::fs::read(path).expect("bytes");
            let mut draw = |most: usize| random.random_range(0..most);
            let flips: Vec<_> = (0..6).map(|_| (draw(good.len()), 1 << draw(8))).collect();
            survived(name, &good, std::iter::empty(), &flips);
        }
    }
}

#[test]
fn features_beyond_single_precision_are_refused_or_brought_within() {
    let folder = tempfile::tempdir().expect("folder");
    let values = |of: &dyn Fn(f64) -> f64| {
        Array2::from_shape_fn((40, 3), |(i, j)| match j {
            1 => of(((i * 13 + 5) % 29) as f64),
            _ => ((i * 7 + j) % 11) as f64,
        })
    };
    let write = |name: &str, matrix: &Array2<f64>| {
        let path = folder.path().join(name);
        array::write_matrix(&path, matrix.view()).expect("writes");
        path
    };
    let plain = values(&|v| v);
    let cases: [&dyn Fn(f64) -> f64; 4] = [&|v| v + 1.7e9, &|v| v * 1e-50, &|v| v * 1e39, &|v| {
        v * 3e200
    }];
    for (case, of) in cases.iter().enumerate() {
        let path = write("x.npy", &values(of));
        let contents = Contents::read(&path).expect("reads");
        assert_eq!(contents.beyond().expect("beyond").column, 1, "case {case}");
        let said = contents
            .clone()
            .unlabelled()
            .expect_err("refused")
            .to_string();
        assert!(
            said.contains("column 1") && said.contains("beyond single precision"),
            "{said}"
        );
        assert!(contents.single().is_err());
        // By the means and deviations of the first file, as of the same features at a common scale.
        let wide =
            |path: &Path| Contents::choose(path, &Choice::default(), Keep::Wide).expect("reads");
        let mut both = [wide(&path), wide(&path)];
        Contents::bring_within(&mut both, true).expect("within");
        let mut expected = [wide(&write("p.npy", &plain)), wide(&write("p.npy", &plain))];
        Contents::bring_within(&mut expected, true).expect("within");
        for (found, expected) in both.iter().zip(&expected) {
            let [found, expected] =
                [found, expected].map(|c| c.single().expect("single").into_owned());
            let off = (&found - &expected)
                .iter()
                .fold(0f32, |a, b| a.max(b.abs()));
            assert!(off < 1e-5, "case {case}: off by {off}");
        }
        let mut one = wide(&path);
        one.bring_distances_within().expect("within");
        assert!(
            one.single()
                .expect("single")
                .iter()
                .all(|v| v.is_finite() && v.abs() < 50.0)
        );
        // A shift alone helps time stamps and not units.
        let shifted = Contents::bring_within(&mut [wide(&path)], false);
        assert_eq!(shifted.is_ok(), case == 0, "case {case}");
    }
    let mut matrix = values(&|v| v + 1.7e9);
    matrix[[3, 2]] = f64::NAN;
    let path = write("n.npy", &matrix);
    let contents = Contents::choose(&path, &Choice::default(), Keep::Wide).expect("reads");
    let said = Contents::bring_within(&mut [contents], true)
        .expect_err("NaN")
        .to_string();
    assert!(said.contains("row 3, column 2"), "{said}");
    assert!(
        Contents::read(&write("p.npy", &plain))
            .expect("reads")
            .beyond()
            .is_none()
    );
}

#[test]
fn no_flip_and_no_cut_of_a_parquet_file_makes_a_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for name in PANDAS_AND_ARROW {
        let good = std::fs::read(fixture::path(&format!("parquet/{name}.parquet"))).expect("bytes");
        for _ in crate::files::fuzz::times(15) {
            let mut draw = |most: usize| random.random_range(0..most);
            let flips: Vec<_> = (0..10).map(|_| (draw(good.len()), 1 << draw(8))).collect();
            survived(name, &good, [draw(good.len())].into_iter(), &flips);
        }
    }
}

const PANDAS_AND_ARROW: [&str; 6] = [
    "arrow_half",
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
            "--features NAME,NAME… chooses columns, found f0, f2, label",
        ),
        ("ragged", "features, row 1: expected 2 numbers, found 1"),
        (
            "labels",
            "labels, row 0: expected a class, a whole number from 0, found 0.5",
        ),
        ("text", "features: expected lists of numbers, found text"),
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
    let folder_said = read(folder.path().join("..").as_path()).expect_err("a folder");
    assert!(
        !folder_said.to_string().contains("os error"),
        "{folder_said}"
    );
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

/// Text features beside features: two classes, three samples.
fn with_texts(of: TextsOf) -> FeatureSet {
    let texts = match of {
        TextsOf::Classes => array![[1.0, 0.5], [2.0, -0.5]],
        TextsOf::Samples => array![[1.0, 0.5], [2.0, -0.5], [0.25, 8.0]],
    };
    example().with_texts(texts, of).expect("valid")
}

#[test]
fn two_modalities_come_back_and_others_see_features_alone() {
    let folder = tempfile::tempdir().expect("folder");
    for of in [TextsOf::Classes, TextsOf::Samples] {
        for name in ["f.safetensors", "f.npz"] {
            let path = folder.path().join(name);
            write(&path, &with_texts(of)).expect("writes");
            let found = read_both(&path).expect("reads");
            assert_eq!((found.set, found.told), (with_texts(of), vec![]), "{name}");
            assert_eq!(read(&path).expect("reads"), example(), "{name}");
            write(&path, &example()).expect("writes");
            let error = read_both(&path).expect_err("no texts").to_string();
            assert!(
                error.contains("text_features") && error.contains(name),
                "{error}"
            );
        }
        let path = folder.path().join("f.parquet");
        let error = write(&path, &with_texts(of))
            .expect_err("one matrix")
            .to_string();
        assert!(error.contains(".npz or .safetensors"), "{error}");
        assert!(read_both(&path).is_err());
    }
}

/// A file of other programs: arrays of these shapes, with labels and perhaps `text_of`.
fn foreign(texts: [usize; 2], labels: &[usize], of: Option<&str>) -> Result<Both, String> {
    let folder = tempfile::tempdir().expect("folder");
    let read = |name: &str| {
        let path = folder.path().join(name);
        let mut arrays = Arrays::default();
        arrays.labels = Some(labels.to_vec());
        arrays.text_of = of.and_then(TextsOf::named);
        let n = labels.len();
        arrays.append("features", &[n, 2], vec![1.0; 2 * n]);
        arrays.append("text_features", &texts, vec![2.0; texts[0] * texts[1]]);
        write_arrays(&path, &arrays).expect("writes");
        read_both(&path).map_err(|e| e.to_string().replace(name, ""))
    };
    let (npz, safetensors) = (read("f.npz"), read("f.safetensors"));
    assert_eq!(npz, safetensors);
    npz
}

#[test]
fn what_texts_stand_for_is_said_inferred_and_told_or_refused() {
    let of = |texts, labels: &[usize], said| {
        let found = foreign(texts, labels, said)?;
        let of = found.set.texts().expect("texts").of();
        Ok::<_, String>((of, found.told.join(" ")))
    };
    let (found, told) = of([2, 2], &[0, 1, 1], None).expect("classes");
    assert_eq!(found, TextsOf::Classes);
    assert!(told.contains("2, one a class"), "{told}");
    let (found, told) = of([3, 2], &[0, 1, 1], None).expect("samples");
    assert_eq!(found, TextsOf::Samples);
    assert!(told.contains("3, one a sample"), "{told}");
    // As many classes as samples: the same only where sample i is of class i.
    assert!(of([2, 2], &[0, 1], None).is_ok());
    let error = of([2, 2], &[1, 0], None).expect_err("two readings");
    assert!(error.contains("text_of"), "{error}");
    let (found, told) = of([2, 2], &[1, 0], Some("samples")).expect("said");
    assert_eq!((found, told.as_str()), (TextsOf::Samples, ""));
    let error = of([4, 2], &[0, 1, 1], None).expect_err("neither");
    assert!(
        error.contains("2 rows, one a class, or 3") && error.contains("4 rows"),
        "{error}"
    );
    let error = of([3, 2], &[0, 1, 1], Some("classes")).expect_err("said otherwise");
    assert!(
        error.contains("one a class") && error.contains("found 3"),
        "{error}"
    );
    let error = of([2, 5], &[0, 1, 1], None).expect_err("width");
    assert!(
        error.contains("columns of text_features: expected 2, found 5"),
        "{error}"
    );
}
