//! Aligned against unaligned: what each method changes against plain fine-tuning and what MoNA
//! changes against each of the others, as paired differences; D through the embedder at every
//! stage; and the course of stage 1.

use maud::{Markup, html};

use super::chapters::{Caption, figure, method, not_run};
use super::data::{Data, Line, Table, rows};
use super::number::{chance, cite, maybe, percent, plain, range, whole};
use super::sheet::{Column, sheet};
use crate::figure::layout::distinct;
use crate::figure::probe::PRETRAINED;
use crate::figure::{FigureError, optional, paired, palette, stage1 as figure10};
use crate::table::{PairedRow, SeedRow, Stage1Row, StageRow};
use crate::transfer::methods::{METHODS, Method, Role};

/// Reader's name of a quantity.
fn quantity(id: &str) -> String {
    match id {
        "source-error" => "probe error on the surrogate",
        "target-error" => "test error on the target",
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
    match quantity.ends_with("error") {
        true => percent(value),
        false => plain(value, 3),
    }
}

/// A difference, with its sign.
fn signed(row: &PairedRow, difference: f64) -> String {
    let sign = if difference > 0.0 { "+" } else { "" };
    let said = match row.quantity.ends_with("error") {
        true => format!("{sign}{:.1}", 100.0 * difference),
        false => format!("{sign}{difference:.3}"),
    };
    said.replace('-', "\u{2212}")
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

/// What a side is called; the encoder before any transfer is no method.
fn side(id: &str) -> String {
    match id {
        PRETRAINED => "pretrained".into(),
        other => method(other),
    }
}

/// The rule of verdicts, as every page states it.
pub const RULE: &str = "A difference is called one where both hold: its p, corrected by Holm's method for everything that this page calls different (all rows of the table of paired differences and all claims to be best), is at most 0.05, and its own interval is clear of zero. The interval joins Student's t over seeds with the noise of test samples, whole groups of which (a clip, a recording, a person) are drawn where a dataset knows them; p is where that interval would end at zero, and no less than an exact sign-flip test over the groups gives. Numbers known once a seed (alignment, uniformity, D, metrics other than the error) have Student's t over seeds alone: the choice of test samples is not in it. Nor is another source model, another split or, for the probe, another training part of the surrogate, in anything. One seed gives no verdict.";

/// What is said where an older version's verdicts were judged again.
pub const AGAIN: &str = "The tables of this run were written by an older version, whose intervals were bootstraps over few seeds. They hold every seed but not every sample, so verdicts were judged again by Student's t over seeds with Holm's correction; the old interval, which knows the samples, has to be clear of zero too. Intervals shown are the wider of both.";

/// The chapter: figure 6, its table, D by stage and stage 1.
pub fn chapter(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Difference between MoNA and Emb, and between each method and plain fine-tuning (NFT), on each target: the error of a linear probe on the surrogate through the transferred encoder, and the error on the target's own test part.",
        computed: "Paired: the same seeds, the same test samples. The bar is a 95 % interval that joins Student's t over seeds with the noise of test samples (of whole groups, where a dataset has them). The small marks above a bar are the single seeds; the number on the right is the mean difference in percentage points.",
        read: "Left of the dashed line the method errs less than the other. Numbers in bold are shown to differ: after Holm's correction for everything that the page says. MoNA against Emb comes first: both have a warmed-up embedder and differ in the outer loss alone, while MoNA against NFT mixes the effects of the warm-up and of alignment.",
        limits: "Few seeds say little: Student's t at two seeds is 12.7 standard errors, at three 4.3; bars end where the axis does. A bar is for its own difference; only numbers in bold are corrected for their number. One seed gives a bar for its test samples, and no verdict.",
    };
    let columns = [
        Column::text("target", |row: &PairedRow| row.target_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::text("against", |row| side(&row.baseline)),
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
    let by_seed = [
        Column::text("target", |row: &SeedRow| row.target_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::text("against", |row| side(&row.baseline)),
        Column::text("quantity", |row| quantity(&row.quantity)),
        Column::number("seed", |row| whole(row.seed)),
        Column::number("method", |row| value(&row.quantity, row.method_value)),
        Column::number("baseline", |row| value(&row.quantity, row.baseline_value)),
    ];
    Ok(html! {
        @match &data.paired {
            Some(table) => {
                @if let Some(drawn) = drawable(paired::figure(&table.rows, rows(&data.seeds)))? {
                    (figure(6, "Aligned against unaligned.", &drawn.panel_svgs()?, &CAPTION))
                }
                p { (RULE) @if data.judged_again { " " (AGAIN) } }
                (sheet("All paired differences", table, &columns))
                @if let Some(table) = &data.seeds { (sheet("Both sides of every difference, seed by seed", table, &by_seed)) }
            }
            None => (not_run("the comparison of methods", "paired.csv")),
        }
        (stages(data))
        (stage1(data)?)
    })
}

/// A figure that the table has nothing for is left out; other errors stand.
pub fn drawable<T>(figure: Result<T, FigureError>) -> Result<Option<T>, FigureError> {
    match optional(figure) {
        Err(FigureError::Content { .. }) => Ok(None),
        other => other,
    }
}

/// D before and after stage 1 and after the fine-tuning.
fn stages(data: &Data) -> Markup {
    let Some(table) = &data.stages else {
        return not_run("D at every stage of the transfers", "stages.csv");
    };
    let columns = [
        Column::text("target", |row: &StageRow| row.target_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::text("embedder", |row| row.stage.clone()),
        Column::number("D", |row| plain(row.value, 3)),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, |v| plain(v, 3))
        }),
        Column::number("D / null", |row| maybe(row.normalized, |v| plain(v, 3))),
    ];
    html! {
        p {
            "D through the target's embedder as the transfer starts, after stage 1 (for methods that have one), and after the fine-tuning; always into the pretrained encoder and predictor. A stage 1 that brings the target nearer to what the source model knows lowers it."
        }
        (sheet("D at every stage", table, &columns))
    }
}

/// The course of stage 1.
fn stage1(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Alignment and uniformity of the source batches that stage 1 looks at, epoch by epoch: the line is the mean over seeds, every seed a faint mark.",
        computed: "On the source batch after the simulated step on the target batch (the inner step of the bilevel problem), averaged over the batches of an epoch.",
        read: "A line that falls says that the embedder learns to hand the target over in a way that leaves the source's classes tight and spread; a flat one, that stage 1 changed nothing the source would notice.",
        limits: "One simulated step ahead, on batches: small numbers of either are not those of figure 7, which looks at the whole surrogate after the fine-tuning.",
    };
    let Some(table) = &data.stage1 else {
        return Ok(Markup::default());
    };
    let columns = [
        Column::text("target", |row: &Stage1Row| row.target_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::number("epoch", |row| whole(row.epoch)),
        Column::number("task loss", |row| maybe(row.inner, |v| plain(v, 3))),
        Column::number("alignment", |row| maybe(row.align, |v| plain(v, 3))),
        Column::number("uniformity", |row| maybe(row.uniform, |v| plain(v, 3))),
        Column::number("outer share", |row| {
            maybe(row.outer_share, |v| {
                format!("{v:.1e}").replace('-', "\u{2212}")
            })
        }),
        Column::number("OTDD", |row| maybe(row.otdd, |v| plain(v, 3))),
        Column::number("converged", |row| maybe(row.converged, percent)),
    ];
    Ok(html! {
        p {
            "Stage 1 trains the embedder alone. For MoNA, “outer share” is the norm of the outer loss's part of the embedder's gradient relative to the task loss's part: where it is next to nothing, MoNA takes the steps of Emb."
        }
        @if let Some(drawn) = drawable(figure10::figure(&table.rows))? {
            (figure(10, "The source over stage 1.", &drawn.panel_svgs()?, &CAPTION))
        }
        (sheet("Stage 1, epoch by epoch", table, &columns))
    })
}

/// What the finding says of a proposed method against each other method: first against its contrast,
/// which differs from it in nothing but what it proposes.
pub fn finding(table: &Table<PairedRow>) -> Markup {
    let proposed = METHODS.iter().filter(|m| m.role == Role::Proposed);
    html! { @for method in proposed { (of_method(table, method)) } }
}

fn of_method(table: &Table<PairedRow>, method: &Method) -> Markup {
    let own = || {
        let own = table.lines().filter(|line| line.row.method == method.name);
        own.filter(|line| line.row.baseline != PRETRAINED)
    };
    let mut baselines = distinct(own().map(|line| line.row.baseline.as_str()));
    baselines.sort_by_key(|baseline| Some(*baseline) != method.contrast);
    let contrast = method.contrast.map(|name| palette::method(name, 0).0);
    html! {
        @if !baselines.is_empty() {
            p {
                "Aligned (" (method.title) ") against unaligned, paired over seeds and test samples."
                @if let Some(contrast) = contrast {
                    @if Some(baselines[0]) == method.contrast {
                        " " (contrast) " warms the embedder up as " (method.title) " does, without aligning it: only this difference is the effect of alignment. Against other methods the warm-up counts too."
                    } @else {
                        " No run of " (contrast) " stands beside it, so the effect of alignment cannot be told from that of warming the embedder up."
                    }
                }
            }
            ul.methods {
                @for baseline in baselines {
                    @let of = |quantity: &str| -> Vec<Line<'_, PairedRow>> {
                        own().filter(|line| line.row.baseline == baseline && line.row.quantity == quantity).collect()
                    };
                    li {
                        "Against " (palette::method(baseline, 0).0) ", the probe error on the surrogate is "
                        (sorted(&of("source-error")))
                        "; the test error on the target is "
                        (sorted(&of("target-error"))) "."
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
        let own: Vec<_> = lines
            .iter()
            .filter(|l| verdict(l.row) == verdicts)
            .collect();
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
                @if place > 0 { (if place + 1 == own.len() { " and " } else { ", " }) }
                b { (line.row.target_title) } " (" (cite(**line, &signed(line.row, line.row.difference))) ")"
            }
        }
    }
}
