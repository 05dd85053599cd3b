//! Transferability scores: what other measures say of each target as its transfer starts, each with its
//! direction and range, and whether they order the targets as D does.

use maud::{Markup, html};

use crate::figure::FigureError;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Column, Grid};
use crate::report::number::{cite, maybe, plain, whole};
use crate::report::section::{Block, Citation, Section};
use crate::table::{DiscrepancyRow, Row, TransferabilityRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "transferability",
    title: "Transferability scores, beside D",
    tables: &[TransferabilityRow::FILE, DiscrepancyRow::FILE],
    figure: None,
    blocks,
    citations: &[
        Citation {
            of: "LEEP",
            work: "Nguyen et al., ICML 2020",
        },
        Citation {
            of: "NCE",
            work: "Tran, Nguyen and Hassner, ICCV 2019",
        },
        Citation {
            of: "LogME",
            work: "You et al., ICML 2021",
        },
        Citation {
            of: "H-score",
            work: "Bao et al., ICIP 2019",
        },
        Citation {
            of: "OTDD",
            work: "Alvarez-Melis and Fusi, NeurIPS 2020",
        },
        Citation {
            of: "Modality gap",
            work: "Liang et al., NeurIPS 2022",
        },
    ],
};

/// A score of a target.
struct Score {
    name: &'static str,
    range: &'static str,
    /// Whether a higher value says nearer.
    higher: bool,
    value: fn(&TransferabilityRow) -> Option<f64>,
}

const fn score(
    name: &'static str,
    range: &'static str,
    higher: bool,
    value: fn(&TransferabilityRow) -> Option<f64>,
) -> Score {
    Score {
        name,
        range,
        higher,
        value,
    }
}

const SCORES: [Score; 6] = [
    score("LEEP", "at most 0", true, |row| row.leep),
    score("NCE", "\u{2212}log K to 0", true, |row| row.nce),
    score("LogME", "any number", true, |row| row.logme),
    score("H-score", "0 to K \u{2212} 1", true, |row| row.hscore),
    score("modality gap", "0 to 2", false, |row| row.gap),
    score("OTDD", "from 0", false, |row| row.otdd),
];

fn defined(row: &TransferabilityRow, value: Option<f64>) -> String {
    let absent = if row.undefined.is_some() {
        "not defined"
    } else {
        "–"
    };
    value.map_or_else(|| absent.to_owned(), |v| plain(v, 3))
}

const COLUMNS: [Column<TransferabilityRow>; 10] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::number("LEEP", |row| defined(row, row.leep)),
    Column::number("NCE", |row| defined(row, row.nce)),
    Column::number("LogME", |row| defined(row, row.logme)),
    Column::number("H-score", |row| defined(row, row.hscore)),
    Column::number("modality gap", |row| defined(row, row.gap)),
    Column::number("OTDD", |row| defined(row, row.otdd)),
    Column::text("OTDD converged", |row| match row.otdd_converged {
        Some(0) => "no".to_owned(),
        Some(_) => "yes".to_owned(),
        None => "–".to_owned(),
    }),
    Column::number("samples", |row| maybe(row.n, whole)),
    Column::number("in the OTDD", |row| {
        let sides = row.n_otdd_source.zip(row.n_otdd_target);
        maybe(sides, |(from, to)| {
            format!("{} and {}", whole(from), whole(to))
        })
    }),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let Some(table) = data.tables.get::<TransferabilityRow>()? else {
        let what = "the transferability scores of the targets";
        return Ok(vec![Block::Absent(what, TransferabilityRow::FILE)]);
    };
    let said = "Other measures of each target as its transfer starts, its test samples going through its first embedder into the pretrained model. LEEP and NCE, in nats, say how well the source model's classes predict the target's: LEEP from its probabilities, NCE from its most probable class. LogME and the H-score say how well its features separate the target's classes. The modality gap is the distance between the mean directions of target and surrogate features; OTDD, debiased, is the cost of moving the embedded source onto the embedded target with its labels, the quantity that ORCA lowers.";
    let distances = data.tables.any::<DiscrepancyRow>()?;
    let undefined = table.rows.iter().filter(|row| row.undefined.is_some());
    let notes = html! { @for row in undefined {
        p.hint { (row.target_title) ": not defined: " (maybe(row.undefined.as_deref(), str::to_owned)) "." }
    } };
    let title = "Transferability scores of every target";
    Ok(vec![
        Block::words(said),
        Block::Page(orders(&distances, &table)),
        Block::Table(Grid::of(title, &table, &COLUMNS)),
        Block::Page(notes),
    ])
}

/// The targets from near to far, by D and by every score.
fn orders(distances: &Table<DiscrepancyRow>, table: &Table<TransferabilityRow>) -> Markup {
    let initial = distances.lines();
    let initial = initial.filter(|line| line.row.embedder == "initial");
    let d: Vec<_> = initial.map(|line| (line, line.row.value)).collect();
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "measure" }
                th scope="col" { "range" }
                th scope="col" { "nearer is" }
                th scope="col" { "targets from near to far" }
            } }
            tbody {
                tr {
                    td { b { "D" } } td { "0 to 1" } td { "lower" }
                    td.wrap { (ordered(d, false, |row: &DiscrepancyRow| &row.target_title)) }
                }
                @for Score { name, range, higher, value } in &SCORES {
                    @let known = table.lines().filter_map(|line| Some((line, value(line.row)?)));
                    tr {
                        td { (name) } td { (range) } td { (if *higher { "higher" } else { "lower" }) }
                        td.wrap { (ordered(known.collect(), *higher, |row: &TransferabilityRow| &row.target_title)) }
                    }
                }
            }
        } }
        p.hint {
            "Measures that order the targets alike agree on what is near; none is right by definition. LogME, NCE and the H-score also depend on the number of classes, which the targets may not share."
        }
    }
}

/// Titles with their values, nearest first; each value leads to its row.
fn ordered<R: Row>(
    mut lines: Vec<(Line<'_, R>, f64)>,
    higher: bool,
    title: fn(&R) -> &String,
) -> Markup {
    lines.sort_by(|(_, a), (_, b)| {
        if higher {
            b.total_cmp(a)
        } else {
            a.total_cmp(b)
        }
    });
    html! {
        @if lines.is_empty() { span.absent { "not measured" } }
        @for (place, (line, value)) in lines.iter().enumerate() {
            @if place > 0 { ", " }
            (title(line.row)) " (" (cite(*line, &plain(*value, 3))) ")"
        }
    }
}
