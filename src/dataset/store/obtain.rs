//! Getting the files of a dataset: what would be downloaded, and downloading it. Nothing gets its
//! name before its bytes are known to be right.

use super::folder::Store;
use super::ledger::Ledger;
use super::verify::verify_at;
use crate::dataset::DatasetError;
use crate::dataset::files::io;
use crate::files::fetch::Fetch;
use crate::suite::data::{DataFile, DataManifest};
use std::path::{Path, PathBuf};

/// Most bytes of a file of which nothing is known.
const UNKNOWN: u64 = 64 << 30;

/// What getting a dataset takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<'m> {
    /// Files to download.
    pub files: Vec<&'m DataFile>,
    /// Their bytes, exact or rough.
    pub bytes: u64,
    /// Whether every size is exact.
    pub exact: bool,
    /// Missing files that no address serves.
    pub nowhere: Vec<&'m DataFile>,
}

/// What is missing of a dataset and how it can be had.
pub fn plan<'m>(store: &Store, manifest: &'m DataManifest) -> Plan<'m> {
    // A missing file comes by itself or in its archive.
    let mut wanted: Vec<&DataFile> = Vec::new();
    for file in store.missing(manifest) {
        let archive = manifest
            .files
            .iter()
            .find(|f| Some(&f.path) == file.archive.as_ref());
        let source = archive.filter(|_| file.urls.is_empty()).unwrap_or(file);
        if !wanted.iter().any(|other| other.path == source.path) {
            wanted.push(source);
        }
    }
    let (files, nowhere): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|f| !f.urls.is_empty());
    Plan {
        bytes: files.iter().filter_map(|f| f.size()).sum(),
        exact: files.iter().all(|f| f.bytes.is_some()),
        files,
        nowhere,
    }
}

/// Bytes that are free where the store is, or will be.
pub fn free(store: &Store) -> Option<u64> {
    let existing = store.root().ancestors().find(|path| path.is_dir());
    let here = existing.filter(|path| !path.as_os_str().is_empty());
    fs4::available_space(here.unwrap_or(Path::new("."))).ok()
}

/// Downloads what is missing of a dataset; `progress` hears of file, bytes so far and in all. The
/// paths of what came.
///
/// # Errors
/// `Full` before anything is asked for, `Unobtainable` with every address's answer, `Mismatch`
/// for a file that differs from its first sight, `Io`. Files that came before stay.
pub fn fetch(
    store: &Store,
    ledger: &Ledger,
    manifest: &DataManifest,
    progress: &mut dyn FnMut(&DataFile, u64, Option<u64>),
) -> Result<Vec<PathBuf>, DatasetError> {
    let plan = plan(store, manifest);
    let unobtainable = |file: &DataFile, found: String| DatasetError::Unobtainable {
        set: manifest.name.clone(),
        file: file.path.clone(),
        found,
        hint: hint(manifest),
    };
    if let Some(file) = plan.nowhere.first() {
        return Err(unobtainable(file, "its manifest names none".into()));
    }
    if let Some(found) = free(store).filter(|&free| free < plan.bytes) {
        return Err(DatasetError::Full {
            path: store.root().into(),
            expected: plan.bytes,
            found,
        });
    }
    let mut came = Vec::new();
    for file in plan.files {
        let target = store.place(manifest, file);
        let url = mirrors(file, &target, progress).map_err(|found| unobtainable(file, found))?;
        let verified = verify_at(&target, ledger, manifest, file, (true, url), &mut |_| true);
        if let Err(error) = verified {
            // Downloaded just now, and not what it was the first time: nobody's data.
            std::fs::remove_file(&target).map_err(io(&target))?;
            return Err(error);
        }
        came.push(target);
    }
    Ok(came)
}

/// What to do where no address serves a file.
pub fn hint(manifest: &DataManifest) -> String {
    let first = if manifest.obtain.is_empty() {
        format!("see {}", manifest.homepage)
    } else {
        manifest.obtain.trim_end_matches('.').into()
    };
    let name = &manifest.name;
    if manifest.files.iter().any(|file| file.folder) {
        return format!("{first}. Folders are put there by hand: modalign data where {name}");
    }
    format!("{first}. With the files at hand: modalign data import {name} PATH")
}

/// Asks one address after the other; the one that served the file, or what all answered.
fn mirrors<'f>(
    file: &'f DataFile,
    target: &Path,
    progress: &mut dyn FnMut(&DataFile, u64, Option<u64>),
) -> Result<&'f str, String> {
    let checksum = file.checksum();
    let mut answers = Vec::new();
    for url in &file.urls {
        let limit = file
            .bytes
            .or(file.about.map(|about| about.saturating_mul(2)));
        let fetch = Fetch {
            size: file.bytes,
            checksum: checksum.as_ref(),
            hosts: checksum.is_none().then_some(&file.hosts[..]),
            ..Fetch::new(url, limit.unwrap_or(UNKNOWN))
        };
        match fetch.to(target, &mut |done, total| {
            progress(file, done, total.or(file.size()))
        }) {
            Ok(()) => return Ok(url),
            Err(error) => answers.push(error.to_string()),
        }
    }
    Err(answers.join("; "))
}
