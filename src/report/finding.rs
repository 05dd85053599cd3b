//! The finding in plain words, said by the tables and nothing else: values are read, sorted and
//! judged by the run's one rule. Where nothing is shown to differ, the text says so.

use maud::{Markup, html};

use super::comparison;
use super::data::{Data, Line, Table};
use super::number::{cite, interval, percent, plain};
use crate::figure::discrepancy::divergence_name;
use crate::figure::layout::distinct;
use crate::figure::palette;
use crate::figure::probe::{PRETRAINED, is_reference};
use crate::table::{DiscrepancyRow, PairedRow, ProbeRow};
use crate::transfer::methods::PLAIN;

/// The paragraphs at the top of the report.
pub fn finding(data: &Data) -> Markup {
    html! {
        @match &data.probe {
            Some(probe) => (distortion(probe, &judged(data))),
            None => p { "Distortion of the source knowledge: not run (no probe table)." },
        }
        @if let Some(table) = &data.paired { (comparison::finding(table)) }
        @match &data.discrepancy {
            Some(table) if !table.rows.is_empty() => (discrepancy(&primary(table))),
            _ => p { "Modality knowledge discrepancy: not run." },
        }
        @if let (Some(probe), Some(table)) = (&data.probe, &data.discrepancy) {
            (orders(probe, &primary(table)))
        }
    }
}

/// Where a transfer's probe stands against the pretrained one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Raised,
    Lowered,
    Unclear,
    /// Nothing says how large the noise is: one seed.
    Untested,
}

/// The judged differences of every transfer's probe error from that before any transfer.
fn judged(data: &Data) -> Vec<&PairedRow> {
    let paired = data.paired.iter().flat_map(|table| &table.rows);
    let all = paired.chain(&data.distortion);
    all.filter(|row| row.baseline == PRETRAINED).collect()
}

/// All rows of one transfer that differ by seed alone.
struct Transfer<'a> {
    title: &'a str,
    rows: Vec<Line<'a, ProbeRow>>,
    change: Change,
    /// Earlier epochs were probed too.
    last_of_several: bool,
}

/// Rows of each encoder under `method`, at the largest number of epochs they were probed at.
fn transfers<'a>(
    probe: &'a Table<ProbeRow>,
    method: &str,
    judged: &[&PairedRow],
) -> Vec<Transfer<'a>> {
    let of_method = || {
        probe
            .lines()
            .filter(|line| !is_reference(line.row) && line.row.method == method)
    };
    let encoders = distinct(of_method().map(|line| line.row.encoder.as_str()));
    let transfer = |encoder: &str| {
        let own = || of_method().filter(|line| line.row.encoder == encoder);
        let last = own().map(|line| line.row.epochs).max().flatten();
        let mut rows: Vec<_> = own().filter(|line| line.row.epochs == last).collect();
        rows.sort_by(|a, b| a.row.error.total_cmp(&b.row.error));
        let title = rows.first()?.row.encoder_title.as_str();
        let own_verdict = judged
            .iter()
            .find(|row| row.target == encoder && row.method == method);
        let change = change(own_verdict.copied());
        let last_of_several = own().any(|line| line.row.epochs != last);
        Some(Transfer {
            title,
            rows,
            change,
            last_of_several,
        })
    };
    encoders.into_iter().filter_map(transfer).collect()
}

/// The verdict of the run's one rule.
fn change(judged: Option<&PairedRow>) -> Change {
    match judged.and_then(|row| row.verdict.as_deref()) {
        Some("higher") => Change::Raised,
        Some("lower") => Change::Lowered,
        Some("not shown") => Change::Unclear,
        _ => Change::Untested,
    }
}

