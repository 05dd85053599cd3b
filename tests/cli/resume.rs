//! A transfer that is killed at any moment and started again ends in the same bits as one that was
//! not; one that is interrupted says so; shards of a sweep share the work.

use super::towers::killed_until_done;
use super::*;
use std::time::Duration;

/// One cell of the tiny suite, some epochs long.
fn arguments<'a>(suite: &'a str, out: &'a str, method: &'a str) -> Vec<&'a str> {
    let (target, seed) = (["--target", "emg"], ["--seed", "3"]);
    let mut all = vec!["train", "--suite", suite, "--method", method, "--out", out];
    all.extend(target);
    all.extend(seed);
    all
}

/// The tiny suite with more epochs to be killed in.
fn longer() -> String {
    TINY.replace(
        "train = { epochs = 2, batch = 16, learning_rate = 5e-4 }",
        "stage1 = { epochs = 2, source_batch = 20 }\ntrain = { epochs = 6, batch = 16, learning_rate = 5e-4 }",
    )
}

fn weights(run: &Path, method: &str) -> Vec<u8> {
    let cell = format!("cells/emg-{method}-3/model/model.safetensors");
    std::fs::read(run.join(cell)).unwrap()
}

/// What a cell's `metrics.jsonl` says, but for the wall clock.
fn metrics(run: &Path, method: &str) -> Vec<serde_json::Value> {
    let path = run.join(format!("cells/emg-{method}-3/metrics.jsonl"));
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        let seconds = record.as_object_mut().unwrap().remove("seconds");
        assert!(seconds.is_some_and(|s| s.is_f64()));
        record
    };
    text.lines().map(line).collect()
}

