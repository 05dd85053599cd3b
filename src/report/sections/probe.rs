//! Distortion of the source knowledge: the error of a linear probe on the surrogate after every transfer.

mod figure;

use super::distortion;
use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::data::{Data, Run, Table};
use crate::report::grid::{Column, Grid, Place};
use crate::report::number::{maybe, percent, range, whole};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::table::{ProbeRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "distortion",
    title: "Distortion of the source knowledge",
    tables: &[ProbeRow::FILE],
    figure: Some(Drawing {
        name: "probe",
        title: "Distortion of the source knowledge.",
        caption: Caption {
            shown: "Test error of a linear probe on the surrogate through the encoder that each method left on each target; where encoders were evaluated after several epochs, one panel per target and one line per method (the mean over seeds; every seed as a faint mark). The dashed line is the pretrained encoder, the dotted one a probe on raw pixels.",
            computed: "Features through the original source embedder; multinomial logistic regression, its regularisation C chosen on a validation part. Intervals are Wilson 95 % intervals of the test error.",
            reading: "Above the dashed line source knowledge was lost to the transfer; below it the transfer improved the features even for the source. The height above the line is the distortion.",
            limits: "The intervals cover the choice of test samples, not the chance of training: other seeds may move a point further. Intervals that do not overlap are a cautious sign of a difference; overlapping ones prove no equality.",
        },
        layout: Layout::Grid,
        draw: |tables| figure::figure(&tables.needed::<ProbeRow>()?.rows),
    }),
    blocks,
    citations: &[],
};

const COLUMNS: [Column<ProbeRow>; 9] = [
    Column::text("encoder", |row| row.encoder_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::number("epochs", |row| maybe(row.epochs, whole)),
    Column::number("error", |row| percent(row.error)),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, percent)
    }),
    Column::number("C", |row| maybe(row.c, |c| c.to_string())),
    Column::number("fitted on", |row| maybe(row.n_train, whole)),
    Column::number("tested on", |row| maybe(row.n_test, whole)),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let Some(table) = data.tables.get::<ProbeRow>()? else {
        return Ok(vec![Block::Absent("the linear probe", ProbeRow::FILE)]);
    };
    let verdicts = data.tables.verdicts()?;
    Ok(vec![
        Block::Page(distortion::told(&table, &verdicts)),
        Block::figure(),
        Block::Table(Grid::of("Linear probes", &table, &COLUMNS)),
        Block::Table(last(&table)),
    ])
}

/// The probes of every transfer after its last probed epoch, for texts, which are narrower than the page.
fn last(table: &Table<ProbeRow>) -> Grid {
    let same = |a: &ProbeRow, b: &ProbeRow| {
        (&a.encoder, &a.method, a.seed) == (&b.encoder, &b.method, b.seed)
    };
    let last = table.lines().filter(|line| {
        let mut others = table.rows.iter().filter(|other| same(line.row, other));
        others.all(|other| other.epochs <= line.row.epochs)
    });
    let title = "Linear probe on the surrogate after the last probed epoch";
    Grid::some(title, table, last, &COLUMNS[..7])
        .at(Place::Text)
        .latex("probe")
}
