//! What was done, as three chains from data to numbers, with the run's own counts: the
//! transfers, the evaluation of each encoder on the source's surrogate, and the distance before any training.

use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct, percent};
use crate::figure::palette::{Colour, HUES, MUTED, PAPER, RULE};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::table::{CellRow, DiscrepancyRow, PRETRAINED, ProbeRow, Row};

/// Narrow enough for a phone.
const WIDTH: f64 = 360.0;
const BOX: (f64, f64) = (81.0, 42.0);
const GAP: f64 = 12.0;

/// What a run set out to do, and how much of it is done.
pub struct Plan<'a> {
    /// How many data sets.
    pub targets: usize,
    /// Their names for readers, each once.
    pub titles: Vec<&'a str>,
    /// Ids of the methods.
    pub methods: Vec<&'a str>,
    /// How many seeds.
    pub seeds: usize,
    /// Transfers in all.
    pub transfers: usize,
    /// Transfers that were run.
    pub done: usize,
}

impl<'a> Plan<'a> {
    /// The plan that the rows of `cells.csv` tell.
    pub fn of(cells: &'a [CellRow]) -> Self {
        Self {
            targets: distinct(cells.iter().map(|c| c.target.as_str())).len(),
            titles: distinct(cells.iter().map(|c| c.target_title.as_str())),
            methods: distinct(cells.iter().map(|c| c.method.as_str())),
            seeds: distinct(cells.iter().map(|c| c.seed)).len(),
            transfers: cells.len(),
            done: cells.iter().filter(|c| c.done()).count(),
        }
    }
}

/// A box: what it is, what there is to say, and whether the transfer changes it.
struct Step {
    name: String,
    note: String,
    learnt: bool,
}

fn step(name: impl Into<String>, note: impl Into<String>, learnt: bool) -> Step {
    Step {
        name: name.into(),
        note: note.into(),
        learnt,
    }
}

/// Draws the chains for whatever tables there are; `towers` where two towers were tuned, and nothing else.
///
/// # Errors
/// [`FigureError::NotMeasured`] where there is no row in any of them.
pub fn figure(
    cells: &[CellRow],
    probes: &[ProbeRow],
    distances: &[DiscrepancyRow],
    towers: bool,
) -> Result<Figure, FigureError> {
    let panels = [
        transfers(cells, towers),
        evaluation(probes, towers),
        distance(distances),
    ];
    let panels: Vec<Scene> = panels.into_iter().flatten().collect();
    if panels.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "flow",
            expected: "transfers, probes or distances",
            found: "none of their tables has a row".into(),
        });
    }
    let columns = panels.len();
    let label = "What was done, from data to numbers";
    Figure::new(CellRow::FILE, label, panels, columns)
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn transfers(cells: &[CellRow], towers: bool) -> Option<Scene> {
    let plan = Plan::of(cells);
    if plan.transfers == 0 {
        return None;
    }
    let targets = plan.targets;
    let sets = counted(targets, "data set", "data sets");
    let steps = if towers {
        [
            step("pairs", sets, false),
            step("image tower", "tuned", true),
            step("text tower", "tuned", true),
            step("cosines", "mean recall", false),
        ]
    } else {
        [
            step("target", sets, false),
            step("embedder", "one a target", true),
            step("encoder", "from pretrained", true),
            step("predictor", "test metric", true),
        ]
    };
    let said = format!(
        "{}, {}, {}: {}, {} done",
        counted(plan.methods.len(), "method", "methods"),
        counted(targets, "target", "targets"),
        counted(plan.seeds, "seed", "seeds"),
        counted(plan.transfers, "transfer", "transfers"),
        plan.done,
    );
    Some(chain("Transfer to the target", &steps, &said))
}

