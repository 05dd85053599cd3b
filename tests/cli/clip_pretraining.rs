//! Two towers made by `modalign pretrain`: interrupted and resumed in the same bits, refused where the data have no captions,
//! and what is made works wherever a CLIP does.

use super::*;
use serde_json::Value;
use std::time::Duration;

const SUITE: &str = r#"
name = "two"
title = "Two towers"

[source]
model = "two"
texts = {}
data = { name = "source", title = "Drawings", reader = "demo-captions", train = 40, valid = 12, test = 12 }
towers = { image_size = 32, patch_size = 8, width = 16, layers = 1, heads = 2, text_width = 16, text_layers = 1, text_heads = 2, context = 20, vocabulary = 600, projection = 8 }

[source.pretrain]
seed = 3
dtype = "f16"
train = { epochs = 8, batch = 20, learning_rate = 2e-3 }

[surrogate]
name = "scenes"
title = "Scenes"
reader = "demo-scenes"
train = 60
valid = 20
test = 40

[[targets]]
name = "outlines"
title = "Outlines"
reader = "demo-captions-shifted"
train = 20
valid = 10
test = 10

[transfer]
methods = ["projections"]
train = { epochs = 1, batch = 20 }

[measures]
tsne_points = 30
"#;

/// A folder with the suite.
fn home() -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("suite.toml");
    std::fs::write(&suite, SUITE).unwrap();
    let suite = suite.display().to_string();
    (home, suite)
}

fn arguments<'a>(suite: &'a str, out: &'a str) -> [&'a str; 5] {
    ["pretrain", "--suite", suite, "--out", out]
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Bytes of the files that a model is.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let names = [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
    ];
    names
        .map(|name| std::fs::read(folder.join(name)).expect(name))
        .into()
}

/// What `recipe.json` says, but for the wall clock.
fn recipe(folder: &Path) -> Value {
    let mut found: Value =
        serde_json::from_slice(&std::fs::read(folder.join("recipe.json")).unwrap()).unwrap();
    for epoch in found["course"].as_array_mut().unwrap() {
        epoch.as_object_mut().unwrap().remove("seconds");
    }
    found
}

#[test]
fn a_killed_or_interrupted_pretraining_of_two_towers_ends_in_the_same_bits() {
    let (home, suite) = home();
    let [whole, killed] = ["whole", "killed"].map(|name| home.path().join(name));
    let done = modalign(&arguments(&suite, whole.to_str().unwrap()));
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("on the test part of the source"));
    assert!(!home.path().join("whole.partial").exists());

    let out = killed.to_str().unwrap();
    let checkpoint = home
        .path()
        .join("killed.partial/cells/source/checkpoint/checkpoint.json");
    let mut resumed = 0;
    for signal in ["-KILL", "-INT"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_modalign"))
            .args(arguments(&suite, out))
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let before = std::fs::read(&checkpoint).ok();
        while std::fs::read(&checkpoint).ok() == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let pid = child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().ok();
        child.wait().unwrap();
        resumed += usize::from(checkpoint.exists());
    }
    assert!(resumed > 0, "it was never interrupted");
    let done = modalign(&arguments(&suite, out));
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(files(&whole) == files(&killed), "other bits after a kill");
    assert_eq!(recipe(&whole), recipe(&killed));
    let told = recipe(&whole);
    assert_eq!(told["course"].as_array().unwrap().len(), 8);
    assert_eq!(told["captions"], serde_json::json!([200, 60, 60]));
    assert_eq!(told["vocabulary"], 600);
}

