//! The most memory that a part of the work held at once, where the system tells (Linux).

use std::fs;

/// Forgets the highest mark so far; whether that was possible.
pub fn forget_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Highest resident memory of the process since then, in bytes.
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kib)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_covers_what_was_held() {
        let held = vec![1u8; 64 << 20];
        std::hint::black_box(&held);
        assert!(peak().unwrap() >= 64 << 20);
    }
}
