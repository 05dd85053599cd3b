//! The report for a repository or an issue, in GitHub-flavoured Markdown: words, chosen tables, and links to
//! the figures in `figures/`. The page says more.

use std::path::Path;

use super::super::data::Data;
use super::super::grid::{Cell, Grid, Place};
use super::super::page::Subject;
use super::super::section::{Block, Drawing, Numbers, Section};
use super::visible;

/// The whole document of the report in `folder`.
pub fn page<T: Subject>(
    data: &Data<T>,
    folder: &Path,
    sections: &[(&Section<T>, Vec<Block>)],
) -> String {
    let numbers = Numbers::of(T::SECTIONS);
    let (title, meta) = (data.record.title(), data.record.meta());
    let mut text = format!("# {}\n\n{}\n\n", escape(&title), escape(&meta));
    for (section, blocks) in sections {
        let body = blocks.iter().map(|block| match block {
            Block::Figure(_) => match &section.figure {
                Some(drawing) => link(drawing, folder, &numbers),
                None => String::new(),
            },
            other => set(other),
        });
        let body: String = body.collect();
        if !body.is_empty() {
            text += &format!("## {}\n\n{body}", section.title);
        }
    }
    text.trim_end().to_owned() + "\n"
}

/// A block; nothing for what only the page shows.
fn set(block: &Block) -> String {
    match block {
        Block::Lead(words) | Block::Words(words) if !words.is_empty() => {
            format!("{}\n\n", words.markdown(escape))
        }
        Block::Note(text) => format!("{}\n\n", escape(text)),
        Block::Notes(title, notes) if !notes.is_empty() => {
            let line = |note: &String| format!("* {}\n", escape(note));
            let lines: String = notes.iter().map(line).collect();
            format!("{title}:\n\n{lines}\n")
        }
        Block::Code(Some(code)) => {
            let lines: Vec<String> = code.split('\n').map(visible).collect();
            format!("{}\n", fenced(&lines.join("\n")))
        }
        Block::Code(None) => "not recorded\n\n".into(),
        Block::Table(grid) if grid.place != Place::Page => table(grid),
        Block::Absent(_, file) => format!("not run – the run has no `tables/{file}`.\n\n"),
        _ => String::new(),
    }
}

/// A link to a figure, if it is there, PNG before SVG.
fn link(drawing: &Drawing, folder: &Path, numbers: &Numbers) -> String {
    let Some(number) = numbers.number(drawing.name) else {
        return String::new();
    };
    let files = ["png", "svg"].map(|ending| format!("figures/fig{number}.{ending}"));
    let found = files.iter().find(|file| folder.join(file).is_file());
    let title = drawing.title;
    found.map_or_else(String::new, |file| {
        let name = title.trim_end_matches('.');
        format!("![Figure {number}: {name}]({file})\n\n*Figure {number}.* {title}\n\n")
    })
}

fn table(grid: &Grid) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let heads = grid.heads.iter().map(|(head, _)| escape(head)).collect();
    let rules = grid.heads.iter();
    let rules = rules.map(|(_, number)| if *number { "---:" } else { "---" }.to_owned());
    let mut text = line(heads) + &line(rules.collect());
    for (_, row) in &grid.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text + "\n"
}

fn cell(cell: &Cell) -> String {
    let text = escape(&cell.value);
    let text = if cell.best {
        format!("**{text}**")
    } else {
        text
    };
    match &cell.interval {
        Some(range) => format!("{text} ({})", escape(range)),
        None => text,
    }
}

/// A block of code whose fence no line of it can close.
fn fenced(code: &str) -> String {
    let runs = code.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    format!("{fence}sh\n{code}\n{fence}\n")
}

/// Text that no reader of Markdown takes for markup or a link.
pub fn escape(text: &str) -> String {
    let visible = visible(text);
    let text = visible.trim();
    let mut out = String::with_capacity(text.len());
    let mut before = "";
    for (at, c) in text.char_indices() {
        let after = &text[at + c.len_utf8()..];
        let ends = after.chars().next().is_none_or(char::is_whitespace);
        let special = match c {
            // That of `http://`, not that of a sentence.
            ':' => !ends,
            '.' if before.to_ascii_lowercase().ends_with("www") => true,
            // The markers of lists.
            '.' | ')' => ends && at > 0 && before.chars().all(|b| b.is_ascii_digit()),
            '+' | '-' | '=' => at == 0,
            c => r"\`*_{}[]<>#|!~&$^@".contains(c),
        };
        if special {
            out.push('\\');
        }
        out.push(c);
        before = &text[..at + c.len_utf8()];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(escape("a|b_c*d*"), r"a\|b\_c\*d\*");
        assert_eq!(
            escape("</script><img onerror=x>"),
            r"\</script\>\<img onerror=x\>"
        );
        assert_eq!(escape("[x](http://y) WWW.z"), r"\[x\](http\://y) WWW\.z");
        assert_eq!(escape("two\nlines\u{202e}"), "two lines\u{fffd}");
        assert_eq!(escape("12.1\u{a0}%, 3 to 4: a"), "12.1\u{a0}%, 3 to 4: a");
        assert_eq!(escape("1. a - b"), r"1\. a - b");
        assert_eq!(escape("- a"), r"\- a");
        assert_eq!(
            escape("@user $x$ :tada: ~~no~~"),
            r"\@user \$x\$ \:tada: \~\~no\~\~"
        );
    }

    #[test]
    fn a_fence_is_longer_than_what_is_in_it() {
        assert_eq!(fenced("a"), "```sh\na\n```\n");
        assert!(fenced("````x").starts_with("`````sh\n````x\n`````"));
    }
}
