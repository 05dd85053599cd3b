//! Pictures on their way into a model, from outside: folders, and what stands beside the weights.

use super::*;
use modalign::feature::file;
use modalign::model::weights::{Array, Weights, write};
use std::collections::BTreeMap;

/// A folder of two classes with pictures of the fixtures.
fn folder() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (place, picture) in [
        ("cat/a.png", "photo.png"),
        ("cat/b.jpg", "420.jpg"),
        ("dog/a.png", "tall.png"),
    ] {
        let path = home.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(our_fixture("preprocess/pictures").join(picture), path).unwrap();
    }
    home
}

/// The Swin of `transformers` among the fixtures, with files beside its weights.
fn model(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(our_fixture("swin-cifar").join(name), home.path().join(name)).unwrap();
    }
    for (name, text) in files {
        std::fs::write(home.path().join(name), text).unwrap();
    }
    home
}

fn path(home: &tempfile::TempDir) -> &str {
    home.path().to_str().unwrap()
}

#[test]
fn pictures_of_a_folder_enter_as_transformers_prepares_them() {
    // The first case of the fixture: photo.png and tall.png under this file.
    let keys = r#"{"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 3,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}"#;
    let (model, pictures, home) = (
        model(&[("preprocessor_config.json", keys)]),
        folder(),
        tempfile::tempdir().unwrap(),
    );
    let out = home.path().join("out.npz");
    let run = modalign(&[
        "extract",
        "--model",
        path(&model),
        "--data",
        path(&pictures),
        "--outputs",
        "pooled",
        "--out",
        out.to_str().unwrap(),
    ]);
    let said = text(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("preprocessor_config.json"), "{said}");
    let found = file::read(&out).unwrap();
    assert_eq!(
        found.ids().unwrap(),
        ["cat/a.png", "cat/b.jpg", "dog/a.png"]
    );
    assert_eq!(found.class_names(), ["cat", "dog"]);
    assert_eq!(found.labels(), [0, 0, 1]);

    let mut values = Vec::new();
    for case in ["0", "1"] {
        let bytes = std::fs::File::open(our_fixture("preprocess/prepared.npz")).unwrap();
        let mut archive = zip::ZipArchive::new(bytes).unwrap();
        let mut member = archive.by_name(&format!("{case}.npy")).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
        let array = modalign::files::npy::parse(&bytes).unwrap();
        values.extend(array.to_f32().unwrap());
    }
    let array = Array {
        shape: vec![2, 3, 32, 32],
        values,
    };
    let input = home.path().join("in.safetensors");
    let arrays = BTreeMap::from([("pixels".to_string(), array)]);
    write(&input, &arrays, Default::default()).unwrap();
    let out = home.path().join("out.safetensors");
    let run = modalign(&[
        "extract",
        "--model",
        path(&model),
        "--tensor",
        &format!("{}:pixels", input.display()),
        "--outputs",
        "pooled",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let want = Weights::open(&out).unwrap().read("pooled").unwrap().values;
    let width = want.len() / 2;
    for (row, want) in [(0, &want[..width]), (2, &want[width..])] {
        let scale = want.iter().fold(0f32, |a, v| a.max(v.abs()));
        for (x, y) in found.features().row(row).iter().zip(want) {
            assert!((x - y).abs() / scale < 1e-5, "row {row}: {x} {y}");
        }
    }
}

#[test]
fn a_guess_is_told_and_our_own_models_keep_their_constants() {
    let (foreign, pictures, home) = (model(&[]), folder(), tempfile::tempdir().unwrap());
    let out = home.path().join("out.npz");
    let extract = |model: &str, data: &str| {
        let run = modalign(&[
            "extract",
            "--model",
            model,
            "--data",
            data,
            "--outputs",
            "pooled",
            "--out",
            out.to_str().unwrap(),
        ]);
        assert!(run.status.success(), "{}", text(&run.stderr));
        text(&run.stderr)
    };
    for data in [path(&pictures), "demo-surrogate:valid"] {
        let said = extract(path(&foreign), data);
        assert!(said.contains("a guess") && said.contains("0.485"), "{said}");
    }
    assert_eq!(extract("demo", "demo-surrogate:valid"), "");
    let said = extract("demo", path(&pictures));
    assert!(said.contains("0.5071"), "{said}");
    // A folder that we wrote is ours as the model inside is.
    let inside = std::fs::read(&out).unwrap();
    let written = home.path().join("demo");
    let run = modalign(&["export", "demo", "--out", written.to_str().unwrap()]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    extract(written.to_str().unwrap(), path(&pictures));
    assert_eq!(std::fs::read(&out).unwrap(), inside);
}

#[test]
fn parts_of_a_folder_and_broken_pictures_are_asked_for() {
    let (pictures, home) = (folder(), tempfile::tempdir().unwrap());
    let out = home.path().join("out.npz");
    std::fs::write(pictures.path().join("dog/broken.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let extract = |data: &str, more: &[&str]| {
        let mut words = vec!["extract", "--model", "demo", "--data", data];
        words.extend(["--outputs", "pooled", "--out", out.to_str().unwrap()]);
        words.extend(more);
        modalign(&words)
    };
    let run = extract(path(&pictures), &[]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("dog/broken.png"));
    let run = extract(path(&pictures), &["--skip-broken"]);
    let said = text(&run.stderr);
    assert!(run.status.success() && said.contains("1 broken"), "{said}");
    assert_eq!(file::read(&out).unwrap().len(), 3);
    let all = format!("{}:all", path(&pictures));
    assert!(extract(&all, &["--skip-broken"]).status.success());
    let other = format!("{}:every", path(&pictures));
    assert_eq!(extract(&other, &["--skip-broken"]).status.code(), Some(2));
    let run = extract("images", &[]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("a folder of pictures"));
}

#[test]
fn a_suite_takes_folders_of_pictures_and_records_how_they_are_prepared() {
    let home = tempfile::tempdir().unwrap();
    for class in ["cat", "dog", "elk"] {
        for (number, picture) in ["photo.png", "tall.png", "grey.png", "420.jpg"]
            .iter()
            .enumerate()
        {
            for copy in 0..4 {
                let ending = picture.rsplit('.').next().unwrap();
                let place = format!("pets/{class}/{number}-{copy}.{ending}");
                let path = home.path().join(place);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::copy(our_fixture("preprocess/pictures").join(picture), path).unwrap();
            }
        }
    }
    let (before, after) = TINY.split_once("[[targets]]").unwrap();
    let rest = after.split_once("[transfer]").unwrap().1;
    let target =
        "[[targets]]\nname = \"pets\"\ntitle = \"Pets\"\nreader = \"images\"\npath = \"pets\"\n";
    let suite =
        format!("{before}{target}\n[transfer]{rest}").replace("seeds = [0, 1]", "seeds = [0]");
    let file = home.path().join("suite.toml");
    std::fs::write(&file, suite).unwrap();
    let out = home.path().join("run");
    let run = modalign(&[
        "report",
        "--suite",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let said = text(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(
        said.contains("pets: no folders train, valid and test"),
        "{said}"
    );
    let record = std::fs::read_to_string(out.join("run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["source"]["preprocess"]["origin"], "own");
    let inputs = record["inputs"].as_array().unwrap();
    assert!(inputs.iter().any(|input| input["name"] == "pets/"));
    let notes = record["notes"].to_string();
    assert!(notes.contains("pets: no folders train"), "{notes}");
    // The resolved suite finds the folder from where it is kept.
    let kept =
        modalign::suite::definition::Suite::resolve(out.join("config.toml").to_str().unwrap());
    assert!(kept.unwrap().targets[0].path.as_ref().unwrap().is_dir());
}

#[test]
fn domains_are_targets_of_their_own_with_labels_that_agree() {
    let home = tempfile::tempdir().unwrap();
    for place in ["art/cat", "art/dog", "photo/cat", "photo/dog", "photo/elk"] {
        for number in 0..12 {
            let path = home.path().join(format!("pets/{place}/{number}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::copy(our_fixture("preprocess/pictures/photo.png"), path).unwrap();
        }
    }
    let (before, after) = TINY.split_once("[[targets]]").unwrap();
    let rest = after.split_once("[transfer]").unwrap().1;
    let target = |domain: &str, more: &str| {
        format!(
            "[[targets]]\nname = \"{domain}\"\ntitle = \"Pets: {domain}\"\nreader = \"domains\"\npath = \"pets\"\n\
             domain = \"{domain}\"\ntrain = 6\n{more}\n"
        )
    };
    let suite = |more: &str, second: &str| {
        let targets = target("art", more) + &target(second, "");
        format!("{before}{targets}[transfer]{rest}").replace("seeds = [0, 1]", "seeds = [0]")
    };
    let file = home.path().join("suite.toml");
    let out = home.path().join("run");
    let report = |text: String, out: &std::path::Path| {
        std::fs::write(&file, text).unwrap();
        modalign(&[
            "report",
            "--suite",
            file.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ])
    };
    let refused = report(suite("classes = \"all\"", "photo"), &out);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    let refused = report(suite("", "phto"), &home.path().join("none"));
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("phto: domain: expected one of") && said.contains("art, photo"),
        "{said}"
    );
    let run = report(suite("", "photo"), &out);
    let said = text(&run.stderr);
    assert!(run.status.success(), "{said}");
    let record = std::fs::read_to_string(out.join("run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let notes = record["notes"].to_string();
    assert!(
        notes.contains("art: classes are the 3 of the domains art, photo"),
        "{notes}"
    );
    let inputs = record["inputs"].as_array().unwrap();
    for name in ["art/", "art/classes", "photo/", "photo/classes"] {
        assert!(
            inputs.iter().any(|input| input["name"] == name),
            "{name}: {inputs:?}"
        );
    }
    // A class that another domain gains moves labels: what was trained on them is not gone on with.
    std::fs::create_dir(home.path().join("pets/photo/ant")).unwrap();
    std::fs::copy(
        our_fixture("preprocess/pictures/photo.png"),
        home.path().join("pets/photo/ant/0.png"),
    )
    .unwrap();
    let stale = report(suite("", "photo"), &out);
    assert!(
        !stale.status.success() && text(&stale.stderr).contains("--refresh"),
        "{}",
        text(&stale.stderr)
    );
}
