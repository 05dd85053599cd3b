//! Seven fills: how the two colours of an object alternate over its surface. A fill maps a point
//! in the object's own coordinates to a mix between 0 (first colour) and 1 (second colour), with
//! edges softened to about one pixel.

use std::f32::consts::TAU;

use rand::{Rng, RngExt};

/// A kind of fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fill {
    /// One colour.
    Plain,
    /// Parallel stripes.
    Striped,
    /// Chequerboard.
    Checked,
    /// Dots on a square lattice.
    Dotted,
    /// Concentric rings.
    Ringed,
    /// Irregular patches.
    Mottled,
    /// A smooth gradient from one side to the other.
    Shaded,
}

impl Fill {
    /// All fills.
    pub const ALL: [Fill; 7] = [
        Fill::Plain,
        Fill::Striped,
        Fill::Checked,
        Fill::Dotted,
        Fill::Ringed,
        Fill::Mottled,
        Fill::Shaded,
    ];

    /// The adjective of a class name.
    pub fn adjective(self) -> &'static str {
        match self {
            Fill::Plain => "plain",
            Fill::Striped => "striped",
            Fill::Checked => "checked",
            Fill::Dotted => "dotted",
            Fill::Ringed => "ringed",
            Fill::Mottled => "mottled",
            Fill::Shaded => "shaded",
        }
    }
}

/// Side of the lattice of random values behind [`Fill::Mottled`].
const LATTICE: usize = 8;

/// A fill with its random orientation, period and phase, in pixels.
pub struct Texture {
    fill: Fill,
    cos: f32,
    sin: f32,
    period: f32,
    phase: [f32; 2],
    radius: f32,
    lattice: [f32; LATTICE * LATTICE],
}

impl Texture {
    /// Draws the particulars of a fill for an object of `radius` pixels.
    pub fn draw(fill: Fill, radius: f32, rng: &mut impl Rng) -> Self {
        let angle = rng.random_range(0.0..TAU);
        let period = match fill {
            Fill::Striped | Fill::Ringed => rng.random_range(4.2..5.4),
            Fill::Checked => rng.random_range(7.0..8.6),
            Fill::Dotted => rng.random_range(5.0..6.0),
            _ => rng.random_range(2.6..3.4),
        };
        Self {
            fill,
            cos: angle.cos(),
            sin: angle.sin(),
            period,
            phase: [rng.random(), rng.random()],
            radius,
            lattice: std::array::from_fn(|_| rng.random()),
        }
    }

    /// Mix at `(x, y)` pixels from the object's centre.
    pub fn mix(&self, x: f32, y: f32) -> f32 {
        let u = (x * self.cos + y * self.sin) / self.period + self.phase[0];
        let v = (y * self.cos - x * self.sin) / self.period + self.phase[1];
        // a sine of period P crosses zero with slope τ/P per pixel: this gain makes edges one
        // pixel wide
        let sharp = self.period / TAU;
        let soft = |wave: f32| (0.5 + wave * sharp).clamp(0.0, 1.0);
        match self.fill {
            Fill::Plain => 0.0,
            Fill::Striped => soft((u * TAU).sin()),
            Fill::Checked => soft((u * TAU).sin() * (v * TAU).sin() * 1.6),
            Fill::Dotted => {
                let (du, dv) = (u - u.floor() - 0.5, v - v.floor() - 0.5);
                (0.5 + (0.33 - du.hypot(dv)) * self.period).clamp(0.0, 1.0)
            }
            Fill::Ringed => soft(((x.hypot(y) / self.period + 0.25 * self.phase[0]) * TAU).cos()),
            Fill::Mottled => (0.5 + (self.noise(u, v) - 0.5) * 5.0).clamp(0.0, 1.0),
            Fill::Shaded => {
                let along = (x * self.cos + y * self.sin) / self.radius;
                (0.5 + 0.55 * along).clamp(0.0, 1.0)
            }
        }
    }

    /// Value noise: random values on a periodic lattice, smoothly interpolated.
    fn noise(&self, u: f32, v: f32) -> f32 {
        let (cell_u, cell_v) = (u.floor(), v.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (a, b) = (ease(u - cell_u), ease(v - cell_v));
        let at = |i: i32, j: i32| {
            let wrap = |k: i32| k.rem_euclid(LATTICE as i32) as usize;
            self.lattice[wrap(cell_u as i32 + i) * LATTICE + wrap(cell_v as i32 + j)]
        };
        let near = at(0, 0) + (at(0, 1) - at(0, 0)) * b;
        let far = at(1, 0) + (at(1, 1) - at(1, 0)) * b;
        near + (far - near) * a
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::DEMO_IMAGE;

    #[test]
    fn every_fill_but_the_plain_one_uses_both_colours() {
        for fill in Fill::ALL {
            let texture = Texture::draw(fill, 11.0, &mut DEMO_IMAGE.rng(3, &[fill as u64]));
            let mixes: Vec<f32> = (0..400)
                .map(|i| texture.mix((i % 20) as f32 - 10.0, (i / 20) as f32 - 10.0))
                .collect();
            assert!(mixes.iter().all(|m| (0.0..=1.0).contains(m)));
            let dark = mixes.iter().filter(|&&m| m < 0.3).count();
            let light = mixes.iter().filter(|&&m| m > 0.7).count();
            if fill == Fill::Plain {
                assert_eq!(dark, 400);
            } else {
                assert!(
                    dark > 40 && light > 40,
                    "{fill:?}: {dark} dark, {light} light"
                );
            }
        }
    }
}
