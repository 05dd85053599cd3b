//! One transfer: the stages of its method, one after the other. A method says what a stage minimises and
//! what trains ([`Training`]); learning rates, steps and selection follow from the settings here.

use super::epochs::{self, Event, Samples, Stage, Steps, Supply, Trains, Validation};
use super::error::TransferError;
use super::methods::{self, Method, Start};
use super::objectives::Objective;
use super::objectives::task::Supervised;
use super::optimiser::Optimiser;
use super::records::{EpochRecord, Stage1Record};
use super::request::{Request, Training, everything};
use super::schedule::Schedule;
use super::snapshot::Checkpointer;
use super::step::Memory;
use super::task::Task;
use crate::dataset::Splits;
use crate::model::Model;
use crate::random::STAGE1;
use crate::suite::stage1::Budget;
use crate::suite::training::{Decay, TrainSettings};
use burn::tensor::Device;

/// A trained model and its records.
pub struct Trained {
    /// The model of the selected epoch, untracked.
    pub model: Model,
    /// The selected epoch.
    pub selected: usize,
    /// Every epoch of stage 2.
    pub course: Vec<EpochRecord>,
    /// Every epoch of stage 1.
    pub first: Vec<Stage1Record>,
}

/// Runs a transfer, resuming from the checkpointer's snapshot if it has one.
///
/// # Errors
/// [`TransferError::Undefined`] where the method is not defined for the target, and what the
/// [training loop](epochs::run) ends with.
pub fn transfer(
    method: &'static Method,
    request: &Request,
    checkpointer: &mut dyn Checkpointer,
    progress: &mut dyn FnMut(Event) -> bool,
) -> Result<Trained, TransferError> {
    let Request {
        settings,
        splits,
        seed,
        ..
    } = *request;
    if let Some(why) = method.undefined(splits.train.target_shape()) {
        return Err(TransferError::Undefined {
            method: method.name,
            why,
        });
    }
    settings.train.check(splits.train.as_ref())?;
    let mut model = request.source.for_target(request.target, seed)?;
    if method.start == Start::Scratch {
        model = model.with_fresh_encoder(seed)?;
    }
    let device = model.network.place().0.inner();
    let snapshot = checkpointer.load()?;
    let mut first = snapshot.as_ref().map_or(Vec::new(), |s| s.first.clone());
    let (one, two) = match snapshot {
        Some(snapshot) if snapshot.stage == 1 => (Some(snapshot), None),
        other => (None, other),
    };
    let training = match (method.stage1, &two) {
        (Some(training), None) => training(request)?,
        _ => None,
    };
    if let Some(training) = training {
        let (stage, samples) = stage1(request, training, device.clone());
        let network = model.network;
        let done = epochs::run(network, &samples, stage, one, first, checkpointer, progress)?;
        (model.network, first) = (done.network, done.first);
    }
    let training = match method.stage2 {
        Some(training) => training(request)?,
        None => methods::fine_tuning(request),
    };
    let task = (request.task, seed);
    let (stage, samples) = stage2(&settings.train, task, training, splits, device);
    let network = model.network;
    let done = epochs::run(network, &samples, stage, two, first, checkpointer, progress)?;
    model.network = done.network;
    Ok(Trained {
        model,
        selected: done.selected,
        course: done.course,
        first: done.first,
    })
}

/// Pretrains `model`: a stage 2 without a stage 1, on the task loss.
///
/// # Errors
/// What the settings refuse, and what the [training loop](epochs::run) ends with.
pub fn pretrain(
    model: Model,
    splits: &Splits,
    settings: &TrainSettings,
    (task, seed): (Task, u64),
    checkpointer: &mut dyn Checkpointer,
    progress: &mut dyn FnMut(Event) -> bool,
) -> Result<Trained, TransferError> {
    settings.check(splits.train.as_ref())?;
    let objective = Supervised {
        loss: task.loss,
        truth: splits.train.target_shape(),
        memory: Memory::from(settings),
        drops_paths: true,
    };
    let training = Training {
        objective: Box::new(objective),
        trains: everything,
        batch: settings.batch,
    };
    let Model { config, network } = model;
    let device = network.place().0.inner();
    let (stage, samples) = stage2(settings, (task, seed), training, splits, device);
    let from = checkpointer.load()?;
    let first = Vec::new();
    let done = epochs::run(
        network,
        &samples,
        stage,
        from,
        first,
        checkpointer,
        progress,
    )?;
    Ok(Trained {
        model: Model {
            config,
            network: done.network,
        },
        selected: done.selected,
        course: done.course,
        first: done.first,
    })
}

