//! `modalign runs`: which runs there are, what one is, how two differ, and their features for other
//! programs. Here are the words and columns that these share; what they say comes from the run room, which reads files.

mod diff;
mod export;
mod list;
mod merge;
mod projector;
mod prune;
mod show;

use super::args::RunsCommand;
use super::error::CliError;
use super::words::{clean, columns, print_json, span, wrapped};
use crate::run::survey::{Standing, Survey};
use crate::suite::task::Metric;
use serde_json::{Map, Value, json};

/// Runs the command; only `diff` ends with another code than 0.
pub fn run(command: &RunsCommand) -> Result<u8, CliError> {
    match command {
        RunsCommand::List { folders, json } => list::run(folders, *json)?,
        RunsCommand::Show { run, json } => show::run(run, *json)?,
        RunsCommand::Projector {
            run,
            out,
            part,
            samples,
            json,
        } => projector::run(run, out, part, *samples, *json)?,
        RunsCommand::Prune { run, dry_run, json } => prune::run(run, *dry_run, *json)?,
        RunsCommand::Merge { runs, out, json } => merge::run(runs, out, *json)?,
        RunsCommand::Export {
            run,
            to,
            experiment,
        } => export::run(run, to, experiment.as_deref())?,
        RunsCommand::Diff { a, b, json } => return diff::run(a, b, *json),
    }
    Ok(0)
}

/// What a run is, in a few fields: the part of the JSON that `list` and `show` share.
fn summary(run: &Survey) -> Map<String, Value> {
    let record = run.record.as_ref();
    let begun = |standing: &Standing| matches!(standing, Standing::Checkpoint { .. });
    let all = json!({
        "path": run.root.display().to_string(),
        "suite": run.suite.name,
        "title": run.suite.title,
        "state": run.state,
        "device": record.map(|r| &r.device),
        "started": record.map(|r| &r.started),
        "finished": record.and_then(|r| r.finished.as_ref()),
        "seconds": record.and_then(|r| r.seconds),
        "cells_done": run.done(),
        "cells_begun": run.cells.iter().filter(|cell| begun(&cell.standing)).count(),
        "cells_expected": run.cells.len(),
    });
    match all {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A recorded value; what was not recorded says so.
fn recorded<T: ToString>(value: &Option<T>) -> String {
    value
        .as_ref()
        .map_or("not recorded".into(), ToString::to_string)
}

/// What of a run could not be read.
fn fault_texts(run: &Survey) -> Vec<String> {
    run.faults.iter().map(ToString::to_string).collect()
}

/// The same as a paragraph, if there is anything to say.
fn faults(run: &Survey) -> String {
    let texts = fault_texts(run);
    let lines: String = texts.iter().map(|text| wrapped(text, 76, "    ")).collect();
    match lines.is_empty() {
        true => lines,
        false => format!("\n  not readable, counted as absent\n{lines}"),
    }
}

/// A time stamp to the minute, in UTC as recorded: `2026-11-21 23:40`.
fn minute(stamp: &str) -> String {
    stamp.chars().take(16).collect::<String>().replace('T', " ")
}

/// A value of a metric: shares of samples in percent.
fn value(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Error => format!("{:.1} %", 100.0 * value),
        _ => format!("{value:.4}"),
    }
}

/// The name of a metric, as suites write it.
fn name(metric: Metric) -> String {
    let name = serde_json::to_value(metric).unwrap_or_default();
    name.as_str().unwrap_or_default().into()
}

/// What is not there.
const NONE: &str = "–";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(minute("2026-11-21T23:40:42Z"), "2026-11-21 23:40");
        assert_eq!(minute(""), "");
    }
}
