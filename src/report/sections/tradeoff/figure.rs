//! The trade-off between target and source: what a transfer reaches on its target against the error of a
//! linear probe on the surrogate, a mark a method. Lower is better on both axes, so the methods that no
//! other beats on both lie on the lower left: the Pareto front. Behind the marks runs the curve of encoders between
//! the pretrained and a fine-tuned one, where a run has it. One panel a target.

use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::labels::{Area, Label, covered, place};
use crate::figure::layout::{self, Figure, distinct, is_share, mean};
use crate::figure::lines::PERCENT;
use crate::figure::methods;
use crate::figure::palette::{self, GRID, INK, MUTED, RULE};
use crate::figure::scene::{Anchor, Point, Scene, Stroke, Text};
use crate::table::{InterpolationRow, PRETRAINED, ProbeRow, Row as _, TargetRow};

const WIDTH: f64 = 320.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = WIDTH - 8.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = TOP + 226.0;

/// Both quantities of one method on one target, in the units of the axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Id of the method.
    pub method: String,
    /// Target metric and probe error of every seed.
    pub seeds: Vec<Point>,
    /// Their means.
    pub mean: Point,
}

/// Joins what the target reached with the probe error of the same encoder: the one after the epoch that was
/// chosen (`best_epoch`), as in the table of results; of tables without it, after the last probed epoch.
/// Shares are in percent.
pub fn outcomes(target: &str, targets: &[TargetRow], probes: &[ProbeRow]) -> Vec<Outcome> {
    let own: Vec<&TargetRow> = targets.iter().filter(|row| row.target == target).collect();
    let scale = |row: &TargetRow| if is_share(&row.metric) { 100.0 } else { 1.0 };
    let outcome = |method: &str| {
        let seeds = own.iter().filter(|row| row.method == method);
        let seed = |row: &&TargetRow| {
            let probe = probe_of(row, probes)?;
            Some((scale(row) * row.test, 100.0 * probe.error))
        };
        let seeds: Vec<Point> = seeds.filter_map(seed).collect();
        let part = |axis: fn(&Point) -> f64| mean(&seeds.iter().map(axis).collect::<Vec<f64>>());
        let mean = (part(|p| p.0)?, part(|p| p.1)?);
        Some(Outcome {
            method: method.to_owned(),
            seeds,
            mean,
        })
    };
    let methods = distinct(own.iter().map(|row| row.method.as_str()));
    methods.into_iter().filter_map(outcome).collect()
}

/// The probe of the encoder that a transfer resulted in.
fn probe_of<'a>(row: &TargetRow, probes: &'a [ProbeRow]) -> Option<&'a ProbeRow> {
    let own = || {
        probes.iter().filter(|probe| {
            !probe.is_reference()
                && (&probe.encoder, &probe.method, probe.seed)
                    == (&row.target, &row.method, row.seed)
        })
    };
    let chosen = own().find(|probe| row.best_epoch.is_some() && probe.epochs == row.best_epoch);
    chosen.or_else(|| own().max_by_key(|probe| probe.epochs))
}

/// Encoders between the pretrained one and those of a method, in the units of the axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Id of the method.
    pub method: String,
    /// Means over seeds by rising α.
    pub points: Vec<Point>,
}

/// The curves of a target, one a method; an α that lacks a probe is left out.
pub fn curves(target: &str, rows: &[InterpolationRow]) -> Vec<Curve> {
    let own: Vec<&InterpolationRow> = rows.iter().filter(|row| row.target == target).collect();
    let curve = |method: &str| {
        let own = || own.iter().filter(|row| row.method == method);
        let mut alphas: Vec<f64> = distinct(own().map(|row| row.alpha));
        alphas.sort_by(f64::total_cmp);
        let point = |alpha: f64| {
            let rows: Vec<_> = own().filter(|row| row.alpha == alpha).collect();
            let scale = if is_share(&rows.first()?.metric) {
                100.0
            } else {
                1.0
            };
            let source: Option<Vec<f64>> = rows.iter().map(|row| row.source_error).collect();
            let test: Vec<f64> = rows.iter().map(|row| row.test).collect();
            Some((scale * mean(&test)?, 100.0 * mean(&source?)?))
        };
        Curve {
            method: method.to_owned(),
            points: alphas.into_iter().filter_map(point).collect(),
        }
    };
    let methods = distinct(own.iter().map(|row| row.method.as_str()));
    methods.into_iter().map(curve).collect()
}

