//! Wrong features, labels and probabilities: the file, the place, what was expected and what was
//! found; exit code 1 for bad data and 2 for wrong usage; nothing on stdout, nothing half-written.

use super::measures::{ARRAYS, probe_home, run_in};
use super::*;
use modalign::files::npy::header;
use std::fs;

/// Runs, expects failure with `code`, and asserts that every part was said.
fn refused(home: &Path, words: &str, code: i32, parts: &[&str]) {
    let run = run_in(home, words);
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(code), "{words}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(run.stdout.is_empty(), "{words}: {}", text(&run.stdout));
    for part in parts {
        assert!(said.contains(part), "{words}: {part:?} in {said}");
    }
}

fn floats(home: &Path, name: &str, shape: &[usize], values: &[f64]) {
    let mut bytes = header("<f8", shape);
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    fs::write(home.join(name), bytes).unwrap();
}

fn integers(home: &Path, name: &str, values: &[i64]) {
    let mut bytes = header("<i8", &[values.len()]);
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    fs::write(home.join(name), bytes).unwrap();
}

/// Features of the probe fixture with something wrong.
const BAD: &str =
    "probe --train bad.npy --train-labels bad_y.npy --test test_x.npy --test-labels test_y.npy";

#[test]
fn files_that_are_not_what_they_say_are_refused() {
    let home = probe_home();
    let home = home.path();
    let probe = |train: &str| format!("probe --train {train} --test {train}");
    refused(home, &probe("none.npz"), 1, &["none.npz: ", "No such file"]);
    fs::write(home.join("x.csv"), "1,2\n").unwrap();
    let endings = [
        "x.csv",
        ".npz, .npy, .safetensors or .parquet",
        "found \"csv\"",
    ];
    refused(home, &probe("x.csv"), 1, &endings);
    for ending in ["npz", "safetensors"] {
        let name = format!("empty.{ending}");
        fs::write(home.join(&name), "").unwrap();
        refused(home, &probe(&name), 1, &[&name, "expected"]);
    }
    integers(home, "bad_y.npy", &[0, 1]);
    fs::write(home.join("bad.npy"), "").unwrap();
    refused(home, BAD, 1, &["bad.npy: features: npy magic"]);
    let good = fs::read(home.join("train_x.npy")).unwrap();
    fs::write(home.join("bad.npy"), &good[..good.len() - 1]).unwrap();
    refused(
        home,
        BAD,
        1,
        &["bad.npy: features: npy: array data", "115199 bytes"],
    );
    fs::write(home.join("bad.npy"), header("<c8", &[0, 2])).unwrap();
    refused(home, BAD, 1, &["element type", "<c8"]);
    fs::write(home.join("bad.npy"), header("<f8", &[1 << 40, 1 << 20])).unwrap();
    refused(home, BAD, 1, &["array data", "found 0 bytes"]);
    floats(home, "bad.npy", &[4], &[0.0; 4]);
    refused(
        home,
        BAD,
        1,
        &["bad.npy: features: expected shape [N, D], found [4]"],
    );
    let npy = "probe --train train_x.npy --test test_x.npy";
    refused(home, npy, 2, &["--train-labels", "no labels"]);
}

#[test]
fn features_and_labels_must_fit() {
    let home = probe_home();
    let home = home.path();
    floats(
        home,
        "bad.npy",
        &[3, 2],
        &[0.0, 1.0, 2.0, f64::NAN, 4.0, 5.0],
    );
    integers(home, "bad_y.npy", &[0, 6, 0]);
    refused(home, BAD, 1, &["bad.npy: ", "found NaN in row 1, column 1"]);
    refused(
        home,
        "tsne --features bad.npy --out map.npy --perplexity 1",
        1,
        &["bad.npy: ", "found NaN in row 1, column 1"],
    );
    assert!(!home.join("map.npy").exists());
    floats(home, "bad.npy", &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    refused(
        home,
        BAD,
        1,
        &["test_x.npy: test features: expected 2, found 24"],
    );
    integers(home, "bad_y.npy", &[0, 1]);
    refused(home, BAD, 1, &["bad_y.npy: labels: expected 3, found 2"]);
    integers(home, "bad_y.npy", &[0, -2, 1]);
    refused(
        home,
        BAD,
        1,
        &["bad_y.npy: labels, row 1: expected a class, from 0, found -2"],
    );
    fs::copy(home.join("test_x.npy"), home.join("bad_y.npy")).unwrap();
    refused(
        home,
        BAD,
        1,
        &["bad_y.npy: labels: shape: expected [N]", "argmax"],
    );
    for (bad, said) in [
        (0.5, "a whole number from 0, found 0.5"),
        (f64::NAN, "found NaN"),
    ] {
        floats(home, "bad_y.npy", &[3], &[0.0, 1.0, bad]);
        refused(
            home,
            BAD,
            1,
            &["bad_y.npy: labels, row 2: expected a class", said],
        );
    }
    // One class cannot be told from others.
    let labels = |values: &[i64]| integers(home, "bad_y.npy", values);
    fs::copy(home.join("train_x.npy"), home.join("bad.npy")).unwrap();
    labels(&[6; 600]);
    refused(
        home,
        BAD,
        1,
        &["bad.npy: classes with training samples: expected at least 2, found 1"],
    );
    floats(home, "bad.npy", &[0, 24], &[]);
    labels(&[]);
    refused(
        home,
        BAD,
        1,
        &["bad.npy: features: expected at least one sample"],
    );
}

#[test]
fn class_names_must_agree_and_cannot_command_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let write = |name: &str, second: &str| {
        let x = ndarray::Array2::from_shape_fn((8, 2), |(i, j)| (i * (j + 1)) as f32);
        let names = vec!["cat".to_string(), second.to_string()];
        let labels = (0..8).map(|i| i / 4).collect();
        let set = modalign::feature::FeatureSet::new(x, labels, names).unwrap();
        modalign::feature::file::write(&home.join(name), &set).unwrap();
    };
    write("a.npz", "dog\u{1b}[31m");
    write("b.npz", "ship\u{7}");
    let probe = "probe --train a.npz --test b.npz";
    refused(home, probe, 1, &["b.npz: class_names", "a.npz", "class 1"]);
    let said = [
        run_in(home, probe).stderr,
        run_in(home, "probe --train a.npz --test a.npz").stdout,
    ];
    for said in said {
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!text(&said).contains(control), "{}", text(&said));
    }
}

