//! Lines over epochs in small multiples, one panel per target on common axes. Four figures
//! share it: the surrogate's probe error, the target's validation error, or the geometry of the
//! surrogate's features, as training goes on.

use super::axis::Axis;
use super::layout::{distinct, mean};
use super::palette::{self, GRID, INK, MUTED, RULE};
use super::scene::{Anchor, Point, Scene, Stroke, Text};

const WIDTH: f64 = 224.0;
const TOP: f64 = 44.0;
const PLOT: f64 = 150.0;
/// The least room for labels at the left.
const LEFT: f64 = 30.0;
const RIGHT: f64 = 12.0;

/// One line: a method's values by epoch.
pub struct Series {
    /// The method's name for readers.
    pub name: String,
    /// Its place in the palette.
    pub hue: usize,
    /// Epoch, and every value there (one per seed).
    pub points: Vec<(u64, Vec<f64>)>,
}

/// One panel's content.
pub struct Panel {
    /// Its title.
    pub title: String,
    /// Its lines.
    pub series: Vec<Series>,
}

impl Panel {
    /// A line for every method that has values. Methods are ids with their names and palette places;
    /// values are method, epoch and value.
    pub fn of(
        title: &str,
        ids: &[&str],
        named: &[(String, usize)],
        values: &[(&str, u64, f64)],
    ) -> Self {
        let series = ids.iter().zip(named).map(|(id, (name, hue))| {
            let own = || values.iter().filter(|(method, ..)| method == id);
            let mut epochs = distinct(own().map(|(_, epoch, _)| *epoch));
            epochs.sort_unstable();
            let at = |epoch: u64| {
                let here = own().filter(|(_, other, _)| *other == epoch);
                (epoch, here.map(|(.., value)| *value).collect())
            };
            Series {
                name: name.clone(),
                hue: *hue,
                points: epochs.into_iter().map(at).collect(),
            }
        });
        Self {
            title: title.to_owned(),
            series: series.filter(|series| !series.points.is_empty()).collect(),
        }
    }
}

/// Names and palette places of methods.
pub fn named(ids: &[&str]) -> Vec<(String, usize)> {
    let one = |(place, id): (usize, &&str)| palette::method(id, place);
    ids.iter().enumerate().map(one).collect()
}

/// A value all panels are compared with.
pub struct Reference {
    /// What it is.
    pub name: String,
    /// The value.
    pub value: f64,
}

/// The bounds of values in percent.
pub const PERCENT: (f64, f64) = (0.0, 100.0);

/// Series, by palette place, that lie so far from all others that common axes would press those
/// into a line, with their smallest and largest value. They are named in the key and not drawn: an
/// encoder trained from scratch, say, whose error is twice that of every transferred one.
pub fn far(panels: &[Panel], reference: Option<&Reference>) -> Vec<(usize, (f64, f64))> {
    let span = |hues: &dyn Fn(usize) -> bool| {
        let series = panels.iter().flat_map(|panel| &panel.series);
        let values = series
            .filter(|series| hues(series.hue))
            .flat_map(|series| series.points.iter().flat_map(|(_, values)| values));
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        values.fold(ends, |(low, high), v| (low.min(*v), high.max(*v)))
    };
    let hues = distinct(panels.iter().flat_map(|p| p.series.iter().map(|s| s.hue)));
    let mut found: Vec<(usize, (f64, f64))> = Vec::new();
    for &hue in &hues {
        let (low, high) = span(&|other| other == hue);
        let (mut least, mut most) = span(&|other| other != hue);
        if let Some(reference) = reference {
            (least, most) = (least.min(reference.value), most.max(reference.value));
        }
        let reach = 0.5 * (most - least);
        if hues.len() > 2 && (low > most + reach || high < least - reach) {
            found.push((hue, (low, high)));
        }
    }
    found
}

/// Draws all panels on common axes; values lie within `bounds`. Series that are [`far`] off are
/// left out.
pub fn panels(
    panels: &[Panel],
    what: &str,
    bounds: (f64, f64),
    reference: Option<&Reference>,
) -> Vec<Scene> {
    let far = far(panels, reference);
    let drawn = |series: &&Series| far.iter().all(|(hue, _)| *hue != series.hue);
    let all = || {
        panels
            .iter()
            .flat_map(|panel| panel.series.iter().filter(drawn))
            .flat_map(|series| &series.points)
    };
    let values = all().flat_map(|(_, values)| values.iter().copied());
    let y = Axis::over(
        values.chain(reference.map(|reference| reference.value)),
        bounds,
        4,
    );
    let x = Axis::whole(all().map(|(epoch, _)| *epoch).max().unwrap_or(1), 5);
    panels
        .iter()
        .map(|panel| draw(panel, what, reference, (&x, &y), &drawn))
        .collect()
}

