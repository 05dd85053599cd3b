//! The chapters without results: how things were measured, with which settings, and how to repeat
//! them. The choices stated here are those of the method as implemented, not of one run; what a
//! run has to say about itself stands in its own notes.

use maud::{Markup, html};

use super::data::Data;
use super::record::Record;

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
    let meta_learned = probed.chain(trained).any(|method| method == "mona");
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
            @if meta_learned {
                dt { "Meta-gradient" }
                dd { "MoNA's outer loss reaches the embedder only through a simulated step of the encoder. The full second-order term is used; dropping it would leave no outer term at all." }
            }
            dt { "Other yardsticks" }
            dd { "Measured, never chosen by: on a balanced part of test samples (measures.yardstick_samples), the k of k-NN being measures.knn_neighbours. The OTDD takes measures.otdd_samples of either side, embedded and averaged over tokens, with the settings of transfer.orca; a set is at distance zero from itself." }
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
pub fn settings(record: &Record) -> Markup {
    let facts = [
        ("Suite", &record.suite),
        ("modalign", &record.version),
        ("Device", &record.device),
        ("Processor", &record.host),
        ("Threads", &record.threads),
        ("Seeds", &record.seeds),
        ("Started", &record.started),
        ("Finished", &record.finished),
        ("Seconds", &record.seconds),
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
        } }
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
        p.source { "Source: " code { "run.json" } }
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
