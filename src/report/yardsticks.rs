//! The chapter of other yardsticks: what the measures that the field also uses say of encoders and of
//! targets, each with its direction and range, and whether they order the targets as D does.

use maud::{Markup, html};

use super::chapters::{Caption, figure, method, not_run};
use super::comparison::drawable;
use super::data::{Data, Line, Table};
use super::number::{cite, maybe, percent, plain, whole};
use super::sheet::{Column, sheet};
use crate::figure::{FigureError, agreement};
use crate::table::{CkaRow, DiscrepancyRow, Row, TransferabilityRow, YardstickRow};

/// A yardstick of a target: name, range, whether higher is nearer, value.
type Yardstick = (
    &'static str,
    &'static str,
    bool,
    fn(&TransferabilityRow) -> Option<f64>,
);

const OF_TARGETS: [Yardstick; 6] = [
    ("LEEP", "at most 0", true, |row| row.leep),
    ("NCE", "\u{2212}log K to 0", true, |row| row.nce),
    ("LogME", "any number", true, |row| row.logme),
    ("H-score", "0 to K \u{2212} 1", true, |row| row.hscore),
    ("modality gap", "0 to 2", false, |row| row.gap),
    ("OTDD", "from 0", false, |row| row.otdd),
];

/// The chapter: figure 8 and the three tables.
pub fn chapter(data: &Data) -> Result<Markup, FigureError> {
    Ok(html! {
        (encoders(data))
        (agreements(data)?)
        h3 { "Of the targets, beside D" }
        (targets(data))
    })
}

