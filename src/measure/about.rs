//! What is said of a number: its name, title, unit, direction, range and source. Every measure of an
//! encoder, every transferability score and every task metric has one [`About`], from which tables, figures,
//! reports, help and documentation take their words.

/// Which way a number improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Lower is better.
    Lower,
    /// Higher is better.
    Higher,
    /// Neither: it describes.
    Neither,
}

impl Better {
    /// Its name in tables; empty for neither.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "",
        }
    }
}

/// How a value is written for readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A share, in percent with one decimal; differences in percentage points.
    Share,
    /// A number with so many decimals.
    Number(usize),
}

impl Unit {
    /// A value with its unit; a true minus sign.
    pub fn show(self, value: f64) -> String {
        let said = match self {
            Self::Share => format!("{:.1}\u{a0}%", 100.0 * value),
            Self::Number(decimals) => format!("{value:.decimals$}"),
        };
        said.replace('-', "\u{2212}")
    }

    /// A difference with its sign, without unit: of shares, percentage points. What rounds to nothing has
    /// no sign.
    pub fn show_difference(self, difference: f64) -> String {
        let said = match self {
            Self::Share => format!("{:+.1}", 100.0 * difference),
            Self::Number(decimals) => format!("{difference:+.decimals$}"),
        };
        if said.chars().all(|c| "+-0.".contains(c)) {
            said.trim_start_matches(['+', '-']).to_owned()
        } else {
            said.replace('-', "\u{2212}")
        }
    }
}

/// With a capital at its start.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// What is said of a number wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct About {
    /// Name in tables and settings: lower case, hyphens.
    pub name: &'static str,
    /// Names of the same in tables of older versions.
    pub older: &'static [&'static str],
    /// Name in sentences and headings.
    pub title: &'static str,
    /// How values are written.
    pub unit: Unit,
    /// Which way it improves.
    pub better: Better,
    /// Least and largest value; infinite where there is none. No interval leaves them.
    pub range: [f64; 2],
    /// The range in words, where it depends on the data (K classes).
    pub values: &'static str,
    /// One sentence: the question that it answers.
    pub what: &'static str,
    /// How it is computed.
    pub computed: &'static str,
    /// What it cannot say.
    pub limits: &'static str,
    /// Where it comes from.
    pub citation: &'static str,
}

impl About {
    /// The title as a heading: with a capital, unless its first word has one of its own ("k-NN").
    pub fn heading(&self) -> String {
        let first = self.title.split(' ').next().unwrap_or_default();
        if first.chars().any(char::is_uppercase) {
            self.title.to_owned()
        } else {
            capital(self.title)
        }
    }
}

impl About {
    /// Whether this is its name, now or in an older version.
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.older.contains(&name)
    }
}

/// No lower or upper end.
pub const UNBOUNDED: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// Fails unless every descriptor of a list is whole and unlike the others.
#[cfg(test)]
pub(crate) fn check_list<'a>(all: impl IntoIterator<Item = &'a About>) {
    let mut names = std::collections::HashSet::new();
    for about in all {
        for name in about.older.iter().chain([&about.name]) {
            assert!(names.insert(*name), "{name} twice");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            assert!(!name.is_empty() && name.chars().all(plain), "{name:?}");
        }
        assert!(about.range[0] < about.range[1], "{}", about.name);
        assert!(!about.title.is_empty() && !about.citation.is_empty());
        for text in [about.what, about.computed, about.limits] {
            let whole = text.ends_with('.') && text.starts_with(|c: char| !c.is_lowercase());
            assert!(whole, "{}: {text:?} is no sentence", about.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_differences_are_written_for_readers() {
        assert_eq!(Unit::Share.show(0.1234), "12.3\u{a0}%");
        assert_eq!(Unit::Number(3).show(-1.5), "\u{2212}1.500");
        assert_eq!(Unit::Share.show_difference(0.0151), "+1.5");
        assert_eq!(Unit::Number(3).show_difference(-0.0001), "0.000");
    }
}
