//! The measures of a comparison of encoders: every measure of every encoder as a dot with its 95 % interval, one
//! panel per measure, the reference as a thin stroke beside the others. Colour and shape say what a paired test
//! says of the difference, which the intervals alone do not.

use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::layout::{Figure, distinct};
use crate::figure::palette::{Colour, GRID, HUES, INK, MUTED, RULE, Shape};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::figure::values::{measure_name, shown, unit};
use crate::measure::about::Unit;
use crate::table::{DifferenceRow, MeasureRow, Row};

const WIDTH: f64 = 240.0;
const TOP: f64 = 42.0;
const LINE: f64 = 30.0;

/// How a verdict is drawn: the mark, and the text beside it.
pub(in crate::report::sections) fn mark(verdict: &str) -> (Colour, Colour, Shape) {
    match verdict {
        "better" => (HUES[2].0, HUES[2].1, Shape::Diamond),
        "worse" => (HUES[3].0, HUES[3].1, Shape::Square),
        _ => (RULE, MUTED, Shape::Circle),
    }
}

/// Draws the measures.
pub fn figure(rows: &[MeasureRow], differences: &[DifferenceRow]) -> Result<Figure, FigureError> {
    let reference = differences.first().map(|row| row.reference.as_str());
    let panels = distinct(rows.iter().map(|row| row.measure.as_str()))
        .into_iter()
        .map(|measure| {
            let own: Vec<&MeasureRow> = rows.iter().filter(|r| r.measure == measure).collect();
            let verdict = |encoder: &str| {
                let of_encoder = |d: &&DifferenceRow| d.encoder == encoder && d.measure == measure;
                let found = differences.iter().find(of_encoder);
                found.map_or("", |row| row.verdict.as_str())
            };
            panel(measure, &own, reference, &verdict)
        });
    let mut panels: Vec<Scene> = panels.collect();
    if !panels.is_empty() {
        panels.push(key());
    }
    let label = "Measures of every encoder with 95 % intervals";
    Figure::new(MeasureRow::FILE, label, panels, 3)
}

fn panel<'a>(
    measure: &str,
    rows: &[&MeasureRow],
    reference: Option<&str>,
    verdict: &impl Fn(&str) -> &'a str,
) -> Scene {
    let bottom = TOP + rows.len() as f64 * LINE + 4.0;
    let mut scene = Scene::new(WIDTH, bottom + 20.0, words(measure, rows));
    let title = Text::new(measure_name(measure), 13.0).bold();
    scene.text((0.0, 13.0), title.fit(WIDTH));
    let better = rows.first().and_then(|row| row.better.as_deref());
    let better = better.unwrap_or("neither");
    let how = Text::new(format!("{better} is better"), 10.0).colour(MUTED);
    scene.text((0.0, 28.0), how);

    let (scale, bounds) = if unit(measure) == Unit::Share {
        (100.0, (0.0, 100.0))
    } else {
        (1.0, (f64::NEG_INFINITY, f64::INFINITY))
    };
    let ends = rows
        .iter()
        .flat_map(|row| [row.value, row.lower, row.upper]);
    let x = Axis::over(ends.flatten().map(|v| v * scale), bounds, 4);
    let (left, right) = (6.0, WIDTH - 6.0);
    let across = |value: f64| x.at((value * scale).clamp(x.low, x.high), left, right);
    for tick in &x.ticks {
        let at = x.at(*tick, left, right);
        scene.line((at, TOP), (at, bottom), Stroke::solid(GRID, 0.75));
        let text = Text::new(x.label(*tick), 10.0).colour(MUTED);
        // The outermost labels stay on the paper.
        let half = text.width() / 2.0;
        let at = (at.clamp(half, WIDTH - half), bottom + 14.0);
        scene.text(at, text.anchor(Anchor::Middle));
    }
    scene.line((left, bottom), (right, bottom), Stroke::solid(RULE, 0.75));
    let base = rows
        .iter()
        .find(|row| Some(row.encoder.as_str()) == reference);
    let base = base.and_then(|row| row.value).map(across);
    for (place, row) in rows.iter().enumerate() {
        let y = TOP + place as f64 * LINE;
        let is_base = Some(row.encoder.as_str()) == reference;
        let verdict = verdict(&row.encoder);
        let (hue, shade, shape) = if is_base {
            (INK, INK, Shape::Circle)
        } else {
            mark(verdict)
        };
        let said = row.value.map_or_else(|| "–".into(), |v| shown(measure, v));
        let said = Text::new(said, 10.5)
            .colour(shade)
            .anchor(Anchor::End)
            .halo();
        let said = if matches!(verdict, "better" | "worse") {
            said.bold()
        } else {
            said
        };
        let room = WIDTH - said.width() - 10.0;
        scene.text(
            (0.0, y + 12.0),
            Text::new(&row.encoder_title, 10.5).fit(room).halo(),
        );
        scene.text((WIDTH, y + 12.0), said);
        let y = y + 21.5;
        // Beside the names a line through all rows would strike them out.
        if let (Some(at), false) = (base, is_base) {
            scene.line((at, y - 5.0), (at, y + 5.0), Stroke::solid(INK, 0.75));
        }
        let Some(value) = row.value else { continue };
        if let (Some(lower), Some(upper)) = (row.lower, row.upper) {
            let ends = ((across(lower), y), (across(upper), y));
            scene.line(ends.0, ends.1, Stroke::solid(hue, 1.75));
        }
        scene.dot((across(value), y), 3.6, shape, hue);
    }
    scene
}

/// What the marks say.
fn key() -> Scene {
    let entries = [
        ("reference", INK, Shape::Circle),
        ("better, beyond noise", HUES[2].0, Shape::Diamond),
        ("worse, beyond noise", HUES[3].0, Shape::Square),
        ("no difference shown", RULE, Shape::Circle),
    ];
    let height = TOP + entries.len() as f64 * 20.0;
    let mut scene = Scene::new(WIDTH, height, "Key of the marks");
    scene.text((0.0, 13.0), Text::new("Against the reference", 13.0).bold());
    for (place, (name, hue, shape)) in entries.into_iter().enumerate() {
        let y = TOP + place as f64 * 20.0 + 4.0;
        scene.line((0.0, y), (22.0, y), Stroke::solid(hue, 1.75));
        scene.dot((11.0, y), 3.8, shape, hue);
        scene.text((32.0, y + 4.0), Text::new(name, 11.0));
    }
    scene
}

/// The panel in words.
fn words(measure: &str, rows: &[&MeasureRow]) -> String {
    let said = |row: &&MeasureRow| {
        Some(format!(
            "{} {}",
            row.encoder_title,
            shown(measure, row.value?)
        ))
    };
    let all: Vec<String> = rows.iter().filter_map(said).take(24).collect();
    format!("{}: {}", measure_name(measure), all.join(", "))
}
