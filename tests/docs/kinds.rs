//! The members of the extensible kinds as Markdown, from their descriptors, and the fields of a descriptor
//! from their doc comments.

use super::declarations::{self, Kind};
use modalign::measure::about::{About, Better};
use modalign::measure::{encoder, retrieval, task, towers, transferability};
use modalign::report::section::Numbers;
use modalign::report::sections::SECTIONS;
use modalign::transfer::methods::METHODS;
use std::path::Path;

/// A table.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// What is said of measures: a table to compare them, then each one's computation, limits and source.
fn described(abouts: &[&About]) -> String {
    let head = [
        "measure",
        "name in tables",
        "what it says",
        "range",
        "better",
    ];
    let rows = abouts.iter().map(|about| {
        let better = match about.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "–",
        };
        vec![
            about.title.into(),
            format!("`{}`", about.name),
            about.what.into(),
            about.values.into(),
            better.into(),
        ]
    });
    let mut out = table(&head, rows);
    for about in abouts {
        out.push_str(&format!(
            "\n* **{}.** {} {} *{}.*",
            about.title, about.computed, about.limits, about.citation
        ));
    }
    out.push('\n');
    out
}

/// Measures of an encoder.
pub fn encoder_measures() -> String {
    described(
        &encoder::ALL
            .iter()
            .map(|measure| &measure.about)
            .collect::<Vec<_>>(),
    )
}

/// Scores of a target before training.
pub fn scores() -> String {
    described(
        &transferability::ALL
            .iter()
            .map(|score| &score.about)
            .collect::<Vec<_>>(),
    )
}

/// Metrics of target tasks.
pub fn metrics() -> String {
    described(
        &task::ALL
            .iter()
            .map(|metric| &metric.about)
            .collect::<Vec<_>>(),
    )
}

/// Measures between two towers.
pub fn towers() -> String {
    let pairs = towers::ALL.iter().map(|measure| &measure.about);
    described(&pairs.chain(towers::zero_shot::ALL).collect::<Vec<_>>())
}

/// Numbers of retrieval.
pub fn retrieval() -> String {
    described(
        &retrieval::ALL
            .iter()
            .map(|measure| &measure.about)
            .collect::<Vec<_>>(),
    )
}

/// The fields of structs, each in its file: what a descriptor has to say.
fn fields(structs: &[(&str, &str)]) -> String {
    let mut out = Vec::new();
    for (file, name) in structs {
        let types = declarations::in_file(Path::new(file));
        let Some(Kind::Struct(fields)) = types.get(*name).map(|found| &found.kind) else {
            panic!("{file} declares no struct {name}");
        };
        let rows = fields.iter().map(|field| {
            vec![
                format!("`{}`", field.name),
                declarations::plain(&field.doc, str::to_string),
            ]
        });
        out.push(table(&[&format!("`{name}`"), ""], rows));
    }
    out.join("\n")
}

/// The descriptor of an encoder measure.
pub fn measure_fields() -> String {
    fields(&[
        ("src/measure/encoder/measure.rs", "Measure"),
        ("src/measure/about.rs", "About"),
    ])
}

/// Transfer methods.
pub fn methods() -> String {
    let head = [
        "method",
        "name in suites",
        "role",
        "what it does",
        "compared with",
        "source",
    ];
    table(
        &head,
        METHODS.iter().map(|method| {
            vec![
                method.title.into(),
                format!("`{}`", method.name),
                format!("{:?}", method.role).to_lowercase(),
                method.what.into(),
                method
                    .contrast
                    .map_or("–".into(), |name| format!("`{name}`")),
                method.citation.into(),
            ]
        }),
    )
}

/// Figures of a run's report, in the order of the page.
pub fn figures() -> String {
    let numbers = Numbers::of(SECTIONS);
    let drawn = SECTIONS
        .iter()
        .filter_map(|section| Some((section, section.figure.as_ref()?)));
    let rows = drawn.map(|(section, drawing)| {
        let tables = section
            .tables
            .iter()
            .map(|file| file.trim_end_matches(".csv"));
        let tables: Vec<String> = tables.map(|name| format!("`{name}`")).collect();
        let number = numbers
            .number(drawing.name)
            .map_or("–".into(), |n| n.to_string());
        vec![
            number,
            format!("`{}`", drawing.name),
            drawing.title.into(),
            tables.join(", "),
        ]
    });
    table(&["figure", "name", "shows", "tables"], rows)
}
