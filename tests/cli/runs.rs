//! `modalign runs`: what is said of runs, whole, different and damaged. One run is computed; the
//! others are copies of it with changed files, which is all that these verbs see.

use super::*;
use serde_json::Value;
use std::fs;

/// Runs `modalign runs` in the folder `home`; the exit code must be `code`.
fn runs(home: &Path, arguments: &[&str], code: i32) -> Output {
    let done = Command::new(env!("CARGO_BIN_EXE_modalign"))
        .arg("runs")
        .args(arguments)
        .current_dir(home)
        .output()
        .unwrap();
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    done
}

fn said(home: &Path, arguments: &[&str], code: i32) -> String {
    text(&runs(home, arguments, code).stdout)
}

/// The one JSON object that `--json` prints.
fn json(home: &Path, arguments: &[&str], code: i32) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    serde_json::from_slice(&runs(home, &arguments, code).stdout).expect("one JSON object")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Changes the first `from` in a file.
fn edit(path: &Path, from: &str, to: &str) {
    let old = fs::read_to_string(path).unwrap();
    assert!(old.contains(from), "{from} in {}", path.display());
    fs::write(path, old.replacen(from, to, 1)).unwrap();
}

/// Cuts a file in half, as a disk that is full does.
fn halve(path: &Path) {
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[..whole.len() / 2]).unwrap();
}

#[test]
fn runs_are_listed_shown_and_compared_whole_or_damaged() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    assert_eq!(json(home, &["list"], 0)["runs"], serde_json::json!([]));
    let suite = home.join("tiny.toml");
    fs::write(&suite, TINY.replace("seeds = [0, 1]", "seeds = [0]")).unwrap();
    let first = home.join("runs/first");
    let [suite, out] = [&suite, &first].map(|path| path.to_str().unwrap());
    let done = modalign(&["report", "--suite", suite, "--out", out]);
    assert!(done.status.success(), "{}", text(&done.stderr));

    listed_and_shown(home);
    copy(&first, &home.join("runs/same"));
    compared(home);
    damaged(home);
}

