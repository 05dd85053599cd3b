//! A run directory: where every result of a run lives, locked while a process works in it, and
//! bound to one resolved configuration.
//!
//! ```text
//! run.json      what ran: suite, versions, device, seeds, hashes, times, state
//! config.toml   the resolved suite; `--suite config.toml` replays it
//! cells/        one folder a trained model: model folder, metrics.jsonl, cell.json written last, and
//!               measured.json, after which `runs prune` may discard the model
//! evaluations/  what was measured of an encoder or embedder, by the hash of its parameters
//! features/     surrogate features of the encoders in figure 2
//! tables/       CSV tables, the only thing that figures are drawn from; the same as Parquet; latex/
//! figures/      SVG and PNG
//! report.html, report.md
//! ```

use super::error::RunError;
#[cfg(feature = "train")]
use super::lock::look_anew;
use super::lock::{self, FolderLock};
use super::settings;
use crate::files::bounded;
use crate::files::checksum::Algorithm;
use crate::suite::definition::Suite;
use crate::transfer::methods;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Folders of records: where they are written, and where older versions wrote them.
pub const RECORDS: [&str; 2] = ["evaluations", "looks"];
/// Name of the lock.
const LOCK: &str = "run.lock";
/// Name of the lock under which settings grow.
#[cfg(feature = "train")]
const GROWING: &str = "config.lock";
/// The resolved suite.
const CONFIG: &str = "config.toml";

/// A locked run directory.
pub struct RunFolder {
    root: PathBuf,
    /// Held for as long as the folder is open; the system releases it if the process dies.
    lock: FolderLock,
}

impl RunFolder {
    /// Opens `root` for `suite`: makes it, continues a run with the same settings, or (with
    /// `fresh`) removes what an earlier run left there.
    pub fn open(root: &Path, suite: &Suite, fresh: bool) -> Result<Self, RunError> {
        let folder = Self::locked(root, fresh, false)?;
        folder.bind(suite, fresh)?;
        Ok(folder)
    }

    /// Opens `root` together with other processes that each take cells of it: every cell has a lock of its own.
    pub fn open_shared(root: &Path, suite: &Suite) -> Result<Self, RunError> {
        let folder = Self::locked(root, false, true)?;
        folder.bind(suite, false)?;
        Ok(folder)
    }

    /// Opens `root` like [`open_shared`](Self::open_shared) for what `suite` adds to the run there: more methods, seeds
    /// or targets at the same settings. Gives what the folder then is bound to.
    #[cfg(feature = "train")]
    pub fn open_grown(root: &Path, suite: &Suite) -> Result<(Self, Suite), RunError> {
        let folder = Self::locked(root, false, true)?;
        // One process at a time reads and writes the settings.
        let mut lock = FolderLock::take(root, GROWING, false);
        for _ in 0..100 {
            if !matches!(lock, Err(RunError::Locked { .. })) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
            lock = FolderLock::take(root, GROWING, false);
        }
        let _lock = lock?;
        look_anew(root);
        let old = bounded::read(&folder.path(CONFIG), bounded::RECORD)?;
        let old = old.and_then(|old| {
            let text = String::from_utf8(old).ok()?;
            methods::parse(&text, CONFIG).ok()
        });
        let whole = match &old {
            None => suite.clone(),
            Some(old) => {
                super::grown::grown(old, suite).map_err(|difference| RunError::OtherSettings {
                    path: root.into(),
                    difference,
                })?
            }
        };
        match &old {
            Some(old) if *old != whole => {
                folder.write(CONFIG, folder.text(&whole)?.as_bytes())?;
                super::grown::reopen(&folder)?;
            }
            _ => folder.bind(&whole, false)?,
        }
        Ok((folder, whole))
    }

    /// Why the file system locks nothing here, if it does not.
    pub fn unlocked(&self) -> Option<&str> {
        self.lock.missing()
    }

