//! The chapters without results: how a comparison is made, what went into this one, how to repeat it.

use maud::{Markup, html};
use serde_json::Value;

use super::data::Record;
use crate::report::number::whole;

/// How it was measured.
pub fn method(record: &Record) -> Markup {
    let samples = &record.samples;
    let constant = |name: &str| said(record.constants.get(name).unwrap_or(&Value::Null));
    html! {
        dl.notes {
            dt { "Parts of the samples" }
            dd {
                @if samples.given_parts { "Every side brought a training part of its own, from the same run." }
                @else { "One split for all sides, class by class and by seed." }
                " Probe and neighbours learn from " (whole(samples.train)) " samples; the probe's C is chosen on "
                (whole(samples.valid)) " of these, fitted on the other " (whole(samples.fit))
                ", and the reported probe is fitted on all of them. Every number is of "
                (whole(samples.test)) " test samples, which nothing was fitted to or chosen on."
            }
            dt { "Probe error" }
            dd { "Multinomial logistic regression on standardised features, penalty ‖W‖² / 2C. The balanced error is the mean over classes." }
            dt { "k-NN accuracy" }
            dd { "Majority of the " (constant("neighbours")) " training samples of highest cosine similarity." }
            dt { "Alignment, uniformity, silhouette" }
            dd {
                "On " (whole(samples.sample)) " test samples, balanced over classes (of which the maps show at most 3,000). Alignment and uniformity on the unit sphere (Wang and Isola, 2020): mean squared distance within classes, and the logarithm of the mean of e"
                sup { "\u{2212}2d²" } " over all pairs. Silhouette (Rousseeuw, 1987) on the features as they are."
            }
            dt { "LogME, H-score" }
            dd { "On all test samples. LogME (You et al., 2021) depends on the scale of the features; the H-score (Bao et al., 2019) uses Ledoit and Wolf's covariance, so that encoders with many features are not favoured." }
            dt { "Noise" }
            dd {
                "A number's own interval is of its test samples: for rates Wilson's, for the balanced error one summed over classes, for the other measures a delete-a-group jackknife, at most "
                (constant("jackknife_groups"))
                " folds of test samples left out in turn, with Student's t. A bootstrap would draw samples twice, which measures over pairs and evidences take for knowledge. A difference is that of the same folds on both sides. Probe and neighbours learn again without each of "
                (constant("learning_folds"))
                " folds, which takes training samples, a say in the choice of C and test samples away at once: the noise of their differences holds all three. Their p is no smaller than that of an exact sign-flip test over the test samples (McNemar's), which no handful of samples passes. "
                @match samples.test_groups {
                    Some(groups) => { "Samples that belong together stay together in parts, folds and signs: the test part has " (whole(groups)) " groups." }
                    None => "Every sample counts as independent of all others; no groups of samples were given.",
                }
                " Another training of the same encoder is in no interval and in no mark."
            }
            dt { "Beyond noise" }
            dd { "A difference is marked where its p value, corrected by Holm's method for everything that this page calls different (measures and classes together), is at most " (constant("level")) ", and its own paired 95\u{a0}% interval is clear of zero. Of equal encoders at most one page in twenty shows any mark." }
        }
        @if !record.notes.is_empty() {
            h3 { "Notes of this comparison" }
            ul { @for note in &record.notes { li { (note) } } }
        }
    }
}

/// What went in.
pub fn inputs(record: &Record) -> Markup {
    let settings = record.settings.iter().chain(&record.constants);
    html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                th scope="col" { "encoder" } th scope="col" { "from" } th scope="col" { "named" }
                th.number scope="col" { "features" } th.number scope="col" { "C" }
                th scope="col" { "SHA-256" }
            } }
            tbody { @for side in &record.sides { tr {
                td { (side.title) }
                td { (side.kind) }
                td { (side.path) @if let Some(images) = &side.images { ", " (images) } }
                td.number { (whole(side.dim)) }
                td.number { (side.c) }
                td { code.hash { (side.sha256) } }
            } } }
        } }
        h3 { "Settings" }
        dl.facts { @for (name, value) in settings {
            div { dt { (name.replace('_', " ")) } dd { (said(value)) } }
        } }
        p.source { "Source: " code { "compare.json" } }
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// How to repeat it.
pub fn reproduce(record: &Record) -> Markup {
    html! {
        div.scroll tabindex="0" { pre { code { (command(record)) "\nmodalign figures FOLDER --format svg,png" } } }
        p { "The first command gives the same tables, byte for byte, on the same machine; the second draws the figures again from the tables alone. " code { "tables/samples.csv" } " says which sample stands in which part, for whoever wants to check a number elsewhere." }
    }
}

/// The command that repeats it; files that others name differently are placeholders.
fn command(record: &Record) -> String {
    let mut command = String::from("modalign compare");
    let paths = record.sides.iter().map(|side| side.path.as_str());
    let kinds = record.sides.iter().map(|side| side.kind.as_str());
    let mut last = ("", "");
    for now in paths.zip(kinds) {
        // A run gives several sides in a row.
        if now.1 != "run" || now != last {
            command += &format!(" {}", quoted(now.0));
        }
        last = now;
    }
    command += &format!(" --reference {}", quoted(&record.reference));
    if let Some(images) = record.sides.iter().find_map(|side| side.images.as_ref()) {
        command += &format!(" --images {} --data-dir DIR", quoted(images));
    }
    if record.sides.iter().any(|side| side.labels_sha256.is_some()) {
        command += " --labels LABELS.npy";
    }
    for (flag, name) in [
        ("train-share", "train_share"),
        ("sample", "sample"),
        ("iterations", "tsne_iterations"),
        ("seed", "seed"),
    ] {
        if let Some(value) = record.settings.get(name) {
            command += &format!(" --{flag} {}", said(value));
        }
    }
    command
}

/// An argument as a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
