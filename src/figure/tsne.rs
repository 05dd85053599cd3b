//! t-SNE maps of the surrogate's features under each encoder, one panel per encoder.
//! Classes differ in colour and shape and carry their names at their medians; a last panel is
//! the key. Axes are equal and unmarked, for t-SNE distances have no unit.

use super::error::FigureError;
use super::font::{self, Weight};
use super::layout::{Figure, distinct, percent};
use super::methods;
use super::palette::{self, GRID, MUTED};
use super::scene::{Anchor, Point, Scene, Stroke, Text};
use crate::table::{ProbeRow, Row, TsneRow};

const SIDE: f64 = 224.0;
const HEAD: f64 = 36.0;
const LABEL: f64 = 9.0;

/// Draws the maps; probe errors, where known, stand under the titles.
pub fn figure(rows: &[TsneRow], probes: &[ProbeRow]) -> Result<Figure, FigureError> {
    let classes = classes(rows);
    let encoders = distinct(rows.iter().map(|row| row.encoder.as_str()));
    let mut panels: Vec<Scene> = encoders
        .iter()
        .map(|encoder| {
            let own: Vec<&TsneRow> = rows.iter().filter(|row| row.encoder == *encoder).collect();
            panel(&own, &classes, &subtitle(&own, probes))
        })
        .collect();
    let columns = if panels.len() <= 3 {
        panels.len() + 1
    } else {
        3
    };
    if !panels.is_empty() {
        panels.push(key(&classes));
    }
    let label = format!(
        "t-SNE maps of the same samples under {} encoders",
        encoders.len()
    );
    Figure::new(TsneRow::FILE, &label, panels, columns)
}

/// A sample of a map where it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// In CSS pixels of its panel.
    pub at: Point,
    /// Place of its class in [`classes`].
    pub class: usize,
    /// Which sample of the surrogate's test part.
    pub sample: u64,
}

/// Size of a panel in CSS pixels, and how much of its height is title.
pub const PANEL: (f64, f64, f64) = (SIDE, HEAD + SIDE, HEAD);

/// Where every map shows its samples, in the order of the panels; empty maps where the table does not
/// say which samples they are.
pub fn spots(rows: &[TsneRow]) -> Vec<Vec<Spot>> {
    let classes = classes(rows);
    let encoders = distinct(rows.iter().map(|row| row.encoder.as_str()));
    let of = |encoder: &str| {
        let own: Vec<&TsneRow> = rows.iter().filter(|row| row.encoder == encoder).collect();
        let place = projection(&own);
        let spot = |row: &&TsneRow| {
            Some(Spot {
                at: place(row),
                class: classes.iter().position(|(label, _)| *label == row.label)?,
                sample: row.sample?,
            })
        };
        own.iter().filter_map(spot).collect()
    };
    encoders.into_iter().map(of).collect()
}

/// Labels and names of all classes, by label.
pub fn classes(rows: &[TsneRow]) -> Vec<(u64, &str)> {
    let mut classes = distinct(rows.iter().map(|row| (row.label, row.class_name.as_str())));
    classes.sort_unstable();
    classes.dedup_by_key(|(label, _)| *label);
    classes
}

