//! The one table of a comparison: a line for every measure, a column for every encoder, the reference
//! first; under every number its interval, beside it the mark of what changed beyond noise.

use maud::{Markup, html};

use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::figure::values::{measure_name, shown, signed};
use crate::report::compared::Compared;
use crate::report::data::{Data, Line, Table};
use crate::report::grid::{Cell, Grid, Place, Source};
use crate::report::number::cite;
use crate::report::section::{Block, Section};
use crate::table::{CkaRow, DifferenceRow, MeasureRow, Row};

/// Its descriptor.
pub const SECTION: Section<Compared> = Section {
    id: "overview",
    title: "At a glance",
    tables: &[MeasureRow::FILE, DifferenceRow::FILE, CkaRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

/// What the table is made of.
struct Parts<'a> {
    record: &'a Compared,
    measures: &'a Table<MeasureRow>,
    differences: &'a Table<DifferenceRow>,
    cka: &'a Table<CkaRow>,
}

impl Parts<'_> {
    /// Titles of all encoders, the reference first.
    fn encoders(&self) -> Vec<&str> {
        let mut encoders = vec![self.record.reference.as_str()];
        encoders.extend(self.record.others());
        encoders
    }
}

fn blocks(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let measures = data.tables.needed()?;
    let differences = data.tables.needed()?;
    let cka = data.tables.needed()?;
    let parts = Parts {
        record: &data.record,
        measures: &measures,
        differences: &differences,
        cka: &cka,
    };
    Ok(vec![Block::Page(table(&parts)), Block::Table(text(&parts))])
}

/// The same for texts: values with their intervals, in bold where better beyond noise.
fn text(parts: &Parts<'_>) -> Grid {
    let encoders = parts.encoders();
    let rows = &parts.measures.rows;
    let cell = |encoder: &str, measure: &str| {
        let own = |row: &&MeasureRow| row.encoder == encoder && row.measure == measure;
        let found = rows.iter().find(own);
        let better = |row: &&DifferenceRow| {
            row.encoder == encoder && row.measure == measure && row.verdict == "better"
        };
        let show = |value: f64| shown(measure, value);
        let ends = found.and_then(|row| row.lower.zip(row.upper));
        Cell {
            value: found.and_then(|row| row.value).map_or("–".into(), show),
            interval: ends.map(|(lower, upper)| format!("{} to {}", show(lower), show(upper))),
            best: parts.differences.rows.iter().any(|row| better(&row)),
        }
    };
    let line = |measure: &str| {
        let name = format!(
            "{} ({} is better)",
            measure_name(measure),
            better(rows, measure)
        );
        let cells = encoders.iter().map(|encoder| cell(encoder, measure));
        (None, [Cell::from(name)].into_iter().chain(cells).collect())
    };
    let mut heads = vec![("measure".to_owned(), false)];
    heads.extend(encoders.iter().map(|encoder| ((*encoder).to_owned(), true)));
    Grid {
        title: format!(
            "Measures of every encoder; bold: better than {} beyond noise",
            parts.record.reference
        ),
        heads,
        rows: distinct(rows.iter().map(|row| row.measure.as_str()))
            .into_iter()
            .map(line)
            .collect(),
        source: Some(Source::of(parts.measures)),
        place: Place::Text,
        latex: Some("measures"),
        folded: false,
    }
}

/// The table.
fn table(data: &Parts<'_>) -> Markup {
    let record = data.record;
    let encoders = data.encoders();
    let rows = &data.measures.rows;
    let measures = distinct(rows.iter().map(|row| row.measure.as_str()));
    html! {
        div.scroll tabindex="0" {
            table.overview {
                thead {
                    tr {
                        th scope="col" { "measure" }
                        @for encoder in &encoders {
                            th.number scope="col" {
                                b { (encoder) }
                                @if *encoder == record.reference { " (reference)" }
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
                            @for encoder in &encoders { (cell(data, encoder, measure)) }
                        }
                    }
                    tr {
                        th scope="row" { "CKA" span.under { "with the reference" } }
                        @for encoder in &encoders { (agreement(data, encoder)) }
                    }
                    tr {
                        th scope="row" { "Features" span.under { "dimensions" } }
                        @for encoder in &encoders {
                            td.number {
                                @for own in record.encoders.iter().filter(|own| own.title == *encoder) { (own.dim) }
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
    own.and_then(|row| row.better.as_deref())
        .unwrap_or("neither")
}

fn cell(data: &Parts<'_>, encoder: &str, measure: &str) -> Markup {
    let of_cell =
        |line: &Line<'_, MeasureRow>| line.row.encoder == encoder && line.row.measure == measure;
    let found = data.measures.lines().find(of_cell);
    let own =
        |line: &Line<'_, DifferenceRow>| line.row.encoder == encoder && line.row.measure == measure;
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

fn agreement(data: &Parts<'_>, encoder: &str) -> Markup {
    let mut lines = data.cka.lines();
    let found =
        lines.find(|line| line.row.encoder == data.record.reference && line.row.other == encoder);
    html! {
        td.number {
            @match found.and_then(|line| Some((line, line.row.value?))) {
                None => "–",
                Some((line, value)) => (cite(line, &shown("cka", value))),
            }
        }
    }
}
