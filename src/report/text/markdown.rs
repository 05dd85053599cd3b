//! `report.md`: the report for a repository or an issue, in GitHub-flavoured Markdown. Figures are links
//! to the files in `figures/`; the page `report.html` says more.

use std::path::Path;

use super::super::answer::{READING, Said};
use super::super::chapters::method;
use super::super::comparison::AGAIN;
use super::super::data::{Data, rows};
use super::{Grid, grids, visible};
use crate::figure::flow::Plan;

/// What the figures show, by number.
const FIGURES: [(u8, &str); 10] = [
    (1, "What was done"),
    (
        2,
        "t-SNE maps of the surrogate's features under every encoder",
    ),
    (3, "Linear-probe error on the surrogate"),
    (4, "Modality knowledge discrepancy of each target"),
    (5, "Validation metric of each target over epochs"),
    (6, "Paired differences between methods"),
    (
        7,
        "Alignment and uniformity of the surrogate's features over epochs",
    ),
    (8, "CKA between encoders"),
    (9, "Matched classes"),
    (10, "Alignment and uniformity of the source over stage 1"),
];

/// The whole document of the run in `run`.
pub fn page(data: &Data, run: &Path) -> String {
    let record = &data.record;
    let mut text = format!(
        "# {}\n\nmodalign {} · {} · seeds {}\n\n## What was compared\n\n{}\n\n",
        escape(record.title()),
        escape(&record.version.to_string()),
        escape(&record.device.to_string()),
        escape(&record.seeds.to_string()),
        compared(data),
    );
    let chapters = [
        ("The answer", grids::answer(data), "answer.csv"),
        ("Linear probe", grids::probe(data), "probe.csv"),
        (
            "Modality knowledge discrepancy",
            grids::discrepancy(data),
            "discrepancy.csv",
        ),
        ("Cost", grids::cost(data), "cells.csv"),
        ("Provenance", Some(grids::provenance(data)), "run.json"),
    ];
    for (place, (name, grid, file)) in chapters.iter().enumerate() {
        text += &format!("## {name}\n\n");
        text += &match grid {
            Some(grid) => table(grid),
            None => format!("not run – the run has no `tables/{file}`.\n\n"),
        };
        if place == 0 {
            if grid.is_some() {
                text += &format!("{} In bold: best.\n\n", escape(READING));
                if data.judged_again {
                    text += &format!("{}\n\n", escape(AGAIN));
                }
            }
            text += &figures(run);
        }
    }
    let notes: String = record
        .notes
        .iter()
        .map(|note| format!("* {}\n", escape(&note.to_string())))
        .collect();
    if !notes.is_empty() {
        text += &format!("## Notes of this run\n\n{notes}\n");
    }
    let command = record.command.0.as_deref();
    let command = command.map_or("not recorded\n\n".into(), |command| {
        fenced(&format!("{}\nmodalign figures RUN", visible(command)))
    });
    text + &format!("## How to reproduce\n\n{command}")
}

fn compared(data: &Data) -> String {
    let source = &data.record.source;
    let plan = Plan::of(rows(&data.cells));
    let bold = |title: &str| format!("**{}**", escape(title));
    let targets: Vec<String> = plan.titles.iter().copied().map(bold).collect();
    let methods = plan.methods.iter().map(|id| escape(&method(id)));
    let methods: Vec<String> = methods.collect();
    let source = format!(
        "A source model pretrained on images ({}, {} parameters, {} classes)",
        escape(&source.model.to_string()),
        escape(&source.parameters.to_string()),
        escape(&source.classes.to_string()),
    );
    match plan.transfers {
        0 => format!("{source} was transferred to other modalities."),
        all => format!(
            "{source} was transferred to {} by {}; {} of {all} transfers were run.",
            targets.join(", "),
            methods.join(", "),
            plan.done
        ),
    }
}

/// Links to the figures that there are, PNG before SVG.
fn figures(run: &Path) -> String {
    let mut text = String::new();
    for (number, name) in FIGURES {
        let files = ["png", "svg"].map(|ending| format!("figures/fig{number}.{ending}"));
        if let Some(file) = files.iter().find(|file| run.join(file).is_file()) {
            text +=
                &format!("![Figure {number}: {name}]({file})\n\n*Figure {number}.* {name}.\n\n");
        }
    }
    text
}

fn table(grid: &Grid) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let heads = grid.heads.iter().map(|(head, _)| escape(head)).collect();
    let sides = grid.heads.iter().map(|(_, number)| match number {
        true => "---:".to_owned(),
        false => "---".to_owned(),
    });
    let mut text = line(heads) + &line(sides.collect());
    for row in &grid.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text + "\n"
}

fn cell(cell: &Said) -> String {
    let text = escape(&cell.value);
    let text = match cell.best {
        true => format!("**{text}**"),
        false => text,
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
