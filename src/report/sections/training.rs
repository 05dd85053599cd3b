//! Results on the targets themselves, and how their training went.

mod figure;

use crate::figure::FigureError;
use crate::figure::layout;
use crate::figure::methods;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid, Source};
use crate::report::number::{maybe, percent, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{CurveRow, Row, TargetRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "targets",
    title: "Training on the targets",
    tables: &[TargetRow::FILE, CurveRow::FILE],
    figure: Some(Drawing {
        name: "training",
        title: "Training on the targets.",
        caption: Caption {
            shown: "The metric (error, where not said otherwise) on each target's validation part after every epoch of its transfer.",
            computed: "Counted by the run while training; several seeds are averaged, with each seed as a faint mark.",
            reading: "A curve that still falls at its end was stopped early; one that rises at its end overfitted. The epoch used is in the table.",
            limits: "Where the validation part chose the epoch, its error is a little too kind; the test errors in the table are not.",
        },
        layout: Layout::Grid,
        draw: |tables| figure::figure(&tables.needed::<CurveRow>()?.rows),
    }),
    blocks,
    citations: &[Citation {
        of: "Plain fine-tuning across modalities and ORCA",
        work: "Shen et al., ICML 2023",
    }],
};

const COLUMNS: [Column<TargetRow>; 14] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::text("metric", |row| layout::metric(&row.metric)),
    Column::number("test", |row| scored(row, Some(row.test))),
    Column::number("chance", |row| scored(row, row.chance)),
    Column::number("validation", |row| scored(row, row.valid)),
    Column::number("epochs", |row| maybe(row.epochs, whole)),
    Column::number("chosen", |row| maybe(row.best_epoch, whole)),
    Column::number("n train", |row| maybe(row.n_train, whole)),
    Column::number("n valid.", |row| maybe(row.n_valid, whole)),
    Column::number("n test", |row| maybe(row.n_test, whole)),
    Column::text("shape", |row| row.shape.clone()),
    Column::number("seconds", |row| maybe(row.seconds, |value| plain(value, 1))),
];

/// Shares are fractions; other metrics stand as they are.
fn scored(row: &TargetRow, value: Option<f64>) -> String {
    maybe(value, |value| {
        if layout::is_share(&row.metric) {
            percent(value)
        } else {
            plain(value, 4)
        }
    })
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let curves = data.tables.get::<CurveRow>()?;
    let mut blocks = match curves.filter(|table| !table.rows.is_empty()) {
        Some(table) => vec![Block::figure(), Block::Page(Source::of(&table).html())],
        None => vec![Block::Absent("the record of training", CurveRow::FILE)],
    };
    blocks.push(match data.tables.get::<TargetRow>()? {
        Some(table) => Block::Table(Grid::of("All trainings", &table, &COLUMNS)),
        None => Block::Absent("every target result", TargetRow::FILE),
    });
    Ok(blocks)
}
