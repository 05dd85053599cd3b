//! `modalign train`: one cell of a suite, trained and kept, without the measures that `modalign report` adds; and what
//! this shares with `modalign sweep`.

use super::args::{ExperimentArgs, TrainArgs};
use super::error::CliError;
use super::models::tell_source;
use super::progress::Bars;
use super::signals::catch_interrupts;
use crate::model::device;
use crate::run::cell::{Outcome, Tuned};
use crate::run::failure::{self, Done};
use crate::run::job::Asked;
use crate::run::origin::learns_together;
use crate::run::prepare::Request;
use crate::run::sweep::{self, Part, forget_failures};
use crate::run::{RunError, RunFolder};
use crate::suite::definition::Suite;
use crate::suite::tuning::Tuning;
use crate::transfer::methods;
use std::path::{Path, PathBuf};

pub(super) fn usage(what: &str, expected: String, found: &str) -> CliError {
    CliError::Usage {
        what: what.into(),
        expected,
        found: format!("{found:?}"),
    }
}

/// The name, if a method has it.
pub(super) fn method(name: &str) -> Result<String, CliError> {
    let known = methods::find(name).map(|method| method.name.to_owned());
    known.ok_or_else(|| {
        let names = methods::names().join(", ");
        usage("method", format!("one of {names}"), name)
    })
}

/// Leaves only the targets with these names.
pub(super) fn keep_targets(suite: &mut Suite, names: &[String]) -> Result<(), CliError> {
    for name in names {
        if !suite.targets.iter().any(|t| t.name == *name) {
            let known: Vec<&str> = suite.targets.iter().map(|t| t.name.as_str()).collect();
            let expected = format!("one of {}", known.join(", "));
            return Err(usage("target", expected, name));
        }
    }
    suite.targets.retain(|t| names.contains(&t.name));
    Ok(())
}

/// Trains one cell; prints its folder, or the outcome as JSON.
pub fn train(args: &TrainArgs) -> Result<(), CliError> {
    let mut suite = methods::resolve(&args.experiment.suite)?;
    args.opening.apply(&mut suite.source);
    suite.transfer.methods = vec![method(&args.method)?];
    // What learns targets together needs all of them.
    let mut alone = suite.clone();
    keep_targets(&mut alone, std::slice::from_ref(&args.target))?;
    let all = methods::of(&suite.transfer);
    if !all.iter().any(|method| learns_together(&suite, method)) {
        suite = alone;
    }
    suite.transfer.seeds = vec![args.seed];
    // One transfer, at the suite's own settings: nothing is compared.
    suite.tuning = Tuning::default();
    let mut undefined = failure::pairs(&suite).into_iter();
    if let Some((target, method, why)) = undefined.find(|(t, ..)| t.name == args.target) {
        return Err(RunError::Undefined {
            cell: format!("{} by {}", target.name, method.name),
            why,
        }
        .into());
    }
    let name = format!(
        "{}-{}-{}-{}",
        suite.name, args.target, args.method, args.seed
    );
    let root = args.out.clone().unwrap_or(Path::new("runs").join(name));
    let folder = RunFolder::open(&root, &suite, args.start.fresh)?;
    let asked = Asked {
        targets: vec![args.target.clone()],
        ..Asked::all(&suite)
    };
    forget_failures(&suite, &folder, &asked, None)?;
    let part = Part {
        asked: &asked,
        only: None,
        measured: false,
        fail_fast: false,
        patience: None,
    };
    let found = carry_out(&suite, &args.experiment, &folder, &part, args.start.refresh)?;
    for (cell, done) in &found {
        let Done::Trained(outcome, before) = done else {
            continue;
        };
        if args.json {
            let all = serde_json::json!({ "run": root, "cell": cell, "outcome": outcome });
            println!("{all}");
        } else {
            say(cell, outcome, *before);
            println!("{}", folder.path(cell).display());
        }
    }
    failures(&found, &root, "the same command tries it again")
}

/// An error for the cells that failed; `again` says how they are tried again.
pub(super) fn failures(
    found: &[(String, Done)],
    root: &Path,
    again: &'static str,
) -> Result<(), CliError> {
    let failed = found.iter().filter_map(|(cell, done)| match done {
        Done::Failed(why) => Some(format!("{cell}: {why}")),
        _ => None,
    });
    let failed: Vec<String> = failed.collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(CliError::Failed {
            count: failed.len(),
            first: first.clone(),
            report: root.into(),
            again,
        }),
    }
}

/// Says what a cell found, and whether it was found before.
pub(super) fn say(cell: &str, outcome: &Outcome, before: bool) {
    let before = if before { ", done before" } else { "" };
    eprintln!(
        "{cell}: validation {}, test {} (epoch {} of {}){before}",
        outcome.metric.say(outcome.valid),
        outcome.metric.say(outcome.test),
        outcome.selected,
        outcome.course.len()
    );
}

/// Says what settings reached that were tried.
pub(super) fn say_tried(cell: &str, tuned: &Tuned) {
    let outcome = &tuned.outcome;
    let source = tuned.source_valid.map_or(String::new(), |error| {
        format!(", of the surrogate: probe error {:.1} %", 100.0 * error)
    });
    eprintln!(
        "{cell}: tried, validation {}{source} (epoch {} of {})",
        outcome.metric.say(outcome.valid),
        outcome.selected,
        outcome.course.len()
    );
}

/// Opens the device and does a part of a suite's work.
pub(super) fn carry_out(
    suite: &Suite,
    experiment: &ExperimentArgs,
    folder: &RunFolder,
    part: &Part,
    refresh: bool,
) -> Result<Vec<(String, Done)>, CliError> {
    catch_interrupts();
    tell_unlocked(folder);
    let device = device::open(&experiment.device)?;
    tell_source(&suite.source)?;
    let request = Request {
        data: experiment.data.as_deref(),
        device: &device,
        device_name: &device::describe(&experiment.device, &device),
        command: String::new(),
        refresh,
    };
    let found = sweep::sweep(suite, &request, folder, part, &mut Bars::new());
    Ok(found.inspect_err(|error| {
        if error.is_interrupted() {
            let root: PathBuf = folder.root().into();
            eprintln!(
                "interrupted: whole epochs are kept in {}; the same command continues there",
                root.display()
            );
        }
    })?)
}

/// Says that the file system of a run locks nothing, if so.
pub(super) fn tell_unlocked(folder: &RunFolder) {
    if let Some(why) = folder.unlocked() {
        eprintln!(
            "note: {}: the file system has no locks ({why}); processes that share this folder may train the same cell, \
             which costs time and changes no result",
            folder.root().display()
        );
    }
}