/// Probe error and KL of one encoder, as far as they are known.
fn subtitle(own: &[&TsneRow], probes: &[ProbeRow]) -> String {
    let Some(first) = own.first() else {
        return String::new();
    };
    // The map shows plain fine-tuning, where it ran, after its last epoch.
    let of_encoder = || probes.iter().filter(|p| p.encoder == first.encoder);
    let plain = methods::plain(of_encoder().map(|p| p.method.as_str()));
    let method = || of_encoder().filter(|p| Some(p.method.as_str()) == plain);
    let last = method().map(|p| p.epochs).max();
    let shown = method().filter(|p| Some(p.epochs) == last);
    let mut errors: Vec<f64> = shown.map(|probe| probe.error).collect();
    errors.sort_by(f64::total_cmp);
    let error = match errors.as_slice() {
        [] => None,
        [one] => Some(format!("probe error {}", percent(*one))),
        // The map shows one model, but its table does not say which of several.
        [low, .., high] => {
            let runs = errors.len();
            Some(format!(
                "probe error {:.1}–{} ({runs} models)",
                low * 100.0,
                percent(*high)
            ))
        }
    };
    let divergence = first.kl.map(|kl| format!("KL {kl:.2}"));
    [error, divergence]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

fn panel(own: &[&TsneRow], classes: &[(u64, &str)], subtitle: &str) -> Scene {
    let title = own.first().map_or("", |row| row.encoder_title.as_str());
    let label = format!("t-SNE map, {title}: {} samples. {subtitle}", own.len());
    let mut scene = Scene::new(SIDE, HEAD + SIDE, label);
    scene.text((0.0, 13.0), Text::new(title, 13.0).bold().fit(SIDE));
    scene.text(
        (0.0, 28.0),
        Text::new(subtitle, 10.0).colour(MUTED).fit(SIDE),
    );
    let corner = (SIDE - 0.5, HEAD + SIDE - 0.5);
    scene.frame((0.5, HEAD), corner, Stroke::solid(GRID, 1.0));

    let place = projection(own);
    // Fewer points may be larger; many must stay apart.
    let radius = (70.0 / (own.len().max(1) as f64).sqrt()).clamp(0.9, 2.4);
    for row in own {
        let index = classes
            .iter()
            .position(|(label, _)| *label == row.label)
            .unwrap_or(0);
        let (hue, _, shape) = palette::series(index);
        scene.dot(place(row), radius, shape, hue.fade(0.8));
    }
    for (at, index) in spread(medians(own, classes, &place), classes) {
        let (_, shade, _) = palette::series(index);
        let text = Text::new(classes[index].1, LABEL)
            .bold()
            .colour(shade)
            .halo();
        scene.text(at, text.fit(SIDE / 2.0).anchor(Anchor::Middle));
    }
    scene
}

/// Maps samples into the square, both axes by the same factor.
fn projection(own: &[&TsneRow]) -> impl Fn(&TsneRow) -> Point {
    let range = |value: fn(&TsneRow) -> f64| {
        let all = own.iter().map(|row| value(row));
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        ((low + high) / 2.0, high - low)
    };
    let ((x, wide), (y, tall)) = (range(|row| row.x), range(|row| row.y));
    let factor = (SIDE - 18.0) / wide.max(tall).max(f64::MIN_POSITIVE);
    let half = SIDE / 2.0;
    move |row| {
        (
            half + (row.x - x) * factor,
            HEAD + half - (row.y - y) * factor,
        )
    }
}

/// Where each present class has its median.
fn medians(
    own: &[&TsneRow],
    classes: &[(u64, &str)],
    place: &impl Fn(&TsneRow) -> Point,
) -> Vec<(Point, usize)> {
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let of_class = |(index, (label, _)): (usize, &(u64, &str))| {
        let members: Vec<Point> = own
            .iter()
            .filter(|row| row.label == *label)
            .map(|row| place(row))
            .collect();
        let x = middle(members.iter().map(|(x, _)| *x).collect())?;
        let y = middle(members.iter().map(|(_, y)| *y).collect())?;
        Some(((x, y + LABEL / 3.0), index))
    };
    classes.iter().enumerate().filter_map(of_class).collect()
}

/// Moves labels apart vertically until none covers another, and keeps them inside the square.
fn spread(mut labels: Vec<(Point, usize)>, classes: &[(u64, &str)]) -> Vec<(Point, usize)> {
    const LINE: f64 = LABEL * 1.25;
    let width =
        |index: usize| font::width(classes[index].1, LABEL, Weight::SemiBold).min(SIDE / 2.0);
    for _ in 0..200 {
        let mut moved = false;
        for a in 0..labels.len() {
            for b in a + 1..labels.len() {
                let room = (width(labels[a].1) + width(labels[b].1)) / 2.0 + 3.0;
                let (dx, dy) = (labels[b].0.0 - labels[a].0.0, labels[b].0.1 - labels[a].0.1);
                if dx.abs() < room && dy.abs() < LINE - 0.01 {
                    // On equal heights the later class goes down.
                    let push = (LINE - dy.abs()) / 2.0 * if dy < 0.0 { -1.0 } else { 1.0 };
                    labels[a].0.1 -= push;
                    labels[b].0.1 += push;
                    moved = true;
                }
            }
        }
        for ((x, y), index) in &mut labels {
            let half = width(*index) / 2.0 + 3.0;
            *x = x.clamp(half, SIDE - half);
            *y = y.clamp(HEAD + LINE, HEAD + SIDE - 5.0);
        }
        if !moved {
            break;
        }
    }
    labels
}

/// The key: every class with its marker.
fn key(classes: &[(u64, &str)]) -> Scene {
    const MOST: usize = 22;
    let columns = if classes.len() > 11 { 2 } else { 1 };
    let lines = classes.len().min(MOST).div_ceil(columns);
    let mut scene = Scene::new(
        SIDE,
        HEAD + lines as f64 * 18.0 + 20.0,
        "Key of the classes",
    );
    scene.text((0.0, 13.0), Text::new("Classes", 13.0).bold());
    let room = SIDE / columns as f64;
    for (index, (_, name)) in classes.iter().take(MOST).enumerate() {
        let (hue, _, shape) = palette::series(index);
        let x = (index / lines) as f64 * room;
        let y = HEAD + 6.0 + (index % lines) as f64 * 18.0;
        scene.dot((x + 5.0, y), 4.0, shape, hue);
        scene.text((x + 16.0, y + 4.0), Text::new(name, 11.0).fit(room - 20.0));
    }
    if classes.len() > MOST {
        let rest = format!("and {} more", classes.len() - MOST);
        scene.text(
            (0.0, HEAD + lines as f64 * 18.0 + 12.0),
            Text::new(rest, 10.0).colour(MUTED),
        );
    }
    scene
}
