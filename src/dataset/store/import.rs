//! Taking files that the user already has: dead links are the field's commonest complaint.

use super::folder::Store;
use super::ledger::Ledger;
use super::verify::{Verdict, verify_at};
use crate::dataset::DatasetError;
use crate::dataset::files::{io, malformed};
use crate::files::checksum::Algorithm;
use crate::suite::data::{DataFile, DataManifest};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A file that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is now.
    pub to: PathBuf,
    /// What is known of it.
    pub verdict: Verdict,
}

/// Takes a file, or those files of a folder that the manifest names, into the store: checked first,
/// then copied whole. A file of another name is recognised by its checksum.
///
/// # Errors
/// `Malformed` if nothing of the dataset is there, `Mismatch` for other bytes, `Io`. Files that were
/// taken before stay.
pub fn import(
    store: &Store,
    ledger: &Ledger,
    manifest: &DataManifest,
    path: &Path,
) -> Result<Vec<Imported>, DatasetError> {
    let found = if fs::metadata(path).map_err(io(path))?.is_dir() {
        manifest
            .files
            .iter()
            .filter(|file| !file.folder)
            .filter_map(|f| Some((f, inside(path, f)?)))
            .collect()
    } else {
        vec![(recognise(manifest, path)?, path.to_path_buf())]
    };
    if found.is_empty() {
        return Err(malformed(
            path,
            "files of the folder",
            expected(manifest),
            "none of these",
        ));
    }
    found
        .into_iter()
        .map(|(file, from)| {
            let verdict = verify_at(&from, ledger, manifest, file, (true, "import"), &mut |_| {
                true
            })?;
            let to = store.place(manifest, file);
            let same =
                |a: &Path, b: &Path| Some(fs::canonicalize(a).ok()? == fs::canonicalize(b).ok()?);
            if same(&from, &to) != Some(true) {
                copy(&from, &to)?;
                // The copy may have failed where reading does not tell.
                verify_at(&to, ledger, manifest, file, (true, "import"), &mut |_| true)?;
            }
            Ok(Imported { from, to, verdict })
        })
        .collect()
}

/// Where a folder has a file: under its whole path or under its name alone.
fn inside(folder: &Path, file: &DataFile) -> Option<PathBuf> {
    let name = Path::new(&file.path).file_name()?;
    let mut paths = [folder.join(&file.path), folder.join(name)].into_iter();
    paths.find(|path| path.is_file())
}

/// The file that a path is, by name or else by checksum.
fn recognise<'m>(manifest: &'m DataManifest, path: &Path) -> Result<&'m DataFile, DatasetError> {
    let name = path.file_name();
    let by_name = |file: &&DataFile| Path::new(&file.path).file_name() == name;
    let mut files = manifest.files.iter().filter(|file| !file.folder);
    if let Some(file) = files.find(by_name) {
        return Ok(file);
    }
    let size = fs::metadata(path).map_err(io(path))?.len();
    for file in &manifest.files {
        let Some(checksum) = file.checksum() else {
            continue;
        };
        if file.bytes.is_none_or(|bytes| bytes == size) {
            let mut opened = File::open(path).map_err(io(path))?;
            if checksum.is(&checksum.algorithm.of(&mut opened).map_err(io(path))?) {
                return Ok(file);
            }
        }
    }
    let mut opened = File::open(path).map_err(io(path))?;
    let found = Algorithm::Sha256.of(&mut opened).map_err(io(path))?;
    let found = format!("{size} bytes with SHA-256 {found}");
    Err(malformed(
        path,
        format!("file of {}", manifest.name),
        expected(manifest),
        found,
    ))
}

fn expected(manifest: &DataManifest) -> String {
    let files = manifest.files.iter().filter(|file| !file.folder);
    let names: Vec<&str> = files.map(|file| file.path.as_str()).collect();
    if names.is_empty() {
        let name = &manifest.name;
        return format!(
            "nothing: its folders of pictures are put there by hand (modalign data where {name})"
        );
    }
    format!("one of {}", names.join(", "))
}

fn copy(from: &Path, to: &Path) -> Result<(), DatasetError> {
    let mut source = File::open(from).map_err(io(from))?;
    crate::files::atomic::write_with(to, |out| std::io::copy(&mut source, out).map(drop))
        .map_err(io(to))
}
