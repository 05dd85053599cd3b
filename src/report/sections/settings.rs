//! Settings, seeds and hashes: folded, for they are looked up and not read. What was asked for and not run
//! stays in sight.

use maud::{Markup, html};
use serde_json::Value;

use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::compared::Compared;
use crate::report::data::{Data, Run};
use crate::report::grid::{Cell, Grid, Place};
use crate::report::number::{plain, whole};
use crate::report::record::{Record, Shown};
use crate::report::section::{Block, Section};
use crate::table::{CellRow, TransferabilityRow};

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "settings",
    title: "Settings, hashes, what was not run",
    tables: &[],
    figure: None,
    blocks: of_run,
    citations: &[],
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "inputs",
    title: "Inputs and settings",
    tables: &[],
    figure: None,
    blocks: of_comparison,
    citations: &[],
};

fn of_run(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let cells = data.tables.any::<CellRow>()?;
    let scores = data.tables.any::<TransferabilityRow>()?;
    let missing = missing(&cells.rows, &scores.rows);
    let words = html! {
        (folded_facts(&data.record))
        h3 { "Not run" }
        @if missing.is_empty() {
            p { "Everything that the suite asks for was run." }
        } @else {
            ul { @for what in &missing { li { (what) } } }
        }
        p.source { "Source: " code { "run.json" } ", " code { "tables/" } }
    };
    Ok(vec![
        Block::Page(words),
        Block::Table(provenance(&data.record)),
    ])
}

/// What the record says, by name.
fn facts(record: &Record) -> [(&'static str, String, bool); 14] {
    let fact = |name, value: &Shown| (name, value.to_string(), value.0.is_none());
    let seconds = seconds(&record.seconds);
    [
        fact("Suite", &record.suite),
        fact("modalign", &record.version),
        fact("Device", &record.device),
        fact("Processor", &record.host),
        fact("Threads", &record.threads),
        fact("Seeds", &record.seeds),
        fact("Started", &record.started),
        fact("Finished", &record.finished),
        fact("Record format", &record.schema_version),
        fact("Source model", &record.source.model),
        fact("Parameters", &record.source.parameters),
        fact("Source classes", &record.source.classes),
        fact("Weights, SHA-256", &record.source.sha256),
        ("Seconds", seconds, record.seconds.0.is_none()),
    ]
}

/// All of it, closed at first.
fn folded_facts(record: &Record) -> Markup {
    html! {
        details.sheet {
            summary { "Settings and hashes" }
            dl.facts { @for (name, value, absent) in facts(record) {
                div { dt { (name) } dd.absent[absent] { (value) } }
            } }
        }
        details.sheet {
            summary { "Inputs " span.count { (record.inputs.len()) " files" } }
            @if record.inputs.is_empty() {
                p.absent { "not recorded" }
            } @else {
                div.scroll tabindex="0" { table {
                    thead { tr { th scope="col" { "input" } th scope="col" { "SHA-256" } } }
                    tbody { @for input in &record.inputs {
                        tr { td { (input.name) } td { code.hash { (input.sha256) } } }
                    } }
                } }
            }
        }
    }
}

/// The same for texts.
fn provenance(record: &Record) -> Grid {
    let line = |name: String, value: String| (None, vec![Cell::from(name), value.into()]);
    let facts = facts(record).map(|(name, value, _)| line(name.to_owned(), value));
    let inputs = record.inputs.iter();
    let inputs = inputs.map(|i| line(format!("{}, SHA-256", i.name), i.sha256.to_string()));
    Grid {
        title: "Provenance".into(),
        heads: vec![("what".into(), false), ("value".into(), false)],
        rows: facts.into_iter().chain(inputs).collect(),
        source: None,
        place: Place::Text,
        latex: None,
        folded: true,
    }
}

/// Seconds to a tenth; anything else as it stands.
fn seconds(shown: &Shown) -> String {
    let text = shown.to_string();
    text.parse().map_or(text, |seconds| plain(seconds, 1))
}

/// What is missing, and why, as far as the run says.
fn missing(cells: &[CellRow], scores: &[TransferabilityRow]) -> Vec<String> {
    let left = cells.iter().filter(|row| !row.done());
    let seed = |row: &CellRow| {
        row.seed
            .map_or(String::new(), |seed| format!(", seed {seed}"))
    };
    let cell = |row: &CellRow| {
        let method = methods::title(&row.method);
        format!(
            "{}, {method}{}: the run ended before",
            row.target_title,
            seed(row)
        )
    };
    let undefined = scores.iter().filter_map(|row| {
        let why = row.undefined.as_deref().filter(|why| *why != "-")?;
        Some(format!(
            "LEEP, NCE, LogME and the like of {}: {why}",
            row.target_title
        ))
    });
    left.map(cell).chain(undefined).collect()
}

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let record = &data.record;
    let settings = record.settings.iter().chain(&record.constants);
    let words = html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "encoder" } th scope="col" { "from" } th scope="col" { "named" }
                th.number scope="col" { "features" } th.number scope="col" { "C" }
                th scope="col" { "SHA-256" }
            } }
            tbody { @for side in &record.sides { tr {
                td { (side.title) }
                td { (side.kind) }
                td { (side.path) @if let Some(images) = &side.images { ", " (images) } }
                td.number { (whole(side.dim)) }
                td.number { (side.c) }
                td { code.hash { (side.sha256) } }
            } } }
        } }
        details.sheet {
            summary { "Settings" }
            dl.facts { @for (name, value) in settings {
                div { dt { (name.replace('_', " ")) } dd { (said(value)) } }
            } }
        }
        p.source { "Source: " code { "compare.json" } }
    };
    Ok(vec![Block::Page(words)])
}

/// A value of `compare.json` as readers see it.
pub fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
