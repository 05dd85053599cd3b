//! D at every stage of a transfer.

use super::retrieval;
use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, plain, range, whole};
use crate::report::section::{Block, Section};
use crate::table::{Row, StageRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "stages",
    title: "D at every stage",
    tables: &[StageRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

const COLUMNS: [Column<StageRow>; 7] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::text("stage", |row| row.stage.clone()),
    Column::number("D", |row| plain(row.value, 3)),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, |v| plain(v, 3))
    }),
    Column::number("D / null", |row| maybe(row.normalized, |v| plain(v, 3))),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let Some(table) = data.tables.get::<StageRow>()? else {
        return Ok(vec![Block::Absent("D at every stage", StageRow::FILE)]);
    };
    let said = "D through the target's embedder as the transfer starts, after stage 1 (for methods that have one), and after the fine-tuning; always into the pretrained encoder and predictor. A stage 1 that brings the target nearer to what the source model knows lowers it.";
    Ok(vec![
        Block::words(said),
        Block::Table(Grid::of("D at every stage", &table, &COLUMNS)),
    ])
}
