//! What tunings of two towers reach on a target, in two panels: by the number of parameters that train, and beside the
//! zero-shot error on the surrogate. A mark is a method; the towers as they were pretrained are the dashed lines.

use super::axis::Axis;
use super::labels::{Area, Label, place};
use super::layout::mean;
use super::lines::PERCENT;
use super::methods;
use super::palette::{self, GRID, INK, MUTED, RULE};
use super::scene::{Anchor, Point, Scene, Stroke, Text};
use crate::table::{MeasureRow, PRETRAINED};

const WIDTH: f64 = 320.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = WIDTH - 8.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = TOP + 200.0;
/// Number of ticks of an axis, about.
const TICKS: usize = 5;

/// One tuning of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// Numbers that train.
    pub parameters: f64,
    /// What it reaches on the target, %.
    pub reached: f64,
    /// Zero-shot error on the surrogate, %.
    pub zero_shot: Option<f64>,
}

/// A method, or the untouched towers, on a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached<'a> {
    /// The method; none of the untouched towers.
    pub method: Option<&'a str>,
    /// Its tunings.
    pub seeds: Vec<Seed>,
}

impl<'a> Reached<'a> {
    /// A method of a target by its seeds: numbers that train and what is reached of each; the zero-shot errors are read off
    /// `measures`.
    pub fn of(
        target: &str,
        method: Option<&'a str>,
        seeds: impl IntoIterator<Item = (Option<u64>, f64, f64)>,
        measures: &[MeasureRow],
    ) -> Self {
        let encoder = match method {
            Some(_) => target,
            None => PRETRAINED,
        };
        let zero_shot = |seed: Option<u64>| {
            let own = measures
                .iter()
                .filter(|row| row.measure == "zero-shot-error");
            let mut own = own.filter(|row| {
                row.target.is_none() && row.encoder == encoder && row.method.as_deref() == method
            });
            own.find(|row| row.seed == seed)?.value
        };
        let seed = |(seed, parameters, reached): (Option<u64>, f64, f64)| Seed {
            parameters,
            reached: 100.0 * reached,
            zero_shot: zero_shot(seed).map(|error| 100.0 * error),
        };
        Self {
            method,
            seeds: seeds.into_iter().map(seed).collect(),
        }
    }
}

impl Reached<'_> {
    /// The places of its seeds on two axes, and their mean; none where a value is missing.
    fn points(&self, at: impl Fn(&Seed) -> Option<Point>) -> Option<(Vec<Point>, Point)> {
        let all: Option<Vec<Point>> = self.seeds.iter().map(at).collect();
        let all = all?;
        let part = |axis: fn(&Point) -> f64| mean(&all.iter().map(axis).collect::<Vec<f64>>());
        let middle = (part(|p| p.0)?, part(|p| p.1)?);
        Some((all, middle))
    }
}

/// The panels of a target of which `what` is reached, as in "mean recall on the target, %": by the number of parameters
/// that train, and the zero-shot error on the surrogate by it. A panel without a mark is left out.
pub fn panels<'a>(
    title: &'a str,
    what: &'static str,
    found: impl IntoIterator<Item = Reached<'a>>,
) -> Vec<Scene> {
    let all = found.into_iter();
    let (before, after): (Vec<_>, Vec<_>) = all.partition(|one| one.method.is_none());
    let both = [
        by_size(title, what, &before, &after),
        elsewhere(title, what, &before, &after),
    ];
    both.into_iter().flatten().collect()
}

