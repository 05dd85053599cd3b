//! Cells: one transfer of the source model to one target by one method, with one of its settings and one
//! seed. A cell is done when its `cell.json` exists; it is written last, so a run that dies loses at most the
//! cell it was in.
//!
//! A cell by which settings are chosen is *tried*: trained and scored on validation parts alone, which its
//! `tuned.json` keeps. If its settings are chosen and its seed is one of the suite's, the same model becomes a cell
//! that is done; of all others no test value is ever computed.

use super::checkpoint::{CHECKPOINT, Checkpoints};
use super::classes;
use super::error::RunError;
use super::evaluation::{self, Subject};
use super::folder::RunFolder;
use super::lock::{self, FolderLock, look_anew};
use super::memory;
use super::origin::{self, Origin};
use super::prepare::{Context, Target};
use super::progress::{Progress, steps};
use super::towers::{self, TunedTowers};
use crate::model::adapters::Tuning;
use crate::model::{self, Model, load, save};
use crate::suite::definition::DatasetSpec;
use crate::suite::task::Metric;
use crate::transfer::Task;
use crate::transfer::methods::{Method, Variant};
use crate::transfer::records::{EpochRecord, Stage1Record};
use crate::transfer::request::Request;
use crate::transfer::stages;
use burn::tensor::DType;
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// Name of the model's folder in a cell's.
pub(super) const MODEL: &str = "model";

/// Which cell.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The target.
    pub target: &'a DatasetSpec,
    /// The method.
    pub method: &'static Method,
    /// Its settings.
    pub variant: &'a Variant,
    /// The seed.
    pub seed: u64,
}

/// A cell that ended in an error, as its `failed.json` says until it is trained after all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The error in words.
    pub why: String,
}

impl Cell<'_> {
    fn failure_record(&self) -> String {
        format!("{}/failed.json", self.name())
    }

    /// Why the cell failed when it was last tried, if it did.
    pub fn failure(&self, folder: &RunFolder) -> Option<Failure> {
        folder.read_json(&self.failure_record())
    }

    /// Writes down why the cell failed.
    pub(super) fn fail(&self, folder: &RunFolder, error: &RunError) -> Result<Failure, RunError> {
        self.fail_for(folder, error.to_string())
    }

    /// Writes down in words why the cell failed.
    pub(super) fn fail_for(&self, folder: &RunFolder, why: String) -> Result<Failure, RunError> {
        let failure = Failure { why };
        folder.write_json(&self.failure_record(), &failure)?;
        Ok(failure)
    }

    /// Forgets an earlier failure.
    pub(super) fn forget_failure(&self, folder: &RunFolder) {
        // There is none in most cells.
        std::fs::remove_file(folder.path(&self.failure_record())).ok();
    }
}

/// What a cell found, as its `cell.json` keeps it. `T` is the metric on the test part: a number, or nothing
/// while it is not measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome<T = f64> {
    /// Target id.
    pub target: String,
    /// Method name.
    pub method: String,
    /// Seed of the transfer.
    pub seed: u64,
    /// What judged it.
    #[serde(default = "error")]
    pub metric: Metric,
    /// The metric of the selected epoch on the validation part.
    #[serde(alias = "valid_error")]
    pub valid: f64,
    /// The same on the test part.
    #[serde(alias = "test_error")]
    pub test: T,
    /// Every epoch of stage 1, for methods that have one.
    #[serde(default)]
    pub stage1: Vec<Stage1Record>,
    /// Every epoch of stage 2.
    pub course: Vec<EpochRecord>,
    /// The epoch whose parameters are the result.
    pub selected: usize,
    /// Training, validation and test samples.
    pub samples: [usize; 3],
    /// Shape of a sample before resizing.
    pub shape: [usize; 3],
    /// Classes of the target; 0 for fields.
    pub classes: usize,
    /// Wall-clock seconds of the training.
    pub seconds: f64,
    /// Most memory that the process held meanwhile, in bytes, where the system tells.
    #[serde(default)]
    pub memory: Option<u64>,
    /// What it was trained on.
    #[serde(default)]
    pub device: Option<String>,
    /// Hashes of what it was made from; empty in cells of older versions.
    #[serde(default, skip_serializing_if = "Origin::is_empty")]
    pub made_from: Origin,
}

fn error() -> Metric {
    Metric::Error
}

impl Outcome {
    /// The target metric of guessing, where that is known.
    pub fn guessing(&self) -> Option<f64> {
        (self.metric == Metric::Error).then(|| guessing(self.classes))
    }
}

