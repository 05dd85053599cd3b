//! Simulations for tests: how often an interval covers, a mark is false.
//!
//! `make test` runs a small number of repetitions; with `MODALIGN_CALIBRATE=1` in the environment the
//! same tests run a large one.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// How often to repeat: `large` with `MODALIGN_CALIBRATE=1`.
pub(crate) fn repetitions(small: usize, large: usize) -> usize {
    if std::env::var_os("MODALIGN_CALIBRATE").is_some_and(|set| set == "1") {
        large
    } else {
        small
    }
}

/// Share of seeded repetitions in which something holds.
pub(crate) fn share_covered(
    repetitions: usize,
    holds: impl Fn(&mut ChaCha8Rng) -> bool + Sync,
) -> f64 {
    let one = |seed: usize| holds(&mut ChaCha8Rng::seed_from_u64(seed as u64));
    let held = (0..repetitions).into_par_iter().filter(|&r| one(r)).count();
    held as f64 / repetitions as f64
}
