//! What single measures claim: groups, intervals, convergence, what is left out, and where results may
//! not go.

use super::measures::{found, run_in};
use super::text;
use modalign::feature::file;
use ndarray::Array2;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

fn matrix(home: &Path, name: &str, values: &Array2<f64>) {
    file::array::write_matrix(&home.join(name), values.view()).unwrap();
}

fn integers(home: &Path, name: &str, values: &[i64]) {
    let dict = format!(
        "{{'descr': '<i8', 'fortran_order': False, 'shape': ({},), }}",
        values.len()
    );
    let length = (10 + dict.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{dict:<width$}\n", width = length - 1).bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    std::fs::write(home.join(name), bytes).unwrap();
}

fn wave(n: usize, d: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, d), |(i, j)| ((i * (2 * j + 3) + j) as f64 * 0.7).sin())
}

/// Sixty chunks of twenty clips of five classes, and probabilities alike within clips.
fn clips() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let p = Array2::from_shape_fn((60, 12), |(i, k)| {
        let clip = i / 3;
        1.2 + ((clip * (k + 2)) as f64).sin() + 0.1 * ((i * k) as f64).cos()
    });
    let sums = p.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
    matrix(home.path(), "p.npy", &(p / sums));
    let clip = |i: i64| i / 3;
    integers(
        home.path(),
        "y.npy",
        &(0..60).map(|i| clip(i) % 5).collect::<Vec<_>>(),
    );
    integers(
        home.path(),
        "g.npy",
        &(0..60).map(|i| 100 - clip(i)).collect::<Vec<_>>(),
    );
    home
}

#[test]
fn groups_are_held_out_whole_and_counted() {
    let home = clips();
    let words = "discrepancy --source-probs p.npy --target-labels y.npy --holdout --null 19";
    let by = found(home.path(), &format!("{words} --groups g.npy"));
    assert_eq!(
        (&by["groups"], &by["groups_per_class"]),
        (&20.into(), &4.into())
    );
    assert_eq!(
        by["samples"], 30,
        "two of four clips of three chunks a class"
    );
    let alone = found(home.path(), words);
    assert_eq!(
        (&alone["groups"], &alone["groups_per_class"]),
        (&60.into(), &12.into())
    );
    assert_ne!(by["value"], alone["value"]);
    for found in [&by, &alone] {
        let end = |name: &str, i: usize| found[name][i].as_f64().unwrap();
        assert!(end("infimum_interval", 0) < end("infimum_interval", 1));
        assert!(end("interval", 0) < end("interval", 1));
    }
    let shown = text(&run_in(home.path(), &format!("{words} --groups g.npy")).stdout);
    assert!(
        shown.contains("20 groups, 4 of the class that has fewest"),
        "{shown}"
    );
    // A class of one clip cannot be on both sides; fewer groups than samples are no groups.
    let lone: Vec<i64> = (0..60).map(|i| i64::from(i < 3)).collect();
    integers(home.path(), "y.npy", &lone);
    let run = run_in(home.path(), &format!("{words} --groups g.npy"));
    let said = text(&run.stderr);
    assert!(
        run.status.code() == Some(1) && said.contains("not enough groups"),
        "{said}"
    );
    integers(home.path(), "g.npy", &[1, 2]);
    let run = run_in(home.path(), &format!("{words} --groups g.npy"));
    let said = text(&run.stderr);
    assert!(
        run.status.code() == Some(1) && said.contains("g.npy"),
        "{said}"
    );
}

#[test]
fn the_probes_intervals_are_over_groups() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let clip = |i: i64| i / 6;
    matrix(home, "x.npy", &wave(120, 4));
    integers(
        home,
        "y.npy",
        &(0..120).map(|i| clip(i) % 3).collect::<Vec<_>>(),
    );
    integers(home, "g.npy", &(0..120).map(clip).collect::<Vec<_>>());
    let words = "probe --train x.npy --train-labels y.npy --test x.npy --test-labels y.npy";
    let (alone, by) = (
        found(home, words),
        found(home, &format!("{words} --test-groups g.npy")),
    );
    assert_eq!((&alone["groups"], &by["groups"]), (&120.into(), &20.into()));
    assert_eq!(
        (&by["groups_per_class"], &by["converged"]),
        (&6.into(), &true.into())
    );
    assert_eq!(alone["error"], by["error"]);
    let width = |found: &Value, name: &str| {
        let [low, high] = [0, 1].map(|i| found[name][i].as_f64().unwrap());
        assert!(0.0 <= low && low < high && high <= 1.0);
        high - low
    };
    assert!(width(&by, "interval") > width(&alone, "interval"));
    assert!(width(&by, "balanced_interval") > 0.0);
}

