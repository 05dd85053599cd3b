//! Classes by their texts: what tunings of two towers reach on targets whose classes are told apart by their names, target
//! by target and on average, for how many parameters, and what they cost on the surrogate.

mod figure;

use super::retrieval::name;
use super::retrieval::own::{cost, on_surrogate};
use super::retrieval::tables::{against, verdict};
use crate::figure::FigureError;
use crate::figure::layout::{distinct, mean};
use crate::figure::methods;
use crate::measure::about::Unit;
use crate::measure::paired;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Cell, Column, Grid, Source};
use crate::report::number::{interval, maybe, percent, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::report::sheet::{Models, Sheet};
use crate::table::{
    ByTextRow, CellRow, MeasureRow, PRETRAINED, PairedRow, ResultRow, Row, TARGET_ERROR,
};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "by-texts",
    title: "Classes by their texts",
    tables: &[ByTextRow::FILE, MeasureRow::FILE],
    figure: Some(Drawing {
        name: "by-texts",
        title: "What a tuning reaches on classes by their texts, for how many parameters, and what it costs elsewhere.",
        caption: Caption {
            shown: "Error on each target’s test part by the number of parameters that train, on a logarithmic axis; and, where the source has texts for the surrogate’s classes, the zero-shot error on the surrogate by it. The large mark is the mean over seeds, a faint mark one seed. Dashed: the towers as they were pretrained (zero-shot).",
            computed: "A picture belongs to the class whose texts’ mean direction is nearest. The surrogate goes through the tuned towers, its classes by their texts as well; nothing was trained on it.",
            reading: "Below the dashed line a tuning errs less than the towers did. To the left it trains less. On the other axes the lower left is where a tuning should be: it learned the target and still knows the surrogate’s classes.",
            limits: "Marks a little apart may be equal: which differences are shown is told by the table and under “Methods against each other”. The dashed line has an interval of its own, in the table.",
        },
        layout: Layout::Pair,
        draw: |tables| {
            let found = tables.needed::<ByTextRow>()?;
            figure::figure(&found.rows, &tables.any::<MeasureRow>()?.rows)
        },
    }),
    blocks,
    citations: &[Citation {
        of: "classes by the texts of their names",
        work: "Radford et al., ICML 2021",
    }],
};

/// How the table is to be read.
const READING: &str = "Errors are means over seeds with the interval and the verdicts of the table of results: Student’s t over seeds joined with the noise of test pictures. The untouched towers have one value, with the interval of their test pictures. On average: the mean over targets of every seed, and Student’s t over seeds alone; differences there are paired by seed and not judged. The zero-shot error on the surrogate is that of the tuned towers; below a mean over several seeds stands their range. Parameters are those that train for one target; of what several targets share, all.";

const VALUES: [Column<ByTextRow>; 6] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| name(row.method.as_deref())),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::number("error", |row: &ByTextRow| percent(row.error))
        .under(|row| interval(row.lower, row.upper, percent)),
    Column::number("parameters", |row| whole(row.parameters)),
    Column::number("test pictures", |row| whole(row.samples)),
];

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.any::<ByTextRow>()?;
    if table.rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![Block::figure()];
    blocks.extend(reached(data, &table)?);
    blocks.push(Block::Note(READING.into()));
    blocks.push(Block::Table(
        Grid::of("All values of classes by their texts", &table, &VALUES).folded(),
    ));
    Ok(blocks)
}

/// The rows of a model on a target.
fn own<'a>(
    table: &'a Table<ByTextRow>,
    target: &'a str,
    method: Option<&'a str>,
) -> impl Iterator<Item = &'a ByTextRow> {
    let rows = table.rows.iter();
    rows.filter(move |row| row.target == target && row.method.as_deref() == method)
}

fn models(table: &Table<ByTextRow>) -> Vec<Option<&str>> {
    let mut all = distinct(table.rows.iter().map(|row| row.method.as_deref()));
    all.sort_by_key(Option::is_some);
    all
}

