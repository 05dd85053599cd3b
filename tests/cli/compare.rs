//! `modalign compare` from outside: two features files with a planted difference, a rotation of one,
//! what is refused, and that figures and page can be made again.

use super::measures::run_in;
use super::*;
use modalign::feature::file::{Arrays, write_arrays};
use modalign::feature::{FeatureSet, file};
use ndarray::Array2;
use serde_json::Value;
use std::fs;

const CLASSES: usize = 4;
const N: usize = 400;

/// Numbers that look random: sums of a hashed counter, about normal.
fn noise(seed: u64, n: usize, d: usize) -> Array2<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f32 / (1u64 << 53) as f32
    };
    Array2::from_shape_simple_fn((n, d), || (0..12).map(|_| uniform()).sum::<f32>() - 6.0)
}

fn labels() -> Vec<usize> {
    (0..N).map(|i| i * 7 % CLASSES).collect()
}

/// Four clouds, `apart` from each other.
fn clouds(seed: u64, d: usize, apart: f32) -> Array2<f32> {
    let mut x = noise(seed, N, d);
    for (row, label) in labels().into_iter().enumerate() {
        x[[row, label]] += apart;
    }
    x
}

fn write(home: &Path, name: &str, features: Array2<f32>, labels: Vec<usize>, names: &[&str]) {
    let names = names.iter().map(|name| name.to_string()).collect();
    let set = FeatureSet::new(features, labels, names).unwrap();
    file::write(&home.join(name), &set).unwrap();
}

const NAMES: [&str; CLASSES] = ["cat", "</script><img src=x onerror=1>", "=1+1", "ship"];

/// A folder with a good encoder, its reflection (a rotation of it, in f32 exactly), a poor one.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let good = clouds(1, 6, 2.5);
    let mut turned = Array2::zeros(good.dim());
    for column in 0..6 {
        let sign = if column % 2 == 0 { -1.0 } else { 1.0 };
        let from = good.column(5 - column).mapv(|v| sign * v);
        turned.column_mut(column).assign(&from);
    }
    write(home.path(), "good.npz", good, labels(), &NAMES);
    write(home.path(), "turned.safetensors", turned, labels(), &NAMES);
    write(home.path(), "poor.npz", clouds(2, 9, 0.8), labels(), &NAMES);
    home
}

const FAST: &str = "--iterations 30 --sample 120";

fn compared(home: &Path, words: &str) -> Value {
    let run = run_in(home, &format!("compare {words} {FAST} --json"));
    let (out, said) = (text(&run.stdout), text(&run.stderr));
    assert!(run.status.success() && said.is_empty(), "{words}: {said}");
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).unwrap()
}

fn verdicts(found: &Value, encoder: &str) -> Vec<(String, String)> {
    let all = found["differences"].as_array().unwrap().iter();
    let own = all.filter(|d| d["encoder"] == encoder);
    let word = |d: &Value, name: &str| d[name].as_str().unwrap().to_string();
    own.map(|d| (word(d, "measure"), word(d, "verdict")))
        .collect()
}

