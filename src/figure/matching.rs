//! The heat map of a matching: how probable source classes are for the samples of each target class.
//! Row i is a target class and column i the source class that stands for it, so that a good matching
//! is a dark diagonal; the strongest source classes that stand for none come after a gap.

use super::error::FigureError;
use super::font::{self, Weight};
use super::layout::{Figure, distinct};
use super::palette::{Colour, DEEP, DEEPEST, INK, MUTED, RULE};
use super::scene::{Anchor, Scene, Stroke, Text};
use crate::table::{MatchingRow, Row};

/// More target classes cannot be told apart.
pub const MOST_CLASSES: usize = 60;

/// What the heat maps show.
const LABEL: &str = "Mean source probabilities of each target class";

/// Mean probability of one source class over the samples of one target class. Target classes come in
/// order, each with the same source classes in the same order.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRow {
    /// Name of the target class.
    pub target_class: String,
    /// Name of the source class.
    pub source_class: String,
    /// Number of the source class: names may repeat.
    pub source: u64,
    /// The mean, in [0, 1].
    pub probability: f64,
    /// Whether it stands for the target class.
    pub matched: bool,
}

impl From<&MatchingRow> for MatchRow {
    fn from(row: &MatchingRow) -> Self {
        Self {
            target_class: row.target_class.clone(),
            source_class: row.source_class.clone(),
            source: row.source,
            probability: row.probability,
            matched: row.matched,
        }
    }
}

/// Draws the heat map.
///
/// # Errors
/// [`FigureError::Content`] without rows, with a row that misses a source class, or with more than
/// [`MOST_CLASSES`] target classes.
pub fn figure(rows: &[MatchRow]) -> Result<Figure, FigureError> {
    let title = "Which source class stands for which target class";
    Figure::new("matching", LABEL, vec![heat(title, rows)?], 1)
}

/// The heat maps of a run, a panel a target, fewest classes first; targets of too many classes have none.
pub fn of_run(rows: &[MatchingRow]) -> Result<Figure, FigureError> {
    let classes = |target: &str| {
        let own = rows.iter().filter(|row| row.target == target);
        distinct(own.map(|row| &row.target_class)).len()
    };
    let mut targets = distinct(rows.iter().map(|row| row.target.as_str()));
    targets.sort_by_key(|target| classes(target));
    let mut panels = Vec::new();
    for target in targets {
        let own: Vec<&MatchingRow> = rows.iter().filter(|row| row.target == target).collect();
        let title = own.first().map_or("", |row| row.target_title.as_str());
        if classes(target) <= MOST_CLASSES {
            let own: Vec<MatchRow> = own.into_iter().map(MatchRow::from).collect();
            panels.push(heat(title, &own)?);
        }
    }
    if panels.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "matching",
            expected: "a target with at most 60 matched classes",
            found: format!("{} rows", rows.len()),
        });
    }
    Figure::new(MatchingRow::FILE, LABEL, panels, 2)
}

fn heat(title: &str, rows: &[MatchRow]) -> Result<Scene, FigureError> {
    let sources = distinct(rows.iter().map(|row| row.source));
    let width = sources.len().max(1);
    let lines: Vec<&[MatchRow]> = rows.chunks(width).collect();
    let fault = |expected: String, found: String| FigureError::Content {
        table: "matching",
        expected,
        found,
    };
    let whole = lines.iter().all(|line| {
        line.iter()
            .map(|row| row.source)
            .eq(sources.iter().copied())
    });
    if rows.is_empty() || !whole {
        let found = format!("{} rows, {} source classes", rows.len(), sources.len());
        return Err(fault(
            "every source class for every target class".into(),
            found,
        ));
    }
    if lines.len() > MOST_CLASSES {
        return Err(fault(
            format!("at most {MOST_CLASSES} target classes"),
            lines.len().to_string(),
        ));
    }
    Ok(panel(title, &lines))
}

/// The colour of a share of the greatest mean: deep blue over the paper, whatever that is. The square
/// root keeps small probabilities visible.
fn shade(share: f64) -> Colour {
    DEEP.fade(DEEPEST * share.clamp(0.0, 1.0).sqrt())
}

