//! Features files as people have them: labels by occurrence, names by position, text, other names of arrays,
//! numbers beyond single precision, logits of `extract`; with values that do not depend on how a file is
//! written.

use super::measures::{ARRAYS, probe_home, run_in};
use super::*;
use modalign::files::npy::{self, header};
use serde_json::Value;
use std::fs;
use std::io::Write;

/// Writes an npz of arrays given as name and `.npy` bytes.
fn npz(home: &Path, name: &str, arrays: &[(&str, Vec<u8>)]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(home.join(name)).unwrap());
    for (array, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{array}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn doubles(shape: &[usize], values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    let values = values.into_iter().flat_map(f64::to_le_bytes);
    header("<f8", shape).into_iter().chain(values).collect()
}

fn integers(shape: &[usize], values: impl IntoIterator<Item = i64>) -> Vec<u8> {
    let values = values.into_iter().flat_map(i64::to_le_bytes);
    header("<i8", shape).into_iter().chain(values).collect()
}

fn json(home: &Path, words: &str) -> (Value, String) {
    let run = run_in(home, &format!("{words} --json"));
    let said = text(&run.stderr);
    assert!(run.status.success(), "{words}: {said}");
    let mut found: Value = serde_json::from_slice(&run.stdout).unwrap();
    found.as_object_mut().unwrap().remove("seconds");
    (found, said)
}

fn numbers(home: &Path, name: &str) -> Vec<f64> {
    let bytes = fs::read(home.join(name)).unwrap();
    npy::parse(&bytes)
        .unwrap()
        .to_f64()
        .unwrap()
        .iter()
        .copied()
        .collect()
}

/// Whether two objectives are the same to a relative 1e-6.
fn near(a: &Value, b: &Value, key: &str) -> bool {
    let [a, b] = [a, b].map(|v| v[key].as_f64().unwrap());
    (a - b).abs() <= 1e-6 * b.abs()
}

#[test]
fn numbers_beyond_single_precision_give_the_same_probe() {
    let home = probe_home();
    let home = home.path();
    let (train, test) = (numbers(home, "train_x.npy"), numbers(home, "test_x.npy"));
    // The same numbers as doubles of full length, then moved and scaled.
    let write = |of: &dyn Fn(usize, f64) -> f64| {
        for (name, values) in [("train", &train), ("test", &test)] {
            let values = values.iter().enumerate().map(|(i, &v)| of(i % 24, v));
            let bytes = doubles(&[values.len() / 24, 24], values);
            fs::write(home.join(format!("{name}_wide.npy")), bytes).unwrap();
        }
    };
    let words = ARRAYS.replace("_x.npy", "_wide.npy");
    let (want, said) = json(home, ARRAYS);
    assert_eq!(said, "");
    for of in [
        &(|_, v| v + 1.7e9) as &dyn Fn(usize, f64) -> f64,
        &|_, v| v * 1e-50,
        &|_, v| v * 1e39,
        &|column, v| if column == 3 { 1e13 + 40.0 * v } else { v },
    ] {
        write(of);
        let (found, said) = json(home, &words);
        assert!(
            said.contains("beyond single precision") && said.contains("train_wide.npy"),
            "{said}"
        );
        assert!(near(&found, &want, "objective"), "{found} {want}");
        assert_eq!(found["error"], want["error"]);
    }
    // Without standardisation a shift changes nothing, a unit does.
    write(&|_, v| v + 1.7e9);
    let (want, _) = json(home, &format!("{ARRAYS} --standardize false"));
    let (found, _) = json(home, &format!("{words} --standardize false"));
    assert!(
        (found["objective"].as_f64().unwrap() / want["objective"].as_f64().unwrap() - 1.0).abs()
            < 1e-5
    );
    write(&|_, v| v * 1e-50);
    let run = run_in(home, &format!("{words} --standardize false"));
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        said.contains("beyond single precision") && said.contains("X - X.mean(0)"),
        "{said}"
    );
    // A map shows the same neighbours; a comparison of directions is refused.
    let map = "tsne --features train_wide.npy --out map.npy --iterations 60";
    let (found, said) = json(home, map);
    assert!(said.contains("beyond single precision"));
    let (plain, _) = json(home, &map.replace("_wide", "_x"));
    let [a, b] = [&found, &plain].map(|v| v["trustworthiness"].as_f64().unwrap());
    assert!((a - b).abs() < 0.03, "{a} {b}");
    let run = run_in(
        home,
        "compare train_wide.npy train_x.npy --labels train_y.npy",
    );
    assert!(text(&run.stderr).contains("beyond single precision"));
    assert_eq!(run.status.code(), Some(1));
}

