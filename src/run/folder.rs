//! A run directory: where every result of a run lives, locked while a process works in it, and
//! bound to one resolved configuration.
//!
//! ```text
//! run.json      what ran: suite, versions, device, seeds, hashes, times, state
//! config.toml   the resolved suite; `--suite config.toml` replays it
//! cells/        one folder a trained model: model folder, course, cell.json written last
//! looks/        what was measured of an encoder or embedder, by the hash of its parameters
//! features/     surrogate features of the encoders in figure 2
//! tables/       CSV tables, the only thing that figures are drawn from
//! figures/      SVG and PNG
//! report.html
//! ```

use super::error::RunError;
use crate::manifest::suite::Suite;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// A locked run directory.
pub struct RunFolder {
    root: PathBuf,
    /// Held for as long as the folder is open; the system releases it if the process dies.
    _lock: File,
}

impl RunFolder {
    /// Opens `root` for `suite`: makes it, continues a run with the same settings, or (with
    /// `fresh`) removes what an earlier run left there.
    pub fn open(root: &Path, suite: &Suite, fresh: bool) -> Result<Self, RunError> {
        Self::open_as(root, suite, fresh, false)
    }

    /// Opens `root` together with other processes that each take cells of it (`modalign sweep`):
    /// every cell has a lock of its own.
    pub fn open_shared(root: &Path, suite: &Suite) -> Result<Self, RunError> {
        Self::open_as(root, suite, false, true)
    }

    fn open_as(root: &Path, suite: &Suite, fresh: bool, shared: bool) -> Result<Self, RunError> {
        let io = |source| RunError::Io {
            path: root.into(),
            source,
        };
        let config = root.join("config.toml");
        let lock_path = root.join("run.lock");
        let occupied = match fs::read_dir(root) {
            Ok(entries) => entries.count() > 0,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
            Err(e) => return Err(io(e)),
        };
        // A first start that died before its configuration was written leaves only the lock.
        if occupied && !config.exists() && !lock_path.exists() {
            return Err(RunError::NotARun { path: root.into() });
        }
        fs::create_dir_all(root).map_err(io)?;
        let lock = File::create(&lock_path).map_err(|source| RunError::Io {
            path: lock_path.clone(),
            source,
        })?;
        let taken = match shared {
            true => lock.try_lock_shared(),
            false => lock.try_lock(),
        };
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RunError::Locked { path: lock_path }),
            Err(TryLockError::Error(source)) => {
                return Err(RunError::Io {
                    path: lock_path,
                    source,
                });
            }
        }
        let folder = Self {
            root: root.into(),
            _lock: lock,
        };
        let text = toml::to_string(suite).map_err(|e| io(std::io::Error::other(e)))?;
        if fresh {
            folder.clear()?;
        } else if let Ok(old) = fs::read_to_string(&config)
            && old != text
        {
            return Err(RunError::OtherSettings {
                path: root.into(),
                difference: first_difference(&old, &text),
            });
        }
        folder.write("config.toml", text.as_bytes())?;
        Ok(folder)
    }

    /// Removes what a run writes, and nothing else.
    fn clear(&self) -> Result<(), RunError> {
        for name in [
            "cells",
            "looks",
            "features",
            "tables",
            "figures",
            "run.json",
            "results.json",
            "report.html",
        ] {
            let path = self.root.join(name);
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            match removed {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RunError::Io { path, source: e });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file inside, atomically.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let path = self.path(name);
        crate::atomic::write(&path, bytes).map_err(|source| RunError::Io { path, source })
    }

    /// SHA-256 of a file inside, in hexadecimal.
    pub fn sha256(&self, name: &str) -> Result<String, RunError> {
        use sha2::Digest;
        let path = self.path(name);
        let bytes = fs::read(&path).map_err(|source| RunError::Io { path, source })?;
        Ok(sha2::Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect())
    }

    /// Writes a value as JSON, atomically.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunError> {
        let path = self.path(name);
        let text = serde_json::to_string_pretty(value).map_err(|e| RunError::Io {
            path,
            source: std::io::Error::other(e),
        })?;
        self.write(name, (text + "\n").as_bytes())
    }

    /// Reads a JSON value if the file is there and whole; a damaged one counts as absent, so that
    /// its work is simply done again.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.path(name)).ok()?).ok()
    }
}

fn first_difference(old: &str, new: &str) -> String {
    let (mut old, mut new) = (old.lines(), new.lines());
    loop {
        match (old.next(), new.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return "none".into(),
            (a, b) => {
                return format!(
                    "{:?} there, {:?} asked",
                    a.unwrap_or("nothing"),
                    b.unwrap_or("nothing")
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::suite::EMBEDDED;

    #[test]
    fn a_folder_is_locked_bound_to_its_settings_and_cleared_only_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("run");
        let suite = Suite::parse(EMBEDDED[0].1, "demo").unwrap();
        let first = RunFolder::open(&root, &suite, false).unwrap();
        assert!(matches!(
            RunFolder::open(&root, &suite, false),
            Err(RunError::Locked { .. })
        ));
        first.write("tables/probe.csv", b"x").unwrap();
        first.write("mine.txt", b"keep").unwrap();
        drop(first);

        let mut other = suite.clone();
        other.transfer.train.epochs += 1;
        let refused = RunFolder::open(&root, &other, false)
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains("epochs"), "{refused}");
        let fresh = RunFolder::open(&root, &other, true).unwrap();
        assert!(!fresh.path("tables").exists());
        assert_eq!(fs::read(fresh.path("mine.txt")).unwrap(), b"keep");
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        let home = tempfile::tempdir().unwrap();
        let suite = Suite::parse(EMBEDDED[0].1, "demo").unwrap();
        let folder = RunFolder::open(home.path(), &suite, false).unwrap();
        let numbers: Vec<f64> = (1..2000).map(|i| (i as f64 * 0.7).sin().exp()).collect();
        folder.write_json("numbers.json", &numbers).unwrap();
        assert_eq!(folder.read_json::<Vec<f64>>("numbers.json"), Some(numbers));
    }

    #[test]
    fn a_damaged_record_counts_as_absent() {
        let home = tempfile::tempdir().unwrap();
        let suite = Suite::parse(EMBEDDED[0].1, "demo").unwrap();
        let folder = RunFolder::open(home.path(), &suite, false).unwrap();
        folder.write_json("cell.json", &vec![1, 2, 3]).unwrap();
        assert_eq!(
            folder.read_json::<Vec<u32>>("cell.json"),
            Some(vec![1, 2, 3])
        );
        folder.write("cell.json", b"[1, 2").unwrap();
        assert_eq!(folder.read_json::<Vec<u32>>("cell.json"), None);
    }
}