/// The error of guessing one of so many classes.
pub fn guessing(classes: usize) -> f64 {
    1.0 - 1.0 / classes.max(1) as f64
}

/// A model trained with settings that are tried, scored on validation parts, as its `tuned.json` keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tuned {
    /// Probe error on the surrogate's validation part; `None` of an encoder that takes no images.
    pub source_valid: Option<f64>,
    /// Everything else; made from the surrogate's data too.
    #[serde(flatten)]
    pub outcome: Outcome<()>,
}

impl<T> Outcome<T> {
    /// The same with a metric on the test part and what it was made from.
    fn tested(self, test: f64, made_from: Origin) -> Outcome {
        Outcome {
            target: self.target,
            method: self.method,
            seed: self.seed,
            metric: self.metric,
            valid: self.valid,
            test,
            stage1: self.stage1,
            course: self.course,
            selected: self.selected,
            samples: self.samples,
            shape: self.shape,
            classes: self.classes,
            seconds: self.seconds,
            memory: self.memory,
            device: self.device,
            made_from,
        }
    }
}

impl Cell<'_> {
    /// Folder of the cell inside the run.
    pub fn name(&self) -> String {
        format!(
            "cells/{}-{}-{}",
            self.target.name, self.variant.label, self.seed
        )
    }

    /// What it found, if it is done.
    pub fn outcome(&self, folder: &RunFolder) -> Option<Outcome> {
        folder.read_json(&format!("{}/cell.json", self.name()))
    }

    /// What its settings reach on validation parts, if it was tried.
    pub fn tuned(&self, folder: &RunFolder) -> Option<Tuned> {
        folder.read_json(&self.tuning_record())
    }

    fn tuning_record(&self) -> String {
        format!("{}/tuned.json", self.name())
    }

    /// Whether a process works on it.
    pub fn is_locked(&self, root: &Path) -> bool {
        lock::is_held(&root.join(format!("{}.lock", self.name())))
    }

    /// Name of the cell for people.
    pub fn title(&self) -> String {
        format!(
            "{} · {} · seed {}",
            self.target.title, self.variant.label, self.seed
        )
    }
}

/// Takes the lock of a cell; the system releases it if the process dies. What another host wrote there before is seen.
pub(super) fn lock(folder: &RunFolder, name: &str) -> Result<FolderLock, RunError> {
    let cell = folder.path(name);
    let cells = cell.parent().unwrap_or(folder.root());
    std::fs::create_dir_all(cells).map_err(|source| RunError::Io {
        path: cells.into(),
        source,
    })?;
    let own = cell.file_name().unwrap_or_default().to_string_lossy();
    let lock = FolderLock::take(cells, &format!("{own}.lock"), false)?;
    for place in [cells, &cell, &cell.join(CHECKPOINT)] {
        look_anew(place);
    }
    Ok(lock)
}

/// The transfer of a cell, whose target model is `built`.
pub fn request<'a>(
    context: &Context<'a>,
    cell: Cell<'a>,
    target: &'a Target,
    built: &'a model::Target,
) -> Result<Request<'a>, RunError> {
    Ok(Request {
        task: task(cell, target)?,
        settings: &cell.variant.transfer,
        source: target.sequence.as_ref().unwrap_or(&context.source.model),
        target: built,
        splits: &target.data,
        source_set: context.source_set.clone(),
        seed: cell.seed,
    })
}

/// What a transfer makes.
// There is one of a cell at a time.
#[allow(clippy::large_enum_variant)]
pub enum Made {
    /// A model of the target.
    Model(Model),
    /// A tuning of the source's towers.
    Tuning(Tuning),
}

impl Made {
    /// Reads it from the folder of a cell's model.
    fn read(context: &Context, target: &Target, folder: &Path) -> Result<Self, RunError> {
        Ok(match target.captions.is_some() || target.named.is_some() {
            true => Self::Tuning(towers::read(context, folder)?),
            false => Self::Model(load::load(folder, context.device, DType::F32)?.model),
        })
    }

    /// The target's metric on its test part.
    fn tested(&self, context: &Context, cell: Cell, target: &Target) -> Result<f64, RunError> {
        match (self, &target.captions, &target.named) {
            (Self::Tuning(tuning), Some([.., test]), _) => towers::metric(context, tuning, test),
            (Self::Tuning(tuning), None, Some(named)) => {
                let loaded = towers::towers(context)?;
                Ok(named.error(&loaded.towers, tuning, &named.parts[2])?)
            }
            (Self::Model(model), None, None) => {
                let test = target.data.test.clone();
                Ok(task(cell, target)?.evaluate(&model.network, test, context.device)?)
            }
            _ => Err(mismatched(cell)),
        }
    }

