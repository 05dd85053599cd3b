//! From scene to file bytes through plotters: SVG and PNG of the same marks at the same places.
//!
//! plotters places things on whole pixels, so scenes are drawn four times enlarged: the PNG is
//! then fit for print and the SVG, whose `viewBox` carries the enlargement, is exact to a quarter
//! of a pixel. Text is set by its em and its baseline in both: the SVG backend gets the numbers
//! that come out so, and raster glyphs are placed one by one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text as TextElement};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, RGBAColor, ShapeStyle};

use super::error::FigureError;
use super::font::{self, NAME, REGULAR, SEMIBOLD, STACK, STACK_HALO};
use super::palette::{Colour, Shape};
use super::print::Width;
use super::scene::{Anchor, Mark, Point, Scene, Stroke, Text};

/// Enlargement of a scene: device pixels per CSS pixel.
const SCALE: f64 = 4.0;
/// No figure is drawn with more device pixels than this (a guard, not a wish).
const MOST_PIXELS: f64 = 200e6;
/// Rim of paper around haloed text, in CSS pixels.
const HALO: f64 = 1.5;

#[derive(Clone, Copy, PartialEq)]
enum Backend {
    Svg,
    Raster,
}

type Outcome<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A scene as an SVG element, in CSS pixels, for a page that brings the font itself ([`font_faces`]).
pub fn inline_svg(scene: &Scene) -> Result<String, FigureError> {
    let (width, height) = size(scene)?;
    let opening = format!(
        r#"<svg width="{}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}">"#,
        scene.width,
        escape(&scene.label)
    );
    svg_body(scene).map(|body| format!("{opening}\n{body}"))
}

/// A scene as an SVG file that carries its font, `print` wide on paper where that is asked for.
pub fn standalone_svg(scene: &Scene, print: Option<Width>) -> Result<String, FigureError> {
    let (width, height) = size(scene)?;
    let (across, down) = match print {
        None => (scene.width.to_string(), scene.height.to_string()),
        Some(print) => print.svg_size(width, height),
    };
    let opening = format!(
        concat!(
            r#"<svg width="{w}" height="{h}" viewBox="0 0 {vw} {vh}" xmlns="http://www.w3.org/2000/svg" "#,
            r#"role="img" aria-label="{label}">{nl}<style>{faces}</style>"#
        ),
        w = across,
        h = down,
        vw = width,
        vh = height,
        label = escape(&scene.label),
        nl = "\n",
        faces = font_faces()
    );
    svg_body(scene).map(|body| format!("{opening}\n{body}"))
}

/// The `@font-face` rules of the embedded font, as `data:` URIs.
pub fn font_faces() -> String {
    let face = |weight: &str, bytes: &[u8]| {
        format!(
            "@font-face{{font-family:\"{NAME}\";font-weight:{weight};font-style:normal;src:url(data:font/otf;base64,{}) format(\"opentype\")}}",
            BASE64_STANDARD.encode(bytes)
        )
    };
    // SVG text of plotters knows "bold" only; the range lets it find the semi-bold.
    face("400", REGULAR) + &face("600 700", SEMIBOLD)
}

