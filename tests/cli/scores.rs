//! `modalign cka`, `otdd` and `transferability` on files as NumPy and PyTorch write them: values against the references of
//! `tests/fixtures/make_measures.py` and of the authors' OTDD, the fields of the JSON, and files that do not belong together.

use super::measures::{found, run_in};
use super::*;
use modalign::feature::{FeatureSet, file};
use modalign::files::npy;
use ndarray::{Array2, Axis, Ix2};
use serde_json::Value;
use std::io::Read;

/// The bytes of one array of a fixture.
fn member(archive: &str, name: &str) -> Vec<u8> {
    let file = std::fs::File::open(our_fixture(archive)).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut bytes = Vec::new();
    let mut member = archive.by_name(&format!("{name}.npy")).unwrap();
    member.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The case `tall` of the measures' references as arrays of their own: `x.npy`, `y.npy`, `z.npy`, `p.npy`, `labels.npy`.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for name in ["x", "y", "z", "p", "labels"] {
        let bytes = member("measures/inputs.npz", &format!("tall.{name}"));
        std::fs::write(home.path().join(format!("{name}.npy")), bytes).unwrap();
    }
    home
}

fn expected(name: &str) -> f64 {
    let bytes = std::fs::read(our_fixture("measures/expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&bytes).unwrap();
    all["tall"][name].as_f64().unwrap()
}

fn matrix(home: &Path, name: &str) -> Array2<f32> {
    let bytes = std::fs::read(home.join(format!("{name}.npy"))).unwrap();
    let values = npy::parse(&bytes).unwrap().to_f64().unwrap();
    let values: Array2<f64> = values.into_dimensionality::<Ix2>().unwrap();
    values.mapv(|v| v as f32)
}

fn labels(home: &Path) -> Vec<usize> {
    let bytes = std::fs::read(home.join("labels.npy")).unwrap();
    let values = npy::parse(&bytes).unwrap().to_i64().unwrap();
    values.iter().map(|&label| label as usize).collect()
}

/// A features file of some rows of an array, with their numbers as ids.
fn rows(home: &Path, name: &str, array: &str, rows: &[usize]) {
    let (all, of) = (matrix(home, array), labels(home));
    let labels = rows.iter().map(|&row| of[row]).collect();
    let ids = rows.iter().map(|row| format!("sample {row}")).collect();
    let set = FeatureSet::unnamed(all.select(Axis(0), rows), labels).unwrap();
    file::write(&home.join(name), &set.with_ids(ids).unwrap()).unwrap();
}

/// Runs with `--json`; what is told on stderr comes too.
fn told(home: &Path, words: &str) -> (Value, String) {
    let run = run_in(home, &format!("{words} --json"));
    let (out, said) = (text(&run.stdout), text(&run.stderr));
    assert!(run.status.success(), "{words}: {said}");
    (serde_json::from_str(&out).unwrap(), said)
}

fn refused(home: &Path, words: &str, code: i32, parts: &[&str]) {
    let run = run_in(home, words);
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(code), "{words}: {said}");
    assert!(
        run.stdout.is_empty() && !said.contains("panicked"),
        "{said}"
    );
    for part in parts {
        assert!(said.contains(part), "{words}: {part:?} in {said}");
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// Whether the interval of a value holds it and has a width.
fn holds(found: &Value) {
    let [low, high] = [0, 1].map(|end| number(&found["interval"][end]));
    let value = number(&found["value"]);
    assert!(low < high && low <= value && value <= high, "{found}");
}

#[test]
fn cka_is_the_references_and_rows_are_matched_by_ids() {
    let home = home();
    let home = home.path();
    let (plain, said) = told(home, "cka x.npy y.npy");
    assert!(
        said.contains("no ids: row i is taken for the same sample"),
        "{said}"
    );
    assert!(
        (number(&plain["value"]) - expected("cka_debiased")).abs() < 1e-5,
        "{plain}"
    );
    assert!(
        (number(&plain["biased"]) - expected("cka_biased")).abs() < 1e-5,
        "{plain}"
    );
    holds(&plain);
    assert_eq!(
        (&plain["folds"], &plain["groups"]),
        (&20.into(), &Value::Null)
    );
    let n = matrix(home, "x").nrows();
    let order: Vec<usize> = (0..n).collect();
    let turned: Vec<usize> = (0..n).map(|row| row * 7 % n).collect();
    assert!(n % 7 != 0, "7 turns {n} rows");
    rows(home, "a.npz", "x", &order);
    rows(home, "b.safetensors", "y", &turned);
    let by_ids = found(home, "cka a.npz b.safetensors");
    assert!(
        (number(&by_ids["value"]) - number(&plain["value"])).abs() < 1e-9,
        "{by_ids}"
    );
    // Without ids the order counts, whatever it is.
    let (wrong, _) = told(home, "cka a.npz y.npy");
    assert!((number(&wrong["value"]) - number(&plain["value"])).abs() < 1e-9);
    let same = found(home, "cka a.npz a.npz");
    assert!((number(&same["value"]) - 1.0).abs() < 1e-9, "{same}");
    let none = found(home, "cka a.npz b.safetensors --folds 0");
    assert!(none["interval"].is_null() && none["note"].is_null() && none["folds"] == 0);
    let shown = text(&run_in(home, "cka a.npz b.safetensors").stdout);
    assert!(
        shown.starts_with("CKA: 0.661 (") && shown.contains("jackknife over 20"),
        "{shown}"
    );
}

#[test]
fn files_of_other_samples_are_no_two_encoders() {
    let home = home();
    let home = home.path();
    refused(
        home,
        "cka x.npy z.npy",
        1,
        &["z.npy: samples: expected", "as x.npy has"],
    );
    rows(home, "a.npz", "x", &[0, 1, 2, 3, 4, 5]);
    rows(home, "b.npz", "y", &[0, 1, 2, 3, 4, 6]);
    refused(home, "cka a.npz b.npz", 1, &["b.npz: ids", "sample 5"]);
    let of = |labels: Vec<usize>, name: &str| {
        let features = matrix(home, "x").select(Axis(0), &[0, 1, 2, 3, 4, 5]);
        let set = FeatureSet::unnamed(features, labels).unwrap();
        file::write(&home.join(name), &set).unwrap();
    };
    of(vec![0, 1, 0, 1, 0, 1], "c.npz");
    of(vec![0, 1, 0, 0, 0, 1], "d.npz");
    refused(
        home,
        "cka c.npz d.npz",
        1,
        &["d.npz: labels, row 3: expected class 1"],
    );
    refused(
        home,
        "cka x.npy y.npy --folds 3",
        2,
        &["--folds", "expected 0, or 5 to 1000"],
    );
    refused(home, "cka x.npy absent.npy", 1, &["absent.npy"]);
    let (few, _) = told(home, "cka c.npz c.npz --folds 5");
    assert_eq!(few["folds"], 5, "{few}");
    rows(home, "three.npz", "x", &[0, 1, 2]);
    refused(
        home,
        "cka three.npz three.npz",
        1,
        &["expected at least 4, found 3"],
    );
}

#[test]
fn otdd_is_the_references_and_nothing_from_a_set_to_itself() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for name in ["x", "y", "lx", "ly"] {
        let bytes = member("otdd/otdd.npz", name);
        std::fs::write(home.join(format!("{name}.npy")), bytes).unwrap();
    }
    let single = |name: &str| {
        let values = npy::parse(&member("otdd/otdd.npz", name))
            .unwrap()
            .to_f64()
            .unwrap();
        values.sum()
    };
    let files = "otdd x.npy y.npy --source-labels lx.npy --target-labels ly.npy";
    let words = format!("{files} --blur {}", single("blur"));
    let value = found(home, &words);
    let want = single("gaussian.value");
    assert!(
        (number(&value["value"]) / want - 1.0).abs() < 1e-4,
        "{value}, not {want}"
    );
    assert!((number(&value["distance"]).powi(2) / 2.0 / want - 1.0).abs() < 1e-4);
    assert_eq!(value["converged"], true);
    let own = "otdd x.npy x.npy --source-labels lx.npy --target-labels lx.npy --folds 0";
    assert!(number(&found(home, own)["value"]).abs() < 1e-6);
    let (capped, said) = told(home, &format!("{words} --samples 8"));
    assert_eq!(capped["samples"], serde_json::json!([8, 8]));
    assert!(
        said.contains("x.npy: 8 of ") && said.contains("balanced over classes"),
        "{said}"
    );
    refused(
        home,
        "otdd x.npy y.npy --source-labels lx.npy",
        2,
        &["--target-labels FILE.npy", "y.npy"],
    );
    refused(home, &format!("{files} --blur 0"), 2, &["--blur"]);
    let (stopped, said) = told(home, &format!("{files} --blur 0.0001 --iterations 0"));
    assert!(
        stopped["converged"] == false && said.contains("before it converged"),
        "{said}"
    );
    let note = stopped["note"].as_str().unwrap();
    assert!(
        stopped["interval"].is_null() && note.contains("did not converge"),
        "{stopped}"
    );
}

#[test]
fn sets_of_other_widths_have_no_otdd_and_intervals_are_told_what_of() {
    let home = home();
    let home = home.path();
    let all: Vec<usize> = (0..matrix(home, "x").nrows()).collect();
    rows(home, "a.npz", "x", &all);
    rows(home, "b.npz", "y", &all);
    refused(
        home,
        "otdd a.npz b.npz",
        1,
        &["b.npz: features: expected 12 columns, as a.npz has"],
    );
    rows(home, "half.npz", "x", &all[..all.len() / 2]);
    let value = found(home, "otdd a.npz half.npz --blur 1 --folds 5");
    holds(&value);
    assert_eq!(value["of"], serde_json::json!([all.len(), all.len() / 2]));
    let shown = text(&run_in(home, "otdd a.npz half.npz --blur 1 --folds 5").stdout);
    assert!(
        shown.starts_with("OTDD: ") && shown.contains("at these numbers of samples"),
        "{shown}"
    );
}

#[test]
fn every_layer_of_an_encoder_is_set_beside_every_layer_of_another() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let mut bytes = npy::header("<f4", &[24, 3, 32, 32]);
    let pixels = (0..24 * 3 * 1024).map(|i| (i as f32 * 0.37 + (i / 3072) as f32).sin());
    bytes.extend(pixels.flat_map(f32::to_le_bytes));
    std::fs::write(home.join("pixels.npy"), bytes).unwrap();
    for (model, out) in [("demo", "a.npz"), ("real-mini", "b.safetensors")] {
        let words =
            format!("extract --model {model} --tensor pixels.npy --outputs layers --out {out}");
        let done = run_in(home, &words);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let (both, said) = told(home, "cka a.npz b.safetensors --layers");
    assert_eq!(
        said.matches("row i is taken for the same sample").count(),
        1,
        "{said}"
    );
    let (value, names) = (&both["value"], &both["layers"]);
    let count = |side: usize| names[side].as_array().unwrap().len();
    assert_eq!(value.as_array().unwrap().len(), count(0));
    for row in value.as_array().unwrap() {
        assert_eq!(row.as_array().unwrap().len(), count(1));
    }
    assert_eq!(
        (&names[0][0], &both["samples"]),
        (&"layer_00".into(), &24.into())
    );
    // A pair alone has the same value.
    let (pair, _) = told(home, "cka a.npz b.safetensors --features layer_02");
    assert_eq!(
        (&value[2][2], &both["biased"][2][2]),
        (&pair["value"], &pair["biased"])
    );
    let (same, _) = told(home, "cka a.npz a.npz --layers");
    for layer in 0..count(0) {
        assert!((number(&same["value"][layer][layer]) - 1.0).abs() < 1e-9);
    }
    let shown = text(&run_in(home, "cka a.npz b.safetensors --layers").stdout);
    assert!(
        shown.contains("A down, B across") && shown.contains("layer_03"),
        "{shown}"
    );
    // Rows in another order are brought together by their ids; classes that disagree are refused.
    let set = |name: &str, order: &[usize], other: usize| {
        let mut arrays = file::Arrays::default();
        for layer in 0..3 {
            let value = |row: &usize| [(*row as f32).sin(), (row * row) as f32, layer as f32];
            let values: Vec<f32> = order.iter().flat_map(value).collect();
            arrays.append(&format!("layer_{layer:02}"), &[order.len(), 3], values);
        }
        arrays.labels = Some(order.iter().map(|row| (row + other) % 2).collect());
        arrays.ids = order.iter().map(|row| format!("sample {row}")).collect();
        file::write_arrays(&home.join(name), &arrays).unwrap();
    };
    let order: Vec<usize> = (0..8).collect();
    let turned: Vec<usize> = (0..8).rev().collect();
    set("order.npz", &order, 0);
    set("turned.npz", &turned, 0);
    set("other.npz", &turned, 1);
    let (turned, _) = told(home, "cka order.npz turned.npz --layers");
    assert!(
        (number(&turned["value"][0][1]) - 1.0).abs() < 1e-9,
        "{turned}"
    );
    refused(home, "cka order.npz other.npz --layers", 1, &["labels"]);
    // What holds no layers, and what asks for one array of them.
    let plain = run_in(
        home,
        "extract --model demo --tensor pixels.npy --outputs pooled --out p.npz",
    );
    assert!(plain.status.success());
    refused(home, "cka a.npz p.npz --layers", 1, &["--outputs layers"]);
    refused(home, "cka a.npz pixels.npy --layers", 1, &["npz"]);
    refused(
        home,
        "cka a.npz b.safetensors --layers --features layer_01",
        2,
        &["--features"],
    );
}

/// The entry of a score.
fn score<'v>(found: &'v Value, name: &str) -> &'v Value {
    let all = found["scores"].as_array().unwrap();
    let mut named = all.iter().filter(|score| score["name"] == name);
    named.next().unwrap_or_else(|| panic!("{name} in {found}"))
}

