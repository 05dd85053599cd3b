//! What a report is put together from: sections, each described in one place and listed once
//! ([`sections`](super::sections)). The page, Markdown, LaTeX, the numbers of figures and `modalign figures`
//! are all read from the lists.

use maud::Markup;

use super::data::{Data, Tables};
use super::grid::Grid;
use super::sections::OCCASIONAL;
use super::words::Words;
use crate::figure::{Figure, FigureError};

/// A section of a report on a `T`: a [run](super::data::Run) or a [comparison](super::compared::Compared).
pub struct Section<T: 'static> {
    /// Id on the page.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Files in `tables/` it is drawn from; the first is the one that it cannot do without.
    pub tables: &'static [&'static str],
    /// Its figure, if it has one.
    pub figure: Option<Drawing>,
    /// What it says, in order; a section that says nothing does not stand on the page.
    pub blocks: fn(&Data<T>) -> Result<Vec<Block>, FigureError>,
    /// What to cite for it.
    pub citations: &'static [Citation],
}

/// A figure as its section describes it. Its number follows from where it stands ([`Numbers`]).
pub struct Drawing {
    /// Its name on the command line and in the text: `{name}` in a caption becomes "figure 3".
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its caption.
    pub caption: Caption,
    /// How its panels stand on the page.
    pub layout: Layout,
    /// Draws it from tables alone.
    pub draw: fn(&Tables) -> Result<Figure, FigureError>,
}

/// The four parts of a caption.
pub struct Caption {
    /// What the marks are.
    pub shown: &'static str,
    /// How they came about.
    pub computed: &'static str,
    /// How to read them.
    pub reading: &'static str,
    /// What they do not say.
    pub limits: &'static str,
}

impl Caption {
    /// The parts with their names.
    pub fn parts(&self) -> [(&'static str, &'static str); 4] {
        [
            ("Shown", self.shown),
            ("Computed", self.computed),
            ("Reading", self.reading),
            ("Limits", self.limits),
        ]
    }
}

/// How the panels of a figure stand on a wide page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As many beside each other as there is room for; a single panel stands beside its caption.
    Grid,
    /// Below one another, beside the caption.
    Column,
    /// Two beside each other: panels with much text.
    Pair,
    /// At their own size, so that small text stays readable; high panels are folded.
    Native,
}

/// A work to cite.
pub struct Citation {
    /// For what.
    pub of: &'static str,
    /// Authors, venue and year.
    pub work: &'static str,
}

/// A block of a section.
pub enum Block {
    /// What a section says first of all, in every rendering.
    Lead(Words),
    /// A paragraph, in every rendering.
    Words(Words),
    /// A remark on how to read what stands before it, in every rendering.
    Note(String),
    /// A heading and a list, in every rendering; nothing where the list is empty.
    Notes(&'static str, Vec<String>),
    /// Commands, or that they were not recorded.
    Code(Option<String>),
    /// The section's figure stands here, on the page between what is above and below it.
    Figure(Around),
    /// A table.
    Table(Grid),
    /// What only the page shows.
    Page(Markup),
    /// What only the page shows, with a style rule or the one script in its head.
    Active(Markup, Active),
    /// What was not run, and the file that would hold it.
    Absent(&'static str, &'static str),
}

/// What the page sets around the panels of a figure.
#[derive(Default)]
pub struct Around {
    /// Before them.
    pub above: Markup,
    /// After them.
    pub below: Markup,
}

impl Block {
    /// The section's figure alone.
    pub fn figure() -> Self {
        Self::Figure(Around::default())
    }

    /// A paragraph of plain words.
    pub fn words(text: impl Into<String>) -> Self {
        Self::Words(Words::new(text))
    }
}

/// What a block needs in the head of the page.
#[derive(Default)]
pub struct Active {
    /// Style rules.
    pub style: String,
    /// Whether the page runs the script of the maps.
    pub script: bool,
}

/// Numbers of figures: their order on the page, but those that only some kinds of target have
/// ([`OCCASIONAL`]) come last, so that all others keep theirs in every run.
pub struct Numbers(Vec<&'static str>);

impl Numbers {
    /// The numbers that a list gives.
    pub fn of<T>(sections: &[Section<T>]) -> Self {
        let named = sections
            .iter()
            .filter_map(|section| section.figure.as_ref());
        let mut names: Vec<&str> = named.map(|drawing| drawing.name).collect();
        names.sort_by_key(|name| OCCASIONAL.contains(name));
        Self(names)
    }

    /// Number of a figure, from 1.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|own| *own == name).map(|at| at + 1)
    }

    /// The name of the figure that `asked` names by number or by name.
    pub fn name(&self, asked: &str) -> Option<&'static str> {
        let by_number = asked.parse().ok().and_then(|n: usize| n.checked_sub(1));
        let by_number = by_number.and_then(|at| self.0.get(at));
        let own = by_number.or_else(|| self.0.iter().find(|name| **name == asked));
        own.copied()
    }

    /// All figures, "1 (tradeoff), 2 (flow)".
    pub fn listed(&self) -> String {
        let one = |(at, name): (usize, &&str)| format!("{} ({name})", at + 1);
        let all: Vec<String> = self.0.iter().enumerate().map(one).collect();
        all.join(", ")
    }

    /// A text of a descriptor whose figures are named as `{name}`.
    pub fn told(&self, text: &str) -> String {
        let mut told = text.to_owned();
        for (at, name) in self.0.iter().enumerate() {
            told = told.replace(&format!("{{{name}}}"), &format!("figure {}", at + 1));
        }
        told
    }
}
