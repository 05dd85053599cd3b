//! The two tables of the section on retrieval: what is reached and what it takes, and what lies between the towers, a
//! line a model, the untouched towers before the methods of a target.

use super::name;
use super::own::{Own, cost, models, on_surrogate};
use crate::figure::FigureError;
use crate::figure::layout::mean;
use crate::figure::methods;
use crate::measure::about::Unit;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Cell, Source};
use crate::report::number::{interval, maybe, percent, plain, whole};
use crate::report::section::Block;
use crate::report::sheet::Sheet;
use crate::table::{
    CellRow, MeasureRow, PARAMETERS, PRETRAINED, PairedRow, ProbeRow, RECALL_ERROR, ResultRow,
    RetrievalRow, SOURCE_ERROR, TIED,
};

/// Recalls of either direction.
const RECALLS: [&str; 6] = [
    "image-to-text-r1",
    "image-to-text-r5",
    "image-to-text-r10",
    "text-to-image-r1",
    "text-to-image-r5",
    "text-to-image-r10",
];
/// What lies between the towers on the target.
const BETWEEN: [&str; 5] = [
    "tower-gap",
    "tower-alignment",
    "image-uniformity",
    "text-uniformity",
    "joint-uniformity",
];

/// The verdict of a difference to `baseline`.
pub fn against<'a>(
    paired: &[Line<'a, PairedRow>],
    (target, method): (&str, &str),
    baseline: impl Fn(&str) -> bool,
    quantity: &str,
) -> Option<&'a PairedRow> {
    let own =
        |row: &PairedRow| row.target == target && row.method == method && row.quantity == quantity;
    let mut rows = paired.iter().map(|line| line.row);
    rows.find(|row| own(row) && baseline(&row.baseline))
}

/// What a verdict says of a value of which less is better.
pub fn verdict(row: &PairedRow, [lower, higher]: [&str; 2]) -> String {
    match row.verdict.as_deref() {
        Some("lower") => lower.to_owned(),
        Some("higher") => higher.to_owned(),
        Some("not shown") => "not shown".to_owned(),
        _ => "not tested".to_owned(),
    }
}

