//! What each method changes against plain fine-tuning, as paired differences with their
//! intervals: one panel for the error on the source's surrogate, one for the error on the target.
//! Every pair of seeds is a small mark of its own. A dot left of the zero line means fewer errors than the
//! baseline; a number in bold is a difference that is shown, by the one rule of [`verdict`](crate::measure::verdict).

use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::layout::{Figure, distinct};
use crate::figure::methods;
use crate::figure::palette::{self, GRID, INK, MUTED, RULE};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::measure::about::Unit;
use crate::table::{PRETRAINED, PairedRow, RECALL_ERROR, Row, SeedRow};

/// Narrow enough for a phone and a column of print.
const WIDTH: f64 = 360.0;
const LINE: f64 = 17.0;
const HEAD: f64 = 22.0;

/// The quantities that are drawn: id and title.
const DRAWN: [(&str, &str); 3] = [
    ("source-error", "Probe error on the surrogate source"),
    ("target-error", "Test error on the target"),
    (RECALL_ERROR, "1 − mean recall on the target"),
];

/// Draws what a method's proposal alone changes (its contrast: MoNA against Emb), then the differences from the first baseline of the
/// table, and those of single seeds.
///
/// # Errors
/// [`FigureError::NotMeasured`] where there is nothing that is drawn: one method, or no errors.
pub fn figure(rows: &[PairedRow], seeds: &[SeedRow]) -> Result<Figure, FigureError> {
    let mut methods = rows.iter().filter(|row| row.baseline != PRETRAINED);
    let first = methods.next().map_or("", |row| row.baseline.as_str());
    let of = |quantity: &str, baseline: &str, method: Option<&str>| -> Vec<&PairedRow> {
        let own = rows.iter().filter(|row| row.quantity == quantity);
        let own = own.filter(|row| row.baseline == baseline);
        own.filter(|row| method.is_none_or(|name| name == row.method))
            .collect()
    };
    let clean = methods::contrasts().filter(|(_, control)| *control != first);
    let clean = clean.map(|(method, control)| (control, Some(method)));
    let drawn = clean.chain([(first, None)]);
    let panels = drawn.flat_map(|(baseline, method)| {
        DRAWN
            .iter()
            .filter_map(move |(quantity, title)| {
                let own = of(quantity, baseline, method);
                (!own.is_empty()).then(|| panel(title, baseline, &own, seeds))
            })
            .collect::<Vec<Scene>>()
    });
    let panels: Vec<Scene> = panels.collect();
    if panels.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "paired",
            expected: "errors of at least two methods",
            found: format!("{} rows without any", rows.len()),
        });
    }
    Figure::new(
        PairedRow::FILE,
        "Paired differences between methods",
        panels,
        2,
    )
}

fn panel(title: &str, baseline: &str, rows: &[&PairedRow], seeds: &[SeedRow]) -> Scene {
    const TOP: f64 = 58.0;
    const LEFT: f64 = 92.0;
    const RIGHT: f64 = WIDTH - 46.0;
    let base = palette::method(baseline, 0).0;
    let targets = distinct(rows.iter().map(|row| row.target.as_str()));
    let bottom = TOP + rows.len() as f64 * LINE + targets.len() as f64 * HEAD;
    let mut scene = Scene::new(WIDTH, bottom + 36.0, label(title, &base, rows));
    scene.text((0.0, 14.0), Text::new(title, 13.0).bold().fit(WIDTH));
    let how = format!("difference to {base}, % points; bars: 95\u{a0}%; small marks: seeds");
    scene.text((0.0, 30.0), Text::new(how, 10.5).colour(MUTED).fit(WIDTH));

    let percent = |value: f64| value * 100.0;
    let near = near(rows);
    let drawn = || {
        rows.iter()
            .filter(|row| near.contains(&row.method.as_str()))
    };
    let points = drawn().flat_map(|row| single(row, seeds).into_iter().chain([row.difference]));
    // An interval over two seeds would press all dots flat: bars end where the axis does.
    let most = 3.0 * points.map(f64::abs).fold(0.005, f64::max);
    let values = drawn().flat_map(|row| {
        let ends = row.lower.into_iter().chain(row.upper);
        let ends = ends.map(|end| end.clamp(-most, most));
        single(row, seeds).into_iter().chain(ends).map(percent)
    });
    let x = Axis::over(values.chain([0.0]), (f64::NEG_INFINITY, f64::INFINITY), 5);
    let across = |value: f64| x.at(value, LEFT, RIGHT);
    for tick in &x.ticks {
        let at = across(*tick);
        scene.line((at, TOP - 8.0), (at, bottom), Stroke::solid(GRID, 0.75));
        let text = Text::new(x.label(*tick), 10.0)
            .colour(MUTED)
            .anchor(Anchor::Middle);
        scene.text((at, bottom + 14.0), text);
    }
    scene.line((LEFT, bottom), (RIGHT, bottom), Stroke::solid(RULE, 0.75));
    let zero = across(0.0);
    scene.line(
        (zero, TOP - 8.0),
        (zero, bottom),
        Stroke::dashed(INK, 1.0, 4.0, 3.0),
    );
    let text = |content: &str| Text::new(content, 10.0).colour(MUTED);
    scene.text((LEFT, bottom + 29.0), text("← errs less"));
    scene.text(
        (RIGHT, bottom + 29.0),
        text("errs more →").anchor(Anchor::End),
    );

    let mut y = TOP;
    for target in targets {
        let own = || rows.iter().filter(|row| row.target == target);
        let name = own().next().map_or("", |row| row.target_title.as_str());
        scene.text(
            (0.0, y + 11.0),
            Text::new(name, 11.0).bold().fit(LEFT + 60.0).halo(),
        );
        y += HEAD;
        for row in own() {
            draw(&mut scene, row, &single(row, seeds), y, &x, (LEFT, RIGHT));
            y += LINE;
        }
    }
    scene
}