/// A scene as a PNG file, four device pixels to the CSS pixel; it says how large it is on paper.
pub fn png(scene: &Scene, print: Option<Width>) -> Result<Vec<u8>, FigureError> {
    font::register()?;
    let fault = |found: String| FigureError::Render {
        format: "png",
        found,
    };
    let (width, height) = size(scene)?;
    let mut pixels = vec![0; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        paint(scene, &area, Backend::Raster).map_err(|error| fault(error.to_string()))?;
        area.present().map_err(|error| fault(error.to_string()))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Flat colours repeat along rows: without a filter such files are half as large.
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.set_compression(png::Compression::Default);
    // 96 CSS pixels to the inch: says on paper how large the figure is meant to be.
    let per_metre = match print {
        None => (SCALE * 96.0 / 0.0254) as u32,
        Some(print) => print.per_metre(width),
    };
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder
        .write_header()
        .map_err(|error| fault(error.to_string()))?;
    writer
        .write_image_data(&pixels)
        .map_err(|error| fault(error.to_string()))?;
    writer.finish().map_err(|error| fault(error.to_string()))?;
    Ok(bytes)
}

/// Device size of a scene.
fn size(scene: &Scene) -> Result<(u32, u32), FigureError> {
    let (width, height) = ((scene.width * SCALE).ceil(), (scene.height * SCALE).ceil());
    if width >= 1.0 && height >= 1.0 && width * height <= MOST_PIXELS {
        return Ok((width as u32, height as u32));
    }
    Err(FigureError::Render {
        format: "any",
        found: format!("a drawing of {width} × {height} pixels"),
    })
}

/// Everything of an SVG after its opening tag.
fn svg_body(scene: &Scene) -> Result<String, FigureError> {
    font::register()?;
    let fault = |found: String| FigureError::Render {
        format: "svg",
        found,
    };
    let mut drawn = String::new();
    {
        let area = SVGBackend::with_string(&mut drawn, size(scene)?).into_drawing_area();
        paint(scene, &area, Backend::Svg).map_err(|error| fault(error.to_string()))?;
        area.present().map_err(|error| fault(error.to_string()))?;
    }
    let body = drawn.split_once(">\n").map_or("", |(_, body)| body);
    // Text is escaped, so it holds no quote and these patterns match attributes alone.
    let halo = format!(
        r##"font-family="{STACK}" paint-order="stroke" stroke="{}" stroke-width="{}" stroke-linejoin="round""##,
        scene.paper.hex(),
        2.0 * HALO * SCALE
    );
    Ok(body
        .replace(&format!(r#"font-family="{STACK_HALO}""#), &halo)
        .replace(r#" opacity="1""#, "")
        .replace(r#" stroke="none" stroke-width="1""#, "")
        .replace("\n</text>", "</text>"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn device((x, y): Point) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn rgba(colour: Colour) -> RGBAColor {
    let [red, green, blue] = colour.rgb;
    RGBAColor(red, green, blue, colour.alpha)
}

fn paint<DB: DrawingBackend>(
    scene: &Scene,
    area: &DrawingArea<DB, Shift>,
    backend: Backend,
) -> Outcome<DB> {
    area.fill(&rgba(scene.paper))?;
    for mark in scene.marks() {
        match mark {
            Mark::Line { points, stroke } => line(area, points, stroke)?,
            Mark::Block { from, to, fill } => {
                area.draw(&Rectangle::new(
                    [device(*from), device(*to)],
                    rgba(*fill).filled(),
                ))?;
            }
            Mark::Dot {
                at,
                radius,
                shape,
                fill,
            } => dot(area, *at, *radius, *shape, *fill)?,
            Mark::Text { at, text } => match backend {
                Backend::Svg => svg_text(area, *at, text)?,
                Backend::Raster => raster_text(area, *at, text, scene.paper)?,
            },
        }
    }
    Ok(())
}

fn line<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    points: &[Point],
    stroke: &Stroke,
) -> Outcome<DB> {
    let width = (stroke.width * SCALE).round().max(1.0) as u32;
    let style = ShapeStyle {
        color: rgba(stroke.colour),
        filled: false,
        stroke_width: width,
    };
    let Some((ink, gap)) = stroke.dash else {
        let path: Vec<_> = points.iter().copied().map(device).collect();
        return area.draw(&PathElement::new(path, style));
    };
    // Neither backend knows dashes; each piece of ink is a line of its own.
    for leg in points.windows(2) {
        let [(x0, y0), (x1, y1)] = [leg[0], leg[1]];
        let length = (x1 - x0).hypot(y1 - y0);
        let pieces = (length / (ink + gap)).ceil().clamp(0.0, 2000.0) as usize;
        let along = |distance: f64| {
            let share = (distance / length).min(1.0);
            device((x0 + (x1 - x0) * share, y0 + (y1 - y0) * share))
        };
        for piece in 0..pieces {
            let start = piece as f64 * (ink + gap);
            area.draw(&PathElement::new(
                vec![along(start), along(start + ink)],
                style,
            ))?;
        }
    }
    Ok(())
}

fn dot<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (x, y): Point,
    radius: f64,
    shape: Shape,
    fill: Colour,
) -> Outcome<DB> {
    let style = rgba(fill).filled();
    // Half-widths that give each shape about the circle's area.
    let corners = |offsets: &[Point]| -> Vec<(i32, i32)> {
        offsets
            .iter()
            .map(|(dx, dy)| device((x + dx * radius, y + dy * radius)))
            .collect()
    };
    let outline = match shape {
        Shape::Circle => {
            let radius = (radius * SCALE).round().max(1.0) as u32;
            return area.draw(&Circle::new(device((x, y)), radius, style));
        }
        Shape::Square => corners(&[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)]),
        Shape::Up => corners(&[(-1.3, 0.82), (1.3, 0.82), (0.0, -1.45)]),
        Shape::Down => corners(&[(-1.3, -0.82), (1.3, -0.82), (0.0, 1.45)]),
        Shape::Diamond => corners(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
    };
    area.draw(&Polygon::new(outline, style))
}

/// plotters divides an SVG size by 1.24 and hangs the text 0.76 em below its top.
fn svg_text<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (x, y): Point,
    text: &Text,
) -> Outcome<DB> {
    let family = if text.halo { STACK_HALO } else { STACK };
    let font = FontDesc::new(
        FontFamily::Name(family),
        text.size * SCALE * 1.24,
        text.weight.style(),
    );
    let anchor = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let style = font
        .color(&rgba(text.colour))
        .pos(Pos::new(anchor, VPos::Top));
    area.draw(&TextElement::new(
        text.content.as_str(),
        device((x, y - 0.76 * text.size)),
        style,
    ))
}

/// Raster text, glyph by glyph.
fn raster_text<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    (x, y): Point,
    text: &Text,
    paper: Colour,
) -> Outcome<DB> {
    let left = match text.anchor {
        Anchor::Start => x,
        Anchor::Middle => x - text.width() / 2.0,
        Anchor::End => x - text.width(),
    };
    let (width, height) = area.dim_in_pixel();
    let draw = |colour: Colour, (dx, dy): Point| {
        let mut outcome = Ok(());
        let origin = ((left + dx) * SCALE, (y + dy) * SCALE);
        font::rasterise(
            &text.content,
            text.size * SCALE,
            text.weight,
            origin,
            |x, y, coverage| {
                let inside = x >= 0 && y >= 0 && x < width as i32 && y < height as i32;
                if inside && coverage > 0.0 && outcome.is_ok() {
                    let ink = colour.fade(colour.alpha * coverage.min(1.0));
                    outcome = area.draw_pixel((x, y), &rgba(ink));
                }
            },
        );
        outcome
    };
    if text.halo {
        for step in 0..16 {
            let (sin, cos) = (f64::from(step) * std::f64::consts::TAU / 16.0).sin_cos();
            draw(paper, (cos * HALO, sin * HALO))?;
        }
    }
    draw(text.colour, (0.0, 0.0))
}