#[test]
fn what_is_made_is_a_clip_wherever_one_is_asked_for() {
    let (home, suite) = home();
    let model = home.path().join("two");
    let name = model.to_str().unwrap();
    let done = modalign(&arguments(&suite, name));
    assert!(done.status.success(), "{}", text(&done.stderr));

    let shown = json(&modalign(&["models", "show", name, "--json"]));
    assert_eq!(shown["architecture"], "clip");
    assert_eq!(
        (&shown["context"], &shown["vocabulary"]),
        (&20.into(), &600.into())
    );
    assert!(
        shown["loads"].as_str().unwrap().starts_with("yes"),
        "{shown}"
    );
    assert!(
        shown["dtype"].as_str().unwrap().starts_with("F16"),
        "{shown}"
    );
    let pictures = shown["pictures"].as_str().unwrap();
    assert!(pictures.contains("preprocessor_config.json"), "{pictures}");
    // −ln τ, and τ began at 0.07.
    let scale = shown["scale"].as_f64().unwrap();
    assert!((10.0..=100.5).contains(&scale), "{scale}");

    let zero = json(&modalign(&[
        "zeroshot",
        "--model",
        name,
        "--data",
        "demo-scenes:test",
        "--json",
    ]));
    assert!((0.0..=1.0).contains(&zero["error"].as_f64().unwrap()));

    let place = home.path().join("pictures");
    std::fs::create_dir(&place).unwrap();
    for picture in ["photo.png", "tall.png"] {
        let from = our_fixture("preprocess/pictures").join(picture);
        std::fs::copy(from, place.join(picture)).unwrap();
    }
    let captions = home.path().join("captions.csv");
    let table = "image,caption\nphoto.png,a large red star\ntall.png,a blue hoop below a box\n";
    std::fs::write(&captions, table).unwrap();
    let (place, captions) = (place.to_str().unwrap(), captions.to_str().unwrap());
    let found = json(&modalign(&[
        "retrieval",
        "--model",
        name,
        "--data",
        place,
        "--captions",
        captions,
        "--json",
    ]));
    assert_eq!(
        (&found["images"], &found["captions"]),
        (&2.into(), &2.into())
    );

    let out = home.path().join("texts.npz");
    let texts = home.path().join("texts.txt");
    std::fs::write(&texts, "there is a small disk\nnaïve 🙂\n").unwrap();
    let done = modalign(&[
        "extract",
        "--model",
        name,
        "--texts",
        texts.to_str().unwrap(),
        "--outputs",
        "text_embeds",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(
        done.status.success() && out.exists(),
        "{}",
        text(&done.stderr)
    );

    let copy = home.path().join("copy");
    let done = modalign(&["export", name, "--out", copy.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(files(&model) == files(&copy), "an export changes nothing");

    // The suite itself finds its model beside its file.
    let run = home.path().join("run");
    let done = modalign(&["report", "--suite", &suite, "--out", run.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(run.join("report.html").exists());
}

#[test]
fn what_two_towers_cannot_learn_is_refused() {
    let (home, _) = home();
    let refused = |from: &str, to: &str, words: &str| {
        assert!(SUITE.contains(from), "{from}");
        let suite = home.path().join("other.toml");
        std::fs::write(&suite, SUITE.replace(from, to)).unwrap();
        let out = home.path().join("out");
        let usual = arguments(suite.to_str().unwrap(), out.to_str().unwrap());
        let done = modalign(&[&usual[..], &["--fresh"]].concat());
        let told = text(&done.stderr);
        assert!(!done.status.success() && told.contains(words), "{told}");
        assert!(!out.exists());
    };
    refused(
        "demo-captions\"",
        "demo-surrogate\"",
        "captions, which two towers learn",
    );
    refused(
        "vocabulary = 600",
        "vocabulary = 500",
        "more than 514 tokens",
    );
    refused(
        "heads = 2, text_width",
        "heads = 3, text_width",
        "num_attention_heads",
    );
    refused(
        "seed = 3",
        "seed = 3\npairs = { temperature = 0.0 }",
        "pairs.temperature",
    );
    refused(
        "batch = 20, learning",
        "batch = 20, recompute = true, learning",
        "micro_batch",
    );
    let shape = "shape = { image_size = 32, patch_size = 4, embed_dim = 16, depths = [1], num_heads = [1], window_size = 4 }\n";
    let both = format!("{shape}towers =");
    refused("towers =", &both, "or towers, for a CLIP");
}
