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

/// A suite of two targets, of 64 and of `large` training samples, in batches of at most `batch`.
fn suite(home: &Path, large: usize, batch: usize) -> String {
    let target = |name: &str, train: usize| {
        format!(
            "[[targets]]\nname = \"{name}\"\ntitle = \"{name}\"\nreader = \"demo-unseen\"\ntrain = {train}\nvalid = 16\ntest = 32\n\n"
        )
    };
    let text = format!(
        r#"
name = "tiny"
title = "Tiny"

[source]
model = "demo"

[surrogate]
name = "surrogate"
title = "Surrogate"
reader = "demo-surrogate"
train = 100
valid = 40
test = 40

{}{}
[transfer]
seeds = [0]
methods = ["nft", "mona"]
train = {{ epochs = 2, batch = {batch}, learning_rate = 5e-4 }}
stage1 = {{ epochs = 1, source_batch = 20 }}
"#,
        target("small", 64),
        target("large", large)
    );
    let path = home.join("tiny.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Sweeps the suite into `out`.
fn sweep(suite: &str, out: &Path, more: &[&str]) -> Output {
    let arguments = ["sweep", "--suite", suite, "--out", out.to_str().unwrap()];
    modalign(&[&arguments, more].concat(), &[])
}

/// What `doctor` says of the first adapter.
fn first_adapter() -> String {
    let found = modalign(&["doctor", "--json"], &[]);
    let all: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    all["devices"]["wgpu:0"].as_str().unwrap().to_owned()
}

fn outcome(run: &Path, cell: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(run.join("cells").join(cell).join("cell.json"));
    serde_json::from_str(&text.unwrap()).unwrap()
}

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
fn doctor_lists_adapters_and_others_are_refused() {
    let state = first_adapter();
    println!("wgpu:0 {state}");
    assert!(state.contains("works") && state.contains("GB"), "{state}");
    let probe = [
        "probe", "--train", "x", "--test", "x", "--device", "wgpu:77",
    ];
    let found = modalign(&probe, &[]);
    assert_eq!(found.status.code(), Some(2));
    assert!(said(&found).contains("modalign doctor"), "{}", said(&found));
}

#[test]
fn a_sweep_trains_as_on_the_processor() {
    let home = tempfile::tempdir().unwrap();
    let suite = suite(home.path(), 64, 16);
    let run = |device: &str| {
        let out = home.path().join(device);
        let more = ["--device", device, "--targets", "small"];
        let found = sweep(&suite, &out, &more);
        assert!(found.status.success(), "{}", said(&found));
        out
    };
    let (here, there) = (run("flex"), run("wgpu"));
    for cell in ["small-nft-0", "small-mona-0"] {
        let [a, b] = [&here, &there].map(|run| outcome(run, cell));
        assert!(b["device"].as_str().unwrap().starts_with("wgpu ("), "{b}");
        let last = |o: &serde_json::Value| o["course"][1]["train_loss"].as_f64().unwrap();
        println!(
            "{cell}: training loss {} on flex, {} on wgpu",
            last(&a),
            last(&b)
        );
        assert!((last(&a) - last(&b)).abs() < 0.01 * last(&a));
    }
}

/// A batch whose activations the adapter does not hold, after a cell that is done.
#[test]
fn out_of_memory_ends_in_an_error_and_keeps_what_is_done() {
    let adapters = modalign::model::device::adapters::all();
    if !adapters.first().is_some_and(|adapter| adapter.software()) {
        println!("skipped: a card may hold any batch; tried on software Vulkan, which has 2 GB");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let suite = suite(home.path(), 4096, 4096);
    let out = home.path().join("run");
    let found = sweep(&suite, &out, &["--device", "wgpu", "--methods", "nft"]);
    println!("{}", said(&found));
    assert_eq!(found.status.code(), Some(1));
    let words = said(&found);
    assert!(
        words.contains("out of memory") && words.contains("micro_batch"),
        "{words}"
    );
    assert!(!words.contains("panicked"), "{words}");
    assert_eq!(
        outcome(&out, "small-nft-0")["course"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(!out.join("cells/large-nft-0/cell.json").exists());
}

/// A device that goes away in the middle of training: the error names it, and comes at the next reading.
#[test]
fn a_lost_device_ends_in_an_error() {
    use modalign::model::device::fault;
    use modalign::transfer::selftest::selftest;
    use std::time::Duration;
    let (device, setup) = burn::tensor::Device::wgpu_options()
        .init_with_setup()
        .unwrap();
    // Kernels are compiled once, so that what follows is training.
    assert!(selftest(&device, Duration::ZERO).unwrap().agrees());
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        setup.device.destroy();
    });
    let found = fault::guarded("wgpu", || selftest(&device, Duration::from_secs(60)));
    killer.join().unwrap();
    let said = found.unwrap_err().to_string();
    println!("{said}");
    assert!(said.contains("the device was lost"), "{said}");
    assert!(said.contains("the same command continues"), "{said}");
}
