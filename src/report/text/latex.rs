//! LaTeX tables: a bare `tabular` with the rules of booktabs, to be put into a table of one's own.
//!
//! Every character stands for itself. What pdfLaTeX cannot set without further packages (letters beyond
//! Latin-1, emoji) is named by its code point, `U+4E2D`: the file compiles in any article.

use super::super::grid::{Cell, Grid};
use super::visible;
use crate::measure::about::capital;

/// By what a file of ours is known.
pub const SIGNED: &str = "Written by modalign";

/// A grid as a `tabular`.
pub fn tabular(grid: &Grid) -> String {
    let sides: String = grid
        .heads
        .iter()
        .map(|(_, number)| if *number { 'r' } else { 'l' })
        .collect();
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    let heads = grid.heads.iter().map(|(head, _)| escape(&capital(head)));
    let mut text = format!(
        "% {}. {SIGNED}; needs \\usepackage{{booktabs}}.\n\\begin{{tabular}}{{{sides}}}\n\\toprule\n",
        escape(&grid.title)
    );
    text += &line(heads.collect());
    text += "\\midrule\n";
    for (_, row) in &grid.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text + "\\bottomrule\n\\end{tabular}\n"
}

fn cell(cell: &Cell) -> String {
    let text = escape(&cell.value);
    // An opening bracket after `\\` would be read as its argument.
    let text = if text.starts_with(['[', '*']) {
        format!("{{}}{text}")
    } else {
        text
    };
    let text = if cell.best {
        format!("\\textbf{{{text}}}")
    } else {
        text
    };
    match &cell.interval {
        Some(range) => format!("{text} {{\\footnotesize ({})}}", escape(range)),
        None => text,
    }
}

/// Text that LaTeX sets as it is.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let visible = visible(text);
    let mut characters = visible.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => out += "\\textbackslash{}",
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => out.extend(['\\', c]),
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            '|' => out += "\\textbar{}",
            '"' => out += "''",
            // Of these TeX makes other characters where two or three meet.
            '-' | '\'' | '`' | ',' | '?' | '!' => {
                out.push(c);
                if characters
                    .peek()
                    .is_some_and(|next| "-'`,?!".contains(*next))
                {
                    out += "{}";
                }
            }
            '\u{a0}' => out.push('~'),
            '\u{202f}' | '\u{2009}' => out += "\\,",
            '\u{2212}' => out += "$-$",
            '×' => out += "$\\times$",
            '–' => out += "--",
            '—' => out += "---",
            '…' => out += "\\ldots{}",
            '“' => out += "``",
            '”' => out += "''",
            '‘' => out.push('`'),
            '’' => out.push('\''),
            'Ð' | 'ð' | 'Þ' | 'þ' | '÷' => out += &named(c),
            ' '..='~' | 'À'..='ÿ' => out.push(c),
            c => out += &named(c),
        }
    }
    out
}

fn named(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::grid::Place;
    use std::process::Command;

    fn grid(names: &[&str]) -> Grid {
        let row = |name: &&str| {
            let value = Cell {
                value: "12.1\u{a0}%".into(),
                interval: Some("\u{2212}1.0 to 2.0".into()),
                best: true,
            };
            (None, vec![Cell::from((*name).to_owned()), value])
        };
        Grid {
            title: "A % title\n\\input{x}".into(),
            heads: vec![("the name".into(), false), ("error".into(), true)],
            rows: names.iter().map(row).collect(),
            source: None,
            place: Place::Text,
            latex: None,
            folded: false,
        }
    }

    const HOSTILE: [&str; 8] = [
        r"\input{/etc/passwd} 100% of $x_1^2$ & #more ~ {",
        "</script><b>|",
        "[2pt] after a row",
        "*",
        "two\nlines\r\tand a tab",
        "\u{202e}right to left\u{200b}",
        "größer, naïve, Þór, 中文 🎉 \u{0}",
        "-- ``quoted'' ?`",
    ];

    #[test]
    fn every_character_stands_for_itself() {
        assert_eq!(escape(r"\a_b%"), r"\textbackslash{}a\_b\%");
        assert_eq!(
            escape("$x^2$ & {y}~"),
            r"\$x\textasciicircum{}2\$ \& \{y\}\textasciitilde{}"
        );
        assert_eq!(
            escape("a\nb|<c>"),
            r"a b\textbar{}\textless{}c\textgreater{}"
        );
        assert_eq!(escape("a-b --?`"), "a-b -{}-{}?{}`");
        assert_eq!(escape("größer 中\u{202e}"), "größer U+4E2DU+FFFD");
    }

    #[test]
    fn a_table_has_a_line_a_row_whatever_its_names() {
        let text = tabular(&grid(&HOSTILE));
        assert_eq!(
            text.lines().count(),
            1 + 2 + 2 + HOSTILE.len() + 2,
            "{text}"
        );
        let rows: Vec<&str> = text.lines().filter(|line| line.ends_with(r"\\")).collect();
        assert_eq!(rows.len(), 1 + HOSTILE.len());
        for row in rows {
            let open = row.replace(r"\&", "");
            assert_eq!(open.matches(" & ").count(), 1, "{row}");
        }
        assert!(text.contains("\\begin{tabular}{lr}\n\\toprule\nThe name & Error \\\\\n"));
        assert!(text.contains(r"\textbf{12.1~\%} {\footnotesize ($-$1.0 to 2.0)}"));
        assert!(text.contains("{}[2pt] after") && !text.contains("\\input{"));
    }

    /// Only where there is a LaTeX.
    #[test]
    fn it_compiles_in_a_bare_article() {
        let home = tempfile::tempdir().unwrap();
        let article = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n\\input{t}\n\\end{document}\n";
        std::fs::write(home.path().join("t.tex"), tabular(&grid(&HOSTILE))).unwrap();
        std::fs::write(home.path().join("a.tex"), article).unwrap();
        let found = Command::new("pdflatex")
            .args(["-interaction=nonstopmode", "-halt-on-error", "a.tex"])
            .current_dir(home.path())
            .output();
        match found {
            Err(e) => eprintln!("skipped: pdflatex does not start ({e})"),
            Ok(found) => {
                let said = String::from_utf8_lossy(&found.stdout);
                assert!(found.status.success(), "{said}");
            }
        }
    }
}
