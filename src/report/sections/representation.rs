//! Representation metrics: what the measures that the field also uses say of the surrogate's features under
//! every encoder.

use crate::figure::FigureError;
use crate::figure::methods;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, percent, plain, whole};
use crate::report::section::{Block, Section};
use crate::table::{Row, YardstickRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "representation",
    title: "Representation metrics",
    tables: &[YardstickRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

const COLUMNS: [Column<YardstickRow>; 10] = [
    Column::text("encoder", |row| row.encoder_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::number("epochs", |row| maybe(row.epochs, whole)),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::number("CKA with pretrained", |row| maybe(row.cka, |v| plain(v, 3))),
    Column::number("k-NN accuracy", |row| maybe(row.knn, percent)),
    Column::number("silhouette", |row| maybe(row.silhouette, |v| plain(v, 3))),
    Column::number("LogME", |row| maybe(row.logme, |v| plain(v, 3))),
    Column::number("H-score", |row| maybe(row.hscore, |v| plain(v, 3))),
    Column::number("samples", |row| maybe(row.n, whole)),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let Some(table) = data.tables.get::<YardstickRow>()? else {
        let what = "the representation metrics of the encoders";
        return Ok(vec![Block::Absent(what, YardstickRow::FILE)]);
    };
    let said = "Further metrics of the surrogate's test features under each encoder. CKA (linear, debiased, in [\u{2212}1, 1]) says how much of the pretrained representation is left: 1 is all of it, up to rotation and scale, and about 0 none. The other four say how well features separate the surrogate's classes, and higher is better for each: the accuracy of the nearest neighbours' vote among training samples by cosine, the silhouette in [\u{2212}1, 1], LogME (any number), and the H-score (from 0 to about K\u{a0}\u{2212}\u{a0}1 for K classes, its covariance shrunk after Ledoit and Wolf).";
    let title = "Representation metrics of every encoder";
    Ok(vec![
        Block::words(said),
        Block::Table(Grid::of(title, &table, &COLUMNS)),
    ])
}
