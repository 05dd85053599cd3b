//! The metric of each target on its validation part as its training goes on, one panel
//! per target. Targets measured by the same metric share their axes.

use crate::figure::FigureError;
use crate::figure::layout::{self, Figure, distinct};
use crate::figure::lines::{self, Panel};
use crate::table::{CurveRow, Row};

/// Draws the training curves.
pub fn figure(rows: &[CurveRow]) -> Result<Figure, FigureError> {
    let methods = distinct(rows.iter().map(|row| row.method.as_str()));
    let named = lines::named(&methods);
    let (mut panels, mut far) = (Vec::new(), Vec::new());
    for metric in distinct(rows.iter().map(|row| row.metric.as_str())) {
        let measured: Vec<&CurveRow> = rows.iter().filter(|row| row.metric == metric).collect();
        let share = layout::is_share(metric);
        let targets = distinct(measured.iter().map(|row| row.target.as_str()));
        let panel = |target: &&str| {
            let own = || measured.iter().filter(|row| row.target == **target);
            let title = own().next().map_or("", |row| &row.target_title);
            let scale = if share { 100.0 } else { 1.0 };
            let values: Vec<_> = own()
                .filter_map(|row| Some((row.method.as_str(), row.epoch, row.valid? * scale)))
                .collect();
            Panel::of(title, &methods, &named, &values)
        };
        let drawn: Vec<Panel> = targets.iter().map(panel).collect();
        let (what, bounds) = if share {
            (
                format!("Validation {}, %", layout::metric(metric)),
                lines::PERCENT,
            )
        } else {
            (
                format!("Validation {}", layout::metric(metric)),
                (0.0, f64::INFINITY),
            )
        };
        far.extend(lines::far(&drawn, None));
        panels.extend(lines::panels(&drawn, &what, bounds, None));
    }
    let columns = panels.len().clamp(1, 3);
    if !panels.is_empty() && named.len() > 1 {
        let named = lines::names(&named, &far);
        panels.push(lines::key(&named, None, panels[0].width));
    }
    Figure::new(
        CurveRow::FILE,
        "Validation metric of each target over epochs",
        panels,
        columns,
    )
}
