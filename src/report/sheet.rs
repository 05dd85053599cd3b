//! Tables as HTML: one way for all of them. Every row says which line of which file it is, every
//! line can be linked to, and the file itself hangs on the page for download.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

use super::data::{Line, Table};
use super::number::anchor;
use crate::table::Row;

/// Rows beyond which a table starts closed.
const LONG: usize = 24;

/// One column: its head, whether it holds numbers, and its cell.
pub struct Column<R> {
    /// What stands above it.
    pub head: &'static str,
    /// Numbers are set right.
    pub number: bool,
    /// The cell's text.
    pub cell: fn(&R) -> String,
}

impl<R> Column<R> {
    /// A column of names.
    pub const fn text(head: &'static str, cell: fn(&R) -> String) -> Self {
        Self {
            head,
            number: false,
            cell,
        }
    }

    /// A column of numbers.
    pub const fn number(head: &'static str, cell: fn(&R) -> String) -> Self {
        Self {
            head,
            number: true,
            cell,
        }
    }
}

/// A whole table under a summary line; long ones start closed.
pub fn sheet<R: Row>(title: &str, table: &Table<R>, columns: &[Column<R>]) -> Markup {
    html! {
        details.sheet open[table.rows.len() <= LONG] {
            summary { (title) " " span.count { (table.rows.len()) " rows" } }
            (rows(table.lines(), columns))
            (source(table))
        }
    }
}

/// The rows alone.
pub fn rows<'a, R: Row + 'a>(
    lines: impl Iterator<Item = Line<'a, R>>,
    columns: &[Column<R>],
) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr {
                    @for column in columns {
                        th.number[column.number] scope="col" { (column.head) }
                    }
                    th.line scope="col" { "line" }
                } }
                tbody { @for line in lines {
                    tr id=(anchor::<R>(line.line)) {
                        @for column in columns {
                            td.number[column.number] { ((column.cell)(line.row)) }
                        }
                        td.line { (line.line) }
                    }
                } }
            }
        }
    }
}

/// Where a table comes from, with the file itself where it is small.
pub fn source<R: Row>(table: &Table<R>) -> Markup {
    html! {
        p.source {
            "Source: "
            @match &table.bytes {
                Some(bytes) => a download=(R::FILE) href={
                    "data:text/csv;charset=utf-8;base64," (BASE64_STANDARD.encode(bytes))
                } { "tables/" (R::FILE) },
                None => { code { "tables/" (R::FILE) } " in the run folder" },
            }
            "; “line” is the line in that file."
        }
    }
}
