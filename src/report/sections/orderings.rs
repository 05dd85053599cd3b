//! The orderings that the paper states, each with how many targets show it, contradict it, or show nothing, by the
//! verdicts of the page: corrected for everything that it says.

use super::retrieval;
use crate::figure::layout::distinct;
use crate::figure::{FigureError, methods};
use crate::measure::about::Unit;
use crate::report::data::{Data, Run, Table};
use crate::report::grid::{Cell, Column, Grid, Place};
use crate::report::number::{chance, maybe, percent, range, whole};
use crate::report::section::{Block, Citation, Section};
use crate::report::verdict::lead;
use crate::report::words::listed;
use crate::table::{
    FARTHER_TARGETS, MORE_EPOCHS, OrderingRow, PRETRAINED, PairedRow, RECALL_ERROR, Row,
    SOURCE_ERROR,
};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "orderings",
    title: "Orderings of the paper",
    tables: &[PairedRow::FILE, OrderingRow::FILE],
    figure: None,
    blocks,
    citations: &[Citation {
        of: "orderings of source errors",
        work: "Ma et al., ICML 2024",
    }],
};

const READING: &str = "A target counts as showing an ordering, or its contrary, only beyond noise and after Holm’s correction for everything that this page says of methods. Differences are in percentage points, of metrics other than the error in their own unit. Which target is near and which far is D’s word, of the embedder that the fine-tuning starts from.";

const COLUMNS: [Column<OrderingRow>; 8] = [
    Column::text("encoder", |row| side(&row.target_title, row.epochs)),
    Column::text("against", |row| side(&row.other_title, row.other_epochs)),
    Column::number("probe error", |row| percent(row.mean)),
    Column::number("the other's", |row| percent(row.other_mean)),
    Column::number("difference", |row| points(row.difference)),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, points)
    }),
    Column::number("p, corrected", |row| maybe(row.adjusted, chance)),
    Column::number("seeds", |row| maybe(row.seeds, whole)),
];

fn side(title: &str, epochs: u64) -> String {
    format!("{title}, {epochs} epochs")
}

fn points(difference: f64) -> String {
    Unit::Share.show_difference(difference)
}

/// One target's part in an ordering.
struct Case {
    title: String,
    /// By the page's rule.
    verdict: String,
    /// Shown, with its sign.
    difference: String,
}

/// A statement of the paper and what became of it.
struct Ordering {
    /// In a sentence.
    said: String,
    /// The verdict that shows it.
    expected: &'static str,
    cases: Vec<Case>,
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let verdicts = data.tables.verdicts()?;
    let within = data.tables.get::<OrderingRow>()?;
    let orderings = within.as_ref().map_or(&[][..], |table| &table.rows);
    let paired = verdicts
        .paired
        .as_ref()
        .map_or(&[][..], |table| &table.rows);
    let paired: Vec<&PairedRow> = paired.iter().chain(&verdicts.distortion).collect();
    let found = stated(&paired, orderings);
    if found.is_empty() {
        return Ok(vec![Block::Absent(
            "the paper's orderings",
            OrderingRow::FILE,
        )]);
    }
    let mut blocks = vec![Block::Table(grid(&found)), Block::Note(READING.into())];
    if let Some(table) = within {
        blocks.push(Block::Table(details(&table)));
    }
    Ok(blocks)
}

fn details(table: &Table<OrderingRow>) -> Grid {
    Grid::of("More epochs and farther targets", table, &COLUMNS).folded()
}

/// Every ordering that the tables hold a case of.
fn stated(paired: &[&PairedRow], orderings: &[OrderingRow]) -> Vec<Ordering> {
    let ids = paired.iter().flat_map(|row| [&*row.method, &*row.baseline]);
    let plain = methods::plain(ids.filter(|id| *id != PRETRAINED));
    let mut all = Vec::new();
    let mut state = |said: String, expected, cases: Vec<Case>| {
        if !cases.is_empty() {
            all.push(Ordering {
                said,
                expected,
                cases,
            });
        }
    };
    let between =
        |method: &str, other: &str, quantities: &[&str]| cases(paired, [method, other], quantities);
    if let Some(plain) = plain {
        let said = format!(
            "{} distorts the source: its probe error is above that before",
            title(plain)
        );
        state(said, "higher", between(plain, PRETRAINED, &[SOURCE_ERROR]));
    }
    for (ordering, said) in [
        (
            FARTHER_TARGETS,
            "fine-tuning on the farthest target distorts more than on the nearest",
        ),
        (MORE_EPOCHS, "more epochs distort more"),
    ] {
        let own = orderings.iter().filter(|row| row.ordering == ordering);
        let own: Vec<&OrderingRow> = own.collect();
        let name = own.first().map_or(String::new(), |row| title(&row.method));
        let case = |row: &&OrderingRow| Case {
            title: row.target_title.clone(),
            verdict: row.verdict.clone().unwrap_or("not tested".into()),
            difference: points(row.difference),
        };
        state(
            format!("{name}: {said}"),
            "higher",
            own.iter().map(case).collect(),
        );
    }
    let keeps = |method: &str, other: &str| {
        format!(
            "{} keeps more of the source than {}",
            title(method),
            title(other)
        )
    };
    let proposed = lead(paired.iter().copied());
    let control = proposed.and_then(methods::contrast);
    if let (Some(control), Some(plain)) = (control, plain) {
        let said = keeps(control, plain);
        state(said, "lower", between(control, plain, &[SOURCE_ERROR]));
    }
    if let Some(proposed) = proposed {
        let others = paired.iter().filter(|row| row.method == proposed);
        let others = others.map(|row| row.baseline.as_str());
        let others = distinct(others.filter(|id| *id != PRETRAINED));
        for other in others {
            let said = keeps(proposed, other);
            state(said, "lower", between(proposed, other, &[SOURCE_ERROR]));
        }
        if let Some(plain) = plain {
            let said = format!(
                "{} gains on the target against {}",
                title(proposed),
                title(plain)
            );
            state(
                said,
                "lower",
                between(
                    proposed,
                    plain,
                    &["target-error", RECALL_ERROR, "target-metric"],
                ),
            );
        }
    }
    all
}

