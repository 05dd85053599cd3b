//! Damage for tests: seeded flips of bits, overwritten bytes and cuts of a good file. `make fuzz`
//! asks for more rounds through `FUZZ_ROUNDS` and ends every loop after `FUZZ_SECONDS`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// A whole number in the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Numbers of `few` rounds, or of `FUZZ_ROUNDS`; they end after `FUZZ_SECONDS`.
pub fn times(few: usize) -> impl Iterator<Item = usize> {
    let rounds = asked("FUZZ_ROUNDS").map_or(few, |rounds| rounds as usize);
    let seconds = asked("FUZZ_SECONDS").unwrap_or(u64::MAX);
    let start = std::time::Instant::now();
    (0..rounds).take_while(move |_| start.elapsed().as_secs() < seconds)
}

/// Damages `good` in `few` (or `FUZZ_ROUNDS`) ways and hands each to `read`, with a folder for
/// files. Nothing may panic; most of what was damaged must be noticed or be harmless, so the good
/// bytes must be read and some of the others refused.
pub fn rounds<T, E: std::fmt::Display>(
    good: &[u8],
    few: usize,
    read: impl Fn(&[u8], &Path) -> Result<T, E>,
) {
    let folder = tempfile::tempdir().unwrap();
    if let Err(e) = read(good, folder.path()) {
        panic!("the good file is refused: {e}");
    }
    let mut random = ChaCha8Rng::seed_from_u64(good.len() as u64);
    let mut refused = 0;
    for round in times(few) {
        let bytes = damaged(good, &mut random, round);
        refused += usize::from(read(&bytes, folder.path()).is_err());
    }
    assert!(refused > 0, "no damage was noticed");
}

/// One damaged version of `good`.
pub fn damaged(good: &[u8], random: &mut ChaCha8Rng, round: usize) -> Vec<u8> {
    let mut bytes = good.to_vec();
    // headers stand at the beginning, directories at the end
    let reach = match round % 4 {
        0 => good.len(),
        1 => good.len().min(64),
        2 => good.len().min(1024),
        _ => good.len(),
    };
    for _ in 0..random.random_range(1..5) {
        let mut at = random.random_range(0..reach);
        if round % 4 == 3 {
            at = good.len() - 1 - at.min(good.len().min(256) - 1);
        }
        bytes[at] = match random.random_range(0..4) {
            0 => random.random(),
            1 => 0xff,
            _ => bytes[at] ^ 1 << random.random_range(0..8),
        };
    }
    if round % 5 == 4 {
        bytes.truncate(random.random_range(0..bytes.len()));
    }
    bytes
}

/// Tests of the other containers; those with fixtures of their own stand beside them.
mod tests {
    use super::rounds;
    use crate::files::{Fault, gzip, npy, tar, zip::Zip};
    use std::io::Write;

    #[test]
    fn no_flip_makes_an_archive_panic() {
        let plain = tar::write::archive(&[("a", &[1; 600]), ("b/c", b"text")]);
        let read = |bytes: &[u8]| tar::members(bytes, &["b/c", "a"], 1000);
        rounds(&plain, 400, |bytes, _| read(bytes));
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        gz.write_all(&plain).unwrap();
        rounds(&gz.finish().unwrap(), 400, |bytes, _| {
            read(&gzip::inflate(bytes, 1 << 20)?)
        });
        let mut zip = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["a", "b"] {
            let options = ::zip::write::SimpleFileOptions::default();
            zip.start_file(name, options).unwrap();
            zip.write_all(&[3; 500]).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        rounds(&zip, 400, |bytes, folder| -> Result<(), Fault> {
            let path = folder.join("damaged.zip");
            std::fs::write(&path, bytes).unwrap();
            let zip = Zip::open(&path)?;
            zip.region("b", 1000)?;
            zip.member("a", 1000).map(drop)
        });
    }

    #[test]
    fn no_flip_makes_an_npy_panic() {
        for (descr, shape) in [("<f4", [3, 4]), (">i2", [12, 2]), ("<U2", [3, 2])] {
            let mut good = npy::header(descr, &shape);
            good.extend([0x31, 0, 0, 0].repeat(12));
            rounds(&good, 400, |bytes, _| -> Result<(), Fault> {
                let array = npy::parse(bytes)?;
                let mut row = vec![0.0; array.layout().row_len().min(1 << 16)];
                let _ = array.read_row(0, &mut row);
                let _ = (array.to_strings(), array.to_i64(), array.to_f32());
                Ok(())
            });
        }
    }
}
