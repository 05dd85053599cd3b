//! Classes by their texts, from outside: several targets as the tasks of one transfer, a killed one, what is refused.

use super::towers::{clip_and_scenes, killed_until_done, rows, written};
use super::*;

/// Two targets of generated drawings, with the CLIP of the fixtures.
fn suite(methods: &str, transfer: &str, targets: &[&str]) -> String {
    let target = |name: &&str| {
        format!(
            "[[targets]]\nname = {name:?}\ntitle = {name:?}\nreader = \"demo-scenes\"\ntrain = 60\nvalid = 20\ntest = 40\n"
        )
    };
    format!(
        r#"
name = "tiny-tasks"
title = "Tiny"
{}
{}
[transfer]
methods = {methods}
{transfer}
lora = {{ rank = 2 }}
harma = {{ rank = 16, share_rank = 8, heads = 2 }}
coop = {{ tokens = 2 }}
mmap = {{ tokens = 2, moments = 2 }}
[measures]
tsne_points = 40
paired_bootstrap = 200
discrepancy_bootstrap = 20
discrepancy_null = 5
"#,
        clip_and_scenes(),
        targets.iter().map(target).collect::<String>(),
    )
}

const TWO: &[&str] = &["one", "two"];
const FEW: &str = r#"head = "texts"
shots = 2
train = { epochs = 2, batch = 10, learning_rate = 1e-3 }"#;

