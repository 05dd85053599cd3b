//! Figure 5: the metric of each target on its validation part as its training goes on, one panel
//! per target. Targets judged by the same metric share their axes.

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
    let (mut panels, mut far) = (Vec::new(), Vec::new());
    for metric in distinct(rows.iter().map(|row| row.metric.as_str())) {
        let judged: Vec<&CurveRow> = rows.iter().filter(|row| row.metric == metric).collect();
        let share = metric == "error";
        let targets = distinct(judged.iter().map(|row| row.target.as_str()));
        let panel = |target: &&str| {
            let own = || judged.iter().filter(|row| row.target == **target);
            let series = methods.iter().zip(&named).map(|(id, (name, hue))| {
                let of_method = || own().filter(|row| row.method == *id);
                let mut epochs = distinct(of_method().map(|row| row.epoch));
                epochs.sort_unstable();
                let at = |epoch: u64| {
                    let here = of_method().filter(|row| row.epoch == epoch);
                    here.filter_map(|row| row.valid)
                        .map(|value| if share { value * 100.0 } else { value })
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
        let (what, bounds) = match share {
            true => ("Validation error, %".to_owned(), lines::PERCENT),
            false => (
                format!("Validation {}", metric.replace('-', " ")),
                (0.0, f64::INFINITY),
            ),
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
        5,
        CurveRow::FILE,
        "Validation metric of each target over epochs",
        panels,
        columns,
    )
}