fn listed_and_shown(home: &Path) {
    fs::create_dir_all(home.join("runs/not a run")).unwrap();
    let all = json(home, &["list"], 0);
    let [run] = all["runs"].as_array().unwrap().as_slice() else {
        panic!("{all}");
    };
    assert_eq!(run["path"], "runs/first");
    assert_eq!(
        (&run["suite"], &run["state"]),
        (&"tiny".into(), &"finished".into())
    );
    assert_eq!(
        (&run["cells_done"], &run["cells_expected"]),
        (&2.into(), &2.into())
    );
    assert!(run["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(json(home, &["list", "runs/first"], 0), all);
    let list = said(home, &["list"], 0);
    assert!(list.contains("finished    2/2"), "{list}");
    assert!(
        list.lines().all(|line| line.chars().count() <= 80),
        "{list}"
    );

    let run = json(home, &["show", "runs/first"], 0);
    assert_eq!(run["device"], "flex");
    assert_eq!(run["source"]["sha256"].as_str().unwrap().len(), 64);
    let cell = &run["cells"][1];
    assert_eq!(
        (&cell["target"], &cell["state"]),
        (&"unseen".into(), &"done".into())
    );
    assert_eq!((&cell["selected"], &cell["epochs"]), (&2.into(), &2.into()));
    assert!(cell["test"].is_f64() && cell["valid"].is_f64());
    assert!(run["tables"].as_array().unwrap().contains(&"probe".into()));
    assert_eq!(run["report"], "runs/first/report.html");
    let page = said(home, &["show", "runs/first"], 0);
    for part in ["unseen  nft        0  done", "notes", "fig3", "report.html"] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

fn compared(home: &Path) {
    // An older version called this table otherwise.
    let tables = home.join("runs/same/tables");
    fs::rename(tables.join("results.csv"), tables.join("answer.csv")).unwrap();
    let same = said(home, &["diff", "runs/first", "runs/same"], 0);
    assert!(same.contains("The runs agree"), "{same}");
    let found = json(home, &["diff", "runs/first", "runs/same"], 0);
    assert_eq!(
        (&found["same"], &found["settings"]),
        (&true.into(), &Value::Array(vec![]))
    );

    let other = home.join("runs/other");
    copy(&home.join("runs/first"), &other);
    edit(
        &other.join("config.toml"),
        "tsne_points = 60",
        "tsne_points = 61",
    );
    edit(
        &other.join("run.json"),
        "\"device\": \"flex\"",
        "\"device\": \"wgpu\"",
    );
    let cell = other.join("cells/emg-nft-0/cell.json");
    edit(&cell, "\"test\": ", "\"test\": 1.0, \"was\": ");
    edit(&other.join("tables/probe.csv"), "emg,EMG", "gone,EMG");
    edit(
        &other.join("tables/geometry.csv"),
        "pretrained,Pretrained,-,,,",
        "pretrained,Pretrained,-,,,9",
    );
    fs::remove_file(other.join("tables/tsne.csv")).unwrap();
    let found = json(home, &["diff", "runs/first", "runs/other"], 1);
    assert_eq!(
        found["settings"],
        serde_json::json!([{ "key": "measures.tsne_points", "a": 60, "b": 61 }])
    );
    assert_eq!(
        found["record"],
        serde_json::json!([{ "key": "device", "a": "flex", "b": "wgpu" }])
    );
    let cell = &found["cells"][0];
    let was = cell["a"]["test"].as_f64().unwrap();
    assert_eq!(cell["test_difference"].as_f64(), Some(1.0 - was));
    assert_eq!(cell["valid_difference"].as_f64(), Some(0.0));
    let table = |name: &str| {
        let all = found["tables"].as_array().unwrap().iter();
        all.clone().find(|t| t["table"] == name).unwrap().clone()
    };
    assert_eq!(
        (&table("probe")["only_a"], &table("probe")["only_b"]),
        (&1.into(), &1.into())
    );
    assert_eq!(table("tsne")["state"], "only-a");
    let column = &table("geometry")["columns"][0];
    assert_eq!(
        (&column["column"], &column["rows"]),
        (&"align".into(), &1.into())
    );
    assert!(
        (column["largest"].as_f64().unwrap() - 90.0).abs() < 9.0,
        "{column}"
    );
    let page = said(home, &["diff", "runs/first", "runs/other"], 1);
    for part in [
        "measures.tsne_points  60 → 61",
        "flex → wgpu",
        "tsne: only in A",
        "The runs differ",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

fn damaged(home: &Path) {
    let same = home.join("runs/same");
    for name in ["cells/emg-nft-0/cell.json", "run.json", "tables/probe.csv"] {
        halve(&same.join(name));
    }
    fs::write(same.join("tables/pairs.csv"), "").unwrap();
    let run = json(home, &["show", "runs/same"], 0);
    assert_eq!(
        (&run["state"], &run["cells"][0]["state"]),
        (&"unfinished".into(), &"not-begun".into())
    );
    let faults = run["faults"].to_string();
    assert!(
        faults.contains("run.json: expected") && faults.contains("cell.json: expected"),
        "{faults}"
    );
    assert!(said(home, &["show", "runs/same"], 0).contains("not readable"));
    let page = said(home, &["diff", "runs/first", "runs/same"], 1);
    for part in [
        "done (error) → not begun",
        "expected a CSV table with a header line, found an empty file",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }

    // a name that would repaint the terminal
    edit(&same.join("config.toml"), "\"Tiny\"", "\"\\u001B[2JTiny\"");
    assert!(said(home, &["show", "runs/same"], 0).contains("\u{fffd}[2JTiny"));

    halve(&same.join("config.toml"));
    let all = json(home, &["list"], 0);
    let run = &all["runs"][2];
    assert_eq!(
        (&run["path"], &run["state"]),
        (&"runs/same".into(), &"damaged".into())
    );
    let list = said(home, &["list"], 0);
    assert!(list.contains("runs/same: runs/same/config.toml"), "{list}");
    for arguments in [
        &["show", "runs/same"][..],
        &["diff", "runs/first", "runs/same"],
        &["show", "runs/not a run"],
        &["list", "nowhere"],
    ] {
        assert!(runs(home, arguments, 1).stdout.is_empty());
    }
    runs(home, &["diff", "runs/first"], 2);
    runs(home, &["shwo"], 2);
}
