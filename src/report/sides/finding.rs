//! The finding of a comparison in plain words: where each encoder is better or worse than the
//! reference beyond noise, and where no difference is shown.

use maud::{Markup, html};

use super::data::Data;
use crate::figure::sides::{measure_name, shown, signed};
use crate::report::data::Line;
use crate::report::number::cite;
use crate::table::{DifferenceRow, MeasureRow};

/// The paragraphs at the top of the page.
pub fn finding(data: &Data) -> Markup {
    let errors = data.measures.lines();
    let mut errors: Vec<Line<'_, MeasureRow>> = errors
        .filter(|line| line.row.measure == "probe-error" && line.row.value.is_some())
        .collect();
    errors.sort_by(|a, b| value(a).total_cmp(&value(b)));
    html! {
        @if let Some((best, rest)) = errors.split_first() {
            p.lead {
                "A linear probe errs on " (rate(best)) " of the test samples through "
                b { (best.row.side) }
                @for (place, line) in rest.iter().enumerate() {
                    (if place + 1 == rest.len() { " and on " } else { ", on " })
                    (rate(line)) " through " b { (line.row.side) }
                }
                "."
            }
        }
        ul.methods {
            @for side in data.record.others() {
                @let own = |verdict: &str| -> Vec<Line<'_, DifferenceRow>> {
                    let own = data.differences.lines();
                    own.filter(|line| line.row.side == side && line.row.verdict == verdict).collect()
                };
                li {
                    b { (side) } " against " (data.record.reference) ": "
                    (sorted(&[
                        ("better in ", own("better")),
                        ("worse in ", own("worse")),
                        ("not shown to differ in ", own("not shown")),
                        ("not tested in ", own("not tested")),
                    ]))
                    "."
                }
            }
        }
        p.hint { "Differences, side less reference; of shares in percentage points. “Better” and “worse” only beyond noise: after Holm's correction for all differences of this page, and with a paired 95\u{a0}% interval clear of zero." }
    }
}

fn value(line: &Line<'_, MeasureRow>) -> f64 {
    line.row.value.unwrap_or(f64::INFINITY)
}

fn rate(line: &Line<'_, MeasureRow>) -> Markup {
    cite(*line, &shown(&line.row.measure, value(line)))
}

/// "better in Probe error (−2.1), Silhouette (+0.10); worse in …".
fn sorted(parts: &[(&str, Vec<Line<'_, DifferenceRow>>)]) -> Markup {
    let parts: Vec<_> = parts
        .iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    html! {
        @if parts.is_empty() { "no measure could be tested" }
        @for (index, (said, lines)) in parts.iter().enumerate() {
            @if index > 0 { "; " }
            (said)
            @for (place, line) in lines.iter().enumerate() {
                @if place > 0 { (if place + 1 == lines.len() { " and " } else { ", " }) }
                (name(&line.row.measure))
                " (" (cite(*line, &signed(&line.row.measure, line.row.difference))) ")"
            }
        }
    }
}

/// Names of measures inside a sentence; those that are proper names keep their letters.
fn name(id: &str) -> String {
    match id {
        "logme" | "h-score" | "knn-accuracy" => measure_name(id),
        other => measure_name(other).to_lowercase(),
    }
}
