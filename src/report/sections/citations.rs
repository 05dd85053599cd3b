//! What to cite: the works that the sections of a report name, of those whose tables are there.

use maud::html;

use super::{COMPARISON as OF_COMPARISON, SECTIONS};
use crate::figure::FigureError;
use crate::report::compared::Compared;
use crate::report::data::{Data, Run, Tables};
use crate::report::section::{Block, Citation, Section};

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "citations",
    title: "What to cite",
    tables: &[],
    figure: None,
    blocks: |data| {
        const METHOD: &str = "For the method and D: Ma, Li, Cai and Kang, “Learning Modality Knowledge Alignment for Cross-Modality Transfer”, ICML 2024. For what else stands here:";
        Ok(vec![Block::words(METHOD), list(SECTIONS, &data.tables)])
    },
    citations: &[],
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "citations",
    title: "What to cite",
    tables: &[],
    figure: None,
    blocks: of_comparison,
    citations: &[],
};

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    Ok(vec![list(OF_COMPARISON, &data.tables)])
}

fn list<T>(sections: &[Section<T>], tables: &Tables) -> Block {
    let there = |section: &&Section<T>| {
        section
            .tables
            .first()
            .is_some_and(|file| tables.holds(file))
    };
    let cited = sections
        .iter()
        .filter(there)
        .flat_map(|section| section.citations);
    let cited: Vec<&Citation> = cited.collect();
    Block::Page(
        html! { ul { @for Citation { of, work } in cited { li { (of) ": " (work) "." } } } },
    )
}
