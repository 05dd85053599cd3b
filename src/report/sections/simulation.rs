//! How well simulated steps, which MoNA's stage 1 learns from, foresee the fine-tuning.

use crate::figure::FigureError;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, plain, range, whole};
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
    Column::number("simulated change", |row| plain(row.simulated, 4)),
    Column::number("deviation", |row| maybe(row.deviation, |v| plain(v, 3))),
    Column::number("real change", |row| plain(row.real, 3)),
    Column::number("ρ with real change", |row| {
        correlation([row.loss_correlation, row.loss_lower, row.loss_upper])
    }),
    Column::number("ρ with probe error", |row| {
        correlation([row.probe_correlation, row.probe_lower, row.probe_upper])
    }),
    Column::number("transfers", |row| whole(row.transfers)),
];

/// A correlation with its interval.
fn correlation([value, lower, upper]: [Option<f64>; 3]) -> String {
    let show = |v| plain(v, 2);
    match (value, lower) {
        (None, _) => "–".into(),
        (Some(value), None) => show(value),
        (Some(value), Some(_)) => format!("{} ({})", show(value), range(lower, upper, show)),
    }
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
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