/// Draws the trade-off.
///
/// # Errors
/// [`FigureError::NotMeasured`] where no transfer has both quantities.
pub fn figure(
    targets: &[TargetRow],
    probes: &[ProbeRow],
    interpolation: &[InterpolationRow],
) -> Result<Figure, FigureError> {
    let pretrained = probes.iter().find(|row| row.encoder == PRETRAINED);
    let pretrained = pretrained.map(|row| 100.0 * row.error);
    let mut panels = Vec::new();
    for target in distinct(targets.iter().map(|row| row.target.as_str())) {
        let first = targets.iter().find(|row| row.target == target);
        let found = outcomes(target, targets, probes);
        if let (Some(first), false) = (first, found.is_empty()) {
            let curves = curves(target, interpolation);
            panels.push(panel(first, &found, &curves, pretrained));
        }
    }
    if panels.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "tradeoff",
            expected: "a transfer with a result on its target and a probe of its encoder",
            found: format!("{} results, {} probes", targets.len(), probes.len()),
        });
    }
    let columns = if panels.len() > 1 { 2 } else { 1 };
    let label = "Target metric against probe error on the surrogate";
    Figure::new(TargetRow::FILE, label, panels, columns)
}

/// Reader's name of the metric on the horizontal axis.
fn metric_name(metric: &str) -> String {
    if is_share(metric) {
        format!("test {} on the target, %", layout::metric(metric))
    } else {
        format!("test {} on the target", layout::metric(metric))
    }
}

/// Both axes: over all methods but references that lie so far out that the rest would be pressed together.
struct Axes {
    x: Axis,
    y: Axis,
}

impl Axes {
    fn over(found: &[Outcome], pretrained: Option<f64>, bounds: (f64, f64)) -> Self {
        let transfers = |o: &&Outcome| !methods::is_reference(&o.method);
        let near: Vec<&Outcome> = found.iter().filter(transfers).collect();
        let axes = |shown: &[&Outcome]| {
            let points = || shown.iter().flat_map(|o| o.seeds.iter().chain([&o.mean]));
            Self {
                x: Axis::over(points().map(|p| p.0), bounds, 5),
                y: Axis::over(points().map(|p| p.1).chain(pretrained), PERCENT, 5),
            }
        };
        let all: Vec<&Outcome> = found.iter().collect();
        if near.is_empty() {
            return axes(&all);
        }
        let (near, all) = (axes(&near), axes(&all));
        let reach = |near: &Axis, all: &Axis| (all.high - all.low) / (near.high - near.low);
        if reach(&near.x, &all.x).max(reach(&near.y, &all.y)) > 1.5 {
            near
        } else {
            all
        }
    }

    fn at(&self, point: Point) -> Point {
        let (x, y) = point;
        (self.x.at(x, LEFT, RIGHT), self.y.at(y, BOTTOM, TOP))
    }

    fn holds(&self, (x, y): Point) -> bool {
        self.x.holds(x) && self.y.holds(y)
    }
}

fn panel(
    target: &TargetRow,
    found: &[Outcome],
    curves: &[Curve],
    pretrained: Option<f64>,
) -> Scene {
    let share = is_share(&target.metric);
    let bounds = if share { PERCENT } else { (0.0, f64::INFINITY) };
    let axes = Axes::over(found, pretrained, bounds);
    let words = words(target, found, curves, pretrained);
    let mut scene = Scene::new(WIDTH, BOTTOM + 36.0, words);
    let title = Text::new(&target.target_title, 13.0).bold().fit(WIDTH);
    scene.text((0.0, 13.0), title);
    let y_name = Text::new("probe error on the surrogate, %", 10.5).colour(MUTED);
    scene.text((0.0, 30.0), y_name);
    grid(&mut scene, &axes);
    let x_name = Text::new(metric_name(&target.metric), 10.5).colour(MUTED);
    scene.text((RIGHT, BOTTOM + 31.0), x_name.anchor(Anchor::End));
    front(&mut scene, &axes, found);
    for curve in curves {
        between(&mut scene, &axes, curve);
    }
    if let Some(level) = pretrained {
        let (_, y) = axes.at((0.0, level));
        let dashed = Stroke::dashed(INK, 1.25, 5.0, 3.5);
        scene.line((LEFT, y), (RIGHT, y), dashed);
    }
    let mut taken = marks(&mut scene, &axes, found, pretrained, share);
    for curve in curves {
        curve_name(&mut scene, &axes, curve, &mut taken);
    }
    scene
}

