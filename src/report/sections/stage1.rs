//! The course of stage 1, which trains the embedder alone.

mod figure;

use super::retrieval;
use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, percent, plain, whole};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::table::{Row, Stage1Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "stage1",
    title: "The source over stage 1",
    tables: &[Stage1Row::FILE],
    figure: Some(Drawing {
        name: "stage1",
        title: "The source over stage 1.",
        caption: Caption {
            shown: "Alignment and uniformity of the source batches that stage 1 draws, epoch by epoch: the line is the mean over seeds, every seed a faint mark.",
            computed: "On the source batch after the simulated step on the target batch (the inner step of the bilevel problem), averaged over the batches of an epoch.",
            reading: "A line that falls says that the embedder learns to hand the target over in a way that leaves the source's classes tight and spread; a flat one, that stage 1 changed nothing the source would notice.",
            limits: "One simulated step ahead, on batches: small numbers of either are not those of {geometry}, which measures the whole surrogate after the fine-tuning.",
        },
        layout: Layout::Grid,
        draw: |tables| figure::figure(&tables.needed::<Stage1Row>()?.rows),
    }),
    blocks,
    citations: &[],
};

const COLUMNS: [Column<Stage1Row>; 12] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::number("epoch", |row| whole(row.epoch)),
    Column::number("task loss", |row| maybe(row.inner, |v| plain(v, 3))),
    Column::number("alignment", |row| maybe(row.align, |v| plain(v, 3))),
    Column::number("uniformity", |row| maybe(row.uniform, |v| plain(v, 3))),
    Column::number("outer share", |row| {
        maybe(row.outer_share, |v| {
            format!("{v:.1e}").replace('-', "\u{2212}")
        })
    }),
    Column::number("OTDD", |row| maybe(row.otdd, |v| plain(v, 3))),
    Column::number("converged", |row| maybe(row.converged, percent)),
    Column::number("distance", |row| maybe(row.distance, |v| plain(v, 3))),
    Column::number("outer loss", |row| maybe(row.outer, |v| plain(v, 3))),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let Some(table) = data.tables.get::<Stage1Row>()? else {
        return Ok(vec![Block::words(
            "No method of this run has a stage 1, which trains the embedder before the fine-tuning.",
        )]);
    };
    let said = "Stage 1 trains the embedder alone. For MoNA, “outer share” is the norm of the outer loss's part of the embedder's gradient relative to the task loss's part: where it is next to nothing, MoNA takes the steps of Emb.";
    Ok(vec![
        Block::words(said),
        Block::figure(),
        Block::Table(Grid::of("Stage 1, epoch by epoch", &table, &COLUMNS)),
    ])
}
