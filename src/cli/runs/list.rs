//! `modalign runs list`: one line a run. The path comes last: it may be long, and the columns
//! before it stay where they are.

use super::{NONE, clean, columns, minute, print_json, span, summary};
use crate::cli::error::CliError;
use crate::cli::print;
use crate::run::RunError;
use crate::run::survey::{Survey, runs};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Prints the runs in `folders`.
pub fn run(folders: &[PathBuf], as_json: bool) -> Result<(), CliError> {
    let mut paths = Vec::new();
    for folder in folders {
        paths.extend(runs(folder)?);
    }
    // Nobody asked for the default folder: that there is none is no error.
    let usual = Path::new("runs");
    if folders.is_empty() && usual.exists() {
        paths = runs(usual)?;
    }
    let all: Vec<_> = paths.iter().map(|path| Survey::read(path)).collect();
    if as_json {
        let all = paths.iter().zip(&all).map(|(path, run)| fields(path, run));
        return print_json(&json!({ "runs": all.collect::<Vec<_>>() }));
    }
    if paths.is_empty() {
        let folders = match folders {
            [] => vec![usual.into()],
            given => given.to_vec(),
        };
        let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        eprintln!("no runs in {}", names.join(", "));
        return Ok(());
    }
    let head = [
        "state",
        "cells",
        "time",
        "started (UTC)",
        "device",
        "suite",
        "run",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    let lines = paths.iter().zip(&all).map(|(path, run)| row(path, run));
    rows.extend(lines);
    let mut text = columns(&rows, &[1, 2], "");
    for (path, run) in paths.iter().zip(&all) {
        if let Err(error) = run {
            let error = error.to_string();
            let first = clean(error.lines().next().unwrap_or_default());
            text += &format!("{}: {first}\n", clean(&path.display().to_string()));
        }
    }
    print(text.as_bytes())
}

fn fields(path: &Path, run: &Result<Survey, RunError>) -> Value {
    match run {
        Ok(run) => Value::Object(summary(run)),
        Err(error) => json!({
            "path": path.display().to_string(),
            "state": "damaged",
            "error": error.to_string(),
        }),
    }
}

fn row(path: &Path, run: &Result<Survey, RunError>) -> Vec<String> {
    let none = || NONE.to_string();
    let path = path.display().to_string();
    let Ok(run) = run else {
        let mut row = vec!["damaged".into()];
        row.extend(std::iter::repeat_with(none).take(5));
        row.push(path);
        return row;
    };
    let record = run.record.as_ref();
    let cells = match run.has_cells() {
        true => format!("{}/{}", run.done(), run.cells.len()),
        false => none(),
    };
    vec![
        run.state.name().into(),
        cells,
        record.and_then(|r| r.seconds).map_or_else(none, span),
        record
            .and_then(|r| r.started.as_deref())
            .map_or_else(none, minute),
        record.and_then(|r| r.device.clone()).unwrap_or_else(none),
        run.suite.name.clone(),
        path,
    ]
}
