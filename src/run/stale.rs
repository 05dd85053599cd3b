//! Results in a run folder that were made from something else than is there now.
//!
//! [`check`] compares the hashes of all of them before anything is computed: it refuses the folder with the first
//! thing that changed, or, with `--refresh`, removes what was made from it. Results of older versions carry no
//! hashes; the run's earlier `run.json` stands for them.

use super::cell::{self, MODEL};
use super::error::RunError;
use super::folder::RECORDS;
use super::folder::RunFolder;
use super::measures::MEASURED;
use super::origin::{Change, KEY, Origin, Origins, WEIGHTS};
use crate::table::record::RunRecord;
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Compares every result in `folder` with what is there now; `inputs` are the hashes of the data
/// files by name. Results that were made from something else are refused or, with `refresh`, removed;
/// gives how many were.
///
/// # Errors
/// [`RunError::Stale`] with the first thing that changed.
pub fn check(
    folder: &RunFolder,
    now: &Origins,
    inputs: &[(String, String)],
    refresh: bool,
) -> Result<usize, RunError> {
    let before: Option<RunRecord> = folder.read_json("run.json");
    let older = before.and_then(|record| of_older(&record, now, inputs));
    let changed = |path: &Path| -> Option<Change> {
        let record: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let entries = match record {
            Value::Array(entries) => entries,
            one => vec![one],
        };
        entries.iter().find_map(|entry| match entry.get(KEY) {
            Some(made) => Origin::deserialize(made).ok()?.changed(&now.all),
            None => older.as_ref().map(|change| Change {
                name: change.name.clone(),
                was: change.was.clone(),
                is: change.is.clone(),
            }),
        })
    };
    let mut removed = 0;
    for cell in entries(&folder.path("cells")) {
        let records = [
            cell.join("cell.json"),
            cell.join("tuned.json"),
            cell.join("checkpoint/checkpoint.json"),
        ];
        let find = |path: &Path| Some((path.to_path_buf(), changed(path)?));
        let of_cell = records.iter().find_map(|path| find(path));
        let whole = of_cell.is_some();
        // Measures depend on the surrogate too, of which the transfer may know nothing.
        let measured = cell.join(MEASURED);
        let Some((path, change)) = of_cell.or_else(|| find(&measured)) else {
            continue;
        };
        if !refresh {
            return Err(change.refused(&path));
        }
        if !whole && cell.join(MODEL).exists() {
            remove(&measured)?;
            removed += 1;
            continue;
        }
        // Where another process is at work in it, this one ends and says so.
        let name = cell.file_name().unwrap_or_default().to_string_lossy();
        let _lock = cell::lock(folder, &format!("cells/{name}"))?;
        remove(&cell)?;
        removed += 1;
    }
    for evaluation in RECORDS.iter().flat_map(|name| entries(&folder.path(name))) {
        let Some(change) = changed(&evaluation) else {
            continue;
        };
        if !refresh {
            return Err(change.refused(&evaluation));
        }
        remove(&evaluation)?;
        removed += 1;
    }
    Ok(removed)
}

/// The first thing that a run of an older version, which wrote its hashes into `run.json` alone, was
/// not made from.
fn of_older(record: &RunRecord, now: &Origins, inputs: &[(String, String)]) -> Option<Change> {
    let weights = now.all.0.get(WEIGHTS)?;
    let was = record.source.sha256.as_ref();
    if let Some(was) = was.filter(|was| !was.is_empty() && *was != weights) {
        return Some(Change {
            name: WEIGHTS.into(),
            was: was.clone(),
            is: weights.clone(),
        });
    }
    record.inputs.iter().find_map(|input| {
        let (name, is) = inputs.iter().find(|(name, _)| *name == input.name)?;
        (*is != input.sha256).then(|| Change {
            name: name.clone(),
            was: input.sha256.clone(),
            is: is.clone(),
        })
    })
}

/// What a folder holds, in the order of its names; nothing if it is not there.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = all.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

fn remove(path: &Path) -> Result<(), RunError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(|source| RunError::Io {
        path: path.into(),
        source,
    })
}