    fn locked(root: &Path, fresh: bool, shared: bool) -> Result<Self, RunError> {
        let io = |source| RunError::Io {
            path: root.into(),
            source,
        };
        let config = root.join(CONFIG);
        let lock_path = root.join(LOCK);
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
        let lock = FolderLock::take(root, LOCK, shared)?;
        let folder = Self {
            root: root.into(),
            lock,
        };
        if fresh {
            folder.clear()?;
        }
        Ok(folder)
    }

    /// Writes the settings of the run where they are none that the folder is bound to.
    fn bind(&self, suite: &Suite, fresh: bool) -> Result<(), RunError> {
        let text = self.text(suite)?;
        let old = bounded::read(&self.path(CONFIG), bounded::RECORD)?;
        if old.as_deref() == Some(text.as_bytes()) {
            // Others may be reading it.
            return Ok(());
        }
        if let Some(old) = old.filter(|_| !fresh)
            && let Some(difference) = difference(&old, suite, &text)
        {
            return Err(RunError::OtherSettings {
                path: self.root.clone(),
                difference,
            });
        }
        self.write(CONFIG, text.as_bytes())
    }

    fn text(&self, suite: &Suite) -> Result<String, RunError> {
        toml::to_string(suite).map_err(|e| RunError::Io {
            path: self.path(CONFIG),
            source: std::io::Error::other(e),
        })
    }

