//! Sweeps: cells listed and done one by one, shared by processes, interrupted, failed, tried again, grown, collected
//! and merged.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A home with the tiny suite and a run folder that is not there yet.
pub struct Home {
    _folder: tempfile::TempDir,
    pub suite: PathBuf,
    pub run: PathBuf,
}

impl Home {
    pub fn of(suite: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self {
            suite: folder.path().join("suite.toml"),
            run: folder.path().join("run"),
            _folder: folder,
        };
        fs::write(&home.suite, suite).unwrap();
        home
    }

    /// `modalign sweep` of the suite in the folder.
    pub fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modalign"));
        command.arg("sweep").arg("--suite").arg(&self.suite);
        command.arg("--out").arg(&self.run).args(more);
        command
    }

    pub fn sweep(&self, more: &[&str], code: i32) -> Output {
        let done = self.command(more).output().unwrap();
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{more:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        done
    }

    pub fn start(&self, more: &[&str]) -> Child {
        let mut command = self.command(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Names and states by `--list`.
    pub fn list(&self, more: &[&str]) -> Vec<(String, String)> {
        let more = [more, &["--list", "--json"]].concat();
        let all: Vec<Value> = serde_json::from_slice(&self.sweep(&more, 0).stdout).unwrap();
        let word = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
        let entry = |entry: &Value| (word(entry, "name"), word(entry, "state"));
        all.iter().map(entry).collect()
    }

    fn cell(&self, name: &str) -> PathBuf {
        self.run.join("cells").join(name)
    }

    /// Waits until a cell has an epoch.
    fn begun(&self, name: &str) {
        wait_for(|| self.cell(name).join("checkpoint/checkpoint.json").exists());
    }
}

/// Waits for what happens within seconds; five minutes are many times what that takes.
pub fn wait_for(mut happens: impl FnMut() -> bool) {
    let happened = (0..6000).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        happens()
    });
    assert!(happened, "nothing within five minutes");
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Cells that a process says it trained, and not found.
fn trained(said: &str) -> Vec<&str> {
    let lines = said.lines().filter(|line| line.contains(": validation"));
    let new = lines.filter(|line| !line.contains("done before"));
    new.filter_map(|line| Some(line.split_once("cells/")?.1.split_once(':')?.0))
        .collect()
}

/// The tiny suite with one target and more epochs, to be interrupted in.
pub fn long(epochs: usize) -> String {
    let (head, rest) = TINY.split_once("[[targets]]\nname = \"unseen\"").unwrap();
    let rest = &rest[rest.find("[transfer]").unwrap()..];
    format!("{head}{rest}").replace(
        "train = { epochs = 2,",
        &format!("train = {{ epochs = {epochs},"),
    )
}

/// The tiny suite with a first target of arrays, `x.npy` and `y.npy` in `vibration`.
fn with_arrays() -> String {
    let target = "[[targets]]\nname = \"vibration\"\ntitle = \"Vibration\"\nreader = \"npy\"\n\n";
    TINY.replacen("[[targets]]", &format!("{target}[[targets]]"), 1)
}

#[test]
fn cells_are_listed_and_done_one_by_one() {
    let home = Home::of(TINY);
    let names = ["emg-nft-0", "emg-nft-1", "unseen-nft-0", "unseen-nft-1"];
    let state = |i: usize, more: &[&str]| home.list(more)[i].clone();
    for (i, name) in names.iter().enumerate() {
        assert_eq!(state(i, &[]), ((*name).into(), "not-begun".into()));
    }
    assert!(!home.run.exists(), "to list writes nothing");
    let all: Vec<Value> =
        serde_json::from_slice(&home.sweep(&["--list", "--json"], 0).stdout).unwrap();
    let entry = serde_json::json!({ "index": 2, "name": "unseen-nft-0", "state": "not-begun" });
    assert_eq!(all[2], entry);

    let done = home.sweep(&["--cell", "emg-nft-1"], 0);
    assert_eq!(
        text(&done.stdout).trim(),
        home.cell("emg-nft-1").to_str().unwrap()
    );
    assert_eq!(trained(&text(&done.stderr)), ["emg-nft-1"]);
    assert!(home.cell("emg-nft-1").join("measured.json").exists());
    assert!(!home.cell("emg-nft-0").exists(), "no other is begun");
    let again = home.sweep(&["--cell", "emg-nft-1"], 0);
    assert!(text(&again.stderr).contains("done before"));
    // By its number, which a part of the list keeps.
    home.sweep(&["--cell", "2"], 0);
    assert_eq!(state(2, &[]).1, "done");
    let part = home.sweep(&["--targets", "unseen", "--list"], 0);
    let part = text(&part.stdout);
    assert!(part.contains("    2  done       unseen-nft-0"), "{part}");
    for wrong in ["emg-nft-7", "4", "cells/emg-nft-0", ""] {
        let refused = home.sweep(&["--cell", wrong], 2);
        assert!(
            text(&refused.stderr).contains("--list"),
            "{}",
            text(&refused.stderr)
        );
    }
    home.sweep(&["--json"], 2);
    home.sweep(&["--cell", "0", "--device", "flex,flex"], 2);
    // What the submitted jobs do not do.
    for wrong in ["--fail-fast", "--refresh"] {
        home.sweep(&["--slurm", "--dry-run", wrong], 2);
    }
    home.sweep(&["--slurm", "--status", "--retry-failed"], 2);
}

#[test]
fn a_trial_of_settings_is_a_piece_of_work_too() {
    let home = Home::of(&long(2));
    let grid = [
        "--seeds",
        "0",
        "--grid",
        "transfer.train.learning_rate=1e-3",
    ];
    let cell = |name: &str| home.sweep(&[&grid[..], &["--cell", name]].concat(), 0);
    let names: Vec<String> = home.list(&grid).into_iter().map(|(name, _)| name).collect();
    let other = "try@emg-nft@train.learning_rate=0.001-0";
    assert_eq!(names, ["try@emg-nft-0", other, "emg-nft-0"]);
    cell(other);
    assert!(
        home.cell("emg-nft@train.learning_rate=0.001-0/tuned.json")
            .exists()
    );
    let states: Vec<String> = home
        .list(&grid)
        .into_iter()
        .map(|(_, state)| state)
        .collect();
    assert_eq!(states, ["not-begun", "done", "not-begun"]);
    // It does what is left of the trials.
    cell("emg-nft-0");
    assert!(home.list(&grid).iter().all(|(_, state)| state == "done"));
}

#[test]
fn a_trial_that_fails_ends_as_the_list_says() {
    let home = Home::of(&long(1).replace("seeds = [0, 1]", "seeds = [0]"));
    let grid = ["--grid", "transfer.train.learning_rate=1e30"];
    let name = "try@emg-nft@train.learning_rate=1e30-0";
    let cell = [&grid[..], &["--cell", name]].concat();
    for _ in 0..2 {
        let said = text(&home.sweep(&cell, 1).stderr);
        assert!(said.contains("the loss became"), "{said}");
        assert!(!said.contains("failed before"), "tried again: {said}");
    }
    assert!(home.list(&grid).contains(&(name.into(), "failed".into())));
    // The settings of the cell are chosen among the others.
    home.sweep(&[&grid[..], &["--cell", "emg-nft-0"]].concat(), 0);
}

#[cfg(unix)]
#[test]
fn signals_of_batch_systems_keep_what_is_there_and_ask_to_be_requeued() {
    let home = Home::of(&long(400));
    // What `nohup` ignores stays ignored, here too.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let ignores_hup = ignored.is_some_and(|mask| mask & 1 == 1);
    let mut last = 0;
    for name in ["-TERM", "-HUP", "-USR1", "-USR2", "-INT"] {
        if name == "-HUP" && ignores_hup {
            println!("skipped: SIGHUP, which these tests were told to ignore");
            continue;
        }
        let child = home.start(&["--cell", "emg-nft-0"]);
        let newest = || {
            let file = home.cell("emg-nft-0").join("metrics.jsonl");
            fs::read_to_string(file).map_or(0, |text| text.lines().count())
        };
        wait_for(|| newest() > last);
        signal(name, child.id());
        let ended = child.wait_with_output().unwrap();
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(130), "{name}: {said}");
        assert!(said.contains("whole epochs are kept"), "{said}");
        assert!(newest() > last, "{name}");
        last = newest();
        assert_eq!(home.list(&[])[0].1, "checkpoint");
        let left = files_of(&home.run);
        assert!(
            left.iter().all(|file| !file.contains(".partial-")),
            "{left:?}"
        );
    }
    // What `nohup` ignores stays ignored.
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' HUP; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_modalign"),
            "sweep",
        ])
        .args([
            "--cell",
            "emg-nft-0",
            "--suite",
            home.suite.to_str().unwrap(),
        ])
        .args(["--out", home.run.to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let epochs = || {
        fs::read_to_string(home.cell("emg-nft-0").join("metrics.jsonl"))
            .map_or(0, |t| t.lines().count())
    };
    wait_for(|| epochs() > last);
    let then = epochs();
    signal("-HUP", child.id());
    wait_for(|| epochs() > then + 1);
    signal("-TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

fn files_of(root: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => all.extend(files_of(&entry.path())),
            false => all.push(entry.path().display().to_string()),
        }
    }
    all
}

#[test]
fn two_sweeps_on_one_folder_share_the_cells_and_end_when_all_are_done() {
    let home = Home::of(&TINY.replace("seeds = [0, 1]", "seeds = [0, 1, 2, 3]"));
    // The second is slower to begin, and must still find work; the first cell is long enough for that.
    let children = [home.start(&[]), home.start(&[])];
    let said = children.map(|child| {
        let ended = child.wait_with_output().unwrap();
        let said = text(&ended.stderr);
        assert!(ended.status.success(), "{said}");
        assert!(
            home.list(&[]).iter().all(|(_, state)| state == "done"),
            "{said}"
        );
        said
    });
    let all: Vec<&str> = said.iter().flat_map(|said| trained(said)).collect();
    let single: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!((all.len(), single.len()), (8, 8), "{said:?}");
    assert!(
        said.iter().all(|said| !trained(said).is_empty()),
        "{said:?}"
    );
}

#[cfg(unix)]
#[test]
fn what_a_dead_process_held_is_taken_over() {
    let home = Home::of(&long(30).replace("seeds = [0, 1]", "seeds = [0]"));
    // Held: to requeue, and no failure.
    fs::create_dir_all(home.run.join("cells")).unwrap();
    fs::write(home.run.join("run.lock"), "").unwrap();
    let lock = fs::File::create(home.run.join("cells/emg-nft-0.lock")).unwrap();
    lock.lock().unwrap();
    let held = home.sweep(&["--cell", "emg-nft-0"], 130);
    assert!(text(&held.stderr).contains("another process works on it"));
    assert_eq!(home.list(&[])[0].1, "running");
    drop(lock);

    let mut first = home.start(&[]);
    home.begun("emg-nft-0");
    let mut second = home.start(&[]);
    std::thread::sleep(Duration::from_millis(700));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(second.wait().unwrap().success());
    assert_eq!(home.list(&[])[0].1, "done");
}

#[cfg(unix)]
#[test]
fn workers_end_with_the_process_that_began_them() {
    for how in ["-TERM", "-KILL"] {
        let home = Home::of(&long(500));
        let parent = home.start(&["--device", "flex,flex"]);
        home.begun("emg-nft-0");
        home.begun("emg-nft-1");
        signal(how, parent.id());
        let ended = parent.wait_with_output().unwrap();
        if how == "-TERM" {
            assert_eq!(ended.status.code(), Some(130), "{}", text(&ended.stderr));
        }
        wait_for(|| {
            home.list(&[])
                .iter()
                .all(|(_, state)| state == "checkpoint")
        });
    }
}

#[test]
fn what_fails_is_written_down_and_the_others_go_on() {
    let home = Home::of(&with_arrays());
    let data = home.suite.parent().unwrap().join("data");
    examples::vibration(&data.join("vibration"));
    let whole = fs::read(data.join("vibration/y.npy")).unwrap();
    fs::write(data.join("vibration/y.npy"), b"no").unwrap();
    let data = data.to_str().unwrap();
    let sweep = |more: &[&str], code| {
        let done = home.sweep(&[&["--data", data, "--seeds", "0"], more].concat(), code);
        text(&done.stderr)
    };
    let said = sweep(&["--fail-fast"], 1);
    assert!(
        said.contains("y.npy") && trained(&said).is_empty(),
        "{said}"
    );
    let said = sweep(&[], 1);
    assert_eq!(trained(&said), ["emg-nft-0", "unseen-nft-0"]);
    assert!(
        said.contains("1 transfers failed") && said.contains("--retry-failed"),
        "{said}"
    );
    let failed = fs::read_to_string(home.cell("vibration-nft-0/failed.json")).unwrap();
    assert!(failed.contains("y.npy"), "{failed}");
    let state = || home.list(&["--seeds", "0"])[0].1.clone();
    assert_eq!(state(), "failed");
    let shown = modalign(&["runs", "show", home.run.to_str().unwrap()]);
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("failed") && shown.contains("y.npy"),
        "{shown}"
    );

    // Mended, it is not tried again unasked.
    fs::write(Path::new(data).join("vibration/y.npy"), &whole).unwrap();
    let said = sweep(&[], 1);
    assert!(
        trained(&said).is_empty() && said.contains("1 transfers failed"),
        "{said}"
    );
    let said = sweep(&["--retry-failed"], 0);
    assert_eq!(trained(&said), ["vibration-nft-0"]);
    assert!(!home.cell("vibration-nft-0/failed.json").exists());
}