#[test]
fn targets_learn_together_and_the_report_says_which() {
    let home = tempfile::tempdir().unwrap();
    let methods = r#"["nft", "nft-tasks", "coop", "linear-probe", "mmap", "mona"]"#;
    let file = written(home.path(), &suite(methods, FEW, TWO));
    let out = home.path().join("run");
    let report = |suite: &str, more: &[&str]| {
        let usual = ["report", "--suite", suite, "--out", out.to_str().unwrap()];
        modalign(&[&usual[..], more].concat())
    };
    let done = report(&file, &[]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let read = |name: &str| std::fs::read_to_string(out.join("tables").join(name)).unwrap();
    let by_text = read("by_text.csv");
    // The towers as they were and five methods, on two targets.
    assert_eq!(rows(&by_text, "one,one"), 6, "{by_text}");
    assert_eq!(rows(&by_text, ",mmap,"), 2);
    let paired = read("paired.csv");
    assert_eq!(rows(&paired, ",pretrained,target-error,"), 10, "{paired}");
    let tasks = read("tasks.csv");
    assert_eq!(rows(&tasks, "nft-tasks,nft-tasks,0,one,two"), 1, "{tasks}");
    assert_eq!(rows(&tasks, "mmap,mmap,0,one,two"), 1, "{tasks}");
    let cells = read("cells.csv");
    assert_eq!(rows(&cells, "not defined"), 2, "MoNA has a head: {cells}");
    let targets = read("targets.csv");
    let trained = targets.lines().filter(|line| line.contains(",20,20,40,"));
    assert_eq!(trained.count(), 10, "two samples of ten classes: {targets}");
    let shots = out.join("cells/one-mmap-0/one-shots.json");
    let names: Vec<String> = serde_json::from_slice(&std::fs::read(shots).unwrap()).unwrap();
    assert_eq!(names.len(), 20);
    // What tasks share was trained once.
    for part in ["groups.json", "group-0/learned.json", "all/similarity.json"] {
        assert!(out.join("tasks/mmap-0").join(part).exists(), "{part}");
    }
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in [
        "Classes by their texts",
        "Which targets learned together",
        "zero-shot",
        "not defined",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let before = (read("results.csv"), by_text);
    assert!(report(&file, &[]).status.success());
    assert_eq!(
        (read("results.csv"), read("by_text.csv")),
        before,
        "what is done is not done again"
    );
    // What every cell has taken is discarded on request, and the report stays.
    let prune = |more: &[&str]| {
        let usual = ["runs", "prune", out.to_str().unwrap(), "--json"];
        let done = modalign(&[&usual[..], more].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout).to_string()
    };
    let shared = out.join("tasks/mmap-0/group-0/one.safetensors");
    assert!(shared.exists() && prune(&["--dry-run"]).contains("tasks/mmap-0"));
    assert!(shared.exists());
    assert!(prune(&[]).contains("tasks/nft-tasks-0") && !shared.exists());
    assert!(!prune(&[]).contains("tasks/"));
    assert!(out.join("tasks/mmap-0/groups.json").exists());
    assert!(report(&file, &[]).status.success());
    assert_eq!((read("results.csv"), read("by_text.csv")), before);
    assert!(!shared.exists(), "nothing is learned again");
    // With another target the tasks are others, and what they learned is not theirs.
    let grown = written(home.path(), &suite(methods, FEW, &["one", "two", "three"]));
    let sweep = |more: &[&str]| {
        let usual = ["sweep", "--suite", &grown, "--out", out.to_str().unwrap()];
        modalign(&[&usual[..], more].concat())
    };
    let done = sweep(&[]);
    let told = text(&done.stderr).to_string();
    assert!(
        !done.status.success() && told.contains("learned together"),
        "{told}"
    );
    let done = sweep(&["--refresh"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(report(&grown, &[]).status.success());
    assert_eq!(rows(&read("tasks.csv"), "mmap,mmap,0,"), 3);
    // What was learned with other settings is not taken for what is asked now.
    let faster = FEW.replace("1e-3", "3e-2");
    let other = written(home.path(), &suite(r#"["mmap"]"#, &faster, TWO));
    let error = |by_text: &str| -> Vec<String> {
        let own = by_text.lines().filter(|line| line.contains(",mmap,"));
        own.map(String::from).collect()
    };
    let learned =
        |run: &Path| std::fs::read(run.join("cells/one-mmap-0/model/tuning.safetensors")).unwrap();
    let before = (learned(&out), error(&read("by_text.csv")).len());
    assert!(report(&other, &["--fresh"]).status.success());
    assert_ne!(learned(&out), before.0);
    assert_eq!(before.1, 3);
}

#[test]
fn one_cell_of_several_targets_learns_with_all_of_them() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), &suite(r#"["mmap"]"#, FEW, TWO));
    let out = home.path().join("run").display().to_string();
    let arguments = [
        "train", "--suite", &file, "--target", "two", "--method", "mmap", "--out", &out,
    ];
    let done = modalign(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let tasks =
        std::fs::read_to_string(Path::new(&out).join("cells/two-mmap-0/tasks.json")).unwrap();
    assert!(tasks.contains("\"one\""), "{tasks}");
    assert!(!Path::new(&out).join("cells/one-mmap-0").exists());
}

#[test]
fn killed_tasks_end_in_the_same_bits() {
    let home = tempfile::tempdir().unwrap();
    let long = FEW.replace("epochs = 2", "epochs = 12");
    let file = written(home.path(), &suite(r#"["mmap"]"#, &long, TWO));
    let start = |out: &str| {
        Command::new(env!("CARGO_BIN_EXE_modalign"))
            .args(["sweep", "--suite", &file, "--out", out])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let [whole, killed] = ["whole", "killed"].map(|name| home.path().join(name));
    assert!(start(whole.to_str().unwrap()).wait().unwrap().success());
    let parts = ["tasks/mmap-0/all", "tasks/mmap-0/group-0"].map(|part| killed.join(part));
    let begun = |part: &PathBuf| part.join("checkpoint/checkpoint.json").exists();
    let kills = killed_until_done(
        [200, 60],
        || start(killed.to_str().unwrap()),
        || parts.iter().any(begun),
    );
    let bytes = |run: &Path, part: &str| std::fs::read(run.join(part)).unwrap();
    for part in [
        "tasks/mmap-0/all/similarity.json",
        "cells/one-mmap-0/model/tuning.safetensors",
        "cells/two-mmap-0/model/tuning.safetensors",
    ] {
        assert!(
            bytes(&whole, part) == bytes(&killed, part),
            "{part} after {kills} kills"
        );
    }
}

#[test]
fn two_processes_share_what_tasks_learn_together() {
    let home = tempfile::tempdir().unwrap();
    let file = written(home.path(), &suite(r#"["mmap"]"#, FEW, TWO));
    let out = home.path().join("run");
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_modalign"))
            .args(["sweep", "--suite", &file, "--out", out.to_str().unwrap()])
            .output()
    };
    let both = std::thread::scope(|scope| {
        [scope.spawn(start), scope.spawn(start)].map(|one| one.join().unwrap().unwrap())
    });
    for done in both {
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    for target in TWO {
        let cell = out.join(format!("cells/{target}-mmap-0"));
        assert!(cell.join("cell.json").exists() && !cell.join("failed.json").exists());
    }
}

#[test]
fn what_cannot_be_learned_by_texts_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("run").display().to_string();
    let refused = |suite: &str| {
        let file = written(home.path(), suite);
        std::fs::remove_dir_all(&out).ok();
        let done = modalign(&["report", "--suite", &file, "--out", &out]);
        assert_eq!(done.status.code(), Some(1), "{}", text(&done.stdout));
        text(&done.stderr).to_string()
    };
    let mmap = r#"["mmap"]"#;
    // A few of every class are drawn by methods of texts alone.
    let linear = FEW.replace("head = \"texts\"", "");
    let told = refused(&suite(r#"["nft"]"#, &linear, TWO));
    assert!(
        told.contains("transfer.shots") && told.contains("head"),
        "{told}"
    );
    // Rows that do not divide the tokens, columns that do not divide a width.
    let three =
        suite(mmap, FEW, TWO).replace("tokens = 2, moments", "rows = 3, tokens = 2, moments");
    let told = refused(&three);
    assert!(told.contains("multiple of its 3 rows"), "{told}");
    let odd =
        suite(mmap, FEW, TWO).replace("tokens = 2, moments", "columns = 7, tokens = 2, moments");
    let told = refused(&odd);
    assert!(told.contains("a divisor of"), "{told}");
    // Prompts that push the names of classes out of a text.
    let long = suite(mmap, FEW, TWO).replace("tokens = 2, moments", "tokens = 70, moments");
    let told = refused(&long);
    assert!(told.contains("tokens") && told.contains("140"), "{told}");
    // Two joined prompts do, known before anything is trained.
    let joined = suite(mmap, FEW, TWO).replace("tokens = 2, moments", "tokens = 36, moments");
    let told = refused(&joined);
    assert!(
        told.contains("72") && told.contains("shorter template"),
        "{told}"
    );
    assert!(!Path::new(&out).join("tasks/mmap-0/all").exists());
    let four = suite(mmap, FEW, TWO).replace("moments = 2", "groups = 4");
    let told = refused(&four);
    assert!(told.contains("at most 2"), "{told}");
    let mixed = suite(
        mmap,
        &FEW.replace("batch = 10", "batch = 10, mixup = 0.2"),
        TWO,
    );
    let told = refused(&mixed);
    assert!(told.contains("mixup"), "{told}");
    // Signals that are no pictures.
    let signals = suite(mmap, FEW, TWO).replace(
        "name = \"two\"\ntitle = \"two\"\nreader = \"demo-scenes\"",
        "name = \"two\"\ntitle = \"two\"\nreader = \"demo-emg\"",
    );
    let told = refused(&signals);
    assert!(told.contains("channels of two"), "{told}");
    // A source of one tower.
    let lines = suite(mmap, FEW, TWO);
    let lines = lines.lines().filter(|line| !line.starts_with("texts ="));
    let one = lines.collect::<Vec<_>>().join("\n").replace(
        &format!("{:?}", our_fixture("clip-names/hf").display().to_string()),
        "\"demo\"",
    );
    let told = refused(&one);
    assert!(
        told.contains("CLIP") || told.contains("two towers"),
        "{told}"
    );
}
