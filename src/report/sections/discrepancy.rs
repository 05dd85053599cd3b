//! The modality knowledge discrepancy D of every target.

mod figure;

use self::figure::divergence_name;

use maud::{Markup, html};

use super::distortion::{Transfer, transfers};
use super::retrieval;
use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Column, Grid, Place};
use crate::report::number::{cite, interval, maybe, plain, range, whole};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::report::words::joint;
use crate::table::{DiscrepancyRow, ProbeRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "discrepancy",
    title: "Modality knowledge discrepancy",
    tables: &[DiscrepancyRow::FILE],
    figure: Some(Drawing {
        name: "discrepancy",
        title: "Modality knowledge discrepancy.",
        caption: Caption {
            shown: "The modality knowledge discrepancy D between the source modality and each target, with the bootstrap 95 % interval of what the matching found costs on new samples; the same measure with shuffled target labels (grey); and chance, the level of guessing.",
            computed: "Target samples pass through their embedder into the source model, whose class probabilities are compared with the target's labels. D is the least divergence over all ways to give each target class a source class of its own. For divergences that add up over pairs (0/1 error, cross-entropy, Brier, total variation) this is an assignment problem and the optimum is exact; for renormalised ones the table gives a lower bound and the gap.",
            reading: "Small D: some choice of source classes already answers the target's question. D at the level of shuffled labels: the source model's knowledge says nothing about the target's classes. D / null makes targets with different numbers of classes comparable.",
            limits: "The bars are no interval of D itself, which is the least cost of all matchings: the matching found costs more on average (the table has a conservative interval of D). Windows of one clip, repetition or record are drawn together. D depends on the embedder and on the divergence. With many source classes the best of many matchings looks good by luck; that is what the shuffled labels are there to show.",
        },
        layout: Layout::Grid,
        draw: |tables| figure::figure(&tables.needed::<DiscrepancyRow>()?.rows),
    }),
    blocks,
    citations: &[],
};

const COLUMNS: [Column<DiscrepancyRow>; 10] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("divergence, embedder", |row: &DiscrepancyRow| {
        divergence_name(&row.divergence)
    })
    .under(|row| Some(methods::title(&row.embedder))),
    Column::number("D (95\u{a0}%)", |row: &DiscrepancyRow| {
        three(Some(row.value))
    })
    .under(|row| ends(row.lower, row.upper)),
    Column::number("null (95\u{a0}%)", |row: &DiscrepancyRow| {
        three(row.null_mean)
    })
    .under(|row| ends(row.null_lower, row.null_upper)),
    Column::number("D / null", |row| three(row.normalized)),
    Column::text("optimum", |row: &DiscrepancyRow| {
        if row.certified {
            "certified".to_owned()
        } else {
            format!("gap {}", three(row.gap))
        }
    })
    .under(|row| {
        let bound = row.lower_bound.filter(|_| !row.certified)?;
        Some(format!("at least {}", plain(bound, 3)))
    }),
    Column::number("chance", |row| three(row.chance)),
    Column::number("D itself (95\u{a0}%)", |row| {
        range(row.infimum_lower, row.infimum_upper, |value| {
            plain(value, 3)
        })
    }),
    Column::number("samples", |row: &DiscrepancyRow| maybe(row.n, whole))
        .under(|row| Some(groups(row))),
    Column::number("classes", |row: &DiscrepancyRow| {
        maybe(row.target_classes, whole)
    })
    .under(|row| {
        let source = row.source_classes?;
        Some(format!("into {}", whole(source)))
    }),
];

/// Columns that a text has room for.
const SHORT: usize = 6;

/// A 95 % interval of D or of its null.
fn ends(lower: Option<f64>, upper: Option<f64>) -> Option<String> {
    interval(lower, upper, |value| plain(value, 3))
}

