//! Results: target × method, with the target metric, the probe error on the surrogate and D. A method is marked
//! best only where its paired differences to every other method are below zero by the run's one rule.

use maud::{Markup, html};

use crate::figure::FigureError;
use crate::figure::layout::{self, distinct};
use crate::figure::methods;
use crate::report::data::{Data, Run, Table, VerdictTables};
use crate::report::grid::{Cell, Grid, Place, Source};
use crate::report::number::{anchor, interval, percent, plain};
use crate::report::section::{Block, Section};
use crate::report::verdict::AGAIN;
use crate::report::words::Words;
use crate::table::{ByTextRow, CellRow, PRETRAINED, ProbeRow, ResultRow, RetrievalRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "results",
    title: "Results",
    tables: &[
        ResultRow::FILE,
        CellRow::FILE,
        RetrievalRow::FILE,
        ByTextRow::FILE,
    ],
    figure: None,
    blocks,
    citations: &[],
};

/// How the table is to be read.
const READING: &str = "All are better when lower. Means over seeds with 95 % intervals: Student's t over seeds, for errors and recalls joined with the noise of test samples; of a single seed, and of a D that is the same under every seed, the test samples alone. The source probe error is that of a linear probe on the surrogate through the transferred encoder. “Best” is said only where the paired difference to every other method is below zero beyond the noise of seeds and test samples, corrected (Holm) for everything that the report says of methods; never from one seed.";

/// The same of D, where it is defined.
const D: &str = "D is taken through the embedder that the fine-tuning starts from.";

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let verdicts = data.tables.verdicts()?;
    let Some(mut groups) = groups(&verdicts, &data.tables.any::<CellRow>()?.rows) else {
        return Ok(vec![Block::Absent("the table of results", ResultRow::FILE)]);
    };
    let probes = data.tables.any::<ProbeRow>()?;
    let retrieval = data.tables.any::<RetrievalRow>()?;
    let by_texts = data.tables.any::<ByTextRow>()?;
    for group in &mut groups {
        let before = untouched(&group.id, &retrieval, &by_texts, &probes);
        group.entries.splice(0..0, before);
    }
    let anyone = groups.iter().flat_map(|group| &group.entries);
    let shown = anyone.flat_map(|entry| &entry.said).any(|said| said.best);
    let again = if verdicts.again { AGAIN } else { "" };
    let none = if shown {
        ""
    } else {
        "Here no method is shown to be best at anything."
    };
    let d = if shows_d(&groups) { D } else { "" };
    let hint = [READING, d, again, none].map(str::trim);
    let hint: Vec<&str> = hint.into_iter().filter(|text| !text.is_empty()).collect();
    Ok(vec![
        Block::Page(table(&groups, verdicts.results.as_ref())),
        Block::Table(text(&groups)),
        Block::Words(references(&probes)),
        Block::Note(hint.join(" ")),
    ])
}

/// One method on one target.
struct Entry {
    /// Reader's name of the method.
    method: String,
    /// Target metric, probe error on the surrogate, D.
    said: [Cell; 3],
    /// Finished of planned seeds.
    seeds: String,
    /// Line of `results.csv`.
    line: Option<usize>,
}

/// One target.
struct Group {
    /// Its id.
    id: String,
    /// Reader's name of the target.
    target: String,
    /// Name of its metric.
    metric: String,
    /// Its methods, in the order of the run.
    entries: Vec<Entry>,
}

/// Whether D of any target is known or still to come; else its column would be dashes alone.
fn shows_d(groups: &[Group]) -> bool {
    let mut all = groups.iter().flat_map(|group| &group.entries);
    all.any(|entry| entry.said[2].value != "–")
}

/// What stands above the values; the last one only where it is defined.
const HEADS: [&str; 3] = ["target metric", "source probe error", "D"];