#[test]
fn marks_are_where_a_difference_was_planted_and_nowhere_else() {
    let home = home();
    let home = home.path();
    let words = "poor.npz good.npz turned.safetensors --reference good.npz --out out";
    let found = compared(home, words);
    assert_eq!(found["reference"], "good");
    let poor = verdicts(&found, "poor");
    for measure in [
        "probe-error",
        "balanced-error",
        "knn-accuracy",
        "silhouette",
    ] {
        assert!(poor.contains(&(measure.into(), "worse".into())), "{poor:?}");
    }
    let turned = verdicts(&found, "turned");
    assert_eq!(turned.len(), 8);
    assert!(turned.iter().all(|(_, v)| v == "not shown"), "{turned:?}");
    let cka = |a: usize, b: usize| found["cka"][a][b].as_f64().unwrap();
    assert!((cka(1, 2) - 1.0).abs() < 1e-6 && (cka(0, 1) - cka(1, 0)).abs() < 1e-12);
    assert!(cka(0, 1) < 0.9);
    let probe = |encoder: usize| {
        let probe = &found["encoders"][encoder]["measures"]["probe-error"];
        let end = |i: usize| probe["interval"][i].as_f64().unwrap();
        let value = probe["value"].as_f64().unwrap();
        assert!(end(0) <= value && value <= end(1));
        value
    };
    assert!(probe(0) > probe(1) + 0.1 && (probe(1) - probe(2)).abs() < 0.02);
    assert_eq!(found["encoders"][0]["dim"], 9);
    assert_eq!(
        found["class_differences"].as_array().unwrap().len(),
        2 * CLASSES
    );
    let parts = &found["samples"];
    assert_eq!(
        [&parts["all"], &parts["train"], &parts["test"]],
        [400, 200, 200]
    );

    let page = fs::read_to_string(home.join("out/comparison.html")).unwrap();
    let percent = format!("{:.1}\u{a0}%", 100.0 * probe(0));
    assert!(page.contains(&percent), "{percent} is not on the page");
    let body = page.split_once("</style>").unwrap().1;
    assert!(!body.contains("</script") && !body.contains("<img"));
    let classes = fs::read_to_string(home.join("out/tables/classes.csv")).unwrap();
    assert!(classes.contains("'=1+1"), "formulas are defused");
    let record: Value =
        serde_json::from_slice(&fs::read(home.join("out/compare.json")).unwrap()).unwrap();
    assert_eq!(
        record["encoders"][0]["sha256"],
        found["encoders"][0]["sha256"]
    );
    assert_eq!(record["settings"]["seed"], 0);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_figures_are_drawn_again() {
    let home = home();
    let home = home.path();
    for out in ["one", "two"] {
        let run = run_in(
            home,
            &format!("compare good.npz poor.npz {FAST} --out {out}"),
        );
        assert!(run.status.success(), "{}", text(&run.stderr));
        let said = text(&run.stdout);
        assert_eq!(
            said.lines().last(),
            Some(&*format!("{out}/comparison.html"))
        );
        assert!(
            said.contains("good (reference)") && said.contains("worse +"),
            "{said}"
        );
    }
    let read = |name: &str| fs::read(home.join(name)).unwrap();
    let tables = [
        "measures",
        "differences",
        "classes",
        "cka",
        "tsne",
        "samples",
    ];
    for table in tables.map(|name| format!("tables/{name}.csv")) {
        assert!(
            read(&format!("one/{table}")) == read(&format!("two/{table}")),
            "{table}"
        );
    }
    for file in ["compare.json", "comparison.html", "figures/fig1.svg"] {
        assert!(
            read(&format!("one/{file}")) == read(&format!("two/{file}")),
            "{file}"
        );
    }
    let run = run_in(home, "figures one --out again");
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(text(&run.stdout).lines().count(), 8);
    for number in 1..=4 {
        let name = format!("fig{number}.svg");
        assert!(
            read(&format!("one/figures/{name}")) == read(&format!("again/{name}")),
            "{name}"
        );
    }
    assert_eq!(run_in(home, "figures one --only 7").status.code(), Some(1));
    // Without --out the folder is named by what is compared.
    let first = compared(home, "good.npz poor.npz");
    let folder = first["folder"].as_str().unwrap();
    assert!(folder.starts_with("runs/compare-"), "{folder}");
    assert_eq!(compared(home, "good.npz poor.npz")["folder"], folder);
    assert_ne!(
        compared(home, "good.npz poor.npz --seed 1")["folder"],
        folder
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let home = home();
    let home = home.path();
    let refused = |words: &str, code: i32, parts: &[&str]| {
        let run = run_in(home, &format!("compare {words} {FAST} --out refused"));
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(code), "{words}: {said}");
        assert!(
            run.stdout.is_empty() && !said.contains("panicked"),
            "{said}"
        );
        for part in parts {
            assert!(said.contains(part), "{words}: {part:?} in {said}");
        }
    };
    refused("good.npz", 2, &["encoders: expected at least 2", "found 1"]);
    refused("good.npz none.npz", 1, &["none.npz"]);
    refused(
        "good.npz poor.npz --reference bad",
        2,
        &["--reference", "\"poor\"", "\"bad\""],
    );
    refused(
        "good.npz poor.npz --train-share 1",
        2,
        &["--train-share", "between 0 and 1"],
    );
    refused("good.npz demo", 2, &["demo", "--images"]);
    write(
        home,
        "short.npz",
        clouds(3, 6, 1.0).slice_move(ndarray::s![..9, ..]),
        labels()[..9].to_vec(),
        &NAMES,
    );
    refused(
        "good.npz short.npz",
        1,
        &["short: samples: expected 400", "found 9"],
    );
    let mut other = labels();
    other[11] = (other[11] + 1) % CLASSES;
    write(home, "other.npz", clouds(3, 6, 1.0), other, &NAMES);
    refused("good.npz other.npz", 1, &["other: labels, row 11"]);
    write(
        home,
        "names.npz",
        clouds(3, 6, 1.0),
        labels(),
        &["cat", "a", "b", "ship"],
    );
    refused(
        "good.npz names.npz",
        1,
        &["names: class_names", "class 1 \"a\""],
    );
    let mut bad = modalign::files::npy::header("<f4", &[2, 2]);
    bad.extend(
        [1.0f32, 2.0, 3.0, f32::NAN]
            .iter()
            .flat_map(|v| v.to_le_bytes()),
    );
    fs::write(home.join("bad.npy"), bad).unwrap();
    let mut two = modalign::files::npy::header("<i8", &[2]);
    two.extend([0i64, 1].iter().flat_map(|v| v.to_le_bytes()));
    fs::write(home.join("two.npy"), two).unwrap();
    refused("bad.npy bad.npy", 2, &["bad.npy", "--labels"]);
    refused(
        "bad.npy bad.npy --labels two.npy",
        1,
        &["bad.npy", "row 1, column 1"],
    );
    write(home, "one.npz", noise(1, 30, 3), vec![0; 30], &["only"]);
    refused(
        "one.npz one.npz",
        1,
        &["classes with training samples", "found 1"],
    );
    assert!(
        !home.join("refused/tables").exists(),
        "nothing half-written"
    );
    fs::create_dir(home.join("mine")).unwrap();
    fs::write(home.join("mine/thesis.tex"), "").unwrap();
    let run = run_in(
        home,
        &format!("compare good.npz poor.npz {FAST} --out mine"),
    );
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("choose another --out"));
    assert_eq!(fs::read_dir(home.join("mine")).unwrap().count(), 1);
}

