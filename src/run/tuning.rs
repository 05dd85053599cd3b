//! Trying settings: every cell by which settings are chosen is trained and scored on validation parts, and the
//! settings of a method on a target are settled once all of its trials are over. Shards of a sweep share the trials;
//! one that needs a choice helps with what is left of it and waits for the rest.

use super::cell::{self, Cell};
use super::choice::Trial;
use super::error::RunError;
use super::failure::{Done, ended};
use super::folder::RunFolder;
use super::plan::{Plan, methods};
use super::prepare::{Context, Prepared, Target};
use super::progress::{Progress, check_interrupt};
use crate::suite::tuning::Criterion;
use crate::table::TuningRow;
use crate::transfer::methods::{Method, Variant};
use std::thread::sleep;
use std::time::Duration;

/// Time between two looks at the trials of other processes.
const PAUSE: Duration = Duration::from_millis(300);

/// Refuses a choice by validation parts that there are not.
///
/// # Errors
/// [`RunError::Unfit`], with the way out.
pub fn check(plan: &Plan, prepared: &Prepared) -> Result<(), RunError> {
    let rule = &plan.suite.select;
    for target in &prepared.targets {
        if plan.tuning(target.spec).next().is_none() {
            continue;
        }
        if target.data.valid.is_empty() {
            let name = &target.spec.name;
            return Err(RunError::Unfit {
                what: format!("validation part of the target {name}"),
                expected: format!(
                    "samples, as settings are chosen on it: valid = N for {name}, or no [tuning]"
                ),
                found: "none".into(),
            });
        }
        let by_source = rule.metric == Criterion::Source && target.sequence.is_none();
        if by_source && prepared.surrogate.valid.is_empty() {
            let name = &plan.suite.surrogate.name;
            return Err(RunError::Unfit {
                what: format!("validation part of the surrogate {name}"),
                expected: "samples, as settings are chosen on it: [surrogate] valid = N, or \
                           [select] metric = \"target\""
                    .into(),
                found: "none".into(),
            });
        }
    }
    Ok(())
}

/// Tries the settings of every cell of the suite's tuning.
///
/// # Errors
/// Those that are not one cell's own.
pub fn try_all(
    context: &Context,
    plan: &Plan,
    targets: &[Target],
    progress: &mut dyn Progress,
) -> Result<Vec<(String, Done)>, RunError> {
    let cells = targets.iter().flat_map(|target| {
        let cells = plan.tuning(target.spec);
        cells.map(move |cell| (cell, target))
    });
    let mut found = Vec::new();
    for (cell, target) in cells {
        found.push((cell.name(), attempt(context, cell, target, progress)?));
    }
    Ok(found)
}

/// Tries the settings of one cell.
///
/// # Errors
/// Those that are not the cell's own.
pub(super) fn attempt(
    context: &Context,
    cell: Cell,
    target: &Target,
    progress: &mut dyn Progress,
) -> Result<Done, RunError> {
    let result = cell::tune(context, cell, target, progress);
    let result = result.map(|tuned| Done::Tried(Box::new(tuned)));
    match ended(&cell, context.folder, result, progress)? {
        Done::Failed(why) => Ok(Done::Untried(why)),
        Done::Undefined(why) => {
            let error = RunError::Undefined {
                cell: cell.title(),
                why,
            };
            Ok(Done::Untried(cell.fail(context.folder, &error)?.why))
        }
        other => Ok(other),
    }
}

/// The cell of a method and a seed with the settings that are chosen, after the trials that are left of them.
///
/// # Errors
/// Those that are not one cell's own, an interrupt among them.
pub fn settle<'p>(
    context: &Context,
    plan: &'p Plan,
    target: &Target<'p>,
    (method, seed): (&'static Method, u64),
    progress: &mut dyn Progress,
) -> Result<Cell<'p>, RunError> {
    let folder = context.folder;
    loop {
        let chosen = plan.chosen(target.spec, method, &mut |cell| cell.trial(folder));
        if let Some(variant) = chosen {
            if seed == plan.suite.transfer.seeds[0] {
                tell(plan, target, method, variant, progress);
            }
            return Ok(Cell {
                target: target.spec,
                method,
                variant,
                seed,
            });
        }
        let mut elsewhere = None;
        for cell in plan.trials(target.spec, method) {
            if cell.trial(folder) == Trial::Open
                && matches!(attempt(context, cell, target, progress)?, Done::Elsewhere)
            {
                elsewhere = Some(cell);
            }
        }
        if let Some(cell) = elsewhere {
            let title = format!("waiting for another process: {}", cell.title());
            progress.begin(&title, 1);
            // Held is the cell, or something that it shares with others.
            loop {
                check_interrupt(progress.step(0, 1))?;
                sleep(PAUSE);
                if cell.trial(folder) != Trial::Open || !cell.is_locked(folder.root()) {
                    break;
                }
            }
            progress.end();
        }
    }
}

/// Says which settings were chosen of several.
fn tell(
    plan: &Plan,
    target: &Target,
    method: &Method,
    variant: &Variant,
    progress: &mut dyn Progress,
) {
    let tried = plan.variants(method).len();
    if tried > 1 {
        let (target, label) = (&target.spec.title, &variant.label);
        progress.tell(&format!("{target}: {label} chosen of {tried} settings"));
    }
}

/// `tuning.csv`: every trial of the suite, run or not.
pub fn rows(plan: &Plan, folder: &RunFolder) -> Vec<TuningRow> {
    let mut all = Vec::new();
    for target in &plan.suite.targets {
        for method in methods(plan.suite, target) {
            let chosen = plan.chosen(target, method, &mut |cell| cell.trial(folder));
            for cell in plan.trials(target, method) {
                all.push(row(&cell, chosen, folder));
            }
        }
    }
    all
}

fn row(cell: &Cell, chosen: Option<&Variant>, folder: &RunFolder) -> TuningRow {
    let tuned = cell.tuned(folder);
    let outcome = tuned.as_ref().map(|tuned| &tuned.outcome);
    let failure = cell.failure(folder).filter(|_| tuned.is_none());
    let state = match (&tuned, &failure) {
        (Some(_), _) => "done",
        (None, Some(_)) => "failed",
        (None, None) => "not run",
    };
    TuningRow {
        target: cell.target.name.clone(),
        target_title: cell.target.title.clone(),
        method: cell.method.name.into(),
        variant: cell.variant.label.clone(),
        seed: cell.seed,
        state: state.into(),
        metric: outcome.map(|outcome| outcome.metric.name().into()),
        target_valid: outcome.map(|outcome| outcome.valid),
        source_valid: tuned.as_ref().and_then(|tuned| tuned.source_valid),
        chosen: chosen == Some(cell.variant),
        epochs: outcome.map(|outcome| outcome.course.len() as u64),
        seconds: outcome.map(|outcome| outcome.seconds),
        note: failure.map(|failure| failure.why),
    }
}