#[test]
fn scores_are_the_references_and_say_what_they_lack() {
    let home = home();
    let home = home.path();
    let alone = found(home, "transferability x.npy --target-labels labels.npy");
    for (name, told) in [
        ("leep", "--source-probs"),
        ("nce", "--source-probs"),
        ("modality-gap", "--source-features"),
        ("otdd", "modalign otdd"),
    ] {
        let score = score(&alone, name);
        assert!(score["value"].is_null() && score["interval"].is_null());
        assert!(score["note"].as_str().unwrap().contains(told), "{score}");
    }
    let words = "transferability x.npy --target-labels labels.npy --source-probs p.npy --source-features z.npy";
    let (whole, said) = told(home, words);
    assert!(
        said.contains("p.npy: row i is taken for sample i"),
        "{said}"
    );
    for (name, reference, limit) in [
        ("leep", "leep", 1e-5),
        ("nce", "nce", 1e-9),
        ("logme", "logme", 1e-2),
        ("h-score", "hscore_shrunk", 1e-3),
        ("modality-gap", "gap", 1e-5),
    ] {
        let score = score(&whole, name);
        let (value, want) = (number(&score["value"]), expected(reference));
        assert!((value - want).abs() < limit, "{name}: {value}, not {want}");
        holds(score);
    }
    assert_eq!(score(&whole, "logme"), score(&alone, "logme"));
    assert_eq!(
        (&whole["folds"], &whole["classes"]),
        (&20.into(), &5.into())
    );
    // Logits say the same as their softmax.
    let logits = matrix(home, "p").mapv(|p| (f64::from(p).max(1e-30)).ln());
    let mut bytes = npy::header("<f8", &[logits.nrows(), logits.ncols()]);
    bytes.extend(logits.iter().flat_map(|v| v.to_le_bytes()));
    std::fs::write(home.join("logits.npy"), bytes).unwrap();
    let soft = words.replace("p.npy", "logits.npy --softmax");
    let (soft, _) = told(home, &soft);
    let apart = number(&score(&soft, "leep")["value"]) - number(&score(&whole, "leep")["value"]);
    assert!(apart.abs() < 1e-5, "{apart}");
    let shown = text(&run_in(home, words).stdout);
    assert!(
        shown.contains("higher is better") && shown.contains("jackknife over 20"),
        "{shown}"
    );
}

#[test]
fn what_is_said_of_other_samples_is_refused() {
    let home = home();
    let home = home.path();
    let words = "transferability x.npy --target-labels labels.npy";
    refused(
        home,
        &format!("{words} --source-probs z.npy"),
        1,
        &["z.npy: rows: expected", "as x.npy has samples"],
    );
    refused(
        home,
        &format!("{words} --source-probs y.npy"),
        1,
        &["y.npy: source probabilities"],
    );
    refused(
        home,
        &format!("{words} --source-features y.npy"),
        1,
        &["y.npy: features: expected", "features, as x.npy has"],
    );
    refused(home, &format!("{words} --softmax"), 2, &["--source-probs"]);
    refused(
        home,
        "transferability x.npy",
        2,
        &["--target-labels FILE.npy"],
    );
    rows(home, "a.npz", "x", &[0, 1, 2, 3, 4, 5]);
    rows(home, "b.npz", "p", &[0, 1, 2, 3, 5, 4]);
    // A matrix of another name is taken where it is the only one.
    refused(
        home,
        "transferability a.npz --source-probs b.npz",
        1,
        &["b.npz: ids, row 4: expected \"sample 4\""],
    );
}
