//! `run.json`: what ran, on what, with which versions, seeds and hashes. Written when a run begins
//! and when it ends; read by whoever looks at runs, with a default for what an older version did not
//! record.

use super::prepare::Request;
use crate::model::Loaded;
use crate::suite::definition::Suite;
use crate::suite::preprocess::Preprocess;
use crate::suite::training::Select;
use serde::{Deserialize, Serialize};
use std::time::{Instant, SystemTime};

/// The state of a run that ended by itself.
pub const FINISHED: &str = "finished";

/// The record of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Version of this format.
    pub schema_version: u32,
    /// `running` from the start, [`FINISHED`] at the end.
    pub state: String,
    /// Short name of the suite.
    pub suite: String,
    /// Its name for readers.
    pub suite_title: String,
    /// Version of the program.
    pub version: String,
    /// Device of all model computations.
    pub device: String,
    /// Threads of the CPU.
    pub threads: usize,
    /// Seeds of the transfers.
    pub seeds: Vec<u64>,
    /// Seed of the data.
    pub data_seed: u64,
    /// When it began (RFC 3339).
    pub started: String,
    /// When it ended.
    pub finished: Option<String>,
    /// Wall-clock seconds in between.
    pub seconds: Option<f64>,
    /// The command that repeats it.
    pub command: String,
    /// Name of the processor.
    pub host: String,
    /// The source model.
    pub source: Source,
    /// Files that went into it.
    pub inputs: Vec<Input>,
    /// What a reader must know of its results.
    pub notes: Vec<String>,
    #[serde(skip)]
    clock: Option<Instant>,
}

/// The source model of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Its name or path.
    pub model: String,
    /// Hash of its weights.
    pub sha256: String,
    /// Numbers in it.
    pub parameters: usize,
    /// Classes of its predictor.
    pub classes: usize,
    /// Side of its square images in pixels.
    pub image_size: Option<usize>,
    /// Where that was found: asked, config.json, attention masks, published name or guess.
    pub image_size_from: Option<String>,
    /// What was inferred, chosen or left out as it was opened.
    pub notes: Vec<String>,
    /// How its pictures are prepared, and who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
}

/// A file that went into a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its hash.
    pub sha256: String,
}

impl Record {
    /// The record of a run that begins now.
    pub fn start(suite: &Suite, request: &Request, source: &Loaded) -> Self {
        Self {
            schema_version: 1,
            state: "running".into(),
            suite: suite.name.clone(),
            suite_title: suite.title.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            device: request.device_name.into(),
            threads: rayon::current_num_threads(),
            seeds: suite.transfer.seeds.clone(),
            data_seed: suite.data_seed,
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            finished: None,
            seconds: None,
            command: request.command.clone(),
            host: processor(),
            source: Source {
                model: suite.source.model.clone(),
                sha256: source.sha256.clone(),
                parameters: crate::model::state::size(&source.model.network),
                classes: source.labels.len(),
                image_size: source.model.config.image_size(),
                image_size_from: source.side.map(|side| side.name().into()),
                notes: source.notes.clone(),
                preprocess: None,
            },
            inputs: Vec::new(),
            notes: Vec::new(),
            clock: Some(Instant::now()),
        }
    }

    /// Names an input file of the run and its hash.
    pub fn input(&mut self, name: String, sha256: String) {
        self.inputs.push(Input { name, sha256 });
    }

    /// Marks the run as finished and says what a reader must know of its choices.
    pub fn finish(&mut self, suite: &Suite, remarks: Vec<String>) {
        let t = &suite.transfer.train;
        self.state = FINISHED.into();
        self.finished = Some(humantime::format_rfc3339_seconds(SystemTime::now()).to_string());
        self.seconds = self.clock.map(|clock| clock.elapsed().as_secs_f64());
        self.notes = vec![
            match t.select {
                Select::Last => format!(
                    "Every target model is the one after the last of {} epochs; no epoch was chosen by its validation or test error.",
                    t.epochs
                ),
                Select::Valid => format!(
                    "Every target model is that of the epoch, of at most {}, with the smallest validation error.",
                    t.epochs
                ),
                Select::Test => format!(
                    "TEST-SELECTED: every target model is that of the epoch, of at most {}, with the smallest test error; its test errors are too small.",
                    t.epochs
                ),
            },
            matched(
                suite.measures.discrepancy_holdout,
                suite.measures.discrepancy_null,
            ),
            "D with embedder \"initial\" sends target samples through the embedder that the transfer starts from; with \"fine-tuned\" through the target's embedder after fine-tuning; always into the pretrained encoder and predictor.".into(),
            format!(
                "t-SNE shows {} test samples of the surrogate, balanced over classes.",
                if suite.measures.tsne_points == 0 { "all".to_string() } else { format!("at most {}", suite.measures.tsne_points) }
            ),
        ];
        self.notes.extend(remarks);
    }
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