/// Stage 1: constant learning rate, no validation, and as many steps an epoch as the budget says.
fn stage1<'a, 's>(
    request: &Request<'s>,
    training: Training<'a>,
    device: Device,
) -> (Stage<'a>, Samples<'s>) {
    let (settings, train) = (&request.settings.stage1, &request.settings.train);
    let base = if settings.learning_rate == 0.0 {
        10.0 * train.learning_rate
    } else {
        settings.learning_rate
    };
    // A stream of its own: stage 2 shuffles anew.
    let seed = STAGE1.seed(request.seed);
    let steps = Steps {
        batch: training.batch.clamp(1, request.splits.train.len()),
        seed,
        augment: train.augmentation().unmixed(),
        per_epoch: None,
    };
    let per_epoch = match settings.budget {
        Budget::Passes => None,
        Budget::Steps => Some(
            Steps {
                batch: train.batch,
                ..steps
            }
            .count(request.splits),
        ),
    };
    let samples = Samples {
        splits: request.splits,
        steps: Steps { per_epoch, ..steps },
        task: request.task,
        device,
    };
    let stage = Stage {
        number: 1,
        epochs: settings.epochs,
        schedule: Schedule {
            base,
            warmup: 0,
            decay: Decay::Constant,
            total: 0,
        },
        optimiser: Optimiser::new(train.optimiser, train.weight_decay, clip(settings.clip)),
        trains: training.trains,
        objective: training.objective,
        validation: None,
        average: 0.0,
        seed: request.seed,
    };
    (stage, samples)
}

/// Stage 2: warm-up and decay over whole passes, validated after every epoch.
fn stage2<'a, 's>(
    settings: &TrainSettings,
    (task, seed): (Task, u64),
    training: Training<'a>,
    splits: &'s Splits,
    device: Device,
) -> (Stage<'a>, Samples<'s>) {
    let samples = Samples {
        splits,
        steps: Steps {
            batch: training.batch,
            seed,
            augment: settings.augmentation(),
            per_epoch: None,
        },
        task,
        device,
    };
    let stage = fine_tuning(
        settings,
        &samples,
        training.objective,
        training.trains,
        seed,
    );
    (stage, samples)
}

/// Stage 2 of any module: warm-up and decay over whole passes, validated after every epoch.
pub fn fine_tuning<'a, M, B>(
    settings: &TrainSettings,
    supply: &dyn Supply<M, Batch = B>,
    objective: Box<dyn Objective<M, B> + 'a>,
    trains: Trains,
    seed: u64,
) -> Stage<'a, M, B> {
    let per_epoch = supply.steps();
    Stage {
        number: 2,
        epochs: settings.epochs,
        schedule: Schedule {
            base: settings.learning_rate,
            warmup: (settings.warmup_epochs * per_epoch as f64).round() as usize,
            decay: settings.decay,
            total: per_epoch * settings.epochs,
        },
        optimiser: Optimiser::new(
            settings.optimiser,
            settings.weight_decay,
            clip(settings.clip),
        ),
        trains,
        objective,
        validation: Some(Validation {
            select: settings.select,
            patience: settings.patience,
        }),
        average: settings.average,
        seed,
    }
}

/// A bound on the gradient norm, where 0 means none.
fn clip(bound: f64) -> Option<f64> {
    (bound > 0.0).then_some(bound)
}