#[test]
fn labels_are_the_same_in_every_guise_and_choosing_is_told() {
    let home = probe_home();
    let home = home.path();
    let x = |name: &str| fs::read(home.join(format!("{name}_x.npy"))).unwrap();
    let labels = |name: &str| -> Vec<usize> {
        numbers(home, &format!("{name}_y.npy"))
            .into_iter()
            .map(|v| v as usize)
            .collect()
    };
    let (want, _) = json(home, ARRAYS);
    let names = ["eel", "bat", "cow", "ant", "gnu", "dog", "fox"];
    let sorted = |class: usize| {
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        sorted
            .iter()
            .position(|name| *name == names[class])
            .unwrap()
    };
    let write = |guise: &dyn Fn(&[usize]) -> Vec<u8>, keys: [&str; 2]| {
        for name in ["train", "test"] {
            let arrays = [(keys[0], x(name)), (keys[1], guise(&labels(name)))];
            npz(home, &format!("{name}.npz"), &arrays);
        }
    };
    let probe = "probe --train train.npz --test test.npz";
    let known = ["features", "labels"];
    write(
        &|y| doubles(&[y.len(), 1], y.iter().map(|&v| v as f64)),
        known,
    );
    assert_eq!(json(home, probe), (want.clone(), String::new()));
    // Other numbers, with gaps: the rows of the confusion move, nothing else.
    for offset in [1, 40, 1 << 40] {
        write(
            &|y| integers(&[y.len()], y.iter().map(|&v| (offset + 3 * v) as i64)),
            known,
        );
        let (found, said) = json(home, probe);
        assert!(near(&found, &want, "objective") && found["error"] == want["error"]);
        assert_eq!(said.contains("the 7 that occur"), offset > 40, "{said}");
    }
    let as_text = |y: &[usize]| {
        let all: Vec<String> = y.iter().map(|&v| names[v].to_owned()).collect();
        npy::strings(&all)
    };
    write(&as_text, known);
    let (found, said) = json(home, probe);
    assert!(said.contains("sorted order, ant, bat, cow"), "{said}");
    assert!(near(&found, &want, "objective") && found["error"] == want["error"]);
    let cell = |v: &Value, row: usize, column: usize| v["confusion"][row][column].clone();
    assert_eq!(cell(&found, sorted(2), sorted(5)), cell(&want, 2, 5));
    assert_eq!(cell(&found, sorted(0), sorted(0)), cell(&want, 0, 0));
    // Arrays of other names are taken and told; of several none is.
    write(&as_text, ["feats", "y"]);
    let (_, said) = json(home, probe);
    assert!(said.contains("feats is taken for features") && said.contains("y is taken for labels"));
    let (other, said) = json(home, &format!("{probe} --features feats --labels y"));
    assert_eq!(other, found);
    assert!(!said.contains("taken"), "{said}");
    // A class that only the test part has is told, below and above the others.
    for strange in [0, 6] {
        let keep = |y: &[usize]| {
            y.iter()
                .map(|&v| if v == strange { 3 } else { v })
                .collect::<Vec<_>>()
        };
        let train = keep(&labels("train"));
        npz(
            home,
            "train.npz",
            &[
                ("features", x("train")),
                (
                    "labels",
                    integers(&[train.len()], train.iter().map(|&v| v as i64)),
                ),
            ],
        );
        let test = labels("test");
        npz(
            home,
            "test.npz",
            &[
                ("features", x("test")),
                (
                    "labels",
                    integers(&[test.len()], test.iter().map(|&v| v as i64)),
                ),
            ],
        );
        let (found, said) = json(home, probe);
        let count = test.iter().filter(|&&v| v == strange).count();
        assert!(
            said.contains(&format!("{count} samples of 1 class ({strange})")),
            "{said}"
        );
        let right = found["confusion"][strange][strange].as_u64();
        assert_eq!(right, Some(0));
    }
}

