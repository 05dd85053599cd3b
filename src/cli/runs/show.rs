//! `modalign runs show`: one run on one page. What it is, what it ran on, every cell, and what was
//! made of them.

use super::{
    NONE, clean, columns, fault_texts, faults, minute, name, print_json, recorded, span, summary,
    value, wrapped,
};
use crate::cli::error::CliError;
use crate::cli::print;
use crate::run::survey::{CellSurvey, Standing, Survey};
use serde_json::{Value, json};
use std::path::Path;

/// Prints the run in `root`.
pub fn run(root: &Path, as_json: bool) -> Result<(), CliError> {
    let run = Survey::read(root)?;
    if as_json {
        return print_json(&fields(&run));
    }
    let mut text = format!(
        "{}: {}\n\n",
        clean(&root.display().to_string()),
        clean(&run.suite.title)
    );
    text += &columns(&facts(&run), &[], "  ");
    text += "\n";
    text += &match run.has_cells() {
        true => columns(&cells(&run), &[2, 4, 5, 6, 7], "  "),
        false => "  cells: none in this folder, only what was measured of them\n".into(),
    };
    let notes = run.record.iter().flat_map(|r| &r.notes);
    let notes: String = notes.map(|note| wrapped(note, 74, "    ")).collect();
    if !notes.is_empty() {
        text += &format!("\n  notes\n{notes}");
    }
    text += &faults(&run);
    let made = |names: Vec<String>| match names.is_empty() {
        true => "none".to_string(),
        false => names.join(", "),
    };
    let report = run.report().map(|path| path.display().to_string());
    let results = [
        ("tables", made(run.tables())),
        ("figures", made(run.figures())),
        ("report", made(report.into_iter().collect())),
    ];
    let results = results.map(|(name, value)| vec![name.into(), value]);
    text += &format!("\n{}", columns(&results, &[], "  "));
    print(text.as_bytes())
}

/// What the run is and what it ran on.
fn facts(run: &Survey) -> Vec<Vec<String>> {
    let suite = &run.suite;
    let seeds: Vec<String> = suite.transfer.seeds.iter().map(u64::to_string).collect();
    let mut all = vec![
        ("suite", suite.name.clone()),
        ("state", run.state.name().to_string()),
        (
            "seeds",
            format!("{} (data {})", seeds.join(", "), suite.data_seed),
        ),
    ];
    match &run.record {
        None => all.push(("source", suite.source.model.clone())),
        Some(record) => {
            let source = &record.source;
            let took = record.seconds.map(|s| format!(", took {}", span(s)));
            let started = match &record.started {
                Some(started) => minute(started) + " UTC" + &took.unwrap_or_default(),
                None => recorded(&record.started),
            };
            all.extend([
                (
                    "source",
                    format!(
                        "{}, {} parameters, {} classes",
                        recorded(&source.model),
                        recorded(&source.parameters),
                        recorded(&source.classes)
                    ),
                ),
                ("sha256", recorded(&source.sha256)),
                (
                    "device",
                    format!(
                        "{}, {} threads, {}",
                        recorded(&record.device),
                        recorded(&record.threads),
                        recorded(&record.host)
                    ),
                ),
                ("version", recorded(&record.version)),
                ("started", started),
                ("command", recorded(&record.command)),
            ]);
            let inputs = record.inputs.iter().filter(|i| i.name != "config.toml");
            all.extend(inputs.map(|i| ("input", format!("{} {}", i.name, i.sha256))));
        }
    }
    let row = |(name, value): (&str, String)| vec![name.into(), value];
    all.into_iter().map(row).collect()
}

/// One line a cell.
fn cells(run: &Survey) -> Vec<Vec<String>> {
    let head = [
        "target", "method", "seed", "cell", "valid", "test", "epoch", "time", "metric",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(run.cells.iter().map(line));
    rows
}

fn line(cell: &CellSurvey) -> Vec<String> {
    let none = || NONE.to_string();
    let (state, results) = match &cell.standing {
        Standing::NotBegun => ("not begun".into(), [none(), none(), none(), none(), none()]),
        Standing::Failed { why } => (
            "failed".into(),
            [none(), none(), none(), none(), why.clone()],
        ),
        Standing::Checkpoint { stage, epoch } => {
            let [first, second] = cell.asked;
            let epochs = if *stage == 1 { first } else { second };
            let at = format!("{epoch}/{epochs}");
            (
                format!("stage {stage}"),
                [none(), none(), at, none(), none()],
            )
        }
        Standing::Tried {
            metric,
            valid,
            selected,
            epochs,
            seconds,
            ..
        } => {
            let at = format!("{selected}/{epochs}");
            let (valid, time) = (value(*metric, *valid), span(*seconds));
            ("tried".into(), [valid, none(), at, time, name(*metric)])
        }
        Standing::Done {
            metric,
            valid,
            test,
            selected,
            epochs,
            seconds,
        } => {
            let at = format!("{selected}/{epochs}");
            let [valid, test] = [valid, test].map(|v| value(*metric, *v));
            let time = span(*seconds);
            ("done".into(), [valid, test, at, time, name(*metric)])
        }
    };
    // Settings that are not chosen yet have no name.
    let open = || format!("{}@…", cell.method);
    let mut row = vec![cell.target.clone()];
    row.push(cell.variant.clone().unwrap_or_else(open));
    row.extend([cell.seed.to_string(), state]);
    row.extend(results);
    row
}

fn fields(run: &Survey) -> Value {
    let record = run.record.as_ref();
    let mut all = summary(run);
    let more = json!({
        "version": record.map(|r| &r.version),
        "host": record.map(|r| &r.host),
        "threads": record.map(|r| r.threads),
        "command": record.map(|r| &r.command),
        "seeds": run.suite.transfer.seeds,
        "data_seed": run.suite.data_seed,
        "source": match record {
            Some(record) => json!(record.source),
            None => json!({ "model": run.suite.source.model }),
        },
        "inputs": record.map(|r| &r.inputs),
        "cells": run.cells,
        "notes": record.map(|r| &r.notes),
        "tables": run.tables(),
        "figures": run.figures(),
        "report": run.report().map(|path| path.display().to_string()),
        "faults": fault_texts(run),
    });
    if let Value::Object(more) = more {
        all.extend(more);
    }
    Value::Object(all)
}
