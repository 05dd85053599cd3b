//! The chapters with results: figures with their captions, and the tables behind them. A caption
//! says what is shown, how it was computed, how to read it and what it does not say.

use maud::{Markup, PreEscaped, html};

use super::comparison::drawable;
use super::data::{Data, Table};
use super::number::{maybe, percent, plain, range, whole};
use super::sheet::{Column, rows, sheet, source};
use crate::figure::discrepancy::divergence_name;
use crate::figure::layout::distinct;
use crate::figure::{FigureError, curves, discrepancy, geometry, palette, probe};
use crate::table::{DiscrepancyRow, GeometryRow, ProbeRow, TargetRow, TsneRow};

/// The four parts of a caption.
pub struct Caption {
    /// What the marks are.
    pub shown: &'static str,
    /// How they came about.
    pub computed: &'static str,
    /// How to read them.
    pub read: &'static str,
    /// What they do not say.
    pub limits: &'static str,
}

/// A figure: panels that wrap on narrow pages, and its caption.
pub fn figure(number: u8, title: &str, panels: &[String], caption: &Caption) -> Markup {
    let none = Markup::default();
    figure_with(number, title, panels, caption, none.clone(), none)
}

/// The same with something above its panels and something after them.
pub fn figure_with(
    number: u8,
    title: &str,
    panels: &[String],
    caption: &Caption,
    above: Markup,
    below: Markup,
) -> Markup {
    let (layout, class) = match panels.len() {
        0 | 1 => ("beside", "panels"),
        _ if number == 1 => ("beside", "panels chains"),
        // Heat maps carry names on both sides.
        _ if number == 9 => ("wide", "panels many pair"),
        count if count.is_multiple_of(4) => ("wide", "panels many four"),
        _ => ("wide", "panels many"),
    };
    html! {
        figure id={ "figure-" (number) } class=(layout) {
            (above)
            div class=(class) { @for panel in panels { div.panel { (PreEscaped(panel)) } } }
            (below)
            figcaption {
                p.name { b { "Figure " (number) "." } " " (title) }
                dl.caption {
                    dt { "Shown" } dd { (caption.shown) }
                    dt { "Computed" } dd { (caption.computed) }
                    dt { "Reading" } dd { (caption.read) }
                    dt { "Limits" } dd { (caption.limits) }
                }
            }
        }
    }
}

/// A part of the run that is missing.
pub fn not_run(what: &str, file: &str) -> Markup {
    html! { p.absent { b { "not run" } " – " (what) " is missing: the run has no " code { "tables/" (file) } "." } }
}

/// Reader's name of a method.
pub fn method(id: &str) -> String {
    if id == "-" {
        "–".to_owned()
    } else {
        palette::method(id, 0).0
    }
}

/// How good the t-SNE maps of a table are, a line an encoder.
pub fn quality(table: &Table<TsneRow>) -> Markup {
    let encoders = distinct(table.rows.iter().map(|row| row.encoder.as_str()));
    let first = |encoder: &&str| table.lines().find(|line| line.row.encoder == **encoder);
    let columns = [
        Column::text("encoder", |row: &TsneRow| row.encoder_title.clone()),
        Column::number("KL divergence", |row| maybe(row.kl, |kl| plain(kl, 3))),
        Column::number("trustworthiness", |row| {
            maybe(row.trustworthiness, |value| plain(value, 3))
        }),
    ];
    html! {
        details.sheet open {
            summary { "Quality of the maps" }
            (rows(encoders.iter().filter_map(first), &columns))
            (source(table))
        }
    }
}

/// Figure 3.
pub fn distortion(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Test error of a linear probe on the surrogate for each target (and method) the encoder was transferred to. The dashed line is the pretrained encoder, the dotted one a probe on raw pixels.",
        computed: "Features through the original source embedder; multinomial logistic regression, its regularisation C chosen on a validation part. Intervals are Wilson 95 % intervals of the test error.",
        read: "Above the dashed line source knowledge was lost to the transfer; below it the transfer improved the features even for the source. The height above the line is the distortion.",
        limits: "The intervals cover the choice of test samples, not the chance of training: other seeds may move a point further. Intervals that do not overlap are a cautious sign of a difference; overlapping ones prove no equality.",
    };
    const OVER_EPOCHS: &str = "Test error of a linear probe on the surrogate as the transfer goes on, one panel per target and one line per method (the mean over seeds; every seed as a faint mark). The dashed line is the pretrained encoder.";
    let Some(table) = &data.probe else {
        return Ok(not_run("the linear probe", "probe.csv"));
    };
    let columns = [
        Column::text("encoder", |row: &ProbeRow| row.encoder_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("epochs", |row| maybe(row.epochs, whole)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::number("probe error", |row| percent(row.error)),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, percent)
        }),
        Column::number("C", |row| maybe(row.c, |c| format!("{c}"))),
        Column::number("fitted on", |row| maybe(row.n_train, whole)),
        Column::number("tested on", |row| maybe(row.n_test, whole)),
    ];
    let drawn = match probe::figure(&table.rows) {
        Ok(drawn) => {
            let shown = if drawn.panels.len() > 1 {
                OVER_EPOCHS
            } else {
                CAPTION.shown
            };
            let caption = Caption { shown, ..CAPTION };
            figure(
                3,
                "Distortion of the source knowledge.",
                &drawn.panel_svgs()?,
                &caption,
            )
        }
        Err(FigureError::Content { .. }) => not_run("any probed encoder", "probe.csv with rows"),
        Err(error) => return Err(error),
    };
    Ok(html! {
        (drawn)
        (sheet("Table behind figure 3", table, &columns))
    })
}

