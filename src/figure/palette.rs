//! Colours and marker shapes. The hues are Okabe and Ito's, safe for colour-blind readers; their
//! yellow is left out because it vanishes on white paper. Seven hues and five shapes step
//! together, so 35 classes stay distinct, and no figure relies on colour alone.

/// An opaque or translucent sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// Opacity in 0..=1.
    pub alpha: f64,
}

impl Colour {
    /// An opaque colour.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self {
            rgb: [red, green, blue],
            alpha: 1.0,
        }
    }

    /// The same colour, translucent.
    pub const fn fade(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The `#RRGGBB` that stands in a drawn SVG, for style sheets that select on it.
    pub fn hex(self) -> String {
        let [red, green, blue] = self.rgb;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

/// Background of every figure.
pub const PAPER: Colour = Colour::new(0xFF, 0xFF, 0xFF);
/// Titles and values.
pub const INK: Colour = Colour::new(0x1B, 0x1F, 0x24);
/// Axis labels and annotations.
pub const MUTED: Colour = Colour::new(0x5B, 0x63, 0x6D);
/// Axes.
pub const RULE: Colour = Colour::new(0x9A, 0xA2, 0xAC);
/// Grid lines, panel frames.
pub const GRID: Colour = Colour::new(0xE3, 0xE6, 0xEA);
/// Bands and null distributions.
pub const BAND: Colour = Colour::new(0xCF, 0xD4, 0xDA);

/// Series and class hues, each with its deeper shade for text of that hue.
pub const HUES: [(Colour, Colour); 7] = [
    (Colour::new(0x00, 0x72, 0xB2), Colour::new(0x00, 0x5A, 0x8E)),
    (Colour::new(0xE6, 0x9F, 0x00), Colour::new(0x8F, 0x61, 0x00)),
    (Colour::new(0x00, 0x9E, 0x73), Colour::new(0x00, 0x70, 0x51)),
    (Colour::new(0xD5, 0x5E, 0x00), Colour::new(0xAA, 0x4A, 0x00)),
    (Colour::new(0x56, 0xB4, 0xE9), Colour::new(0x1F, 0x6F, 0xA0)),
    (Colour::new(0xCC, 0x79, 0xA7), Colour::new(0x94, 0x3F, 0x71)),
    (Colour::new(0x2A, 0x2E, 0x34), Colour::new(0x2A, 0x2E, 0x35)),
];

/// A filled marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// ●
    Circle,
    /// ■
    Square,
    /// ▲
    Up,
    /// ◆
    Diamond,
    /// ▼
    Down,
}

const SHAPES: [Shape; 5] = [
    Shape::Circle,
    Shape::Square,
    Shape::Up,
    Shape::Diamond,
    Shape::Down,
];

/// Hue, text shade and shape of the `index`-th class or series.
pub fn series(index: usize) -> (Colour, Colour, Shape) {
    let (hue, text) = HUES[index % HUES.len()];
    (hue, text, SHAPES[index % SHAPES.len()])
}

/// Reader's name of a transfer method and its place in the palette. Known methods keep their
/// colour in every run; `position` places unknown ones after them.
pub fn method(id: &str, position: usize) -> (String, usize) {
    const KNOWN: [(&str, &str); 6] = [
        ("nft", "NFT"),
        ("orca", "ORCA"),
        ("mona", "MoNA"),
        ("emb", "Emb"),
        ("frozen", "Frozen body"),
        ("scratch", "From scratch"),
    ];
    match KNOWN.iter().position(|(known, _)| *known == id) {
        Some(place) => (KNOWN[place].1.to_owned(), place),
        None => (id.to_owned(), KNOWN.len() + position),
    }
}
