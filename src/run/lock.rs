//! A folder that one process writes: a lock file in it, which the system releases if the process dies.
//!
//! The file says who holds it, so that a second process can name the first. It also says whether the folder is
//! still where it was: a folder that is moved away or removed while it is written would otherwise be made anew,
//! half empty, by the next file.

use super::RunError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A held lock.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
    /// Whether this process alone holds it, and so has its name in the file.
    alone: bool,
}

impl FolderLock {
    /// Takes the lock `name` in the folder `root`, which exists; `shared` with others that share it.
    ///
    /// # Errors
    /// [`RunError::Locked`] naming the holder, [`RunError::Io`].
    pub fn take(root: &Path, name: &str, shared: bool) -> Result<Self, RunError> {
        let path = root.join(name);
        let io = |source| RunError::Io {
            path: path.clone(),
            source,
        };
        // Not emptied: the holder's name stands in it.
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(io)?;
        match attempt(&file, shared) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // A short file of ours; anything else is no name.
                let read = (&mut file).take(200).read_to_string(&mut holder);
                let holder = holder.trim().to_owned();
                let known = read.is_ok() && holder.starts_with("process ");
                return Err(RunError::Locked {
                    path,
                    holder: if known {
                        holder
                    } else {
                        "another modalign process".into()
                    },
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let mut lock = Self {
            file,
            path,
            alone: !shared,
        };
        if lock.alone {
            let said = format!("process {}\n", std::process::id());
            let written = lock.say(&said);
            written.map_err(|source| RunError::Io {
                path: lock.path.clone(),
                source,
            })?;
        }
        Ok(lock)
    }

    /// Replaces what the file says.
    fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// Whether the folder is still the one that was locked.
    ///
    /// # Errors
    /// [`RunError::Moved`] where another folder, or none, has its path now.
    pub fn still_there(&self) -> Result<(), RunError> {
        let there = std::fs::metadata(&self.path).ok();
        let held = self.file.metadata().ok();
        let same = there.zip(held).is_some_and(|(a, b)| same_file(&a, &b));
        if same {
            return Ok(());
        }
        Err(RunError::Moved {
            path: self.path.parent().unwrap_or(&self.path).into(),
        })
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The file stays, for whoever waits on it; it names no holder any more.
        if self.alone {
            self.say("").ok();
        }
    }
}

#[cfg(unix)]
fn same_file(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Other systems do not move what is open.
#[cfg(not(unix))]
fn same_file(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

/// Takes a lock. Asking (`is_held`) takes it for a moment: only a lock that stays taken is
/// that of a process at work.
fn attempt(lock: &File, shared: bool) -> Result<(), TryLockError> {
    let once = || {
        if shared {
            lock.try_lock_shared()
        } else {
            lock.try_lock()
        }
    };
    for _ in 0..5 {
        match once() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            other => return other,
        }
    }
    once()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_holds_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let take = || FolderLock::take(home.path(), "x.lock", false);
        let first = take().unwrap();
        let said = take().unwrap_err().to_string();
        let holder = format!("process {} ", std::process::id());
        assert!(said.contains(&holder), "{said}");
        drop(first);
        drop(take().unwrap());
        // Those who share it are not named, but it is held.
        let shared = FolderLock::take(home.path(), "x.lock", true).unwrap();
        let also = FolderLock::take(home.path(), "x.lock", true).unwrap();
        let said = take().unwrap_err().to_string();
        assert!(said.contains("another modalign process"), "{said}");
        drop((shared, also));
        // What others wrote there is no name.
        std::fs::write(home.path().join("x.lock"), [0xff; 9]).unwrap();
        assert!(take().is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_moved_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let (root, other) = (home.path().join("run"), home.path().join("elsewhere"));
        std::fs::create_dir(&root).unwrap();
        let lock = FolderLock::take(&root, "run.lock", false).unwrap();
        assert!(lock.still_there().is_ok());
        std::fs::rename(&root, &other).unwrap();
        assert!(matches!(lock.still_there(), Err(RunError::Moved { .. })));
        // Another folder in its place is not it, though it has such a file.
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("run.lock"), "").unwrap();
        let said = lock.still_there().unwrap_err().to_string();
        assert!(said.contains("moved or removed"), "{said}");
    }
}