#[test]
fn settings_out_of_range_are_wrong_usage() {
    let home = probe_home();
    let home = home.path();
    for (words, part) in [
        ("--c 0", "--c: expected a positive number"),
        ("--c nan", "--c: expected a positive number"),
        ("--iterations 0", "--iterations"),
        ("--standardize maybe", "--standardize"),
        ("--c 1 --sweep", "cannot be used with"),
        ("--valid test_x.npy", "--sweep"),
    ] {
        refused(home, &format!("{ARRAYS} {words}"), 2, &[part]);
    }
    let tsne = "tsne --features test_x.npy";
    for (words, part) in [
        (
            "--out map.csv",
            "--out: expected a file name that ends in .npy",
        ),
        ("--out map.npy --figure map.pdf", ".svg or .png"),
        ("--out map.npy --perplexity 0", "--perplexity"),
        ("--out map.npy --pca 1", "--pca"),
        ("--out map.npy --pca some", "a number of components or none"),
        (
            "--out map.npy --engine fast",
            "auto, exact, barnes-hut, fft, linfa",
        ),
        ("", "--out"),
    ] {
        refused(home, &format!("{tsne} {words}"), 2, &[part]);
    }
    assert!(!home.join("map.npy").exists());
    fs::write(home.join("file"), "").unwrap();
    let nowhere = format!("{tsne} --iterations 1 --out file/map.npy");
    refused(home, &nowhere, 1, &["file/map.npy: "]);
}

#[test]
fn probabilities_are_checked_row_by_row() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let words = "discrepancy --source-probs p.npy --target-labels y.npy";
    integers(home, "y.npy", &[0, 1]);
    let p = |values: [f64; 4]| floats(home, "p.npy", &[2, 2], &values);
    p([0.5, 0.5, 2.5, -1.5]);
    let place =
        "p.npy: source probabilities: row 1, column 0: expected a number in [0, 1], found 2.5";
    refused(home, words, 1, &[place]);
    p([0.5, 0.5, f64::NAN, 0.5]);
    refused(home, words, 1, &["row 1, column 0", "found NaN"]);
    p([0.5, 0.502, 0.5, 0.5]);
    refused(
        home,
        words,
        1,
        &["row 0: expected a sum of 1 ± 0.001, found 1.002"],
    );
    p([0.5, 0.5, 0.5, 0.498]);
    refused(
        home,
        words,
        1,
        &["row 1: expected a sum of 1 ± 0.001, found 0.998"],
    );
    p([0.5, 0.5, 0.9, 0.1]);
    refused(
        home,
        &words.replace("y.npy", "p.npy"),
        1,
        &["p.npy: target labels: row 0, column 0: expected 0 or 1, found 0.5"],
    );
    let beyond = &[
        "y.npy: labels: expected at most 2 classes",
        "found 3 that occur",
    ];
    integers(home, "y.npy", &[0, 7, 4]);
    refused(home, words, 1, beyond);
    integers(home, "y.npy", &[0, -1]);
    refused(home, words, 1, &["y.npy: labels, row 1", "found -1"]);
    integers(home, "y.npy", &[0, 1, 1]);
    refused(
        home,
        words,
        1,
        &["y.npy: target labels: expected 2, found 3"],
    );
    integers(home, "y.npy", &[0, 1]);
    floats(home, "t.npy", &[2, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let soft = "discrepancy --source-probs p.npy --target-probs t.npy";
    refused(
        home,
        soft,
        1,
        &["t.npy: target classes: expected at most 2, found 3"],
    );
    refused(
        home,
        &format!("{words} --target-probs t.npy"),
        2,
        &["cannot be used with"],
    );
    refused(
        home,
        "discrepancy --source-probs p.npy",
        2,
        &["--target-labels or --target-probs"],
    );
    refused(home, &format!("{words} --holdout 1"), 2, &["--holdout"]);
    refused(home, &format!("{words} --null 99999999"), 2, &["--null"]);
    refused(
        home,
        &format!("{words} --divergence mse"),
        2,
        &["error, nll, brier, tv"],
    );
    p([0.5, 0.5, 2.5, -1.5]);
    refused(home, words, 1, &["if these are logits, --softmax"]);
    floats(home, "p.npz", &[2, 2], &[0.5; 4]);
    let named = "discrepancy --source-probs p.npz --target-labels y.npy";
    refused(home, named, 1, &["p.npz: npz: expected a zip archive"]);
    let named = "discrepancy --source-probs p.csv --target-labels y.npy";
    refused(
        home,
        named,
        1,
        &["p.csv: file name: expected one that ends in .npz, .npy"],
    );
}
