//! Discards the models that a run needs no more: of cells whose measures are all kept (`measured.json`), of
//! settings that were tried and not chosen, and of tasks that learned together and whose cells have all taken what is theirs. Records, tables and figures stay, so the run reports as before; of a
//! measure that is not yet known, or of another use of a model, it has to be trained again. A large encoder
//! times a sweep's cells is most of what a run weighs.

use super::cell::{Cell, MODEL};
use super::choice::Trial;
use super::error::RunError;
use super::folder::RunFolder;
use super::measures::{self, CellMeasures};
use super::pipeline::is_shown;
use super::plan::{Plan, methods};
use super::stale::entries;
use super::survey::Survey;
use super::tasks;
use crate::suite::definition::Suite;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What was, or would be, discarded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Folders of cells that lose their models, inside the run, and of tasks that learned together.
    pub cells: Vec<String>,
    /// Bytes of their files.
    pub bytes: u64,
    /// Cells whose models are still needed: what is to be measured, to be chosen from, or shown.
    pub needed: usize,
}

/// Discards the models of the run in `root` that it needs no more; with `dry`, only says which they are.
///
/// # Errors
/// [`RunError::Locked`] while a process works in the run, [`RunError::Malformed`] where there is none,
/// [`RunError::Io`].
pub fn prune(root: &Path, dry: bool) -> Result<Pruned, RunError> {
    let suite = Survey::read(root)?.suite;
    let folder = RunFolder::open(root, &suite, false)?;
    let mut found = Pruned::default();
    let plan = Plan::of(&suite)?;
    let spare = spare(&folder, &plan);
    found.needed = entries(&folder.path("cells"))
        .iter()
        .filter(|cell| cell.join(MODEL).exists() && !spare.iter().any(|name| cell.ends_with(name)))
        .count();
    let of_cell = |name: String| {
        let parts = [MODEL, "epochs"].map(|part| folder.path(&name).join(part));
        (name, parts.to_vec())
    };
    let all = spare.into_iter().map(of_cell);
    for (name, parts) in all.chain(learned_together(&folder, &plan)) {
        let bytes: u64 = parts.iter().map(|part| weight(part)).sum();
        if bytes == 0 {
            continue;
        }
        if !dry {
            for part in parts.iter().filter(|part| part.exists()) {
                let removed = match part.is_dir() {
                    true => fs::remove_dir_all(part),
                    false => fs::remove_file(part),
                };
                removed.map_err(|source| RunError::Io {
                    path: part.clone(),
                    source,
                })?;
            }
        }
        found.bytes += bytes;
        found.cells.push(name);
    }
    Ok(found)
}

/// What tasks learned together and no cell will take from there, by folder: each of its cells has its own part.
fn learned_together(folder: &RunFolder, plan: &Plan) -> Vec<(String, Vec<PathBuf>)> {
    let suite = plan.suite;
    let mut open = BTreeSet::new();
    for target in &suite.targets {
        let planned = plan.cells(target, &mut |cell| cell.trial(folder));
        let planned = planned.iter().map(|planned| planned.cell);
        for cell in planned.chain(plan.tuning(target)) {
            let over = cell.outcome(folder).is_some() || cell.trial(folder) != Trial::Open;
            if !over {
                open.insert(tasks::base(cell));
            }
        }
    }
    let mut all = Vec::new();
    for part in entries(&folder.path(tasks::FOLDER)) {
        let name = part.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{}/{name}", tasks::FOLDER);
        if open.contains(&name) {
            continue;
        }
        let groups = entries(&part).into_iter().filter(|group| group.is_dir());
        let files = groups.flat_map(|group| entries(&group));
        let tunings = files.filter(|file| file.extension().is_some_and(|end| end == "safetensors"));
        all.push((name, tunings.collect()));
    }
    all
}

/// Cells whose models are needed no more, by name.
fn spare(folder: &RunFolder, plan: &Plan) -> BTreeSet<String> {
    let suite = plan.suite;
    let mut all = BTreeSet::new();
    for target in &suite.targets {
        for method in methods(suite, target) {
            let trial = &mut |cell: &Cell| cell.trial(folder);
            let Some(chosen) = plan.chosen(target, method, trial) else {
                continue;
            };
            let seeds = &suite.transfer.seeds;
            let passed = |cell: &Cell| cell.variant != chosen || !seeds.contains(&cell.seed);
            let trials = plan.trials(target, method).filter(passed);
            all.extend(trials.map(|cell| cell.name()));
        }
        let planned = plan.cells(target, &mut |cell| cell.trial(folder));
        let planned = planned.iter().filter(|planned| planned.settled);
        for cell in planned.map(|planned| &planned.cell) {
            if is_measured(folder, cell, suite) && !is_shown(cell, suite) {
                all.insert(cell.name());
            }
        }
    }
    all
}

/// Whether a cell is done and everything that is measured of it is kept.
fn is_measured(folder: &RunFolder, cell: &Cell, suite: &Suite) -> bool {
    let texts = suite.source.texts.is_some();
    let kept: Option<CellMeasures> = folder.read_json(&measures::record(cell));
    cell.outcome(folder).is_some() && kept.is_some_and(|kept| kept.is_complete(texts))
}

/// Bytes of a file or of the files in a folder; 0 where there is none.
fn weight(folder: &Path) -> u64 {
    if let Ok(found) = fs::symlink_metadata(folder)
        && found.is_file()
    {
        return found.len();
    }
    let of = |path: PathBuf| match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => weight(&path),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries(folder).into_iter().map(of).sum()
}