fn distortion(probe: &Table<ProbeRow>, judged: &[&PairedRow]) -> Markup {
    let pretrained = probe.lines().find(|line| line.row.encoder == PRETRAINED);
    let methods = distinct(
        probe
            .rows
            .iter()
            .filter(|row| !is_reference(row))
            .map(|row| row.method.as_str()),
    );
    let told: Vec<(String, Vec<Transfer<'_>>)> = match pretrained {
        None => Vec::new(),
        Some(_) => methods
            .iter()
            .enumerate()
            .map(|(place, id)| (palette::method(id, place).0, transfers(probe, id, judged)))
            .collect(),
    };
    html! {
        p.lead {
            @match pretrained {
                Some(line) => {
                    "Before any transfer, a linear probe on the surrogate errs on "
                    (cite(line, &percent(line.row.error)))
                    " of the test samples"
                    @if let Some(range) = interval(line.row.lower, line.row.upper, percent) {
                        " (95\u{a0}% interval " (range) ")"
                    }
                    ". The more a transfer raises this error, the more source knowledge it overwrote."
                }
                None => "The pretrained encoder was not probed, so no change can be told.",
            }
            @if let [(name, transfers)] = told.as_slice() { " " (of_method(name, transfers)) }
            @if methods.is_empty() { " No transfer was probed." }
        }
        @if told.len() > 1 {
            ul.methods { @for (name, transfers) in &told { li { (of_method(name, transfers)) } } }
        }
        @if told.iter().flat_map(|(_, all)| all).any(|transfer| transfer.rows.len() > 1) {
            p.hint { "Ranges run over seeds, from the smallest error to the largest. “Raised” and “lowered” only beyond the noise of seeds and test samples (the encoder that is the transfer's result against the pretrained one), corrected for everything that the page says." }
        }
    }
}

/// One method's sentences.
fn of_method(method: &str, transfers: &[Transfer<'_>]) -> Markup {
    let kind = |change: Change| -> Vec<&Transfer<'_>> {
        let mut found: Vec<_> = transfers
            .iter()
            .filter(|transfer| transfer.change == change)
            .collect();
        found.sort_by(|a, b| worst(b).total_cmp(&worst(a)));
        found
    };
    let (raised, lowered, unclear, untested) = (
        kind(Change::Raised),
        kind(Change::Lowered),
        kind(Change::Unclear),
        kind(Change::Untested),
    );
    // Several epochs were probed: the text speaks of the last ones.
    let last = if transfers.iter().any(|transfer| transfer.last_of_several) {
        ", at its last probed epoch,"
    } else {
        ""
    };
    html! {
        @if raised.is_empty() && lowered.is_empty() && unclear.is_empty() {
            "After transfer by " (method) (last) " it is " (list("", &untested))
            ". One seed says nothing of others, so no change is claimed."
        } @else if raised.is_empty() && lowered.is_empty() {
            "Transfer by " (method) (last) " shows no change beyond noise on any target: "
            (list("", &unclear)) "."
            @if !untested.is_empty() { " Not tested, of one seed: " (list("", &untested)) "." }
        } @else {
            @if !raised.is_empty() {
                "Transfer by " (method) (last) " raised it " (list("to ", &raised)) "."
            }
            @if !lowered.is_empty() {
                @if raised.is_empty() { "Transfer by " (method) (last) } @else { " It" }
                " lowered it " (list("to ", &lowered)) "."
            }
            @if !unclear.is_empty() {
                " No change beyond noise: " (list("", &unclear)) "."
            }
            @if !untested.is_empty() { " Not tested, of one seed: " (list("", &untested)) "." }
        }
    }
}

fn worst(transfer: &Transfer<'_>) -> f64 {
    transfer.rows.last().map_or(0.0, |line| line.row.error)
}

/// "to 30.4 % (27.6 % to 33.3 %) on Sound and to 22.1 % (19.6 % to 24.8 %) on EMG": each with its
/// interval or, over seeds, its range.
fn list(preposition: &str, transfers: &[&Transfer<'_>]) -> Markup {
    html! {
        @for (index, transfer) in transfers.iter().enumerate() {
            (joint(index, transfers.len())) (preposition)
            @match transfer.rows.as_slice() {
                [] => "–",
                [one] => {
                    (cite(*one, &percent(one.row.error)))
                    @if let Some(range) = interval(one.row.lower, one.row.upper, percent) {
                        " (" (range) ")"
                    }
                }
                [low, .., high] => {
                    (cite(*low, &percent(low.row.error))) "–" (cite(*high, &percent(high.row.error)))
                }
            }
            " on " b { (transfer.title) }
        }
    }
}

/// What stands before the `index`-th of `count` items in a sentence.
pub(super) fn joint(index: usize, count: usize) -> &'static str {
    match index {
        0 => "",
        _ if index + 1 == count => " and ",
        _ => ", ",
    }
}

