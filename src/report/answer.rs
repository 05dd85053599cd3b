//! The answer: target × method, with the target metric, the probe error on the surrogate and D. Pages,
//! Markdown and LaTeX set the same rows. A method is marked best only where its paired differences to every
//! other method are below zero by the run's one rule.

use maud::{Markup, html};

use super::chapters::{method, not_run};
use super::comparison::AGAIN;
use super::data::{self, Data};
use super::number::{anchor, interval, percent, plain};
use super::sheet::source;
use crate::figure::layout::distinct;
use crate::figure::probe::{PRETRAINED, is_reference};
use crate::table::{AnswerRow, CellRow};

/// What one cell of the answer says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The value, or `not run`, or a dash where it is not defined.
    pub value: String,
    /// Its interval, set smaller where that is possible.
    pub interval: Option<String>,
    /// Best of all methods beyond noise.
    pub best: bool,
}

impl From<String> for Said {
    fn from(value: String) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

/// One method on one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Reader's name of the method.
    pub method: String,
    /// Target metric, probe error on the surrogate, D.
    pub said: [Said; 3],
    /// Finished of planned seeds.
    pub seeds: String,
    /// Line of `answer.csv`.
    pub line: Option<usize>,
}

/// One target.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Reader's name of the target.
    pub target: String,
    /// Name of its metric.
    pub metric: String,
    /// Its methods, in the order of the run.
    pub entries: Vec<Entry>,
}

/// What stands above the three values.
pub const HEADS: [&str; 3] = ["target metric", "source probe error", "D"];

/// All targets with all methods that the run planned; `None` where it has no answers.
pub fn groups(data: &Data) -> Option<Vec<Group>> {
    let (rows, planned) = (data::rows(&data.answer), data::rows(&data.cells));
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
                method: method(name),
                said: row.map_or_else(|| [(); 3].map(|()| Said::from("not run".to_owned())), said),
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
            target: title.clone(),
            metric: metric.map_or("–".into(), |row| row.metric.clone()),
            entries: own.map(|(_, _, method)| entry(method)).collect(),
        }
    };
    Some(targets.into_iter().map(group).collect())
}

fn said(row: &AnswerRow) -> [Said; 3] {
    let share = matches!(row.metric.as_str(), "error" | "accuracy");
    let number = |value: f64| plain(value, 3);
    let cell = |mean: Option<f64>, lower, upper, best, show: &dyn Fn(f64) -> String| Said {
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
pub fn references(data: &Data) -> Vec<(String, String)> {
    let probes = data.probe.iter().flat_map(|table| &table.rows);
    let mut found: Vec<_> = probes.filter(|row| is_reference(row)).collect();
    found.sort_by_key(|row| row.encoder != PRETRAINED);
    let said = |row: &&crate::table::ProbeRow| {
        let range = interval(row.lower, row.upper, percent);
        let range = range.map_or(String::new(), |range| format!(" ({range})"));
        (
            row.encoder_title.clone(),
            format!("{}{range}", percent(row.error)),
        )
    };
    found.iter().map(said).collect()
}

/// How the table is to be read.
pub const READING: &str = "All three are better when lower. Means over seeds with 95 % intervals: Student's t over seeds, for errors joined with the noise of test samples; of a single seed, and of a D that is the same under every seed, the test samples alone. The source probe error is that of a linear probe on the surrogate through the transferred encoder; D is taken through the embedder that the fine-tuning starts from. “Best” is said only where the paired difference to every other method is below zero beyond the noise of seeds and test samples, corrected (Holm) for everything that the report says of methods; never from one seed.";

/// The table of answers.
pub fn table(data: &Data) -> Markup {
    let Some(groups) = groups(data) else {
        return not_run("the table of answers", "answer.csv");
    };
    let anyone = groups.iter().flat_map(|group| &group.entries);
    let shown = anyone.flat_map(|entry| &entry.said).any(|said| said.best);
    html! {
        div.scroll tabindex="0" {
            table.answer {
                thead { tr {
                    th scope="col" { "method" }
                    @for head in HEADS { th.number scope="col" { (head) } }
                    th.number scope="col" { "seeds" }
                } }
                @for group in &groups {
                    tbody {
                        tr.target { th scope="rowgroup" colspan="5" {
                            b { (group.target) } " " span.count { (metric_name(&group.metric)) }
                        } }
                        @for entry in &group.entries { tr id=[entry.line.map(anchor::<AnswerRow>)] {
                            th scope="row" { (entry.method) }
                            @for said in &entry.said { td.number.best[said.best] { (value(said)) } }
                            td.number { (entry.seeds) }
                        } }
                    }
                }
            }
        }
        @let references = references(data);
        @if !references.is_empty() {
            p.hint { "Without any transfer the probe errs on "
                @for (place, (name, error)) in references.iter().enumerate() {
                    @if place > 0 { ", " } (error) " through “" (name) "”"
                } "."
            }
        }
        p.hint {
            (READING)
            @if data.judged_again { " " (AGAIN) }
            @if !shown { " Here no method is shown to be best at anything." }
        }
        @if let Some(table) = &data.answer { (source(table)) }
    }
}

fn value(said: &Said) -> Markup {
    html! {
        (said.value)
        @if said.best { " " span.badge { "best" } }
        @if let Some(range) = &said.interval { span.under { (range) } }
    }
}

/// Reader's name of a metric.
pub fn metric_name(id: &str) -> String {
    match id {
        "–" => String::new(),
        other => other.replace('-', " "),
    }
}