#[test]
fn two_test_samples_show_nothing() {
    // The same features, but for the four samples of a rare class: two of them in the test part.
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let n = 400;
    let labels: Vec<usize> = (0..n + 4).map(|i| if i < n { i % 2 } else { 2 }).collect();
    let mut poor = noise(3, n + 4, 6);
    for (row, &label) in labels.iter().enumerate() {
        poor[[row, 0]] += 2.0 * f32::from(u8::from(label == 1));
    }
    let mut good = poor.clone();
    for row in n..n + 4 {
        (1..4).for_each(|column| good[[row, column]] += 40.0);
    }
    let names = ["a", "b", "rare"];
    write(home, "good.npz", good, labels.clone(), &names);
    write(home, "poor.npz", poor, labels, &names);
    let found = compared(home, "good.npz poor.npz --out out");
    let all = found["differences"].as_array().unwrap().iter();
    let classes = found["class_differences"].as_array().unwrap().iter();
    let rates = ["probe-error", "balanced-error"];
    for d in all
        .filter(|d| rates.contains(&d["measure"].as_str().unwrap()))
        .chain(classes)
    {
        assert_eq!(d["beyond_noise"], false, "{d}");
        assert!(d["p"].as_f64().unwrap() > 0.05, "{d}");
        let ends = d["interval"].as_array().unwrap();
        let [low, high] = [&ends[0], &ends[1]].map(|end| end.as_f64().unwrap());
        assert!(-1.0 <= low && low < high && high <= 1.0, "{d}");
    }
    let balanced = |encoder: usize| {
        let own = &found["encoders"][encoder]["measures"]["balanced-error"];
        own["value"].as_f64().unwrap()
    };
    assert!(
        balanced(1) > balanced(0) + 0.3,
        "the rare class is a third of the error"
    );
}

#[test]
fn a_folder_is_written_by_one_process_and_is_none_of_its_inputs() {
    let home = home();
    let home = home.path();
    let run = |words: &str| run_in(home, &format!("compare {words} --iterations 0"));
    assert!(run("good.npz poor.npz --out out").status.success());
    let path = home.join("out/compare.lock");
    let lock = fs::File::options().read(true).write(true).open(&path);
    let lock = lock.unwrap();
    lock.try_lock().unwrap();
    fs::write(&path, "process 4711\n").unwrap();
    let record = fs::read(home.join("out/compare.json")).unwrap();
    let refused = run("poor.npz good.npz --out out");
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("process 4711 is working in this folder"),
        "{said}"
    );
    assert_eq!(fs::read(home.join("out/compare.json")).unwrap(), record);
    drop(lock);
    assert!(run("poor.npz good.npz --out out").status.success());
    assert_ne!(fs::read(home.join("out/compare.json")).unwrap(), record);

    // A features file inside what a comparison clears; a folder inside a run, or the run itself.
    fs::copy(home.join("good.npz"), home.join("out/tables/good.npz")).unwrap();
    fs::create_dir_all(home.join("run/features")).unwrap();
    fs::write(home.join("run/config.toml"), TINY).unwrap();
    fs::write(home.join("run/run.json"), "{}").unwrap();
    for part in ["train", "test"] {
        for id in ["pretrained", "emg-nft-0"] {
            let name = format!("run/features/{id}-{part}.safetensors");
            write(home, &name, clouds(1, 5, 2.0), labels(), &NAMES);
        }
    }
    for words in [
        "out/tables/good.npz poor.npz --out out",
        "out/tables/good.npz poor.npz --out ./out/../out",
        "good.npz poor.npz --out good.npz",
        "run --out run",
        "run --out run/new/inner",
        "run --out run/tables",
    ] {
        let refused = run(words);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{words}: {said}");
        assert!(
            said.contains("--out: expected a folder apart from"),
            "{words}: {said}"
        );
    }
    assert!(home.join("out/tables/good.npz").exists() && !home.join("run/new").exists());
    assert!(run("run --out beside").status.success());
}

