//! The folder of a comparison: one process writes it, and it is none of its inputs.

use super::align::EncoderFeatures;
use super::error::CompareError;
use crate::run::lock::FolderLock;
use crate::table::record::COMPARISON;
use std::path::{Path, PathBuf};

/// Name of the lock; a folder with nothing else in it is an empty one.
const LOCK: &str = "compare.lock";
/// What a comparison writes into its folder, and clears of an earlier one.
pub const OWN: [&str; 3] = ["tables", "figures", "comparison.html"];

/// A locked folder for a comparison.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    lock: FolderLock,
}

impl Folder {
    /// Makes the folder `root` for a comparison, or takes that of an earlier one, and locks it.
    ///
    /// # Errors
    /// [`CompareError::Malformed`] for a folder with anything else in it, [`CompareError::Run`] while another
    /// process writes it, [`CompareError::Io`].
    pub fn open(root: &Path) -> Result<Self, CompareError> {
        let io = |source| CompareError::Io {
            path: root.into(),
            source,
        };
        std::fs::create_dir_all(root).map_err(io)?;
        let mut foreign = false;
        for entry in std::fs::read_dir(root).map_err(io)? {
            foreign |= entry.map_err(io)?.file_name() != LOCK;
        }
        if foreign && !root.join(COMPARISON).is_file() {
            return Err(CompareError::Malformed {
                path: root.into(),
                expected: "an empty folder, or one with an earlier comparison".into(),
                found: "something else; choose another --out".into(),
            });
        }
        Ok(Self {
            root: root.into(),
            lock: FolderLock::take(root, LOCK, false)?,
        })
    }

    /// The folder itself, which is still where it was when it was locked.
    ///
    /// # Errors
    /// [`CompareError::Run`] where it was moved.
    pub fn root(&self) -> Result<&Path, CompareError> {
        self.lock.still_there()?;
        Ok(&self.root)
    }
}

/// Refuses a folder that is, or is inside, something that is compared, and one in which something that
/// is compared would be cleared away.
///
/// # Errors
/// [`CompareError::Unfit`] naming the input.
pub fn outside_of_inputs(
    root: &Path,
    encoders: &[EncoderFeatures],
    others: &[&Path],
) -> Result<(), CompareError> {
    let out = real(root);
    let encoders = encoders
        .iter()
        .map(|encoder| Path::new(&encoder.origin.path));
    for input in encoders.chain(others.iter().copied()) {
        let Ok(own) = input.canonicalize() else {
            // A name of the program's own, or of a hub: no file that could be written over.
            continue;
        };
        let cleared = OWN.iter().chain([&COMPARISON]);
        let clears = cleared
            .map(|name| out.join(name))
            .any(|name| own.starts_with(name));
        if out == own || (own.is_dir() && out.starts_with(&own)) || clears {
            return Err(CompareError::Unfit {
                what: "--out".into(),
                expected: format!("a folder apart from what is compared ({})", input.display()),
                found: root.display().to_string(),
            });
        }
    }
    Ok(())
}

/// The path without links, of as much of it as exists.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut missing = Vec::new();
    let mut known = whole.as_path();
    loop {
        if let Ok(found) = known.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(found, |path, part| path.join(part));
        }
        match (known.parent(), known.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                known = parent;
            }
            _ => return whole.clone(),
        }
    }
}