#[test]
fn a_killed_transfer_ends_in_the_same_bits() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("suite.toml");
    std::fs::write(&suite, longer()).unwrap();
    let suite = suite.to_str().unwrap();
    for method in ["nft", "mona"] {
        let whole = home.path().join(format!("whole-{method}"));
        let done = modalign(&arguments(suite, whole.to_str().unwrap(), method));
        assert!(done.status.success(), "{}", text(&done.stderr));

        let killed = home.path().join(format!("killed-{method}"));
        let out = killed.to_str().unwrap().to_string();
        let cell = killed.join(format!("cells/emg-{method}-3"));
        let start = || {
            Command::new(env!("CARGO_BIN_EXE_modalign"))
                .args(arguments(suite, &out, method))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        };
        let begun = cell.join("checkpoint/checkpoint.json");
        let kills = killed_until_done([150, 40], start, || begun.exists());
        assert!(
            weights(&whole, method) == weights(&killed, method),
            "{method}: other bits after {kills} kills"
        );
        assert!(!cell.join("checkpoint").exists(), "checkpoints are cleared");
        let (want, found) = (metrics(&whole, method), metrics(&killed, method));
        assert_eq!(want, found, "{method}: other metrics after {kills} kills");
        let number = |name: &str| found.iter().map(|m| m[name].as_u64()).collect::<Vec<_>>();
        let first = if method == "nft" { 0 } else { 2 };
        let (stages, epochs) = ([1; 2].iter().chain(&[2; 6]), (1..=2).chain(1..=6));
        let want = |all: Vec<u64>| {
            all[2 - first..]
                .iter()
                .map(|n| Some(*n))
                .collect::<Vec<_>>()
        };
        assert_eq!(number("stage"), want(stages.copied().collect()));
        assert_eq!(
            number("epoch"),
            want(epochs.collect()),
            "each once, in order"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_transfer_says_so_and_runs_tell_where_it_stands() {
    let home = tempfile::tempdir().unwrap();
    let (suite, run) = (home.path().join("suite.toml"), home.path().join("run"));
    std::fs::write(&suite, longer().replace("epochs = 6", "epochs = 600")).unwrap();
    let out = run.to_str().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(arguments(suite.to_str().unwrap(), out, "mona"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let show = || -> serde_json::Value {
        let shown = modalign(&["runs", "show", out, "--json"]);
        serde_json::from_slice(&shown.stdout).unwrap_or_default()
    };
    // until the fine-tuning has an epoch; a minute is many times what that takes
    let begun = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        show()["cells"][0]["stage"] == 2
    });
    assert!(begun, "{}", show());
    assert_eq!(show()["state"], "running");
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(
        said.contains("interrupted: whole epochs are kept in"),
        "{said}"
    );
    assert!(ended.stdout.is_empty());

    let shown = show();
    let cell = &shown["cells"][0];
    assert_eq!(shown["state"], "unfinished");
    assert_eq!(cell["state"], "checkpoint");
    let epochs = metrics(&run, "mona");
    assert_eq!(epochs.last().unwrap()["epoch"], cell["epoch"]);
}

#[test]
fn shards_of_a_sweep_make_all_cells_and_the_report_finds_them() {
    let home = tempfile::tempdir().unwrap();
    let (suite, run) = (home.path().join("suite.toml"), home.path().join("run"));
    std::fs::write(&suite, TINY).unwrap();
    let out = run.to_str().unwrap();
    let shards: Vec<_> = ["1/2", "2/2"]
        .iter()
        .map(|shard| {
            Command::new(env!("CARGO_BIN_EXE_modalign"))
                .args(["sweep", "--suite", suite.to_str().unwrap(), "--out", out])
                .args([
                    "--methods",
                    "nft,frozen",
                    "--targets",
                    "emg",
                    "--seeds",
                    "0,1",
                ])
                .args(["--shard", shard])
                .output()
                .unwrap()
        })
        .collect();
    for done in &shards {
        assert!(done.status.success(), "{}", text(&done.stderr));
        assert_eq!(text(&done.stdout).trim(), out);
    }
    for cell in ["emg-nft-0", "emg-nft-1", "emg-frozen-0", "emg-frozen-1"] {
        assert!(
            run.join("cells").join(cell).join("cell.json").exists(),
            "{cell}"
        );
    }
    let config = run.join("config.toml");
    let report = modalign(&["report", "--suite", config.to_str().unwrap(), "--out", out]);
    assert!(report.status.success(), "{}", text(&report.stderr));
    let record = std::fs::read_to_string(run.join("run.json")).unwrap();
    assert!(record.contains("4 transfers had been trained"), "{record}");
}

#[test]
fn unknown_methods_targets_and_shards_are_refused_by_name() {
    let refused = |more: &[&str], word: &str| {
        let run = modalign(more);
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run.stderr).contains(word), "{}", text(&run.stderr));
    };
    refused(&["train", "--target", "emg", "--method", "magic"], "mona");
    refused(&["train", "--target", "nowhere", "--method", "nft"], "emg");
    refused(&["sweep", "--shard", "3/2"], "i/n");
}

#[test]
fn a_killed_pretraining_ends_in_the_same_bits() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("suite.toml");
    let recipe = TINY.replace(
        "train = { epochs = 1, batch = 16 }",
        "train = { epochs = 8, batch = 16 }",
    );
    std::fs::write(&suite, &recipe).unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| home.path().join(name));
    let arguments = |out: &Path| {
        let words = ["pretrain", "--suite", suite.to_str().unwrap(), "--out"];
        let mut all = words.map(String::from).to_vec();
        all.push(out.to_str().unwrap().into());
        all
    };
    let run = |out: &Path| {
        let words = arguments(out);
        modalign(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let done = run(&whole);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(!home.path().join("whole.partial").exists());

    let checkpoint = home
        .path()
        .join("killed.partial/cells/source/checkpoint/checkpoint.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(arguments(&killed))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !checkpoint.exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without a checkpoint"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // other settings do not go on from here
    std::fs::write(&suite, recipe.replace("epochs = 8", "epochs = 9")).unwrap();
    let refused = run(&killed);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("epochs = 8"),
        "{}",
        text(&refused.stderr)
    );
    std::fs::write(&suite, &recipe).unwrap();
    let resumed = run(&killed);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let [a, b] = [&whole, &killed].map(|f| std::fs::read(f.join("model.safetensors")).unwrap());
    assert!(a == b, "other bits after a kill");
}
