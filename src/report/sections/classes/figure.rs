//! Where two encoders differ: the probe's error on every class less that of the reference, as paired
//! differences with their intervals, one panel per encoder. Left of the dashed line the encoder errs
//! less on the class than the reference does.

use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::layout::{Figure, distinct};
use crate::figure::palette::{GRID, INK, MUTED, RULE};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::figure::values::signed;
use crate::report::sections::measures::figure::mark;
use crate::table::{ClassRow, Row};

/// Narrow enough for a phone and a column of print.
const WIDTH: f64 = 360.0;
const LINE: f64 = 18.0;
/// More classes are cut to those that differ most.
const MOST: usize = 30;

/// Draws the differences.
pub fn figure(rows: &[ClassRow]) -> Result<Figure, FigureError> {
    let differs = |row: &&ClassRow| row.difference.is_some();
    let encoders = distinct(rows.iter().filter(differs).map(|row| row.encoder.as_str()));
    let panel = |encoder: &&str| {
        let own = rows.iter().filter(|row| row.encoder == **encoder);
        panel(encoder, own.filter(differs).collect())
    };
    let panels: Vec<Scene> = encoders.iter().map(panel).collect();
    let label = "Probe errors by class, less those of the reference";
    Figure::new(ClassRow::FILE, label, panels, 2)
}

/// How far a class is from the reference.
fn size(row: &ClassRow) -> f64 {
    row.difference.unwrap_or(0.0).abs()
}

fn panel(encoder: &str, mut rows: Vec<&ClassRow>) -> Scene {
    const TOP: f64 = 46.0;
    const RIGHT: f64 = WIDTH - 50.0;
    let all = rows.len();
    if all > MOST {
        rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
        rows.truncate(MOST);
        rows.sort_by_key(|row| row.label);
    }
    let names = rows
        .iter()
        .map(|row| Text::new(&row.class_name, 10.5).width());
    let left = names.fold(30.0, f64::max).min(110.0) + 14.0;
    let bottom = TOP + rows.len() as f64 * LINE;
    let mut scene = Scene::new(WIDTH, bottom + 34.0, words(encoder, &rows));
    scene.text((0.0, 13.0), Text::new(encoder, 13.0).bold().fit(WIDTH));
    let how = if all > MOST {
        format!("probe error less the reference's, points; {MOST} of {all} classes")
    } else {
        "probe error less the reference's, percentage points".into()
    };
    scene.text((0.0, 28.0), Text::new(how, 10.0).colour(MUTED).fit(WIDTH));

    let ends = rows
        .iter()
        .flat_map(|row| [row.difference, row.difference_lower, row.difference_upper]);
    let ends = ends.flatten().map(|v| 100.0 * v).chain([0.0]);
    let x = Axis::over(ends, (-100.0, 100.0), 5);
    let across = |value: f64| x.at((100.0 * value).clamp(x.low, x.high), left, RIGHT);
    for tick in &x.ticks {
        let at = x.at(*tick, left, RIGHT);
        scene.line((at, TOP - 6.0), (at, bottom), Stroke::solid(GRID, 0.75));
        let text = Text::new(x.label(*tick), 10.0).colour(MUTED);
        scene.text((at, bottom + 14.0), text.anchor(Anchor::Middle));
    }
    scene.line((left, bottom), (RIGHT, bottom), Stroke::solid(RULE, 0.75));
    let zero = across(0.0);
    let dashed = Stroke::dashed(INK, 0.75, 3.0, 3.0);
    scene.line((zero, TOP - 6.0), (zero, bottom), dashed);
    let text = |content: &str| Text::new(content, 10.0).colour(MUTED);
    scene.text((left, bottom + 29.0), text("← errs less"));
    let right = text("errs more →").anchor(Anchor::End);
    scene.text((RIGHT, bottom + 29.0), right);
    for (place, row) in rows.iter().enumerate() {
        let y = TOP + (place as f64 + 0.5) * LINE;
        let name = Text::new(&row.class_name, 10.5).anchor(Anchor::End);
        scene.text((left - 8.0, y + 3.5), name.fit(left - 10.0));
        let Some(difference) = row.difference else {
            continue;
        };
        let (hue, shade, shape) = mark(&row.verdict);
        if let (Some(lower), Some(upper)) = (row.difference_lower, row.difference_upper) {
            let ends = ((across(lower), y), (across(upper), y));
            scene.line(ends.0, ends.1, Stroke::solid(hue, 1.75));
        }
        scene.dot((across(difference), y), 3.6, shape, hue);
        let said = Text::new(signed("probe-error", difference), 10.5).colour(shade);
        let said = if matches!(row.verdict.as_str(), "better" | "worse") {
            said.bold()
        } else {
            said
        };
        scene.text((WIDTH, y + 3.5), said.anchor(Anchor::End));
    }
    scene
}

/// The panel in words.
fn words(encoder: &str, rows: &[&ClassRow]) -> String {
    let said = |row: &&ClassRow| {
        let difference = signed("probe-error", row.difference.unwrap_or(0.0));
        format!("{} {difference}", row.class_name)
    };
    let all: Vec<String> = rows.iter().map(said).collect();
    format!(
        "{encoder}, probe error by class less the reference's, in percentage points: {}",
        all.join(", ")
    )
}
