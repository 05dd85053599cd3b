//! Checkpoints of one cell: the snapshot of a transfer after every epoch, as files that survive a
//! kill at any moment.
//!
//! Tensors go to a file of their own name, whole or not at all; `checkpoint.json` names it with its
//! SHA-256 and is replaced after it is on disk. The one before stays until then, so at any time
//! the newest complete checkpoint is found by reading `checkpoint.json` and checking hashes.

use crate::model::Network;
use crate::model::state::state;
use crate::model::weights::{Dtype, Outgoing, Weights, write_tensors};
use crate::transfer::TransferError;
use crate::transfer::snapshot::{Keeper, Snapshot, State};
use crate::transfer::stage1::Stage1Record;
use crate::transfer::train::EpochRecord;
use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of a snapshot that are tensors, by the prefix of their names.
const NETWORK: &str = "network/";
const MOMENTS: &str = "moments/";
const BEST: &str = "best/";

/// The parts of a kept epoch, by the prefix of their names.
pub const ENCODER: &str = "encoder/";
pub const EMBEDDER: &str = "embedder/";

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
}

/// The checkpoints of a cell.
pub struct Checkpoints {
    cell: PathBuf,
    keep_epochs: Vec<usize>,
    newest: Option<Entry>,
}

impl Checkpoints {
    /// Checkpoints in the folder `cell`; encoder and embedder of every epoch in `keep_epochs` are
    /// kept for good.
    pub fn new(cell: PathBuf, keep_epochs: &[usize]) -> Self {
        Self {
            cell,
            keep_epochs: keep_epochs.to_vec(),
            newest: None,
        }
    }

    fn folder(&self) -> PathBuf {
        self.cell.join("checkpoint")
    }

    fn entries(&self) -> Vec<Entry> {
        let text = fs::read(self.folder().join("checkpoint.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Removes the checkpoints of a finished cell.
    pub fn clear(&self) {
        // What cannot be removed costs space, nothing else.
        fs::remove_dir_all(self.folder()).ok();
    }

    /// The file of encoder and embedder after `epoch`.
    pub fn epoch_file(cell: &Path, epoch: usize) -> PathBuf {
        cell.join(format!("epochs/{epoch:04}.safetensors"))
    }
}

/// Reads the tensors under a prefix.
pub fn tensors(file: &Weights, prefix: &str) -> Result<State, TransferError> {
    let mut all = State::new();
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
fn outgoing<'a>(prefix: &'a str, state: &'a State) -> impl Iterator<Item = Outgoing<'a>> {
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

impl Keeper for Checkpoints {
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
        for entry in self.entries() {
            let path = self.folder().join(&entry.file);
            let Ok(file) = Weights::open(&path) else {
                continue;
            };
            if file.sha256() != entry.sha256 {
                continue;
            }
            let best = tensors(&file, BEST)?;
            let snapshot = Snapshot {
                stage: entry.stage,
                epoch: entry.epoch,
                network: tensors(&file, NETWORK)?,
                moments: tensors(&file, MOMENTS)?,
                steps: entry.steps,
                best: (!best.is_empty()).then_some(best),
                selected: entry.selected,
                first: entry.first.clone(),
                course: entry.course.clone(),
            };
            self.newest = Some(entry);
            return Ok(Some(snapshot));
        }
        Ok(None)
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError> {
        let folder = self.folder();
        let file = format!("stage{}-{:04}.safetensors", snapshot.stage, snapshot.epoch);
        let path = folder.join(&file);
        let best = snapshot.best.clone().unwrap_or_default();
        let all = outgoing(NETWORK, &snapshot.network)
            .chain(outgoing(MOMENTS, &snapshot.moments))
            .chain(outgoing(BEST, &best));
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
        };
        let before = self.newest.replace(entry.clone());
        let entries: Vec<Entry> = [Some(entry), before].into_iter().flatten().collect();
        let text = serde_json::to_vec_pretty(&entries).unwrap_or_default();
        let index = folder.join("checkpoint.json");
        let io = |path: PathBuf| move |source| TransferError::Io { path, source };
        crate::atomic::write(&index, &text).map_err(io(index.clone()))?;
        for old in fs::read_dir(&folder).map_err(io(folder.clone()))?.flatten() {
            let name = old.file_name();
            let known = |e: &Entry| name.to_str() == Some(&e.file);
            if name != "checkpoint.json" && !entries.iter().any(known) {
                fs::remove_file(old.path()).ok();
            }
        }
        Ok(())
    }

    fn epoch(&mut self, epoch: usize, network: &Network) -> Result<(), TransferError> {
        if !self.keep_epochs.contains(&epoch) {
            return Ok(());
        }
        let (encoder, embedder) = (state(&network.encoder), state(&network.embedder));
        let path = Self::epoch_file(&self.cell, epoch);
        let all = outgoing(ENCODER, &encoder).chain(outgoing(EMBEDDER, &embedder));
        write_tensors(&path, all, HashMap::new())?;
        Ok(())
    }
}
