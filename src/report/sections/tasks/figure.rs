//! A heat map a seed: the similarity of every two targets, with a frame where both are in one group.

use super::title;
use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct};
use crate::figure::methods;
use crate::figure::palette::{self, GRID, INK, MUTED};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::table::{ByTextRow, Row, TaskRow};

const WIDTH: f64 = 320.0;
/// Room for names on the left, and for title and names above.
const LEFT: f64 = 92.0;
const TOP: f64 = 34.0;
/// Height of a row.
const HEIGHT: f64 = 34.0;
/// Places of the colours of agreement and of its contrary in the palette.
const AGREE: usize = 0;
const DISAGREE: usize = 1;

/// Draws a panel of every method and seed with similarities.
///
/// # Errors
/// [`FigureError::NotMeasured`] where there are none.
pub fn figure(rows: &[TaskRow], titles: &[ByTextRow]) -> Result<Figure, FigureError> {
    let with = || rows.iter().filter(|row| row.similarity.is_some());
    let panels: Vec<Scene> = distinct(with().map(|row| (row.variant.as_str(), row.seed)))
        .into_iter()
        .map(|(variant, seed)| {
            let own = with().filter(|row| row.variant == variant && row.seed == seed);
            panel(&own.collect::<Vec<_>>(), titles)
        })
        .collect();
    if panels.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "tasks",
            expected: "the similarity of two targets",
            found: format!("{} rows without any", rows.len()),
        });
    }
    let label = "Similarity of the targets' gradients and their groups";
    Figure::new(TaskRow::FILE, label, panels, 3)
}

/// "MmAP, seed 0", with settings that are not the suite's own.
fn name(row: &TaskRow) -> String {
    let (method, seed) = (methods::title(&row.method), row.seed);
    match methods::settings(&row.variant) {
        Some(settings) => format!("{method}, seed {seed} ({settings})"),
        None => format!("{method}, seed {seed}"),
    }
}

/// The pairs of one training.
fn panel(own: &[&TaskRow], titles: &[ByTextRow]) -> Scene {
    let name = &own.first().map_or(String::new(), |row| name(row));
    let both = own
        .iter()
        .flat_map(|row| [row.task.as_str(), row.other.as_str()]);
    let tasks = distinct(both);
    let side = (WIDTH - LEFT) / tasks.len() as f64;
    let bottom = TOP + HEIGHT * tasks.len() as f64;
    let mut scene = Scene::new(WIDTH, bottom + 20.0, words(name, own, titles));
    scene.text((0.0, 13.0), Text::new(name, 13.0).bold().fit(WIDTH));
    for (line, a) in tasks.iter().enumerate() {
        let y = TOP + HEIGHT * line as f64;
        let text = Text::new(title(titles, a), 10.5)
            .colour(MUTED)
            .fit(LEFT - 8.0);
        scene.text(
            (LEFT - 6.0, y + HEIGHT / 2.0 + 3.5),
            text.anchor(Anchor::End),
        );
        let below = Text::new(title(titles, a), 10.0)
            .colour(MUTED)
            .fit(side - 4.0);
        let middle = LEFT + (line as f64 + 0.5) * side;
        scene.text((middle, bottom + 14.0), below.anchor(Anchor::Middle));
        for (column, b) in tasks.iter().enumerate() {
            let x = LEFT + side * column as f64;
            let of = |row: &&&TaskRow| {
                (row.task == *a && row.other == *b) || (row.task == *b && row.other == *a)
            };
            let found = own.iter().find(of);
            let (shown, colour) = match found.and_then(|row| row.similarity) {
                Some(value) => {
                    let (hue, _, _) = palette::series(if value < 0.0 { DISAGREE } else { AGREE });
                    let fill = hue.fade(palette::DEEPEST * value.abs().min(1.0));
                    scene.block((x, y), (x + side, y + HEIGHT), fill);
                    (format!("{value:.2}").replace('-', "\u{2212}"), INK)
                }
                None => ("–".to_owned(), MUTED),
            };
            let at = (x + side / 2.0, y + HEIGHT / 2.0 + 4.0);
            scene.text(
                at,
                Text::new(shown, 11.5).colour(colour).anchor(Anchor::Middle),
            );
            if found.is_some_and(|row| row.together) {
                let (from, to) = ((x + 2.0, y + 2.0), (x + side - 2.0, y + HEIGHT - 2.0));
                scene.frame(from, to, Stroke::solid(INK, 1.5));
            }
        }
    }
    scene.frame((LEFT, TOP), (WIDTH, bottom), Stroke::solid(GRID, 0.75));
    scene
}

/// The panel in words.
fn words(name: &str, own: &[&TaskRow], titles: &[ByTextRow]) -> String {
    let said = own.iter().map(|row| {
        let group = if row.together { " (one group)" } else { "" };
        let value = row.similarity.unwrap_or(f64::NAN);
        format!(
            "{} and {} {value:.2}{group}",
            title(titles, &row.task),
            title(titles, &row.other)
        )
    });
    format!("{name}: {}", said.collect::<Vec<_>>().join(", "))
}
