//! How results are worded on a terminal: aligned columns, wrapped sentences, times in the unit that
//! suits them, and nothing that a file could use to command the terminal. `--json` is one object.

use super::error::CliError;
use serde_json::Value;

/// Prints one JSON object.
pub fn print_json(value: &Value) -> Result<(), CliError> {
    super::print(format!("{value}\n").as_bytes())
}

/// Text of a file as a terminal may show it: without control characters.
pub fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// Tells on stderr what was inferred of a file.
pub fn tell(path: &str, told: &str) {
    eprintln!("note: {}: {}", clean(path), clean(told));
}

/// [`clean`], line by line: what an error quotes of a file stays in its lines.
pub fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Rows in columns two spaces apart; the columns in `right` end at the same place. The last column
/// is as wide as it needs to be.
pub fn columns(rows: &[Vec<String>], right: &[usize], indent: &str) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = if i > 0 { "  " } else { "" };
            let cell = clean(cell);
            line += &if right.contains(&i) {
                format!("{gap}{cell:>width$}")
            } else {
                format!("{gap}{cell:<width$}")
            };
        }
        text += &format!("{indent}{}\n", line.trim_end());
    }
    text
}

/// Words in lines of at most `width` characters, each after `indent`.
pub fn wrapped(words: &str, width: usize, indent: &str) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in clean(words).split_whitespace() {
        let long = line.chars().count() + 1 + word.chars().count() > width;
        if long && !line.is_empty() {
            text += &format!("{indent}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    text + &format!("{indent}{line}\n")
}

/// A time span in the unit that suits it.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_end_without_blanks() {
        let rows = [["a", "1", "x"], ["long", "22", ""]].map(|r| r.map(String::from).to_vec());
        assert_eq!(columns(&rows, &[1], " "), " a      1  x\n long  22\n");
        assert_eq!(columns(&[], &[], ""), "");
    }

    #[test]
    fn words_are_wrapped_and_long_ones_kept() {
        assert_eq!(wrapped("a bb ccc", 4, "> "), "> a bb\n> ccc\n");
        assert_eq!(wrapped("enormous x", 4, ""), "enormous\nx\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
        assert_eq!(clean_lines("a\u{1b}\nb"), "a\u{fffd}\nb");
    }

    #[test]
    fn spans_read_well() {
        assert_eq!(span(62.99), "63.0 s");
        assert_eq!(span(312.0), "5.2 min");
        assert_eq!(span(9000.0), "2.5 h");
    }
}
