//! What leaves a run for elsewhere: figures for a page of given width or a dark one, features for
//! TensorBoard's projector.

use super::{TINY, modalign, our_fixture, text};
use modalign::feature::{FeatureSet, file};
use modalign::run::RunFolder;
use modalign::transfer::methods;
use std::fs;
use std::path::Path;

/// A folder with the tables of a run.
fn tables() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("tables")).unwrap();
    for entry in fs::read_dir(our_fixture("tables")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        fs::copy(&path, home.path().join("tables").join(name)).unwrap();
    }
    home
}

fn run(line: &str, home: &Path) -> std::process::Output {
    let home = home.to_str().unwrap();
    let words: Vec<String> = line.split(' ').map(|w| w.replace("HOME", home)).collect();
    modalign(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn figures_for_print_and_screen_stand_beside_the_reports_own() {
    let home = tables();
    let plain = run("figures HOME --only probe --format svg", home.path());
    assert!(plain.status.success(), "{}", text(&plain.stderr));
    let read = |name: &str| fs::read_to_string(home.path().join(name)).unwrap();
    let before = read("figures/fig4.svg");
    let found = run(
        "figures HOME --only probe --format svg --width 84 --theme screen",
        home.path(),
    );
    assert!(found.status.success(), "{}", text(&found.stderr));
    assert_eq!(text(&found.stderr), "", "text is large enough");
    let drawn = read("figures-84mm-screen/fig4.svg");
    assert!(drawn.starts_with("<svg width=\"84mm\"") && drawn.contains("#171B20"));
    assert_eq!(read("figures/fig4.svg"), before);
    let narrow = run("figures HOME --only 3,probe --width 20", home.path());
    assert!(narrow.status.success());
    let said = text(&narrow.stderr);
    assert_eq!(said.lines().count(), 2, "one line a figure: {said}");
    assert!(
        said.contains("figure 4 (probe): its smallest text is")
            && said.contains("pt at this width")
    );
    for wrong in ["--width 19", "--width 84mm", "--width nan", "--theme neon"] {
        let refused = run(&format!("figures HOME {wrong}"), home.path());
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(text(&refused.stderr).contains("expected"), "{wrong}");
    }
}

fn features(rows: usize) -> FeatureSet {
    let values = ndarray::Array2::from_shape_fn((rows, 4), |(i, j)| (i * 7 % 5 + j) as f32);
    let names = vec!["calm".into(), "=evil()\t\n".into()];
    FeatureSet::new(values, (0..rows).map(|i| i % 2).collect(), names).unwrap()
}

#[test]
fn every_encoder_of_a_run_goes_to_the_projector() {
    let home = tempfile::tempdir().unwrap();
    let suite = methods::parse(TINY, "tiny").unwrap();
    drop(RunFolder::open(&home.path().join("run"), &suite, false).unwrap());
    let none = run("runs projector HOME/run --out HOME/logs", home.path());
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("ENCODER-test.safetensors"));
    for (name, rows) in [
        ("pretrained-test", 40),
        ("emg-nft-0-test", 40),
        ("emg-nft-0-train", 9),
    ] {
        let path = home.path().join(format!("run/features/{name}.safetensors"));
        file::write(&path, &features(rows)).unwrap();
    }
    let line = "runs projector HOME/run --out HOME/logs --samples 10 --json";
    let found = run(line, home.path());
    assert!(found.status.success(), "{}", text(&found.stderr));
    let said: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(said["embeddings"][0]["name"], "emg-nft-0");
    assert_eq!(said["embeddings"][1]["samples"], 10);
    let names = |folder: &str| {
        let entries = fs::read_dir(home.path().join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let expected = [
        "emg-nft-0.tsv",
        "metadata.tsv",
        "pretrained.tsv",
        "projector_config.pbtxt",
    ];
    assert_eq!(names("logs"), expected);
    let metadata = fs::read_to_string(home.path().join("logs/metadata.tsv")).unwrap();
    assert_eq!(metadata.lines().count(), 11);
    assert!(
        metadata.contains("\t'=evil()\u{fffd}\u{fffd}\t1\n"),
        "{metadata}"
    );
    assert_eq!(
        run(line, home.path()).stdout,
        found.stdout,
        "an export can be repeated"
    );
    fs::write(home.path().join("thesis.txt"), "x").unwrap();
    let taken = run("runs projector HOME/run --out HOME", home.path());
    assert_eq!(taken.status.code(), Some(1));
}

#[test]
fn a_features_file_goes_to_the_projector_with_or_without_a_map() {
    let home = tempfile::tempdir().unwrap();
    file::write(&home.path().join("f.npz"), &features(60)).unwrap();
    let alone = run(
        "tsne --features HOME/f.npz --projector HOME/logs --json",
        home.path(),
    );
    assert!(alone.status.success(), "{}", text(&alone.stderr));
    let said: serde_json::Value = serde_json::from_slice(&alone.stdout).unwrap();
    assert_eq!((&said["samples"], &said["dim"]), (&60.into(), &4.into()));
    assert!(home.path().join("logs/f.tsv").is_file());
    let both = "tsne --features HOME/f.npz --projector HOME/logs --samples 12 --out HOME/m.npy \
                --perplexity 5 --iterations 10 --json";
    let both = run(
        &both.split_whitespace().collect::<Vec<_>>().join(" "),
        home.path(),
    );
    assert!(both.status.success(), "{}", text(&both.stderr));
    let said: serde_json::Value = serde_json::from_slice(&both.stdout).unwrap();
    assert!(said["kl"].is_number() && home.path().join("m.npy").is_file());
    let vectors = fs::read_to_string(home.path().join("logs/f.tsv")).unwrap();
    assert_eq!(vectors.lines().count(), 12);
    for wrong in [
        "tsne --features HOME/f.npz",
        "tsne --features HOME/f.npz --out HOME/m.npy --samples 3",
        "tsne --features HOME/f.npz --projector HOME/logs --samples 0",
        "tsne --features HOME/f.npz --projector HOME/logs --figure HOME/m.svg",
    ] {
        assert_eq!(run(wrong, home.path()).status.code(), Some(2), "{wrong}");
    }
}
