//! Checkpoints of one cell: the snapshot of a transfer after every epoch, as files that survive a
//! kill at any moment.
//!
//! Tensors go to a file of their own name, whole or not at all; `checkpoint.json` names it with its
//! SHA-256 and is replaced after it is on disk. The one before stays until then, so at any time
//! the newest complete checkpoint is found by reading `checkpoint.json` and checking hashes.
//!
//! What every epoch measured also stands in the cell's `metrics.jsonl`, one JSON object a line, for
//! people and programs that follow a training. It is written after the checkpoint and again when
//! one is loaded, so it never holds an epoch that a continued transfer would not have.

use super::origin::Origin;
use crate::files::bounded;
use crate::model::Network;
use crate::model::adapters::Tuning;
use crate::model::state::state;
use crate::model::weights::{Dtype, Outgoing, Weights, write_tensors};
use crate::transfer::TransferError;
use crate::transfer::records::{EpochRecord, Stage1Record};
use crate::transfer::snapshot::{Checkpointer, NamedTensors, Snapshot};
use crate::transfer::towers::Joint;
use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the folder of checkpoints in a cell's.
pub const CHECKPOINT: &str = "checkpoint";

/// The parts of a snapshot that are tensors, by the prefix of their names.
const NETWORK: &str = "network/";
const MOMENTS: &str = "moments/";
const BEST: &str = "best/";
const AVERAGE: &str = "average/";
const OBJECTIVE: &str = "objective/";

/// The parts of a kept epoch, by the prefix of their names.
pub const ENCODER: &str = "encoder/";
pub const EMBEDDER: &str = "embedder/";
/// Of epoch 0 alone, where stage 2 begins.
pub const PREDICTOR: &str = "predictor/";

/// One checkpoint in `checkpoint.json`: everything but the tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    file: String,
    sha256: String,
    stage: u8,
    epoch: usize,
    steps: i32,
    selected: usize,
    first: Vec<Stage1Record>,
    course: Vec<EpochRecord>,
    /// Hashes of what it was made from; empty in checkpoints of older versions.
    #[serde(default, skip_serializing_if = "Origin::is_empty")]
    made_from: Origin,
}

/// One line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line<'a, T> {
    stage: u8,
    #[serde(flatten)]
    record: &'a T,
}

/// The checkpoints of a cell.
pub struct Checkpoints {
    cell: PathBuf,
    keep_epochs: Vec<usize>,
    made_from: Origin,
    newest: Option<Entry>,
}

impl Checkpoints {
    /// Checkpoints in the folder `cell`; encoder and embedder of every epoch in `keep_epochs` are
    /// kept for good, and with epoch 0 the predictor. `made_from` is what the transfer is made from: no checkpoint of something else
    /// is continued.
    pub fn new(cell: PathBuf, keep_epochs: &[usize], made_from: Origin) -> Self {
        Self {
            cell,
            keep_epochs: keep_epochs.to_vec(),
            made_from,
            newest: None,
        }
    }

    fn folder(&self) -> PathBuf {
        self.cell.join(CHECKPOINT)
    }

    /// The entries of `checkpoint.json`, newest first; a damaged one counts as none.
    fn entries(&self) -> Vec<Entry> {
        let index = bounded::json(&self.folder().join("checkpoint.json"));
        index.ok().flatten().unwrap_or_default()
    }

    /// Stage and epoch of the newest checkpoint whose file is there, without reading it.
    pub fn newest(&self) -> Option<(u8, usize)> {
        let there = |entry: &Entry| self.folder().join(&entry.file).is_file();
        let entry = self.entries().into_iter().find(there)?;
        Some((entry.stage, entry.epoch))
    }

    fn metrics(&self) -> PathBuf {
        self.cell.join("metrics.jsonl")
    }

    /// Writes what the epochs of both stages measured.
    fn write_metrics(
        &self,
        first: &[Stage1Record],
        course: &[EpochRecord],
    ) -> Result<(), TransferError> {
        let one = first.iter().map(|record| line(1, record));
        let lines = one.chain(course.iter().map(|record| line(2, record)));
        let path = self.metrics();
        crate::files::atomic::write(&path, lines.collect::<String>().as_bytes())
            .map_err(|source| TransferError::Io { path, source })
    }

    /// Removes the checkpoints of a finished cell; its metrics stay.
    pub fn clear(&self) {
        // What cannot be removed costs space, nothing else.
        fs::remove_dir_all(self.folder()).ok();
    }

