//! Cells: one transfer of the source model to one target by one method and one seed. A cell is
//! done when its `cell.json` exists; it is written last, so a run that dies loses at most the cell
//! it was in.

use super::checkpoint::Checkpoints;
use super::error::RunError;
use super::failure::undefined;
use super::folder::RunFolder;
use super::memory;
use super::origin::{self, Origin};
use super::prepare::{Context, Target};
use super::progress::Progress;
use crate::model::{self, Model, load, save};
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::task::Metric;
use crate::transfer::Task;
use crate::transfer::epochs::Event;
use crate::transfer::methods::{self, FROM_SCRATCH, Method};
use crate::transfer::records::{EpochRecord, Stage1Record};
use crate::transfer::request::Request;
use crate::transfer::stages;
use burn::tensor::DType;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};

/// Which cell.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The target.
    pub target: &'a DatasetSpec,
    /// The method.
    pub method: &'static Method,
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
        let failure = Failure {
            why: error.to_string(),
        };
        folder.write_json(&self.failure_record(), &failure)?;
        Ok(failure)
    }

    /// Forgets an earlier failure.
    pub(super) fn succeed(&self, folder: &RunFolder) {
        // There is none in most cells.
        std::fs::remove_file(folder.path(&self.failure_record())).ok();
    }
}

/// What a cell found, as its `cell.json` keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
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
    pub test: f64,
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

impl Cell<'_> {
    /// Folder of the cell inside the run.
    pub fn name(&self) -> String {
        format!(
            "cells/{}-{}-{}",
            self.target.name, self.method.name, self.seed
        )
    }

    /// What it found, if it is done.
    pub fn outcome(&self, folder: &RunFolder) -> Option<Outcome> {
        folder.read_json(&format!("{}/cell.json", self.name()))
    }

    /// Name of the cell for people.
    pub fn title(&self) -> String {
        format!(
            "{} · {} · seed {}",
            self.target.title, self.method.name, self.seed
        )
    }
}

/// All cells of a target, in the order in which they are run and reported.
pub fn cells<'a>(suite: &'a Suite, target: &'a DatasetSpec) -> impl Iterator<Item = Cell<'a>> {
    let seeds = &suite.transfer.seeds;
    methods(suite, target).into_iter().flat_map(move |method| {
        seeds.iter().map(move |&seed| Cell {
            target,
            method,
            seed,
        })
    })
}

/// The methods that a target is transferred by: the suite's, as far as they are defined for the target and
/// its encoder allows. An encoder without pretrained weights has nothing to transfer, and a sequence
/// encoder takes no source images.
pub fn methods(suite: &Suite, target: &DatasetSpec) -> Vec<&'static Method> {
    let mut all = methods::of(&suite.transfer);
    all.retain(|method| undefined(target, method).is_none());
    match &target.encoder {
        None => all,
        Some(encoder) if encoder.model.is_none() => vec![FROM_SCRATCH],
        Some(_) => {
            all.retain(|method| !method.reads_source);
            all
        }
    }
}

/// Takes the lock of a cell; the system releases it if the process dies.
pub(super) fn lock(folder: &RunFolder, name: &str) -> Result<File, RunError> {
    let path = folder.path(&format!("{name}.lock"));
    let io = |source| RunError::Io {
        path: path.clone(),
        source,
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    let file = File::create(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Locked {
            path,
            holder: "another modalign process".into(),
        }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// A transfer to a target, whose target model is `built`.
pub fn request<'a>(
    context: &Context<'a>,
    seed: u64,
    target: &'a Target,
    built: &'a model::Target,
) -> Result<Request<'a>, RunError> {
    let settings = &context.suite.transfer;
    let data = &target.data;
    let smoothing = settings.train.label_smoothing;
    Ok(Request {
        task: Task::of(target.spec, data.train.as_ref(), smoothing)?,
        settings,
        source: target.sequence.as_ref().unwrap_or(&context.source.model),
        target: built,
        splits: data,
        source_set: context.source_set.clone(),
        seed,
    })
}

/// Trains a cell, or reads it if it is done; returns the target model, what was found, and
/// whether it had been done before.
pub fn run(
    context: &Context,
    cell: Cell,
    target: &Target,
    progress: &mut dyn Progress,
) -> Result<(Model, Outcome, bool), RunError> {
    let Context {
        suite,
        device,
        folder,
        ..
    } = context;
    let data = &target.data;
    let name = cell.name();
    let record = format!("{name}/cell.json");
    let title = cell.title();
    let made_from = context.origins.transfer(suite, cell.target, cell.method);
    if let Some(outcome) = cell.outcome(folder) {
        origin::holds(&folder.path(&record), &outcome.made_from, &made_from)?;
        let loaded = load::load(&folder.path(&name).join("model"), device, DType::F32)?;
        // A process killed between writing the record and clearing leaves checkpoints behind.
        Checkpoints::new(folder.path(&name), &[], made_from).clear();
        progress.skip(&format!("{title}: done before"));
        return Ok((loaded.model, outcome, true));
    }
    if let Some(why) = cell.method.undefined(data.train.target_shape()) {
        return Err(RunError::Undefined { cell: title, why });
    }
    let _lock = lock(folder, &name)?;
    let counted = memory::forget_peak();
    let classes = data.train.classes().len();
    progress.begin(&title, suite.transfer.train.epochs);
    let built = target.of_model(suite, cell.method);
    let request = request(context, cell.seed, target, &built)?;
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
        &mut |event| match event {
            Event::Step(done, total) => progress.step(done, total),
            Event::Epoch(_) => true,
        },
    )?;
    progress.end();
    let outcome = Outcome {
        target: cell.target.name.clone(),
        method: cell.method.name.into(),
        seed: cell.seed,
        metric: task.metric,
        valid: task.evaluate(&trained.model.network, data.valid.clone(), device)?,
        test: task.evaluate(&trained.model.network, data.test.clone(), device)?,
        samples: [data.train.len(), data.valid.len(), data.test.len()],
        shape: target.original.train.shape(),
        classes,
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
        &folder.path(&name).join("model"),
    )?;
    folder.write_json(&record, &outcome)?;
    cell.succeed(folder);
    checkpoints.clear();
    Ok((trained.model, outcome, false))
}
