//! Colours and marker shapes. The hues are Okabe and Ito's, safe for colour-blind readers; their
//! yellow is left out because it vanishes on white paper. Seven hues and five shapes step
//! together, so 35 classes stay distinct, and no figure relies on colour alone.

use super::methods;

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
/// The full end of a heat map, whose cells are this over the paper.
pub const DEEP: Colour = Colour::new(0x00, 0x45, 0x6E);

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

/// What each colour above becomes on a dark page: neutrals turn over, hues grow lighter.
const DARK_NEUTRALS: [(Colour, Colour); 7] = [
    (PAPER, Colour::new(0x17, 0x1B, 0x20)),
    (INK, Colour::new(0xE8, 0xEB, 0xEE)),
    (MUTED, Colour::new(0xA3, 0xAB, 0xB5)),
    (RULE, Colour::new(0x5D, 0x66, 0x70)),
    (GRID, Colour::new(0x2B, 0x31, 0x38)),
    (BAND, Colour::new(0x3C, 0x44, 0x4D)),
    (DEEP, Colour::new(0x2F, 0x8F, 0xD0)),
];

/// The same for [`HUES`], in their order.
const DARK_HUES: [(Colour, Colour); 7] = [
    (Colour::new(0x3D, 0x9B, 0xD9), Colour::new(0x7C, 0xBF, 0xEF)),
    (Colour::new(0xE6, 0xA9, 0x1E), Colour::new(0xF2, 0xC3, 0x5C)),
    (Colour::new(0x21, 0xB3, 0x89), Colour::new(0x5F, 0xD0, 0xAE)),
    (Colour::new(0xE8, 0x77, 0x2B), Colour::new(0xF6, 0xA0, 0x6A)),
    (Colour::new(0x6F, 0xC3, 0xF0), Colour::new(0xA2, 0xDA, 0xF8)),
    (Colour::new(0xD6, 0x8D, 0xB6), Colour::new(0xE9, 0xB5, 0xD1)),
    (Colour::new(0xC3, 0xC8, 0xCE), Colour::new(0xDD, 0xE1, 0xE5)),
];

/// Every colour of a figure on white paper with the one that takes its place on a dark page: the
/// one table of them, for drawn figures and for the style sheets of pages.
pub fn dark() -> impl Iterator<Item = (Colour, Colour)> {
    let hues = HUES.into_iter().zip(DARK_HUES);
    let hues = hues.flat_map(|((hue, shade), (light, lighter))| [(hue, light), (shade, lighter)]);
    DARK_NEUTRALS.into_iter().chain(hues)
}

/// Opacity of the deepest cell of a heat map: ink on it, on paper or on a dark page, keeps a contrast of
/// 4.5 and more.
pub const DEEPEST: f64 = 0.6;

/// What a figure is drawn for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// White paper.
    #[default]
    Paper,
    /// A dark page.
    Screen,
}

impl Theme {
    /// All themes.
    pub const ALL: [Self; 2] = [Self::Paper, Self::Screen];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Screen => "screen",
        }
    }

    /// What `colour` becomes here; colours outside the table stay.
    pub fn of(self, colour: Colour) -> Colour {
        let taken = |(from, _): &(Colour, Colour)| from.rgb == colour.rgb;
        match self {
            Self::Paper => colour,
            Self::Screen => dark()
                .find(taken)
                .map_or(colour, |(_, to)| to.fade(colour.alpha)),
        }
    }
}

impl std::str::FromStr for Theme {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|theme| theme.name() == name);
        found.ok_or_else(|| format!("theme: expected paper or screen, found {name}"))
    }
}

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

/// Reader's name of a transfer method and its place in the palette. Methods of the list keep their
/// colour in every run; `position` places unknown ones after them.
pub fn method(id: &str, position: usize) -> (String, usize) {
    let place = methods::place(id).unwrap_or(methods::COUNT + position);
    (methods::title(id), place)
}
