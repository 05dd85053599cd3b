//! Settings are tried on validation parts, chosen by the suite's rule and told; of those that are not chosen no
//! test value exists. A sweep that is killed, continued by two shards and reported ends in the same tables.

use super::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

/// The tiny suite with one target and MoNA.
fn suite() -> String {
    let (head, rest) = TINY.split_once("[[targets]]\nname = \"unseen\"").unwrap();
    let (_, rest) = rest.split_once("[transfer]").unwrap();
    let methods =
        "[transfer]\nmethods = [\"nft\", \"mona\"]\nstage1 = { epochs = 1, source_batch = 20 }";
    format!("{head}{methods}{rest}")
}

/// MoNA's own λ is 0.5 and its own α 0: with the suite's own settings four combinations.
const GRID: [&str; 2] = ["transfer.mona.alpha=0,0.05", "transfer.mona.lambda=0.5,50"];

/// The same in a suite.
const TUNING: &str = r#"
[tuning.grid]
"transfer.mona.alpha" = [0.0, 0.05]
"transfer.mona.lambda" = [0.5, 50]
"#;

const VARIANTS: [&str; 4] = [
    "mona",
    "mona@lambda=50",
    "mona@alpha=0.05",
    "mona@alpha=0.05,lambda=50",
];

/// The rows of a table by column.
fn table(run: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = fs::read_to_string(run.join(format!("tables/{name}.csv"))).unwrap();
    // A note or a label with a comma is quoted; no other quotes occur here.
    let mut quoted = false;
    reader = reader
        .chars()
        .filter_map(|c| match c {
            '"' => {
                quoted = !quoted;
                None
            }
            ',' if quoted => Some('\u{1}'),
            other => Some(other),
        })
        .collect();
    let mut lines = reader.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(|cell| cell.replace('\u{1}', ","));
        head.iter()
            .map(|name| (*name).to_owned())
            .zip(cells)
            .collect()
    };
    lines.map(row).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// The settings that the rule takes, from the table alone: the smallest source error among those within a point
/// of the best target error; ties by target error, then by place.
fn expected(rows: &[BTreeMap<String, String>]) -> String {
    let best = rows
        .iter()
        .map(|row| number(row, "target_valid"))
        .fold(f64::INFINITY, f64::min);
    let near = rows
        .iter()
        .filter(|row| number(row, "target_valid") < best + 0.01 + 1e-9);
    let key = |row: &&BTreeMap<String, String>| {
        let micro = |column| (1e6 * number(row, column)).round() as u64;
        (micro("source_valid"), micro("target_valid"))
    };
    near.min_by_key(key).unwrap()["variant"].clone()
}

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn settings_are_chosen_by_validation_parts_killed_or_not() {
    let home = tempfile::tempdir().unwrap();
    let [plain, tuned] = ["plain.toml", "tuned.toml"].map(|name| home.path().join(name));
    fs::write(&plain, suite()).unwrap();
    fs::write(&tuned, suite() + TUNING).unwrap();
    let whole = home.path().join("whole");
    let [tuned, out] = [&tuned, &whole].map(|path| path.to_str().unwrap());
    let done = modalign(&["report", "--suite", tuned, "--out", out]);
    let said = text(&done.stderr);
    assert!(done.status.success(), "{said}");

    let rows = table(&whole, "tuning");
    let labels: Vec<&str> = rows.iter().map(|row| row["variant"].as_str()).collect();
    assert_eq!(labels, VARIANTS);
    assert!(
        rows.iter()
            .all(|row| row["state"] == "done" && row["method"] == "mona")
    );
    let chosen: Vec<&str> = rows
        .iter()
        .filter(|row| row["chosen"] == "true")
        .map(|row| row["variant"].as_str())
        .collect();
    assert_eq!(chosen, [expected(&rows)]);
    let chosen = chosen[0];
    assert!(
        said.contains(&format!("{chosen} chosen of 4 settings")),
        "{said}"
    );
    compared_at_the_chosen_settings(&whole, chosen);
    without_a_test_value_of_the_others(&whole, chosen);
    told(&whole, chosen);
    pruned(&whole, chosen);
    killed_and_continued(home.path(), &plain, &whole);
}

