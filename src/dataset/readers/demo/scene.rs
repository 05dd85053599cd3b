//! One picture: an object of a given shape and fill before a cluttered background. Everything
//! that does not belong to the class is drawn at random: place, size, turn, all colours, clutter,
//! a partial cover, the fall of light, and noise.

use std::f32::consts::TAU;
use std::ops::Range;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::shape::Shape;
use super::texture::{Fill, Texture};

/// Pixels along each side.
pub const SIDE: usize = 32;

/// Red, green and blue.
pub(super) type Colour = [f32; 3];

/// A small disk of clutter or cover: centre, radius, colour.
struct Blob {
    x: f32,
    y: f32,
    radius: f32,
    colour: Colour,
}

impl Blob {
    fn paint(&self, x: f32, y: f32, pixel: &mut Colour) {
        let (dx, dy) = (x - self.x, y - self.y);
        let reach = self.radius + 0.5;
        let square = dx * dx + dy * dy;
        if square < reach * reach {
            blend(pixel, &self.colour, (reach - square.sqrt()).min(1.0));
        }
    }
}

/// A picture, all random choices made.
pub struct Scene {
    shape: Shape,
    texture: Texture,
    centre: [f32; 2],
    radius: f32,
    turn: [f32; 2],
    /// First and second colour of the object, then of the background.
    colours: [Colour; 4],
    wave: [f32; 3],
    clutter: Vec<Blob>,
    cover: Option<Blob>,
    light: [f32; 2],
    noise: f32,
}

impl Scene {
    /// Draws everything but shape and fill.
    pub fn draw(shape: Shape, fill: Fill, rng: &mut impl Rng) -> Self {
        let radius = rng.random_range(8.5..12.5f32);
        // the object stays in the frame, most often near the middle
        let slack = 0.6 * (15.5 - radius);
        let centre = [(); 2].map(|()| 15.5 + rng.random_range(-slack..slack));
        // turned by up to 36° either way
        let angle = rng.random_range(-TAU / 10.0..TAU / 10.0f32);
        let colours = palette(rng);
        let wave_angle = rng.random_range(0.0..TAU);
        let wavelength = rng.random_range(14.0..44.0f32);
        let wave = [
            TAU * wave_angle.cos() / wavelength,
            TAU * wave_angle.sin() / wavelength,
            rng.random_range(0.0..TAU),
        ];
        let clutter = (0..rng.random_range(2..7))
            .map(|_| Blob {
                x: rng.random_range(0.0..32.0),
                y: rng.random_range(0.0..32.0),
                radius: rng.random_range(0.8..2.8),
                colour: colour(0.0..0.8, 0.1..0.95, rng),
            })
            .collect();
        let cover = rng.random_bool(0.35).then(|| {
            let at = rng.random_range(0.0..TAU);
            Blob {
                x: centre[0] + radius * 0.8 * at.cos(),
                y: centre[1] + radius * 0.8 * at.sin(),
                radius: rng.random_range(2.0..3.8),
                colour: colour(0.0..0.8, 0.1..0.95, rng),
            }
        });
        let light_angle = rng.random_range(0.0..TAU);
        let slope = rng.random_range(0.0..0.28) / 16.0;
        Self {
            shape,
            texture: Texture::draw(fill, radius, rng),
            centre,
            radius,
            turn: [angle.cos(), angle.sin()],
            colours,
            wave,
            clutter,
            cover,
            light: [slope * light_angle.cos(), slope * light_angle.sin()],
            noise: rng.random_range(0.01..0.05),
        }
    }

    /// Paints the picture into `out` (3 × 32 × 32, values `0..=1`).
    pub fn paint(&self, rng: &mut impl Rng, out: &mut [f32]) {
        const AREA: usize = SIDE * SIDE;
        for (place, index) in (0..AREA).zip(0..) {
            let (x, y) = ((place % SIDE) as f32, (place / SIDE) as f32);
            let pixel = self.pixel(x, y);
            let light = 1.0 + self.light[0] * (x - 15.5) + self.light[1] * (y - 15.5);
            for (channel, value) in pixel.into_iter().enumerate() {
                let noise: f32 = StandardNormal.sample(rng);
                if let Some(slot) = out.get_mut(channel * AREA + index) {
                    *slot = (value * light + self.noise * noise).clamp(0.0, 1.0);
                }
            }
        }
    }