fn encoders(data: &Data) -> Markup {
    let Some(table) = &data.yardsticks else {
        return not_run("the yardsticks of the encoders", "yardsticks.csv");
    };
    let columns = [
        Column::text("encoder", |row: &YardstickRow| row.encoder_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("epochs", |row| maybe(row.epochs, whole)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::number("CKA with pretrained", |row| maybe(row.cka, |v| plain(v, 3))),
        Column::number("k-NN accuracy", |row| maybe(row.knn, percent)),
        Column::number("silhouette", |row| maybe(row.silhouette, |v| plain(v, 3))),
        Column::number("LogME", |row| maybe(row.logme, |v| plain(v, 3))),
        Column::number("H-score", |row| maybe(row.hscore, |v| plain(v, 3))),
        Column::number("samples", |row| maybe(row.n, whole)),
    ];
    html! {
        p {
            "More views of the surrogate's test features under each encoder. CKA (linear, debiased, in [\u{2212}1, 1]) says how much of the pretrained representation is left: 1 is all of it, up to rotation and scale, and about 0 none. The other four ask how well features hold the surrogate's classes, and higher is better for each: the accuracy of the nearest neighbours' vote among training samples by cosine, the silhouette in [\u{2212}1, 1], LogME (any number), and the H-score (from 0 to about K\u{a0}\u{2212}\u{a0}1 for K classes, its covariance shrunk after Ledoit and Wolf)."
        }
        (sheet("Yardsticks of every encoder", table, &columns))
    }
}

fn agreements(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Centred kernel alignment between the encoders of figure 2, by their features of the surrogate's test samples. The darker a cell, the more the two encoders agree.",
        computed: "Linear CKA with the unbiased estimator of Song et al. in numerator and root, so that few samples do not raise it; the same samples for every encoder, always through the original source embedder.",
        read: "The first row says how far each transfer moved the representation of the source. Two targets that agree with each other more than with the pretrained encoder moved it the same way.",
        limits: "CKA weighs directions by their variance: a change in few strong directions counts more than one in many weak ones. A representation may change much and still hold the classes; the probe of figure 3 says whether it does.",
    };
    let Some(table) = &data.cka else {
        return Ok(not_run("CKA between the encoders", "cka.csv"));
    };
    let columns = [
        Column::text("encoder", |row: &CkaRow| row.encoder_title.clone()),
        Column::text("other", |row| row.other_title.clone()),
        Column::number("CKA", |row| maybe(row.value, |v| plain(v, 3))),
        Column::number("samples", |row| maybe(row.n, whole)),
    ];
    Ok(html! {
        @if let Some(drawn) = drawable(agreement::figure(&table.rows, 8))? {
            (figure(8, "Agreement of the encoders.", &drawn.panel_svgs()?, &CAPTION))
        }
        (sheet("Table behind figure 8", table, &columns))
    })
}

fn targets(data: &Data) -> Markup {
    let Some(table) = &data.transferability else {
        return not_run("the yardsticks of the targets", "transferability.csv");
    };
    fn defined(row: &TransferabilityRow, value: Option<f64>) -> String {
        let absent = if row.undefined.is_some() {
            "not defined"
        } else {
            "–"
        };
        value.map_or_else(|| absent.to_owned(), |v| plain(v, 3))
    }
    let columns = [
        Column::text("target", |row: &TransferabilityRow| {
            row.target_title.clone()
        }),
        Column::number("LEEP", |row| defined(row, row.leep)),
        Column::number("NCE", |row| defined(row, row.nce)),
        Column::number("LogME", |row| defined(row, row.logme)),
        Column::number("H-score", |row| defined(row, row.hscore)),
        Column::number("modality gap", |row| defined(row, row.gap)),
        Column::number("OTDD", |row| defined(row, row.otdd)),
        Column::text("OTDD converged", |row| match row.otdd_converged {
            Some(0) => "no".to_owned(),
            Some(_) => "yes".to_owned(),
            None => "–".to_owned(),
        }),
        Column::number("samples", |row| maybe(row.n, whole)),
        Column::number("in the OTDD", |row| {
            let sides = row.n_otdd_source.zip(row.n_otdd_target);
            maybe(sides, |(from, to)| {
                format!("{} and {}", whole(from), whole(to))
            })
        }),
    ];
    let undefined = || table.rows.iter().filter(|row| row.undefined.is_some());
    html! {
        p {
            "What other measures of transferability say of each target as its transfer starts, its test samples going through its first embedder into the pretrained model. LEEP and NCE, in nats, ask how well the source model's classes predict the target's: LEEP from its probabilities, NCE from its most probable class. LogME and the H-score ask how well its features separate the target's classes. The modality gap is the distance between the mean directions of target and surrogate features; OTDD, debiased, is the cost of moving the embedded source onto the embedded target with its labels, the quantity that ORCA lowers."
        }
        (orders(data, table))
        (sheet("Yardsticks of every target", table, &columns))
        @for row in undefined() {
            p.hint { (row.target_title) ": not defined: " (maybe(row.undefined.as_deref(), str::to_owned)) "." }
        }
    }
}

/// The targets from near to far, by D and by every yardstick.
fn orders(data: &Data, table: &Table<TransferabilityRow>) -> Markup {
    let initial = data.discrepancy.iter().flat_map(|d| d.lines());
    let initial = initial.filter(|line| line.row.embedder == "initial");
    let d: Vec<_> = initial.map(|line| (line, line.row.value)).collect();
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "measure" }
                th scope="col" { "range" }
                th scope="col" { "nearer is" }
                th scope="col" { "targets from near to far" }
            } }
            tbody {
                tr {
                    td { b { "D" } } td { "0 to 1" } td { "lower" }
                    td.wrap { (ordered(d, false, |row: &DiscrepancyRow| &row.target_title)) }
                }
                @for (name, range, higher, value) in OF_TARGETS {
                    @let known = table.lines().filter_map(|line| Some((line, value(line.row)?)));
                    tr {
                        td { (name) } td { (range) } td { (if higher { "higher" } else { "lower" }) }
                        td.wrap { (ordered(known.collect(), higher, |row: &TransferabilityRow| &row.target_title)) }
                    }
                }
            }
        } }
        p.hint {
            "Measures that order the targets alike agree on what is near; none is right by definition. LogME, NCE and the H-score also depend on the number of classes, which the targets may not share."
        }
    }
}

/// Titles with their values, nearest first; each value leads to its row.
fn ordered<R: Row>(
    mut lines: Vec<(Line<'_, R>, f64)>,
    higher: bool,
    title: fn(&R) -> &String,
) -> Markup {
    lines.sort_by(|(_, a), (_, b)| {
        if higher {
            b.total_cmp(a)
        } else {
            a.total_cmp(b)
        }
    });
    html! {
        @if lines.is_empty() { span.absent { "not measured" } }
        @for (place, (line, value)) in lines.iter().enumerate() {
            @if place > 0 { ", " }
            (title(line.row)) " (" (cite(*line, &plain(*value, 3))) ")"
        }
    }
}
