//! Sentences that every rendering sets: plain words, words in bold, and numbers that name the table row they
//! were read from. The page links such a number to its row; Markdown, LaTeX and JSON say it as it is.

use maud::{Markup, html};

use super::data::Line;
use super::number::cite;
use crate::table::Row;

/// A run of words of one kind.
#[derive(Debug, Clone, PartialEq)]
enum Span {
    /// As they are.
    Plain(String),
    /// A name that stands out.
    Bold(String),
    /// A number, with its link as HTML.
    Cited(String, String),
}

/// One or more sentences.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(Vec<Span>);

impl Words {
    /// Plain words.
    pub fn new(text: impl Into<String>) -> Self {
        Self::default().say(text)
    }

    /// Adds plain words.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Plain(text.into()));
        self
    }

    /// Adds a name in bold.
    #[must_use]
    pub fn bold(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Bold(text.into()));
        self
    }

    /// Adds a number that was read from a row; a row of line 0 stands in no file and has no link.
    #[must_use]
    pub fn cite<R: Row>(mut self, line: Line<'_, R>, shown: &str) -> Self {
        if line.line == 0 {
            return self.say(shown);
        }
        let link = cite(line, shown).into_string();
        self.0.push(Span::Cited(shown.to_owned(), link));
        self
    }

    /// Adds other words.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words alone.
    pub fn plain(&self) -> String {
        let text = |span: &Span| match span {
            Span::Plain(text) | Span::Bold(text) | Span::Cited(text, _) => text.clone(),
        };
        self.0.iter().map(text).collect()
    }

    /// As HTML, numbers linked to their rows.
    pub fn html(&self) -> Markup {
        html! {
            @for span in &self.0 {
                @match span {
                    Span::Plain(text) => (text),
                    Span::Bold(text) => b { (text) },
                    Span::Cited(_, link) => (maud::PreEscaped(link)),
                }
            }
        }
    }

    /// As Markdown, by its `escape`.
    pub fn markdown(&self, escape: impl Fn(&str) -> String) -> String {
        // An escape trims its text; the blanks between spans stay.
        let kept = |text: &str| {
            let inner = text.trim();
            let at = text.find(inner).unwrap_or(0);
            let (before, after) = (&text[..at], &text[at + inner.len()..]);
            if inner.is_empty() {
                text.to_owned()
            } else {
                format!("{before}{}{after}", escape(inner))
            }
        };
        let said = |span: &Span| match span {
            Span::Plain(text) | Span::Cited(text, _) => kept(text),
            Span::Bold(text) => format!("**{}**", kept(text.trim())),
        };
        self.0.iter().map(said).collect()
    }
}

/// What stands before the `index`-th of `count` items in a sentence.
pub fn joint(index: usize, count: usize) -> &'static str {
    match index {
        0 => "",
        _ if index + 1 == count => " and ",
        _ => ", ",
    }
}

/// "a, b and c".
pub fn listed(items: &[String]) -> String {
    let item = |(place, text): (usize, &String)| format!("{}{text}", joint(place, items.len()));
    items.iter().enumerate().map(item).collect()
}

/// Small counts as words, as running text has them.
pub fn counted(count: usize) -> String {
    const WORDS: [&str; 13] = [
        "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS
        .get(count)
        .map_or_else(|| count.to_string(), |word| (*word).to_owned())
}
