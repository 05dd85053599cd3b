//! Settings, seeds and hashes: folded, for they are looked up and not read. What was asked for and not run
//! stays in sight.

use maud::{Markup, html};
use serde_json::Value;

use super::tuning;
use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::compared::Compared;
use crate::report::data::{Data, Run};
use crate::report::grid::{Cell, Grid, Place};
use crate::report::number::{plain, whole};
use crate::report::record::{Shown, shown};
use crate::report::section::{Block, Section};
use crate::table::record::RunRecord;
use crate::table::{CellRow, MeasureRow, TuningRow};

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
    let measures = data.tables.any::<MeasureRow>()?;
    let missing = missing(&cells.rows, &measures.rows);
    let chosen = tuning::chosen(&data.tables.any::<TuningRow>()?.rows);
    let words = html! {
        (folded_facts(&data.record, &chosen))
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
        Block::Table(provenance(&data.record, &chosen)),
    ])
}

/// What the record says, by name.
fn facts(record: &RunRecord) -> [(&'static str, String, bool); 14] {
    let fact = |name, value: Shown| (name, value.to_string(), value.0.is_none());
    let seconds = seconds(&shown(&record.seconds));
    [
        fact("Suite", shown(&record.suite)),
        fact("modalign", shown(&record.version)),
        fact("Device", shown(&record.device)),
        fact("Processor", shown(&record.host)),
        fact("Threads", shown(&record.threads)),
        fact("Seeds", shown(&record.seeds)),
        fact("Started", shown(&record.started)),
        fact("Finished", shown(&record.finished)),
        fact("Record format", shown(&record.schema_version)),
        fact("Source model", shown(&record.source.model)),
        fact("Parameters", shown(&record.source.parameters)),
        fact("Source classes", shown(&record.source.classes)),
        fact("Weights, SHA-256", shown(&record.source.sha256)),
        ("Seconds", seconds, record.seconds.is_none()),
    ]
}

/// All of it, closed at first.
fn folded_facts(record: &RunRecord, chosen: &[(String, String)]) -> Markup {
    html! {
        details.sheet {
            summary { "Settings and hashes" }
            dl.facts { @for (name, value, absent) in facts(record) {
                div { dt { (name) } dd.absent[absent] { (value) } }
            } @for (pair, settings) in chosen {
                div { dt { "Chosen, " (pair) } dd { (settings) } }
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
fn provenance(record: &RunRecord, chosen: &[(String, String)]) -> Grid {
    let line = |name: String, value: String| (None, vec![Cell::from(name), value.into()]);
    let facts = facts(record).map(|(name, value, _)| line(name.to_owned(), value));
    let chosen = chosen.iter();
    let chosen = chosen.map(|(pair, settings)| line(format!("Chosen, {pair}"), settings.clone()));
    let inputs = record.inputs.iter();
    let inputs = inputs.map(|i| line(format!("{}, SHA-256", i.name), i.sha256.clone()));
    Grid {
        title: "Provenance".into(),
        heads: vec![("what".into(), false), ("value".into(), false)],
        rows: facts.into_iter().chain(chosen).chain(inputs).collect(),
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
fn missing(cells: &[CellRow], measures: &[MeasureRow]) -> Vec<String> {
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
    let undefined = measures.iter().filter(|row| row.value.is_none());
    let undefined = undefined.filter_map(|row| {
        let (target, why) = (row.target_title.as_deref()?, row.note.as_deref()?);
        Some(format!("{} of {target}: {why}", row.measure_title()))
    });
    left.map(cell).chain(undefined).collect()
}

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let record = &data.record;
    let constants = serde_json::to_value(&record.constants).ok();
    let constants = constants.as_ref().and_then(Value::as_object);
    let settings = record
        .settings
        .iter()
        .chain(constants.into_iter().flatten());
    let words = html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "encoder" } th scope="col" { "from" } th scope="col" { "named" }
                th.number scope="col" { "features" } th.number scope="col" { "C" }
                th scope="col" { "SHA-256" }
            } }
            tbody { @for encoder in &record.encoders { tr {
                td { (encoder.title) }
                td { (encoder.origin.kind) }
                td { (encoder.origin.path) @if let Some(images) = &encoder.origin.images { ", " (images) } }
                td.number { (whole(encoder.dim as u64)) }
                td.number { (encoder.c) }
                td { code.hash { (encoder.origin.sha256) } }
            } } }
        } }
        details.sheet {
            summary { "Settings" }
            dl.facts { @for (name, value) in settings {
                div { dt { (name.replace('_', " ")) } dd { (shown(value)) } }
            } }
        }
        p.source { "Source: " code { "compare.json" } }
    };
    Ok(vec![Block::Page(words)])
}
