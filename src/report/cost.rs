//! What it took: time, memory and device of every transfer, and what the suite asked for that was not
//! run.

use maud::{Markup, html};

use super::chapters::{method, not_run};
use super::data::Data;
use super::number::{maybe, plain, whole};
use super::sheet::{Column, sheet};
use crate::figure::flow::Plan;
use crate::table::CellRow;

/// What is said of a transfer.
pub fn columns() -> [Column<CellRow>; 8] {
    [
        Column::text("target", |row: &CellRow| row.target_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::text("state", |row| row.state.clone()),
        Column::number("epochs", |row| maybe(row.epochs, whole)),
        Column::number("seconds", |row| maybe(row.seconds, |s| plain(s, 1))),
        Column::number("peak memory, MB", |row| {
            maybe(row.memory, |bytes| whole(bytes / 1_000_000))
        }),
        Column::text("device", |row| row.device.clone()),
    ]
}

/// The chapter.
pub fn chapter(data: &Data) -> Markup {
    let Some(table) = &data.cells else {
        return not_run("the cost of every transfer", "cells.csv");
    };
    let plan = Plan::of(&table.rows);
    let (all, done) = (plan.transfers, plan.done);
    html! {
        p {
            (done) " of " (all) " transfers were run"
            @if done < all { "; the others read “not run”, “failed” or “not defined” (notes say why)" }
            ". Seconds are wall-clock of training and validation, other work on the machine included; peak memory is the whole process's. A dash: not recorded."
        }
        (sheet("Every transfer", table, &columns()))
    }
}
