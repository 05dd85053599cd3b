//! What arrays of one's own become, and what is refused of them.

use super::*;
use crate::dataset::class_counts;
use crate::files::{fuzz, npy};

fn array(descr: &str, shape: &[usize], bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut all = npy::header(descr, shape);
    all.extend(bytes);
    all
}

/// `n` samples of 2 × 1 × 3, channel 1 a hundred times channel 0, classes in turn.
fn x(n: usize) -> Vec<u8> {
    let value = |i: usize| (i / 6 + i % 3) as f32 * if i % 6 < 3 { 1.0 } else { 100.0 };
    let bytes = (0..6 * n).flat_map(|i| value(i).to_le_bytes());
    array("<f4", &[n, 2, 1, 3], bytes)
}

fn y(n: usize, classes: usize) -> Vec<u8> {
    let bytes = (0..n).flat_map(|i| ((i % classes) as i64).to_le_bytes());
    array("<i8", &[n], bytes)
}

fn write(root: &Path, files: &[(&str, &[u8])]) {
    let folder = root.join("mine");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

fn error(root: &Path) -> String {
    open(&root.join("mine"), "mine")
        .err()
        .expect("refused")
        .to_string()
}

#[test]
fn a_fifth_tests_a_tenth_of_the_rest_validates_and_channels_are_standardised() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), &[("x.npy", &x(100)), ("y.npy", &y(100, 4))]);
    let splits = open(&home.path().join("mine"), "mine").unwrap();
    assert_eq!(class_counts(splits.test.as_ref()), [5; 4]);
    assert_eq!(class_counts(splits.valid.as_ref()), [2; 4]);
    assert_eq!(class_counts(splits.train.as_ref()), [18; 4]);
    assert_eq!(splits.train.shape(), [2, 1, 3]);
    assert_eq!(splits.train.classes()[3], "class 3");
    let norm = Normalise::fit(splits.train.as_ref(), 2).unwrap();
    for channel in 0..2 {
        assert!(norm.mean()[channel].abs() < 1e-4);
        assert!((norm.std()[channel] - 1.0).abs() < 1e-4);
    }
    assert_eq!(files(&home.path().join("mine")).len(), 2);
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for part in [&splits.train, &splits.valid, &splits.test] {
        for row in 0..part.len() {
            let mut sample = [0.0; 6];
            part.read(row, &mut sample).unwrap();
            seen.push(sample.iter().flat_map(|v| v.to_le_bytes()).collect());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100, "every sample stands in one part");
}

#[test]
fn a_given_test_part_and_class_names_are_taken() {
    let home = tempfile::tempdir().unwrap();
    let (x6, y6) = (x(6), array("|u1", &[6], [0, 1, 2, 0, 1, 2]));
    let given: [(&str, &[u8]); 5] = [
        ("x.npy", &x(30)),
        ("y.npy", &y(30, 3)),
        ("test_x.npy", &x6),
        ("test_y.npy", &y6),
        ("classes.txt", b"calm\n  <b>storm</b>  \nrain\n\nnever\n\n"),
    ];
    write(home.path(), &given);
    let splits = open(&home.path().join("mine"), "mine").unwrap();
    assert_eq!((splits.test.len(), splits.valid.len()), (6, 3));
    assert_eq!(splits.test.classes(), ["calm", "<b>storm</b>", "rain"]);
    assert_eq!(files(&home.path().join("mine")).len(), 5);
    let narrow = array("<f4", &[6, 1, 1, 3], vec![0; 72]);
    write(home.path(), &[("test_x.npy", &narrow)]);
    let said = error(home.path());
    assert!(
        said.contains("test_x.npy") && said.contains("2, 1, 3"),
        "{said}"
    );
}

#[test]
fn classes_are_those_that_occur_and_names_stand_by_position() {
    let of = |labels: &[u8]| array("|u1", &[30], (0..30).map(|i| labels[i % labels.len()]));
    for (labels, names, expected) in [
        (&[1, 2, 5][..], None, ["class 1", "class 2", "class 5"]),
        (&[1, 2, 5], Some("a\nb\nc\nd\ne\nf\n"), ["b", "c", "f"]),
        (
            &[0, 1, 2],
            Some("cat\n\nship\n\n"),
            ["cat", "class 1", "ship"],
        ),
        (
            &[2, 0, 3],
            Some("cat\n\nship\nfrog"),
            ["cat", "ship", "frog"],
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &[("x.npy", &x(30)), ("y.npy", &of(labels))]);
        if let Some(names) = names {
            write(home.path(), &[("classes.txt", names.as_bytes())]);
        }
        let splits = open(&home.path().join("mine"), "mine").unwrap();
        assert_eq!(splits.test.classes(), expected, "{names:?}");
        assert_eq!(class_counts(splits.test.as_ref()), [2; 3]);
    }
    // A class that only the test part has is a class, below and above the others' numbers.
    for strange in [1, 9] {
        let home = tempfile::tempdir().unwrap();
        let (x6, y6) = (x(6), array("|u1", &[6], [0, 2, strange, 0, 2, 0]));
        write(home.path(), &[("x.npy", &x(30)), ("y.npy", &of(&[0, 2]))]);
        write(home.path(), &[("test_x.npy", &x6), ("test_y.npy", &y6)]);
        let splits = open(&home.path().join("mine"), "mine").unwrap();
        assert_eq!(splits.test.classes().len(), 3);
        let trained = class_counts(splits.train.as_ref());
        let tested = class_counts(splits.test.as_ref());
        let only = tested
            .iter()
            .zip(&trained)
            .filter(|(t, n)| **t == 1 && **n == 0);
        assert_eq!(only.count(), 1);
    }
    // Text, in sorted order; numbers beside text are refused.
    let home = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..30).map(|i| ["wasp", "ant"][i % 2].to_owned()).collect();
    write(
        home.path(),
        &[("x.npy", &x(30)), ("y.npy", &npy::strings(&texts))],
    );
    let splits = open(&home.path().join("mine"), "mine").unwrap();
    assert_eq!(splits.train.classes(), ["ant", "wasp"]);
    write(
        home.path(),
        &[("test_x.npy", &x(6)), ("test_y.npy", &y(6, 2))],
    );
    assert!(error(home.path()).contains("text in one of them"));
}

