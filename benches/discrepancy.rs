//! Our side of `benches/discrepancy.sh`: an assignment problem from a file, or D streamed from a file
//! of source probabilities; one JSON line each.
//!
//! MODE=lap COSTS=FILE.npy ROUNDS=3, or MODE=stream PROBS=FILE.npy CLASSES=200 DIVERGENCE=error.

use modalign::feature::file::{Blocks, Open, array};
use modalign::measure::discrepancy::{
    DiscrepancyParams, Divergence, Rows, Sums, Target, discrepancy_of, lap,
};
use std::path::PathBuf;
use std::time::Instant;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.into())
}

/// Most memory that the process has held, in megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

fn assignment() {
    let path = PathBuf::from(setting("COSTS", ""));
    let costs = array::matrix(&path, "costs").expect("costs");
    let rounds: usize = setting("ROUNDS", "3").parse().expect("a number");
    for _ in 0..rounds {
        let start = Instant::now();
        let found = lap::solve(costs.view());
        let seconds = start.elapsed().as_secs_f64();
        let gap = found.total - found.bound;
        println!(
            r#"{{"engine": "modalign", "seconds": {seconds}, "total": {}, "gap": {gap:e}}}"#,
            found.total
        );
    }
}

fn stream<R: Rows>(probabilities: &R) {
    let classes: usize = setting("CLASSES", "200").parse().expect("a number");
    let divergence = setting("DIVERGENCE", "error");
    let known = Divergence::ALL.into_iter().find(|d| d.name() == divergence);
    let labels: Vec<usize> = (0..probabilities.dim().0)
        .map(|i| (i * 7919) % classes)
        .collect();
    let params = DiscrepancyParams::new().divergence(known.expect("a divergence"));
    let null = setting("NULL", "0").parse().expect("a number");
    let params = params
        .null(null)
        .holdout(0.5)
        .sums(Sums::One)
        .check()
        .expect("valid");
    let target = Target::Labels {
        labels: &labels,
        classes,
    };
    let found = discrepancy_of(probabilities, target, &params).expect("runs");
    println!(
        r#"{{"engine": "modalign", "seconds": {}, "value": {}, "peak_memory_mb": {:.0}}}"#,
        found.seconds,
        found.value,
        peak()
    );
}

fn main() {
    if setting("MODE", "lap") == "lap" {
        return assignment();
    }
    match Blocks::open(&PathBuf::from(setting("PROBS", "")), "probabilities").expect("opens") {
        Open::Single(blocks) => stream(&blocks),
        Open::Double(blocks) => stream(&blocks),
        Open::Whole => panic!("expected floats in rows"),
    }
}
