//! `modalign runs diff`: what differs between two runs, settings first, then what they ran on, what
//! their cells found, and their tables.

use super::{NONE, clean, columns, fault_texts, faults, minute, name, print_json, value};
use crate::cli::error::CliError;
use crate::cli::print;
use crate::run::diff::{CellDiff, RunDiff, TableDiff};
use crate::run::settings::Difference;
use crate::run::survey::{Standing, Survey};
use crate::suite::task::Metric;
use crate::table::diff::{Column, Compared, Rows};
use serde_json::json;
use std::path::Path;

/// Prints how the runs in two folders differ; 0 if they do not, 1 if they do.
pub fn run(a: &Path, b: &Path, as_json: bool) -> Result<u8, CliError> {
    let (a, b) = (Survey::read(a)?, Survey::read(b)?);
    let found = RunDiff::of(&a, &b)?;
    if as_json {
        let path = |run: &Survey| run.root.display().to_string();
        let mut faults = fault_texts(&a);
        faults.extend(fault_texts(&b));
        print_json(&json!({
            "a": path(&a),
            "b": path(&b),
            "same": found.is_same(),
            "faults": faults,
            "settings": found.settings,
            "record": found.record,
            "cells": found.cells,
            "tables": found.tables,
        }))?;
    } else {
        let mut text = columns(&[title("A", &a), title("B", &b)], &[], "");
        text += &(faults(&a) + &faults(&b));
        text += &part("settings", "A → B", differences(&found.settings));
        text += &part("ran on", "A → B", differences(&found.record));
        text += &match a.has_cells() && b.has_cells() {
            true => part("cells", "A → B", cells(&found.cells)),
            false => "\ncells: not in both folders, not compared\n".into(),
        };
        text += &part("tables", "rows", found.tables.iter().map(table).collect());
        text += match found.is_same() {
            true => "\nThe runs agree; times are not compared.\n",
            false => "\nThe runs differ; times are not compared.\n",
        };
        print(text.as_bytes())?;
    }
    Ok(match found.is_same() {
        true => 0,
        false => 1,
    })
}

fn title(letter: &str, run: &Survey) -> Vec<String> {
    let record = run.record.as_ref();
    let started = record.and_then(|r| r.started.as_deref()).map(minute);
    vec![
        letter.into(),
        run.root.display().to_string(),
        run.state.name().into(),
        started.unwrap_or_default(),
    ]
}

/// A part of the page under its name; nothing to say is said in a word.
fn part(name: &str, what: &str, lines: String) -> String {
    match lines.is_empty() {
        true => format!("\n{name}: equal\n"),
        false => format!("\n{name} ({what})\n{lines}"),
    }
}

