//! One run of several: folders of the same settings, with other methods, seeds or targets, that were trained apart. Cells and
//! measures are copied; tables and the report are made anew from them.

use super::error::RunError;
use super::folder::{RECORDS, RunFolder, expect_free};
use super::grown::grown;
use super::stale::entries;
use super::survey::{Standing, Survey, standing};
use crate::suite::definition::Suite;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What was merged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merged {
    /// Folders of cells that were copied.
    pub cells: usize,
    /// Cells of the new run that are done.
    pub done: usize,
    /// Cells that its settings ask for.
    pub expected: usize,
}

/// Merges the runs in `runs` into a new one in `out`.
///
/// # Errors
/// [`RunError::Locked`] while a process works in one of them, [`RunError::OtherSettings`] where settings differ in more than
/// methods, seeds and targets, [`RunError::Unfit`] where the same cell is done in two runs with different results,
/// [`RunError::NotARun`] for an `out` that is not empty.
pub fn merge(runs: &[PathBuf], out: &Path) -> Result<Merged, RunError> {
    let occupied = fs::read_dir(out).is_ok_and(|entries| entries.count() > 0);
    if occupied {
        return Err(RunError::Unfit {
            what: format!("{}", out.display()),
            expected: "a new or empty folder".into(),
            found: "one that holds files".into(),
        });
    }
    let mut whole: Option<Suite> = None;
    for root in runs {
        expect_free(root)?;
        let suite = Survey::read(root)?.suite;
        whole = Some(match whole {
            None => suite,
            Some(whole) => grown(&whole, &suite).map_err(|difference| RunError::Unfit {
                what: format!("{}", root.display()),
                expected: "the settings of the runs before it, with more methods, seeds or targets at most".into(),
                found: format!("others (first difference: {difference})"),
            })?,
        });
    }
    let Some(suite) = whole else {
        return Err(RunError::Unfit {
            what: "runs to merge".into(),
            expected: "at least one".into(),
            found: "none".into(),
        });
    };
    let chosen = choose(runs)?;
    let folder = RunFolder::open(out, &suite, false)?;
    for (name, from) in &chosen {
        copy(
            &from.join("cells").join(name),
            &folder.path("cells").join(name),
        )?;
    }
    let kept = RECORDS
        .iter()
        .flat_map(|name| runs.iter().map(move |root| (name, root.join(name))));
    let kept = kept.flat_map(|(name, from)| entries(&from).into_iter().map(move |one| (name, one)));
    for (name, evaluation) in kept {
        let place = folder
            .path(name)
            .join(evaluation.file_name().unwrap_or_default());
        // Records are named by the hash of what they measured.
        if !place.exists() {
            copy(&evaluation, &place)?;
        }
    }
    drop(folder);
    let seen = Survey::read(out)?;
    Ok(Merged {
        cells: chosen.len(),
        done: seen.done(),
        expected: seen.cells.len(),
    })
}

/// The run from which every folder of a cell is taken: that in which it is farthest.
fn choose(runs: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>, RunError> {
    let mut chosen: BTreeMap<String, (PathBuf, Standing)> = BTreeMap::new();
    for root in runs {
        for cell in entries(&root.join("cells")) {
            if !cell.is_dir() {
                continue;
            }
            let name = cell.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            let found = standing(&cell, &mut Vec::new());
            match chosen.get(&name) {
                Some((other, known)) if rank(known) >= rank(&found) => {
                    let over = matches!(found, Standing::Done { .. } | Standing::Tried { .. });
                    if over && rank(known) == rank(&found) && !known.agrees(&found) {
                        return Err(RunError::Unfit {
                            what: format!("cell {name}"),
                            expected: format!("the same result as in {}", other.display()),
                            found: format!("another in {}", root.display()),
                        });
                    }
                }
                _ => {
                    chosen.insert(name, (root.clone(), found));
                }
            }
        }
    }
    let places = chosen.into_iter().map(|(name, (root, _))| (name, root));
    Ok(places.collect())
}

/// How far a cell is, as numbers that compare.
fn rank(standing: &Standing) -> (u8, u8, usize) {
    match standing {
        Standing::Done { .. } => (4, 0, 0),
        Standing::Tried { .. } => (3, 0, 0),
        Standing::Checkpoint { stage, epoch } => (2, *stage, *epoch),
        Standing::Failed { .. } => (1, 0, 0),
        Standing::NotBegun => (0, 0, 0),
    }
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), RunError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::Io { path, source }
    };
    if !from.is_dir() {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        fs::copy(from, to).map_err(io(from))?;
        return Ok(());
    }
    fs::create_dir_all(to).map_err(io(to))?;
    for entry in entries(from) {
        copy(&entry, &to.join(entry.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
