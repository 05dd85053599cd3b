//! Debiased linear CKA between encoders as a matrix: how much of one encoder's representation of the
//! same samples is in another's.

use crate::figure::FigureError;
use crate::figure::font::{self, Weight};
use crate::figure::layout::{Figure, distinct, wrap};
use crate::figure::palette::{self, GRID, INK, MUTED};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::table::{CkaRow, Row};

/// Narrow enough for a phone and a column of print.
const WIDTH: f64 = 360.0;
/// Encoders beyond which cells could not hold their values.
const MOST: usize = 24;

/// Draws the matrix.
pub fn figure(rows: &[CkaRow]) -> Result<Figure, FigureError> {
    let encoders = distinct(rows.iter().map(|row| row.encoder.as_str()));
    if !(2..=MOST).contains(&encoders.len()) {
        return Err(FigureError::Content {
            table: CkaRow::FILE,
            expected: format!("2 to {MOST} encoders"),
            found: encoders.len().to_string(),
        });
    }
    let panel = panel(rows, &encoders);
    Figure::new(CkaRow::FILE, "CKA between encoders", vec![panel], 1)
}

/// Reader's name of an encoder.
fn title<'a>(rows: &'a [CkaRow], id: &'a str) -> &'a str {
    let row = rows.iter().find(|row| row.encoder == id);
    row.map_or(id, |row| row.encoder_title.as_str())
}

fn panel(rows: &[CkaRow], encoders: &[&str]) -> Scene {
    const TOP: f64 = 44.0;
    let title = |id| title(rows, id);
    let widest = encoders
        .iter()
        .map(|id| font::width(title(id), 11.0, Weight::Regular));
    let left = widest.fold(50.0, f64::max).min(104.0) + 10.0;
    let side = (WIDTH - left) / encoders.len() as f64;
    let height = side.min(44.0);
    let bottom = TOP + height * encoders.len() as f64;
    let mut scene = Scene::new(WIDTH, bottom + 32.0, label(rows));
    scene.text((0.0, 14.0), Text::new("CKA between encoders", 13.0).bold());
    let how = "debiased, linear · 1: the same up to rotation and scale";
    scene.text((0.0, 30.0), Text::new(how, 10.5).colour(MUTED).fit(WIDTH));
    let size = (side / 4.0).clamp(5.0, 11.5);
    for (line, a) in encoders.iter().enumerate() {
        let y = TOP + line as f64 * height;
        let name = Text::new(title(a), 11.0)
            .anchor(Anchor::End)
            .fit(left - 8.0);
        scene.text((left - 8.0, y + height / 2.0 + 4.0), name);
        let middle = left + (line as f64 + 0.5) * side;
        let name = wrap(title(a), 10.0, Weight::Regular, side - 4.0, 2);
        for (place, part) in name.iter().enumerate() {
            let part = Text::new(part, 10.0).colour(MUTED);
            let at = (middle, bottom + 14.0 + 12.0 * place as f64);
            scene.text(at, part.anchor(Anchor::Middle));
        }
        for (column, b) in encoders.iter().enumerate() {
            let x = left + column as f64 * side;
            let own = |row: &&CkaRow| row.encoder == *a && row.other == *b;
            let value = rows.iter().find(own).and_then(|row| row.value);
            let (shown, colour) = match value {
                Some(value) => {
                    let (hue, _, _) = palette::series(0);
                    let fill = hue.fade(palette::DEEPEST * value.clamp(0.0, 1.0));
                    scene.block((x, y), (x + side, y + height), fill);
                    (format!("{value:.2}").replace('-', "\u{2212}"), INK)
                }
                None => ("–".to_owned(), MUTED),
            };
            let text = Text::new(shown, size).colour(colour);
            let at = (x + side / 2.0, y + height / 2.0 + size / 3.0);
            scene.text(at, text.anchor(Anchor::Middle));
        }
    }
    scene.frame((left, TOP), (WIDTH, bottom), Stroke::solid(GRID, 0.75));
    scene
}

/// The matrix in words: each pair once.
fn label(rows: &[CkaRow]) -> String {
    let pairs = rows.iter().filter(|row| row.encoder < row.other);
    let said = pairs.filter_map(|row| {
        let value = row.value?;
        Some(format!(
            "{} and {} {value:.2}",
            row.encoder_title, row.other_title
        ))
    });
    let all: Vec<String> = said.take(40).collect();
    format!("CKA between encoders: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene;
    use std::path::Path;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tables");

    #[test]
    fn agreement_names_every_encoder_and_marks_what_has_no_value() {
        let rows = CkaRow::read(Path::new(FIXTURES)).unwrap();
        let texts = |rows: &[CkaRow]| -> Vec<String> {
            let figure = figure(rows).unwrap();
            let marks = figure.panels[0].marks().iter();
            let text = |mark: &scene::Mark| match mark {
                scene::Mark::Text { text, .. } => Some(text.content.clone()),
                _ => None,
            };
            marks.filter_map(text).collect()
        };
        let count = |texts: &[String], wanted: &str| texts.iter().filter(|t| *t == wanted).count();
        let drawn = texts(&rows);
        assert_eq!(count(&drawn, "Pretrained"), 2);
        assert_eq!((count(&drawn, "1.00"), count(&drawn, "–")), (5, 0));
        let label = &figure(&rows).unwrap().panels[0].label;
        assert!(label.contains("Sound and Unseen images 0.51"), "{label}");
        let mut absent = rows.clone();
        absent[1].value = None;
        assert_eq!(count(&texts(&absent), "–"), 1);
        let one = figure(&rows[..1]).unwrap_err();
        assert!(matches!(one, FigureError::Content { .. }));
    }
}