/// Fainter cells cannot be seen and are left out.
const LEAST_SHADE: f64 = 1.0 / 256.0;

fn two_digits(value: f64) -> String {
    format!("{value:.2}")
}

fn panel(title: &str, lines: &[&[MatchRow]]) -> Scene {
    const TOP: f64 = 74.0;
    const GAP: f64 = 10.0;
    const NAME: f64 = 11.0;
    let cell = if lines.len() <= 20 { 24.0 } else { 15.0 };
    let matches: Vec<Option<&MatchRow>> = lines
        .iter()
        .map(|line| line.iter().find(|row| row.matched))
        .collect();
    // Matched source classes in the order of their target classes, then the others.
    let place = |row: &MatchRow| {
        let at = |m: &Option<&MatchRow>| m.is_some_and(|m| m.source == row.source);
        matches.iter().position(at)
    };
    let others: Vec<&MatchRow> = lines[0].iter().filter(|row| place(row).is_none()).collect();
    let widest = |names: &mut dyn Iterator<Item = &str>| {
        names
            .map(|name| font::width(name, NAME, Weight::Regular))
            .fold(40.0, f64::max)
            .min(150.0)
    };
    let left = widest(&mut lines.iter().map(|line| line[0].target_class.as_str())) + 32.0;
    let right = widest(
        &mut matches
            .iter()
            .flatten()
            .map(|row| row.source_class.as_str()),
    ) + 52.0;
    let gap = if others.is_empty() { 0.0 } else { GAP };
    let across = (lines.len() + others.len()) as f64 * cell + gap;
    let bottom = TOP + lines.len() as f64 * cell;
    let key = others.len() as f64 * 15.0 + if others.is_empty() { 0.0 } else { 22.0 };
    let width = (left + across + right + 8.0).max(420.0);
    let most = lines
        .iter()
        .flat_map(|line| line.iter())
        .map(|row| row.probability);
    let most = most.fold(1e-12, f64::max);
    let mut scene = Scene::new(width, bottom + 14.0 + key, words(&matches));
    scene.text((0.0, 14.0), Text::new(title, 13.0).bold().fit(width));
    let how =
        "mean source probability over the target class’s samples; column i is the match of row i";
    scene.text((0.0, 30.0), Text::new(how, 10.5).colour(MUTED).fit(width));
    scale(&mut scene, 40.0, most);

    let x = |column: usize, matched: bool| {
        let shift = if matched {
            0.0
        } else {
            lines.len() as f64 * cell + gap
        };
        left + shift + column as f64 * cell
    };
    let head = |scene: &mut Scene, at: f64, name: String| {
        let text = Text::new(name, 10.0).colour(MUTED).anchor(Anchor::Middle);
        scene.text((at + cell / 2.0, TOP - 5.0), text);
    };
    for column in 0..lines.len() {
        head(&mut scene, x(column, true), (column + 1).to_string());
    }
    for column in 0..others.len() {
        head(&mut scene, x(column, false), letter(column));
    }
    for (i, line) in lines.iter().enumerate() {
        let y = TOP + i as f64 * cell;
        let base = y + cell / 2.0 + 4.0;
        let number = Text::new((i + 1).to_string(), 10.0)
            .colour(MUTED)
            .anchor(Anchor::End);
        scene.text((left - 6.0, base), number);
        let name = Text::new(&line[0].target_class, NAME).anchor(Anchor::End);
        scene.text((left - 24.0, base), name.fit(left - 26.0));
        for row in line.iter() {
            let (column, matched) = match place(row) {
                Some(column) => (column, true),
                None => (
                    others
                        .iter()
                        .position(|o| o.source == row.source)
                        .unwrap_or(0),
                    false,
                ),
            };
            let at = x(column, matched);
            let share = row.probability / most;
            let fill = shade(share);
            if fill.alpha > LEAST_SHADE {
                scene.block((at, y), (at + cell - 1.0, y + cell - 1.0), fill);
            }
            if cell > 20.0 && (row.matched || share >= 0.15) {
                // Without the leading zero, as correlations are printed.
                let digits = two_digits(row.probability);
                let digits = digits.strip_prefix('0').unwrap_or(&digits);
                let text = Text::new(digits, 10.0).anchor(Anchor::Middle);
                scene.text((at + cell / 2.0 - 0.5, base - 1.0), text);
            }
            if row.matched {
                let to = (at + cell - 1.0, y + cell - 1.0);
                scene.frame((at, y), to, Stroke::solid(INK, 1.0));
            }
        }
        if let Some(row) = matches[i] {
            let at = left + across + 8.0;
            scene.text(
                (at, base),
                Text::new(two_digits(row.probability), 10.0).colour(MUTED),
            );
            scene.text(
                (at + 28.0, base),
                Text::new(&row.source_class, NAME).fit(right - 40.0),
            );
        }
    }
    if !others.is_empty() {
        let title = Text::new("strongest source classes without a match", 10.0).colour(MUTED);
        scene.text((left, bottom + 18.0), title);
    }
    for (column, row) in others.iter().enumerate() {
        let y = bottom + 33.0 + column as f64 * 15.0;
        scene.text((left, y), Text::new(letter(column), 10.0).colour(MUTED));
        scene.text(
            (left + 14.0, y),
            Text::new(&row.source_class, NAME).fit(width - left - 20.0),
        );
    }
    scene
}