/// What every model reaches, and what its tuning takes.
fn reached(data: &Data<Run>, table: &Table<ByTextRow>) -> Result<Vec<Block>, FigureError> {
    let verdicts = data.tables.verdicts()?;
    let paired: Vec<Line<'_, PairedRow>> = verdicts.paired.iter().flat_map(Table::lines).collect();
    let results: &[ResultRow] = verdicts.results.as_ref().map_or(&[], |found| &found.rows);
    let cells = data.tables.any::<CellRow>()?;
    let measures = data.tables.any::<MeasureRow>()?;
    let plain_way = models(table)
        .into_iter()
        .flatten()
        .find(|id| methods::is_plain(id));
    let bare = |value: f64| plain(100.0 * value, 1);
    let line = |target: &str, method: Option<&str>| {
        let rows: Vec<&ByTextRow> = own(table, target, method).collect();
        let result = results
            .iter()
            .find(|r| r.target == target && Some(r.method.as_str()) == method);
        let error = match result.and_then(|row| Some((row, row.target_mean?))) {
            Some((row, error)) => Cell {
                value: percent(error),
                interval: interval(row.target_lower, row.target_upper, bare),
                best: row.target_best,
            },
            None => Cell {
                value: maybe(rows.first(), |row| percent(row.error)),
                interval: rows
                    .first()
                    .and_then(|row| interval(row.lower, row.upper, bare)),
                best: false,
            },
        };
        let difference = |baseline: &dyn Fn(&str) -> bool| {
            let row = method
                .and_then(|method| against(&paired, (target, method), baseline, TARGET_ERROR));
            row.map_or_else(
                || Cell::from("–".to_owned()),
                |row| Cell {
                    value: Unit::Share.show_difference(row.difference),
                    interval: Some(verdict(row, ["less", "more"])),
                    best: false,
                },
            )
        };
        let mut all = vec![error, difference(&|id| id == PRETRAINED)];
        all.extend(plain_way.map(|_| difference(&methods::is_plain)));
        let model = (target, method);
        all.push(on_surrogate(
            &measures.rows,
            "zero-shot-error",
            model,
            percent,
        ));
        all.push(Cell {
            value: maybe(rows.first(), |row| whole(row.parameters)),
            interval: rows.first().filter(|_| method.is_some()).map(|row| {
                format!(
                    "{:.2}\u{a0}%",
                    100.0 * row.parameters as f64 / row.of_towers as f64
                )
            }),
            best: false,
        });
        all.extend(cost(&cells.rows, target, method));
        (name(method), all)
    };
    let mut first = vec!["error".to_owned(), "to untouched, points".to_owned()];
    first.extend(plain_way.map(|id| format!("to {}, points", methods::title(id))));
    let heads = vec![
        ("", first),
        ("surrogate", vec!["zero-shot error".to_owned()]),
        (
            "what it takes",
            vec!["parameters".into(), "seconds".into(), "memory, MB".into()],
        ),
    ];
    let targets = distinct(
        table
            .rows
            .iter()
            .map(|row| (&row.target, &row.target_title)),
    );
    let mut shown: Vec<(String, Models)> = Vec::new();
    if targets.len() > 1 {
        shown.push((
            "On average over targets".to_owned(),
            average(table, plain_way),
        ));
    }
    for (target, title) in targets {
        let own = models(table)
            .into_iter()
            .filter(|method| own(table, target, *method).next().is_some());
        shown.push((
            title.clone(),
            own.map(|method| line(target, method)).collect(),
        ));
    }
    let sheet = Sheet {
        title: "Classes by their texts, on the targets’ test parts",
        latex: "by-texts",
        heads,
        targets: shown,
    };
    Ok(sheet.blocks(Source::of(table)))
}

/// The mean over targets of every seed of a model that has all of them, by seed.
fn averages(table: &Table<ByTextRow>, method: Option<&str>) -> Vec<(Option<u64>, f64)> {
    let targets = distinct(table.rows.iter().map(|row| row.target.as_str()));
    let rows = || {
        table
            .rows
            .iter()
            .filter(|row| row.method.as_deref() == method)
    };
    let of_seed = |seed: Option<u64>| {
        let own: Vec<f64> = rows()
            .filter(|row| row.seed == seed)
            .map(|row| row.error)
            .collect();
        (own.len() == targets.len())
            .then(|| mean(&own))
            .flatten()
            .map(|value| (seed, value))
    };
    distinct(rows().map(|row| row.seed))
        .into_iter()
        .filter_map(of_seed)
        .collect()
}

/// The models on average over targets.
fn average(table: &Table<ByTextRow>, plain_way: Option<&str>) -> Models {
    let bare = |value: f64| plain(100.0 * value, 1);
    let reference = plain_way.map(|id| averages(table, Some(id)));
    let untouched = averages(table, None);
    let untouched: Vec<f64> = untouched.iter().map(|(_, value)| *value).collect();
    let line = |method: Option<&str>| {
        let own = averages(table, method);
        let values: Vec<f64> = own.iter().map(|(_, value)| *value).collect();
        let found = paired::mean_value(&values).ok();
        let ends = found
            .as_ref()
            .and_then(|found| found.interval)
            .map(|[low, high]| [low.max(0.0), high.min(1.0)]);
        let mut all = vec![Cell {
            value: maybe(mean(&values), percent),
            interval: ends.and_then(|[low, high]| interval(Some(low), Some(high), bare)),
            best: false,
        }];
        // One value, of every target alike: the mean's own noise is that of the seeds.
        let apart = method.and(mean(&values)).zip(mean(&untouched));
        all.push(apart.map_or_else(
            || Cell::from("–".to_owned()),
            |(own, before)| Unit::Share.show_difference(own - before).into(),
        ));
        if let Some(reference) = &reference {
            let both: Vec<(f64, f64)> = own
                .iter()
                .filter_map(|(seed, value)| {
                    Some((*value, reference.iter().find(|(other, _)| other == seed)?.1))
                })
                .collect();
            let (a, b): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            let same = method == plain_way;
            let found = paired::values(&a, &b)
                .ok()
                .filter(|_| !same && method.is_some());
            all.push(found.map_or_else(
                || Cell::from("–".to_owned()),
                |found| Cell {
                    value: Unit::Share.show_difference(found.mean),
                    interval: found.interval.and_then(|[low, high]| {
                        interval(Some(low), Some(high), |end| plain(100.0 * end, 1))
                    }),
                    best: false,
                },
            ));
        }
        let rows = table
            .rows
            .iter()
            .filter(|row| row.method.as_deref() == method);
        let parameters: Vec<f64> = rows.map(|row| row.parameters as f64).collect();
        all.push("–".to_owned().into());
        all.push(maybe(mean(&parameters), |count| whole(count as u64)).into());
        all.extend(["–", "–"].map(|none| Cell::from(none.to_owned())));
        (name(method), all)
    };
    models(table).into_iter().map(line).collect()
}
