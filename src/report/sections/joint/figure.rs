//! Maps of pictures and captions, a panel a model: the untouched towers of a target first, then its methods. Both kinds
//! differ in colour and shape; a faint line joins a pair.

use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct};
use crate::figure::methods;
use crate::figure::palette::{Colour, GRID, HUES, MUTED, Shape};
use crate::figure::scene::{Point, Scene, Stroke, Text};
use crate::table::{IMAGE, JointRow, RetrievalRow, Row, TEXT};

const SIDE: f64 = 224.0;
const HEAD: f64 = 36.0;

/// Colour and shape of pictures and of captions.
const KINDS: [(&str, &str, Colour, Shape); 2] = [
    (IMAGE, "picture", HUES[0].0, Shape::Circle),
    (TEXT, "caption", HUES[3].0, Shape::Diamond),
];

/// Draws the maps; gap and alignment, where known, stand under the titles.
///
/// # Errors
/// [`FigureError::Content`] without a point.
pub fn figure(rows: &[JointRow], retrieval: &[RetrievalRow]) -> Result<Figure, FigureError> {
    let several = distinct(rows.iter().map(|row| row.target.as_str())).len() > 1;
    let models = distinct(
        rows.iter()
            .map(|row| (row.target.as_str(), row.method.as_deref())),
    );
    let panel = |(target, method): &(&str, Option<&str>)| {
        let own = rows.iter().filter(|row| row.target == *target);
        let own: Vec<&JointRow> = own.filter(|row| row.method.as_deref() == *method).collect();
        let model = method.map_or_else(|| "Untouched".to_owned(), methods::title);
        let title = own.first().map_or("", |row| row.target_title.as_str());
        let title = if several {
            format!("{model}, {title}")
        } else {
            model
        };
        panel(&title, &own, &under(&own, retrieval))
    };
    let mut panels: Vec<Scene> = models.iter().map(panel).collect();
    let columns = panels.len().clamp(1, 3);
    if !panels.is_empty() {
        panels.push(key());
    }
    let label = "t-SNE maps of pictures and captions before and after tuning";
    Figure::new(JointRow::FILE, label, panels, columns)
}

/// Gap and alignment of the model of a map.
fn under(own: &[&JointRow], retrieval: &[RetrievalRow]) -> String {
    let Some(first) = own.first() else {
        return String::new();
    };
    let value = |measure: &str| {
        let mut rows = retrieval.iter().filter(|row| {
            (&row.target, &row.method, row.seed) == (&first.target, &first.method, first.seed)
        });
        rows.find(|row| row.measure == measure)?.value
    };
    let said = [
        value("tower-gap").map(|gap| format!("gap {gap:.2}")),
        value("tower-alignment").map(|alignment| format!("alignment {alignment:.2}")),
        first.kl.map(|kl| format!("KL {kl:.2}")),
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn panel(title: &str, own: &[&JointRow], under: &str) -> Scene {
    let pairs = own.iter().filter(|row| row.kind == IMAGE).count();
    let label = format!("t-SNE map, {title}: {pairs} pictures with a caption each. {under}");
    let mut scene = Scene::new(SIDE, HEAD + SIDE, label);
    scene.text((0.0, 13.0), Text::new(title, 13.0).bold().fit(SIDE));
    scene.text((0.0, 28.0), Text::new(under, 10.0).colour(MUTED).fit(SIDE));
    let corner = (SIDE - 0.5, HEAD + SIDE - 0.5);
    scene.frame((0.5, HEAD), corner, Stroke::solid(GRID, 1.0));
    let place = projection(own);
    for picture in own.iter().filter(|row| row.kind == IMAGE) {
        let mut captions = own.iter().filter(|row| row.kind == TEXT);
        if let Some(caption) = captions.find(|row| row.pair == picture.pair) {
            let line = Stroke::solid(MUTED.fade(0.3), 0.5);
            scene.line(place(picture), place(caption), line);
        }
    }
    // Fewer points may be larger; many must stay apart.
    let radius = (50.0 / (own.len().max(1) as f64).sqrt()).clamp(1.4, 3.0);
    for (kind, _, colour, shape) in KINDS {
        for row in own.iter().filter(|row| row.kind == kind) {
            scene.dot(place(row), radius, shape, colour.fade(0.85));
        }
    }
    scene
}

/// Maps points into the square, both axes by the same factor.
fn projection(own: &[&JointRow]) -> impl Fn(&JointRow) -> Point + use<> {
    let range = |value: fn(&JointRow) -> f64| {
        let all = own.iter().map(|row| value(row));
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        (low / 2.0 + high / 2.0, high - low)
    };
    let ((x, wide), (y, tall)) = (range(|row| row.x), range(|row| row.y));
    let factor = (SIDE - 18.0) / wide.max(tall).clamp(f64::MIN_POSITIVE, f64::MAX);
    let half = SIDE / 2.0;
    move |row| {
        (
            half + (row.x - x) * factor,
            HEAD + half - (row.y - y) * factor,
        )
    }
}

/// The two kinds with their marks.
fn key() -> Scene {
    let mut scene = Scene::new(SIDE, 22.0, "Key of the marks");
    for ((_, name, colour, shape), x) in KINDS.into_iter().zip([5.0, 90.0]) {
        scene.dot((x, 11.0), 4.0, shape, colour);
        scene.text((x + 11.0, 15.0), Text::new(name, 11.0));
    }
    scene
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene::Mark;

    fn row(method: Option<&str>, kind: &str, pair: u64, at: Point) -> JointRow {
        JointRow {
            target: "t".into(),
            target_title: "T".into(),
            method: method.map(str::to_owned),
            seed: method.map(|_| 0),
            kind: kind.into(),
            pair,
            x: at.0,
            y: at.1,
            kl: Some(0.5),
            trustworthiness: None,
        }
    }

    #[test]
    fn every_pair_has_two_marks_and_a_line_inside_its_panel() {
        let mut rows = Vec::new();
        for method in [None, Some("harma")] {
            for pair in 0..5 {
                let x = pair as f64;
                rows.push(row(method, IMAGE, pair, (x, 0.0)));
                rows.push(row(method, TEXT, pair, (x * 2.0, 7.0)));
            }
        }
        // A caption whose picture is not there has no line.
        rows.push(row(None, TEXT, 9, (1.0, 1.0)));
        let drawn = figure(&rows, &[]).unwrap();
        assert_eq!(drawn.panels.len(), 3, "two maps and the key");
        assert!(drawn.panels[0].label.contains("Untouched: 5 pictures"));
        assert!(drawn.panels[1].label.contains("HarMA"));
        for (panel, dots) in drawn.panels.iter().zip([11, 10]) {
            let marks = panel.marks();
            let found = marks.iter().filter(|m| matches!(m, Mark::Dot { .. }));
            assert_eq!(found.count(), dots);
            let lines = marks.iter().filter(|m| matches!(m, Mark::Line { .. }));
            assert_eq!(lines.count(), 1 + 5, "the frame and five pairs");
            for mark in marks {
                if let Mark::Dot { at, .. } = mark {
                    assert!(at.0 > 0.0 && at.0 < SIDE && at.1 > HEAD && at.1 < HEAD + SIDE);
                }
            }
        }
        assert!(figure(&[], &[]).is_err());
        let one = [
            row(None, IMAGE, 0, (1e308, -1e308)),
            row(None, TEXT, 0, (-1e308, 1e308)),
        ];
        assert!(!figure(&one, &[]).unwrap().svg().unwrap().contains("NaN"));
    }
}