    /// What a run evaluates of it by the surrogate.
    ///
    /// # Errors
    /// A tuning without towers.
    pub(super) fn subject<'a>(
        &'a self,
        context: &Context<'a>,
    ) -> Result<Box<dyn Subject + 'a>, RunError> {
        Ok(match self {
            Self::Model(model) => Box::new(model.network.encoder.clone()),
            Self::Tuning(tuning) => Box::new(TunedTowers::new(context, tuning)?),
        })
    }
}

/// That a cell holds another kind of model than its target asks for.
pub(super) fn mismatched(cell: Cell) -> RunError {
    RunError::Unfit {
        what: format!("model of {}", cell.title()),
        expected: "a tuning of towers where the target has captions or classes by their texts, and there alone".into(),
        found: "the other".into(),
    }
}

/// The model of a cell that is done: in memory after its training, else in its folder until somebody needs it.
pub struct Kept {
    folder: PathBuf,
    made: OnceCell<Made>,
}

impl Kept {
    fn new(folder: &RunFolder, cell: &str, made: Option<Made>) -> Self {
        Self {
            folder: folder.path(cell).join(MODEL),
            made: made.map_or_else(OnceCell::new, OnceCell::from),
        }
    }

    /// The model, read at the first call.
    ///
    /// # Errors
    /// [`RunError::Discarded`] where the folder no longer has it, and what reading refuses.
    pub fn made(&self, context: &Context, target: &Target) -> Result<&Made, RunError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        if !self.folder.exists() {
            return Err(RunError::Discarded {
                path: self.folder.clone(),
            });
        }
        let read = Made::read(context, target, &self.folder)?;
        Ok(self.made.get_or_init(|| read))
    }
}

/// A cell that is done.
pub struct Trained {
    /// Its model.
    pub kept: Kept,
    /// What was found.
    pub outcome: Outcome,
    /// Whether it had been done before.
    pub before: bool,
    /// Its lock where it was trained now, so that nobody else measures it meanwhile.
    pub(super) lock: Option<FolderLock>,
}

/// Trains a cell, or reads what was found if it is done.
pub fn run(
    context: &Context,
    cell: Cell,
    target: &Target,
    progress: &mut dyn Progress,
) -> Result<Trained, RunError> {
    let Context { suite, folder, .. } = context;
    let name = cell.name();
    let record = format!("{name}/cell.json");
    let title = cell.title();
    let made_from = context.origins.transfer(suite, cell.target, cell.method);
    if let Some(outcome) = cell.outcome(folder) {
        origin::holds(&folder.path(&record), &outcome.made_from, &made_from)?;
        // A process killed between writing the record and clearing leaves checkpoints behind.
        Checkpoints::new(folder.path(&name), &[], made_from).clear();
        progress.skip(&format!("{title}: done before"));
        return Ok(Trained {
            kept: Kept::new(folder, &name, None),
            outcome,
            before: true,
            lock: None,
        });
    }
    let lock = defined_and_locked(context, cell, target)?;
    if cell.outcome(folder).is_some() {
        // Another process ended it between the first look and the lock.
        drop(lock);
        return run(context, cell, target, progress);
    }
    let model = folder.path(&name).join(MODEL);
    let (made, outcome) = match cell.tuned(folder) {
        Some(tuned) if model.exists() => {
            let both = context.origins.tuning(suite, cell.target, cell.method);
            let path = folder.path(&cell.tuning_record());
            origin::holds(&path, &tuned.outcome.made_from, &both)?;
            let made = Made::read(context, target, &model)?;
            progress.skip(&format!("{title}: trained while settings were tried"));
            (made, tuned.outcome)
        }
        // Where its model was discarded, the same training makes it again.
        _ => train(context, cell, target, progress)?,
    };
    let test = made.tested(context, cell, target)?;
    let outcome = outcome.tested(test, made_from.clone());
    folder.write_json(&record, &outcome)?;
    cell.forget_failure(folder);
    Checkpoints::new(folder.path(&name), &[], made_from).clear();
    Ok(Trained {
        kept: Kept::new(folder, &name, Some(made)),
        outcome,
        before: false,
        lock: Some(lock),
    })
}

