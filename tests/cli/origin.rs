//! A run shows only what was made from what it names: replaced data and models are refused or made
//! anew; what fails or is not defined does not keep the rest from being reported.

use super::*;
use modalign::files::npy;

/// The tiny suite with one target, one's own arrays, and two methods.
fn own_suite(methods: &str, more: &str) -> String {
    let head = TINY.split("[[targets]]").next().unwrap();
    format!(
        "{head}[[targets]]\nname = \"mine\"\ntitle = \"Mine\"\nreader = \"npy\"\n{more}\n[transfer]\nmethods = [{methods}]\n\
         seeds = [0]\ntrain = {{ epochs = 1, batch = 16, learning_rate = 5e-4 }}\n[measures]\nprobe_c = [0.1]\n\
         tsne_points = 30\ntsne_perplexity = 5\ntsne_iterations = 10\ndiscrepancy_null = 5\ndiscrepancy_bootstrap = 5\n"
    )
}

/// Ninety samples of three classes, `shift` apart.
fn arrays(folder: &Path, shift: f32) {
    std::fs::create_dir_all(folder).unwrap();
    let value =
        |i: usize, j: usize| (((i * 31 + j * 17) % 101) as f32 / 50.0) + shift * (i % 3) as f32;
    let x: Vec<u8> = (0..90usize)
        .flat_map(|i| (0..48usize).map(move |j| value(i, j)))
        .flat_map(f32::to_le_bytes)
        .collect();
    let y: Vec<u8> = (0..90i64).flat_map(|i| (i % 3).to_le_bytes()).collect();
    std::fs::write(
        folder.join("x.npy"),
        [npy::header("<f4", &[90, 3, 4, 4]), x].concat(),
    )
    .unwrap();
    std::fs::write(
        folder.join("y.npy"),
        [npy::header("<i8", &[90]), y].concat(),
    )
    .unwrap();
}

struct Home {
    folder: tempfile::TempDir,
    suite: String,
}

