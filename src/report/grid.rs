//! Tables for every rendering: a grid of words made from typed rows, each of which says which line of which
//! file it is. On the page every line can be linked to, and the file itself hangs there for download.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

use super::data::{Line, Table};
use super::number::anchor_of;
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
    /// What stands smaller below it: an interval, a count.
    pub under: Option<fn(&R) -> Option<String>>,
}

impl<R> Column<R> {
    /// A column of names.
    pub const fn text(head: &'static str, cell: fn(&R) -> String) -> Self {
        Self {
            head,
            number: false,
            cell,
            under: None,
        }
    }

    /// A column of numbers.
    pub const fn number(head: &'static str, cell: fn(&R) -> String) -> Self {
        Self {
            head,
            number: true,
            cell,
            under: None,
        }
    }

    /// The same with something below the cell's text.
    pub const fn under(mut self, under: fn(&R) -> Option<String>) -> Self {
        self.under = Some(under);
        self
    }

    /// The cell of a row.
    fn of(&self, row: &R) -> Cell {
        Cell {
            interval: self.under.and_then(|under| under(row)),
            ..(self.cell)(row).into()
        }
    }
}

/// What one cell says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// The value, or `not run`, or a dash where it is not defined.
    pub value: String,
    /// Its interval, or what else stands below it, set smaller where that is possible.
    pub interval: Option<String>,
    /// Best of all methods beyond noise.
    pub best: bool,
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

/// Where a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the page.
    Page,
    /// In Markdown.
    Text,
    /// In both.
    Both,
}

/// Where the rows of a grid come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// File in `tables/`.
    pub file: &'static str,
    /// Its bytes, unless it is large.
    pub bytes: Option<Vec<u8>>,
}

/// A table of words.
#[derive(Debug, Clone)]
pub struct Grid {
    /// What it shows.
    pub title: String,
    /// What stands above each column, and whether that holds numbers.
    pub heads: Vec<(String, bool)>,
    /// Rows, a cell a column, with their lines in the file.
    pub rows: Vec<(Option<usize>, Vec<Cell>)>,
    /// Where they come from; absent for what is no table of the run.
    pub source: Option<Source>,
    /// Where the grid stands.
    pub place: Place,
    /// Name of its LaTeX file, if it has one.
    pub latex: Option<&'static str>,
    /// Whether the page folds it at first, whatever its length.
    pub folded: bool,
}

impl Grid {
    /// All rows of a table, on the page.
    pub fn of<R: Row>(title: &str, table: &Table<R>, columns: &[Column<R>]) -> Self {
        Self::some(title, table, table.lines(), columns)
    }

    /// Chosen rows of a table, on the page.
    pub fn some<'a, R: Row + 'a>(
        title: &str,
        table: &Table<R>,
        lines: impl IntoIterator<Item = Line<'a, R>>,
        columns: &[Column<R>],
    ) -> Self {
        let cells = |row: &R| columns.iter().map(|column| column.of(row)).collect();
        let rows = lines.into_iter();
        Self {
            title: title.into(),
            heads: columns.iter().map(|c| (c.head.into(), c.number)).collect(),
            rows: rows.map(|l| (Some(l.line), cells(l.row))).collect(),
            source: Some(Source {
                file: R::FILE,
                bytes: table.bytes.clone(),
            }),
            place: Place::Page,
            latex: None,
            folded: false,
        }
    }

    /// The same elsewhere.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The same, with a LaTeX file of that name.
    #[must_use]
    pub fn latex(self, name: &'static str) -> Self {
        Self {
            latex: Some(name),
            ..self
        }
    }

    /// The same, closed at first.
    #[must_use]
    pub fn folded(self) -> Self {
        Self {
            folded: true,
            ..self
        }
    }

    /// Under a summary line; long ones start closed.
    pub fn html(&self) -> Markup {
        let open = !self.folded && self.rows.len() <= LONG;
        let file = self.source.as_ref().map(|source| source.file);
        let lines = self.rows.iter().any(|(line, _)| line.is_some());
        html! {
            details.sheet open[open] {
                summary { (self.title) " " span.count { (self.rows.len()) " rows" } }
                div.scroll tabindex="0" {
                    table {
                        thead { tr {
                            @for (head, number) in &self.heads { th.number[*number] scope="col" { (head) } }
                            @if lines { th.line scope="col" { "line" } }
                        } }
                        tbody { @for (line, cells) in &self.rows {
                            tr id=[file.zip(*line).map(|(file, line)| anchor_of(file, line))] {
                                @for (cell, (_, number)) in cells.iter().zip(&self.heads) {
                                    td.number[*number] {
                                        (cell.value)
                                        @if let Some(under) = &cell.interval { span.under { (under) } }
                                    }
                                }
                                @if let Some(line) = line { td.line { (line) } }
                            }
                        } }
                    }
                }
                @if let Some(source) = &self.source { (source.html()) }
            }
        }
    }
}

impl Source {
    /// Where a table comes from.
    pub fn of<R: Row>(table: &Table<R>) -> Self {
        Self {
            file: R::FILE,
            bytes: table.bytes.clone(),
        }
    }

    /// A line that names the file, with the file itself where it is small.
    pub fn html(&self) -> Markup {
        let file = self.file;
        html! {
            p.source {
                "Source: "
                @match &self.bytes {
                    Some(bytes) => a download=(file) href={
                        "data:text/csv;charset=utf-8;base64," (BASE64_STANDARD.encode(bytes))
                    } { "tables/" (file) },
                    None => { code { "tables/" (file) } " in the run folder" },
                }
                "; “line” is the line in that file."
            }
        }
    }
}