#[test]
fn labels_that_leave_no_part_are_named_with_their_file() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let said = |name: &str, labels: Vec<usize>| {
        let count = labels.iter().max().unwrap() + 1;
        let names: Vec<String> = (0..count).map(|i| format!("class {i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let features = noise(1, labels.len(), 3);
        write(home, name, features, labels, &names);
        let run = run_in(home, &format!("compare {name} {name} {FAST} --out out"));
        assert_eq!(run.status.code(), Some(1), "{name}");
        text(&run.stderr)
    };
    for (name, labels, found) in [
        (
            "all.npz",
            (0..30).collect(),
            "30 samples of 30 classes, no class with more than 1",
        ),
        (
            "few.npz",
            vec![0, 1, 0, 1],
            "4 samples of 2 classes, no class with more than 2",
        ),
    ] {
        let said = said(name, labels);
        for part in [
            name,
            "to fit a probe on, to choose its C on, to test on",
            found,
        ] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
    let one = said("one.npz", vec![0; 30]);
    for part in [
        "labels of one.npz",
        "at least 2 classes",
        "found 1 (class 0",
    ] {
        assert!(one.contains(part), "{part:?} in {one}");
    }
    assert!(!home.join("out/tables").exists());
}

#[test]
fn models_are_asked_about_images_and_runs_give_their_encoders() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let mut arrays = Arrays::default();
    let pixels = noise(9, 40, 3 * 32 * 32).into_raw_vec_and_offset().0;
    arrays.append("pixels", &[40, 3, 32, 32], pixels);
    write_arrays(&home.join("in.safetensors"), &arrays).unwrap();
    let mut two = modalign::files::npy::header("<i8", &[40]);
    two.extend((0..40i64).flat_map(|i| (i % 2).to_le_bytes()));
    fs::write(home.join("y.npy"), two).unwrap();
    let model = our_fixture("swin-cifar").display().to_string();
    let images = "--images in.safetensors:pixels --labels y.npy";
    let options = "--image-size 32 --out models";
    let found = compared(home, &format!("{model} real-mini {images} {options}"));
    let page = fs::read_to_string(home.join("models/comparison.html")).unwrap();
    assert!(page.contains(" --image-size 32 --labels LABELS.npy"));
    assert_eq!(found["encoders"][0]["title"], "swin-cifar");
    assert_eq!(found["encoders"][1]["kind"], "model");
    assert!(found["encoders"][1]["labels_sha256"].is_string());
    assert_eq!(found["samples"]["all"], 40);
    // A run folder as a finished report leaves it, with the features of two encoders.
    fs::create_dir_all(home.join("run/features")).unwrap();
    fs::write(home.join("run/config.toml"), TINY).unwrap();
    fs::write(home.join("run/run.json"), "{}").unwrap();
    for (id, seed) in [("pretrained", 1), ("emg-nft-0", 2)] {
        for (part, more) in [("train", 0), ("test", 10)] {
            let name = format!("run/features/{id}-{part}.safetensors");
            write(home, &name, clouds(seed + more, 5, 2.0), labels(), &NAMES);
        }
    }
    let found = compared(home, "run --out out");
    let titles = |i: usize| found["encoders"][i]["title"].as_str().unwrap().to_string();
    assert_eq!(titles(0), "Pretrained");
    assert_eq!(titles(1), "EMG <b>& · nft · seed 0");
    assert_eq!(found["samples"]["train"], N);
    assert_eq!(found["samples"]["test"], N);
    let page = fs::read_to_string(home.join("out/comparison.html")).unwrap();
    assert!(page.contains("EMG &lt;b&gt;&amp;"));
}
