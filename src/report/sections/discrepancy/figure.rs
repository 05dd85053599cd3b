//! The modality knowledge discrepancy D(Ms, Mt) of each target, beside what shuffled
//! target labels would give. One panel per divergence, for their scales differ; one line per
//! target and embedder.

use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::font::{self, Weight};
use crate::figure::layout::{Figure, distinct};
use crate::figure::palette::{self, BAND, GRID, INK, MUTED, RULE, Shape};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::table::{DiscrepancyRow, Row};

/// Narrow enough for a phone and a column of print.
const WIDTH: f64 = 360.0;

/// Draws the discrepancies.
pub fn figure(rows: &[DiscrepancyRow]) -> Result<Figure, FigureError> {
    let divergences = distinct(rows.iter().map(|row| row.divergence.as_str()));
    let panel = |divergence: &&str| {
        let own: Vec<&DiscrepancyRow> = rows
            .iter()
            .filter(|row| row.divergence == **divergence)
            .collect();
        panel(divergence, &own)
    };
    let panels: Vec<Scene> = divergences.iter().map(panel).collect();
    let columns = if panels.len() > 1 { 2 } else { 1 };
    let label = "Modality knowledge discrepancy of each target";
    Figure::new(DiscrepancyRow::FILE, label, panels, columns)
}

/// Reader's name of a divergence.
pub fn divergence_name(id: &str) -> String {
    let known = match id {
        "error" => "expected 0/1 error",
        "nll" => "cross-entropy",
        "brier" => "Brier score",
        "tv" => "total variation",
        "nll-renormalized" => "cross-entropy, renormalised",
        "kl-renormalized" => "KL divergence, renormalised",
        "tv-renormalized" => "total variation, renormalised",
        other => other,
    };
    known.to_owned()
}

fn panel(divergence: &str, rows: &[&DiscrepancyRow]) -> Scene {
    const LINE: f64 = 34.0;
    const TOP: f64 = 76.0;
    let several = distinct(rows.iter().map(|row| row.embedder.as_str())).len() > 1;
    let widest = rows
        .iter()
        .map(|row| font::width(&row.target_title, 11.5, Weight::Regular));
    let left = widest.fold(50.0, f64::max).min(110.0) + 14.0;
    let right = WIDTH - 56.0;
    let bottom = TOP + rows.len() as f64 * LINE;
    let mut scene = Scene::new(WIDTH, bottom + 24.0, label(divergence, rows));
    scene.text(
        (0.0, 14.0),
        Text::new("Modality knowledge discrepancy D(Mₛ, Mₜ)", 13.0).bold(),
    );
    let embedders = distinct(rows.iter().map(|row| row.embedder.as_str()));
    let how = match embedders.as_slice() {
        [one] => {
            format!(
                "{} · {} embedder",
                divergence_name(divergence),
                palette::method(one, 0).0
            )
        }
        _ => divergence_name(divergence),
    };
    scene.text((0.0, 30.0), Text::new(how, 10.5).colour(MUTED).fit(WIDTH));
    legend(&mut scene, 48.0, rows);

    let values = rows.iter().flat_map(|row| {
        [
            Some(row.value),
            row.lower,
            row.upper,
            row.null_mean,
            row.null_lower,
            row.null_upper,
            row.chance,
        ]
    });
    let x = Axis::over(values.flatten(), (0.0, f64::INFINITY), 5);
    let across = |value: f64| x.at(value, left, right);
    for tick in &x.ticks {
        let at = across(*tick);
        scene.line((at, TOP - 6.0), (at, bottom), Stroke::solid(GRID, 0.75));
        let text = Text::new(x.label(*tick), 11.0)
            .colour(MUTED)
            .anchor(Anchor::Middle);
        scene.text((at, bottom + 15.0), text);
    }
    scene.line((left, bottom), (right, bottom), Stroke::solid(RULE, 0.75));
    if rows.iter().any(|row| row.normalized.is_some()) {
        let head = Text::new("D / null", 10.5)
            .colour(MUTED)
            .anchor(Anchor::End);
        scene.text((WIDTH, TOP - 8.0), head);
    }
    for (place, row) in rows.iter().enumerate() {
        let y = TOP + (place as f64 + 0.5) * LINE;
        draw(&mut scene, row, y, left, several, &across);
    }
    scene
}

