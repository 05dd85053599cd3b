//! What page a figure is put on: light paper or a dark screen, and how wide it is there.
//!
//! A figure for print is not merely enlarged. Its panels are laid out anew in as many columns as leave
//! its smallest text readable ([`SMALLEST_TEXT`]), and the sheet is then scaled to the exact width.
//! A PNG keeps the renderer's four device pixels to the CSS pixel, which is 384 to the inch.

use super::error::FigureError;
use super::palette::Theme;
use super::panels::sheet_width;
use super::scene::{Mark, Point, Scene};

/// Em of the smallest text that a layout may lead to, in points; a figure whose one column is too
/// wide for it falls below, and says so.
pub const SMALLEST_TEXT: f64 = 6.0;
/// Narrowest and widest figure, in millimetres.
pub const WIDTHS: (f64, f64) = (20.0, 400.0);

/// CSS pixels to the millimetre.
const PER_MILLIMETRE: f64 = 96.0 / 25.4;
/// Points to the CSS pixel.
const POINTS: f64 = 0.75;

/// How a figure is put on a page; by default as the report shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Print {
    /// The page's colours.
    pub theme: Theme,
    /// The width on paper, or the figure's own.
    pub width: Option<Width>,
}

impl Print {
    /// A name of files that are made so; nothing for the report's own.
    pub fn suffix(&self) -> String {
        let width = self.width.map(|Width(mm)| format!("-{mm}mm"));
        let theme = (self.theme != Theme::default()).then(|| format!("-{}", self.theme.name()));
        [width, theme].into_iter().flatten().collect()
    }
}

/// A checked width on paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Width(f64);

impl Width {
    /// A width in millimetres.
    ///
    /// # Errors
    /// [`FigureError::Width`] outside [`WIDTHS`].
    pub fn new(millimetres: f64) -> Result<Self, FigureError> {
        if (WIDTHS.0..=WIDTHS.1).contains(&millimetres) {
            Ok(Self(millimetres))
        } else {
            Err(Self::refused(&millimetres.to_string()))
        }
    }

    fn refused(found: &str) -> FigureError {
        FigureError::Width {
            low: WIDTHS.0,
            high: WIDTHS.1,
            found: found.into(),
        }
    }

    /// In millimetres.
    pub const fn millimetres(self) -> f64 {
        self.0
    }

    /// In CSS pixels.
    fn pixels(self) -> f64 {
        self.0 * PER_MILLIMETRE
    }

    /// Width and height of an SVG whose `viewBox` has these sides.
    pub(super) fn svg_size(self, width: u32, height: u32) -> (String, String) {
        let height = self.0 * f64::from(height) / f64::from(width);
        (format!("{}mm", self.0), format!("{height:.4}mm"))
    }

    /// Device pixels to the metre of a raster so many pixels wide.
    pub(super) fn per_metre(self, pixels: u32) -> u32 {
        (f64::from(pixels) * 1000.0 / self.0).round() as u32
    }
}

impl std::str::FromStr for Width {
    type Err = FigureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millimetres: f64 = text.parse().map_err(|_| Self::refused(text))?;
        Self::new(millimetres)
    }
}

/// Columns of a printed sheet: as many as leave the smallest text readable, and no more than its
/// rows need.
pub(crate) fn columns(panels: &[Scene], width: Width) -> usize {
    let smallest = panels.iter().filter_map(smallest_text);
    let smallest = smallest.fold(f64::INFINITY, f64::min);
    let readable = |columns: &usize| {
        let (across, _) = sheet_width(panels, *columns);
        smallest * width.pixels() / across >= SMALLEST_TEXT
    };
    let most = (1..=panels.len()).rev().find(readable).unwrap_or(1);
    panels.len().div_ceil(panels.len().div_ceil(most))
}

/// Em of a scene's smallest text at its own size, in points.
pub(super) fn smallest_text(scene: &Scene) -> Option<f64> {
    let sizes = scene.marks().iter().filter_map(|mark| match mark {
        Mark::Text { text, .. } => Some(text.size * POINTS),
        _ => None,
    });
    sizes.reduce(f64::min)
}

/// Scales everything in a scene until it is `width` wide.
pub(super) fn scale(scene: &mut Scene, width: Width) {
    let factor = width.pixels() / scene.width;
    scene.width *= factor;
    scene.height *= factor;
    let point = |(x, y): &mut Point| (*x, *y) = (*x * factor, *y * factor);
    for mark in scene.marks_mut() {
        match mark {
            Mark::Line { points, stroke, .. } => {
                points.iter_mut().for_each(point);
                stroke.width *= factor;
                stroke.dash = stroke.dash.map(|(ink, gap)| (ink * factor, gap * factor));
            }
            Mark::Block { from, to, .. } => {
                point(from);
                point(to);
            }
            Mark::Dot { at, radius, .. } => {
                point(at);
                *radius *= factor;
            }
            Mark::Text { at, text, .. } => {
                point(at);
                text.size *= factor;
            }
        }
    }
}

/// Gives everything in a scene the colours of `theme`.
pub(super) fn colour(scene: &mut Scene, theme: Theme) {
    scene.paper = theme.of(scene.paper);
    for mark in scene.marks_mut() {
        let colour = match mark {
            Mark::Line { stroke, .. } => &mut stroke.colour,
            Mark::Block { fill, .. } | Mark::Dot { fill, .. } => fill,
            Mark::Text { text, .. } => &mut text.colour,
        };
        *colour = theme.of(*colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_that_no_page_has_are_refused() {
        for bad in ["19.9", "401", "-84", "NaN", "inf", "84mm", ""] {
            let error = bad.parse::<Width>().unwrap_err().to_string();
            assert!(error.contains("20 to 400 millimetres, found"), "{error}");
        }
        assert_eq!("84".parse::<Width>().unwrap().millimetres(), 84.0);
    }
}