/// One panel: its words, and marks on two axes.
struct Plot<'a> {
    title: &'a str,
    /// Names of both axes.
    names: [&'static str; 2],
    axes: [Axis; 2],
    /// Labels of the ticks across.
    across: Vec<(f64, String)>,
    /// Values of the untouched towers on either axis.
    levels: [Option<f64>; 2],
    marks: Vec<(&'a str, Vec<Point>, Point)>,
}

/// What is reached by the logarithm of the number of parameters.
fn by_size<'a>(
    title: &'a str,
    what: &'static str,
    before: &[Reached<'a>],
    after: &[Reached<'a>],
) -> Option<Scene> {
    let at =
        |seed: &Seed| (seed.parameters >= 1.0).then(|| (seed.parameters.log10(), seed.reached));
    let level = before.first().and_then(|one| mean(&values(one)));
    let marks = marks(after, at)?;
    let x = Axis::over(
        marks.iter().flat_map(|m| m.1.iter().map(|p| p.0)),
        (0.0, 15.0),
        TICKS,
    );
    let across = decades(&x);
    Some(
        Plot {
            title,
            names: [what, "parameters that train"],
            axes: [x, over(&marks, level, |p| p.1)],
            across,
            levels: [None, level],
            marks,
        }
        .draw(),
    )
}

/// Zero-shot error on the surrogate by what is reached.
fn elsewhere<'a>(
    title: &'a str,
    what: &'static str,
    before: &[Reached<'a>],
    after: &[Reached<'a>],
) -> Option<Scene> {
    let marks = marks(after, |seed: &Seed| Some((seed.reached, seed.zero_shot?)))?;
    let first = before.first();
    let levels = [
        first.and_then(|one| mean(&values(one))),
        first.and_then(|one| one.seeds.first()?.zero_shot),
    ];
    let axes = [
        over(&marks, levels[0], |p| p.0),
        over(&marks, levels[1], |p| p.1),
    ];
    let across = axes[0]
        .ticks
        .iter()
        .map(|tick| (*tick, axes[0].label(*tick)));
    Some(
        Plot {
            title,
            names: ["zero-shot error on the surrogate, %", what],
            across: across.collect(),
            axes,
            levels,
            marks,
        }
        .draw(),
    )
}

fn values(one: &Reached) -> Vec<f64> {
    one.seeds.iter().map(|seed| seed.reached).collect()
}

/// The marks of all methods that have both values; `None` where none has.
fn marks<'a>(
    after: &[Reached<'a>],
    at: impl Fn(&Seed) -> Option<Point>,
) -> Option<Vec<(&'a str, Vec<Point>, Point)>> {
    let mark = |one: &Reached<'a>| {
        let (seeds, middle) = one.points(&at)?;
        Some((one.method?, seeds, middle))
    };
    let found: Vec<_> = after.iter().filter_map(mark).collect();
    (!found.is_empty()).then_some(found)
}

/// An axis of percent over all seeds and the level of the untouched towers.
fn over(marks: &[(&str, Vec<Point>, Point)], level: Option<f64>, part: fn(&Point) -> f64) -> Axis {
    let values = marks
        .iter()
        .flat_map(|(_, seeds, _)| seeds.iter().map(part));
    Axis::over(values.chain(level), PERCENT, TICKS)
}

/// Powers of ten on a logarithmic axis, and between them 2 and 5 times such where there are few.
fn decades(axis: &Axis) -> Vec<(f64, String)> {
    let ticks = |digits: &[f64]| -> Vec<(f64, String)> {
        let powers = axis.low.floor() as i32..=axis.high.ceil() as i32;
        let all = powers.flat_map(|p| digits.iter().map(move |d| d * 10f64.powi(p)));
        let held = all.filter(|value| axis.holds(value.log10()));
        held.map(|value| (value.log10(), short(value))).collect()
    };
    let plain = ticks(&[1.0]);
    if plain.len() < 3 {
        ticks(&[1.0, 2.0, 5.0])
    } else {
        plain
    }
}

/// "200", "10k", "5M": a round number as an axis has it.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{:.0}G", v / 1e9),
        v if v >= 1e6 => format!("{:.0}M", v / 1e6),
        v if v >= 1e3 => format!("{:.0}k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

impl Plot<'_> {
    fn at(&self, (x, y): Point) -> Point {
        (
            self.axes[0].at(x, LEFT, RIGHT),
            self.axes[1].at(y, BOTTOM, TOP),
        )
    }

    fn draw(&self) -> Scene {
        let mut scene = Scene::new(WIDTH, BOTTOM + 36.0, self.words());
        scene.text((0.0, 13.0), Text::new(self.title, 13.0).bold().fit(WIDTH));
        let muted = |text: &str| Text::new(text, 10.5).colour(MUTED);
        scene.text((0.0, 30.0), muted(self.names[0]));
        scene.text(
            (RIGHT, BOTTOM + 31.0),
            muted(self.names[1]).anchor(Anchor::End),
        );
        for tick in &self.axes[1].ticks {
            let y = self.axes[1].at(*tick, BOTTOM, TOP);
            scene.line((LEFT, y), (RIGHT, y), Stroke::solid(GRID, 0.75));
            let label = muted(&self.axes[1].label(*tick)).anchor(Anchor::End);
            scene.text((LEFT - 6.0, y + 3.5), label);
        }
        for (tick, label) in &self.across {
            let x = self.axes[0].at(*tick, LEFT, RIGHT);
            scene.line((x, TOP), (x, BOTTOM), Stroke::solid(GRID, 0.75));
            scene.text((x, BOTTOM + 15.0), muted(label).anchor(Anchor::Middle));
        }
        scene.line((LEFT, BOTTOM), (RIGHT, BOTTOM), Stroke::solid(RULE, 0.75));
        scene.line((LEFT, TOP), (LEFT, BOTTOM), Stroke::solid(RULE, 0.75));
        let mut taken = self.untouched(&mut scene);
        let look = |method: &str| palette::series(palette::method(method, 0).1);
        for (method, seeds, _) in self.marks.iter().filter(|(_, seeds, _)| seeds.len() > 1) {
            let (colour, _, shape) = look(method);
            for seed in seeds {
                scene.dot(self.at(*seed), 2.2, shape, colour.fade(0.45));
            }
        }
        let mut labels = Vec::new();
        for (method, _, middle) in &self.marks {
            let (colour, shade, shape) = look(method);
            let (x, y) = self.at(*middle);
            scene.dot((x, y), 5.0, shape, colour);
            taken.push([x - 6.0, y - 6.0, x + 6.0, y + 6.0]);
            let text = Text::new(methods::title(method), 11.0)
                .bold()
                .colour(shade)
                .halo();
            labels.push(Label { of: (x, y), text });
        }
        place(&mut scene, labels, &mut taken, [LEFT, TOP, RIGHT, BOTTOM]);
        scene
    }

    /// The dashed lines of the untouched towers with their name; the room that it takes.
    fn untouched(&self, scene: &mut Scene) -> Vec<Area> {
        let dashed = Stroke::dashed(INK, 1.25, 5.0, 3.5);
        if let Some(level) = self.levels[0] {
            let x = self.axes[0].at(level, LEFT, RIGHT);
            scene.line((x, TOP), (x, BOTTOM), dashed);
        }
        let Some(level) = self.levels[1] else {
            return Vec::new();
        };
        let y = self.axes[1].at(level, BOTTOM, TOP);
        scene.line((LEFT, y), (RIGHT, y), dashed);
        let text = Text::new(format!("untouched {level:.1}"), 10.5).halo();
        let base = if y - TOP < 20.0 { y + 13.0 } else { y - 5.0 };
        // At the right end, or at the left one where fewer marks stand.
        let room = |from: f64| [from, base - 10.0, from + text.width(), base + 3.0];
        let under = |area: &Area| {
            let own = self
                .marks
                .iter()
                .flat_map(|(_, seeds, middle)| seeds.iter().chain([middle]));
            let over = |point: &&Point| {
                let (x, y) = self.at(**point);
                (area[0] - 6.0..area[2] + 6.0).contains(&x)
                    && (area[1] - 6.0..area[3] + 6.0).contains(&y)
            };
            own.filter(over).count()
        };
        let ends = [room(RIGHT - text.width()), room(LEFT + 4.0)];
        let area = if under(&ends[1]) < under(&ends[0]) {
            ends[1]
        } else {
            ends[0]
        };
        scene.text((area[0], base), text);
        vec![area]
    }

    /// The panel in words.
    fn words(&self) -> String {
        let logarithmic = self.levels[0].is_none() && self.names[1].starts_with("parameters");
        let across = |x: f64| match logarithmic {
            true => format!("{:.0}", 10f64.powf(x)),
            false => format!("{x:.1}"),
        };
        let said = |(method, _, (x, y)): &(&str, Vec<Point>, Point)| {
            format!("{} {} and {y:.1}", methods::title(method), across(*x))
        };
        let all: Vec<String> = self.marks.iter().map(said).collect();
        let before = self.levels[1].map_or(String::new(), |y| format!("; untouched {y:.1}"));
        let [up, right] = self.names;
        format!(
            "{}: {right} and {up}, of every method: {}{before}",
            self.title,
            all.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_round_numbers() {
        let axis = |low: f64, high: f64| Axis::over([low, high], (0.0, 15.0), TICKS);
        let named = |axis: &Axis| {
            decades(axis)
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(named(&axis(2.9, 6.1)), ["1k", "10k", "100k", "1M"]);
        assert_eq!(named(&axis(4.2, 4.8)), ["20k", "50k"]);
        assert_eq!(short(2e9), "2G");
    }
}