#[test]
fn doubles_beyond_single_precision_are_standardised_in_double() {
    let plain = |i: usize| ((i * 7) % 23) as f64 + (i % 5) as f64 / 8.0;
    let read = |scale: f64, offset: f64, descr: &str| {
        let home = tempfile::tempdir().unwrap();
        let bytes = (0..120).flat_map(|i| (plain(i) * scale + offset).to_le_bytes());
        let x = array(descr, &[30, 2, 1, 2], bytes);
        write(home.path(), &[("x.npy", &x), ("y.npy", &y(30, 3))]);
        let splits = open(&home.path().join("mine"), "mine").unwrap();
        let mut all = Vec::new();
        for part in [&splits.train, &splits.test] {
            for row in 0..part.len() {
                let mut sample = [0.0; 4];
                part.read(row, &mut sample).unwrap();
                all.extend(sample);
            }
        }
        all
    };
    let expected = read(1.0, 0.0, "<f8");
    for (scale, offset) in [(1.0, 1.7e9), (1e-50, 0.0), (1e39, 0.0), (1e300, 0.0)] {
        let found = read(scale, offset, "<f8");
        let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        let off = off.fold(0.0, f32::max);
        assert!(off < 1e-4, "{scale} {offset}: off by {off}");
    }
}

#[test]
fn hostile_files_are_refused_with_what_is_wrong() {
    let (good, labels) = (x(30), y(30, 3));
    let nan = array("<f4", &[30, 1, 1, 1], [0xff; 120]);
    let huge = array("<f4", &[1 << 40, 1 << 20, 1, 1], [0; 8]);
    let zero = array("<f4", &[0, 1 << 40, 1, 1], []);
    let wild = array(
        "<i8",
        &[30],
        (0..30i64).flat_map(|_| i64::MAX.to_le_bytes()),
    );
    let below = array("<i8", &[30], (0..30i64).flat_map(|i| (-i).to_le_bytes()));
    let half = array("<f8", &[30], (0..30).flat_map(|_| 0.5f64.to_le_bytes()));
    let pickled = array("|O", &[1], *b"\x80\x04N.");
    let many = "c\n".repeat(MOST_CLASSES + 1);
    let cases: [(&str, &[u8], &str); 12] = [
        (
            "x.npy",
            &array("<f4", &[30, 6], vec![0; 720]),
            "[N, C, H, W]",
        ),
        ("x.npy", &x(29), "number of labels: expected 29, found 30"),
        ("x.npy", &good[..good.len() - 1], "npy"),
        ("x.npy", &nan, "finite numbers"),
        ("x.npy", &huge, "npy"),
        ("x.npy", &zero, "[N, C, H, W], none of them 0"),
        ("x.npy", &pickled, "Python objects"),
        (
            "y.npy",
            &wild,
            "classes that occur: expected 2 to 10000, found 1",
        ),
        (
            "y.npy",
            &below,
            "labels, row 1: expected a class, from 0, found -1",
        ),
        (
            "y.npy",
            &half,
            "labels, row 0: expected a class, a whole number from 0, found 0.5",
        ),
        (
            "classes.txt",
            b"one\n",
            "labels, row 1: expected a class below 1",
        ),
        ("classes.txt", many.as_bytes(), "1 to 10000"),
    ];
    for (file, bytes, said) in cases {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &[("x.npy", &good), ("y.npy", &labels)]);
        write(home.path(), &[(file, bytes)]);
        let error = error(home.path());
        // With too few names it is the labels that do not fit.
        let named = said.ends_with("below 1");
        let blamed = if named { "y.npy" } else { file };
        assert!(
            error.contains(blamed) && error.contains(said),
            "{said}: {error}"
        );
    }
    let home = tempfile::tempdir().unwrap();
    write(home.path(), &[("x.npy", &x(2)), ("y.npy", &y(2, 2))]);
    assert!(error(home.path()).contains("three or more of a class"));
    for name in ["..", "", "/etc", "a/b"] {
        assert!(open(home.path(), name).is_err(), "{name:?}");
    }
}

#[test]
fn no_flip_makes_an_own_set_panic() {
    let labels = y(30, 3);
    for (file, good) in [("x.npy", x(30)), ("y.npy", labels.clone())] {
        fuzz::rounds(&good, 60, |bytes, root| {
            write(
                root,
                &[("x.npy", &x(30)), ("y.npy", &labels), (file, bytes)],
            );
            open(&root.join("mine"), "mine")?
                .train
                .read(0, &mut [0.0; 6])
        });
    }
}