fn letter(column: usize) -> String {
    char::from(b'a' + (column % 26) as u8).to_string()
}

/// The colours with the probabilities at their ends.
fn scale(scene: &mut Scene, y: f64, most: f64) {
    const STEPS: usize = 24;
    let zero = Text::new("0", 10.0).colour(MUTED);
    scene.text((0.0, y + 9.0), zero);
    for step in 0..STEPS {
        let from = 10.0 + 4.0 * step as f64;
        let share = step as f64 / (STEPS - 1) as f64;
        scene.block((from, y), (from + 4.0, y + 10.0), shade(share));
    }
    let end = 10.0 + 4.0 * STEPS as f64;
    scene.frame((10.0, y), (end, y + 10.0), Stroke::solid(RULE, 0.5));
    scene.text(
        (end + 6.0, y + 9.0),
        Text::new(two_digits(most), 10.0).colour(MUTED),
    );
}

/// The matching in words.
fn words(matches: &[Option<&MatchRow>]) -> String {
    let said = |row: &&MatchRow| {
        format!(
            "{} is {} {}",
            row.target_class,
            row.source_class,
            two_digits(row.probability)
        )
    };
    let all: Vec<String> = matches.iter().flatten().take(24).map(said).collect();
    format!("Matched classes: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(targets: usize, sources: usize) -> Vec<MatchRow> {
        let row = |at: usize| {
            let (class, k) = (at / sources, at % sources);
            MatchRow {
                target_class: format!("target {class}"),
                source_class: format!("source <{k}>"),
                source: k as u64,
                probability: if k == (class + 1) % sources { 0.5 } else { 0.1 },
                matched: k == (class + 1) % sources,
            }
        };
        (0..targets * sources).map(row).collect()
    }

    #[test]
    fn every_pair_has_its_cell_and_every_match_its_name() {
        let svg = figure(&rows(3, 5)).expect("drawn").svg().expect("svg");
        assert!(
            svg.contains("source &lt;1&gt;") && svg.contains("target 2"),
            "names are drawn"
        );
        let full =
            |line: &&str| line.contains(&shade(1.0).hex()) && line.contains(r#"opacity="0.6""#);
        // Three matches and the end of the scale.
        assert_eq!(svg.lines().filter(full).count(), 4);
        assert!(
            figure(&rows(3, 5))
                .expect("drawn")
                .png()
                .expect("png")
                .len()
                > 1000
        );
    }

    #[test]
    fn missing_and_too_many_rows_are_refused() {
        assert!(figure(&[]).is_err());
        assert!(figure(&rows(3, 5)[..14]).is_err());
        assert!(figure(&rows(MOST_CLASSES + 1, MOST_CLASSES + 2)).is_err());
        assert!(figure(&rows(MOST_CLASSES, MOST_CLASSES + 2)).is_ok());
    }
}
