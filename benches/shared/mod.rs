//! What benches of steps have in common: settings from the environment, rates, memory.

use std::time::Instant;

/// A number from the environment.
pub fn setting(name: &str, default: usize) -> usize {
    let text = std::env::var(name).ok();
    text.and_then(|t| t.parse().ok()).unwrap_or(default)
}

/// Samples per second: median of the rounds after one to warm up.
pub fn rate(rounds: usize, batch: usize, mut step: impl FnMut()) -> f64 {
    step();
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    batch as f64 / times[times.len() / 2]
}

/// Pixels of a batch of images at 224 × 224, the same every time, and their shape.
pub fn pixels(batch: usize) -> (Vec<f32>, [usize; 4]) {
    let shape = [batch, 3, 224, 224];
    let value = |i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0;
    ((0..shape.iter().product()).map(value).collect(), shape)
}

/// Peak resident memory of the process in GB.
pub fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e9
}
