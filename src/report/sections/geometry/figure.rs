//! Alignment and uniformity of the surrogate's features as each transfer goes on, one
//! panel per target and quantity. It is drawn only where encoders were evaluated after several
//! epochs; a single evaluation is a line of the table.

use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct};
use crate::figure::lines::{self, Panel, Reference};
use crate::figure::scene::Scene;
use crate::table::{GeometryRow, PRETRAINED, Row};

/// Alignment and uniformity: name for readers and bounds.
pub(in crate::report::sections) const QUANTITIES: [(&str, (f64, f64)); 2] = [
    ("Alignment (lower: tighter classes)", (0.0, 4.0)),
    ("Uniformity (lower: more spread)", (-8.0, 0.0)),
];

/// Draws both quantities over epochs.
pub fn figure(rows: &[GeometryRow]) -> Result<Figure, FigureError> {
    let transfer = |row: &&GeometryRow| row.encoder != PRETRAINED;
    let own: Vec<&GeometryRow> = rows.iter().filter(transfer).collect();
    let epochs = distinct(own.iter().map(|row| row.epochs));
    if epochs.len() < 2 {
        return Err(FigureError::NotMeasured {
            figure: "geometry",
            expected: "evaluations after several epochs (measures.probe_epochs)",
            found: format!("{} epoch", epochs.len()),
        });
    }
    let ids = distinct(own.iter().map(|row| row.method.as_str()));
    let methods = lines::named(&ids);
    let targets = distinct(own.iter().map(|row| row.encoder.as_str()));
    let (mut panels, mut far): (Vec<Scene>, Vec<_>) = (Vec::new(), Vec::new());
    let read: [fn(&GeometryRow) -> f64; 2] = [|row| row.align, |row| row.uniform];
    for ((what, bounds), value) in QUANTITIES.into_iter().zip(read) {
        let panel = |target: &&str| {
            let here = || own.iter().filter(|row| row.encoder == **target);
            let title = here().next().map_or("", |row| &row.encoder_title);
            let values: Vec<_> = here()
                .filter_map(|row| Some((row.method.as_str(), row.epochs?, value(row))))
                .collect();
            Panel::of(title, &ids, &methods, &values)
        };
        let drawn: Vec<Panel> = targets.iter().map(panel).collect();
        let pretrained = rows.iter().find(|row| row.encoder == PRETRAINED);
        let reference = pretrained.map(|row| Reference {
            name: "pretrained".into(),
            value: value(row),
        });
        far.extend(lines::far(&drawn, reference.as_ref()));
        panels.extend(lines::panels(&drawn, what, bounds, reference.as_ref()));
    }
    let width = panels.first().map_or(224.0, |panel| panel.width);
    let reference = Reference {
        name: "pretrained".into(),
        value: f64::NAN,
    };
    let methods = lines::names(&methods, &far);
    panels.push(lines::key(&methods, Some(&reference), width));
    Figure::new(
        GeometryRow::FILE,
        "Alignment and uniformity of the surrogate features over epochs",
        panels,
        targets.len().clamp(1, 4),
    )
}
