//! Ten outlines as signed distances: negative inside, positive outside, in units of the shape's
//! own radius. Distances give anti-aliased edges for nothing: coverage falls from one to zero
//! over one pixel around distance zero. All outlines fit in a circle of radius about 1.05.

use std::f32::consts::PI;

/// An outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Filled circle.
    Disk,
    /// Annulus.
    Ring,
    /// Square.
    Square,
    /// Equilateral triangle.
    Triangle,
    /// Five-pointed star.
    Star,
    /// Greek cross.
    Cross,
    /// Waxing moon.
    Crescent,
    /// Two round lobes over a right angle.
    Heart,
    /// Six petals.
    Flower,
    /// Long rectangle.
    Bar,
}

impl Shape {
    /// All outlines.
    pub const ALL: [Shape; 10] = [
        Shape::Disk,
        Shape::Ring,
        Shape::Square,
        Shape::Triangle,
        Shape::Star,
        Shape::Cross,
        Shape::Crescent,
        Shape::Heart,
        Shape::Flower,
        Shape::Bar,
    ];

    /// The noun of a class name.
    pub fn noun(self) -> &'static str {
        match self {
            Shape::Disk => "disk",
            Shape::Ring => "ring",
            Shape::Square => "square",
            Shape::Triangle => "triangle",
            Shape::Star => "star",
            Shape::Cross => "cross",
            Shape::Crescent => "crescent",
            Shape::Heart => "heart",
            Shape::Flower => "flower",
            Shape::Bar => "bar",
        }
    }

    /// Signed distance of the point `(x, y)`; exact at the outline up to first order.
    pub fn distance(self, x: f32, y: f32) -> f32 {
        match self {
            Shape::Disk => x.hypot(y) - 0.88,
            Shape::Ring => (x.hypot(y) - 0.7).abs() - 0.27,
            Shape::Square => rectangle(x, y, 0.76, 0.76),
            Shape::Triangle => spike(x, y, 3.0, 1.08, 0.54),
            Shape::Star => spike(x, y, 5.0, 1.08, 0.46),
            Shape::Cross => rectangle(x, y, 0.98, 0.34).min(rectangle(x, y, 0.34, 0.98)),
            Shape::Crescent => (x.hypot(y) - 0.97).max(0.78 - (x - 0.46).hypot(y)),
            Shape::Heart => heart(x, y),
            Shape::Flower => {
                let (radius, angle) = (x.hypot(y), y.atan2(x));
                // dividing by the slope of the outline keeps petal edges as sharp as others
                (radius - 0.76 - 0.24 * (6.0 * angle).cos()) * 0.7
            }
            Shape::Bar => rectangle(x, y, 1.02, 0.4),
        }
    }
}

/// Rectangle of half sides `a` and `b`.
fn rectangle(x: f32, y: f32, a: f32, b: f32) -> f32 {
    let (dx, dy) = (x.abs() - a, y.abs() - b);
    dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0)
}

/// Figure with `n` tips at radius `outer` and `n` corners between them at radius `inner`: a point
/// is folded into half a sector, where the outline is one straight edge.
fn spike(x: f32, y: f32, n: f32, outer: f32, inner: f32) -> f32 {
    let half = PI / n;
    let angle = y.atan2(x).rem_euclid(2.0 * half);
    let folded = angle.min(2.0 * half - angle);
    let radius = x.hypot(y);
    let (px, py) = (radius * folded.cos() - outer, radius * folded.sin());
    let (ex, ey) = (inner * half.cos() - outer, inner * half.sin());
    (px * ey - py * ex) / ex.hypot(ey)
}

/// A square on its corner and two disks on its upper sides.
fn heart(x: f32, y: f32) -> f32 {
    const SIDE: f32 = 0.58;
    let (x, y) = (x, y + 0.14);
    let tilt = std::f32::consts::FRAC_1_SQRT_2;
    let (u, v) = ((x + y) * tilt, (y - x) * tilt);
    let square = rectangle(u, v, SIDE, SIDE);
    // the disks sit on the middles of the sides facing +y
    let right = (u - SIDE).hypot(v) - SIDE;
    let left = u.hypot(v - SIDE) - SIDE;
    square.min(right).min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_fit_their_circle_and_fill_a_fair_share() {
        for shape in Shape::ALL {
            let mut inside = 0;
            for i in -60..=60 {
                for j in -60..=60 {
                    let (x, y) = (i as f32 / 50.0, j as f32 / 50.0);
                    let distance = shape.distance(x, y);
                    assert!(distance.is_finite());
                    if distance < 0.0 {
                        inside += 1;
                        assert!(x.hypot(y) < 1.2, "{shape:?} reaches ({x}, {y})");
                    }
                }
            }
            let share = inside as f32 / 2500.0 / PI;
            assert!((0.25..0.9).contains(&share), "{shape:?} fills {share}");
        }
    }
}
