//! A scene: what a figure shows, as a flat list of marks in CSS pixels. Figures build scenes and
//! the renderer turns one scene into SVG and PNG, so that the two never tell different stories.

use super::font::{self, Weight};
use super::palette::{Colour, INK, PAPER, Shape};

/// A point, x to the right and y downwards.
pub type Point = (f64, f64);

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub colour: Colour,
    /// Its width.
    pub width: f64,
    /// Lengths of ink and gap, or a solid line.
    pub dash: Option<(f64, f64)>,
}

impl Stroke {
    /// A solid line.
    pub const fn solid(colour: Colour, width: f64) -> Self {
        Self {
            colour,
            width,
            dash: None,
        }
    }

    /// A dashed line.
    pub const fn dashed(colour: Colour, width: f64, ink: f64, gap: f64) -> Self {
        Self {
            colour,
            width,
            dash: Some((ink, gap)),
        }
    }
}

/// Which end of a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// The text is centred there.
    Middle,
    /// The text ends there.
    End,
}

/// A line of text with its baseline at a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// Em size.
    pub size: f64,
    /// Weight.
    pub weight: Weight,
    /// Colour.
    pub colour: Colour,
    /// Which end stands at the point.
    pub anchor: Anchor,
    /// Whether a rim of paper keeps it legible over points.
    pub halo: bool,
}

impl Text {
    /// Regular ink, starting at its point.
    pub fn new(content: impl AsRef<str>, size: f64) -> Self {
        Self {
            content: printable(content.as_ref()),
            size,
            weight: Weight::Regular,
            colour: INK,
            anchor: Anchor::Start,
            halo: false,
        }
    }

    /// In semi-bold.
    pub fn bold(self) -> Self {
        Self {
            weight: Weight::SemiBold,
            ..self
        }
    }

    /// In another colour.
    pub fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// Placed by another end.
    pub fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    /// With a rim of paper.
    pub fn halo(self) -> Self {
        Self { halo: true, ..self }
    }

    /// Shortened to at most `room`.
    pub fn fit(self, room: f64) -> Self {
        Self {
            content: font::fit(&self.content, self.size, self.weight, room),
            ..self
        }
    }

    /// Width as drawn.
    pub fn width(&self) -> f64 {
        font::width(&self.content, self.size, self.weight)
    }
}

/// Control and direction-changing characters come from files; XML forbids the former, and the
/// latter would reorder the text around them.
fn printable(text: &str) -> String {
    let inert = |c: char| {
        c.is_control()
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}')
    };
    text.chars()
        .map(|c| if inert(c) { '\u{FFFD}' } else { c })
        .collect()
}

/// One drawn thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through points.
    Line {
        /// Its vertices.
        points: Vec<Point>,
        /// How it is drawn.
        stroke: Stroke,
    },
    /// A filled rectangle.
    Block {
        /// Upper left corner.
        from: Point,
        /// Lower right corner.
        to: Point,
        /// Its colour.
        fill: Colour,
    },
    /// A filled marker.
    Dot {
        /// Its centre.
        at: Point,
        /// Radius of the circle; other shapes are matched to its area.
        radius: f64,
        /// Its shape.
        shape: Shape,
        /// Its colour.
        fill: Colour,
    },
    /// A line of text.
    Text {
        /// Where its baseline is anchored.
        at: Point,
        /// The text.
        text: Text,
    },
}

/// A drawing of fixed size.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// What it is drawn on.
    pub paper: Colour,
    /// What it shows, for readers who cannot see it.
    pub label: String,
    marks: Vec<Mark>,
}

impl Scene {
    /// An empty drawing.
    pub fn new(width: f64, height: f64, label: impl AsRef<str>) -> Self {
        Self {
            width,
            height,
            paper: PAPER,
            label: printable(label.as_ref()),
            marks: Vec::new(),
        }
    }

    /// The marks, in drawing order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The marks, to be changed in place.
    pub(super) fn marks_mut(&mut self) -> &mut [Mark] {
        &mut self.marks
    }

    /// A straight line.
    pub fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.path(vec![from, to], stroke);
    }

    /// A line through points.
    pub fn path(&mut self, points: Vec<Point>, stroke: Stroke) {
        self.marks.push(Mark::Line { points, stroke });
    }

    /// A filled rectangle.
    pub fn block(&mut self, from: Point, to: Point, fill: Colour) {
        self.marks.push(Mark::Block { from, to, fill });
    }

    /// The outline of a rectangle.
    pub fn frame(&mut self, (x0, y0): Point, (x1, y1): Point, stroke: Stroke) {
        self.path(
            vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)],
            stroke,
        );
    }

    /// A filled marker.
    pub fn dot(&mut self, at: Point, radius: f64, shape: Shape, fill: Colour) {
        self.marks.push(Mark::Dot {
            at,
            radius,
            shape,
            fill,
        });
    }

    /// A line of text.
    pub fn text(&mut self, at: Point, text: Text) {
        self.marks.push(Mark::Text { at, text });
    }

    /// Copies another scene's marks in, moved by `(dx, dy)`.
    pub fn place(&mut self, other: &Scene, (dx, dy): Point) {
        let shift = |(x, y): Point| (x + dx, y + dy);
        self.marks
            .extend(other.marks.iter().cloned().map(|mark| match mark {
                Mark::Line { points, stroke } => Mark::Line {
                    points: points.into_iter().map(shift).collect(),
                    stroke,
                },
                Mark::Block { from, to, fill } => Mark::Block {
                    from: shift(from),
                    to: shift(to),
                    fill,
                },
                Mark::Dot {
                    at,
                    radius,
                    shape,
                    fill,
                } => Mark::Dot {
                    at: shift(at),
                    radius,
                    shape,
                    fill,
                },
                Mark::Text { at, text } => Mark::Text {
                    at: shift(at),
                    text,
                },
            }));
    }
}