    fn pixel(&self, x: f32, y: f32) -> Colour {
        let [first, second, ground, far] = &self.colours;
        let mut pixel = *ground;
        let wave = (self.wave[0] * x + self.wave[1] * y + self.wave[2]).sin();
        blend(&mut pixel, far, 0.5 + 0.5 * wave);
        for blob in &self.clutter {
            blob.paint(x, y, &mut pixel);
        }
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let reach = self.radius * 1.25 + 1.0;
        if dx * dx + dy * dy < reach * reach {
            let (u, v) = (
                dx * self.turn[0] + dy * self.turn[1],
                dy * self.turn[0] - dx * self.turn[1],
            );
            let distance = self.shape.distance(u / self.radius, v / self.radius) * self.radius;
            let coverage = (0.5 - distance).clamp(0.0, 1.0);
            if coverage > 0.0 {
                let mut surface = *first;
                blend(&mut surface, second, self.texture.mix(u, v));
                blend(&mut pixel, &surface, coverage);
            }
        }
        if let Some(cover) = &self.cover {
            cover.paint(x, y, &mut pixel);
        }
        pixel
    }
}

/// Moves a colour towards another by a share of the way.
pub(super) fn blend(under: &mut Colour, over: &Colour, amount: f32) {
    for (u, o) in under.iter_mut().zip(over) {
        *u += (o - *u) * amount;
    }
}

/// A random hue with saturation and value (HSV) in the given ranges.
fn colour(saturation: Range<f32>, value: Range<f32>, rng: &mut impl Rng) -> Colour {
    let hue = rng.random_range(0.0..6.0f32);
    let (saturation, value) = (rng.random_range(saturation), rng.random_range(value));
    [5.0, 3.0, 1.0].map(|shift| {
        let k = (shift + hue) % 6.0;
        value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}

fn apart(a: &Colour, b: &Colour) -> f32 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f32>()
        .sqrt()
}

/// Two colours of the object and two of the background: the object's stand well apart from each
/// other and from the background, whose own two are alike and muted. Four objects of five are
/// lighter than their background, so that raw pixels tell a little, as in photographs.
fn palette(rng: &mut impl Rng) -> [Colour; 4] {
    let light_object = rng.random_bool(0.8);
    let (ground_value, object_value) = if light_object {
        (0.08..0.5, 0.6..1.0)
    } else {
        (0.65..0.95, 0.1..0.6)
    };
    let ground = colour(0.05..0.5, ground_value, rng);
    let mut far = ground;
    let shift = rng.random_range(0.05..0.25);
    blend(&mut far, &colour(0.1..0.6, 0.2..0.9, rng), shift);
    let first = far_from(&[&ground, &far], 0.5, rng, |rng| {
        colour(0.35..0.95, object_value.clone(), rng)
    });
    let second = far_from(&[&ground, &far, &first], 0.45, rng, |rng| {
        colour(0.0..0.95, 0.1..1.0, rng)
    });
    [first, second, ground, far]
}

/// The first colour drawn that is `gap` away from all `others`, or the farthest of sixteen.
fn far_from<R: Rng>(
    others: &[&Colour],
    gap: f32,
    rng: &mut R,
    draw: impl Fn(&mut R) -> Colour,
) -> Colour {
    let mut best = (f32::NEG_INFINITY, [0.5; 3]);
    for _ in 0..16 {
        let candidate = draw(rng);
        let nearest = others
            .iter()
            .map(|other| apart(&candidate, other))
            .fold(f32::INFINITY, f32::min);
        if nearest > best.0 {
            best = (nearest, candidate);
        }
        if nearest > gap {
            break;
        }
    }
    best.1
}
