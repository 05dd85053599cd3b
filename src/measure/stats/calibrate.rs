//! Help for simulations under the null: how many repetitions, and whether a rate of false marks holds its
//! level. `make test` runs a few dozen, `make calibrate` (which sets `MODALIGN_CALIBRATE`) many, and prints
//! every rate. Seeds are fixed, so a rate is the same on every run.

use crate::measure::verdict::LEVEL;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Repetitions: `few` in `make test`, `many` in `make calibrate`.
pub fn repetitions(few: usize, many: usize) -> usize {
    if std::env::var_os("MODALIGN_CALIBRATE").is_some() {
        many
    } else {
        few
    }
}

/// Share of seeded repetitions in which something holds.
pub fn share_covered(repetitions: usize, holds: impl Fn(&mut ChaCha8Rng) -> bool + Sync) -> f64 {
    let one = |seed: usize| holds(&mut ChaCha8Rng::seed_from_u64(seed as u64));
    let held = (0..repetitions).into_par_iter().filter(|&r| one(r)).count();
    held as f64 / repetitions as f64
}

/// Asserts that `marked` of `all` repetitions are no more than the level allows: a rate of 5 % exceeds the
/// bound, 2.6 standard errors above it, once in two hundred times.
pub fn holds(scenario: &str, marked: usize, all: usize) {
    let (n, rate) = (all as f64, marked as f64 / all as f64);
    let bound = LEVEL + 2.6 * (LEVEL * (1.0 - LEVEL) / n).sqrt();
    println!(
        "{scenario}: {marked} of {all} repetitions falsely marked, {:.1} %",
        100.0 * rate
    );
    assert!(
        rate <= bound,
        "{scenario}: {rate} of the null is marked; {bound} allowed"
    );
}

/// Asserts that intervals hold the truth in 95 % of repetitions, as far as these can tell.
pub fn covers(scenario: &str, held: usize, all: usize) {
    println!(
        "{scenario}: {held} of {all} intervals hold the truth, {:.1} %",
        100.0 * held as f64 / all as f64
    );
    let missed = (all - held) as f64 / all as f64;
    let bound = LEVEL + 2.6 * (LEVEL * (1.0 - LEVEL) / all as f64).sqrt();
    assert!(
        missed <= bound,
        "{scenario}: {missed} miss the truth; {bound} allowed"
    );
}