#[test]
fn the_discrepancy_takes_classes_that_occur_and_logits() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (n, k) = (60, 4);
    let logit = |i: usize, c: usize| {
        ((i * 7 + c * 5) % 13) as f64 / 3.0 - f64::from(u8::from(c == i % 3)) * 2.0
    };
    let logits: Vec<f64> = (0..n * k).map(|at| logit(at / k, at % k)).collect();
    let probs: Vec<f64> = logits
        .chunks(k)
        .flat_map(|row| {
            let sum: f64 = row.iter().map(|v| v.exp()).sum();
            row.iter().map(move |v| v.exp() / sum).collect::<Vec<_>>()
        })
        .collect();
    let labels = |of: &[i64]| integers(&[n], (0..n).map(|i| of[i % of.len()]));
    fs::write(home.join("p.npy"), doubles(&[n, k], probs.clone())).unwrap();
    let words = "discrepancy --source-probs p.npy --target-labels y.npy";
    let found = |of: &[i64]| {
        fs::write(home.join("y.npy"), labels(of)).unwrap();
        json(home, words).0
    };
    let (plain, gaps) = (found(&[0, 1, 2]), found(&[1, 2, 5]));
    for key in ["value", "chance", "null_mean", "interval", "lower_bound"] {
        assert_eq!(plain[key], gaps[key], "{key}");
    }
    let a = plain["assignment"].as_array().unwrap();
    let null = Value::Null;
    assert_eq!(
        gaps["assignment"],
        Value::from(vec![
            null.clone(),
            a[0].clone(),
            a[1].clone(),
            null.clone(),
            null,
            a[2].clone()
        ])
    );
    let four = found(&[1, 2, 3, 4]);
    assert_eq!(four["assignment"].as_array().unwrap().len(), 5);
    assert!(four["assignment"][4].is_u64());
    // A column is one class a sample; columns are several.
    fs::write(
        home.join("y.npy"),
        integers(&[n, 1], (0..n).map(|i| i as i64 % 2)),
    )
    .unwrap();
    let column = json(home, words).0;
    assert_eq!(column, found(&[0, 1]));
    assert_eq!(column["assignment"].as_array().unwrap().len(), 2);
    // Names stand by position, also with lines that are blank.
    found(&[0, 2]);
    fs::write(home.join("t.txt"), "calm\n\nstorm\n\n").unwrap();
    let run = run_in(home, &format!("{words} --target-names t.txt"));
    let out = text(&run.stdout);
    assert!(
        out.contains("calm") && out.contains("storm") && out.contains("2 target"),
        "{out}"
    );
    fs::write(home.join("t.txt"), "calm\nstorm\n").unwrap();
    let run = run_in(home, &format!("{words} --target-names t.txt"));
    assert!(
        text(&run.stderr).contains("expected 3 lines"),
        "{}",
        text(&run.stderr)
    );

    // What extract writes: logits beside others, with labels.
    let want = found(&[1, 2, 5]);
    let arrays = [
        ("features", doubles(&[n, 2], vec![0.5; 2 * n])),
        ("logits", doubles(&[n, k], logits.clone())),
        ("labels", labels(&[1, 2, 5])),
    ];
    npz(home, "e.npz", &arrays);
    let (soft, said) = json(home, "discrepancy --source-probs e.npz --softmax");
    assert_eq!(said, "");
    assert!(near(&soft, &want, "value") && soft["assignment"] == want["assignment"]);
    let run = run_in(home, "discrepancy --source-probs e.npz");
    assert!(
        text(&run.stderr).contains("--softmax makes them of logits"),
        "{}",
        text(&run.stderr)
    );
    fs::write(home.join("l.npy"), doubles(&[n, k], logits.clone())).unwrap();
    let (soft, _) = json(
        home,
        "discrepancy --source-probs l.npy --softmax --target-labels y.npy",
    );
    assert!(near(&soft, &want, "value"));
    let run = run_in(
        home,
        "discrepancy --source-probs l.npy --target-labels y.npy",
    );
    assert!(text(&run.stderr).contains("if these are logits, --softmax"));
    npz(
        home,
        "q.npz",
        &[
            ("probs", doubles(&[n, k], probs)),
            ("y", labels(&[1, 2, 5])),
        ],
    );
    let (beside, said) = json(home, "discrepancy --source-probs q.npz");
    assert!(
        said.contains("y is taken for labels") && beside == want,
        "{said}"
    );
    let (asked, said) = json(
        home,
        "discrepancy --source-probs e.npz --features logits --softmax",
    );
    assert!(near(&asked, &want, "value") && said.is_empty(), "{said}");
}

#[test]
fn a_comparison_counts_classes_that_occur() {
    let home = probe_home();
    let home = home.path();
    let y = numbers(home, "train_y.npy");
    let shifted = integers(&[y.len()], y.iter().map(|&v| 2 + 2 * v as i64));
    let x = fs::read(home.join("train_x.npy")).unwrap();
    npz(home, "a.npz", &[("emb", x.clone()), ("target", shifted)]);
    npz(
        home,
        "b.npz",
        &[
            ("emb", x),
            ("target", integers(&[y.len()], y.iter().map(|&v| v as i64))),
        ],
    );
    let small = "--iterations 0 --bootstrap 100 --json";
    let of = |file: &str| {
        let run = run_in(
            home,
            &format!("compare {file} {file} --out {file}-run {small}"),
        );
        let said = text(&run.stderr);
        assert!(
            run.status.success() && said.contains("target is taken for labels"),
            "{said}"
        );
        let found: Value = serde_json::from_slice(&run.stdout).unwrap();
        found["encoders"][0]["measures"].clone()
    };
    assert_eq!(of("a.npz"), of("b.npz"));
    let named = run_in(
        home,
        &format!("compare a.npz a.npz --features emb --labels target --out named {small}"),
    );
    assert!(
        named.status.success() && !text(&named.stderr).contains("taken"),
        "{}",
        text(&named.stderr)
    );
}
