//! How well simulated steps, which MoNA's stage 1 learns from, foresee the fine-tuning.

use super::retrieval;
use crate::figure::FigureError;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid};
use crate::report::number::{interval, maybe, plain, whole};
use crate::report::section::{Block, Section};
use crate::table::{ForesightRow, Row, SimulationRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "simulation",
    title: "Do simulated steps foresee the fine-tuning?",
    tables: &[ForesightRow::FILE, SimulationRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

const COLUMNS: [Column<ForesightRow>; 9] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("steps", |row| {
        let kind = if row.by == "adamw" { "AdamW" } else { "SGD" };
        format!("{} {kind}", row.steps)
    }),
    Column::number("epochs", |row| whole(row.epochs)),
    Column::number("simulated change", |row| change(row.simulated)),
    Column::number("deviation", |row| maybe(row.deviation, |v| plain(v, 3))),
    Column::number("real change", |row| plain(row.real, 3)),
    Column::number("ρ with real change (95\u{a0}%)", |row: &ForesightRow| {
        maybe(row.loss_correlation, two)
    })
    .under(|row| interval(row.loss_lower, row.loss_upper, two)),
    Column::number("ρ with probe error (95\u{a0}%)", |row: &ForesightRow| {
        maybe(row.probe_correlation, two)
    })
    .under(|row| interval(row.probe_lower, row.probe_upper, two)),
    Column::number("transfers", |row| whole(row.transfers)),
];

/// A change, by its size where four decimals would hide it.
fn change(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1e-3 {
        return plain(value, 4);
    }
    format!("{value:.1e}").replace('-', "\u{2212}")
}

fn two(value: f64) -> String {
    plain(value, 2)
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let Some(table) = data.tables.get::<ForesightRow>()? else {
        return Ok(vec![Block::words(
            "No fine-tuning was simulated (measures.simulated_steps).",
        )]);
    };
    let said = "MoNA's stage 1 learns from simulated steps. From where each plain fine-tuning began, so many steps of its largest learning rate were simulated, on other batches in every draw, and alignment + uniformity of the same source batches measured before and after, and after the real epochs. Deviation: of the simulated change, over draws. ρ is Spearman's rank correlation over the transfers of a target (methods and seeds): near 1, what is simulated orders them as the fine-tuning does; with an interval that holds 0, it says nothing. Intervals take transfers as independent and are not corrected for their number.";
    let grid = Grid::of(
        "Simulated and real change of source features",
        &table,
        &COLUMNS,
    );
    Ok(vec![Block::words(said), Block::Table(grid)])
}