fn compared_at_the_chosen_settings(run: &Path, chosen: &str) {
    let rows = table(run, "targets");
    let cells: BTreeSet<(&str, &str)> = rows
        .iter()
        .map(|row| (row["variant"].as_str(), row["seed"].as_str()))
        .collect();
    let own = [("nft", "0"), ("nft", "1"), (chosen, "0"), (chosen, "1")];
    assert_eq!(cells, BTreeSet::from(own));
    assert!(table(run, "cells").iter().all(|row| row["state"] == "done"));
    // The trial of the first seed is the report's cell: trained once.
    let cell = run.join(format!("cells/emg-{chosen}-0"));
    let (tuned, outcome) = (
        json(&cell.join("tuned.json")),
        json(&cell.join("cell.json")),
    );
    for key in ["valid", "seconds", "course"] {
        assert_eq!(tuned[key], outcome[key], "{key}");
    }
    assert!(outcome["test"].is_f64());
}

/// No file of the run has a test value of settings that were not chosen.
fn without_a_test_value_of_the_others(run: &Path, chosen: &str) {
    for label in VARIANTS.iter().filter(|label| **label != chosen) {
        let cell = run.join(format!("cells/emg-{label}-0"));
        assert!(!cell.join("cell.json").exists(), "{label} was tested");
        assert!(!run.join(format!("cells/emg-{label}-1")).exists());
        let tuned = json(&cell.join("tuned.json"));
        assert!(tuned["valid"].is_f64() && tuned["source_valid"].is_f64());
        assert!(tuned["test"].is_null(), "{tuned}");
        let metrics = fs::read_to_string(cell.join("metrics.jsonl")).unwrap();
        assert!(metrics.contains("\"valid\"") && !metrics.contains("\"test\""));
    }
    // Which target test samples are answered wrongly, and whose encoders see surrogate test samples: of tested
    // models alone.
    let names = fs::read_dir(run.join("evaluations")).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wrong = names.iter().filter(|name| name.contains("-wrong-")).count();
    assert_eq!(wrong, 4);
    let encoders = names.iter().filter(|name| name.len() == 64 + ".json".len());
    assert_eq!(encoders.count(), 5, "four cells and the pretrained one");
    for entry in fs::read_dir(run.join("tables")).unwrap() {
        let path = entry.unwrap().path();
        let csv = path.extension().is_some_and(|ending| ending == "csv");
        if csv && !path.ends_with("tuning.csv") {
            let text = fs::read_to_string(&path).unwrap();
            for label in VARIANTS.iter().filter(|l| **l != chosen && **l != "mona") {
                let exactly = |cell: &str| cell.trim_matches('"') == *label;
                assert!(!text.split([',', '\n']).any(exactly), "{label} in {path:?}");
            }
        }
    }
    let shown = modalign(&["runs", "show", run.to_str().unwrap(), "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["state"], "finished");
    let cells = shown["cells"].as_array().unwrap();
    let tried: Vec<&Value> = cells.iter().filter(|cell| cell["tuning"] == true).collect();
    assert_eq!((tried.len(), cells.len()), (4, 8));
    for cell in tried {
        assert_eq!(cell["state"], "tried");
        assert!(cell.get("test").is_none() && cell["source_valid"].is_f64());
    }
}

fn told(run: &Path, chosen: &str) {
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    let (_, section) = page.split_once("<section id=\"tuning\">").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    let settings = chosen.split_once('@').map_or("the suite", |(_, s)| s);
    for part in [
        "transfer.mona.alpha (0.0, 0.05)",
        "at most 1 point",
        "NFT 1 and MoNA 4",
        settings,
    ] {
        assert!(section.contains(part), "{part} in {section}");
    }
    let markdown = fs::read_to_string(run.join("report.md")).unwrap();
    assert!(markdown.contains("## How settings were chosen"));
    assert!(page.contains("Chosen, EMG &lt;b&gt;&amp;, MoNA"));
    let page = modalign(&["runs", "show", run.to_str().unwrap()]);
    assert!(
        text(&page.stdout).contains("tried"),
        "{}",
        text(&page.stdout)
    );
}

/// Models that the run needs no more are discarded, and it reports the same again.
fn pruned(run: &Path, chosen: &str) {
    let tables = || -> BTreeMap<_, _> {
        let all = fs::read_dir(run.join("tables")).unwrap().flatten();
        let files = all.filter(|entry| entry.path().is_file());
        files
            .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
            .collect()
    };
    let out = run.to_str().unwrap();
    let prune = |more: &[&str]| -> Value {
        let done = modalign(&[&["runs", "prune", out, "--json"], more].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    let models = || {
        let all = fs::read_dir(run.join("cells")).unwrap().flatten();
        let mut names: Vec<String> = all
            .filter(|cell| cell.path().join("model").exists())
            .map(|cell| cell.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let before = (tables(), models());
    let planned = prune(&["--dry-run"]);
    assert_eq!(models(), before.1, "a dry run discards nothing");
    let done = prune(&[]);
    for key in ["cells", "bytes", "needed"] {
        assert_eq!(planned[key], done[key], "{key}");
    }
    let count = |value: &Value| value.as_array().unwrap().len();
    // Two seeds of two methods and the settings passed over, but for the one that figure 2 shows.
    assert_eq!((count(&done["cells"]), &done["needed"]), (6, &1.into()));
    assert!(done["bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(models(), ["emg-nft-0"]);
    assert!(
        run.join(format!("cells/emg-{chosen}-1/measured.json"))
            .exists()
    );
    let config = run.join("config.toml");
    let report = ["report", "--suite", config.to_str().unwrap(), "--out", out];
    let again = modalign(&report);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(tables() == before.0, "the tables changed");
    assert_eq!(models(), ["emg-nft-0"], "something was trained again");
    assert_eq!(prune(&[])["cells"], serde_json::json!([]));
    // Without the record of its measures a transfer needs its model, and says so.
    fs::rename(
        run.join("cells/emg-nft-1/measured.json"),
        run.join("kept.json"),
    )
    .unwrap();
    let refused = modalign(&report);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("discarded"),
        "{said}"
    );
    fs::rename(
        run.join("kept.json"),
        run.join("cells/emg-nft-1/measured.json"),
    )
    .unwrap();
}

/// The same by a sweep that is killed twice, continued by two shards at once, and reported.
fn killed_and_continued(home: &Path, suite: &Path, whole: &Path) {
    let run = home.join("killed");
    let [suite, out] = [suite, &run].map(|path| path.to_str().unwrap());
    let sweep = ["sweep", "--suite", suite, "--out", out];
    let grid = ["--grid", GRID[0], "--grid", GRID[1]];
    let sweep: Vec<&str> = sweep.into_iter().chain(grid).collect();
    for place in [
        "cells/emg-mona-0/checkpoint/checkpoint.json",
        "cells/emg-mona@alpha=0.05-0/checkpoint/checkpoint.json",
    ] {
        let mut child = start(&sweep);
        while !run.join(place).exists() {
            assert!(child.try_wait().unwrap().is_none(), "ended before {place}");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let shard = |which: &'static str| {
        let all: Vec<&str> = sweep.iter().copied().chain(["--shard", which]).collect();
        start(&all)
    };
    let mut shards = ["1/2", "2/2"].map(shard);
    for child in &mut shards {
        assert!(child.wait().unwrap().success());
    }
    let config = run.join("config.toml");
    let report = ["report", "--suite", config.to_str().unwrap(), "--out", out];
    let done = modalign(&report);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let record = json(&run.join("run.json"));
    let notes = record["notes"].to_string();
    assert!(notes.contains("4 transfers had been trained"), "{notes}");

    let diff = modalign(&["runs", "diff", whole.to_str().unwrap(), out, "--json"]);
    let diff: Value = serde_json::from_slice(&diff.stdout).unwrap();
    assert_eq!(diff["settings"], serde_json::json!([]));
    for cell in diff["cells"].as_array().unwrap() {
        assert_eq!(cell["valid_difference"], 0.0, "{cell}");
        assert_eq!(cell["a"]["source_valid"], cell["b"]["source_valid"]);
    }
    let tables = diff["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["table"] == "tuning"));
    for table in tables {
        assert_eq!((&table["only_a"], &table["only_b"]), (&0.into(), &0.into()));
        let columns = table["columns"].as_array().unwrap().iter();
        let other = columns.filter(|column| column["column"] != "memory");
        assert_eq!(other.count(), 0, "{table}");
    }
}

#[test]
fn a_setting_that_fails_is_not_chosen_and_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (suite_file, run) = (home.path().join("suite.toml"), home.path().join("run"));
    fs::write(&suite_file, suite()).unwrap();
    let [suite_file, out] = [&suite_file, &run].map(|path| path.to_str().unwrap());
    let done = modalign(&[
        "sweep",
        "--suite",
        suite_file,
        "--out",
        out,
        "--methods",
        "nft",
        "--seeds",
        "4",
        "--grid",
        "transfer.train.learning_rate=1e30",
    ]);
    let said = text(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("nft chosen of 2 settings"), "{said}");
    let failed = run.join("cells/emg-nft@train.learning_rate=1e30-0/failed.json");
    assert!(json(&failed)["why"].is_string());
    // Settings are chosen by the tuning's own seed, the report's cell has the suite's.
    assert!(run.join("cells/emg-nft-0/tuned.json").exists());
    assert!(!run.join("cells/emg-nft-0/cell.json").exists());
    assert!(run.join("cells/emg-nft-4/cell.json").exists());
    let shown = modalign(&["runs", "show", out, "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["state"], "trained");
    assert_eq!(shown["cells"][1]["state"], "failed");

    let config = run.join("config.toml");
    let report = ["report", "--suite", config.to_str().unwrap(), "--out", out];
    let done = modalign(&report);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let rows = table(&run, "tuning");
    let states: Vec<&str> = rows.iter().map(|row| row["state"].as_str()).collect();
    assert_eq!(states, ["done", "failed"]);
    assert_eq!(
        (&*rows[0]["chosen"], &*rows[1]["chosen"]),
        ("true", "false")
    );
    let markdown = fs::read_to_string(run.join("report.md")).unwrap();
    assert!(markdown.contains("Trials that failed"), "{markdown}");
}

#[test]
fn grids_that_no_method_knows_are_refused_before_anything_runs() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("run");
    let sweep = |grid: &str| {
        let out = out.to_str().unwrap();
        let done = modalign(&["sweep", "--suite", "demo", "--out", out, "--grid", grid]);
        assert!(!done.status.success());
        let said = text(&done.stderr);
        assert!(!said.contains("panicked"), "{said}");
        said
    };
    for (grid, word) in [
        (
            "transfer.mona.alhpa=1",
            "did you mean \"transfer.mona.alpha\"?",
        ),
        ("mona.alpha=1", "did you mean \"transfer.mona.alpha\"?"),
        (
            "transfer.train.epochs=ten",
            "transfer.train.epochs = \"ten\"",
        ),
        ("transfer.train.epochs", "KEY=V1,V2"),
        ("=1", "KEY=V1,V2"),
        ("transfer.train.epochs=", "transfer.train.epochs"),
        (
            "transfer.mona.outer_loss=contrastive,../..",
            "finite numbers, names",
        ),
        ("transfer.seeds=1,2", "is not tuned"),
    ] {
        let said = sweep(grid);
        assert!(said.contains(word), "{grid}: {said}");
    }
    assert!(!out.exists());
}
