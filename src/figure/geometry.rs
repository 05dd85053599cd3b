//! Figure 7: alignment and uniformity of the surrogate's features as each transfer goes on, one
//! panel per target and quantity. It is drawn only where a transfer was looked at after several
//! epochs; a single look is a line of the table.

use super::error::FigureError;
use super::layout::{Figure, distinct};
use super::lines::{self, Panel, Reference, Series};
use super::palette;
use super::probe::PRETRAINED;
use super::scene::Scene;
use super::table::{GeometryRow, Row};

/// Reader's name of a quantity, its bounds, and how it is read off a row.
type Quantity = (&'static str, (f64, f64), fn(&GeometryRow) -> f64);

const QUANTITIES: [Quantity; 2] = [
    ("Alignment (lower: tighter classes)", (0.0, 4.0), |row| {
        row.align
    }),
    ("Uniformity (lower: more spread)", (-8.0, 0.0), |row| {
        row.uniform
    }),
];

/// Draws both quantities over epochs.
pub fn figure(rows: &[GeometryRow]) -> Result<Figure, FigureError> {
    let transfer = |row: &&GeometryRow| row.encoder != PRETRAINED;
    let own: Vec<&GeometryRow> = rows.iter().filter(transfer).collect();
    let epochs = distinct(own.iter().map(|row| row.epochs));
    if epochs.len() < 2 {
        return Err(FigureError::NotMeasured {
            figure: 7,
            expected: "looks after several epochs (measures.probe_epochs)",
            found: format!("{} epoch", epochs.len()),
        });
    }
    let ids = distinct(own.iter().map(|row| row.method.as_str()));
    let methods: Vec<(String, usize)> = ids
        .iter()
        .enumerate()
        .map(|(place, id)| palette::method(id, place))
        .collect();
    let targets = distinct(own.iter().map(|row| row.encoder.as_str()));
    let (mut panels, mut far): (Vec<Scene>, Vec<_>) = (Vec::new(), Vec::new());
    for (what, bounds, value) in QUANTITIES {
        let panel = |target: &&str| {
            let here = || own.iter().filter(|row| row.encoder == **target);
            let series = ids.iter().zip(&methods).map(|(id, (name, hue))| {
                let of_method = || here().filter(|row| row.method == *id);
                let mut epochs = distinct(of_method().filter_map(|row| row.epochs));
                epochs.sort_unstable();
                let at = |epoch: u64| {
                    let rows = of_method().filter(|row| row.epochs == Some(epoch));
                    rows.map(|row| value(row)).collect()
                };
                Series {
                    name: name.clone(),
                    hue: *hue,
                    points: epochs.into_iter().map(|epoch| (epoch, at(epoch))).collect(),
                }
            });
            Panel {
                title: here()
                    .next()
                    .map_or_else(String::new, |row| row.encoder_title.clone()),
                series: series.collect(),
            }
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
        7,
        GeometryRow::FILE,
        "Alignment and uniformity of the surrogate features over epochs",
        panels,
        targets.len().clamp(1, 4),
    )
}
