//! Where encoders differ: the probe's error on every class.

mod figure;

use crate::figure::FigureError;
use crate::figure::values::signed;
use crate::report::compared::Compared;
use crate::report::data::Data;
use crate::report::grid::{Column, Grid};
use crate::report::number::{chance, maybe, percent, range, whole};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::table::{ClassRow, Row};

/// Its descriptor.
pub const SECTION: Section<Compared> = Section {
    id: "classes",
    title: "Class by class",
    tables: &[ClassRow::FILE],
    figure: Some(Drawing {
        name: "classes",
        title: "Probe errors by class, less those of the reference.",
        caption: Caption {
            shown: "The probe's error on every class less that of the reference, one panel per encoder, with paired 95 % intervals.",
            computed: "From the same test samples of the class, answered by both probes, and by both learnt again without each fold of the samples: the jackknife's interval and p, no smaller than the exact sign-flip test's (McNemar's), corrected (Holm) for all classes of all encoders and all measures.",
            reading: "Left of the dashed line the encoder errs less on the class than the reference. Green diamonds and orange squares are beyond noise.",
            limits: "Classes have few test samples each, and the correction is for many of them: a real difference of a few points may not be shown.",
        },
        layout: Layout::Grid,
        draw: |tables| figure::figure(&tables.needed::<ClassRow>()?.rows),
    }),
    blocks,
    citations: &[],
};

const COLUMNS: [Column<ClassRow>; 9] = [
    Column::text("encoder", |row| row.encoder.clone()),
    Column::text("class", |row| row.class_name.clone()),
    Column::number("samples", |row| whole(row.samples)),
    Column::number("probe error", |row| maybe(row.error, percent)),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, percent)
    }),
    Column::number("difference", |row| {
        maybe(row.difference, |d| signed("probe-error", d))
    }),
    Column::number("paired interval", |row| {
        range(row.difference_lower, row.difference_upper, |v| {
            signed("probe-error", v)
        })
    }),
    Column::number("p, corrected", |row| maybe(row.adjusted, chance)),
    Column::text("beyond noise", |row| row.verdict.replace('-', "–")),
];

fn blocks(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.needed::<ClassRow>()?;
    Ok(vec![
        Block::figure(),
        Block::Table(Grid::of("Probe errors by class", &table, &COLUMNS)),
    ])
}
