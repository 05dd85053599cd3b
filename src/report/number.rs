//! Numbers as readers see them. Formatting only: what is printed is what a table holds, rounded.

use maud::{Markup, html};

use super::data::Line;
use crate::table::Row;

/// A fraction as a percentage.
pub fn percent(fraction: f64) -> String {
    format!("{:.1}\u{a0}%", fraction * 100.0).replace('-', "\u{2212}")
}

/// A plain number.
pub fn plain(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

/// An optional value, absent ones as a dash.
pub fn maybe<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

/// The interval from `lower` to `upper`, if it was recorded.
pub fn interval(
    lower: Option<f64>,
    upper: Option<f64>,
    show: impl Fn(f64) -> String,
) -> Option<String> {
    Some(format!("{} to {}", show(lower?), show(upper?)))
}

/// The interval from `lower` to `upper`, a dash where it was not recorded.
pub fn range(lower: Option<f64>, upper: Option<f64>, show: impl Fn(f64) -> String) -> String {
    maybe(interval(lower, upper, show), |range| range)
}

/// A whole number with thin spaces between thousands.
pub fn whole(value: u64) -> String {
    let digits = value.to_string();
    let mut spaced = String::new();
    for (index, digit) in digits.chars().enumerate() {
        // Four digits are read at a glance.
        if index > 0 && digits.len() > 4 && (digits.len() - index).is_multiple_of(3) {
            spaced.push('\u{202f}');
        }
        spaced.push(digit);
    }
    spaced
}

/// Id of the page element that shows one line of a table.
pub fn anchor<R: Row>(line: usize) -> String {
    anchor_of(R::FILE, line)
}

/// The same for the table in `file`.
pub fn anchor_of(file: &str, line: usize) -> String {
    format!("{}-{line}", file.trim_end_matches(".csv"))
}

/// A number in running text, linked to the table row it was read from.
pub fn cite<R: Row>(line: Line<'_, R>, shown: &str) -> Markup {
    let title = format!("tables/{}, line {}", R::FILE, line.line);
    html! { a.cite href={ "#" (anchor::<R>(line.line)) } title=(title) { (shown) } }
}

/// A p value; very small ones by their size.
pub fn chance(p: f64) -> String {
    if p >= 0.001 {
        plain(p, 3)
    } else {
        "< 0.001".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(percent(0.1214), "12.1\u{a0}%");
        assert_eq!(plain(-2.5, 2), "\u{2212}2.50");
        assert_eq!(whole(1000), "1000");
        assert_eq!(whole(2820074), "2\u{202f}820\u{202f}074");
        assert_eq!(maybe(None::<f64>, |value| plain(value, 1)), "–");
    }
}