fn title(id: &str) -> String {
    methods::title(id)
}

/// The targets on which `method` was set against `other` in one of `quantities`, whichever the rows put first.
fn cases(rows: &[&PairedRow], [method, other]: [&str; 2], quantities: &[&str]) -> Vec<Case> {
    let case = |row: &&PairedRow| {
        let pair = [row.method.as_str(), row.baseline.as_str()];
        let turned = pair == [other, method];
        if !(turned || pair == [method, other]) || !quantities.contains(&row.quantity.as_str()) {
            return None;
        }
        let verdict = match (row.verdict.as_deref(), turned) {
            (Some("lower"), true) => "higher",
            (Some("higher"), true) => "lower",
            (Some(verdict), _) => verdict,
            (None, _) => "not tested",
        };
        let difference = if turned {
            -row.difference
        } else {
            row.difference
        };
        let unit = if row.quantity.ends_with("error") {
            Unit::Share
        } else {
            Unit::Number(3)
        };
        Some(Case {
            title: row.target_title.clone(),
            verdict: verdict.into(),
            difference: unit.show_difference(difference),
        })
    };
    rows.iter().filter_map(case).collect()
}

/// One line an ordering.
fn grid(all: &[Ordering]) -> Grid {
    let heads = [
        "ordering",
        "shown on",
        "contrary shown on",
        "not shown on",
        "not tested on",
    ];
    let row = |ordering: &Ordering| {
        let contrary = if ordering.expected == "lower" {
            "higher"
        } else {
            "lower"
        };
        let of = |verdict: &str| -> Cell {
            let own = ordering.cases.iter().filter(|case| case.verdict == verdict);
            let own: Vec<String> = own
                .map(|case| format!("{} ({})", case.title, case.difference))
                .collect();
            if own.is_empty() {
                "–".to_owned().into()
            } else {
                listed(&own).into()
            }
        };
        let cells = [ordering.expected, contrary, "not shown", "not tested"].map(of);
        let first = Cell::from(ordering.said.clone());
        (None, [first].into_iter().chain(cells).collect())
    };
    Grid {
        title: "What the paper orders, and on which targets it is shown".into(),
        heads: heads.map(|head| (head.into(), false)).into(),
        rows: all.iter().map(row).collect(),
        source: None,
        place: Place::Both,
        latex: None,
        folded: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(target: usize, method: &str, baseline: &str, verdict: &str) -> PairedRow {
        PairedRow {
            target: format!("t{target}"),
            target_title: format!("Target {target}"),
            method: method.into(),
            baseline: baseline.into(),
            quantity: SOURCE_ERROR.into(),
            method_mean: 0.42,
            baseline_mean: 0.40,
            difference: 0.02,
            lower: None,
            upper: None,
            p: None,
            adjusted: None,
            verdict: Some(verdict.into()),
            seeds: Some(3),
            samples: None,
            groups: None,
        }
    }

    fn epochs(verdict: &str) -> OrderingRow {
        OrderingRow {
            ordering: MORE_EPOCHS.into(),
            method: "nft".into(),
            target: "t".into(),
            target_title: "T".into(),
            epochs: 10,
            other_target: "t".into(),
            other_title: "T".into(),
            other_epochs: 1,
            mean: 0.5,
            other_mean: 0.45,
            difference: 0.05,
            lower: None,
            upper: None,
            p: None,
            adjusted: None,
            verdict: Some(verdict.into()),
            seeds: Some(3),
            samples: None,
            groups: None,
        }
    }

    #[test]
    fn every_case_stands_once_under_its_own_verdict() {
        let rows = [
            pair(0, "nft", PRETRAINED, "higher"),
            pair(1, "nft", PRETRAINED, "not shown"),
            // Plain fine-tuning against Emb, the other way round: Emb is lower.
            pair(0, "nft", "emb", "higher"),
            pair(0, "mona", "orca", "higher"),
            pair(0, "mona", "nft", "not tested"),
        ];
        let rows: Vec<&PairedRow> = rows.iter().collect();
        let found = stated(&rows, &[epochs("lower")]);
        let said: Vec<&str> = found
            .iter()
            .map(|ordering| ordering.said.as_str())
            .collect();
        assert_eq!(
            said,
            [
                "NFT distorts the source: its probe error is above that before",
                "NFT: more epochs distort more",
                "Emb keeps more of the source than NFT",
                "MoNA keeps more of the source than ORCA",
                "MoNA keeps more of the source than NFT",
            ]
        );
        let grid = grid(&found);
        let cells: Vec<Vec<&str>> = grid
            .rows
            .iter()
            .map(|(_, cells)| cells[1..].iter().map(|cell| cell.value.as_str()).collect())
            .collect();
        assert_eq!(cells[0], ["Target 0 (+2.0)", "–", "Target 1 (+2.0)", "–"]);
        assert_eq!(
            cells[1],
            ["–", "T (+5.0)", "–", "–"],
            "the contrary is told"
        );
        assert_eq!(cells[2], ["Target 0 (\u{2212}2.0)", "–", "–", "–"]);
        assert_eq!(cells[3], ["–", "Target 0 (+2.0)", "–", "–"]);
        assert_eq!(cells[4], ["–", "–", "–", "Target 0 (+2.0)"]);
        assert!(stated(&[], &[]).is_empty());
    }
}