/// Tries the settings of a cell, or reads what was found before: trains it, and scores it on the validation
/// parts of its target and of the surrogate. No test sample is read.
pub fn tune(
    context: &Context,
    cell: Cell,
    target: &Target,
    progress: &mut dyn Progress,
) -> Result<Tuned, RunError> {
    let Context { suite, folder, .. } = context;
    let title = cell.title();
    let record = cell.tuning_record();
    let both = context.origins.tuning(suite, cell.target, cell.method);
    if let Some(tuned) = cell.tuned(folder) {
        origin::holds(&folder.path(&record), &tuned.outcome.made_from, &both)?;
        Checkpoints::new(folder.path(&cell.name()), &[], both).clear();
        progress.skip(&format!("{title}: tried before"));
        return Ok(tuned);
    }
    let lock = defined_and_locked(context, cell, target)?;
    if cell.tuned(folder).is_some() {
        // Another process ended it between the first look and the lock.
        drop(lock);
        return tune(context, cell, target, progress);
    }
    let (made, outcome) = train(context, cell, target, progress)?;
    let source_valid = match target.sequence {
        Some(_) => None,
        None => Some(evaluation::valid_error(
            context,
            &title,
            made.subject(context)?.as_ref(),
            progress,
        )?),
    };
    let tuned = Tuned {
        source_valid,
        outcome: Outcome {
            made_from: both.clone(),
            ..outcome
        },
    };
    folder.write_json(&record, &tuned)?;
    cell.forget_failure(folder);
    Checkpoints::new(folder.path(&cell.name()), &[], both).clear();
    Ok(tuned)
}

/// The lock of a cell whose method is defined for the target's samples.
fn defined_and_locked(
    context: &Context,
    cell: Cell,
    target: &Target,
) -> Result<FolderLock, RunError> {
    let why = match target.named {
        Some(_) => cell.method.undefined_by_texts().map(String::from),
        None => cell.method.undefined(target.data.train.target_shape()),
    };
    if let Some(why) = why {
        let cell = cell.title();
        return Err(RunError::Undefined { cell, why });
    }
    lock(context.folder, &cell.name())
}

/// What a cell minimises, and what judges it.
pub(super) fn task(cell: Cell, target: &Target) -> Result<Task, RunError> {
    let smoothing = cell.variant.transfer.train.label_smoothing;
    Ok(Task::of(
        target.spec,
        target.data.train.as_ref(),
        smoothing,
    )?)
}

/// Trains a cell to its end or on from its checkpoint, and saves the model; the checkpoints stay until a record
/// is written.
fn train(
    context: &Context,
    cell: Cell,
    target: &Target,
    progress: &mut dyn Progress,
) -> Result<(Made, Outcome<()>), RunError> {
    if let Some(parts) = &target.captions {
        let (tuning, outcome) = towers::train(context, cell, (target, parts), progress)?;
        return Ok((Made::Tuning(tuning), outcome));
    }
    if let Some(named) = &target.named {
        let (tuning, outcome) = classes::train(context, cell, (target, named), progress)?;
        return Ok((Made::Tuning(tuning), outcome));
    }
    let Context {
        suite,
        device,
        folder,
        ..
    } = context;
    let (data, settings) = (&target.data, &cell.variant.transfer);
    let name = cell.name();
    let made_from = context.origins.transfer(suite, cell.target, cell.method);
    let counted = memory::forget_peak();
    progress.begin(&cell.title(), settings.train.epochs);
    let built = target.of_model(settings, cell.method);
    let request = request(context, cell, target, &built)?;
    let task = request.task;
    let mut kept = suite.measures.probe_epochs.clone();
    if cell.method.has_stage1() {
        // D after stage 1 is measured there, and simulated steps begin there.
        kept.push(0);
    }
    let mut checkpoints = Checkpoints::new(folder.path(&name), &kept, made_from.clone());
    let trained = stages::transfer(
        cell.method,
        &request,
        &mut checkpoints,
        &mut steps(progress),
    )?;
    progress.end();
    let outcome = Outcome {
        target: cell.target.name.clone(),
        method: cell.method.name.into(),
        seed: cell.seed,
        metric: task.metric,
        valid: task.evaluate(&trained.model.network, data.valid.clone(), device)?,
        test: (),
        samples: [data.train.len(), data.valid.len(), data.test.len()],
        shape: target.original.train.shape(),
        classes: data.train.classes().len(),
        seconds: trained.course.last().map_or(0.0, |e| e.seconds),
        selected: trained.selected,
        memory: counted.then(memory::peak).flatten(),
        device: Some(context.device_name.into()),
        made_from,
        stage1: trained.first,
        course: trained.course,
    };
    save::save_prepared(
        &trained.model,
        data.train.classes(),
        &context.preprocess.into(),
        &folder.path(&name).join(MODEL),
    )?;
    Ok((Made::Model(trained.model), outcome))
}
