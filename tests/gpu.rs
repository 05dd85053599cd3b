//! The program on a graphics device, its faults first: each ends in an error that says what to do, and
//! leaves what was done. Runs on software Vulkan as on a card (`make test-gpu`).

use std::path::Path;
use std::process::{Command, Output};

fn modalign(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(arguments)
        .envs(environment.iter().copied())
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const SUITE: &str = r#"
name = "tiny"
title = "Tiny"
data_seed = 0
source = { model = "demo", surrogate = { name = "surrogate", title = "Surrogate", reader = "demo-surrogate", train = 200, valid = 40, test = 100 } }
targets = [
    { name = "unseen", title = "Unseen", reader = "demo-unseen", train = 64, valid = 16, test = 32 },
]

[transfer]
seeds = [0]
methods = ["nft", "mona"]
train = { epochs = 2, batch = 16, learning_rate = 5e-4 }
stage1 = { epochs = 1, source_batch = 20 }
"#;

#[test]
fn without_a_driver_it_says_what_to_install() {
    let nowhere = [
        ("VK_DRIVER_FILES", "/nonexistent"),
        ("VK_ICD_FILENAMES", "/nonexistent"),
    ];
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("run");
    let arguments = ["report", "--suite", "demo", "--device", "wgpu", "--out"];
    let arguments = [&arguments[..], &[folder.to_str().unwrap()]].concat();
    let found = modalign(&arguments, &nowhere);
    assert_eq!(found.status.code(), Some(2), "{}", said(&found));
    assert!(said(&found).contains("Vulkan driver"), "{}", said(&found));
    assert!(!said(&found).contains("panicked"));
    let found = modalign(&["doctor"], &nowhere);
    assert!(found.status.success());
    let text = String::from_utf8_lossy(&found.stdout);
    assert!(text.contains("no graphics driver answers"), "{text}");
}

#[test]
fn an_adapter_that_is_not_there_is_refused() {
    let found = modalign(&["doctor", "--json"], &[]);
    let all: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let devices = all["devices"].as_object().unwrap();
    let state = devices["wgpu:0"].as_str().unwrap();
    println!("wgpu:0 {state}");
    assert!(state.contains("works") && state.contains("GB"), "{state}");
    let found = modalign(
        &[
            "probe", "--train", "x", "--test", "x", "--device", "wgpu:77",
        ],
        &[],
    );
    assert_eq!(found.status.code(), Some(2));
    assert!(said(&found).contains("adapters 0 to"), "{}", said(&found));
}

fn outcome(run: &Path, cell: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(run.join("cells").join(cell).join("outcome.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_sweep_trains_as_on_the_processor() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("tiny.toml");
    std::fs::write(&suite, SUITE).unwrap();
    let run = |device: &str| {
        let out = home.path().join(device);
        let arguments = [
            "sweep",
            "--suite",
            suite.to_str().unwrap(),
            "--device",
            device,
        ];
        let found = modalign(
            &[&arguments[..], &["--out", out.to_str().unwrap()]].concat(),
            &[],
        );
        assert!(found.status.success(), "{}", said(&found));
        out
    };
    let (here, there) = (run("flex"), run("wgpu"));
    for cell in ["unseen-nft-0", "unseen-mona-0"] {
        let [a, b] = [&here, &there].map(|run| outcome(run, cell));
        assert!(b["device"].as_str().unwrap().starts_with("wgpu ("), "{b}");
        let last = |o: &serde_json::Value| o["course"][1]["train_loss"].as_f64().unwrap();
        println!(
            "{cell}: training loss {} on flex, {} on wgpu",
            last(&a),
            last(&b)
        );
        assert!((last(&a) - last(&b)).abs() < 0.02 * last(&a));
    }
}

/// A batch whose activations no adapter holds, in the middle of a run that has a finished cell.
#[test]
fn out_of_memory_ends_in_an_error_and_keeps_what_is_done() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("tiny.toml");
    std::fs::write(&suite, SUITE).unwrap();
    let out = home.path().join("run");
    let sweep = |methods: &str, environment: &[(&str, &str)]| {
        let (suite, out) = (suite.to_str().unwrap(), out.to_str().unwrap());
        let arguments = [
            "sweep",
            "--suite",
            suite,
            "--device",
            "wgpu",
            "--out",
            out,
            "--methods",
            methods,
        ];
        modalign(&arguments, environment)
    };
    assert!(sweep("nft", &[]).status.success());
    let before = outcome(&out, "unseen-nft-0");
    let side = 6000;
    let image = home.path().join("large.npy");
    let head =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, {side}, {side}), }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((118u16).to_le_bytes());
    file.extend(format!("{head:<117}\n").bytes());
    file.resize(file.len() + 4 * 3 * side * side, 0);
    std::fs::write(&image, file).unwrap();
    let found = modalign(
        &[
            "extract",
            "--model",
            "demo",
            "--tensor",
            image.to_str().unwrap(),
            "--out",
            home.path().join("x.npz").to_str().unwrap(),
            "--device",
            "wgpu",
        ],
        &[],
    );
    println!("{}", said(&found));
    assert!(!found.status.success() && !said(&found).contains("panicked"));
    assert_eq!(outcome(&out, "unseen-nft-0"), before);
}
