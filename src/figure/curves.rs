//! Figure 5: validation error of each target as its training goes on, one panel per target.

use super::error::FigureError;
use super::layout::{Figure, distinct};
use super::lines::{self, Panel, Series};
use super::palette;
use super::table::{CurveRow, Row};

/// Draws the training curves.
pub fn figure(rows: &[CurveRow]) -> Result<Figure, FigureError> {
    let methods = distinct(rows.iter().map(|row| row.method.as_str()));
    let named: Vec<(String, usize)> = methods
        .iter()
        .enumerate()
        .map(|(place, id)| palette::method(id, place))
        .collect();
    let targets = distinct(rows.iter().map(|row| row.target.as_str()));
    let panel = |target: &&str| {
        let own = || rows.iter().filter(|row| row.target == **target);
        let series = methods.iter().zip(&named).map(|(id, (name, hue))| {
            let of_method = || own().filter(|row| row.method == *id);
            let mut epochs = distinct(of_method().map(|row| row.epoch));
            epochs.sort_unstable();
            let at = |epoch: u64| {
                let here = of_method().filter(|row| row.epoch == epoch);
                here.filter_map(|row| row.valid_error)
                    .map(|error| error * 100.0)
                    .collect()
            };
            let points = epochs.into_iter().map(|epoch| (epoch, at(epoch))).collect();
            Series {
                name: name.clone(),
                hue: *hue,
                points,
            }
        });
        Panel {
            title: own()
                .next()
                .map_or_else(String::new, |row| row.target_title.clone()),
            series: series.filter(|series| !series.points.is_empty()).collect(),
        }
    };
    let drawn: Vec<Panel> = targets.iter().map(panel).collect();
    let mut panels = lines::panels(&drawn, "Validation error, %", lines::PERCENT, None);
    let columns = panels.len().clamp(1, 3);
    if !panels.is_empty() && named.len() > 1 {
        panels.push(lines::key(&named, None, panels[0].width));
    }
    Figure::new(
        5,
        CurveRow::FILE,
        "Validation error of each target over epochs",
        panels,
        columns,
    )
}