/// The key, one entry for each mark that occurs.
fn legend(scene: &mut Scene, y: f64, rows: &[&DiscrepancyRow]) {
    let (hue, _, _) = palette::series(0);
    let mut x = 0.0;
    let mut entry = |scene: &mut Scene, name: &str, mark: &dyn Fn(&mut Scene, f64)| {
        mark(scene, x);
        let text = Text::new(name, 10.5);
        let room = text.width();
        scene.text((x + 23.0, y), text);
        x += room + 37.0;
    };
    entry(scene, "D, 95\u{a0}% bootstrap", &|scene, x| {
        scene.line((x, y - 4.0), (x + 18.0, y - 4.0), Stroke::solid(hue, 1.75));
        scene.dot((x + 9.0, y - 4.0), 4.0, Shape::Circle, hue);
    });
    if rows.iter().any(|row| row.null_mean.is_some()) {
        entry(scene, "shuffled labels (null)", &|scene, x| {
            scene.block((x, y - 9.0), (x + 18.0, y + 1.0), BAND);
            scene.line(
                (x + 9.0, y - 10.0),
                (x + 9.0, y + 2.0),
                Stroke::solid(MUTED, 1.25),
            );
        });
    }
    if rows.iter().any(|row| row.chance.is_some()) {
        entry(scene, "chance", &|scene, x| {
            scene.dot((x + 9.0, y - 4.0), 3.2, Shape::Diamond, INK);
        });
    }
}

fn draw(
    scene: &mut Scene,
    row: &DiscrepancyRow,
    y: f64,
    left: f64,
    several: bool,
    across: &impl Fn(f64) -> f64,
) {
    let (hue, shade, _) = palette::series(0);
    let lift = if several { -2.0 } else { 4.0 };
    let title = Text::new(&row.target_title, 11.5)
        .anchor(Anchor::End)
        .fit(left - 12.0);
    scene.text((left - 10.0, y + lift), title);
    if several {
        let name = palette::method(&row.embedder, 0).0;
        let text = Text::new(name, 9.5).colour(MUTED).anchor(Anchor::End);
        scene.text((left - 10.0, y + 10.0), text.fit(left - 12.0));
    }
    if let (Some(lower), Some(upper)) = (row.null_lower, row.null_upper) {
        // A null of many samples is narrow; it must still be seen.
        let (from, to) = (across(lower), across(upper).max(across(lower) + 2.0));
        scene.block((from, y - 8.0), (to, y + 8.0), BAND);
    }
    if let Some(null) = row.null_mean {
        scene.line(
            (across(null), y - 10.0),
            (across(null), y + 10.0),
            Stroke::solid(MUTED, 1.25),
        );
    }
    if let Some(chance) = row.chance {
        scene.dot((across(chance), y), 3.2, Shape::Diamond, INK);
    }
    if let (Some(lower), Some(upper)) = (row.lower, row.upper) {
        scene.line(
            (across(lower), y),
            (across(upper), y),
            Stroke::solid(hue, 1.75),
        );
    }
    scene.dot((across(row.value), y), 4.4, Shape::Circle, hue);
    let value = Text::new(format!("{:.3}", row.value), 10.0)
        .colour(shade)
        .halo();
    scene.text((across(row.value), y - 9.0), value.anchor(Anchor::Middle));
    if let Some(normalized) = row.normalized {
        let text = Text::new(format!("{normalized:.2}"), 12.0)
            .bold()
            .anchor(Anchor::End);
        scene.text((WIDTH, y + 4.0), text);
    }
}

/// The panel in words.
fn label(divergence: &str, rows: &[&DiscrepancyRow]) -> String {
    let said = |row: &&DiscrepancyRow| format!("{} {:.3}", row.target_title, row.value);
    let all: Vec<String> = rows.iter().take(24).map(said).collect();
    format!(
        "Discrepancy by {}: {}",
        divergence_name(divergence),
        all.join(", ")
    )
}