    /// The file of what is kept after `epoch`.
    pub fn epoch_file(cell: &Path, epoch: usize) -> PathBuf {
        cell.join(format!("epochs/{epoch:04}.safetensors"))
    }
}

/// One epoch as a line of JSON.
fn line<T: Serialize>(stage: u8, record: &T) -> String {
    serde_json::to_string(&Line { stage, record }).expect("records have string keys") + "\n"
}

/// Reads the tensors under a prefix.
pub fn tensors(file: &Weights, prefix: &str) -> Result<NamedTensors, TransferError> {
    let mut all = NamedTensors::new();
    for name in file.names() {
        let (Some(path), Some(shape)) = (name.strip_prefix(prefix), file.shape(name)) else {
            continue;
        };
        let shape = shape.to_vec();
        let data = match file.dtype(name) {
            Some(Dtype::F64) => TensorData::new(file.read_f64(name)?, shape),
            _ => TensorData::new(file.read(name)?.values, shape),
        };
        all.insert(path.to_string(), data);
    }
    Ok(all)
}

/// Tensors to be written under a prefix.
fn outgoing<'a>(prefix: &'a str, state: &'a NamedTensors) -> impl Iterator<Item = Outgoing<'a>> {
    state.iter().map(move |(path, data)| {
        let (name, shape) = (format!("{prefix}{path}"), data.shape().to_vec());
        match data.as_slice::<f32>() {
            Ok(values) => Outgoing::floats(name, Dtype::F32, shape, values),
            Err(_) => Outgoing {
                name,
                dtype: Dtype::F64,
                shape,
                fill: Box::new(move |out| {
                    for value in data.iter::<f64>() {
                        out.write_all(&value.to_le_bytes())?;
                    }
                    Ok(())
                }),
            },
        }
    })
}

impl Checkpoints {
    /// The newest complete checkpoint, whatever it trains.
    fn read(&mut self) -> Result<Option<Snapshot>, TransferError> {
        let same = |e: &Entry| e.made_from.is_empty() || e.made_from == self.made_from;
        for entry in self.entries().into_iter().filter(same) {
            let path = self.folder().join(&entry.file);
            let Ok(file) = Weights::open(&path) else {
                continue;
            };
            if file.sha256() != entry.sha256 {
                continue;
            }
            let [best, average] = [tensors(&file, BEST)?, tensors(&file, AVERAGE)?];
            let snapshot = Snapshot {
                stage: entry.stage,
                epoch: entry.epoch,
                network: tensors(&file, NETWORK)?,
                moments: tensors(&file, MOMENTS)?,
                steps: entry.steps,
                average: (!average.is_empty()).then_some(average),
                objective: tensors(&file, OBJECTIVE)?,
                best: (!best.is_empty()).then_some(best),
                selected: entry.selected,
                first: entry.first.clone(),
                course: entry.course.clone(),
            };
            self.write_metrics(&snapshot.first, &snapshot.course)?;
            self.newest = Some(entry);
            return Ok(Some(snapshot));
        }
        // The epochs of an earlier start are trained and recorded again.
        fs::remove_file(self.metrics()).ok();
        Ok(None)
    }

    fn write(&mut self, snapshot: &Snapshot) -> Result<(), TransferError> {
        let folder = self.folder();
        let file = format!("stage{}-{:04}.safetensors", snapshot.stage, snapshot.epoch);
        let path = folder.join(&file);
        let best = snapshot.best.iter().flat_map(|best| outgoing(BEST, best));
        let average = snapshot.average.iter();
        let average = average.flat_map(|average| outgoing(AVERAGE, average));
        let all = outgoing(NETWORK, &snapshot.network)
            .chain(outgoing(MOMENTS, &snapshot.moments))
            .chain(outgoing(OBJECTIVE, &snapshot.objective))
            .chain(average)
            .chain(best);
        write_tensors(&path, all, HashMap::new())?;
        let entry = Entry {
            sha256: Weights::open(&path)?.sha256(),
            file,
            stage: snapshot.stage,
            epoch: snapshot.epoch,
            steps: snapshot.steps,
            selected: snapshot.selected,
            first: snapshot.first.clone(),
            course: snapshot.course.clone(),
            made_from: self.made_from.clone(),
        };
        let before = self.newest.replace(entry.clone());
        let entries: Vec<Entry> = [Some(entry), before].into_iter().flatten().collect();
        let text = serde_json::to_vec_pretty(&entries).expect("entries have string keys");
        let index = folder.join("checkpoint.json");
        let io = |path: PathBuf| move |source| TransferError::Io { path, source };
        crate::files::atomic::write(&index, &text).map_err(io(index.clone()))?;
        self.write_metrics(&snapshot.first, &snapshot.course)?;
        for old in fs::read_dir(&folder).map_err(io(folder.clone()))?.flatten() {
            let name = old.file_name();
            let known = |e: &Entry| name.to_str() == Some(&e.file);
            if name != "checkpoint.json" && !entries.iter().any(known) {
                fs::remove_file(old.path()).ok();
            }
        }
        Ok(())
    }
}