/// All targets with all methods that the run planned; `None` where it has no results.
fn groups(verdicts: &VerdictTables, planned: &[CellRow]) -> Option<Vec<Group>> {
    let results = verdicts.results.as_ref();
    let rows: &[ResultRow] = results.map_or(&[], |table| &table.rows);
    if rows.is_empty() && planned.is_empty() {
        return None;
    }
    let pairs = planned
        .iter()
        .map(|c| (&c.target, &c.target_title, &c.method))
        .chain(rows.iter().map(|r| (&r.target, &r.target_title, &r.method)));
    let pairs = distinct(pairs);
    let targets = distinct(pairs.iter().map(|(id, title, _)| (*id, *title)));
    let group = |(id, title): (&String, &String)| {
        let own = pairs.iter().filter(|(target, ..)| *target == id);
        let entry = |name: &String| {
            let found = rows
                .iter()
                .position(|row| row.target == *id && row.method == *name);
            let row = found.map(|place| &rows[place]);
            let cells = planned
                .iter()
                .filter(|c| c.target == *id && c.method == *name);
            let states: Vec<bool> = cells.map(CellRow::done).collect();
            let done = states.iter().filter(|done| **done).count();
            Entry {
                method: methods::title(name),
                said: row.map_or_else(|| [(); 3].map(|()| Cell::from("not run".to_owned())), said),
                seeds: match (states.len(), row.and_then(|row| row.seeds)) {
                    (0, seeds) => seeds.map_or("–".into(), |n| n.to_string()),
                    (all, _) if all == done => all.to_string(),
                    (all, _) => format!("{done} of {all}"),
                },
                line: found.map(|place| place + 2),
            }
        };
        let metric = rows.iter().find(|row| row.target == *id);
        Group {
            id: id.clone(),
            target: title.clone(),
            metric: metric.map_or("–".into(), |row| row.metric.clone()),
            entries: own.map(|(_, _, method)| entry(method)).collect(),
        }
    };
    Some(targets.into_iter().map(group).collect())
}

/// Both towers as they were pretrained, on a target that they can be asked about without a transfer.
fn untouched(
    target: &str,
    retrieval: &Table<RetrievalRow>,
    by_texts: &Table<ByTextRow>,
    probes: &Table<ProbeRow>,
) -> Option<Entry> {
    let mut recalls = retrieval.rows.iter();
    let missed = recalls
        .find(|row| row.target == target && row.method.is_none() && row.measure == "mean-recall")
        .and_then(|row| {
            let less = |end: Option<f64>| end.map(|end| 1.0 - end);
            Some((1.0 - row.value?, less(row.upper), less(row.lower)))
        });
    let mut errors = by_texts.rows.iter();
    let wrong = || {
        let row = errors.find(|row| row.target == target && row.method.is_none())?;
        Some((row.error, row.lower, row.upper))
    };
    let (value, lower, upper) = missed.or_else(wrong)?;
    let cell = |value: Option<f64>, lower, upper| Cell {
        value: value.map_or("–".into(), percent),
        interval: compact(lower, upper, &percent),
        best: false,
    };
    let probe = probes.rows.iter().find(|row| row.encoder == PRETRAINED);
    let source = probe.map_or_else(
        || cell(None, None, None),
        |row| cell(Some(row.error), row.lower, row.upper),
    );
    Some(Entry {
        method: "untouched".into(),
        said: [
            cell(Some(value), lower, upper),
            source,
            "–".to_owned().into(),
        ],
        seeds: "–".into(),
        line: None,
    })
}

fn said(row: &ResultRow) -> [Cell; 3] {
    let share = layout::is_share(&row.metric);
    let number = |value: f64| plain(value, 3);
    let cell = |mean: Option<f64>, lower, upper, best, show: &dyn Fn(f64) -> String| Cell {
        value: mean.map_or("–".into(), show),
        interval: compact(lower, upper, show),
        best,
    };
    let metric: &dyn Fn(f64) -> String = if share { &percent } else { &number };
    [
        cell(
            row.target_mean,
            row.target_lower,
            row.target_upper,
            row.target_best,
            metric,
        ),
        cell(
            row.source_mean,
            row.source_lower,
            row.source_upper,
            row.source_best,
            &percent,
        ),
        cell(row.d_mean, row.d_lower, row.d_upper, row.d_best, &number),
    ]
}