/// The methods that the axis covers: all but those whose differences would press the others flat.
/// Their rows end in an arrow; the number beside it tells how far they are.
fn near<'a>(rows: &[&'a PairedRow]) -> Vec<&'a str> {
    let size = |method: &str| {
        let own = rows.iter().filter(|row| row.method == method);
        own.map(|row| row.difference.abs()).fold(0.0, f64::max)
    };
    let mut methods = distinct(rows.iter().map(|row| row.method.as_str()));
    methods.sort_by(|a, b| size(a).total_cmp(&size(b)));
    while let [.., before, last] = methods.as_slice()
        && size(before) > 0.0
        && size(last) > 2.5 * size(before)
    {
        methods.pop();
    }
    methods
}

/// The differences of single seeds behind a row, where there is more than one.
fn single(row: &PairedRow, seeds: &[SeedRow]) -> Vec<f64> {
    let key = |t: &str, m: &str, b: &str, q: &str| {
        (t, m, b, q) == (&row.target, &row.method, &row.baseline, &row.quantity)
    };
    let own = seeds
        .iter()
        .filter(|s| key(&s.target, &s.method, &s.baseline, &s.quantity));
    let found: Vec<f64> = own.map(|s| s.method_value - s.baseline_value).collect();
    match found.len() {
        1 => Vec::new(),
        _ => found,
    }
}

fn draw(
    scene: &mut Scene,
    row: &PairedRow,
    seeds: &[f64],
    y: f64,
    x: &Axis,
    (left, right): (f64, f64),
) {
    let (name, hue) = palette::method(&row.method, 0);
    let (colour, shade, shape) = palette::series(hue);
    let text = Text::new(name, 10.5).anchor(Anchor::End).fit(left - 12.0);
    scene.text((left - 10.0, y + 3.5), text);
    let at = |value: f64| x.at((value * 100.0).clamp(x.low, x.high), left, right);
    if let (Some(lower), Some(upper)) = (row.lower, row.upper) {
        scene.line((at(lower), y), (at(upper), y), Stroke::solid(colour, 1.75));
    }
    let percent = row.difference * 100.0;
    if x.holds(percent) {
        for seed in seeds {
            scene.dot((at(*seed), y - 5.0), 1.6, shape, colour);
        }
        scene.dot((at(row.difference), y), 3.6, shape, colour);
    } else {
        let (arrow, anchor) = if percent > x.high {
            ("→", Anchor::End)
        } else {
            ("←", Anchor::Start)
        };
        let text = Text::new(arrow, 12.0).bold().colour(shade).anchor(anchor);
        scene.text((at(row.difference), y + 4.0), text);
    }
    let clear = matches!(row.verdict.as_deref(), Some("lower" | "higher"));
    let said = Unit::Share.show_difference(row.difference);
    let value = Text::new(said, 10.5).anchor(Anchor::End);
    let value = if clear {
        value.bold().colour(shade)
    } else {
        value.colour(MUTED)
    };
    scene.text((WIDTH, y + 3.5), value);
}

/// The panel in words.
fn label(title: &str, baseline: &str, rows: &[&PairedRow]) -> String {
    let said = |row: &&PairedRow| {
        format!(
            "{} on {} {}",
            palette::method(&row.method, 0).0,
            row.target_title,
            Unit::Share.show_difference(row.difference)
        )
    };
    let all: Vec<String> = rows.iter().take(30).map(said).collect();
    format!(
        "{title}, difference to {baseline} in percentage points: {}",
        all.join(", ")
    )
}