    /// Removes what a run writes, and nothing else.
    fn clear(&self) -> Result<(), RunError> {
        let others = [
            "cells",
            "tasks",
            "features",
            "tables",
            "figures",
            "run.json",
            "results.json",
            "report.html",
            "report.md",
        ];
        for name in RECORDS.into_iter().chain(others) {
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

    /// Whether the folder is still where it was when it was locked.
    ///
    /// # Errors
    /// [`RunError::Moved`].
    pub fn still_there(&self) -> Result<(), RunError> {
        self.lock.still_there()
    }

    /// Writes a file inside, atomically.
    ///
    /// # Errors
    /// [`RunError::Moved`] where the folder was moved or removed meanwhile, [`RunError::Io`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        self.still_there()?;
        let path = self.path(name);
        crate::files::atomic::write(&path, bytes).map_err(|source| RunError::Io { path, source })
    }

    /// SHA-256 of a file inside, in hexadecimal.
    pub fn sha256(&self, name: &str) -> Result<String, RunError> {
        sha256(&self.path(name))
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

/// SHA-256 of a file, read in pieces, in hexadecimal.
pub fn sha256(path: &Path) -> Result<String, RunError> {
    let hash = |mut file| Algorithm::Sha256.of(&mut file);
    File::open(path)
        .and_then(hash)
        .map_err(|source| RunError::Io {
            path: path.into(),
            source,
        })
}

/// Whether a process works in the run folder `root`.
pub fn is_held(root: &Path) -> bool {
    lock::is_held(&root.join(LOCK))
}

/// Refuses work that wants nobody to work in the run folder `root`.
///
/// # Errors
/// [`RunError::Locked`] naming the holder.
pub fn expect_free(root: &Path) -> Result<(), RunError> {
    lock::expect_free(&root.join(LOCK))
}

/// The first difference between the `config.toml` that a folder has and the suite (and its text)
/// that is to run there. A file that leaves out settings that are at their defaults, as older
/// versions wrote it, does not differ.
fn difference(old: &[u8], suite: &Suite, new: &str) -> Option<String> {
    let old = String::from_utf8_lossy(old);
    let all = methods::parse(&old, "config.toml")
        .ok()
        .and_then(|old| settings::differences(&old, suite).ok());
    match all {
        Some(all) => all.first().map(settings::Difference::to_string),
        None => {
            let (mut old, mut new) = (old.lines(), new.lines());
            loop {
                match (old.next(), new.next()) {
                    (Some(a), Some(b)) if a == b => {}
                    (None, None) => return None,
                    (a, b) => {
                        let [a, b] = [a, b].map(|line| line.unwrap_or("nothing"));
                        return Some(format!("{a:?} there, {b:?} asked"));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::definition::EMBEDDED;

    #[test]
    fn a_folder_is_locked_bound_to_its_settings_and_cleared_only_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("run");
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
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

    #[cfg(unix)]
    #[test]
    fn a_folder_moved_away_is_not_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("run");
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        let folder = RunFolder::open(&root, &suite, false).unwrap();
        folder.write("tables/probe.csv", b"x").unwrap();
        fs::rename(&root, home.path().join("elsewhere")).unwrap();
        let refused = folder.write("tables/probe.csv", b"y");
        assert!(matches!(refused, Err(RunError::Moved { .. })));
        assert!(!root.exists());
        let removed = home.path().join("removed");
        let folder = RunFolder::open(&removed, &suite, false).unwrap();
        fs::remove_dir_all(&removed).unwrap();
        assert!(folder.write_json("run.json", &1).is_err() && !removed.exists());
    }

    #[test]
    fn numbers_come_back_to_the_last_bit() {
        let home = tempfile::tempdir().unwrap();
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        let folder = RunFolder::open(home.path(), &suite, false).unwrap();
        let numbers: Vec<f64> = (1..2000).map(|i| (i as f64 * 0.7).sin().exp()).collect();
        folder.write_json("numbers.json", &numbers).unwrap();
        assert_eq!(folder.read_json::<Vec<f64>>("numbers.json"), Some(numbers));
    }

    #[test]
    fn settings_are_compared_by_meaning_not_by_text() {
        let home = tempfile::tempdir().unwrap();
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        drop(RunFolder::open(home.path(), &suite, false).unwrap());
        let config = home.path().join("config.toml");
        let whole = fs::read_to_string(&config).unwrap();
        // an older version did not know the one setting, and called the other otherwise
        let older = whole.replace("recompute = false\n", "# older\n");
        assert_ne!(older, whole);
        let names = ["balanced_samples", "yardstick_samples"];
        assert!(older.contains(names[0]));
        let older = older.replace(names[0], names[1]);
        fs::write(&config, &older).unwrap();
        drop(RunFolder::open(home.path(), &suite, false).unwrap());
        assert_eq!(fs::read_to_string(&config).unwrap(), whole, "refreshed");

        let newer = whole.replace("[transfer]\n", "[transfer]\nunheard-of = 1\n");
        for (other, word) in [
            (
                whole.replace("recompute = false", "recompute = true"),
                "recompute = true",
            ),
            (newer, "unheard-of"),
            ("half a fi".into(), "half a fi"),
            (String::new(), "nothing"),
        ] {
            assert_ne!(other, whole);
            fs::write(&config, &other).unwrap();
            let refused = RunFolder::open(home.path(), &suite, false).err().unwrap();
            assert!(refused.to_string().contains(word), "{refused}");
            assert_eq!(fs::read_to_string(&config).unwrap(), other, "untouched");
        }
        fs::write(&config, b"\xff\xfe").unwrap();
        assert!(matches!(
            RunFolder::open(home.path(), &suite, false),
            Err(RunError::OtherSettings { .. })
        ));
    }

    #[test]
    fn asking_whether_a_run_is_held_does_not_keep_it_from_starting() {
        let home = tempfile::tempdir().unwrap();
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        let folder = RunFolder::open(home.path(), &suite, false).unwrap();
        assert!(is_held(home.path()));
        drop(folder);
        assert!(!is_held(home.path()));
        let shared = RunFolder::open_shared(home.path(), &suite).unwrap();
        assert!(is_held(home.path()), "a sweep's shared lock counts");
        drop(shared);
        let asked = File::open(home.path().join(LOCK)).unwrap();
        asked.try_lock().unwrap();
        let release = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            drop(asked);
        });
        assert!(RunFolder::open(home.path(), &suite, false).is_ok());
        release.join().unwrap();
    }

    #[test]
    fn a_damaged_record_counts_as_absent() {
        let home = tempfile::tempdir().unwrap();
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
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
