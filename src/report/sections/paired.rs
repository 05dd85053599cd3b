//! Aligned against unaligned: paired differences between methods, with verdicts by the run's one rule.

mod figure;

use maud::{Markup, html};

use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::measure::about::Unit;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Column, Grid};
use crate::report::number::{chance, cite, maybe, percent, plain, range, whole};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::report::verdict::{AGAIN, RULE, lead};
use crate::table::{PRETRAINED, PairedRow, RECALL_ERROR, Row, SeedRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "paired",
    title: "Methods against each other",
    tables: &[PairedRow::FILE, SeedRow::FILE],
    figure: Some(Drawing {
        name: "paired",
        title: "Paired differences between methods.",
        caption: Caption {
            shown: "Difference between a proposed method and its control, and between each method and plain fine-tuning, on each target: the error of a linear probe on the surrogate through the transferred encoder, and the error (of pictures with captions 1 − mean recall) on the target's own test part.",
            computed: "Paired: the same seeds, the same test samples. The bar is a 95 % interval that joins Student's t over seeds with the noise of test samples (of whole groups, where a dataset has them). The small marks above a bar are the single seeds; the number on the right is the mean difference in percentage points.",
            reading: "Left of the dashed line the method errs less than the other. Numbers in bold are shown to differ: after Holm's correction for everything that the page says. The control of a proposed method comes first. MoNA and Emb both have a warmed-up embedder and differ in the outer loss alone, while MoNA against plain fine-tuning mixes the effects of the warm-up and of alignment; HarMA and bottleneck adapters stand in the same places of the same frozen towers.",
            limits: "Few seeds say little: Student's t at two seeds is 12.7 standard errors, at three 4.3; bars end where the axis does. A bar is for its own difference; only numbers in bold are corrected for their number. One seed gives a bar for its test samples, and no verdict.",
        },
        layout: Layout::Pair,
        draw: |tables| {
            let verdicts = tables.verdicts()?;
            let Some(table) = &verdicts.paired else {
                return figure::figure(&tables.needed::<PairedRow>()?.rows, &[]);
            };
            figure::figure(&table.rows, &tables.any::<SeedRow>()?.rows)
        },
    }),
    blocks,
    citations: &[],
};

const COLUMNS: [Column<PairedRow>; 13] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::text("against", |row| against(&row.baseline)),
    Column::text("quantity", |row| quantity(&row.quantity)),
    Column::number("method", |row| value(&row.quantity, row.method_mean)),
    Column::number("baseline", |row| value(&row.quantity, row.baseline_mean)),
    Column::number("difference", |row| signed(row, row.difference)),
    Column::number("95\u{a0}% interval", |row| {
        range(row.lower, row.upper, |end| signed(row, end))
    }),
    Column::number("p, corrected", |row| maybe(row.adjusted, chance)),
    Column::text("verdict", |row| verdict(row).to_owned()),
    Column::number("seeds", |row| maybe(row.seeds, whole)),
    Column::number("samples", |row| maybe(row.samples, whole)),
    Column::number("groups", |row| maybe(row.groups, whole)),
];

const BY_SEED: [Column<SeedRow>; 7] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::text("against", |row| against(&row.baseline)),
    Column::text("quantity", |row| quantity(&row.quantity)),
    Column::number("seed", |row| whole(row.seed)),
    Column::number("method", |row| value(&row.quantity, row.method_value)),
    Column::number("baseline", |row| value(&row.quantity, row.baseline_value)),
];

/// Reader's name of a quantity.
fn quantity(id: &str) -> String {
    match id {
        "source-error" => "probe error on the surrogate",
        "target-error" => "test error on the target",
        RECALL_ERROR => "1 − mean recall on the target",
        "target-metric" => "test metric on the target",
        "align" => "alignment",
        "uniform" => "uniformity",
        "d-stage-1" => "D before the fine-tuning",
        "d-fine-tuned" => "D after the fine-tuning",
        other => other,
    }
    .to_owned()
}

/// A value of a quantity: errors are shares, the rest plain numbers.
fn value(quantity: &str, value: f64) -> String {
    if quantity.ends_with("error") {
        percent(value)
    } else {
        plain(value, 3)
    }
}

/// A difference, with its sign.
fn signed(row: &PairedRow, difference: f64) -> String {
    let unit = if row.quantity.ends_with("error") {
        Unit::Share
    } else {
        Unit::Number(3)
    };
    unit.show_difference(difference)
}

