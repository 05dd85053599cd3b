//! The main job, whole, on a tiny suite.

use super::*;
use std::collections::BTreeMap;
use std::fs;

/// All files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).expect("file"),
            )
        })
        .collect()
}

#[test]
fn a_suite_runs_whole_resumes_and_redraws_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("tiny.toml");
    fs::write(&suite, TINY).unwrap();
    let run = home.path().join("run");
    let arguments = [
        "report",
        "--suite",
        suite.to_str().unwrap(),
        "--out",
        run.to_str().unwrap(),
    ];

    let first = modalign(&arguments);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let printed = text(&first.stdout);
    let report = PathBuf::from(printed.lines().last().expect("the report's path"));
    assert_eq!(report, run.join("report.html"));
    assert!(
        first.stderr.is_empty(),
        "silent off a terminal, found {}",
        text(&first.stderr)
    );

    let html = fs::read_to_string(&report).unwrap();
    for part in [
        "Figure 2",
        "Figure 3",
        "Figure 4",
        "EMG &lt;b&gt;&amp;",
        "<svg",
    ] {
        assert!(html.contains(part), "{part} is missing in the report");
    }
    assert!(!html.contains("EMG <b>"), "names are escaped");
    let tables = files(&run.join("tables"));
    for name in [
        "probe",
        "geometry",
        "tsne",
        "discrepancy",
        "pairs",
        "targets",
        "curves",
        "measures",
        "cka",
    ] {
        assert!(
            tables.contains_key(&format!("{name}.csv")),
            "{name}.csv is missing"
        );
    }
    // Pixels, pretrained, two targets times two seeds; maps of pretrained and the first seeds.
    let lines = |name: &str| text(&tables[name]).lines().count() - 1;
    assert_eq!(lines("probe.csv"), 6);
    assert_eq!(lines("tsne.csv"), 3 * 60);
    assert_eq!(lines("discrepancy.csv"), 4);
    // Pixels have no features of an encoder: five measures of five encoders, six of two targets.
    assert_eq!(lines("measures.csv"), 5 * 5 + 2 * 6);
    assert_eq!(lines("cka.csv"), 9);
    let own = text(&tables["measures.csv"]);
    let own = own.lines().find(|line| line.contains(",cka,"));
    let own = own.expect("the pretrained encoder");
    let cka: f64 = own.split(',').nth(9).unwrap().parse().unwrap();
    assert!((cka - 1.0).abs() < 1e-9, "{own}");

    // Figures come from tables alone, to the byte.
    let figures = files(&run.join("figures"));
    fs::remove_dir_all(run.join("figures")).unwrap();
    let redrawn = modalign(&["figures", run.to_str().unwrap()]);
    assert!(redrawn.status.success(), "{}", text(&redrawn.stderr));
    assert!(
        figures == files(&run.join("figures")),
        "redrawn figures differ"
    );

    // Evaluations of older versions stand elsewhere and lack measures, which are then taken.
    fs::rename(run.join("evaluations"), run.join("looks")).unwrap();
    for (name, bytes) in files(&run.join("looks")) {
        let mut kept: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        if let Some(values) = kept.get_mut("values").and_then(|v| v.as_object_mut()) {
            for measure in ["balanced-error", "logme", "modality-gap"] {
                values.remove(measure);
            }
        }
        let older = name.replace("-scores-", "-yardsticks-");
        fs::remove_file(run.join("looks").join(&name)).unwrap();
        fs::write(run.join("looks").join(older), kept.to_string()).unwrap();
    }
    // A cell that was lost is trained again and gives the same numbers; the others are kept.
    fs::remove_file(run.join("cells/emg-nft-1/cell.json")).unwrap();
    let kept = fs::metadata(run.join("cells/emg-nft-0/cell.json"))
        .unwrap()
        .modified()
        .unwrap();
    let again = modalign(&arguments);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(
        kept,
        fs::metadata(run.join("cells/emg-nft-0/cell.json"))
            .unwrap()
            .modified()
            .unwrap()
    );
    let second = files(&run.join("tables"));
    for name in [
        "probe.csv",
        "tsne.csv",
        "discrepancy.csv",
        "pairs.csv",
        "geometry.csv",
        "measures.csv",
        "cka.csv",
    ] {
        assert!(
            tables[name] == second[name],
            "{name} differs after resuming"
        );
    }

    // Other settings do not mix with this run.
    fs::write(&suite, TINY.replace("epochs = 2", "epochs = 3")).unwrap();
    let other = modalign(&arguments);
    assert_eq!(other.status.code(), Some(1));
    assert!(
        text(&other.stderr).contains("epochs = 2"),
        "{}",
        text(&other.stderr)
    );
}

/// A table without its columns of seconds and memory.
fn timeless(bytes: &[u8]) -> Vec<String> {
    let text = text(bytes);
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let passing = |i: usize| {
        head.get(i)
            .is_some_and(|name| ["seconds", "memory"].contains(name))
    };
    let rows = text.lines().map(|line| {
        let cells = line.split(',').enumerate();
        let cells = cells.filter(|(i, _)| !passing(*i)).map(|(_, cell)| cell);
        cells.collect::<Vec<_>>().join(",")
    });
    rows.collect()
}