/// Figure 4 and the matched classes.
pub fn discrepancies(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "The modality knowledge discrepancy D between the source modality and each target, with the bootstrap 95 % interval of what the matching found costs on new samples; the same measure with shuffled target labels (grey); and chance, the level of guessing.",
        computed: "Target samples pass through their embedder into the source model, whose class probabilities are compared with the target's labels. D is the least divergence over all ways to give each target class a source class of its own. For divergences that add up over pairs (0/1 error, cross-entropy, Brier, total variation) this is an assignment problem and the optimum is exact; for renormalised ones the table gives a lower bound and the gap.",
        read: "Small D: some choice of source classes already answers the target's question. D at the level of shuffled labels: the source model's knowledge says nothing about the target's classes. D / null makes targets with different numbers of classes comparable.",
        limits: "The bars are no interval of D itself, which is the least cost of all matchings: the matching found costs more on average (the table has a conservative interval of D). Windows of one clip, repetition or record are drawn together. D depends on the embedder and on the divergence. With many source classes the best of many matchings looks good by luck; that is what the shuffled labels are there to show.",
    };
    let Some(table) = &data.discrepancy else {
        return Ok(not_run("the discrepancy", "discrepancy.csv"));
    };
    if table.rows.is_empty() {
        return Ok(not_run(
            "every row of the discrepancy",
            "discrepancy.csv with rows",
        ));
    }
    let columns = [
        Column::text("target", |row: &DiscrepancyRow| row.target_title.clone()),
        Column::text("divergence", |row| divergence_name(&row.divergence)),
        Column::text("embedder", |row| method(&row.embedder)),
        Column::number("D", |row| plain(row.value, 3)),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, |value| plain(value, 3))
        }),
        Column::number("null", |row| maybe(row.null_mean, |value| plain(value, 3))),
        Column::number("null interval", |row| {
            range(row.null_lower, row.null_upper, |value| plain(value, 3))
        }),
        Column::number("D / null", |row| {
            maybe(row.normalized, |value| plain(value, 3))
        }),
        Column::number("chance", |row| maybe(row.chance, |value| plain(value, 3))),
        Column::number("lower bound", |row| {
            maybe(row.lower_bound, |value| plain(value, 3))
        }),
        Column::number("gap", |row| maybe(row.gap, |value| plain(value, 3))),
        Column::text("optimum", |row| {
            if row.certified {
                "certified"
            } else {
                "not certified"
            }
            .to_owned()
        }),
        Column::number("interval of D itself", |row| {
            range(row.infimum_lower, row.infimum_upper, |value| {
                plain(value, 3)
            })
        }),
        Column::number("samples", |row| maybe(row.n, whole)),
        Column::text("groups", groups),
        Column::number("classes", |row| {
            let (target, source) = (row.target_classes, row.source_classes);
            format!("{} into {}", maybe(target, whole), maybe(source, whole))
        }),
    ];
    let drawn = discrepancy::figure(&table.rows)?;
    Ok(html! {
        (figure(4, "Modality knowledge discrepancy.", &drawn.panel_svgs()?, &CAPTION))
        @for sentence in few_groups(&table.rows) { p.note { (sentence) } }
        (sheet("Table behind figure 4", table, &columns))
    })
}

/// How many groups a D rests on, in words.
fn groups(row: &DiscrepancyRow) -> String {
    let (Some(groups), Some(least)) = (row.groups, row.groups_per_class) else {
        return "not recorded: samples were drawn".into();
    };
    match &row.unit {
        None => "every sample its own".into(),
        Some(unit) => format!("{groups} {unit}s, {least} of the rarest class"),
    }
}