/// What every model reaches, and what its tuning takes.
pub fn reached(
    data: &Data<Run>,
    table: &Table<RetrievalRow>,
    paired: &[Line<'_, PairedRow>],
) -> Result<Vec<Block>, FigureError> {
    let verdicts = data.tables.verdicts()?;
    let results: &[ResultRow] = verdicts.results.as_ref().map_or(&[], |found| &found.rows);
    let cells = data.tables.any::<CellRow>()?;
    let ties = table
        .rows
        .iter()
        .any(|row| row.measure == TIED && row.value.is_some_and(|n| n > 0.0));
    let mut ran = table.rows.iter().filter_map(|row| row.method.as_deref());
    let plain_way = ran.find(|id| methods::is_plain(id));
    let bare = |value: f64| plain(100.0 * value, 1);
    let line = |target: &str, method: Option<&str>| {
        let own = Own::of(table, target, method);
        let result = results
            .iter()
            .find(|r| r.target == target && Some(r.method.as_str()) == method);
        let recall = match (method, result.and_then(|row| Some((row, row.target_mean?)))) {
            (Some(_), Some((row, missed))) => Cell {
                value: percent(1.0 - missed),
                interval: interval(row.target_upper, row.target_lower, |end| bare(1.0 - end)),
                best: row.target_best,
            },
            _ => own.cell("mean-recall", percent),
        };
        let difference = |baseline: &dyn Fn(&str) -> bool| {
            let row =
                method.and_then(|method| against(paired, (target, method), baseline, RECALL_ERROR));
            row.map_or_else(
                || Cell::from("–".to_owned()),
                |row| Cell {
                    value: Unit::Share.show_difference(-row.difference),
                    interval: Some(verdict(row, ["more", "less"])),
                    best: false,
                },
            )
        };
        let mut all = vec![recall, difference(&|id| id == PRETRAINED)];
        all.extend(plain_way.map(|_| difference(&methods::is_plain)));
        all.extend(RECALLS.map(|measure| Cell::from(maybe(own.mean(measure), bare))));
        if ties {
            let optimistic: Vec<f64> = own
                .all("mean-recall")
                .filter_map(|(l, _)| l.row.optimistic)
                .collect();
            let (tied, of) = (
                own.mean(TIED),
                own.first(TIED).and_then(|(l, _)| l.row.samples),
            );
            all.push(maybe(mean(&optimistic), percent).into());
            all.push(Cell {
                value: maybe(tied, |n| plain(n, 0)),
                interval: of.map(|of| format!("of {}", whole(of))),
                best: false,
            });
        }
        let trained = own.first(PARAMETERS);
        let share = trained
            .and_then(|(l, n)| Some(format!("{:.2}\u{a0}%", 100.0 * n / l.row.samples? as f64)));
        all.push(Cell {
            value: maybe(trained, |(_, n)| whole(n as u64)),
            interval: share.filter(|_| method.is_some()),
            best: false,
        });
        all.extend(cost(&cells.rows, target, method));
        (name(method), all)
    };
    let ks = || ["R@1", "R@5", "R@10"].map(str::to_owned).to_vec();
    let mut first = vec!["mean recall".to_owned(), "to untouched, points".to_owned()];
    first.extend(plain_way.map(|id| format!("to {}, points", methods::title(id))));
    let mut heads = vec![
        ("", first),
        ("picture to caption, %", ks()),
        ("caption to picture, %", ks()),
    ];
    if ties {
        heads.push(("ties", vec!["mR, won".into(), "tied queries".into()]));
    }
    heads.push((
        "what it takes",
        vec!["parameters".into(), "seconds".into(), "memory, MB".into()],
    ));
    let targets = models(table).into_iter().map(|(target, title, models)| {
        let lines = models.into_iter().map(|method| line(target, method));
        (title.to_owned(), lines.collect())
    });
    let sheet = Sheet {
        title: "Retrieval on the targets’ test parts",
        latex: "retrieval",
        heads,
        targets: targets.collect(),
    };
    Ok(sheet.blocks(Source::of(table)))
}

/// What lies between the towers on the target, and what the encoders still hold of the surrogate.
pub fn between(
    data: &Data<Run>,
    table: &Table<RetrievalRow>,
    paired: &[Line<'_, PairedRow>],
) -> Result<Vec<Block>, FigureError> {
    let verdicts = data.tables.verdicts()?;
    let results: &[ResultRow] = verdicts.results.as_ref().map_or(&[], |found| &found.rows);
    let probes = data.tables.any::<ProbeRow>()?;
    let measures = data.tables.any::<MeasureRow>()?;
    const ON_SURROGATE: [&str; 3] = ["zero-shot-error", "tower-gap", "tower-alignment"];
    let texts = measures
        .rows
        .iter()
        .any(|row| ON_SURROGATE.contains(&row.measure.as_str()));
    let number = |value: f64| plain(value, 3);
    let line = |target: &str, method: Option<&str>| {
        let own = Own::of(table, target, method);
        let mut all = BETWEEN.map(|measure| own.cell(measure, number)).to_vec();
        let bare = |value: f64| plain(100.0 * value, 1);
        let result = results
            .iter()
            .find(|r| r.target == target && Some(r.method.as_str()) == method);
        let (probe, change) = match method {
            None => {
                let before = probes.rows.iter().find(|row| row.encoder == PRETRAINED);
                let ends = before.and_then(|row| interval(row.lower, row.upper, bare));
                (
                    Cell {
                        value: maybe(before, |row| percent(row.error)),
                        interval: ends,
                        best: false,
                    },
                    "–".to_owned(),
                )
            }
            Some(method) => {
                let change = against(
                    paired,
                    (target, method),
                    |id| id == PRETRAINED,
                    SOURCE_ERROR,
                );
                let cell = Cell {
                    value: maybe(result.and_then(|row| row.source_mean), percent),
                    interval: result
                        .and_then(|row| interval(row.source_lower, row.source_upper, bare)),
                    best: result.is_some_and(|row| row.source_best),
                };
                (
                    cell,
                    change.map_or("–".to_owned(), |row| verdict(row, ["lowered", "raised"])),
                )
            }
        };
        all.extend([probe, change.into()]);
        if texts {
            let [zero_shot, gap, alignment] = ON_SURROGATE;
            let model = (target, method);
            all.push(on_surrogate(&measures.rows, zero_shot, model, percent));
            all.push(on_surrogate(&measures.rows, gap, model, number));
            all.push(on_surrogate(&measures.rows, alignment, model, number));
        }
        (name(method), all)
    };
    let words =
        |all: &[&str]| -> Vec<String> { all.iter().map(|head| (*head).to_owned()).collect() };
    let of_target = [
        "gap",
        "alignment",
        "uniformity, pictures",
        "uniformity, captions",
        "uniformity, both",
    ];
    let mut of_source = vec!["probe error", "against untouched"];
    if texts {
        of_source.extend(["zero-shot error", "gap", "alignment"]);
    }
    let targets = models(table).into_iter().map(|(target, title, models)| {
        let lines = models.into_iter().map(|method| line(target, method));
        (title.to_owned(), lines.collect())
    });
    let sheet = Sheet {
        title: "Between the towers",
        latex: "towers",
        heads: vec![
            ("on the target", words(&of_target)),
            ("on the surrogate", words(&of_source)),
        ],
        targets: targets.collect(),
    };
    Ok(sheet.blocks(Source::of(table)))
}
