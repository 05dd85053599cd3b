//! The command that repeats a run or a comparison.

use maud::html;

use crate::figure::FigureError;
use crate::report::compared::Compared;
use crate::report::data::{Data, Run};
use crate::report::record::shown;
use crate::report::section::{Block, Section};

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "reproduce",
    title: "How to reproduce",
    tables: &[],
    figure: None,
    blocks: of_run,
    citations: &[],
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "reproduce",
    title: "How to reproduce",
    tables: &[],
    figure: None,
    blocks: of_comparison,
    citations: &[],
};

fn of_run(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let again = "modalign figures RUN";
    let words = html! { p {
        "Figures can be drawn again from the tables alone: "
        code { "modalign figures RUN --format svg,png" }
        ". The same tables give the same bytes. A run on the processor with the same version, seeds, inputs and number of threads is made to give the same tables; another device may differ in the last digits."
    } };
    let command = shown(&data.record.command).0;
    let code = command.map(|command| format!("{command}\n{again}"));
    Ok(vec![Block::Code(code), Block::Page(words)])
}

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let again = "modalign figures FOLDER --format svg,png";
    let words = html! {
        p { "The first command gives the same tables, byte for byte, on the same machine; the second draws the figures again from the tables alone. " code { "tables/samples.csv" } " says which sample stands in which part, for whoever wants to check a number elsewhere." }
    };
    let code = format!("{}\n{again}", command(&data.record));
    Ok(vec![Block::Code(Some(code)), Block::Page(words)])
}

/// The command that repeats it; files that others name differently are placeholders.
fn command(record: &Compared) -> String {
    let mut command = String::from("modalign compare");
    let paths = record
        .encoders
        .iter()
        .map(|encoder| encoder.origin.path.as_str());
    let kinds = record
        .encoders
        .iter()
        .map(|encoder| encoder.origin.kind.as_str());
    let mut last = ("", "");
    for now in paths.zip(kinds) {
        // A run gives several encoders in a row.
        if now.1 != "run" || now != last {
            command += &format!(" {}", quoted(now.0));
        }
        last = now;
    }
    command += &format!(" --reference {}", quoted(&record.reference));
    if let Some(images) = record
        .encoders
        .iter()
        .find_map(|encoder| encoder.origin.images.as_ref())
    {
        command += &format!(" --images {} --data-dir DIR", quoted(images));
    }
    // Every model of a comparison is opened in the same way.
    let opening = record
        .encoders
        .iter()
        .map(|encoder| encoder.origin.opening.as_str());
    command += opening.max().unwrap_or_default();
    if record
        .encoders
        .iter()
        .any(|encoder| encoder.origin.labels_sha256.is_some())
    {
        command += " --labels LABELS.npy";
    }
    for (flag, name) in [
        ("train-share", "train_share"),
        ("sample", "sample"),
        ("iterations", "tsne_iterations"),
        ("seed", "seed"),
    ] {
        if let Some(value) = record.settings.get(name) {
            command += &format!(" --{flag} {}", shown(value));
        }
    }
    command
}

/// An argument as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
