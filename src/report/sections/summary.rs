//! The summary: the verdict in plain sentences before any table, and what was compared, with the two terms that
//! a reader needs explained where they first occur.

use maud::html;

use super::flow::Plan;
use super::retrieval;
use crate::figure::values::{about, shown, signed};
use crate::figure::{FigureError, methods};
use crate::report::compared::Compared;
use crate::report::data::{Data, Line, Run, Table};
use crate::report::number::whole;
use crate::report::record::shown as recorded;
use crate::report::section::{Block, Section};
use crate::report::verdict;
use crate::report::words::{Words, joint};
use crate::table::{
    CellRow, DifferenceRow, MeasureRow, PARAMETERS, PairedRow, RetrievalRow, Row, TradeoffRow,
};

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "summary",
    title: "Summary",
    tables: &[],
    figure: None,
    blocks: of_run,
    citations: &[],
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "summary",
    title: "Summary",
    tables: &[MeasureRow::FILE, DifferenceRow::FILE],
    figure: None,
    blocks: of_comparison,
    citations: &[],
};

/// The surrogate in a sentence.
const SURROGATE: &str = "The surrogate is a labelled set that stands in for the source's own training data, which a transfer does not have; the error of a linear probe on its features says how much of the source's knowledge an encoder still holds.";

/// D in a sentence.
const D: &str = "The modality knowledge discrepancy D of a target is the least divergence between its labels and the source model's class probabilities on its samples, over all ways to give each target class a source class of its own: it says, before any training, how far the target lies from what the source model knows.";

/// The mean recall in a sentence.
const RECALL: &str = "The mean recall (mR) of a target is the mean of R@1, R@5 and R@10 in both directions: how often one of a picture’s own captions is among the first one, five or ten of all captions, and a caption’s own picture among all pictures.";

/// The verdict of a run in plain sentences, for every rendering and for machines.
///
/// # Errors
/// [`FigureError`] for a table that is broken.
pub fn sentences(data: &Data<Run>) -> Result<Vec<Words>, FigureError> {
    let verdicts = data.tables.verdicts()?;
    let paired = verdicts.paired.iter().flat_map(Table::lines);
    // Tables of older versions hold no row of these.
    let distortion = verdicts.distortion.iter().map(|row| Line { line: 0, row });
    let lines: Vec<Line<'_, PairedRow>> = paired.chain(distortion).collect();
    let mut said = verdict::sentences(&lines);
    let tradeoffs = data.tables.any::<TradeoffRow>()?;
    said.extend(verdict::at_equal_target(
        &tradeoffs.lines().collect::<Vec<_>>(),
    ));
    Ok(said)
}

fn of_run(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let verdict = sentences(data)?;
    let mut blocks = Vec::new();
    let words = verdict.into_iter().enumerate();
    let words = words.fold(Words::default(), |words, (place, sentence)| {
        words.say(if place > 0 { " " } else { "" }).join(sentence)
    });
    if words.is_empty() {
        blocks.push(Block::Lead(Words::new(
            "No methods were compared, so there is no verdict; the numbers follow.",
        )));
    } else {
        blocks.push(Block::Lead(words));
    }
    let cells = data.tables.any::<CellRow>()?;
    let alone = retrieval::alone(&data.tables)?;
    blocks.push(Block::Words(compared(data, &cells.rows, alone)?));
    let retrieval = data.tables.any::<RetrievalRow>()?;
    let mut terms = vec![SURROGATE];
    terms.extend((!alone).then_some(D));
    terms.extend((!retrieval.rows.is_empty()).then_some(RECALL));
    blocks.push(Block::words(terms.join(" ")));
    blocks.push(Block::Page(html! {
        p.hint { "Every underlined number leads to the table row it was read from." }
    }));
    Ok(blocks)
}

/// Digits of a whole number in threes; anything else as it stands.
fn grouped(number: &str) -> String {
    number.parse().map_or_else(|_| number.to_owned(), whole)
}