fn three(value: Option<f64>) -> String {
    maybe(value, |value| plain(value, 3))
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let table = data.tables.get::<DiscrepancyRow>()?;
    let Some(table) = table.filter(|table| !table.rows.is_empty()) else {
        return Ok(vec![Block::Absent("the discrepancy", DiscrepancyRow::FILE)]);
    };
    let primary = primary(&table);
    let probe = data.tables.get::<ProbeRow>()?;
    let mut blocks = vec![Block::Page(sorted(&primary))];
    if let Some(probe) = probe {
        blocks.push(Block::Page(orders(&probe, &primary)));
    }
    blocks.push(Block::figure());
    let few = few_groups(&table.rows);
    blocks.extend(
        few.into_iter()
            .map(|said| Block::Page(html! { p.note { (said) } })),
    );
    let title = "Modality knowledge discrepancy";
    blocks.push(Block::Table(Grid::of(title, &table, &COLUMNS)));
    let short = Grid::of(title, &table, &COLUMNS[..SHORT]);
    blocks.push(Block::Table(short.at(Place::Text).latex("discrepancy")));
    Ok(blocks)
}

/// How many groups a D rests on, in words.
fn groups(row: &DiscrepancyRow) -> String {
    let (Some(groups), Some(least)) = (row.groups, row.groups_per_class) else {
        return "groups not recorded".into();
    };
    match &row.unit {
        None => "every sample its own".into(),
        Some(unit) => format!("{groups} {unit}s, {least} of the rarest class"),
    }
}

/// Targets whose D rests on few groups of a class, in a sentence each.
fn few_groups(rows: &[DiscrepancyRow]) -> Vec<String> {
    const FEW: u64 = 5;
    let few = |row: &&DiscrepancyRow| {
        row.embedder == "initial"
            && row.unit.is_some()
            && row.groups_per_class.is_some_and(|n| n < FEW)
    };
    let sentence = |row: &DiscrepancyRow| {
        let unit = row.unit.as_deref().unwrap_or("group");
        format!(
            "{}: {} {unit}s carry this D, of the rarest class {}; some of them choose the matching, the others judge it.",
            row.target_title,
            maybe(row.groups, whole),
            maybe(row.groups_per_class, whole),
        )
    };
    rows.iter().filter(few).map(sentence).collect()
}

/// Rows of the first divergence and embedder in the table, the run's main measure, from near to far.
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

/// The targets from near to far.
fn sorted(rows: &[Line<'_, DiscrepancyRow>]) -> Markup {
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
            "D (" (divergence_name(&first.row.divergence)) ")"
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

/// Whether D and the probe error sort the targets alike. An observation, never a test.
fn orders(probe: &Table<ProbeRow>, by_d: &[Line<'_, DiscrepancyRow>]) -> Markup {
    let transferred = probe.rows.iter().filter(|row| !row.is_reference());
    let ids = distinct(transferred.map(|row| row.method.as_str()));
    // Plain fine-tuning, as in the paper, if it ran.
    let Some(method) = methods::plain(ids) else {
        return Markup::default();
    };
    let all = transfers(probe, method, &[]);
    let known = |transfer: &&Transfer<'_>| by_d.iter().any(|l| l.row.target == transfer.target);
    let mut by_error: Vec<&Transfer<'_>> = all.iter().filter(known).collect();
    by_error.sort_by(|a, b| a.worst().total_cmp(&b.worst()));
    let probed = |line: &&Line<'_, DiscrepancyRow>| {
        by_error
            .iter()
            .any(|transfer| transfer.target == line.row.target)
    };
    let by_d: Vec<&Line<'_, DiscrepancyRow>> = by_d.iter().filter(probed).collect();
    if by_error.len() < 2 {
        return Markup::default();
    }
    let mut pairs = by_d.iter().zip(&by_error);
    let agree = pairs.all(|(line, transfer)| line.row.target == transfer.target);
    html! {
        p {
            "Sorted by D, the targets stand in "
            @if agree { "the same order as" } @else { "another order than" }
            " sorted by the probe error after " (methods::phrase(method))
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