/// Rows of the first divergence and embedder in the table, the run's main measure.
fn primary(table: &Table<DiscrepancyRow>) -> Vec<Line<'_, DiscrepancyRow>> {
    let Some(first) = table.rows.first() else {
        return Vec::new();
    };
    let same = |line: &Line<'_, DiscrepancyRow>| {
        line.row.divergence == first.divergence && line.row.embedder == first.embedder
    };
    let mut rows: Vec<_> = table.lines().filter(same).collect();
    rows.sort_by(|a, b| size(a.row).total_cmp(&size(b.row)));
    rows
}

/// What targets of different class counts are compared by.
fn size(row: &DiscrepancyRow) -> f64 {
    row.normalized.unwrap_or(row.value)
}

fn discrepancy(rows: &[Line<'_, DiscrepancyRow>]) -> Markup {
    let Some(first) = rows.first() else {
        return Markup::default();
    };
    let over_null = rows.iter().all(|line| line.row.normalized.is_some());
    let clear = |row: &DiscrepancyRow| match (row.upper, row.null_lower) {
        (Some(upper), Some(null)) => upper < null,
        _ => false,
    };
    let unclear: Vec<_> = rows.iter().filter(|line| !clear(line.row)).collect();
    html! {
        p {
            "The modality knowledge discrepancy D (" (divergence_name(&first.row.divergence)) ")"
            @if over_null { ", relative to what shuffled labels give," }
            " from the nearest to the farthest target: "
            @for (index, line) in rows.iter().enumerate() {
                (joint(index, rows.len())) b { (line.row.target_title) } "\u{a0}"
                (cite(*line, &plain(size(line.row), if over_null { 2 } else { 3 })))
            }
            ". "
            @if unclear.is_empty() {
                "In every case D lies below the interval of shuffled labels: the source classes tell the target classes apart better than a matching of noise would."
            } @else {
                "D is not clearly below shuffled labels for "
                @for (index, line) in unclear.iter().enumerate() {
                    (joint(index, unclear.len())) (line.row.target_title)
                }
                "."
            }
        }
    }
}

/// Whether the two measures sort the targets alike. An observation, never a test.
fn orders(probe: &Table<ProbeRow>, by_d: &[Line<'_, DiscrepancyRow>]) -> Markup {
    // plain fine-tuning, as in the paper, if it ran
    let methods = || {
        let transfers = probe.rows.iter().filter(|row| !is_reference(row));
        transfers.map(|row| row.method.as_str())
    };
    let Some(method) = methods().find(|id| *id == PLAIN.name).or(methods().next()) else {
        return Markup::default();
    };
    let all = transfers(probe, method, &[]);
    let mut by_error: Vec<&Transfer<'_>> = all
        .iter()
        .filter(|transfer| by_d.iter().any(|line| of_target(transfer, line.row)))
        .collect();
    by_error.sort_by(|a, b| worst(a).total_cmp(&worst(b)));
    let by_d: Vec<&Line<'_, DiscrepancyRow>> = by_d
        .iter()
        .filter(|line| {
            by_error
                .iter()
                .any(|transfer| of_target(transfer, line.row))
        })
        .collect();
    if by_error.len() < 2 {
        return Markup::default();
    }
    let agree = by_d
        .iter()
        .zip(&by_error)
        .all(|(line, transfer)| of_target(transfer, line.row));
    let name = palette::method(method, 0).0;
    html! {
        p {
            "Sorted by D, the targets stand in "
            @if agree { "the same order as" } @else { "another order than" }
            " sorted by the probe error after " (name)
            @if !agree {
                " ("
                @for (index, transfer) in by_error.iter().enumerate() {
                    @if index > 0 { ", " } (transfer.title)
                }
                ")"
            }
            ". With " (by_error.len()) " targets this is an observation, not a test."
        }
    }
}

fn of_target(transfer: &Transfer<'_>, row: &DiscrepancyRow) -> bool {
    transfer
        .rows
        .first()
        .is_some_and(|line| line.row.encoder == row.target)
}
