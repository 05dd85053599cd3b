//! `modalign probe`, `tsne` and `discrepancy` on files as NumPy and PyTorch write them: values
//! against scikit-learn and SciPy, the fields of the JSON, and files that are wrong in every way.

use super::*;
use modalign::feature::{FeatureSet, file};
use modalign::files::npy::{self, header};
use ndarray::{Array2, Ix2};
use serde_json::Value;
use std::io::Read;

/// A folder with the probe fixture as arrays of their own: `train_x.npy` and so on.
pub(super) fn probe_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for name in ["train_x", "train_y", "test_x", "test_y"] {
        let bytes = member("probe/data.npz", name);
        std::fs::write(home.path().join(format!("{name}.npy")), bytes).unwrap();
    }
    home
}

/// The bytes of one array of an npz fixture.
fn member(archive: &str, name: &str) -> Vec<u8> {
    let file = std::fs::File::open(fixture(archive)).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut bytes = Vec::new();
    let mut member = archive.by_name(&format!("{name}.npy")).unwrap();
    member.read_to_end(&mut bytes).unwrap();
    bytes
}

fn matrix(bytes: &[u8]) -> Array2<f64> {
    let values = npy::parse(bytes).unwrap().to_f64().unwrap();
    values.into_dimensionality::<Ix2>().unwrap()
}

/// Runs in a folder; arguments are words.
pub(super) fn run_in(home: &Path, words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(words.split_whitespace())
        .current_dir(home)
        .output()
        .expect("the program starts")
}

/// Runs with `--json`, expects one object on stdout and nothing on stderr, and returns it.
pub(super) fn found(home: &Path, words: &str) -> Value {
    let run = run_in(home, &format!("{words} --json"));
    let (out, said) = (text(&run.stdout), text(&run.stderr));
    assert!(run.status.success() && said.is_empty(), "{words}: {said}");
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(&out).unwrap()
}

