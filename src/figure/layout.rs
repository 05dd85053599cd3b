//! How figures are put together: a figure is a list of panels, and the whole is those panels in a
//! grid. Pages that know their reader's width lay the panels out themselves.

use super::error::FigureError;
use super::font::{self, Weight};
use super::render;
use super::scene::Scene;

/// More panels than this do not make a figure.
const MOST_PANELS: usize = 60;

/// A drawn figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its number in the paper's order.
    pub number: u8,
    /// Its panels, each readable by itself.
    pub panels: Vec<Scene>,
    /// All panels on one sheet.
    pub whole: Scene,
}

impl Figure {
    /// Lays `panels` out in `columns` on one sheet.
    pub fn new(
        number: u8,
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
            number,
            panels,
            whole,
        })
    }

    /// The whole as an SVG file that carries its font.
    pub fn svg(&self) -> Result<String, FigureError> {
        render::standalone_svg(&self.whole)
    }

    /// The whole as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, FigureError> {
        render::png(&self.whole)
    }

    /// Each panel as an SVG element for a page that brings [`render::font_faces`].
    pub fn panel_svgs(&self) -> Result<Vec<String>, FigureError> {
        self.panels.iter().map(render::inline_svg).collect()
    }
}

/// Panels row by row, columns as wide as the widest panel.
fn sheet(label: &str, panels: &[Scene], columns: usize) -> Scene {
    const MARGIN: f64 = 8.0;
    const GAP: f64 = 18.0;
    let columns = columns.min(panels.len());
    let width = panels.iter().map(|panel| panel.width).fold(0.0, f64::max);
    let heights: Vec<f64> = panels
        .chunks(columns)
        .map(|row| row.iter().map(|panel| panel.height).fold(0.0, f64::max))
        .collect();
    let across = columns as f64 * (width + GAP) - GAP + 2.0 * MARGIN;
    let down = heights.iter().map(|height| height + GAP).sum::<f64>() - GAP + 2.0 * MARGIN;
    let mut whole = Scene::new(across, down, label);
    let mut top = MARGIN;
    for (row, height) in panels.chunks(columns).zip(heights) {
        for (column, panel) in row.iter().enumerate() {
            whole.place(panel, (MARGIN + column as f64 * (width + GAP), top));
        }
        top += height + GAP;
    }
    whole
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

/// The distinct values of `items`, in order of first appearance.
pub fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

/// A fraction as a percentage with one decimal.
pub fn percent(fraction: f64) -> String {
    format!("{:.1}\u{a0}%", fraction * 100.0).replace('-', "\u{2212}")
}

/// `values` averaged; `None` without values.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
