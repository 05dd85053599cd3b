//! How fast a large file is read and how much memory that takes; run on demand:
//!
//! `cargo test --release --lib weights::speed -- --ignored --nocapture`, and with
//! `MODALIGN_WEIGHTS=FILE` for a file of your own.

use super::*;
use std::collections::HashMap;
use std::fs;
use std::time::Instant;

/// Values of a Swin-B, in tensors of its sizes.
const SIZE: usize = 350_000_000 / 4;

fn large_file(path: &Path) {
    let values: Vec<f32> = (0..4_194_304).map(|i| (i % 1000) as f32 * 1e-3).collect();
    let sizes = [1024, 4_194_304, 4096, 1_048_576, 262_144, 2_097_152];
    let mut left = SIZE;
    let mut tensors = Vec::new();
    for i in 0.. {
        let size = sizes[i % sizes.len()].min(left);
        if size == 0 {
            break;
        }
        left -= size;
        let name = format!("layer.{i:04}");
        tensors.push(Outgoing::floats(
            name,
            Dtype::F32,
            vec![size],
            &values[..size],
        ));
    }
    write_tensors(path, tensors, HashMap::new()).unwrap();
}

/// A line of `/proc/self/status` in bytes.
fn status(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace()
        .next()?
        .parse::<u64>()
        .ok()
        .map(|kib| kib << 10)
}

#[test]
#[ignore = "writes 350 MB and measures; run alone"]
fn a_large_file_loads_fast_in_little_more_than_its_own_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = match std::env::var_os("MODALIGN_WEIGHTS") {
        Some(path) => PathBuf::from(path),
        None => {
            let path = folder.path().join("model.safetensors");
            large_file(&path);
            path
        }
    };
    // The file is in the page cache from here on.
    Weights::open(&path).unwrap().sha256();
    fs::write("/proc/self/clear_refs", "5").expect("a resettable peak");
    let before = status("VmRSS:").expect("memory in use");
    let clock = Instant::now();
    let weights = Weights::open(&path).unwrap();
    let opened = clock.elapsed().as_secs_f64();
    let arrays: BTreeMap<String, Array> = weights
        .names()
        .filter(|name| decode::is_float(weights.dtype(name).unwrap()))
        .map(|name| (name.to_string(), weights.read(name).unwrap()))
        .collect();
    let read = clock.elapsed().as_secs_f64();
    let digest = weights.sha256();
    let all = clock.elapsed().as_secs_f64();
    let peak = status("VmHWM:").expect("peak memory") - before;
    let ratio = peak as f64 / weights.file_size() as f64;
    println!(
        "{} of {:.0} MB, {} tensors: open {opened:.3} s, values {read:.3} s, with SHA-256 \
         {all:.3} s; peak {:.0} MB above the start, {ratio:.3} of the file ({})",
        weights.format(),
        weights.file_size() as f64 / 1e6,
        arrays.len(),
        peak as f64 / 1e6,
        &digest[..8],
    );
    assert!(
        (0.9..1.3).contains(&ratio),
        "peak memory {ratio} of the file"
    );
    assert!(all < 2.0, "{all} s");
}