fn draw(
    panel: &Panel,
    what: &str,
    reference: Option<&Reference>,
    (x, y): (&Axis, &Axis),
    drawn: &dyn Fn(&&Series) -> bool,
) -> Scene {
    let (right, bottom) = (WIDTH - RIGHT, TOP + PLOT);
    let widths = y
        .ticks
        .iter()
        .map(|tick| Text::new(y.label(*tick), 10.0).width());
    let left = widths.map(|width| width + 6.0).fold(LEFT, f64::max);
    let names: Vec<&str> = panel
        .series
        .iter()
        .map(|series| series.name.as_str())
        .collect();
    let label = format!(
        "{}: {what}, over epochs, lines for {}",
        panel.title,
        names.join(", ")
    );
    let mut scene = Scene::new(WIDTH, bottom + 36.0, label);
    scene.text((0.0, 13.0), Text::new(&panel.title, 13.0).bold().fit(WIDTH));
    scene.text((0.0, 29.0), Text::new(what, 10.0).colour(MUTED).fit(WIDTH));
    let at = |epoch: f64, value: f64| -> Point {
        (x.at(epoch, left + 6.0, right), y.at(value, bottom, TOP))
    };
    for tick in &y.ticks {
        let (_, height) = at(0.0, *tick);
        scene.line((left, height), (right, height), Stroke::solid(GRID, 0.75));
        let text = Text::new(y.label(*tick), 10.0)
            .colour(MUTED)
            .anchor(Anchor::End);
        scene.text((left - 6.0, height + 3.5), text);
    }
    for tick in &x.ticks {
        let (across, _) = at(*tick, 0.0);
        scene.line(
            (across, bottom),
            (across, bottom + 3.0),
            Stroke::solid(RULE, 0.75),
        );
        let text = Text::new(x.label(*tick), 10.0)
            .colour(MUTED)
            .anchor(Anchor::Middle);
        scene.text((across, bottom + 14.0), text);
    }
    scene.line((left, bottom), (right, bottom), Stroke::solid(RULE, 0.75));
    let text = Text::new("epoch", 10.0).colour(MUTED).anchor(Anchor::End);
    scene.text((right, bottom + 28.0), text);

    if let Some(reference) = reference {
        let (_, level) = at(0.0, reference.value);
        scene.line(
            (left, level),
            (right, level),
            Stroke::dashed(INK, 1.0, 4.0, 3.0),
        );
    }
    for series in panel.series.iter().filter(drawn) {
        curve(&mut scene, series, &at);
    }
    scene
}

/// One method: its mean over seeds as a line, every seed as a faint dot.
fn curve(scene: &mut Scene, series: &Series, at: &impl Fn(f64, f64) -> Point) {
    let (hue, _, shape) = palette::series(series.hue);
    let mut line = Vec::new();
    for (epoch, values) in &series.points {
        let Some(middle) = mean(values) else { continue };
        if values.len() > 1 {
            for value in values {
                scene.dot(at(*epoch as f64, *value), 1.5, shape, hue.fade(0.4));
            }
        }
        line.push(at(*epoch as f64, middle));
    }
    // Long curves read better without a marker on every epoch.
    let every = line.len().div_ceil(12).max(1);
    let markers: Vec<Point> = line.iter().copied().step_by(every).collect();
    scene.path(line, Stroke::solid(hue, 1.5));
    for point in markers {
        scene.dot(point, 2.6, shape, hue);
    }
}

/// Names for a key, those of series that are [`far`] off with where they lie.
pub fn names(methods: &[(String, usize)], far: &[(usize, (f64, f64))]) -> Vec<(String, usize)> {
    let name = |(name, hue): &(String, usize)| {
        let ends = far.iter().find(|(other, _)| other == hue);
        let number = |value: &f64| {
            // A value that rounds to zero has no sign.
            let rounded = (10.0 * value).round() / 10.0 + 0.0;
            format!("{rounded:.1}").replace('-', "\u{2212}")
        };
        let name = match ends {
            Some((_, (low, high))) => {
                format!("{name} ({} to {}, off scale)", number(low), number(high))
            }
            None => name.clone(),
        };
        (name, *hue)
    };
    methods.iter().map(name).collect()
}

/// A key as one row (or several) of marks and names, no wider than `width`: the methods, then the
/// reference, which is named here because in the panels lines would cross its name.
pub fn key(methods: &[(String, usize)], reference: Option<&Reference>, width: f64) -> Scene {
    let mut scene = Scene::new(width, 20.0, "Key of the lines");
    let (mut x, mut y) = (0.0, 13.0);
    let mut entry = |scene: &mut Scene, name: &str, draw: &dyn Fn(&mut Scene, Point)| {
        let text = Text::new(name, 11.0).fit(width - 20.0);
        let room = text.width() + 32.0;
        if x > 0.0 && x + room > width + 13.0 {
            (x, y) = (0.0, y + 17.0);
        }
        draw(scene, (x, y - 4.0));
        scene.text((x + 19.0, y), text);
        scene.height = y + 7.0;
        x += room;
    };
    for (name, hue) in methods {
        let (colour, _, shape) = palette::series(*hue);
        entry(&mut scene, name, &|scene, (x, y)| {
            scene.line((x, y), (x + 14.0, y), Stroke::solid(colour, 1.5));
            scene.dot((x + 7.0, y), 3.0, shape, colour);
        });
    }
    if let Some(Reference { name, value }) = reference {
        entry(
            &mut scene,
            &if value.is_finite() {
                format!("{name} {value:.1}")
            } else {
                name.clone()
            },
            &|scene, (x, y)| {
                scene.line((x, y), (x + 14.0, y), Stroke::dashed(INK, 1.0, 4.0, 3.0));
            },
        );
    }
    scene
}