impl Checkpointer for Checkpoints {
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
        self.read()
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError> {
        self.write(snapshot)
    }

    fn epoch(&mut self, epoch: usize, network: &Network) -> Result<(), TransferError> {
        if !self.keep_epochs.contains(&epoch) {
            return Ok(());
        }
        let (encoder, embedder) = (state(&network.encoder), state(&network.embedder));
        let predictor = if epoch == 0 {
            state(&network.predictor)
        } else {
            NamedTensors::new()
        };
        let path = Self::epoch_file(&self.cell, epoch);
        let all = outgoing(ENCODER, &encoder)
            .chain(outgoing(EMBEDDER, &embedder))
            .chain(outgoing(PREDICTOR, &predictor));
        write_tensors(&path, all, HashMap::new())?;
        Ok(())
    }
}

/// Of tunings nothing is kept between their checkpoints: their epochs are not measured.
macro_rules! of_tunings {
    ($module:ty) => {
        impl Checkpointer<$module> for Checkpoints {
            fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
                self.read()
            }

            fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError> {
                self.write(snapshot)
            }

            fn epoch(&mut self, _: usize, _: &$module) -> Result<(), TransferError> {
                Ok(())
            }
        }
    };
}

of_tunings!(Tuning);
of_tunings!(Joint);

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(epochs: usize) -> Snapshot {
        let record = |epoch: usize| EpochRecord {
            epoch,
            train_loss: 1.0 / (3.0 * epoch as f64 + 0.1),
            valid: 1.0 / 3.0,
            test: None,
            seconds: 0.1,
        };
        let first = Stage1Record {
            epoch: 1,
            inner: Some(2.0),
            seconds: 0.5,
            ..Stage1Record::default()
        };
        let weight = TensorData::new(vec![epochs as f32], vec![1]);
        Snapshot {
            stage: 2,
            epoch: epochs,
            network: [("w".to_string(), weight)].into(),
            moments: NamedTensors::new(),
            steps: 1,
            average: None,
            objective: NamedTensors::new(),
            best: None,
            selected: epochs,
            first: vec![first],
            course: (1..=epochs).map(record).collect(),
        }
    }

    fn text(cell: &Path) -> String {
        fs::read_to_string(cell.join("metrics.jsonl")).unwrap()
    }

    #[test]
    fn metrics_have_a_line_an_epoch_and_follow_the_checkpoint() {
        let home = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::new(home.path().into(), &[], Origin::default());
        (1..=3).for_each(|epochs| checkpoints.write(&snapshot(epochs)).unwrap());
        let whole = text(home.path());
        let lines: Vec<&str> = whole.lines().collect();
        assert_eq!(
            lines[0],
            r#"{"stage":1,"epoch":1,"inner":2.0,"seconds":0.5}"#
        );
        assert!(lines[1].starts_with(r#"{"stage":2,"epoch":1,"train_loss":0.32"#));
        assert_eq!(lines.len(), 4);

        // killed between checkpoint and metrics: loading mends them, to the last bit
        fs::write(home.path().join("metrics.jsonl"), &whole[..whole.len() / 2]).unwrap();
        let mut checkpoints = Checkpoints::new(home.path().into(), &[], Origin::default());
        assert_eq!(checkpoints.newest(), Some((2, 3)));
        assert_eq!(checkpoints.read().unwrap(), Some(snapshot(3)));
        assert_eq!(text(home.path()), whole);
        checkpoints.clear();
        assert_eq!((checkpoints.newest(), text(home.path())), (None, whole));
    }

    #[test]
    fn a_transfer_that_begins_anew_has_no_old_metrics() {
        let home = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::new(home.path().into(), &[], Origin::default());
        checkpoints.write(&snapshot(2)).unwrap();
        for damaged in ["", "[{\"file\":", "[]", "{}"] {
            fs::write(home.path().join("checkpoint/checkpoint.json"), damaged).unwrap();
            assert_eq!(checkpoints.newest(), None);
        }
        assert!(checkpoints.read().unwrap().is_none());
        assert!(!home.path().join("metrics.jsonl").exists());
    }
}