fn differences(all: &[Difference]) -> String {
    let short = |text: String| match text.chars().count() {
        0..=40 => text,
        _ => text.chars().take(39).chain(['…']).collect(),
    };
    let row = |d: &Difference| {
        let (a, b) = (short(d.shown_a()), short(d.shown_b()));
        vec![d.key.clone(), format!("{a} → {b}")]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    columns(&rows, &[], "  ")
}

/// Cells that both have done, side by side, then how far the others are.
fn cells(all: &[CellDiff]) -> String {
    let head = ["target", "method", "seed", "valid", "by", "test", "by"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut others = Vec::new();
    for cell in all {
        let method = cell.tried.as_ref().unwrap_or(&cell.method);
        let mut row = vec![cell.target.clone(), method.clone()];
        row.push(cell.seed.to_string());
        let [a, b] = [&cell.a, &cell.b].map(Option::as_ref);
        let [found_a, found_b] = [a, b].map(|standing| standing?.result());
        match found_a.zip(found_b) {
            Some((a, b)) if a.0 == b.0 && a.2.is_some() == b.2.is_some() => {
                row.extend(change(a.0, a.1, b.1));
                let tests = a.2.zip(b.2);
                row.extend(
                    tests.map_or([NONE, NONE].map(String::from), |(test_a, test_b)| {
                        change(a.0, test_a, test_b)
                    }),
                );
                rows.push(row);
            }
            _ => {
                row.push(format!("{} → {}", word(a), word(b)));
                others.push(row);
            }
        }
    }
    let mut text = String::new();
    if rows.len() > 1 {
        text += &columns(&rows, &[2, 4, 6], "  ");
    }
    text + &columns(&others, &[2], "  ")
}

/// Two values of a metric and how far they are apart; shares of samples in points.
fn change(metric: Metric, a: f64, b: f64) -> [String; 2] {
    let by = match metric {
        _ if a == b => return [value(metric, a), "=".into()],
        Metric::Error => format!("{:+.1}", 100.0 * (b - a)),
        _ => format!("{:+.4}", b - a),
    };
    [format!("{} → {}", value(metric, a), value(metric, b)), by]
}

/// How far a cell is.
fn word(standing: Option<&Standing>) -> String {
    match standing {
        None => "not asked for".into(),
        Some(Standing::Done { metric, .. }) => format!("done ({})", name(*metric)),
        Some(Standing::Tried { metric, .. }) => format!("tried ({})", name(*metric)),
        Some(Standing::Checkpoint { stage, epoch }) => format!("stage {stage}, epoch {epoch}"),
        Some(Standing::NotBegun) => "not begun".into(),
        Some(Standing::Failed { why }) => format!("failed: {why}"),
    }
}

/// A table in a line, and a line for each of its columns that differ.
fn table(diff: &TableDiff) -> String {
    let name = clean(&diff.table);
    let rows = match &diff.compared {
        Compared::OnlyA => return format!("  {name}: only in A\n"),
        Compared::OnlyB => return format!("  {name}: only in B\n"),
        Compared::Unreadable { error } => return format!("  {name}: {}\n", clean(error)),
        Compared::Both(rows) => rows,
    };
    let lines: Vec<Vec<String>> = rows.columns.iter().map(column).collect();
    format!(
        "  {name}: {}\n{}",
        counts(rows),
        columns(&lines, &[], "    ")
    )
}

/// How many rows are equal, and what else there is.
fn counts(rows: &Rows) -> String {
    let mut all = vec![format!("{} equal", rows.equal)];
    for (count, what) in [
        (rows.differing, "differ"),
        (rows.only_a, "only in A"),
        (rows.only_b, "only in B"),
    ] {
        if count > 0 {
            all.push(format!("{count} {what}"));
        }
    }
    for (names, of) in [(&rows.columns_only_a, "A"), (&rows.columns_only_b, "B")] {
        if !names.is_empty() {
            all.push(format!("only {of} has {}", clean(&names.join(", "))));
        }
    }
    all.join(", ")
}

fn column(column: &Column) -> Vec<String> {
    let rows = match column.rows {
        1 => "1 row".into(),
        n => format!("{n} rows"),
    };
    let by = match column.largest {
        Some(largest) => format!("{rows}, |Δ| ≤ {}", number(largest)),
        None => rows,
    };
    let [a, b] = [&column.a, &column.b].map(|cell| match cell.parse::<f64>() {
        Ok(value) => number(value),
        Err(_) if cell.is_empty() => NONE.into(),
        Err(_) => cell.clone(),
    });
    let at = match column.at.as_str() {
        "" => format!("line {}", column.line),
        key => key.into(),
    };
    vec![column.column.clone(), by, format!("{a} → {b}"), at]
}

/// A number with four digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e4).contains(&size) => {
            let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').into(),
                false => text,
            }
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (-34.28832, "-34.29"),
            (1000.0, "1000"),
            (0.001234567, "0.001235"),
            (1.5e-16, "1.50e-16"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_change_is_told_in_the_metrics_unit() {
        let error = |b| change(Metric::Error, 0.25, b);
        assert_eq!(error(0.25), ["25.0 %", "="]);
        assert_eq!(error(0.125), ["25.0 % → 12.5 %", "-12.5"]);
        let nrmse = change(Metric::Nrmse, 0.25, 0.5);
        assert_eq!(nrmse, ["0.2500 → 0.5000", "+0.2500"]);
    }

    #[test]
    fn rows_are_counted_in_words() {
        let rows = Rows {
            equal: 3,
            only_b: 1,
            columns_only_a: vec!["c".into()],
            ..Rows::default()
        };
        assert_eq!(counts(&rows), "3 equal, 1 only in B, only A has c");
    }
}
