//! The one font of all figures, embedded so that no figure depends on what a machine has
//! installed. It is a Latin, Greek and symbol subset of Inter (SIL Open Font License, see
//! `font/OFL.txt`), under its own name so that an installed Inter of another version, with other
//! widths, is never taken for it.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, Glyph, ScaleFont as _, point};
use plotters::style::{FontStyle, register_font};

use super::error::FigureError;

/// Regular weight, an OpenType file.
pub const REGULAR: &[u8] = include_bytes!("font/ModalignSans-Regular.otf");
/// Semi-bold weight, an OpenType file.
pub const SEMIBOLD: &[u8] = include_bytes!("font/ModalignSans-SemiBold.otf");

/// CSS family of the embedded font.
pub const NAME: &str = "Modalign Sans";

/// The family as SVG text carries it: where the font itself cannot be had, similar ones follow.
/// plotters looks fonts up by this very string, so it is also the registered name.
pub(super) const STACK: &str = "Modalign Sans, Inter, Helvetica, Arial, sans-serif";

/// Same font, registered once more: marks text that shall get a halo when an SVG is finished.
pub(super) const STACK_HALO: &str = "Modalign Sans, halo";

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// 400.
    Regular,
    /// 600.
    SemiBold,
}

impl Weight {
    pub(super) fn style(self) -> FontStyle {
        match self {
            Self::Regular => FontStyle::Normal,
            Self::SemiBold => FontStyle::Bold,
        }
    }
}

static FACES: LazyLock<Option<[FontRef<'static>; 2]>> = LazyLock::new(|| {
    let face = |bytes| FontRef::try_from_slice(bytes).ok();
    Some([face(REGULAR)?, face(SEMIBOLD)?])
});

static REGISTERED: LazyLock<bool> = LazyLock::new(|| {
    [STACK, STACK_HALO].into_iter().all(|name| {
        register_font(name, FontStyle::Normal, REGULAR).is_ok()
            && register_font(name, FontStyle::Bold, SEMIBOLD).is_ok()
    })
});

/// Makes the font known to plotters, once per process.
pub(super) fn register() -> Result<(), FigureError> {
    if *REGISTERED {
        return Ok(());
    }
    Err(FigureError::Render {
        format: "font",
        found: "the embedded font did not load".into(),
    })
}

/// The face of a weight. plotters measures and places raster text by whole pixels and without side
/// bearings, so both are done here from the font itself.
fn face(weight: Weight) -> Option<&'static FontRef<'static>> {
    let [regular, semibold] = FACES.as_ref()?;
    Some(if weight == Weight::Regular {
        regular
    } else {
        semibold
    })
}

/// Lays the glyphs of `text` out from the origin at `size` (its em) and returns them with the
/// whole advance.
fn lay_out(text: &str, size: f64, weight: Weight) -> (Vec<Glyph>, f64) {
    let Some(face) = face(weight) else {
        return (Vec::new(), 0.0);
    };
    // ab_glyph scales by the font's height, not by its em.
    let em = face.units_per_em().unwrap_or(1000.0);
    let scaled = face.as_scaled(size as f32 * face.height_unscaled() / em);
    let mut pen = 0.0;
    let place = |c: char| {
        let id = face.glyph_id(c);
        let glyph = id.with_scale_and_position(scaled.scale(), point(pen, 0.0));
        pen += scaled.h_advance(id);
        glyph
    };
    let glyphs = text.chars().map(place).collect();
    (glyphs, f64::from(pen))
}

/// Width of `text` at `size` (its em), in the same unit as `size`.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    lay_out(text, size, weight).1
}

/// Rasterises `text` at `size` with its baseline from `(x, y)`: calls `pixel` with each covered
/// pixel and its coverage in 0..=1.
pub(super) fn rasterise(
    text: &str,
    size: f64,
    weight: Weight,
    (x, y): (f64, f64),
    mut pixel: impl FnMut(i32, i32, f64),
) {
    let Some(face) = face(weight) else { return };
    for mut glyph in lay_out(text, size, weight).0 {
        glyph.position.x += x as f32;
        glyph.position.y += y as f32;
        let Some(outline) = face.outline_glyph(glyph) else {
            continue;
        };
        let corner = outline.px_bounds().min;
        outline.draw(|dx, dy, coverage| {
            let at = (corner.x as i32 + dx as i32, corner.y as i32 + dy as i32);
            pixel(at.0, at.1, f64::from(coverage));
        });
    }
}

/// Shortens `text` with an ellipsis until it is no wider than `room`.
pub fn fit(text: &str, size: f64, weight: Weight, room: f64) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().take(200).collect();
    while kept.len() > 1 {
        kept.pop();
        let shorter = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&shorter, size, weight) <= room {
            return shorter;
        }
    }
    "…".to_owned()
}
