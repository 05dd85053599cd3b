//! How figures are put together: a figure is a list of panels, and the whole is those panels in a
//! grid. Pages that know their reader's width lay the panels out themselves.

use super::error::FigureError;
use super::font::{self, Weight};
use super::panels::sheet;
use super::print::{self, Print, Width};
use super::render;
use super::scene::Scene;
use crate::measure::about::Unit;
use crate::suite::task::Metric;

/// More panels than this do not make a figure.
const MOST_PANELS: usize = 60;

/// A drawn figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its panels, each readable by itself.
    pub panels: Vec<Scene>,
    /// All panels on one sheet.
    pub whole: Scene,
    /// How wide the whole is on paper, where that was asked for.
    print: Option<Width>,
}

impl Figure {
    /// Lays `panels` out in `columns` on one sheet.
    pub fn new(
        table: &'static str,
        label: &str,
        panels: Vec<Scene>,
        columns: usize,
    ) -> Result<Self, FigureError> {
        if panels.is_empty() || panels.len() > MOST_PANELS {
            return Err(FigureError::Content {
                table,
                expected: format!("rows for 1 to {MOST_PANELS} panels"),
                found: format!("{} panels", panels.len()),
            });
        }
        let whole = sheet(label, &panels, columns.max(1));
        Ok(Self {
            panels,
            whole,
            print: None,
        })
    }

    /// The same panels put on paper as `print` says.
    pub fn printed(mut self, print: Print) -> Self {
        if let Some(width) = print.width {
            let columns = print::columns(&self.panels, width);
            let label = self.whole.label.clone();
            self.whole = sheet(&label, &self.panels, columns);
            print::scale(&mut self.whole, width);
            self.print = Some(width);
        }
        print::colour(&mut self.whole, print.theme);
        self
    }

    /// Em of the smallest text on a printed sheet, in points.
    pub fn smallest_text(&self) -> Option<f64> {
        self.print.and_then(|_| print::smallest_text(&self.whole))
    }

    /// The whole as an SVG file that carries its font.
    pub fn svg(&self) -> Result<String, FigureError> {
        render::standalone_svg(&self.whole, self.print)
    }

    /// The whole as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, FigureError> {
        render::png(&self.whole, self.print)
    }

    /// Each panel as an SVG element for a page that brings [`render::font_faces`].
    pub fn panel_svgs(&self) -> Result<Vec<String>, FigureError> {
        self.panels.iter().map(render::inline_svg).collect()
    }
}

/// Breaks `text` into at most `lines` lines no wider than `room`, the last one shortened.
pub fn wrap(text: &str, size: f64, weight: Weight, room: f64, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let full = wrapped.len() == lines;
        match wrapped.last_mut() {
            Some(line) if full || font::width(&format!("{line} {word}"), size, weight) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => wrapped.push(word.to_owned()),
        }
    }
    wrapped
        .iter()
        .map(|line| font::fit(line, size, weight, room))
        .collect()
}

pub use crate::table::distinct;

/// A fraction as a percentage with one decimal.
pub fn percent(fraction: f64) -> String {
    format!("{:.1}\u{a0}%", fraction * 100.0).replace('-', "\u{2212}")
}

/// Reader's name of a target metric, "1 − macro F1"; a name that no metric has any more, in words.
pub fn metric(name: &str) -> String {
    match Metric::parse(name) {
        Ok(metric) => metric.descriptor().about.title.to_owned(),
        Err(_) => name.replace('-', " "),
    }
}

/// Whether values of a target metric are shares, which people read in percent.
pub fn is_share(name: &str) -> bool {
    match Metric::parse(name) {
        Ok(metric) => metric.descriptor().about.unit == Unit::Share,
        Err(_) => name == "accuracy",
    }
}

/// `values` averaged; `None` without values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
