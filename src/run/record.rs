//! The record of a run ([`RunRecord`]): written when a run begins and when it ends.

use super::prepare::Request;
use crate::dataset::Reader;
use crate::model::Loaded;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::task::TargetKind;
use crate::suite::training::Select;
use crate::table::record::{FINISHED, RunRecord, SourceRecord, TuningRecord};
use std::time::{Instant, SystemTime};

/// The record of a run that begins now.
pub fn start(suite: &Suite, request: &Request, source: &Loaded) -> RunRecord {
    RunRecord {
        schema_version: Some(1),
        state: Some("running".into()),
        suite: Some(suite.name.clone()),
        suite_title: Some(suite.title.clone()),
        version: Some(env!("CARGO_PKG_VERSION").into()),
        device: Some(request.device_name.into()),
        threads: Some(rayon::current_num_threads()),
        seeds: suite.transfer.seeds.clone(),
        data_seed: Some(suite.data_seed),
        started: Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
        finished: None,
        seconds: None,
        command: Some(request.command.clone()),
        host: Some(processor()),
        source: SourceRecord {
            model: Some(suite.source.model.clone()),
            sha256: Some(source.sha256.clone()),
            parameters: Some(crate::model::state::size(&source.model.network)),
            classes: Some(source.labels.len()),
            image_size: source.model.config.image_size(),
            image_size_from: source.side.map(|side| side.name().into()),
            notes: source.notes.clone(),
            preprocess: None,
        },
        inputs: Vec::new(),
        tuning: (!suite.tuning.is_off()).then(|| TuningRecord {
            tried: suite.tuning.clone(),
            select: suite.select.clone(),
        }),
        notes: Vec::new(),
    }
}

/// Marks the run that began at `begun` as finished and says what a reader must know of its choices.
pub fn finish(record: &mut RunRecord, begun: Instant, suite: &Suite, remarks: Vec<String>) {
    let t = &suite.transfer.train;
    let tuned = suite.tuning.grid.0.contains_key("transfer.train.epochs");
    let epochs = if tuned {
        "as many epochs as were chosen".to_owned()
    } else {
        format!("{} epochs", t.epochs)
    };
    record.state = Some(FINISHED.into());
    record.finished = Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string());
    record.seconds = Some(begun.elapsed().as_secs_f64());
    record.notes = vec![match t.select {
        Select::Last => format!(
            "Every target model is the one after the last of {epochs}; no epoch was chosen by its validation or test error."
        ),
        Select::Valid => format!(
            "Every target model is that of the epoch, of at most {epochs}, with the smallest validation error."
        ),
        Select::Test => format!(
            "TEST-SELECTED: every target model is that of the epoch, of at most {epochs}, with the smallest test error; its test errors are too small."
        ),
    }];
    if !of_captions_alone(suite) {
        record.notes.push(matched(
            suite.measures.discrepancy_holdout,
            suite.measures.discrepancy_null,
        ));
        record.notes.push("D with embedder \"initial\" sends target samples through the embedder that the transfer starts from; with \"fine-tuned\" through the target's embedder after fine-tuning; always into the pretrained encoder and predictor.".into());
    }
    record.notes.push(format!(
        "t-SNE shows {} test samples of the surrogate, balanced over classes.",
        if suite.measures.tsne_points == 0 {
            "all".to_string()
        } else {
            format!("at most {}", suite.measures.tsne_points)
        }
    ));
    record.notes.extend(remarks);
}

/// Whether all targets are pictures with captions, for which D is not defined.
fn of_captions_alone(suite: &Suite) -> bool {
    let pairs = |spec: &DatasetSpec| Reader::of(spec).is_ok_and(|r| r.target == TargetKind::Pairs);
    !suite.targets.is_empty() && suite.targets.iter().all(pairs)
}

/// How D was found: on which share of the samples its matching was chosen, on which it was evaluated.
pub(super) fn matched(holdout: f64, shuffles: usize) -> String {
    format!(
        "D is the expected error 1 − p, matched on {:.0} % of each target's test samples and evaluated on the {:.0} % held out; the null shuffles the target's labels {shuffles} times.",
        100.0 * (1.0 - holdout),
        100.0 * holdout,
    )
}

/// Name of the processor, where the system tells.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|l| {
        l.strip_prefix("model name")?
            .split_once(':')
            .map(|p| p.1.trim().to_string())
    });
    name.unwrap_or_else(|| std::env::consts::ARCH.into())
}
