//! Transfers of a CLIP to pictures with captions, from outside: a whole run, a killed one, what is refused.

use super::*;
use std::process::Child;
use std::time::Duration;

/// The CLIP of the fixtures as a source, and generated drawings as its surrogate.
pub fn clip_and_scenes() -> String {
    format!(
        r#"
[source]
model = {:?}
texts = {{ tokenizer = {:?} }}
[surrogate]
name = "scenes"
title = "Scenes"
reader = "demo-scenes"
train = 80
valid = 40
test = 40
"#,
        our_fixture("clip-names/hf").display().to_string(),
        our_fixture("clip-tokenizer/tokenizer.json")
            .display()
            .to_string(),
    )
}

/// A tiny suite on generated drawings with captions.
fn suite(methods: &str, train: &str) -> String {
    format!(
        r#"
name = "tiny-clip"
title = "Tiny"
{}
[[targets]]
name = "shifted"
title = "Drawings in another style"
reader = "demo-captions-shifted"
train = 24
valid = 12
test = 12
[transfer]
methods = {methods}
lora = {{ rank = 2 }}
bottleneck = {{ width = 4 }}
harma = {{ rank = 16, share_rank = 8, heads = 2 }}
train = {train}
[measures]
tsne_points = 40
paired_bootstrap = 200
"#,
        clip_and_scenes()
    )
}

/// A suite as a file in a folder.
pub fn written(home: &Path, suite: &str) -> String {
    let path = home.join("suite.toml");
    std::fs::write(&path, suite).unwrap();
    path.display().to_string()
}

/// Lines of a table with `part`.
pub fn rows(table: &str, part: &str) -> usize {
    table.lines().filter(|line| line.contains(part)).count()
}

#[test]
fn a_run_tunes_both_towers_and_reports_what_it_did_to_them() {
    let home = tempfile::tempdir().unwrap();
    let train = "{ epochs = 1, batch = 12, learning_rate = 1e-3 }";
    let methods = r#"["nft", "harma", "mona"]"#;
    let suite = written(home.path(), &suite(methods, train));
    let out = home.path().join("run");
    let report = || {
        let done = modalign(&["report", "--suite", &suite, "--out", out.to_str().unwrap()]);
        assert!(done.status.success(), "{}", text(&done.stderr));
        std::fs::read_to_string(out.join("tables/retrieval.csv")).unwrap()
    };
    let table = report();
    // The towers as they were, and both methods.
    assert_eq!(rows(&table, "mean-recall"), 3, "{table}");
    assert_eq!(rows(&table, "tower-gap"), 3);
    assert_eq!(rows(&table, "trained-parameters"), 3);
    let read = |name: &str| std::fs::read_to_string(out.join("tables").join(name)).unwrap();
    let results = read("results.csv");
    assert_eq!(rows(&results, "one-minus-mean-recall"), 2, "{results}");
    // Both are set beside the towers as they were, on the target and on the surrogate.
    let paired = read("paired.csv");
    for quantity in ["recall-error", "source-error"] {
        let before = format!(",pretrained,{quantity},");
        assert_eq!(rows(&paired, &before), 2, "{paired}");
    }
    // τ of every training, and of the towers before.
    assert_eq!(rows(&table, ",temperature,"), 3, "{table}");
    let measures = read("measures.csv");
    assert!(rows(&measures, "zero-shot-error") >= 3, "{measures}");
    // MoNA trains one tower: known before the first cell.
    let cells = read("cells.csv");
    assert_eq!(rows(&cells, "not defined"), 1, "{cells}");
    // Adapters are kept alone, and say what they are.
    let kept = out.join("cells/shifted-harma-0/model/tuning.safetensors");
    let size = std::fs::metadata(kept).unwrap().len();
    let whole = std::fs::metadata(our_fixture("clip-names/hf/model.safetensors")).unwrap();
    assert!(size > 0 && size != whole.len());
    let before = results;
    assert_eq!(report(), table, "what is done is not done again");
    assert_eq!(read("results.csv"), before);
}

