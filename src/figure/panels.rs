//! Panels in a grid on one sheet of paper.

use super::scene::Scene;

/// Paper around the panels.
const MARGIN: f64 = 8.0;
/// Paper between them.
const GAP: f64 = 18.0;

/// Width of a sheet of `panels` in `columns`, and of one column.
pub(super) fn sheet_width(panels: &[Scene], columns: usize) -> (f64, f64) {
    let column = panels.iter().map(|panel| panel.width).fold(0.0, f64::max);
    let across = columns as f64 * (column + GAP) - GAP + 2.0 * MARGIN;
    (across, column)
}

/// Panels row by row, columns as wide as the widest panel.
pub(super) fn sheet(label: &str, panels: &[Scene], columns: usize) -> Scene {
    let columns = columns.min(panels.len());
    let (across, width) = sheet_width(panels, columns);
    let heights: Vec<f64> = panels
        .chunks(columns)
        .map(|row| row.iter().map(|panel| panel.height).fold(0.0, f64::max))
        .collect();
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