/// What was transferred where, and how.
fn compared(data: &Data<Run>, cells: &[CellRow], alone: bool) -> Result<Words, FigureError> {
    let source = &data.record.source;
    let Plan {
        titles,
        methods: ids,
        seeds,
        transfers,
        done,
        ..
    } = Plan::of(cells);
    let words = if alone {
        let rows = data.tables.any::<RetrievalRow>()?;
        let size = rows.rows.iter().find(|row| row.measure == PARAMETERS);
        let size = size
            .and_then(|row| row.samples)
            .map_or_else(String::new, |n| {
                format!(", {} parameters in both", whole(n))
            });
        let model = recorded(&source.model);
        Words::new(format!(
            "The two towers of a model pretrained on images with texts ({model}{size}) were tuned to pictures and captions of "
        ))
    } else {
        Words::new(format!(
            "A source model pretrained on images ({}, {} parameters, {} classes) was transferred to ",
            recorded(&source.model),
            grouped(&recorded(&source.parameters).to_string()),
            recorded(&source.classes),
        ))
    };
    if transfers == 0 {
        return Ok(words.say("other modalities."));
    }
    let words = titles
        .iter()
        .enumerate()
        .fold(words, |words, (place, title)| {
            words.say(joint(place, titles.len())).bold(*title)
        });
    let names = ids
        .iter()
        .enumerate()
        .map(|(place, id)| format!("{}{}", joint(place, ids.len()), methods::phrase(id)));
    let words = words.say(format!(" by {}", names.collect::<String>()));
    let words = match seeds {
        0 | 1 => words,
        seeds => words.say(format!(", {seeds} seeds each")),
    };
    if done < transfers {
        let left = transfers - done;
        return Ok(words.say(format!("; {left} of {transfers} transfers were not run.")));
    }
    Ok(words.say("."))
}

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let measures = data.tables.needed::<MeasureRow>()?;
    let differences = data.tables.needed::<DifferenceRow>()?;
    let mut blocks = Vec::new();
    let probed = |line: &Line<'_, MeasureRow>| line.row.measure == "probe-error";
    let mut errors: Vec<_> = measures
        .lines()
        .filter(probed)
        .filter_map(|line| Some((line.row.value?, line)))
        .collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lead = Words::default();
    for (place, (value, line)) in errors.iter().enumerate() {
        let before = match place {
            0 => "A linear probe errs on ",
            _ if place + 1 == errors.len() => " and on ",
            _ => ", on ",
        };
        let of_samples = if place == 0 {
            " of the test samples"
        } else {
            ""
        };
        lead = lead
            .say(before)
            .cite(*line, &shown(&line.row.measure, *value))
            .say(format!("{of_samples} through "))
            .bold(&line.row.encoder_title);
    }
    if !lead.is_empty() {
        blocks.push(Block::Lead(lead.say(".")));
    }
    for encoder in data.record.others() {
        let words = Words::default().bold(encoder);
        let words = words.say(format!(" against {}: ", data.record.reference));
        let own = |verdict: &str| -> Vec<Line<'_, DifferenceRow>> {
            let own = differences.lines();
            own.filter(|line| line.row.encoder == encoder && line.row.verdict == verdict)
                .collect()
        };
        blocks.push(Block::Words(sorted(
            words,
            &[
                ("better in ", own("better")),
                ("worse in ", own("worse")),
                ("not shown to differ in ", own("not shown")),
                ("not tested in ", own("not tested")),
            ],
        )));
    }
    blocks.push(Block::Note("Differences, encoder less reference; of shares in percentage points. “Better” and “worse” only beyond noise: after Holm's correction for all differences of this page, and with a paired 95\u{a0}% interval clear of zero.".into()));
    blocks.push(Block::Page(html! {
        p.hint { "Every underlined number leads to the table row it was read from." }
    }));
    Ok(blocks)
}

/// "better in Probe error (−2.1), Silhouette (+0.10); worse in …".
fn sorted(mut words: Words, parts: &[(&str, Vec<Line<'_, DifferenceRow>>)]) -> Words {
    let parts = parts.iter().filter(|(_, lines)| !lines.is_empty());
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        return words.say("no measure could be tested.");
    }
    for (index, (said, lines)) in parts.iter().enumerate() {
        words = words.say(if index > 0 { "; " } else { "" }).say(*said);
        for (place, line) in lines.iter().enumerate() {
            let difference = signed(&line.row.measure, line.row.difference);
            words = words
                .say(format!(
                    "{}{} (",
                    joint(place, lines.len()),
                    name(&line.row.measure)
                ))
                .cite(*line, &difference)
                .say(")");
        }
    }
    words.say(".")
}

/// Names of measures inside a sentence; those that are proper names keep their letters.
fn name(id: &str) -> String {
    about(id).map_or_else(|| id.to_lowercase(), |about| about.title.to_owned())
}