/// Starts a process and kills it until it ends; how often it was killed. The first is killed after so many milliseconds and
/// every other so many later, so that every place is hit and the end is reached. Some start finds something to go on with.
pub fn killed_until_done(
    [first, later]: [u64; 2],
    start: impl Fn() -> Child,
    begun: impl Fn() -> bool,
) -> usize {
    let (mut kills, mut resumed) = (0, 0);
    for round in 0..200u64 {
        resumed += usize::from(begun());
        let mut child = start();
        std::thread::sleep(Duration::from_millis(first + later * round));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 0 && resumed > 0, "{kills} kills, {resumed} resumed");
    kills
}

#[test]
fn a_killed_tuning_ends_in_the_same_bits() {
    let home = tempfile::tempdir().unwrap();
    let train = "{ epochs = 8, batch = 12, micro_batch = 6, learning_rate = 1e-3 }";
    let suite = written(home.path(), &suite(r#"["harma"]"#, train));
    let arguments = |out: &str| -> Vec<String> {
        let all = [
            "train", "--suite", &suite, "--target", "shifted", "--method", "harma", "--seed", "3",
            "--out", out,
        ];
        all.map(String::from).to_vec()
    };
    let start = |out: &str| {
        Command::new(env!("CARGO_BIN_EXE_modalign"))
            .args(arguments(out))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let [whole, killed] = ["whole", "killed"].map(|name| home.path().join(name));
    assert!(start(whole.to_str().unwrap()).wait().unwrap().success());
    let begun = killed.join("cells/shifted-harma-3/checkpoint/checkpoint.json");
    let kills = killed_until_done(
        [200, 60],
        || start(killed.to_str().unwrap()),
        || begun.exists(),
    );
    let bytes = |run: &Path| {
        std::fs::read(run.join("cells/shifted-harma-3/model/tuning.safetensors")).unwrap()
    };
    assert!(
        bytes(&whole) == bytes(&killed),
        "other bits after {kills} kills"
    );
}

#[test]
fn what_has_no_towers_or_no_captions_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let train = "{ epochs = 1, batch = 12, learning_rate = 1e-3 }";
    let out = home.path().join("run").display().to_string();
    let whole = suite(r#"["harma"]"#, train);
    let refused = |suite: &str| {
        let suite = written(home.path(), suite);
        std::fs::remove_dir_all(&out).ok();
        let done = modalign(&["report", "--suite", &suite, "--out", &out]);
        assert_eq!(done.status.code(), Some(1), "{}", text(&done.stdout));
        text(&done.stderr).to_string()
    };
    // A source of one tower.
    let lines = whole.lines().filter(|line| !line.starts_with("texts ="));
    let one = lines.collect::<Vec<_>>().join("\n").replace(
        &format!("{:?}", our_fixture("clip-names/hf").display().to_string()),
        "\"demo\"",
    );
    let told = refused(&one);
    assert!(told.contains("CLIP") && told.contains("demo"), "{told}");
    // No tokenizer beside the weights, and none said.
    let lines = whole.lines().filter(|line| !line.starts_with("texts ="));
    let told = refused(&lines.collect::<Vec<_>>().join("\n"));
    assert!(told.contains("tokenizer"), "{told}");
    // A rate that nothing reads: the cell's own error, written down.
    let deaf = suite(r#"["lora"]"#, train).replace("rank = 2 }", "rank = 2, rate = 0.5 }");
    let told = refused(&deaf);
    assert!(told.contains("lora.rate"), "{told}");
    let failed = std::fs::read_to_string(home.path().join("run/cells/shifted-lora-0/failed.json"));
    assert!(failed.unwrap().contains("lora.rate"));
    // A margin that cannot be: refused with the suite.
    let inverse = whole.replace("[measures]", "pairs = { margin = -1.0 }\n[measures]");
    let inverse = written(home.path(), &inverse);
    let done = modalign(&["report", "--suite", &inverse, "--out", &out, "--fresh"]);
    let told = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{told}");
    assert!(told.contains("pairs.margin"), "{told}");
}
