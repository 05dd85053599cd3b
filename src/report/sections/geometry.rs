//! Alignment and uniformity of the surrogate features under every encoder.

pub(super) mod figure;

use maud::html;

use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{GeometryRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "geometry",
    title: "Alignment and uniformity",
    tables: &[GeometryRow::FILE],
    figure: Some(Drawing {
        name: "geometry",
        title: "Geometry of the surrogate features over epochs.",
        caption: Caption {
            shown: "Alignment and, after it, uniformity of the surrogate's test features as each transfer goes on, one panel per target, one line per method. The dashed line is the pretrained encoder.",
            computed: "From the encoders kept after chosen epochs, always through the original source embedder; the mean over seeds, every seed as a faint mark. Epoch 0 is the start of the fine-tuning.",
            reading: "Both are better when lower. A line that climbs away from the dashed one shows source classes that spread, or features that crowd together.",
            limits: "Alignment and uniformity trade against each other: features that collapse to a point align perfectly. Neither alone says how well classes are told apart; the probe of {probe} does.",
        },
        layout: Layout::Grid,
        draw: |tables| figure::figure(&tables.needed::<GeometryRow>()?.rows),
    }),
    blocks,
    citations: &[Citation {
        of: "Alignment and uniformity",
        work: "Wang and Isola, ICML 2020",
    }],
};

const COLUMNS: [Column<GeometryRow>; 6] = [
    Column::text("encoder", |row| row.encoder_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("epochs", |row| maybe(row.epochs, whole)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::number("alignment", |row| plain(row.align, 3)),
    Column::number("uniformity", |row| plain(row.uniform, 3)),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let Some(table) = data.tables.get::<GeometryRow>()? else {
        let what = "alignment and uniformity";
        return Ok(vec![Block::Absent(what, GeometryRow::FILE)]);
    };
    let words = html! { p {
        "Two properties of the surrogate's features on the unit sphere. Alignment, in [0, 4], is the mean squared distance of two samples of one class; uniformity, in [\u{2212}8, 0], is the logarithm of the mean of e"
        sup { "\u{2212}2‖f\u{2009}\u{2212}\u{2009}f′‖²" }
        " over pairs. Lower is better for both: classes close together, features spread out."
    } };
    let title = "Geometry of the surrogate features";
    Ok(vec![
        Block::Page(words),
        Block::figure(),
        Block::Table(Grid::of(title, &table, &COLUMNS)),
    ])
}