impl Home {
    fn new(suite: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suite.toml");
        std::fs::write(&path, suite).unwrap();
        let suite = path.to_str().unwrap().to_owned();
        arrays(&folder.path().join("mine"), 1.0);
        Self { folder, suite }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn report(&self, run: &str, more: &[&str]) -> Output {
        let (out, data) = (self.path(run), self.folder.path().to_path_buf());
        let mut all = vec!["report", "--suite", &self.suite];
        let (out, data) = (out.to_str().unwrap(), data.to_str().unwrap());
        all.extend(["--data", data, "--out", out]);
        all.extend(more);
        modalign(&all)
    }

    fn table(&self, run: &str, name: &str) -> String {
        std::fs::read_to_string(self.path(run).join("tables").join(name)).unwrap()
    }
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn replaced_arrays_are_refused_and_refreshed() {
    let home = Home::new(&own_suite("\"nft\"", ""));
    succeeds(&home.report("run", &[]));
    let before = home.table("run", "targets.csv");
    succeeds(&home.report("run", &[]));
    let record = || std::fs::read_to_string(home.path("run/run.json")).unwrap();
    let recorded = record();

    arrays(&home.path("mine"), 0.0);
    let refused = home.report("run", &[]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("data of mine") && said.contains("--refresh"),
        "{said}"
    );
    assert_eq!(home.table("run", "targets.csv"), before, "untouched");
    assert!(record() == recorded, "the record of what was made stays");

    succeeds(&home.report("run", &["--refresh"]));
    succeeds(&home.report("anew", &[]));
    // All but the wall clock.
    let valid = |run: &str| {
        let table = home.table(run, "targets.csv");
        let rows = table
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>());
        let rows: Vec<Vec<&str>> = rows.collect();
        let seconds = rows[0].iter().position(|name| *name == "seconds");
        let seconds = seconds.expect("a column of seconds");
        let kept = rows[1].iter().enumerate().filter(|(at, _)| *at != seconds);
        kept.map(|(_, cell)| (*cell).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(valid("run"), valid("anew"));
    for table in ["probe.csv", "discrepancy.csv", "measures.csv", "stages.csv"] {
        assert_eq!(
            home.table("run", table),
            home.table("anew", table),
            "{table}"
        );
    }
}

#[test]
fn a_replaced_checkpoint_is_refused_and_refreshed() {
    let home = Home::new(&own_suite("\"nft\"", ""));
    let model = home.path("model");
    let model = model.to_str().unwrap();
    succeeds(&modalign(&["export", "demo", "--out", model]));
    succeeds(&home.report("run", &["--model", model]));
    // the same tensors, one number of them another
    let weights = home.path("model/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 0x40;
    std::fs::write(&weights, bytes).unwrap();
    let refused = home.report("run", &["--model", model]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("weights of the source model"), "{said}");
    succeeds(&home.report("run", &["--model", model, "--refresh"]));
    succeeds(&home.report("anew", &["--model", model]));
    for table in ["probe.csv", "discrepancy.csv", "cka.csv", "geometry.csv"] {
        assert_eq!(
            home.table("run", table),
            home.table("anew", table),
            "{table}"
        );
    }
}

#[test]
fn results_of_an_older_version_are_judged_by_its_record() {
    let home = Home::new(&own_suite("\"nft\"", ""));
    succeeds(&home.report("run", &[]));
    // as before results carried hashes
    let forget = |path: PathBuf| {
        let value = std::fs::read(&path).unwrap();
        let mut value: serde_json::Value = serde_json::from_slice(&value).unwrap();
        value.as_object_mut().unwrap().remove("made_from").unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    };
    forget(home.path("run/cells/mine-nft-0/cell.json"));
    let kept = std::fs::read_dir(home.path("run/evaluations")).unwrap();
    kept.for_each(|file| forget(file.unwrap().path()));
    succeeds(&home.report("run", &[]));
    arrays(&home.path("mine"), 0.0);
    let refused = home.report("run", &[]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("mine/x.npy"), "{said}");
}

#[test]
fn a_failed_cell_is_written_down_and_the_others_are_reported() {
    let text_of = own_suite("\"nft\", \"emb\"", "");
    // no step of this size stays finite
    let suite = text_of.replace(
        "learning_rate = 5e-4 }",
        "learning_rate = 5e-4 }\nstage1 = { epochs = 1, learning_rate = 1e30, clip = 0.0 }",
    );
    let home = Home::new(&suite);
    let done = home.report("run", &[]);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains("1 transfers failed") && said.contains("Mine · emb"),
        "{said}"
    );
    assert!(home.path("run/report.html").is_file());
    let cells = home.table("run", "cells.csv");
    assert!(
        cells.contains("nft,0,done") && cells.contains("emb,0,failed"),
        "{cells}"
    );
    let failed = std::fs::read_to_string(home.path("run/cells/mine-emb-0/failed.json")).unwrap();
    assert!(failed.contains("why"), "{failed}");
    let page = std::fs::read_to_string(home.path("run/report.html")).unwrap();
    assert!(page.contains("Failed: Mine · emb"));
}

#[test]
fn pairs_that_are_not_defined_are_told_before_the_first_cell() {
    let plan = modalign(&["report", "--suite", "paper-figures", "--dry-run"]);
    succeeds(&plan);
    let said = text(&plan.stdout);
    let line = said.lines().find(|line| line.contains("not defined"));
    assert!(
        line.is_some_and(|l| l.starts_with("orca at FSD50K")),
        "{said}"
    );
    let plan = modalign(&["report", "--suite", "paper-figures", "--dry-run", "--json"]);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!(plan["undefined"].as_array().unwrap().len(), 1);
    let refused = modalign(&[
        "train",
        "--suite",
        "paper-figures",
        "--target",
        "fsd50k",
        "--method",
        "orca",
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("not defined"));
}
