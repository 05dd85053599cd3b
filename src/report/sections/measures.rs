//! Every measure of every encoder compared, and what its paired difference to the reference shows.

pub(super) mod figure;

use crate::figure::FigureError;
use crate::figure::values::{measure_name, shown, signed};
use crate::report::compared::Compared;
use crate::report::data::Data;
use crate::report::grid::{Column, Grid};
use crate::report::number::{chance, maybe, range, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{DifferenceRow, MeasureRow, Row};

/// Its descriptor.
pub const SECTION: Section<Compared> = Section {
    id: "measures",
    title: "All measures",
    tables: &[MeasureRow::FILE, DifferenceRow::FILE],
    figure: Some(Drawing {
        name: "measures",
        title: "Measures of every encoder.",
        caption: Caption {
            shown: "Every measure of every encoder on the same samples, with its 95 % interval. The thin upright strokes repeat the reference's value.",
            computed: "Probe and neighbours learn from the training part and are tested on the test part; the other measures are of the test part. Rates have intervals of their test samples (Wilson's, or summed over classes; over whole groups where samples belong together), the others those of a delete-a-group jackknife over test samples.",
            reading: "Green diamonds are better than the reference beyond noise, orange squares worse; grey circles are not shown to differ. The mark comes from the paired difference, so a difference may be clear although two intervals overlap.",
            limits: "The noise of a mark is that of test samples, and for probe and neighbours that of the training samples and of C as well; another training of the same encoder may move a number further. The intervals drawn here are of the test samples alone. Uniformity, LogME and H-score also depend on the number of features.",
        },
        layout: Layout::Grid,
        draw: |tables| {
            figure::figure(
                &tables.needed::<MeasureRow>()?.rows,
                &tables.needed::<DifferenceRow>()?.rows,
            )
        },
    }),
    blocks,
    citations: &[
        Citation {
            of: "Alignment and uniformity",
            work: "Wang and Isola, ICML 2020",
        },
        Citation {
            of: "LogME",
            work: "You et al., ICML 2021",
        },
        Citation {
            of: "H-score",
            work: "Bao et al., ICIP 2019",
        },
        Citation {
            of: "Silhouette",
            work: "Rousseeuw, Journal of Computational and Applied Mathematics 1987",
        },
    ],
};

const COLUMNS: [Column<MeasureRow>; 7] = [
    Column::text("encoder", |row| row.encoder_title.clone()),
    Column::text("measure", |row| measure_name(&row.measure)),
    Column::number("value", |row| maybe(row.value, |v| shown(&row.measure, v))),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, |v| shown(&row.measure, v))
    }),
    Column::text("from", |row| maybe(row.interval.clone(), |kind| kind)),
    Column::text("better", |row| maybe(row.better.clone(), |side| side)),
    Column::number("samples", |row| maybe(row.samples, whole)),
];

const DIFFERENCES: [Column<DifferenceRow>; 7] = [
    Column::text("encoder", |row| row.encoder.clone()),
    Column::text("measure", |row| measure_name(&row.measure)),
    Column::number("difference", |row| signed(&row.measure, row.difference)),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, |v| signed(&row.measure, v))
    }),
    Column::number("p", |row| maybe(row.p, chance)),
    Column::number("p, corrected", |row| maybe(row.adjusted, chance)),
    Column::text("beyond noise", |row| row.verdict.clone()),
];

fn blocks(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let measures = data.tables.needed::<MeasureRow>()?;
    let differences = data.tables.needed::<DifferenceRow>()?;
    let title = "Paired differences to the reference";
    Ok(vec![
        Block::figure(),
        Block::Table(Grid::of("Measures", &measures, &COLUMNS)),
        Block::Table(Grid::of(title, &differences, &DIFFERENCES)),
    ])
}