#[test]
fn malformed_data_fails_no_cell_that_is_done_or_held() {
    let home = Home::of(&with_arrays());
    let data = home.suite.parent().unwrap().join("data");
    examples::vibration(&data.join("vibration"));
    let cell = |name: &str, code| {
        let cell = ["--data", data.to_str().unwrap(), "--cell", name];
        text(&home.sweep(&cell, code).stderr)
    };
    fs::write(data.join("vibration/y.npy"), b"no").unwrap();
    // Done by an older version, whose records do not say of which bytes they were made.
    let record = r#"{"target": "vibration", "method": "nft", "seed": 0, "valid": 0.25, "test": 0.5, "course": [],
        "selected": 3, "samples": [1, 1, 1], "shape": [1, 1, 1], "classes": 2, "seconds": 1.5}"#;
    fs::create_dir_all(home.cell("vibration-nft-0")).unwrap();
    fs::write(home.cell("vibration-nft-0/cell.json"), record).unwrap();
    fs::write(home.run.join("run.lock"), "").unwrap();
    let said = cell("vibration-nft-0", 0);
    assert!(said.contains("done before"), "{said}");
    let lock = fs::File::create(home.run.join("cells/vibration-nft-1.lock")).unwrap();
    lock.lock().unwrap();
    let said = cell("vibration-nft-1", 130);
    assert!(said.contains("another process works on it"), "{said}");
    for name in ["vibration-nft-0", "vibration-nft-1"] {
        assert!(!home.cell(name).join("failed.json").exists(), "{name}");
    }
    drop(lock);
    cell("vibration-nft-1", 1);
    assert!(home.cell("vibration-nft-1/failed.json").exists());
}

