//! How far encoders agree: centred kernel alignment of every two, for runs and comparisons.

mod figure;

use crate::figure::FigureError;
use crate::report::compared::Compared;
use crate::report::data::{Data, Run, Tables};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{CkaRow, Row};

const CITATIONS: &[Citation] = &[Citation {
    of: "CKA",
    work: "Kornblith, Norouzi, Lee and Hinton, ICML 2019; debiased by Song et al., JMLR 2012",
}];

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "cka",
    title: "How far encoders agree",
    tables: &[CkaRow::FILE],
    figure: Some(Drawing {
        name: "cka",
        title: "Agreement of the encoders.",
        caption: Caption {
            shown: "Centred kernel alignment between the encoders of {tsne}, by their features of the surrogate's test samples. The darker a cell, the more the two encoders agree.",
            computed: "Linear CKA with the unbiased estimator of Song et al. in numerator and root, so that few samples do not raise it; the same samples for every encoder, always through the original source embedder.",
            reading: "The first row says how far each transfer moved the representation of the source. Two targets that agree with each other more than with the pretrained encoder moved it the same way.",
            limits: "CKA weighs directions by their variance: a change in few strong directions counts more than one in many weak ones. A representation may change much and still hold the classes; the probe of {probe} says whether it does.",
        },
        layout: Layout::Grid,
        draw,
    }),
    blocks: |data| blocks(data, "CKA between the encoders"),
    citations: CITATIONS,
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "cka",
    title: "How far encoders agree",
    tables: &[CkaRow::FILE],
    figure: Some(Drawing {
        name: "cka",
        title: "Agreement of encoders.",
        caption: Caption {
            shown: "Linear CKA of every two encoders on the test samples. The darker a cell, the more the two encoders agree.",
            computed: "With unbiased estimators in numerator and denominator (debiased), so that unrelated encoders are near 0 however few the samples and however many the features.",
            reading: "1: the encoders arrange the samples equally, up to rotation and scale. Two encoders may be equally good and yet know different things: equal errors with a low CKA.",
            limits: "CKA is led by the directions of large variance; classes that differ in small ones hardly move it.",
        },
        layout: Layout::Grid,
        draw,
    }),
    blocks: |data| blocks(data, "CKA of every two encoders"),
    citations: CITATIONS,
};

const COLUMNS: [Column<CkaRow>; 4] = [
    Column::text("encoder", |row| row.encoder_title.clone()),
    Column::text("other", |row| row.other_title.clone()),
    Column::number("CKA", |row| maybe(row.value, |value| plain(value, 3))),
    Column::number("samples", |row| maybe(row.n, whole)),
];

fn draw(tables: &Tables) -> Result<crate::figure::Figure, FigureError> {
    figure::figure(&tables.needed::<CkaRow>()?.rows)
}

fn blocks<T>(data: &Data<T>, title: &'static str) -> Result<Vec<Block>, FigureError> {
    let Some(table) = data.tables.get::<CkaRow>()? else {
        return Ok(vec![Block::Absent(title, CkaRow::FILE)]);
    };
    Ok(vec![
        Block::figure(),
        Block::Table(Grid::of(title, &table, &COLUMNS)),
    ])
}
