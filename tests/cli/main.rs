//! The program from outside: what a user types, what comes out, which exit code.

mod bad_input;
mod browser;
mod checkpoints;
mod claims;
mod clip;
mod clip_pretraining;
mod cluster;
mod compare;
mod data;
mod devices;
mod examples;
mod export;
mod exports;
mod extract;
mod features_files;
mod measures;
mod measures_bad;
mod origin;
mod page;
mod pictures;
mod report;
mod resume;
mod runs;
mod scores;
mod simulation;
mod sweep;
mod tasks;
mod towers;
mod tracking;
mod tradeoff;
mod tuning;
mod vit;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `modalign` with these arguments.
fn modalign(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args(arguments)
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .expect("the program starts")
}

/// A fixture: below `$MODALIGN_FIXTURES` if it is there, else our own.
fn fixture(name: &str) -> PathBuf {
    std::env::var_os("MODALIGN_FIXTURES")
        .map(|root| PathBuf::from(root).join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures")
                .join(name)
        })
}

/// Our own fixtures: what is asserted here knows their shapes.
fn our_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A suite that runs in seconds: the demo's model and readers, few samples, one epoch.
const TINY: &str = r#"
name = "tiny"
title = "Tiny"

[source]
model = "demo"
data = { name = "source", title = "Source", reader = "demo-source", train = 96, valid = 48, test = 48 }
shape = { image_size = 32, patch_size = 4, embed_dim = 16, depths = [1, 1], num_heads = [1, 2], window_size = 4 }

[source.pretrain]
train = { epochs = 1, batch = 16 }

[surrogate]
name = "surrogate"
title = "Surrogate"
reader = "demo-surrogate"
train = 200
valid = 50
test = 100

[[targets]]
name = "emg"
title = "EMG <b>&"
reader = "demo-emg"
train = 64
valid = 32
test = 64

[[targets]]
name = "unseen"
title = "Unseen"
reader = "demo-unseen"
train = 60
valid = 30
test = 60

[transfer]
seeds = [0, 1]
train = { epochs = 2, batch = 16, learning_rate = 5e-4 }

[measures]
probe_c = [0.1, 1.0]
tsne_points = 60
tsne_perplexity = 10
tsne_iterations = 50
discrepancy_null = 10
discrepancy_bootstrap = 20
"#;