#[test]
fn methods_are_compared_over_epochs_whether_in_one_go_or_by_a_sharded_sweep() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("compared.toml");
    let text_of = TINY
        .replace("seeds = [0, 1]", "seeds = [0, 1]\nmethods = [\"nft\", \"mona\"]\nstage1 = { epochs = 1, source_batch = 20 }")
        .replace("[measures]", "[measures]\nprobe_epochs = [0, 1]\npaired_bootstrap = 200");
    assert!(text_of.contains("mona") && text_of.contains("probe_epochs"));
    fs::write(&suite, &text_of).unwrap();
    let suite = suite.to_str().unwrap();
    let [whole, swept] = ["whole", "swept"].map(|name| home.path().join(name));
    let run = |arguments: &[&str]| {
        let done = modalign(arguments);
        assert!(done.status.success(), "{}", text(&done.stderr));
    };
    run(&["report", "--suite", suite, "--out", whole.to_str().unwrap()]);
    for shard in ["2/2", "1/2"] {
        let out = swept.to_str().unwrap();
        run(&["sweep", "--suite", suite, "--shard", shard, "--out", out]);
    }
    let measured = files(&swept.join("evaluations")).len();
    run(&["report", "--suite", suite, "--out", swept.to_str().unwrap()]);
    let added = files(&swept.join("evaluations")).len() - measured;
    assert_eq!(added, 1, "the sweep measured all but raw pixels");

    let (tables, others) = (files(&whole.join("tables")), files(&swept.join("tables")));
    assert_eq!(
        tables.keys().collect::<Vec<_>>(),
        others.keys().collect::<Vec<_>>()
    );
    let csv = |name: &&String| name.ends_with(".csv");
    for (name, bytes) in tables.iter().filter(|(name, _)| csv(name)) {
        assert!(timeless(bytes) == timeless(&others[name]), "{name} differs");
    }
    // two references; two targets, two methods, two seeds, evaluated after epochs 0, 1 and 2
    let lines = |name: &str| text(&tables[name]).lines().count() - 1;
    assert_eq!(lines("probe.csv"), 2 + 8 * 3);
    assert_eq!(lines("stages.csv"), 2 * 2 * (2 + 3));
    assert_eq!(lines("stage1.csv"), 4);
    // Every quantity of MoNA against NFT, and the probe error of both against before the transfer.
    assert_eq!(lines("paired.csv"), 2 * (6 + 2));
    assert_eq!(lines("seeds.csv"), 2 * 2 * (6 + 2), "two seeds each");
    // One family: a method that is best is marked in every pair, and no p is corrected downwards.
    let paired = text(&tables["paired.csv"]);
    let at = |name: &str| {
        paired
            .lines()
            .next()
            .unwrap()
            .split(',')
            .position(|c| c == name)
    };
    let (p, adjusted) = (at("p").unwrap(), at("adjusted").unwrap());
    for line in paired.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if !cells[p].is_empty() {
            let [p, adjusted] = [p, adjusted].map(|i| cells[i].parse::<f64>().unwrap());
            assert!(adjusted >= p, "{line}");
        }
    }
    for figure in ["fig1.svg", "fig7.svg", "fig9.svg"] {
        assert!(whole.join("figures").join(figure).exists(), "{figure}");
    }
    let html = fs::read_to_string(whole.join("report.html")).unwrap();
    assert!(
        html.contains("Paired differences between methods.")
            && html.contains("Against plain fine-tuning (NFT)")
    );
}

#[test]
fn pretraining_writes_a_folder_that_loads_and_its_recipe() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("tiny.toml");
    fs::write(&suite, TINY).unwrap();
    let out = home.path().join("model");
    let made = modalign(&[
        "pretrain",
        "--suite",
        suite.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let recipe: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("recipe.json")).unwrap()).unwrap();
    assert_eq!(recipe["classes"], 48);
    let features = home.path().join("f.npz");
    let run = modalign(&[
        "extract",
        "--model",
        out.to_str().unwrap(),
        "--data",
        "demo-surrogate:valid",
        "--outputs",
        "pooled",
        "--out",
        features.to_str().unwrap(),
    ]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let set = modalign::feature::file::read(&features).unwrap();
    assert_eq!((set.dim(), set.classes()), (32, 10));
}

#[test]
fn any_checkpoint_can_be_the_source_of_a_suite() {
    let home = tempfile::tempdir().unwrap();
    let (suite, run) = (home.path().join("tiny.toml"), home.path().join("run"));
    std::fs::write(&suite, TINY).unwrap();
    let model = fixture("timm/microsoft/checkpoint.pth");
    let done = modalign(&[
        "report",
        "--suite",
        suite.to_str().unwrap(),
        "--model",
        model.to_str().unwrap(),
        "--out",
        run.to_str().unwrap(),
    ]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let record = std::fs::read_to_string(run.join("run.json")).unwrap();
    // seven source classes cannot be matched with more target classes: said, not fatal
    assert!(record.contains("cannot be matched with 7"), "{record}");
    assert!(run.join("report.html").exists());
    assert!(run.join("tables/probe.csv").exists());
}
