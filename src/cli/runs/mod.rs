//! `modalign runs`: which runs there are, what one is, and how two differ. Here are the words and
//! columns that the three share; what they say comes from the run room, which reads files.

mod diff;
mod list;
mod show;

use super::args::RunsCommand;
use super::error::CliError;
use crate::manifest::task::Metric;
use crate::run::survey::{Standing, Survey};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Runs the command; only `diff` ends with another code than 0.
pub fn run(command: &RunsCommand) -> Result<ExitCode, CliError> {
    match command {
        RunsCommand::List { folders, json } => list::run(folders, *json)?,
        RunsCommand::Show { run, json } => show::run(run, *json)?,
        RunsCommand::Diff { a, b, json } => return diff::run(a, b, *json),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints one JSON object.
fn print_json(value: &Value) -> Result<(), CliError> {
    super::print(format!("{value}\n").as_bytes())
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

/// Text of a file as a terminal may show it: without control characters.
fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// Rows in columns two spaces apart; the columns in `right` end at the same place. The last column
/// is as wide as it needs to be.
fn columns(rows: &[Vec<String>], right: &[usize], indent: &str) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if i > 0 { "  " } else { "" };
            let cell = clean(cell);
            line += &match right.contains(&i) {
                true => format!("{gap}{cell:>width$}"),
                false => format!("{gap}{cell:<width$}"),
            };
        }
        text += &format!("{indent}{}\n", line.trim_end());
    }
    text
}

/// Words in lines of at most `width` characters, each after `indent`.
fn wrapped(words: &str, width: usize, indent: &str) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in clean(words).split_whitespace() {
        let long = line.chars().count() + 1 + word.chars().count() > width;
        if long && !line.is_empty() {
            text += &format!("{indent}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    text + &format!("{indent}{line}\n")
}

/// A time span in the unit that suits it.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
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
    fn columns_are_aligned_and_end_without_blanks() {
        let rows = [["a", "1", "x"], ["long", "22", ""]].map(|r| r.map(String::from).to_vec());
        assert_eq!(columns(&rows, &[1], " "), " a      1  x\n long  22\n");
        assert_eq!(columns(&[], &[], ""), "");
    }

    #[test]
    fn words_are_wrapped_and_long_ones_kept() {
        assert_eq!(wrapped("a bb ccc", 4, "> "), "> a bb\n> ccc\n");
        assert_eq!(wrapped("enormous x", 4, ""), "enormous\nx\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn times_read_well() {
        assert_eq!(span(62.99), "63.0 s");
        assert_eq!(span(312.0), "5.2 min");
        assert_eq!(span(9000.0), "2.5 h");
        assert_eq!(minute("2026-11-21T23:40:42Z"), "2026-11-21 23:40");
        assert_eq!(minute(""), "");
    }
}