fn grid(scene: &mut Scene, axes: &Axes) {
    let muted = |text: String| Text::new(text, 10.5).colour(MUTED);
    for tick in &axes.y.ticks {
        let y = axes.y.at(*tick, BOTTOM, TOP);
        scene.line((LEFT, y), (RIGHT, y), Stroke::solid(GRID, 0.75));
        let text = muted(axes.y.label(*tick)).anchor(Anchor::End);
        scene.text((LEFT - 6.0, y + 3.5), text);
    }
    for tick in &axes.x.ticks {
        let x = axes.x.at(*tick, LEFT, RIGHT);
        scene.line((x, TOP), (x, BOTTOM), Stroke::solid(GRID, 0.75));
        let text = muted(axes.x.label(*tick)).anchor(Anchor::Middle);
        scene.text((x, BOTTOM + 15.0), text);
    }
    scene.line((LEFT, BOTTOM), (RIGHT, BOTTOM), Stroke::solid(RULE, 0.75));
    scene.line((LEFT, TOP), (LEFT, BOTTOM), Stroke::solid(RULE, 0.75));
}

/// The means that no other mean is below on one axis and not above on the other, from left to right.
pub fn pareto(found: &[Outcome]) -> Vec<Point> {
    let mut means: Vec<Point> = found.iter().map(|outcome| outcome.mean).collect();
    means.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut front: Vec<Point> = Vec::new();
    for point in means {
        if front.last().is_none_or(|last| point.1 < last.1) {
            front.push(point);
        }
    }
    front
}

/// The front as a step line: above and to the right of it every point is beaten on both axes.
fn front(scene: &mut Scene, axes: &Axes, found: &[Outcome]) {
    if found.len() < 2 {
        return;
    }
    let front: Vec<Point> = pareto(found)
        .into_iter()
        .filter(|p| axes.holds(*p))
        .collect();
    let Some(first) = front.first() else { return };
    let mut steps = vec![(axes.at(*first).0, TOP)];
    for point in &front {
        let (x, y) = axes.at(*point);
        let before = steps.last().map_or(TOP, |last| last.1);
        if steps.len() > 1 {
            steps.push((x, before));
        }
        steps.push((x, y));
    }
    let end = steps.last().map_or(TOP, |last| last.1);
    steps.push((RIGHT, end));
    scene.path(steps, Stroke::solid(RULE, 1.5));
}

/// The part of a line from `a` to `b` that lies inside the axes (Liang and Barsky 1984).
fn clipped(a: Point, b: Point) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut from, mut to) = (0.0f64, 1.0f64);
    let edges = [
        (-dx, a.0 - LEFT),
        (dx, RIGHT - a.0),
        (-dy, a.1 - TOP),
        (dy, BOTTOM - a.1),
    ];
    for (step, room) in edges {
        if step == 0.0 && room < 0.0 {
            return None;
        }
        if step < 0.0 {
            from = from.max(room / step);
        } else if step > 0.0 {
            to = to.min(room / step);
        }
    }
    let at = |t: f64| (a.0 + t * dx, a.1 + t * dy);
    (from < to).then(|| (at(from), at(to)))
}

/// The visible parts of a curve.
fn visible(axes: &Axes, curve: &Curve) -> Vec<(Point, Point)> {
    let pairs = curve.points.windows(2);
    pairs
        .filter_map(|pair| clipped(axes.at(pair[0]), axes.at(pair[1])))
        .collect()
}

