//! The chapters without results: how things were measured, with which settings, and how to repeat
//! them. The choices stated here are those of the method as implemented, not of one run; what a
//! run has to say about itself stands in its own notes.

use maud::{Markup, html};

use super::comparison::RULE;
use super::data::Data;
use super::number::plain;
use super::record::{Record, Shown};
use crate::figure::palette;
use crate::table::CellRow;
use crate::transfer::methods::METHODS;

/// How it was measured; what only MoNA does is told where MoNA ran.
pub fn method(data: &Data) -> Markup {
    let record = &data.record;
    let probed = data
        .probe
        .iter()
        .flat_map(|table| &table.rows)
        .map(|row| row.method.as_str());
    let trained = data
        .targets
        .iter()
        .flat_map(|table| &table.rows)
        .map(|row| row.method.as_str());
    let ran: Vec<&str> = probed.chain(trained).collect();
    let of_methods = METHODS.iter().filter(|method| ran.contains(&method.name));
    let of_methods = of_methods.filter_map(|method| method.note);
    html! {
        dl.notes {
            dt { "Surrogate features" }
            dd { "The surrogate set stands in for the source data, which are not needed. Its samples always pass through the original source embedder, before and after transfer; only the encoder changes. Otherwise a changed embedder would be mistaken for changed knowledge." }
            dt { "Linear probe" }
            dd { "Multinomial logistic regression on frozen features; the penalty is ‖W‖² / 2C with C chosen on a validation part, never on test samples." }
            dt { "Discrepancy" }
            dd { "D(Mₛ, Mₜ) is the infimum over injective matchings of target classes to source classes. Summed over pairs, the divergence makes this a rectangular assignment problem, solved exactly, choice of classes and their order at once. Renormalised over the chosen classes, the problem couples, and value, lower bound and gap are given. The paper's own approximation is not public, so values can be compared within this report, and with the paper by their order alone." }
            dt { "Null and chance" }
            dd { "The null repeats the whole matching with shuffled target labels. Chance is the level of guessing. Targets with different numbers of classes are compared by D over the null's mean." }
            dt { "Signs of alignment and uniformity" }
            dd { "Both are minimised: alignment is the mean squared distance within classes, uniformity the log mean Gaussian potential of all pairs, after Wang and Isola (2020). As printed in the MoNA paper the signs would reward collapse; the printed orientation exists as a named ablation." }
            @for (title, text) in of_methods {
                dt { (title) }
                dd { (text) }
            }
            dt { "Other yardsticks" }
            dd { "Measured, never chosen by: on a balanced part of test samples (measures.yardstick_samples), the k of k-NN being measures.knn_neighbours. The OTDD takes measures.otdd_samples of either side, embedded and averaged over tokens, with the settings of transfer.orca; a set is at distance zero from itself." }
            @if data.paired.is_some() {
                dt { "Verdicts" }
                dd { (RULE) }
            }
            dt { "Parts of the data" }
            dd { "Fitting uses the training part, every choice the validation part, every reported number the test part." }
        }
        @if !record.notes.is_empty() {
            h3 { "Notes of this run" }
            ul { @for note in &record.notes { li { (note) } } }
        }
    }
}

/// Settings, seeds and hashes.
pub fn settings(data: &Data) -> Markup {
    let record = &data.record;
    let facts = [
        ("Suite", &record.suite),
        ("modalign", &record.version),
        ("Device", &record.device),
        ("Processor", &record.host),
        ("Threads", &record.threads),
        ("Seeds", &record.seeds),
        ("Started", &record.started),
        ("Finished", &record.finished),
        ("Record format", &record.schema_version),
        ("Source model", &record.source.model),
        ("Parameters", &record.source.parameters),
        ("Source classes", &record.source.classes),
        ("Weights, SHA-256", &record.source.sha256),
    ];
    html! {
        dl.facts { @for (name, value) in facts {
            div {
                dt { (name) }
                dd.absent[value.0.is_none()] { (value) }
            }
        }
            div { dt { "Seconds" } dd.absent[record.seconds.0.is_none()] { (seconds(&record.seconds)) } }
        }
        h3 { "Inputs" }
        @if record.inputs.is_empty() {
            p.absent { "not recorded" }
        } @else {
            div.scroll tabindex="0" { table {
                thead { tr { th scope="col" { "input" } th scope="col" { "SHA-256" } } }
                tbody { @for input in &record.inputs {
                    tr { td { (input.name) } td { code.hash { (input.sha256) } } }
                } }
            } }
        }
        h3 { "Not run" }
        @let missing = missing(data);
        @if missing.is_empty() {
            p { "Everything that the suite asks for was run." }
        } @else {
            ul { @for what in &missing { li { (what) } } }
        }
        p.source { "Source: " code { "run.json" } ", " code { "tables/" } }
    }
}

/// Seconds to a tenth; anything else as it stands.
fn seconds(shown: &Shown) -> String {
    let text = shown.to_string();
    text.parse().map_or(text, |seconds| plain(seconds, 1))
}

/// What is missing, and why, as far as the run says.
fn missing(data: &Data) -> Vec<String> {
    let cells = data.cells.iter().flat_map(|table| &table.rows);
    let left = cells.filter(|row| !row.done());
    let seed = |row: &CellRow| {
        row.seed
            .map_or(String::new(), |seed| format!(", seed {seed}"))
    };
    let cell = |row: &CellRow| {
        let method = palette::method(&row.method, 0).0;
        format!(
            "{} by {method}{}: the run ended before",
            row.target_title,
            seed(row)
        )
    };
    let undefined = data.transferability.iter().flat_map(|table| &table.rows);
    let undefined = undefined.filter_map(|row| {
        let why = row.undefined.as_deref().filter(|why| *why != "-")?;
        Some(format!(
            "LEEP, NCE, LogME and the like of {}: {why}",
            row.target_title
        ))
    });
    left.map(cell).chain(undefined).collect()
}

/// Works to cite for what this report contains.
pub fn citations(data: &Data) -> Markup {
    html! {
        p { "For the method and D: Ma, Li, Cai and Kang, “Learning Modality Knowledge Alignment for Cross-Modality Transfer”, ICML 2024. For what else stands here:" }
        ul {
            li { "Alignment and uniformity: Wang and Isola, ICML 2020." }
            li { "t-SNE: van der Maaten and Hinton, JMLR 2008; common start from principal components: Kobak and Berens, Nature Communications 2019." }
            @if data.cka.is_some() { li { "CKA: Kornblith, Norouzi, Lee and Hinton, ICML 2019; debiased by Song et al., JMLR 2012." } }
            @if data.transferability.is_some() {
                li { "LEEP: Nguyen et al., ICML 2020. NCE: Tran, Nguyen and Hassner, ICCV 2019. LogME: You et al., ICML 2021. H-score: Bao et al., ICIP 2019. OTDD: Alvarez-Melis and Fusi, NeurIPS 2020. Modality gap: Liang et al., NeurIPS 2022." }
            }
            li { "Plain fine-tuning across modalities and ORCA: Shen et al., ICML 2023." }
        }
    }
}

/// The command that repeats the run.
pub fn reproduce(record: &Record) -> Markup {
    html! {
        @match &record.command.0 {
            Some(command) => div.scroll tabindex="0" { pre { code { (command) } } },
            None => p.absent { "The command was not recorded." },
        }
        p {
            "Figures can be drawn again from the tables alone: "
            code { "modalign figures RUN --format svg,png" }
            ". The same tables give the same bytes. A run on the processor with the same version, seeds, inputs and number of threads is made to give the same tables; another device may differ in the last digits."
        }
    }
}
