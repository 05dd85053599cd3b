//! Alignment and uniformity of the source batches over the epochs of stage 1, one panel per
//! target and quantity. Only methods whose stage 1 draws source batches (MoNA) have them: what it is to
//! hold together while the embedder learns the target.

use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct};
use crate::figure::lines::{self, Panel};
use crate::report::sections::geometry::figure::QUANTITIES;
use crate::table::{Row, Stage1Row};

/// Draws both quantities over the epochs of stage 1.
///
/// # Errors
/// [`FigureError::NotMeasured`] where no stage 1 had two epochs of either.
pub fn figure(rows: &[Stage1Row]) -> Result<Figure, FigureError> {
    let read: [fn(&Stage1Row) -> Option<f64>; 2] = [|row| row.align, |row| row.uniform];
    let own = || {
        rows.iter()
            .filter(|row| read.iter().any(|read| read(row).is_some()))
    };
    let epochs = distinct(own().map(|row| row.epoch));
    if epochs.len() < 2 {
        return Err(FigureError::NotMeasured {
            figure: "stage1",
            expected: "a stage 1 of several epochs with alignment and uniformity (method mona)",
            found: format!("{} epochs", epochs.len()),
        });
    }
    let ids = distinct(own().map(|row| row.method.as_str()));
    let methods = lines::named(&ids);
    let targets = distinct(own().map(|row| row.target.as_str()));
    let mut panels = Vec::new();
    for ((what, bounds), read) in QUANTITIES.into_iter().zip(read) {
        let panel = |target: &&str| {
            let here = || own().filter(|row| row.target == **target);
            let title = here().next().map_or("", |row| &row.target_title);
            let value = |row: &Stage1Row| Some((row.epoch, read(row)?));
            let of_row = |row| value(row).map(|(epoch, v)| (row.method.as_str(), epoch, v));
            let values: Vec<_> = here().filter_map(of_row).collect();
            Panel::of(title, &ids, &methods, &values)
        };
        let drawn: Vec<Panel> = targets.iter().map(panel).collect();
        panels.extend(lines::panels(&drawn, what, bounds, None));
    }
    let width = panels.first().map_or(224.0, |panel| panel.width);
    panels.push(lines::key(&methods, None, width));
    Figure::new(
        Stage1Row::FILE,
        "Alignment and uniformity of the source over stage 1",
        panels,
        targets.len().clamp(1, 4),
    )
}
