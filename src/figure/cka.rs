//! A heat map of CKA: how far every two encoders agree. The darker a square, the nearer to 1; the
//! number stands in it, for colour alone says little about tenths.

use super::error::FigureError;
use super::layout::{Figure, distinct};
use super::palette::{self, GRID, INK, MUTED, PAPER};
use super::scene::{Anchor, Scene, Stroke, Text};
use super::table::{CkaRow, Row};

const WIDTH: f64 = 360.0;
/// More encoders make squares too small for their numbers.
const MOST: usize = 24;

/// Draws the matrix as figure `number`.
pub fn figure(rows: &[CkaRow], number: u8) -> Result<Figure, FigureError> {
    let sides: Vec<(&str, &str)> = distinct(
        rows.iter()
            .map(|row| (row.a.as_str(), row.a_title.as_str())),
    );
    if sides.is_empty() || sides.len() > MOST {
        return Err(FigureError::Content {
            table: CkaRow::FILE,
            expected: format!("rows for 1 to {MOST} encoders"),
            found: format!("{} encoders", sides.len()),
        });
    }
    let label = format!("Linear CKA of {} encoders", sides.len());
    Figure::new(number, CkaRow::FILE, &label, vec![matrix(rows, &sides)], 1)
}

fn matrix(rows: &[CkaRow], sides: &[(&str, &str)]) -> Scene {
    const TOP: f64 = 42.0;
    let widest = sides
        .iter()
        .map(|(_, title)| Text::new(title, 11.0).width());
    let left = widest.fold(30.0, f64::max).min(120.0) + 30.0;
    let cell = ((WIDTH - left) / sides.len() as f64).min(64.0);
    let bottom = TOP + cell * sides.len() as f64;
    let mut scene = Scene::new(WIDTH, bottom + 24.0, words(rows));
    scene.text((0.0, 13.0), Text::new("Linear CKA, debiased", 13.0).bold());
    let how = "1: equal up to rotation and scale; 0: unrelated";
    scene.text((0.0, 28.0), Text::new(how, 10.0).colour(MUTED).fit(WIDTH));
    let (hue, _, _) = palette::series(0);
    let size = (cell * 0.3).clamp(6.0, 11.5);
    for (i, (id, title)) in sides.iter().enumerate() {
        let y = TOP + (i as f64 + 0.5) * cell;
        let number = (i + 1).to_string();
        let end = |text: Text| text.anchor(Anchor::End);
        let room = left - 30.0;
        scene.text(
            (left - 24.0, y + 4.0),
            end(Text::new(title, 11.0).fit(room)),
        );
        scene.text(
            (left - 8.0, y + 4.0),
            end(Text::new(&number, 10.0).colour(MUTED)),
        );
        let x = left + (i as f64 + 0.5) * cell;
        let below = Text::new(&number, 10.0).colour(MUTED);
        scene.text((x, bottom + 14.0), below.anchor(Anchor::Middle));
        for (j, (other, _)) in sides.iter().enumerate() {
            let value = rows.iter().find(|row| row.a == *id && row.b == *other);
            let value = value.and_then(|row| row.value);
            let from = (left + j as f64 * cell, TOP + i as f64 * cell);
            let to = (from.0 + cell, from.1 + cell);
            if let Some(value) = value {
                scene.block(from, to, hue.fade(0.92 * value.clamp(0.0, 1.0)));
            }
            scene.frame(from, to, Stroke::solid(GRID, 0.75));
            let said = value.map_or_else(|| "–".into(), |v| format!("{v:.2}"));
            let ink = match value {
                Some(value) if value > 0.55 => PAPER,
                _ => INK,
            };
            let text = Text::new(said.replace('-', "\u{2212}"), size).colour(ink);
            let at = (from.0 + cell / 2.0, y + size * 0.36);
            scene.text(at, text.anchor(Anchor::Middle));
        }
    }
    scene
}

/// The matrix in words.
fn words(rows: &[CkaRow]) -> String {
    let apart = rows.iter().filter(|row| row.a < row.b);
    let said = apart.filter_map(|row| {
        let value = row.value?;
        Some(format!("{} and {} {value:.2}", row.a_title, row.b_title))
    });
    let said: Vec<String> = said.take(30).collect();
    format!("Debiased linear CKA: {}", said.join(", "))
}
