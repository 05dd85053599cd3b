//! A table with groups of heads and a block a target: on the page under common heads, in texts a line with its target.

use maud::{Markup, html};

use crate::report::grid::{Cell, Grid, Place, Source};
use crate::report::section::Block;

/// The models of a target by name, with their cells.
pub type Models = Vec<(String, Vec<Cell>)>;

/// A table of a section: groups of heads, and the models of every target with their cells.
pub struct Sheet {
    /// What it shows.
    pub title: &'static str,
    /// Name of its LaTeX file.
    pub latex: &'static str,
    /// What stands above some heads, and these.
    pub heads: Vec<(&'static str, Vec<String>)>,
    /// Targets by title, with their models.
    pub targets: Vec<(String, Models)>,
}

impl Sheet {
    /// On the page and in texts.
    pub fn blocks(self, source: Source) -> Vec<Block> {
        let text = self.text();
        vec![Block::Page(self.page(&source)), Block::Table(text)]
    }

    fn page(&self, source: &Source) -> Markup {
        let all: usize = self.heads.iter().map(|(_, heads)| heads.len()).sum();
        html! {
            h3 { (self.title) }
            div.scroll tabindex="0" { table.results.wide {
                thead {
                    tr { th.over {} @for (group, heads) in &self.heads {
                        th.over colspan=(heads.len()) { (group) }
                    } }
                    tr {
                        th scope="col" { "method" }
                        @for head in self.heads.iter().flat_map(|(_, heads)| heads) {
                            th.number scope="col" { (head) }
                        }
                    }
                }
                @for (target, models) in &self.targets { tbody {
                    tr.target { th scope="rowgroup" colspan=(all + 1) { b { (target) } } }
                    @for (name, cells) in models { tr {
                        th scope="row" { (name) }
                        @for cell in cells { td.number.best[cell.best] {
                            (cell.value)
                            @if cell.best { " " span.badge { "best" } }
                            @if let Some(under) = &cell.interval { span.under { (under) } }
                        } }
                    } }
                } }
            } }
            (source.html())
        }
    }

    fn text(&self) -> Grid {
        let mut heads = vec![("target".to_owned(), false), ("method".to_owned(), false)];
        let all = || self.heads.iter().flat_map(|(_, heads)| heads);
        for (group, own) in &self.heads {
            // What stands under two groups needs its group.
            let head = |head: &String| match all().filter(|other| *other == head).count() {
                1 => head.clone(),
                _ => format!("{head}, {group}"),
            };
            heads.extend(own.iter().map(|own| (head(own), true)));
        }
        let mut rows = Vec::new();
        for (target, models) in &self.targets {
            for (place, (name, cells)) in models.iter().enumerate() {
                let target = if place == 0 {
                    target.clone()
                } else {
                    String::new()
                };
                let mut row = vec![Cell::from(target), name.clone().into()];
                row.extend(cells.iter().cloned());
                rows.push((None, row));
            }
        }
        Grid {
            title: self.title.into(),
            heads,
            rows,
            source: None,
            place: Place::Text,
            latex: Some(self.latex),
            folded: false,
        }
    }
}
