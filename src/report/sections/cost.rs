//! What it took: time, memory and device of every transfer.

use super::flow::Plan;
use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid, Place};
use crate::report::number::{maybe, plain, whole};
use crate::report::section::{Block, Section};
use crate::table::{CellRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "cost",
    title: "Time, memory, device",
    tables: &[CellRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

const COLUMNS: [Column<CellRow>; 8] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::text("state", |row| row.state.clone()),
    Column::number("epochs", |row| maybe(row.epochs, whole)),
    Column::number("seconds", |row| maybe(row.seconds, |s| plain(s, 1))),
    Column::number("peak memory, MB", |row| {
        maybe(row.memory, |bytes| whole(bytes / 1_000_000))
    }),
    Column::text("device", |row| row.device.clone()),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let Some(table) = data.tables.get::<CellRow>()? else {
        let what = "the cost of every transfer";
        return Ok(vec![Block::Absent(what, CellRow::FILE)]);
    };
    let plan = Plan::of(&table.rows);
    let left = if plan.done < plan.transfers {
        "; the others read “not run”, “failed” or “not defined” (notes say why)"
    } else {
        ""
    };
    let said = format!(
        "{} of {} transfers were run{left}. Seconds are wall-clock of training and validation, other work on the machine included; peak memory is the whole process's. A dash: not recorded.",
        plan.done, plan.transfers
    );
    Ok(vec![
        Block::words(said),
        Block::Table(Grid::of("Cost of every transfer", &table, &COLUMNS).at(Place::Both)),
    ])
}