/// Targets whose D rests on few groups of a class, in a sentence each.
fn few_groups(rows: &[DiscrepancyRow]) -> Vec<String> {
    const FEW: u64 = 5;
    let few = |row: &&DiscrepancyRow| {
        row.embedder == "initial"
            && row.unit.is_some()
            && row.groups_per_class.is_some_and(|n| n < FEW)
    };
    let sentence = |row: &DiscrepancyRow| {
        let unit = row.unit.as_deref().unwrap_or("group");
        format!(
            "{}: {} {unit}s carry this D, of the rarest class {}; some of them choose the matching, the others judge it.",
            row.target_title,
            maybe(row.groups, whole),
            maybe(row.groups_per_class, whole),
        )
    };
    rows.iter().filter(few).map(sentence).collect()
}

/// Results on the targets themselves, and figure 5.
pub fn targets(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "The metric (error, where not said otherwise) on each target's validation part after every epoch of its transfer.",
        computed: "Counted by the run while training; several seeds are averaged, with each seed as a faint mark.",
        read: "A curve that still falls at its end was stopped early; one that rises at its end overfitted. The epoch used is in the table.",
        limits: "Where the validation part chose the epoch, its error is a little too kind; the test errors in the table are not.",
    };
    let columns = [
        Column::text("target", |row: &TargetRow| row.target_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::text("metric", |row| row.metric.clone()),
        Column::number("test", |row| scored(row, Some(row.test))),
        Column::number("chance", |row| scored(row, row.chance)),
        Column::number("validation", |row| scored(row, row.valid)),
        Column::number("epochs", |row| maybe(row.epochs, whole)),
        Column::number("chosen", |row| maybe(row.best_epoch, whole)),
        Column::number("n train", |row| maybe(row.n_train, whole)),
        Column::number("n valid.", |row| maybe(row.n_valid, whole)),
        Column::number("n test", |row| maybe(row.n_test, whole)),
        Column::text("shape", |row| row.shape.clone()),
        Column::number("seconds", |row| maybe(row.seconds, |value| plain(value, 1))),
    ];
    let curves = data.curves.as_ref().filter(|table| !table.rows.is_empty());
    Ok(html! {
        @match &data.targets {
            Some(table) => (sheet("All trainings", table, &columns)),
            None => (not_run("every target result", "targets.csv")),
        }
        @match curves {
            Some(table) => {
                (figure(5, "Training on the targets.", &curves::figure(&table.rows)?.panel_svgs()?, &CAPTION))
                (source(table))
            }
            None => (not_run("the record of training", "curves.csv")),
        }
    })
}

/// Errors are fractions; other metrics stand as they are.
fn scored(row: &TargetRow, value: Option<f64>) -> String {
    maybe(value, |value| match row.metric.as_str() {
        "error" | "accuracy" => percent(value),
        _ => plain(value, 4),
    })
}

/// Alignment and uniformity, with figure 7 where they were measured over epochs.
pub fn geometry(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Alignment (upper row) and uniformity (lower row) of the surrogate's test features as each transfer goes on, one column per target, one line per method. The dashed line is the pretrained encoder.",
        computed: "From the encoders kept after chosen epochs, always through the original source embedder; the mean over seeds, every seed as a faint mark. Epoch 0 is the start of the fine-tuning.",
        read: "Both are better when lower. A line that climbs away from the dashed one shows source classes that spread, or features that crowd together.",
        limits: "Alignment and uniformity trade against each other: features that collapse to a point align perfectly. Neither alone says how well classes are told apart; the probe of figure 3 does.",
    };
    let Some(table) = &data.geometry else {
        return Ok(not_run("alignment and uniformity", "geometry.csv"));
    };
    let columns = [
        Column::text("encoder", |row: &GeometryRow| row.encoder_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("epochs", |row| maybe(row.epochs, whole)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::number("alignment", |row| plain(row.align, 3)),
        Column::number("uniformity", |row| plain(row.uniform, 3)),
    ];
    Ok(html! {
        p {
            "Two more views of the same surrogate features, on the unit sphere. Alignment, in [0, 4], is the mean squared distance of two samples of one class; uniformity, in [\u{2212}8, 0], is the logarithm of the mean of e"
            sup { "\u{2212}2‖f\u{2009}\u{2212}\u{2009}f′‖²" }
            " over pairs. Lower is better for both: classes close together, features spread out."
        }
        @if let Some(drawn) = drawable(geometry::figure(&table.rows))? {
            (figure(7, "Geometry of the surrogate features over epochs.", &drawn.panel_svgs()?, &CAPTION))
        }
        (sheet("Geometry of the surrogate features", table, &columns))
    })
}
