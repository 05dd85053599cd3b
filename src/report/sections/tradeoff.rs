//! The trade-off between target and source: the pair of numbers that a transfer is about, and what every method
//! amounts to on both.

mod figure;

use crate::figure::layout::is_share;
use crate::figure::{FigureError, methods};
use crate::measure::about::Unit;
use crate::report::data::{Data, Run, Table};
use crate::report::grid::{Column, Grid};
use crate::report::number::{chance, interval, maybe, percent, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::report::words::counted;
use crate::table::{InterpolationRow, ProbeRow, Row, TargetRow, TradeoffRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "tradeoff",
    title: "Target against source",
    tables: &[
        TargetRow::FILE,
        ProbeRow::FILE,
        InterpolationRow::FILE,
        TradeoffRow::FILE,
    ],
    figure: Some(Drawing {
        name: "tradeoff",
        title: "What a transfer reaches on its target against what it leaves of the source.",
        caption: Caption {
            shown: "Target metric (across) and error of a linear probe on the surrogate (up) of every method, one panel per target: the large mark is the mean over seeds, a faint mark one seed. The dashed line is the probe error before any transfer. A method outside the axes is a small mark at the edge, with both of its values: target, source. A faint line through small marks, where there is one, is the curve of encoders between the pretrained and the fine-tuned one; it ends at the method’s own mark and may begin outside the axes.",
            computed: "Both numbers are of the same encoder, the one after the epoch that counts (the last one, unless the suite chooses another), and both are of test samples. The stepped line is the Pareto front of the means: no method is better on one axis without being worse on the other. The curve (WiSE-FT) needs no further training: its encoders are (1 − α) θ⁰ + α θ¹, θ⁰ the pretrained and θ¹ the fine-tuned parameters, under the fine-tuned embedder and predictor; marks are means over seeds.",
            reading: "Lower is better on both axes, so the lower left is where a transfer should be. Below the dashed line the features serve the source better than before. A method below the curve keeps more of the source than interpolating plain fine-tuning does at the same target error.",
            limits: "The front is of these means and knows no noise: two marks a little apart may be equal. Which differences are shown is told below and under “Methods against each other”. The source probe error is a measure of what the encoder's features still hold, not of a model that was retrained on the source.",
        },
        layout: Layout::Pair,
        draw: |tables| {
            figure::figure(
                &tables.needed::<TargetRow>()?.rows,
                &tables.needed::<ProbeRow>()?.rows,
                &tables.any::<InterpolationRow>()?.rows,
            )
        },
    }),
    blocks,
    citations: &[
        Citation {
            of: "interpolation between the pretrained and the fine-tuned encoder (WiSE-FT)",
            work: "Wortsman et al., CVPR 2022",
        },
        Citation {
            of: "hypervolume",
            work: "Zitzler and Thiele, IEEE Trans. Evol. Comput. 1999",
        },
    ],
};

/// How the table is to be read.
const READING: &str = "Difference: the method’s probe error on the surrogate less that of the curve at the method’s target error, in percentage points; below zero the method keeps more. The curve is linear between its marks, taken at the least α that reaches the target error, and never extrapolated. The interval joins Student’s t over seeds with the noise of the surrogate’s and, for errors, of the target’s test samples; p is corrected (Holm) with everything that the report says of methods. Where a curve is bent towards the lower left, its true course lies a little below the straight pieces, so a finer list of α asks more of a method. Hypervolume: share of the box between no error and guessing, on both axes, that the points leave behind, with Student’s t over seeds; it is a number to compare, not one that is judged.";

const COLUMNS: [Column<TradeoffRow>; 9] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", name),
    Column::number("target metric", |row| {
        maybe(row.target_mean, |value| metric(row, value))
    }),
    Column::number("probe error", |row| maybe(row.source_mean, percent)),
    Column::number("curve at equal target", |row: &TradeoffRow| {
        maybe(row.curve_source, percent)
    })
    .under(|row| Some(format!("at α = {}", plain(row.alpha?, 2)))),
    Column::number("difference (95\u{a0}%)", |row: &TradeoffRow| {
        maybe(row.difference, points)
    })
    .under(|row| interval(row.lower, row.upper, points)),
    Column::text("verdict", verdict).under(|row| Some(format!("p {}", chance(row.adjusted?)))),
    Column::number("hypervolume (95\u{a0}%)", |row: &TradeoffRow| {
        maybe(row.hypervolume, three)
    })
    .under(|row| interval(row.hypervolume_lower, row.hypervolume_upper, three)),
    Column::number("seeds", |row| maybe(row.seeds, whole)),
];