/// An interval that fits a phone: the unit is the value's.
fn compact(lower: Option<f64>, upper: Option<f64>, show: &dyn Fn(f64) -> String) -> Option<String> {
    let ends = [lower?, upper?].map(|end| show(end).replace("\u{a0}%", ""));
    Some(ends.join("–"))
}

/// The encoders that no transfer made, with their probe errors.
fn references(probes: &Table<ProbeRow>) -> Words {
    let mut found: Vec<_> = probes.lines().filter(|l| l.row.is_reference()).collect();
    found.sort_by_key(|line| line.row.encoder != PRETRAINED);
    let mut words = Words::default();
    for (place, line) in found.iter().enumerate() {
        let before = match place {
            0 => "Without any transfer the probe errs on ",
            _ => ", ",
        };
        let range = interval(line.row.lower, line.row.upper, percent);
        let range = range.map_or(String::new(), |range| format!(" ({range})"));
        words = words
            .say(before)
            .cite(*line, &percent(line.row.error))
            .say(format!("{range} through “{}”", line.row.encoder_title));
    }
    if words.is_empty() {
        words
    } else {
        words.say(".")
    }
}

/// The table on the page, methods grouped by target.
fn table(groups: &[Group], source: Option<&Table<ResultRow>>) -> Markup {
    let shown = if shows_d(groups) { 3 } else { 2 };
    html! {
        div.scroll tabindex="0" {
            table.results {
                thead { tr {
                    th scope="col" { "method" }
                    @for head in &HEADS[..shown] { th.number scope="col" { (head) } }
                    th.number scope="col" { "seeds" }
                } }
                @for group in groups {
                    tbody {
                        tr.target { th scope="rowgroup" colspan=(shown + 2) {
                            b { (group.target) } " " span.count { (metric_name(&group.metric)) }
                        } }
                        @for entry in &group.entries { tr id=[entry.line.map(anchor::<ResultRow>)] {
                            th scope="row" { (entry.method) }
                            @for said in &entry.said[..shown] { td.number.best[said.best] { (value(said)) } }
                            td.number { (entry.seeds) }
                        } }
                    }
                }
            }
        }
        @if let Some(table) = source { (Source::of(table).html()) }
    }
}

/// The same for texts, a line a method.
fn text(groups: &[Group]) -> Grid {
    let mut heads = vec![("target".into(), false), ("method".into(), false)];
    let shown = if shows_d(groups) { 3 } else { 2 };
    heads.extend(HEADS[..shown].iter().map(|head| ((*head).to_owned(), true)));
    heads.push(("seeds".into(), true));
    let mut rows = Vec::new();
    for group in groups {
        let metric = metric_name(&group.metric);
        for (place, entry) in group.entries.iter().enumerate() {
            let target = match (place, metric.as_str()) {
                (0, "" | "error") => group.target.clone(),
                (0, metric) => format!("{} ({metric})", group.target),
                _ => String::new(),
            };
            let mut row = vec![Cell::from(target), entry.method.clone().into()];
            row.extend(entry.said[..shown].iter().cloned());
            row.push(entry.seeds.clone().into());
            rows.push((entry.line, row));
        }
    }
    Grid {
        title: match shown {
            3 => "Target metric, source probe error and D of every method; in bold: best".into(),
            _ => "Target metric and source probe error of every method; in bold: best".into(),
        },
        heads,
        rows,
        source: None,
        place: Place::Text,
        latex: Some("results"),
        folded: false,
    }
}

fn value(said: &Cell) -> Markup {
    html! {
        (said.value)
        @if said.best { " " span.badge { "best" } }
        @if let Some(range) = &said.interval { span.under { (range) } }
    }
}

/// Reader's name of a metric.
fn metric_name(id: &str) -> String {
    match id {
        "–" => String::new(),
        other => layout::metric(other),
    }
}
