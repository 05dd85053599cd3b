//! What a folder of pictures is known by: one SHA-256 over the names and bytes of all of them.

use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::tree;
use crate::dataset::DatasetError;
use crate::dataset::files::io;

/// One SHA-256 over names and bytes of all pictures of a folder.
///
/// # Errors
/// Those of walking the folder and of reading a file.
pub fn digest(root: &Path) -> Result<String, DatasetError> {
    digest_of(&tree::walk(root)?.files)
}

/// The same of pictures at any depth, whatever the folders are called.
///
/// # Errors
/// As [`digest`].
pub fn digest_flat(root: &Path) -> Result<String, DatasetError> {
    digest_of(&tree::flat(root, &[])?.files)
}

/// The same of these pictures.
///
/// # Errors
/// Those of reading a file.
pub fn digest_of(files: &[tree::Entry]) -> Result<String, DatasetError> {
    let each: Vec<Result<_, DatasetError>> = files
        .par_iter()
        .map(|file| {
            let bytes = std::fs::read(&file.path).map_err(io(&file.path))?;
            Ok(Sha256::digest(bytes))
        })
        .collect();
    let mut all = Sha256::new();
    for (file, hash) in files.iter().zip(each) {
        all.update(file.id.as_bytes());
        all.update([0]);
        all.update(hash?);
    }
    let hex = all.finalize();
    Ok(hex.iter().map(|byte| format!("{byte:02x}")).collect())
}
