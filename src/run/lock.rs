//! A folder that one process writes: a lock file in it, which the system releases if the process dies.
//!
//! The file says who holds it, so that a second process can name the first. It also says whether the folder is
//! still where it was: a folder that is moved away or removed while it is written would otherwise be made anew,
//! half empty, by the next file.
//!
//! Folders may be shared by hosts. On NFSv4 a lock for writing wants a file that is open for writing, and what another
//! host wrote is seen only after the folder around it is opened anew ([`look_anew`]). A file system that knows no locks
//! (Lustre without `flock`, NFS without its lock daemon) is no reason to refuse work: [`FolderLock::missing`] says so.

use super::{RunError, holder};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The holder of a lock whose file names none.
const SOMEBODY: &str = "another modalign process";

/// A held lock.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
    /// Whether this process alone holds it, and so clears its name from the file.
    alone: bool,
    /// Why nothing is locked: the file system's words.
    missing: Option<String>,
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
        let mut file = open(&path).map_err(io)?;
        let missing = match attempt(&file, shared) {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => {
                let holder = named(&mut file);
                return Err(RunError::Locked { path, holder });
            }
            Err(TryLockError::Error(source)) if knows_no_locks(&source) => Some(source.to_string()),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        };
        let mut lock = Self {
            file,
            path,
            alone: !shared,
            missing,
        };
        if lock.missing.is_none() {
            let others = if shared {
                " (the last to come of those that share it)"
            } else {
                ""
            };
            let said = format!("{}{others}\n", holder::this_process());
            let written = lock.say(&said);
            written.map_err(|source| RunError::Io {
                path: lock.path.clone(),
                source,
            })?;
        }
        Ok(lock)
    }

    /// Why the file system locked nothing, if it did not: two processes may then do the same work.
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// Replaces what the file says.
    fn say(&mut self, text: &str) -> io::Result<()> {
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

/// Opens a lock file for reading and writing, not emptied: the holder's name stands in it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Refuses work that wants the lock file at `path` to be free.
///
/// # Errors
/// [`RunError::Locked`] naming the holder.
pub fn expect_free(path: &Path) -> Result<(), RunError> {
    if !is_held(path) {
        return Ok(());
    }
    let holder = File::open(path).map(|mut file| named(&mut file));
    Err(RunError::Locked {
        path: path.into(),
        holder: holder.unwrap_or_else(|_| SOMEBODY.into()),
    })
}

/// Who holds a lock, as far as its file says.
fn named(file: &mut File) -> String {
    holder::read(file).unwrap_or_else(|| SOMEBODY.into())
}

/// Whether a process holds the lock file at `path`. On a file system without locks nobody is seen.
pub fn is_held(path: &Path) -> bool {
    // To open a pipe would wait for its other end.
    if !path.is_file() {
        return false;
    }
    let held = |found| matches!(found, Err(TryLockError::WouldBlock));
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => held(file.try_lock()),
        // A file that may only be read is locked, over NFS, for readers alone.
        Err(_) => File::open(path).is_ok_and(|file| match file.try_lock() {
            Err(TryLockError::Error(_)) => held(file.try_lock_shared()),
            found => held(found),
        }),
    }
}

/// Opens a folder anew. Over NFS this process otherwise sees for half a minute what it saw there before, whatever another
/// host has written since.
pub fn look_anew(folder: &Path) {
    // One that is not there, or that another system does not open, has nothing to show.
    if let Ok(entries) = std::fs::read_dir(folder) {
        entries.count();
    }
}

/// Whether an error says that the file system has no locks: ENOSYS, EOPNOTSUPP, ENOLCK.
fn knows_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    error.kind() == ErrorKind::Unsupported || (cfg!(unix) && error.raw_os_error() == Some(ENOLCK))
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The file stays, for whoever waits on it; it names no holder any more.
        if self.alone && self.missing.is_none() {
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
        let holder = format!("process {} on ", std::process::id());
        assert!(said.contains(&holder), "{said}");
        let path = home.path().join("x.lock");
        assert!(is_held(&path) && first.missing().is_none());
        drop(first);
        assert!(!is_held(&path));
        drop(take().unwrap());
        // Of those who share it one is named.
        let shared = FolderLock::take(home.path(), "x.lock", true).unwrap();
        let also = FolderLock::take(home.path(), "x.lock", true).unwrap();
        let said = take().unwrap_err().to_string();
        assert!(said.contains("the last to come of those"), "{said}");
        drop((shared, also));
        // What others wrote there is no name.
        std::fs::write(home.path().join("x.lock"), [0xff; 9]).unwrap();
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let said = take().unwrap_err().to_string();
        assert!(said.contains("another modalign process"), "{said}");
        drop(held);
        assert!(take().is_ok());
    }

    #[test]
    fn a_file_system_without_locks_is_told_from_a_fault() {
        let known = |code| knows_no_locks(&io::Error::from_raw_os_error(code));
        if cfg!(target_os = "linux") {
            // ENOSYS, EOPNOTSUPP, ENOLCK; EBADF, EIO
            assert!([38, 95, 37].into_iter().all(known));
            assert!(![9, 5].into_iter().any(known));
        }
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