fn evaluation(probes: &[ProbeRow], towers: bool) -> Option<Scene> {
    let first = probes.first()?;
    let count = |n: Option<u64>| n.map_or("samples".into(), |n| format!("{n} samples"));
    let surrogate = step("surrogate", count(first.n_test), false);
    let features = step("features", "probe, map", false);
    let steps = if towers {
        vec![surrogate, step("image tower", "as tuned", true), features]
    } else {
        vec![
            surrogate,
            step("embedder", "the source’s own", false),
            step("encoder", "as transferred", true),
            features,
        ]
    };
    let fitted = first
        .n_train
        .map_or(String::new(), |n| format!("probe fitted on {n}"));
    let before = probes.iter().find(|row| row.encoder == PRETRAINED);
    let before = before.map(|row| format!("before any transfer it errs on {}", percent(row.error)));
    let said: Vec<String> = [fitted]
        .into_iter()
        .chain(before)
        .filter(|part| !part.is_empty())
        .collect();
    Some(chain(
        "Evaluation on the source’s surrogate",
        &steps,
        &said.join("; "),
    ))
}

fn distance(distances: &[DiscrepancyRow]) -> Option<Scene> {
    let first = distances.first()?;
    let most = distances.iter().filter_map(|row| row.n).max();
    let samples = most.map_or("test samples".into(), |n| format!("up to {n}"));
    let classes = first
        .source_classes
        .map_or("class probabilities".into(), |n| format!("{n} classes"));
    let steps = [
        step("target", samples, false),
        step("embedder", "one a target", true),
        step("source model", classes, false),
        step("matching", "D(Ms, Mt)", false),
    ];
    let own = distances
        .iter()
        .filter(|row| row.embedder == first.embedder);
    let values: Vec<f64> = own.map(|row| row.value).collect();
    let ends = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(*v), h.max(*v))
        });
    let said = match values.len() {
        1 => format!("D = {:.3} ({})", values[0], first.embedder),
        _ => format!(
            "D from {:.3} to {:.3} ({} embedder)",
            ends.0, ends.1, first.embedder
        ),
    };
    Some(chain("Distance between the modalities", &steps, &said))
}

fn chain(title: &str, steps: &[Step], said: &str) -> Scene {
    const TOP: f64 = 26.0;
    const LEARNT: Colour = HUES[3].0;
    let names: Vec<String> = steps
        .iter()
        .map(|s| format!("{} ({})", s.name, s.note))
        .collect();
    let words = format!("{title}: {}. {said}", names.join(" to "));
    let mut scene = Scene::new(WIDTH, TOP + BOX.1 + 26.0, words);
    scene.text((0.0, 13.0), Text::new(title, 13.0).bold().fit(WIDTH));
    for (place, step) in steps.iter().enumerate() {
        let x = 0.5 + place as f64 * (BOX.0 + GAP);
        let (from, to) = ((x, TOP), (x + BOX.0 - 1.0, TOP + BOX.1));
        let (rim, width) = if step.learnt {
            (LEARNT, 1.5)
        } else {
            (RULE, 1.0)
        };
        scene.block(from, to, PAPER);
        scene.frame(from, to, Stroke::solid(rim, width));
        let middle = x + BOX.0 / 2.0;
        let name = Text::new(&step.name, 10.5).bold().fit(BOX.0 - 6.0);
        scene.text((middle, TOP + 17.0), name.anchor(Anchor::Middle));
        let note = Text::new(&step.note, 9.5).colour(MUTED).fit(BOX.0 - 3.0);
        scene.text((middle, TOP + 32.0), note.anchor(Anchor::Middle));
        if place > 0 {
            arrow(&mut scene, x, TOP + BOX.1 / 2.0);
        }
    }
    let base = TOP + BOX.1 + 18.0;
    scene.text((0.0, base), Text::new(said, 10.0).colour(MUTED).fit(WIDTH));
    scene
}

/// An arrow that ends at a box.
fn arrow(scene: &mut Scene, x: f64, y: f64) {
    let ink = Stroke::solid(MUTED, 1.25);
    let end = x - 3.0;
    scene.line((x - GAP + 2.0, y), (end, y), ink);
    scene.path(
        vec![(end - 4.0, y - 3.5), (end, y), (end - 4.0, y + 3.5)],
        ink,
    );
}