/// The verdict of the run's one rule, in words.
fn verdict(row: &PairedRow) -> &'static str {
    match row.verdict.as_deref() {
        Some("lower") => "lower",
        Some("higher") => "higher",
        Some("not shown") => "no difference shown",
        _ => "not tested",
    }
}

/// What the other side is called; the encoder before any transfer is no method.
fn against(id: &str) -> String {
    match id {
        PRETRAINED => "pretrained".into(),
        other => methods::title(other),
    }
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let verdicts = data.tables.verdicts()?;
    let Some(table) = &verdicts.paired else {
        let what = "the comparison of methods";
        return Ok(vec![Block::Absent(what, PairedRow::FILE)]);
    };
    let mut blocks = vec![
        Block::Page(told(table)),
        Block::figure(),
        Block::Page(html! { p { (RULE) @if verdicts.again { " " (AGAIN) } } }),
        Block::Table(Grid::of("All paired differences", table, &COLUMNS)),
    ];
    if let Some(seeds) = data.tables.get::<SeedRow>()? {
        let title = "Both sides of every difference, seed by seed";
        blocks.push(Block::Table(Grid::of(title, &seeds, &BY_SEED)));
    }
    Ok(blocks)
}

/// What is said of the leading proposed method against each other method.
fn told(table: &Table<PairedRow>) -> Markup {
    let Some(method) = lead(&table.rows) else {
        return Markup::default();
    };
    let own = || {
        let own = table.lines().filter(|line| line.row.method == method);
        own.filter(|line| line.row.baseline != PRETRAINED)
    };
    let control = methods::contrast(method);
    let mut baselines = distinct(own().map(|line| line.row.baseline.as_str()));
    // What the proposal alone changes, first.
    baselines.sort_by_key(|baseline| Some(*baseline) != control);
    let clean = baselines
        .first()
        .copied()
        .filter(|first| Some(*first) == control);
    let name = methods::title(method);
    html! {
        @if !baselines.is_empty() {
            p {
                (name) " against the other methods, paired over seeds and test samples."
                @match (clean, control) {
                    (Some(clean), _) => {
                        " Only the difference to " (methods::phrase(clean)) ", its control, is the effect of what " (name) " proposes; other methods differ in more."
                    }
                    (None, Some(control)) => {
                        " No run of its control stands beside it (" (methods::phrase(control)) "), so the effect of what it proposes cannot be told from the rest of what it does."
                    }
                    (None, None) => {}
                }
            }
            ul.methods {
                @for baseline in baselines {
                    @let of = |quantity: &str| -> Vec<Line<'_, PairedRow>> {
                        own().filter(|line| line.row.baseline == baseline && line.row.quantity == quantity).collect()
                    };
                    li {
                        "Against " (methods::phrase(baseline)) ", the probe error on the surrogate is "
                        (sorted(&of("source-error")))
                        @for (quantity, said) in [("target-error", "the test error"), (RECALL_ERROR, "1 − mean recall")] {
                            @let own = of(quantity);
                            @if !own.is_empty() { "; " (said) " on the target is " (sorted(&own)) }
                        }
                        "."
                    }
                }
            }
            p.hint { "In percentage points. “Lower” and “higher” only beyond the noise of seeds and test samples, corrected for everything that the page says." }
        }
    }
}

/// "lower on A (−1.2) and B (−0.3); not shown to differ on C (+0.1)".
fn sorted(lines: &[Line<'_, PairedRow>]) -> Markup {
    let mut parts = Vec::new();
    for (verdicts, said) in [
        ("lower", "lower on "),
        ("higher", "higher on "),
        ("no difference shown", "not shown to differ on "),
        ("not tested", "not tested, of one seed, on "),
    ] {
        let own = lines.iter().filter(|l| verdict(l.row) == verdicts);
        let own: Vec<_> = own.collect();
        if !own.is_empty() {
            parts.push((said, own));
        }
    }
    html! {
        @if parts.is_empty() { "not measured" }
        @for (index, (said, own)) in parts.iter().enumerate() {
            @if index > 0 { ", " }
            (said)
            @for (place, line) in own.iter().enumerate() {
                (crate::report::words::joint(place, own.len()))
                b { (line.row.target_title) } " (" (cite(**line, &signed(line.row, line.row.difference))) ")"
            }
        }
    }
}
