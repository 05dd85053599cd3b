//! What tuned towers still confuse: the test pictures whose own captions stand farthest behind, with the caption that
//! came first. Pictures and captions are data, so a report without samples does not hold them.

use maud::{Markup, html};

use super::matching::picture;
use crate::figure::layout::distinct;
use crate::figure::{FigureError, methods};
use crate::report::data::{Data, Line, Run};
use crate::report::number::{anchor, plain, whole};
use crate::report::section::{Block, Section};
use crate::table::{ConfusionRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "confusions",
    title: "What is still confused",
    tables: &[ConfusionRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.any::<ConfusionRow>()?;
    let none = data.pictures.rows.is_empty();
    if table.rows.is_empty() || none {
        return Ok(Vec::new());
    }
    let models = distinct(table.rows.iter().map(|row| (&row.target, &row.method)));
    let mut sheets = Vec::new();
    for (place, (target, method)) in models.into_iter().enumerate() {
        let own = table.lines();
        let own = own.filter(|line| line.row.target == *target && line.row.method == *method);
        sheets.push(sheet(data, &own.collect::<Vec<_>>(), place == 0)?);
    }
    let said = "The test pictures whose own captions stand farthest behind, of the first seed. A caption of another picture may fit as well: such a confusion is one of the data.";
    Ok(vec![
        Block::Page(html! { p { (said) } }),
        Block::Page(html! { @for sheet in sheets { (sheet) } }),
    ])
}

/// The confusions of one method on one target.
fn sheet(
    data: &Data<Run>,
    own: &[Line<'_, ConfusionRow>],
    open: bool,
) -> Result<Markup, FigureError> {
    let Some(first) = own.first().map(|line| line.row) else {
        return Ok(Markup::default());
    };
    Ok(html! {
        details.sheet open[open] {
            summary {
                (first.target_title) ", " (methods::title(&first.method))
                " " span.count { (own.len()) " pictures" }
            }
            div.scroll tabindex="0" { table.confusions {
                thead { tr {
                    th scope="col" { "picture" }
                    th.number scope="col" { "rank" }
                    th scope="col" { "its own best caption" }
                    th scope="col" { "the caption that came first" }
                } }
                tbody { @for line in own { tr id=(anchor::<ConfusionRow>(line.line)) {
                    td { span.samples { (of(data, line.row)?) } }
                    td.number { (whole(line.row.rank)) span.under { "of " (whole(line.row.captions)) } }
                    td.wrap { (line.row.caption) span.under { "cosine " (plain(line.row.score, 3)) } }
                    td.wrap { (line.row.first) span.under { "cosine " (plain(line.row.first_score, 3)) } }
                } } }
            } }
            p.source { "Source: " code { "tables/" (ConfusionRow::FILE) } " in the run folder." }
        }
    })
}

/// The picture of a row; its number where the run kept none.
fn of(data: &Data<Run>, row: &ConfusionRow) -> Result<Markup, FigureError> {
    let pictures = &data.pictures;
    let own = |kept: &&crate::table::SampleRow| {
        kept.dataset == row.target && kept.part == "test" && kept.sample == row.sample
    };
    Ok(match pictures.rows.iter().find(own) {
        Some(kept) => picture(&pictures.picture(kept)?, &kept.name),
        None => html! { "no. " (row.sample) },
    })
}
