//! The one table of a comparison: a line for every measure, a column for every side, the reference
//! first; under every number its interval, beside it the mark of what changed beyond noise.

use maud::{Markup, html};

use super::data::Data;
use crate::figure::layout::distinct;
use crate::figure::sides::{measure_name, shown, signed};
use crate::report::data::Line;
use crate::report::number::cite;
use crate::table::{DifferenceRow, MeasureRow};

/// The table.
pub fn table(data: &Data) -> Markup {
    let record = &data.record;
    let mut sides = vec![record.reference.as_str()];
    sides.extend(record.others());
    let rows = &data.measures.rows;
    let measures = distinct(rows.iter().map(|row| row.measure.as_str()));
    html! {
        div.scroll tabindex="0" {
            table.overview {
                thead {
                    tr {
                        th scope="col" { "measure" }
                        @for side in &sides {
                            th.number scope="col" {
                                b { (side) }
                                @if *side == record.reference { " (reference)" }
                            }
                        }
                    }
                }
                tbody {
                    @for measure in &measures {
                        tr {
                            th scope="row" {
                                (measure_name(measure))
                                span.under { (better(rows, measure)) " is better" }
                            }
                            @for side in &sides { (cell(data, side, measure)) }
                        }
                    }
                    tr {
                        th scope="row" { "CKA" span.under { "with the reference" } }
                        @for side in &sides { (agreement(data, side)) }
                    }
                    tr {
                        th scope="row" { "Features" span.under { "dimensions" } }
                        @for side in &sides {
                            td.number {
                                @for own in record.sides.iter().filter(|own| own.title == *side) { (own.dim) }
                            }
                        }
                    }
                }
            }
        }
        p.source {
            "Under every number its 95\u{a0}% interval. ▲ better, ▼ worse than "
            (record.reference) " beyond noise, with the paired difference; no mark where none is shown."
        }
    }
}

fn better<'a>(rows: &'a [MeasureRow], measure: &str) -> &'a str {
    let own = rows.iter().find(|row| row.measure == measure);
    own.map_or("", |row| row.better.as_str())
}

fn cell(data: &Data, side: &str, measure: &str) -> Markup {
    let of_cell =
        |line: &Line<'_, MeasureRow>| line.row.side == side && line.row.measure == measure;
    let found = data.measures.lines().find(of_cell);
    let own = |line: &Line<'_, DifferenceRow>| line.row.side == side && line.row.measure == measure;
    let difference = data.differences.lines().find(own);
    let verdict = difference.map_or("", |line| line.row.verdict.as_str());
    let mark = match verdict {
        "better" => "▲ ",
        "worse" => "▼ ",
        _ => "",
    };
    html! {
        td.number.better[verdict == "better"].worse[verdict == "worse"] {
            @match found.and_then(|line| Some((line, line.row.value?))) {
                None => "–",
                Some((line, value)) => {
                    @if let (false, Some(difference)) = (mark.is_empty(), difference) {
                        span.mark title=(verdict) {
                            (mark) (cite(difference, &signed(measure, difference.row.difference)))
                        }
                        " "
                    }
                    (cite(line, &shown(measure, value)))
                    @if let (Some(lower), Some(upper)) = (line.row.lower, line.row.upper) {
                        span.under { (shown(measure, lower)) " to " (shown(measure, upper)) }
                    }
                }
            }
        }
    }
}

fn agreement(data: &Data, side: &str) -> Markup {
    let mut lines = data.cka.lines();
    let found =
        lines.find(|line| line.row.encoder == data.record.reference && line.row.other == side);
    html! {
        td.number {
            @match found.and_then(|line| Some((line, line.row.value?))) {
                None => "–",
                Some((line, value)) => (cite(line, &shown("cka", value))),
            }
        }
    }
}
