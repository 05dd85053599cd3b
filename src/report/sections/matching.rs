//! Matched classes: which source class stands for which target class, as a heat map and as a list with
//! samples to look at.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, PreEscaped, html};

use super::retrieval;
use crate::figure::layout::distinct;
use crate::figure::picture::{Picture, Pictures};
use crate::figure::{FigureError, matching};
use crate::report::data::{Data, Run, Table};
use crate::report::grid::Source;
use crate::report::number::{anchor, maybe, percent, whole};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::table::{MatchingRow, PairRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "pairs",
    title: "Matched classes",
    tables: &[PairRow::FILE, MatchingRow::FILE],
    figure: Some(Drawing {
        name: "matching",
        title: "Which source class stands for which target class.",
        caption: Caption {
            shown: "Mean probability that the source model gives to a source class over a target class's test samples, targets with few classes first. Row i is a target class; column i is the source class matched with it (framed, named on the right); the strongest source classes without a match follow after the gap.",
            computed: "Target samples pass through the embedder that the transfer starts from into the pretrained encoder and predictor. The matching is the one that attains D.",
            reading: "A dark framed diagonal on a light row: the source model has a class that answers to this target class alone. A dark column: one source class takes samples of every target class, which no matching can put right.",
            limits: "Shades are relative to the largest mean of each panel. Targets with more than 60 classes are listed below but not drawn.",
        },
        layout: Layout::Native,
        draw: |tables| matching::of_run(&tables.needed::<MatchingRow>()?.rows),
    }),
    blocks,
    citations: &[],
};

/// Samples shown of a class.
const SHOWN: usize = 3;
/// Rows beyond which a list starts closed.
const LONG: usize = 12;

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if retrieval::alone(&data.tables)? {
        return Ok(Vec::new());
    }
    let Some(table) = data.tables.get::<PairRow>()? else {
        return Ok(vec![Block::Absent(
            "the matching of classes",
            PairRow::FILE,
        )]);
    };
    let heat = match data.tables.get::<MatchingRow>()? {
        Some(_) => Block::figure(),
        None => Block::Absent("the heat map of the matching", MatchingRow::FILE),
    };
    Ok(vec![heat, Block::Page(list(data, &table)?)])
}

/// Every pair, under its target.
fn list(data: &Data<Run>, table: &Table<PairRow>) -> Result<Markup, FigureError> {
    let count = |target: &str| table.rows.iter().filter(|row| row.target == target).count();
    let mut targets = distinct(table.rows.iter().map(|row| row.target.as_str()));
    targets.sort_by_key(|target| count(target));
    Ok(html! {
        p {
            "The matching as a list, with the source model's mean probability of the matched class over the target class's samples. A matching is a statistical fit, not a claim of likeness: with a low probability the name means little."
            @if data.pictures.rows.is_empty() { " Pictures of samples are not in this report." }
        }
        div.matches {
            @for target in &targets {
                @let own = || table.lines().filter(|line| line.row.target == *target);
                details.sheet open[count(target) <= LONG] {
                    summary {
                        (own().next().map_or("", |line| &line.row.target_title))
                        " " span.count { (count(target)) " classes" }
                    }
                    div.scroll tabindex="0" { table {
                        thead { tr {
                            th scope="col" { "target class" } th scope="col" { "source class" }
                            th.number scope="col" { "probability" } th.number scope="col" { "samples" }
                        } }
                        tbody { @for line in own() {
                            tr id=(anchor::<PairRow>(line.line)) {
                                td { (line.row.target_class) (of_class(&data.pictures, target, &line.row.target_class)?) }
                                td { (line.row.source_class) }
                                td.number { (percent(line.row.probability)) }
                                td.number { (maybe(line.row.samples, whole)) }
                            }
                        } }
                    } }
                }
            }
        }
        (Source::of(table).html())
        (others(data, &targets)?)
    })
}

/// Samples of a class.
fn of_class(pictures: &Pictures, target: &str, class: &str) -> Result<Markup, FigureError> {
    let own = pictures
        .rows
        .iter()
        .filter(|row| row.dataset == target && row.name == class);
    let own: Vec<_> = own.take(SHOWN).collect();
    Ok(html! {
        @if !own.is_empty() {
            span.samples { @for row in own { (picture(&pictures.picture(row)?, class)) } }
        }
    })
}

/// Samples of targets without classes to match: fields beside what is to be predicted.
fn others(data: &Data<Run>, matched: &[&str]) -> Result<Markup, FigureError> {
    let pictures = &data.pictures;
    let rest = pictures.rows.iter().filter(|row| row.part == "train");
    let rest: Vec<_> = rest
        .filter(|row| !matched.contains(&row.dataset.as_str()))
        .collect();
    let names = distinct(rest.iter().map(|row| (&row.dataset, &row.title)));
    Ok(html! { @for (name, title) in names {
        h3 { "Samples of " (title) }
        p.samples { @for row in rest.iter().filter(|row| row.dataset == *name).take(12) {
            (picture(&pictures.picture(row)?, &row.name))
        } }
    } })
}

/// A picture of a sample with its name.
pub(super) fn picture(picture: &Picture, name: &str) -> Markup {
    html! { @match picture {
        Picture::Jpeg(bytes) => img alt=(name) title=(name) src={
            "data:image/jpeg;base64," (BASE64_STANDARD.encode(bytes))
        };,
        Picture::Svg(svg) => span.signal title=(name) { (PreEscaped(svg)) },
    } }
}
