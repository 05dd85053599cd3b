//! Transferability scores: what other measures say of each target as its transfer starts, each with its
//! direction and range, and whether they order the targets as D does.

use maud::{Markup, html};

use super::representation::meanings;
use super::retrieval;
use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Column, Grid};
use crate::report::number::{cite, maybe, plain, whole};
use crate::report::section::{Block, Citation, Section};
use crate::table::{DiscrepancyRow, MeasureRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "transferability",
    title: "Transferability scores, beside D",
    tables: &[MeasureRow::FILE, DiscrepancyRow::FILE],
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

const COLUMNS: [Column<MeasureRow>; 6] = [
    Column::text("target", |row| title(row).to_owned()),
    Column::text("score", |row| row.measure_title().to_owned()),
    Column::number("value", |row| {
        row.shown().unwrap_or_else(|| "not defined".into())
    }),
    Column::text("nearer is", |row| better(row).to_owned()),
    Column::number("samples", |row| maybe(row.samples, whole)),
    Column::text("remark", |row| maybe(row.note.clone(), |note| note)),
];

fn title(row: &MeasureRow) -> &str {
    row.target_title.as_deref().unwrap_or("")
}

fn better(row: &MeasureRow) -> &str {
    row.better.as_deref().unwrap_or("–")
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let table = data.tables.any::<MeasureRow>()?;
    let lines: Vec<_> = table.lines().filter(|l| l.row.target.is_some()).collect();
    if lines.is_empty() {
        let what = "the transferability scores of the targets";
        return Ok(vec![Block::Absent(what, MeasureRow::FILE)]);
    }
    let said = "Other measures of each target as its transfer starts, its test samples going through its first embedder into the pretrained model.";
    let distances = data.tables.any::<DiscrepancyRow>()?;
    let orders = orders(&distances, &lines);
    let all = "Transferability scores of every target";
    Ok(vec![
        Block::words(said),
        Block::Notes("What they say", meanings(&lines)),
        Block::Page(orders),
        Block::Table(Grid::some(all, &table, lines, &COLUMNS)),
    ])
}

/// The targets from near to far, by D and by every score.
fn orders(distances: &Table<DiscrepancyRow>, lines: &[Line<'_, MeasureRow>]) -> Markup {
    let initial = distances.lines();
    let initial = initial.filter(|line| line.row.embedder == "initial");
    let d: Vec<_> = initial.map(|line| (line, line.row.value)).collect();
    let scores = distinct(lines.iter().map(|line| line.row.measure.as_str()));
    let scores = scores.iter().filter_map(|score| {
        let own = || lines.iter().filter(|line| line.row.measure == *score);
        let known = own().filter_map(|line| Some((*line, line.row.value?)));
        Some((own().next()?.row, known.collect::<Vec<_>>()))
    });
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
                    td.wrap { (ordered(d, false, |row: &DiscrepancyRow| row.target_title.as_str())) }
                }
                @for (score, known) in scores {
                    tr {
                        td { (score.measure_title()) }
                        td { (score.about().map_or("–", |about| about.values)) }
                        td { (better(score)) }
                        td.wrap { (ordered(known, better(score) == "higher", title)) }
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
    title: fn(&R) -> &str,
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