/// A curve with its points but the last, which is the method's own mark.
fn between(scene: &mut Scene, axes: &Axes, curve: &Curve) {
    let (colour, _, shape) = palette::series(hue(&curve.method));
    for (from, to) in visible(axes, curve) {
        scene.line(from, to, Stroke::solid(colour.fade(0.45), 2.0));
    }
    let inner = curve
        .points
        .split_last()
        .map_or(&[][..], |(_, inner)| inner);
    for point in inner.iter().filter(|point| axes.holds(**point)) {
        scene.dot(axes.at(*point), 2.8, shape, colour.fade(0.6));
    }
}

/// The name of a curve beside the middle of its longest visible part.
fn curve_name(scene: &mut Scene, axes: &Axes, curve: &Curve, taken: &mut Vec<Area>) {
    let parts = visible(axes, curve);
    let length = |(a, b): &(Point, Point)| (b.0 - a.0).hypot(b.1 - a.1);
    let longest = parts.iter().max_by(|a, b| length(a).total_cmp(&length(b)));
    let Some((a, b)) = longest else { return };
    // The curve itself takes room too.
    let step = |(a, b): &(Point, Point), t: f64| (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
    let along = |part| (0..=20).map(move |i| step(part, f64::from(i) / 20.0));
    let on_curve = parts.iter().flat_map(along);
    let mut taken_with: Vec<Area> = taken.clone();
    taken_with.extend(on_curve.map(|(x, y)| [x - 2.0, y - 2.0, x + 2.0, y + 2.0]));
    let (_, shade, _) = palette::series(hue(&curve.method));
    let name = format!("{}, interpolated", methods::title(&curve.method));
    let text = Text::new(name, 10.5).colour(shade).halo();
    let (middle, width) = (((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0), text.width());
    let lefts = [
        middle.0 + 7.0,
        middle.0 - 7.0 - width,
        middle.0 - width / 2.0,
    ];
    let bases = [
        middle.1 - 6.0,
        middle.1 + 13.0,
        middle.1 - 20.0,
        middle.1 + 27.0,
    ];
    let inside = |left: &f64| *left >= LEFT + 2.0 && *left + width <= RIGHT;
    let places = bases.iter().flat_map(|base| {
        lefts
            .iter()
            .filter(|left| inside(left))
            .map(|left| (*left, *base))
    });
    let places: Vec<Point> = places.collect();
    put(scene, text, &places, &mut taken_with);
    *taken = taken_with;
}

/// Seeds, means and names; the areas that they take.
fn marks(
    scene: &mut Scene,
    axes: &Axes,
    found: &[Outcome],
    pretrained: Option<f64>,
    share: bool,
) -> Vec<Area> {
    let mut taken: Vec<Area> = Vec::new();
    let (near, far): (Vec<&Outcome>, Vec<&Outcome>) =
        found.iter().partition(|outcome| axes.holds(outcome.mean));
    for outcome in &near {
        let (colour, _, shape) = palette::series(hue(&outcome.method));
        if outcome.seeds.len() > 1 {
            for seed in outcome.seeds.iter().filter(|seed| axes.holds(**seed)) {
                scene.dot(axes.at(*seed), 2.2, shape, colour.fade(0.45));
            }
        }
    }
    for outcome in &near {
        let (colour, _, shape) = palette::series(hue(&outcome.method));
        let (x, y) = axes.at(outcome.mean);
        scene.dot((x, y), 5.0, shape, colour);
        taken.push([x - 6.0, y - 6.0, x + 6.0, y + 6.0]);
    }
    for outcome in far {
        pointer(scene, axes, outcome, share, &mut taken);
    }
    let label = |outcome: &&Outcome| {
        let (_, shade, _) = palette::series(hue(&outcome.method));
        Label {
            of: axes.at(outcome.mean),
            text: Text::new(methods::title(&outcome.method), 11.0)
                .bold()
                .colour(shade)
                .halo(),
        }
    };
    let labels = near.iter().map(label).collect();
    place(scene, labels, &mut taken, [LEFT, TOP, RIGHT, BOTTOM]);
    if found.len() > 1 {
        let text = Text::new("Pareto front", 10.5).colour(MUTED).halo();
        let places = along_front(axes, found, text.width());
        put(scene, text, &places, &mut taken);
    }
    if let Some(level) = pretrained {
        let (_, y) = axes.at((0.0, level));
        let text = Text::new(format!("pretrained {level:.1}"), 10.5).halo();
        let (right, left) = (RIGHT - text.width(), LEFT + 4.0);
        let places = [
            (right, y - 5.0),
            (left, y - 5.0),
            (right, y + 13.0),
            (left, y + 13.0),
        ];
        put(scene, text, &places, &mut taken);
    }
    taken
}

/// Where the name of the front can stand: above and below its level parts that are long enough, from the
/// lowest up, and at the top of its upright beginning.
fn along_front(axes: &Axes, found: &[Outcome], width: f64) -> Vec<Point> {
    let held = pareto(found).into_iter().filter(|p| axes.holds(*p));
    let corners: Vec<Point> = held.map(|point| axes.at(point)).collect();
    let ends = corners.iter().skip(1).map(|next| next.0).chain([RIGHT]);
    let levels: Vec<(&Point, f64)> = corners.iter().zip(ends).collect();
    let mut places = Vec::new();
    for (&(from, y), to) in levels.into_iter().rev() {
        if to - from >= width + 8.0 {
            // Beside the corner there may be a mark.
            let end = if to < RIGHT { to - 8.0 } else { to };
            places.extend([(end - width, y - 5.0), (end - width, y + 13.0)]);
        }
    }
    if let Some((x, _)) = corners.first() {
        let room = |left: &Point| left.0 >= LEFT && left.0 + width <= RIGHT;
        let sides = [(x + 5.0, TOP + 26.0), (x - 5.0 - width, TOP + 26.0)];
        places.extend(sides.into_iter().filter(room));
    }
    places
}

/// The name of a line at the first of `places` (left end and baseline) where it covers least.
fn put(scene: &mut Scene, text: Text, places: &[Point], taken: &mut Vec<Area>) {
    let width = text.width();
    let area = |(x, base): Point| [x, base - 10.0, x + width, base + 3.0];
    let cost = |at: Point| {
        let outside = at.1 > BOTTOM - 2.0 || at.1 < TOP + 9.0;
        covered(&area(at), taken) + if outside { 1e3 } else { 0.0 }
    };
    let best = places.iter().min_by(|a, b| cost(**a).total_cmp(&cost(**b)));
    if let Some(&at) = best {
        taken.push(area(at));
        scene.text(at, text);
    }
}

/// An outcome outside the axes: an arrow at the edge towards it, with its name and both values.
fn pointer(scene: &mut Scene, axes: &Axes, outcome: &Outcome, share: bool, taken: &mut Vec<Area>) {
    let (colour, shade, shape) = palette::series(hue(&outcome.method));
    let (x, y) = axes.at(outcome.mean);
    let at = (
        x.clamp(LEFT + 6.0, RIGHT - 6.0),
        y.clamp(TOP + 7.0, BOTTOM - 7.0),
    );
    let (dx, dy) = (x - at.0, y - at.1);
    let arrow = match (dx.abs() > 1.0, dy.abs() > 1.0) {
        (true, true) if dx > 0.0 && dy < 0.0 => "↗",
        (true, true) if dx > 0.0 => "↘",
        (true, true) if dy < 0.0 => "↖",
        (true, true) => "↙",
        (true, false) if dx > 0.0 => "→",
        (true, false) => "←",
        (false, _) if dy < 0.0 => "↑",
        (false, _) => "↓",
    };
    scene.dot(at, 4.0, shape, colour);
    let (target, source) = outcome.mean;
    let name = methods::title(&outcome.method);
    let said = format!("{name} ({}, {source:.1}) {arrow}", number(target, share));
    let text = Text::new(said, 10.5).colour(shade).halo();
    let right = at.0 > (LEFT + RIGHT) / 2.0;
    let width = text.width();
    let from = if right {
        at.0 - 9.0 - width
    } else {
        at.0 + 9.0
    };
    let base = at.1 + 4.0;
    taken.push([from, base - 10.0, from + width, base + 3.0]);
    taken.push([at.0 - 6.0, at.1 - 6.0, at.0 + 6.0, at.1 + 6.0]);
    scene.text((from, base), text);
}

/// A value of the target metric: a share in percent, anything else as the table of results has it.
fn number(value: f64, share: bool) -> String {
    if share {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// Place of a method in the palette.
fn hue(method: &str) -> usize {
    palette::method(method, 0).1
}

/// The panel in words.
fn words(
    target: &TargetRow,
    found: &[Outcome],
    curves: &[Curve],
    pretrained: Option<f64>,
) -> String {
    let said = |outcome: &Outcome| {
        let (x, y) = outcome.mean;
        let x = number(x, is_share(&target.metric));
        format!("{} {x} and {y:.1}", methods::title(&outcome.method))
    };
    let all: Vec<String> = found.iter().map(said).collect();
    let between = |curve: &Curve| {
        let point = |(x, y): &Point| format!("{} and {y:.1}", number(*x, is_share(&target.metric)));
        let points: Vec<String> = curve.points.iter().map(point).collect();
        let name = methods::title(&curve.method);
        format!(
            "; from the pretrained encoder to that of {name}: {}",
            points.join(", ")
        )
    };
    let between: String = curves.iter().map(between).collect();
    let level = pretrained.map_or(String::new(), |level| {
        format!("; pretrained, on the source alone: {level:.1}")
    });
    format!(
        "{}: {} and probe error on the surrogate, %, of every method: {}{between}{level}",
        target.target_title,
        metric_name(&target.metric),
        all.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene::Mark;

    fn tables() -> (Vec<TargetRow>, Vec<ProbeRow>) {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/real-mini/tables");
        (
            TargetRow::read(&folder).unwrap(),
            ProbeRow::read(&folder).unwrap(),
        )
    }

    fn outcome(method: &str, seeds: &[Point]) -> Outcome {
        let part =
            |axis: fn(&Point) -> f64| seeds.iter().map(axis).sum::<f64>() / seeds.len() as f64;
        Outcome {
            method: method.into(),
            seeds: seeds.to_vec(),
            mean: (part(|p| p.0), part(|p| p.1)),
        }
    }

    #[test]
    fn means_are_those_of_the_table_of_results() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/real-mini/tables");
        let results = crate::table::ResultRow::read(&folder).unwrap();
        let (targets, probes) = tables();
        let mut compared = 0;
        for result in &results {
            let found = outcomes(&result.target, &targets, &probes);
            let own = found.iter().find(|o| o.method == result.method).unwrap();
            assert!((own.mean.0 / 100.0 - result.target_mean.unwrap()).abs() < 1e-9);
            assert!((own.mean.1 / 100.0 - result.source_mean.unwrap()).abs() < 1e-9);
            compared += 1;
        }
        assert_eq!(compared, 24);
    }

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let found = [
            outcome("nft", &[(30.0, 45.0)]),
            outcome("mona", &[(30.0, 42.0)]),
            outcome("frozen", &[(40.0, 40.0)]),
            outcome("orca", &[(41.0, 44.0)]),
        ];
        assert_eq!(pareto(&found), [(30.0, 42.0), (40.0, 40.0)]);
        assert_eq!(pareto(&[]), []);
    }

    #[test]
    fn a_reference_far_out_is_pointed_at_and_does_not_stretch_the_axes() {
        let found = [
            outcome("nft", &[(30.0, 45.0), (31.0, 46.0)]),
            outcome("mona", &[(30.0, 42.0), (30.5, 41.0)]),
            outcome("scratch", &[(60.0, 65.0)]),
        ];
        let axes = Axes::over(&found, Some(40.0), PERCENT);
        assert!(axes.x.high < 40.0 && axes.y.high < 50.0);
        let near = [found[0].clone(), outcome("scratch", &[(31.2, 45.5)])];
        let axes = Axes::over(&near, Some(40.0), PERCENT);
        assert!(axes.holds((31.2, 45.5)));
    }

    #[test]
    fn every_method_of_every_target_has_its_mark_and_its_name() {
        let (targets, probes) = tables();
        let drawn = figure(&targets, &probes, &[]).unwrap();
        assert_eq!(drawn.panels.len(), 4);
        for panel in &drawn.panels {
            let texts: Vec<&str> = panel
                .marks()
                .iter()
                .filter_map(|mark| match mark {
                    Mark::Text { text, .. } => Some(text.content.as_str()),
                    _ => None,
                })
                .collect();
            for name in ["NFT", "ORCA", "MoNA", "Emb", "Frozen body"] {
                assert!(texts.contains(&name), "{name} in {texts:?}");
            }
            assert!(texts.iter().any(|t| t.starts_with("From scratch")));
            let smallest = panel.marks().iter().filter_map(|mark| match mark {
                Mark::Text { text, .. } => Some(text.size),
                _ => None,
            });
            assert!(smallest.fold(f64::INFINITY, f64::min) >= 10.0);
        }
        assert!(figure(&targets, &[], &[]).is_err());
    }
    /// A curve from the pretrained encoder, far to the right, to plain fine-tuning, two seeds.
    fn interpolation(targets: &[TargetRow], probes: &[ProbeRow]) -> Vec<InterpolationRow> {
        let mut rows = Vec::new();
        for target in distinct(targets.iter().map(|row| row.target.as_str())) {
            let found = outcomes(target, targets, probes);
            let end = found.iter().find(|o| o.method == "nft").unwrap().mean;
            for (alpha, x, y) in [
                (0.0, 0.9, 0.404),
                (0.5, end.0 / 100.0 + 0.05, 0.41),
                (1.0, end.0 / 100.0, end.1 / 100.0),
            ] {
                for (seed, shift) in [(0, -0.01), (1, 0.01)] {
                    rows.push(InterpolationRow {
                        target: target.into(),
                        target_title: target.into(),
                        method: "nft".into(),
                        seed: Some(seed),
                        alpha,
                        metric: "error".into(),
                        test: x + shift,
                        source_error: Some(y - shift),
                        source_lower: None,
                        source_upper: None,
                    });
                }
            }
        }
        rows
    }

    #[test]
    fn a_curve_ends_at_its_methods_mark_and_stays_inside_the_axes() {
        let (targets, probes) = tables();
        let rows = interpolation(&targets, &probes);
        let name = targets[0].target.as_str();
        let found = curves(name, &rows);
        let own = outcomes(name, &targets, &probes);
        let own = own.iter().find(|o| o.method == "nft").unwrap();
        assert_eq!((found.len(), found[0].points.len()), (1, 3));
        let end = found[0].points[2];
        assert!((end.0 - own.mean.0).abs() < 1e-9 && (end.1 - own.mean.1).abs() < 1e-9);
        let plain = figure(&targets, &probes, &[]).unwrap();
        let drawn = figure(&targets, &probes, &rows).unwrap();
        for (panel, before) in drawn.panels.iter().zip(&plain.panels) {
            assert!(panel.marks().len() > before.marks().len());
            assert!(
                panel
                    .label
                    .contains("from the pretrained encoder to that of NFT: 90.0 and 40.4")
            );
            let named = panel.marks().iter().any(|mark| {
                matches!(mark, Mark::Text { text, .. } if text.content == "NFT, interpolated")
            });
            assert!(named);
            for mark in panel.marks() {
                if let Mark::Line { points, .. } = mark {
                    let inside = |p: &Point| {
                        p.0 >= LEFT - 1e-6
                            && p.0 <= RIGHT + 1e-6
                            && p.1 >= TOP - 1e-6
                            && p.1 <= BOTTOM + 1e-6
                    };
                    assert!(points.iter().all(inside), "{points:?}");
                }
            }
        }
    }

    #[test]
    fn lines_are_cut_at_the_axes() {
        let (middle, far) = ((100.0, 100.0), (1e4, 100.0));
        assert_eq!(clipped(middle, far), Some((middle, (RIGHT, 100.0))));
        assert_eq!(clipped(far, middle), Some(((RIGHT, 100.0), middle)));
        assert_eq!(clipped((0.0, 0.0), (1e4, 0.0)), None);
        assert_eq!(clipped((LEFT - 10.0, TOP), (LEFT, TOP - 10.0)), None);
        let inside = ((LEFT + 1.0, TOP + 1.0), (RIGHT - 1.0, BOTTOM - 1.0));
        assert_eq!(clipped(inside.0, inside.1), Some(inside));
    }
}
