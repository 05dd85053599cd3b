//! Drawings with something to say about them: one or two shapes, each with a fill, a named colour, a size and a place.
//!
//! What is drawn and how it is drawn are drawn at random apart from each other, so that the same drawing exists in two
//! [`Style`]s: bright surfaces on a dark ground, or dark outlines and marks on paper. Everything that a caption may mention
//! is visible in both.

use std::f32::consts::TAU;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::scene::{Colour, SIDE, blend};
use super::shape::Shape;
use super::texture::{Fill, Texture};

/// A colour with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hue {
    /// Red.
    Red,
    /// Orange.
    Orange,
    /// Yellow.
    Yellow,
    /// Green.
    Green,
    /// Turquoise.
    Turquoise,
    /// Blue.
    Blue,
    /// Purple.
    Purple,
    /// Pink.
    Pink,
}

impl Hue {
    /// All colours.
    pub const ALL: [Hue; 8] = [
        Hue::Red,
        Hue::Orange,
        Hue::Yellow,
        Hue::Green,
        Hue::Turquoise,
        Hue::Blue,
        Hue::Purple,
        Hue::Pink,
    ];

    /// Red, green and blue, each in `0..=1`.
    fn rgb(self) -> Colour {
        match self {
            Hue::Red => [0.86, 0.12, 0.12],
            Hue::Orange => [0.96, 0.52, 0.08],
            Hue::Yellow => [0.94, 0.88, 0.16],
            Hue::Green => [0.16, 0.66, 0.22],
            Hue::Turquoise => [0.12, 0.80, 0.80],
            Hue::Blue => [0.16, 0.30, 0.90],
            Hue::Purple => [0.52, 0.16, 0.72],
            Hue::Pink => [0.98, 0.56, 0.76],
        }
    }
}

/// The fills that can be told apart on small shapes.
pub const FILLS: [Fill; 4] = [Fill::Plain, Fill::Striped, Fill::Checked, Fill::Dotted];

/// A shape of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Item {
    /// Outline.
    pub shape: Shape,
    /// Surface, one of [`FILLS`].
    pub fill: Fill,
    /// Colour.
    pub hue: Hue,
    /// Whether it is large.
    pub large: bool,
    /// Row and column of nine cells, `0..3` each, the first at the top left.
    pub cell: [usize; 2],
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Drawing {
    /// One shape, anywhere.
    One(Item),
    /// Two shapes, the first left of the second or above it.
    Two {
        /// The two of them.
        items: [Item; 2],
        /// Whether they stand side by side, the first on the left; else the first is above.
        beside: bool,
    },
}

impl Item {
    fn draw(rng: &mut impl Rng) -> Self {
        Self {
            shape: Shape::ALL[rng.random_range(0..Shape::ALL.len())],
            fill: FILLS[rng.random_range(0..FILLS.len())],
            hue: Hue::ALL[rng.random_range(0..Hue::ALL.len())],
            large: rng.random(),
            cell: [rng.random_range(0..3), rng.random_range(0..3)],
        }
    }
}

impl Drawing {
    /// Draws what is drawn: two shapes in three drawings of five.
    pub fn draw(rng: &mut impl Rng) -> Self {
        if rng.random_bool(0.4) {
            return Self::One(Item::draw(rng));
        }
        let mut items = [Item::draw(rng), Item::draw(rng)];
        // Two of the same colour and shape would have captions that say too little.
        while (items[0].shape, items[0].hue) == (items[1].shape, items[1].hue) {
            items[1] = Item::draw(rng);
        }
        let beside = rng.random();
        items[0].cell[usize::from(beside)] = 0;
        items[1].cell[usize::from(beside)] = 2;
        Self::Two { items, beside }
    }

    /// A drawing of one shape of that outline.
    pub fn of(shape: Shape, rng: &mut impl Rng) -> Self {
        Self::One(Item {
            shape,
            ..Item::draw(rng)
        })
    }

    /// Its shapes.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Two { items, .. } => items,
        }
    }
}

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Bright surfaces on a dark ground.
    Solid,
    /// Dark outlines and marks on paper.
    Outline,
}

/// A shape with all random choices made.
struct Body {
    shape: Shape,
    texture: Texture,
    centre: [f32; 2],
    radius: f32,
    turn: [f32; 2],
    /// Of the surface, of the marks of its fill, and of the outline.
    colours: [Colour; 3],
}