#[test]
fn a_loss_that_diverges_fails_its_cell_alone() {
    let suite = TINY.replace("learning_rate = 5e-4", "learning_rate = 1e30");
    let home = Home::of(&suite);
    let done = home.sweep(&["--cell", "emg-nft-0"], 1);
    assert!(
        text(&done.stderr).contains("1 transfers failed"),
        "{}",
        text(&done.stderr)
    );
    assert!(home.cell("emg-nft-0/failed.json").exists());
    // Asked for by name it is tried again.
    let again = home.sweep(&["--cell", "emg-nft-0"], 1);
    assert!(!text(&again.stderr).contains("failed before"));
    let said = text(&home.sweep(&["--targets", "emg"], 1).stderr);
    assert!(said.contains("2 transfers failed"), "{said}");
}

#[test]
fn a_sweep_grows_is_collected_and_is_merged() {
    let home = Home::of(TINY);
    let out = home.run.to_str().unwrap();
    home.sweep(&["--targets", "emg", "--seeds", "0"], 0);
    // Other settings are refused as before.
    let other = home.suite.with_extension("other.toml");
    fs::write(&other, TINY.replace("epochs = 2", "epochs = 3")).unwrap();
    let refused = modalign(&["sweep", "--suite", other.to_str().unwrap(), "--out", out]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("epochs = 2"),
        "{}",
        text(&refused.stderr)
    );
    // One method, one seed, one target more.
    let grown = [
        "--targets",
        "emg,unseen",
        "--methods",
        "nft,frozen",
        "--seeds",
        "0,1",
    ];
    let said = text(
        &home
            .sweep(&[&grown[..], &["--shard", "1/2"]].concat(), 0)
            .stderr,
    );
    assert!(
        said.contains("emg-nft-0") && said.contains("done before"),
        "{said}"
    );
    assert_eq!(
        home.list(&grown).len(),
        8,
        "all that the folder is bound to"
    );

    let collected = modalign(&["report", out, "--collect", "--json"]);
    assert!(collected.status.success(), "{}", text(&collected.stderr));
    let said: Value = serde_json::from_slice(&collected.stdout).unwrap();
    let targets = said["runs"][0]["tables"]["targets"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(targets, 4, "half of them are trained");
    let record = fs::read_to_string(home.run.join("run.json")).unwrap();
    assert!(
        record.contains("4 of 8 transfers were not trained: "),
        "{record}"
    );
    let shown = modalign(&["runs", "list", out]);
    assert!(
        text(&shown.stdout).contains("unfinished"),
        "{}",
        text(&shown.stdout)
    );
    assert!(home.run.join("report.html").exists());
    let without = modalign(&["report", out, "--data", "."]);
    assert_eq!(without.status.code(), Some(2));

    // The other half, elsewhere.
    let rest = Home::of(TINY);
    let half = [&grown[..], &["--shard", "2/2"]].concat();
    rest.sweep(&half, 0);
    let both = rest.suite.with_file_name("both");
    let [a, b, c] = [&home.run, &rest.run, &both].map(|path| path.to_str().unwrap());
    let merged = modalign(&["runs", "merge", a, b, "--out", c, "--json"]);
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    let said: Value = serde_json::from_slice(&merged.stdout).unwrap();
    assert_eq!(
        (&said["merged"]["done"], &said["merged"]["expected"]),
        (&8.into(), &8.into())
    );
    let config = both.join("config.toml");
    let report = modalign(&["report", "--suite", config.to_str().unwrap(), "--out", c]);
    assert!(report.status.success(), "{}", text(&report.stderr));
    let record = fs::read_to_string(both.join("run.json")).unwrap();
    assert!(record.contains("8 transfers had been trained"), "{record}");
    // Not over anything, and not of cells that disagree.
    assert_eq!(
        modalign(&["runs", "merge", a, b, "--out", c]).status.code(),
        Some(1)
    );
    let cell = rest.cell("emg-nft-0/cell.json");
    fs::create_dir_all(cell.parent().unwrap()).unwrap();
    let whole: Value =
        serde_json::from_slice(&fs::read(home.cell("emg-nft-0/cell.json")).unwrap()).unwrap();
    let mut changed = whole.clone();
    changed["test"] = 0.123.into();
    fs::write(&cell, changed.to_string()).unwrap();
    let again = rest.suite.with_file_name("again");
    let refused = modalign(&["runs", "merge", a, b, "--out", again.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("emg-nft-0"),
        "{}",
        text(&refused.stderr)
    );
}

#[cfg(unix)]
#[test]
fn a_refusal_names_host_and_job_of_who_holds_the_folder() {
    let home = Home::of(&long(500));
    let mut holder = home.command(&["--cell", "emg-nft-0"]);
    let holder = holder
        .env("SLURM_ARRAY_JOB_ID", "17")
        .env("SLURM_ARRAY_TASK_ID", "3");
    let mut child = holder.stderr(Stdio::null()).spawn().unwrap();
    home.begun("emg-nft-0");
    let (suite, out) = (home.suite.to_str().unwrap(), home.run.to_str().unwrap());
    let refused = modalign(&["report", "--suite", suite, "--out", out]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let both = home.run.with_file_name("both");
    let merged = modalign(&["runs", "merge", out, out, "--out", both.to_str().unwrap()]);
    let merge = text(&merged.stderr);
    assert_eq!(merged.status.code(), Some(1), "{merge}");
    for word in [
        &format!("process {}", child.id()),
        host.trim(),
        "Slurm job 17_3",
        "since 20",
    ] {
        assert!(said.contains(word), "{word}: {said}");
        assert!(merge.contains(word), "{word}: {merge}");
    }
    let lock = fs::read_to_string(home.run.join("cells/emg-nft-0.lock")).unwrap();
    assert!(lock.contains("Slurm job 17_3"), "{lock}");
    signal("-TERM", child.id());
    child.wait().unwrap();
}

/// A library that makes `flock` fail as on file systems without locks.
#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_locks_is_told_once_and_used() {
    let home = Home::of(&TINY.replace("seeds = [0, 1]", "seeds = [0]"));
    let folder = home.suite.parent().unwrap();
    let (source, library) = (folder.join("no.c"), folder.join("no.so"));
    let body = "#include <errno.h>\nint flock(int f, int o) { (void)f; (void)o; errno = CODE; return -1; }\n";
    for code in ["ENOLCK", "ENOSYS", "EOPNOTSUPP", "EBADF"] {
        fs::write(&source, body.replace("CODE", code)).unwrap();
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status();
        assert!(
            made.unwrap().success(),
            "a C compiler, which the build needs too"
        );
        let run = home.run.with_file_name(code);
        let done = Command::new(env!("CARGO_BIN_EXE_modalign"))
            .args([
                "sweep",
                "--suite",
                home.suite.to_str().unwrap(),
                "--targets",
                "emg",
            ])
            .args(["--out", run.to_str().unwrap()])
            .env("LD_PRELOAD", &library)
            .output()
            .unwrap();
        let said = text(&done.stderr);
        if code == "EBADF" {
            assert_eq!(done.status.code(), Some(1), "{said}");
            continue;
        }
        assert!(done.status.success(), "{code}: {said}");
        assert_eq!(
            said.matches("the file system has no locks").count(),
            1,
            "{said}"
        );
        assert!(run.join("cells/emg-nft-0/cell.json").exists());
    }
}