#[test]
fn few_samples_lower_the_perplexity_and_say_so() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    matrix(home, "x.npy", &wave(20, 5));
    let words = "tsne --features x.npy --out map.npy --iterations 20";
    let run = run_in(home, &format!("{words} --json"));
    let map: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        (&map["perplexity"], &map["converged"]),
        (&6.0.into(), &false.into())
    );
    let run = run_in(home, words);
    let said = text(&run.stderr);
    assert!(said.contains("perplexity 30 lowered to 6"), "{said}");
    assert!(text(&run.stdout).contains("perplexity 6,"));
    let asked = run_in(home, &format!("{words} --perplexity 5"));
    assert!(!text(&asked.stderr).contains("lowered"));
}

#[test]
fn no_result_is_written_over_what_it_is_made_from() {
    let home = clips();
    let home = home.path();
    matrix(home, "x.npy", &wave(40, 5));
    std::fs::copy(home.join("g.npy"), home.join("names.csv")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(home.join("x.npy"), home.join("link.npy")).unwrap();
    for (words, kept) in [
        ("tsne --features x.npy --out x.npy", "x.npy"),
        ("tsne --features x.npy --out ./x.npy", "x.npy"),
        #[cfg(unix)]
        ("tsne --features x.npy --out link.npy", "x.npy"),
        (
            "discrepancy --source-probs p.npy --target-labels y.npy --csv p.npy",
            "p.npy",
        ),
        (
            "discrepancy --source-probs p.npy --target-labels y.npy --target-names names.csv --csv names.csv",
            "names.csv",
        ),
    ] {
        let before = std::fs::read(home.join(kept)).unwrap();
        let run = run_in(home, words);
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{words}: {said}");
        assert!(
            said.contains("another file than those that are read"),
            "{said}"
        );
        assert_eq!(std::fs::read(home.join(kept)).unwrap(), before);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error_and_a_closed_one_is_not() {
    for words in [
        "completions bash",
        "completions zsh",
        "man",
        "doctor --data nowhere",
        "doctor --json --data nowhere",
        "models list",
        "data list",
        "data show cifar10 --data nowhere",
        "runs list reports",
        "runs list --json",
        "--help",
        "--version",
        "probe --help",
    ] {
        let start = |out: Stdio| {
            Command::new(env!("CARGO_BIN_EXE_modalign"))
                .args(words.split(' '))
                .stdout(out)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let run = start(full.into()).wait_with_output().unwrap();
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{words}: {said}");
        assert!(
            said.contains("stdout") && !said.contains("panicked"),
            "{words}: {said}"
        );
        // A reader that went away before the first byte.
        let mut child = start(Stdio::piped());
        drop(child.stdout.take());
        let run = child.wait_with_output().unwrap();
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(0), "{words}: {said}");
        assert!(!said.contains("panicked"), "{words}: {said}");
    }
    // As in `2>&1 | head`: errors and notes find nobody either.
    let mut child = Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(["runs", "list", "--data", "nowhere"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn doctor_fits_one_screen_where_no_data_are() {
    let home = tempfile::tempdir().unwrap();
    let run = run_in(home.path(), "doctor --data nowhere");
    let said = text(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(said.lines().count() <= 24, "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
    assert!(
        said.contains("0 of 33 sets here; modalign data list for the rest"),
        "{said}"
    );
    let all: Value =
        serde_json::from_slice(&run_in(home.path(), "doctor --json --data nowhere").stdout)
            .unwrap();
    assert!(
        all["data"]["cifar100-heldout"]
            .as_str()
            .unwrap()
            .contains("missing file")
    );
    assert!(all["suites inside"]["demo"].is_string() && all["devices"]["flex"].is_string());
}

#[test]
fn a_row_of_zeros_takes_no_measure_away_and_is_named() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let mut x = wave(200, 6);
    x.row_mut(123).fill(0.0);
    matrix(home, "a.npy", &x);
    matrix(home, "b.npy", &(wave(200, 6) + 0.5));
    integers(home, "y.npy", &(0..200).map(|i| i % 4).collect::<Vec<_>>());
    let all = found(
        home,
        "compare a.npy b.npy --labels y.npy --iterations 0 --out c",
    );
    for measure in ["knn-accuracy", "alignment", "uniformity"] {
        assert!(
            all["encoders"][0]["measures"][measure]["value"].is_f64(),
            "{measure}"
        );
    }
    let notes = all["notes"].as_array().unwrap();
    let named = |note: &Value| note.as_str().is_some_and(|text| text.contains("row 123"));
    assert!(notes.iter().any(named), "{notes:?}");
}