impl Body {
    fn draw(item: &Item, alone: bool, style: Style, rng: &mut impl Rng) -> Self {
        let radius = rng.random_range(match (alone, item.large) {
            (true, true) => 8.8..10.6f32,
            (false, true) => 6.8..7.4,
            (true, false) => 4.8..5.8,
            (false, false) => 4.6..5.4,
        });
        // Cells keep the whole shape in the frame.
        let room = 15.5 - 1.08 * radius;
        let centre = [item.cell[1], item.cell[0]].map(|cell| {
            let place = 15.5 + (cell as f32 - 1.0) * room;
            place + rng.random_range(-0.7..0.7)
        });
        let angle = rng.random_range(-TAU / 18.0..TAU / 18.0f32);
        let own = item.hue.rgb().map(|v| {
            let shade: f32 = v + rng.random_range(-0.05..0.05);
            shade.clamp(0.0, 1.0)
        });
        let mixed = |with: Colour, share: f32| {
            let mut colour = own;
            blend(&mut colour, &with, share);
            colour
        };
        let colours = match style {
            Style::Solid => [own, mixed([0.02; 3], 0.6), own],
            Style::Outline => {
                let ink = mixed([0.05; 3], 0.35);
                [mixed([0.98; 3], 0.75), ink, ink]
            }
        };
        Self {
            shape: item.shape,
            texture: Texture::draw(item.fill, radius, rng),
            centre,
            radius,
            turn: [angle.cos(), angle.sin()],
            colours,
        }
    }

    fn paint(&self, x: f32, y: f32, style: Style, pixel: &mut Colour) {
        let (dx, dy) = (x - self.centre[0], y - self.centre[1]);
        let u = dx * self.turn[0] + dy * self.turn[1];
        let v = dy * self.turn[0] - dx * self.turn[1];
        let distance = self.shape.distance(u / self.radius, v / self.radius) * self.radius;
        let coverage = (0.5 - distance).clamp(0.0, 1.0);
        if coverage <= 0.0 {
            return;
        }
        let [surface, marks, outline] = &self.colours;
        let mut own = *surface;
        blend(&mut own, marks, self.texture.mix(u, v));
        if style == Style::Outline {
            // The outermost pixel and a quarter.
            blend(&mut own, outline, (distance + 1.75).clamp(0.0, 1.0));
        }
        blend(pixel, &own, coverage);
    }
}

impl Drawing {
    /// Draws everything but what is drawn, and paints it into `out` (3 × 32 × 32, values `0..=1`).
    pub fn paint(&self, style: Style, rng: &mut impl Rng, out: &mut [f32]) {
        const AREA: usize = SIDE * SIDE;
        let items = self.items();
        let body = |item: &Item| Body::draw(item, items.len() == 1, style, &mut *rng);
        let mut bodies: Vec<Body> = items.iter().map(body).collect();
        bodies.shuffle(rng);
        let (least, most) = match style {
            Style::Solid => (0.04, 0.26f32),
            Style::Outline => (0.86, 0.98),
        };
        let [ground, far]: [Colour; 2] =
            [(); 2].map(|()| [(); 3].map(|()| rng.random_range(least..most)));
        let (angle, length) = (rng.random_range(0.0..TAU), rng.random_range(18.0..48.0f32));
        let (phase, noise) = (rng.random_range(0.0..TAU), rng.random_range(0.01..0.04));
        let step = [angle.cos(), angle.sin()].map(|part| TAU * part / length);
        for place in 0..AREA {
            let (x, y) = ((place % SIDE) as f32, (place / SIDE) as f32);
            let mut pixel = ground;
            let wave = (step[0] * x + step[1] * y + phase).sin();
            blend(&mut pixel, &far, 0.5 + 0.5 * wave);
            for body in &bodies {
                body.paint(x, y, style, &mut pixel);
            }
            for (channel, value) in pixel.into_iter().enumerate() {
                let grain: f32 = StandardNormal.sample(rng);
                if let Some(slot) = out.get_mut(channel * AREA + place) {
                    *slot = (value + noise * grain).clamp(0.0, 1.0);
                }
            }
        }
    }
}