/// The same without what differs from run to run.
fn timeless(mut value: Value) -> Value {
    assert!(value["seconds"].as_f64().unwrap() >= 0.0);
    value.as_object_mut().unwrap().remove("seconds");
    value
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

pub(super) const ARRAYS: &str = "probe --train train_x.npy --train-labels train_y.npy --test test_x.npy --test-labels test_y.npy";

#[test]
fn the_probe_reaches_scikit_learns_optimum() {
    let home = probe_home();
    let path = fixture("probe/expected.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for c in ["0.01", "0.316", "10.0"] {
        let probe = found(
            home.path(),
            &format!("{ARRAYS} --standardize false --c {c}"),
        );
        let want = &expected["by_C"][c];
        let objective = want["objective"].as_f64().unwrap();
        let off = (probe["objective"].as_f64().unwrap() - objective).abs() / objective;
        assert!(off < 1e-6, "C = {c}: objective off by {off:.1e}");
        let (error, want) = (&probe["error"], want["test_error"].as_f64().unwrap());
        let error = error.as_f64().unwrap();
        let rows: Vec<Vec<usize>> = serde_json::from_value(probe["confusion"].clone()).unwrap();
        let all: usize = rows.iter().flatten().sum();
        let right: usize = (0..rows.len()).map(|class| rows[class][class]).sum();
        assert!((error - want).abs() * all as f64 <= 1.0 + 1e-9, "{error}");
        assert!((error - (all - right) as f64 / all as f64).abs() < 1e-12);
        let [low, high] = [0, 1].map(|end| probe["interval"][end].as_f64().unwrap());
        assert!(low < error && error < high);
        assert_eq!(probe["c"].as_f64(), c.parse().ok());
        let mut fields = vec!["error", "objective", "c", "iterations", "seconds"];
        fields.extend(["interval", "confusion", "balanced_error"]);
        fields.extend([
            "balanced_interval",
            "converged",
            "groups",
            "groups_per_class",
        ]);
        fields.sort_unstable();
        assert_eq!(keys(&probe), fields);
    }
}

#[test]
fn every_file_format_gives_the_same_probe() {
    let home = probe_home();
    let want = timeless(found(home.path(), ARRAYS));
    assert_eq!(want["c"], 0.316);
    for name in ["train", "test"] {
        let read = |part| std::fs::read(home.path().join(format!("{name}_{part}.npy"))).unwrap();
        let features = matrix(&read("x")).mapv(|v| v as f32);
        let labels = npy::parse(&read("y")).unwrap().to_i64().unwrap();
        let labels = labels.iter().map(|&label| label as usize).collect();
        let names = (0..7).map(|class| format!("class {class}")).collect();
        let set = FeatureSet::new(features, labels, names).unwrap();
        for ending in ["npz", "safetensors"] {
            file::write(&home.path().join(format!("{name}.{ending}")), &set).unwrap();
        }
    }
    for files in [
        "--train train.npz --test test.safetensors",
        "--train train.npz --test test.npz",
    ] {
        assert_eq!(
            timeless(found(home.path(), &format!("probe {files}"))),
            want
        );
    }
    // A file without names takes those of the other.
    let mixed = "probe --train train.npz --test test_x.npy --test-labels test_y.npy";
    assert_eq!(timeless(found(home.path(), mixed)), want);
    let shown = run_in(home.path(), mixed);
    let out = text(&shown.stdout);
    assert!(
        out.contains("Linear probe: error") && out.contains("3 class 3"),
        "{out}"
    );
}

#[test]
fn a_sweep_chooses_on_what_it_was_given() {
    let home = probe_home();
    let valid = "--sweep --valid test_x.npy --valid-labels test_y.npy";
    let given = found(home.path(), &format!("{ARRAYS} {valid}"));
    let tried = given["sweep"].as_array().unwrap();
    assert_eq!(tried.len(), 11);
    let error = |point: &Value| point["valid_error"].as_f64().unwrap();
    let best = tried.iter().map(error).fold(f64::INFINITY, f64::min);
    let first = tried.iter().find(|point| error(point) == best).unwrap();
    assert_eq!(
        (&given["c"], &given["error"]),
        (&first["c"], &first["valid_error"])
    );
    let held = |seed| {
        timeless(found(
            home.path(),
            &format!("{ARRAYS} --sweep --seed {seed}"),
        ))
    };
    let (zero, one) = (held(0), held(1));
    assert_eq!(zero, held(0), "same seed, same result");
    assert_ne!(zero["sweep"], one["sweep"]);
    // The reported probe is fitted on all training samples.
    let fixed = found(home.path(), &format!("{ARRAYS} --c {}", zero["c"]));
    assert_eq!(
        (&zero["objective"], &zero["error"]),
        (&fixed["objective"], &fixed["error"])
    );
}

#[test]
fn a_map_is_written_for_numpy_and_drawn() {
    let home = probe_home();
    let map = |seed: u64, out: &str| {
        let words =
            format!("tsne --features test_x.npy --iterations 100 --seed {seed} --out {out}");
        let said = found(home.path(), &words);
        assert_eq!(
            keys(&said),
            [
                "converged",
                "engine",
                "kl",
                "perplexity",
                "seconds",
                "trustworthiness"
            ]
        );
        assert_eq!(said["engine"], "exact");
        (
            timeless(said),
            std::fs::read(home.path().join(out)).unwrap(),
        )
    };
    let (said, bytes) = map(0, "a.npy");
    assert_eq!(matrix(&bytes).dim(), (400, 2));
    assert!(text(&bytes[..64]).contains("'<f8'"));
    assert!(said["kl"].as_f64().unwrap() > 0.0 && said["trustworthiness"].as_f64().unwrap() > 0.7);
    assert_eq!(
        map(0, "new/b.npy"),
        (said, bytes.clone()),
        "same seed, same bytes"
    );
    assert_ne!(map(1, "c.npy").1, bytes);
    let drawn = "tsne --features test_x.npy --labels test_y.npy --iterations 20 --pca none";
    for name in ["map.svg", "map.png"] {
        let run = run_in(home.path(), &format!("{drawn} --out d.npy --figure {name}"));
        assert!(run.status.success(), "{}", text(&run.stderr));
        assert!(text(&run.stdout).contains(name));
    }
    let svg = std::fs::read_to_string(home.path().join("map.svg")).unwrap();
    assert!(svg.contains("KL ") && !svg.contains("surrogate"));
    assert!(
        std::fs::read(home.path().join("map.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    let linfa = found(
        home.path(),
        "tsne --features test_x.npy --iterations 50 --engine linfa --out e.npy",
    );
    assert_eq!(linfa["engine"], "linfa");
}

fn save(home: &Path, name: &str, values: &Array2<f64>) {
    file::array::write_matrix(&home.join(name), values.view()).unwrap();
}

fn save_labels(home: &Path, name: &str, labels: &[i64]) {
    let mut bytes = header("<i8", &[labels.len()]);
    bytes.extend(labels.iter().flat_map(|label| label.to_le_bytes()));
    std::fs::write(home.join(name), bytes).unwrap();
}

#[test]
fn assignments_cost_what_scipys_do() {
    let home = tempfile::tempdir().unwrap();
    let path = fixture("assignment/expected.json");
    let expected: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for name in ["square", "wide", "ties", "large"] {
        let cost = matrix(&member("assignment/costs.npz", name));
        let (target, source) = cost.dim();
        // One sample a class, whose probabilities fall with the costs; what is missing to one is
        // spread so thinly over further classes that none of these is worth choosing.
        let most = cost.iter().fold(0.0f64, |most, &v| most.max(v));
        let weight = cost.mapv(|v| most - v);
        let scale = weight.outer_iter().map(|row| row.sum()).fold(0.0, f64::max);
        let extra = 2000;
        let p = Array2::from_shape_fn((target, source + extra), |(row, column)| {
            match weight.get((row, column)) {
                Some(weight) => weight / scale,
                None => (1.0 - weight.row(row).sum() / scale) / extra as f64,
            }
        });
        save(home.path(), "p.npy", &p);
        save_labels(
            home.path(),
            "y.npy",
            &(0..target as i64).collect::<Vec<_>>(),
        );
        let d = found(
            home.path(),
            "discrepancy --source-probs p.npy --target-labels y.npy --null 0 --bootstrap 0",
        );
        let n = target as f64;
        let total = n * most - (1.0 - d["value"].as_f64().unwrap()) * n * scale;
        let want = expected["minimum_total"][name].as_f64().unwrap();
        assert!((total - want).abs() < 1e-9, "{name}: {total} for {want}");
        assert_eq!((&d["gap"], &d["certified"]), (&0.0.into(), &true.into()));
        assert_eq!(d["null_mean"], Value::Null);
    }
}

/// 120 samples of three classes; the source favours class 4 − c.
fn discrepancy_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let labels: Vec<i64> = (0..120).map(|i| i % 3).collect();
    let p = Array2::from_shape_fn((120, 5), |(i, k)| {
        let noise = ((i * 7 + k * 13) % 11) as f64 / 22.0;
        noise + if k as i64 == 4 - labels[i] { 1.0 } else { 0.1 }
    });
    let sums = p.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
    save(home.path(), "p.npy", &(p / sums));
    let one_hot = |(i, c): (usize, usize)| f64::from(u8::from(labels[i] == c as i64));
    save(
        home.path(),
        "t.npy",
        &Array2::from_shape_fn((120, 3), one_hot),
    );
    save_labels(home.path(), "y.npy", &labels);
    home
}

const DISCREPANCY: &str = "discrepancy --source-probs p.npy --target-labels y.npy";

#[test]
fn the_discrepancy_tells_its_assignment_and_its_null() {
    let home = discrepancy_home();
    let d = found(home.path(), DISCREPANCY);
    let mut fields = vec![
        "value",
        "lower_bound",
        "gap",
        "certified",
        "assignment",
        "null_mean",
    ];
    fields.extend([
        "null_interval",
        "chance",
        "normalized",
        "interval",
        "seconds",
    ]);
    fields.extend(["infimum_interval", "converged", "samples", "groups"]);
    fields.push("groups_per_class");
    fields.sort_unstable();
    assert_eq!(keys(&d), fields);
    let none = [&d["interval"], &d["infimum_interval"]];
    assert_eq!(none, [&Value::Null; 2], "nothing is held out");
    assert_eq!(d["assignment"], serde_json::json!([4, 3, 2]));
    let [value, null, chance] = ["value", "null_mean", "chance"].map(|k| d[k].as_f64().unwrap());
    assert!(value < null && (chance - 0.8).abs() < 1e-9);
    assert!((d["normalized"].as_f64().unwrap() - value / null).abs() < 1e-12);
    assert_eq!(
        timeless(d.clone()),
        timeless(found(home.path(), DISCREPANCY))
    );
    for search in ["brute", "greedy"] {
        let other = found(home.path(), &format!("{DISCREPANCY} --search {search}"));
        assert!((other["value"].as_f64().unwrap() - value).abs() < 1e-12);
    }
    let soft = "discrepancy --source-probs p.npy --target-probs t.npy";
    assert_eq!(timeless(found(home.path(), soft)), timeless(d));
    let held = |share: &str| timeless(found(home.path(), &format!("{DISCREPANCY} {share}")));
    assert_eq!(held("--holdout"), held("--holdout 0.5"));
    assert_ne!(held("--holdout"), held("--holdout 0.5 --seed 1"));
    let shown = text(&run_in(home.path(), &format!("{DISCREPANCY} --holdout")).stdout);
    assert!(shown.contains("0→4 1→3 2→2"), "{shown}");
    assert!(shown.contains("60 samples held out of 120"), "{shown}");
    // A target class without a sample has no source class.
    save_labels(
        home.path(),
        "y.npy",
        &(0..120).map(|i| 2 * (i % 2)).collect::<Vec<_>>(),
    );
    assert_eq!(
        found(home.path(), DISCREPANCY)["assignment"][1],
        Value::Null
    );
}

#[test]
fn renormalised_divergences_tell_what_they_prove() {
    let home = discrepancy_home();
    let of = |words: &str| found(home.path(), &format!("{DISCREPANCY} --null 5 {words}"));
    for divergence in ["nll-renormalized", "kl-renormalized", "tv-renormalized"] {
        let [exact, brute, local, greedy] = ["exact", "brute", "local", "greedy"]
            .map(|s| of(&format!("--divergence {divergence} --search {s}")));
        let value = |d: &Value| d["value"].as_f64().unwrap();
        assert_eq!(
            (&exact["certified"], &brute["certified"]),
            (&true.into(), &true.into())
        );
        assert!((value(&exact) - value(&brute)).abs() < 1e-9);
        assert!(value(&exact) <= value(&local) + 1e-9 && value(&local) <= value(&greedy) + 1e-9);
        assert!(local["lower_bound"].as_f64().unwrap() <= value(&exact) + 1e-9);
        assert_eq!(exact["assignment"], serde_json::json!([4, 3, 2]));
        let chance = if divergence == "tv-renormalized" {
            2.0 / 3.0
        } else {
            3f64.ln()
        };
        assert!((exact["chance"].as_f64().unwrap() - chance).abs() < 1e-12);
        assert!(value(&exact) < exact["null_mean"].as_f64().unwrap());
    }
    let shown = run_in(
        home.path(),
        &format!("{DISCREPANCY} --divergence nll-renormalized"),
    );
    let shown = text(&shown.stdout);
    assert!(
        shown.contains("proven minimal") && shown.contains("equally probable"),
        "{shown}"
    );
}

#[test]
fn precision_and_order_of_the_file_do_not_matter() {
    let home = discrepancy_home();
    let want = found(home.path(), DISCREPANCY);
    // The same numbers column after column, which cannot be read in blocks.
    let path = home.path().join("p.npy");
    let bytes = std::fs::read(&path).unwrap();
    let (head, data) = bytes.split_at(bytes.len() - 120 * 5 * 8);
    let head = String::from_utf8_lossy(&head[10..]).replace("False", "True ");
    let start = bytes[..10].to_vec();
    let turned = (0..5).flat_map(|k| (0..120).map(move |i| (i * 5 + k) * 8));
    let data = turned.flat_map(|at| data[at..at + 8].to_vec());
    std::fs::write(&path, [start, head.into_bytes(), data.collect()].concat()).unwrap();
    assert_eq!(timeless(found(home.path(), DISCREPANCY)), timeless(want));
}

#[test]
fn samples_of_several_classes_are_matched_by_their_positives() {
    let home = discrepancy_home();
    let hot = Array2::from_shape_fn((120, 3), |(i, c)| {
        f64::from(u8::from(i % 3 == c || (i % 4 == 0 && c == 2)))
    });
    save(home.path(), "m.npy", &hot);
    let words = "discrepancy --source-probs p.npy --target-labels m.npy";
    let d = found(home.path(), words);
    assert_eq!(d["assignment"], serde_json::json!([4, 3, 2]));
    let shown = text(&run_in(home.path(), &format!("{words} --holdout")).stdout);
    assert!(shown.contains("positives are its samples"), "{shown}");
    save(home.path(), "m.npy", &(hot * 0.5));
    let said = text(&run_in(home.path(), words).stderr);
    assert!(
        said.contains("m.npy: target labels: row 0") && said.contains("0 or 1"),
        "{said}"
    );
}

#[test]
fn matched_classes_are_named_tabled_and_drawn() {
    let home = discrepancy_home();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write("s.txt", "ant\nbee\ncat\n=dog()\n</svg>\n");
    write("t.txt", "left\nright\nup\n");
    let named = format!("{DISCREPANCY} --source-names s.txt --target-names t.txt");
    for file in ["map.svg", "map.png"] {
        let words = format!("{named} --csv pairs.csv --figure {file}");
        let shown = text(&run_in(home.path(), &words).stdout);
        assert!(
            shown.contains("up     →  cat") && shown.contains("pairs.csv"),
            "{shown}"
        );
        assert!(std::fs::metadata(home.path().join(file)).unwrap().len() > 2000);
    }
    let svg = std::fs::read_to_string(home.path().join("map.svg")).unwrap();
    assert!(svg.contains("&lt;/svg&gt;") && svg.matches("</svg>").count() == 1);
    let table = std::fs::read_to_string(home.path().join("pairs.csv")).unwrap();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(
        lines[0][..4],
        ["target_class", "target_name", "source_class", "source_name"]
    );
    assert_eq!(lines[2][..4], ["1", "right", "3", "'=dog()"]);
    let [p, samples, margin] = [4, 5, 8].map(|at| lines[1][at].parse::<f64>().unwrap());
    assert!(samples == 40.0 && p > 0.3 && margin > 0.0 && margin < p);
    write("t.txt", "left\n");
    let run = run_in(home.path(), &named);
    assert_eq!(run.status.code(), Some(1));
    assert!(
        text(&run.stderr).contains("t.txt: names of target classes: expected 3 lines,"),
        "{}",
        text(&run.stderr)
    );
    let run = run_in(home.path(), &format!("{DISCREPANCY} --figure map.gif"));
    assert_eq!(run.status.code(), Some(2));
}
