//! What ends a command early, all in one way: it stops at its next step, keeps whole epochs, and ends with 130. Ctrl-C asks
//! so, and what batch systems send before they kill (SIGTERM, SIGUSR1, SIGUSR2), and a terminal that is closed (SIGHUP),
//! unless `nohup` said to ignore that. A worker of a sweep stops too when the process that began it is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// Variable that tells a process that it is a worker: its stdin ends when it is to stop.
pub const WORKER: &str = "MODALIGN_WORKER";

static STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static HANDLERS: OnceLock<()> = OnceLock::new();

/// Makes signals ask the running command to stop at its next step; a second Ctrl-C stops it at once.
pub fn catch_interrupts() {
    HANDLERS.get_or_init(|| {
        // Where no handler can be set the default (immediate exit) stays: nothing half-written either way.
        ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })
        .ok();
        #[cfg(unix)]
        for signal in ending() {
            signal_hook::flag::register(signal, STOP.clone()).ok();
        }
        if std::env::var_os(WORKER).is_some() {
            std::thread::spawn(|| {
                // Nothing is ever written there: it ends, or fails, with the process at the other end.
                std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).ok();
                STOP.store(true, Ordering::SeqCst);
            });
        }
    });
}

/// Whether nobody has asked to stop.
pub fn check_interrupt() -> bool {
    !STOP.load(Ordering::SeqCst)
}

/// The signals that end a command, beside Ctrl-C's.
#[cfg(unix)]
fn ending() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGTERM, SIGUSR1, SIGUSR2};
    let mut all = vec![SIGTERM, SIGUSR1, SIGUSR2];
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !is_ignored(&status, SIGHUP) {
        all.push(SIGHUP);
    }
    all
}

/// Whether a process is told to ignore a signal, by its `/proc/…/status`.
#[cfg(unix)]
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_ignores_stays_ignored() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0";
        assert!(is_ignored(status, 1) && is_ignored(status, 13));
        assert!(!is_ignored(status, 15) && !is_ignored("", 1));
    }
}