/// A method, or all of its interpolations.
fn name(row: &TradeoffRow) -> String {
    let title = methods::title(&row.method);
    if row.points > 1 {
        format!("{title}, interpolated ({} points)", row.points)
    } else {
        title
    }
}

fn three(value: f64) -> String {
    plain(value, 3)
}

/// A value of the target metric.
fn metric(row: &TradeoffRow, value: f64) -> String {
    if is_share(&row.metric) {
        percent(value)
    } else {
        plain(value, 3)
    }
}

/// Percentage points with their sign.
fn points(difference: f64) -> String {
    Unit::Share.show_difference(difference)
}

/// The verdict of the run's one rule in words, or why there is none.
fn verdict(row: &TradeoffRow) -> String {
    let said = match (row.verdict.as_deref(), row.why.as_deref()) {
        (Some("lower"), _) => "keeps more",
        (Some("higher"), _) => "keeps less",
        (Some("not shown"), _) => "no difference shown",
        (Some(_), _) => "not tested",
        (None, Some(why)) => why,
        (None, None) => "–",
    };
    said.to_owned()
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if data.tables.get::<TargetRow>()?.is_none() {
        return Ok(vec![Block::Absent("the trade-off", TargetRow::FILE)]);
    }
    let mut blocks = vec![Block::figure()];
    let Some(table) = data.tables.get::<TradeoffRow>()? else {
        blocks.push(Block::Absent(
            "the source error at equal target error",
            TradeoffRow::FILE,
        ));
        return Ok(blocks);
    };
    blocks.push(Block::words(told(&table)));
    let more = |row: &TradeoffRow| row.curve.is_some() || row.hypervolume.is_some();
    if !table.rows.iter().any(more) {
        // The means alone stand under “Results”.
        return Ok(blocks);
    }
    let title = "Target and source together";
    blocks.push(Block::Table(Grid::of(title, &table, &COLUMNS)));
    blocks.push(Block::Note(READING.into()));
    Ok(blocks)
}

/// What the differences at equal target error come to, method by method.
fn told(table: &Table<TradeoffRow>) -> String {
    let curve = table.rows.iter().find_map(|row| row.curve.as_deref());
    let Some(curve) = curve else {
        return "No encoder was interpolated in this run (measures.interpolation), so methods are not compared at equal target error.".into();
    };
    let compared = || table.rows.iter().filter(|row| row.curve.is_some());
    let count = |verdict: &str| {
        let own = compared().filter(|row| row.verdict.as_deref() == Some(verdict));
        own.count()
    };
    let outside = compared().filter(|row| row.difference.is_none()).count();
    let all = compared().count();
    let (more, less, not) = (count("lower"), count("higher"), count("not shown"));
    let untested = count("not tested");
    let parts = [
        (more, "shown to keep more of the source"),
        (less, "shown to keep less"),
        (not, "not shown to differ"),
        (untested, "not tested, of one seed"),
        (outside, "not comparable, outside the curve"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", counted(*count)))
        .collect();
    format!(
        "Against interpolating {}, at equal target error: of {} pairs of a method and a target, {}.",
        methods::phrase(curve),
        counted(all),
        said.join("; ")
    )
}
