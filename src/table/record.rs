//! The records of a run (`run.json`) and of a comparison (`compare.json`): what went in, with which versions, seeds
//! and hashes. One struct each, written by whoever computes and read by report and command line. Fields of
//! newer versions are passed over; what an older version did not record is `None`.

use crate::suite::preprocess::Preprocess;
use crate::suite::tuning::{Selection, Tuning};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// File name of the record of a run.
pub const RUN: &str = "run.json";
/// File name of the record of a comparison; that it is there says that a folder is one.
pub const COMPARISON: &str = "compare.json";
/// The state of a run that ended by itself.
pub const FINISHED: &str = "finished";

/// The record of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// Version of this format.
    pub schema_version: Option<u32>,
    /// `running` from the start, [`FINISHED`] at the end.
    pub state: Option<String>,
    /// Short name of the suite.
    pub suite: Option<String>,
    /// Its name for readers.
    pub suite_title: Option<String>,
    /// Version of the program.
    pub version: Option<String>,
    /// Device of all model computations.
    pub device: Option<String>,
    /// Threads of the CPU.
    pub threads: Option<usize>,
    /// Seeds of the transfers.
    pub seeds: Vec<u64>,
    /// Seed of the data.
    pub data_seed: Option<u64>,
    /// When it began (RFC 3339).
    pub started: Option<String>,
    /// When it ended.
    pub finished: Option<String>,
    /// Wall-clock seconds in between.
    pub seconds: Option<f64>,
    /// The command that repeats it.
    pub command: Option<String>,
    /// Name of the processor.
    pub host: Option<String>,
    /// The source model.
    pub source: SourceRecord,
    /// Files that went into it.
    pub inputs: Vec<InputRecord>,
    /// Which settings were tried and how they were chosen; `None` where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningRecord>,
    /// What a reader must know of its results.
    pub notes: Vec<String>,
}

impl RunRecord {
    /// What the run is called before readers.
    pub fn name(&self) -> &str {
        let names = [&self.suite_title, &self.suite].into_iter().flatten();
        let mut names = names.filter(|name| !name.trim().is_empty());
        names
            .next()
            .map_or("Cross-modality transfer", String::as_str)
    }
}

/// Which settings a run tried, and by which rule one of them was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningRecord {
    /// `[tuning]` of the suite.
    pub tried: Tuning,
    /// `[select]` of the suite.
    pub select: Selection,
}

/// The source model of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceRecord {
    /// Its name or path.
    pub model: Option<String>,
    /// SHA-256 of its weights.
    pub sha256: Option<String>,
    /// Numbers in it.
    pub parameters: Option<usize>,
    /// Classes of its predictor.
    pub classes: Option<usize>,
    /// Side of its square images in pixels.
    pub image_size: Option<usize>,
    /// Where that was found: asked, config.json, attention masks, published name or guess.
    pub image_size_from: Option<String>,
    /// What was inferred, chosen or left out as it was opened.
    pub notes: Vec<String>,
    /// How its images are prepared, and who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
}

/// A file that went into a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputRecord {
    /// Its name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// The record of a comparison; `S` are its settings, which readers take as they stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRecord<S = Map<String, Value>> {
    /// Version of this format.
    #[serde(default)]
    pub schema_version: Option<u32>,
    /// Version of the program.
    #[serde(default)]
    pub version: Option<String>,
    /// Title of the encoder that the others are set against.
    pub reference: String,
    /// Every encoder; older versions wrote `sides`.
    #[serde(alias = "sides")]
    pub encoders: Vec<EncoderRecord>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Samples of every part.
    pub samples: SampleCounts,
    /// Everything that could be set.
    pub settings: S,
    /// Everything that could not.
    #[serde(default)]
    pub constants: Constants,
    /// What a reader must know of single results.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl<S> ComparisonRecord<S> {
    /// Titles of all encoders but the reference.
    pub fn others(&self) -> Vec<&str> {
        let titles = self.encoders.iter().map(|encoder| encoder.title.as_str());
        titles.filter(|title| *title != self.reference).collect()
    }
}

/// One encoder of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderRecord {
    /// Its name.
    pub title: String,
    /// Its number of features.
    pub dim: usize,
    /// The C of its probe.
    pub c: f64,
    /// Where its features come from.
    #[serde(flatten)]
    pub origin: EncoderOrigin,
}

/// Where the features of an encoder come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EncoderOrigin {
    /// `features`, `run` or `model`.
    pub kind: String,
    /// What was named on the command line.
    pub path: String,
    /// SHA-256 of the file, of the kept features, or of the weights.
    pub sha256: String,
    /// SHA-256 of the labels, where they came from another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_sha256: Option<String>,
    /// The images that a model saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
    /// How the model's images were prepared, and who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// Side in pixels of the square input that the model was given, where the images are a dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// How the model was asked to be opened, as options of the command line; empty where nothing was asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub opening: String,
}

/// How many samples every part of a comparison has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// To fit on while C is chosen.
    pub fit: usize,
    /// To choose C on.
    pub valid: usize,
    /// Both.
    pub train: usize,
    /// To report on.
    pub test: usize,
    /// Of the test samples, those for measures over pairs.
    pub sample: usize,
    /// Of these, those that the maps show.
    #[serde(default)]
    pub mapped: Option<usize>,
    /// Whether the encoders brought a training part.
    pub given_parts: bool,
    /// Groups of test samples, where samples belong together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_groups: Option<usize>,
}

/// Choices of a comparison that cannot be set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constants {
    /// Share of the training part that C is chosen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_share: Option<f64>,
    /// Neighbours that vote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<usize>,
    /// Most folds of the delete-a-group jackknife.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jackknife_groups: Option<usize>,
    /// Folds without which probe and neighbours learn again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_folds: Option<usize>,
    /// Level of the page's verdicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
    /// How p values are corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_newer_records_are_read() {
        let record: RunRecord = serde_json::from_str("{}").unwrap();
        assert_eq!(record, RunRecord::default());
        assert_eq!(record.name(), "Cross-modality transfer");
        let text = r#"{"suite": "demo", "device": null, "later": {"more": 1}, "source": {"model": "m", "new": 2}}"#;
        let record: RunRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.name(), &record.device), ("demo", &None));
        assert_eq!(record.source.model.as_deref(), Some("m"));
        let again = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&again).unwrap(), record);
    }

    #[test]
    fn a_comparison_reads_what_it_wrote() {
        let text = r#"{
            "schema_version": 1, "reference": "old", "later": 1,
            "sides": [{"title": "old", "dim": 64, "c": 0.1, "kind": "features", "path": "old.npz", "sha256": "00ff"},
                      {"title": "new", "dim": 64, "c": 1.0, "kind": "model", "path": "m", "sha256": "11ee", "images": "cifar10:test"}],
            "classes": ["cat"],
            "samples": {"fit": 40, "valid": 10, "train": 50, "test": 50, "sample": 50, "given_parts": false},
            "settings": {"seed": 7, "probe_c": [0.1, 1.0]}
        }"#;
        let record: ComparisonRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.others(), &record.version), (vec!["new"], &None));
        assert_eq!(
            record.encoders[1].origin.images.as_deref(),
            Some("cifar10:test")
        );
        let again = serde_json::to_string(&record).unwrap();
        assert_eq!(
            serde_json::from_str::<ComparisonRecord>(&again).unwrap(),
            record
        );
    }
}
