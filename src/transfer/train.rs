//! Supervised training of a whole network: the inner loop of every method, and of pretraining.

use super::error::TransferError;
use super::optimiser::Optimiser;
use super::readings::{Reading, Readings};
use super::snapshot::{Keeper, Snapshot, State};
use super::stage1::Stage1Record;
use super::step;
use super::task::Task;
use crate::dataset::loader::{Order, batches};
use crate::dataset::{Dataset, Splits, Truth};
use crate::model::state::{Trail, state, with_state};
use crate::model::{Model, Network};
use crate::random::DROPPED;
use crate::suite::training::{Augment, Select, TrainSettings};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::time::Instant;

impl TrainSettings {
    /// Checks that training can run with these settings on a training set.
    pub fn check(&self, set: &dyn Dataset) -> Result<(), TransferError> {
        let wrong = |setting, expected: &str, found: String| {
            Err(TransferError::Setting {
                setting,
                expected: expected.into(),
                found,
            })
        };
        if set.is_empty() {
            return wrong("training set", "at least one sample", "none".into());
        }
        if let Some((setting, expected, found)) = self.conflict() {
            return wrong(setting, expected, found);
        }
        if self.batch == 0 {
            return wrong("batch", "at least 1", "0".into());
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong(
                "learning_rate",
                "a positive number",
                self.learning_rate.to_string(),
            );
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return wrong(
                "label_smoothing",
                "0 to below 1",
                self.label_smoothing.to_string(),
            );
        }
        for (setting, value) in [
            ("weight_decay", self.weight_decay),
            ("clip", self.clip),
            ("warmup_epochs", self.warmup_epochs),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(setting, "zero or a positive number", value.to_string());
            }
        }
        if self.augment != Augment::None && matches!(set.truth(), Truth::Field(_)) {
            return wrong(
                "augment",
                "none, because a field would have to move with its sample",
                "crop-flip".into(),
            );
        }
        Ok(())
    }
}

/// One epoch, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1; 0 is the state before training.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// The task's metric on the validation part.
    #[serde(alias = "valid_error")]
    pub valid: f64,
    /// The same on the test part, only where the test part selects the epoch.
    #[serde(alias = "test_error", default, skip_serializing_if = "Option::is_none")]
    pub test: Option<f64>,
    /// Seconds since training began.
    pub seconds: f64,
}

/// What training tells while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// So many steps of so many are done.
    Step(usize, usize),
    /// An epoch ended.
    Epoch(&'a EpochRecord),
}

/// A trained model and its course.
pub struct Trained {
    /// The model of the selected epoch, untracked.
    pub model: Model,
    /// Which epoch that is.
    pub selected: usize,
    /// One record an epoch.
    pub course: Vec<EpochRecord>,
    /// One record an epoch of stage 1.
    pub first: Vec<Stage1Record>,
}

/// What else a training run is told.
pub struct Course<'a> {
    /// What is minimised, and what judges.
    pub task: Task,
    /// Seed of order, augmentation and dropped paths.
    pub seed: u64,
    /// Which parameters train, by path; all others stay as they are.
    pub trains: fn(&str) -> bool,
    /// A snapshot of this very stage to go on from.
    pub from: Option<Snapshot>,
    /// What stage 1 found, for the snapshots.
    pub first: Vec<Stage1Record>,
    /// Where snapshots go.
    pub keeper: &'a mut dyn Keeper,
}

/// Fine-tunes (or pretrains) `model`.
///
/// `watch` hears of every step and epoch and may ask to stop by returning `false`; what was kept
/// after the last whole epoch stays.
pub fn train(
    model: Model,
    splits: &Splits,
    settings: &TrainSettings,
    how: Course,
    watch: &mut dyn FnMut(Event) -> bool,
) -> Result<Trained, TransferError> {
    settings.check(splits.train.as_ref())?;
    let Model { config, network } = model;
    let (device, dtype) = network.place();
    let device = device.inner();
    let clip = (settings.clip > 0.0).then_some(settings.clip);
    let mut optimiser = Optimiser::new(settings.optimiser, settings.weight_decay, clip);
    let fill = |network: Network, values: State| {
        let placed = with_state(network, values, dtype, "snapshot".as_ref());
        placed.map(|n| tracked(n.unfreeze().train(), how.trains))
    };
    let mut network = tracked(network.unfreeze().train(), how.trains);
    // `best` is the selected epoch's network (a reference to its tensors)
    let (mut course, mut best, mut selected, mut done) = (Vec::new(), None, 0, 0);
    if let Some(from) = how.from {
        let plain = network.valid();
        network = fill(plain.clone(), from.network)?;
        optimiser.restore(&from.moments, from.steps, &device);
        (course, selected, done) = (from.course, from.selected, from.epoch);
        best = Some(match from.best {
            Some(older) => with_state(plain, older, dtype, "snapshot".as_ref())?,
            None => network.valid(),
        });
    } else {
        how.keeper.epoch(0, &network.valid())?;
    }
    let earlier = course.last().map_or(0.0, |e: &EpochRecord| e.seconds);
    let started = Instant::now();
    let order = |epoch| Order {
        batch: settings.batch,
        shuffle: Some((how.seed, epoch)),
        drop_last: true,
        augment: settings.augment,
    };
    let per_epoch = order(1).batches(splits.train.len());
    let total = per_epoch * settings.epochs;
    let warmup = (settings.warmup_epochs * per_epoch as f64).round() as usize;
    for epoch in done + 1..=settings.epochs {
        if settings.patience > 0 && epoch > selected + settings.patience && selected > 0 {
            break;
        }
        let mut rng = DROPPED.rng(how.seed, &[epoch as u64]);
        let mut losses = Readings::new(&device, epoch);
        for (i, batch) in batches(splits.train.clone(), order(epoch))
            .into_iter()
            .enumerate()
        {
            let step = (epoch - 1) * per_epoch + i;
            let batch = batch?;
            let truth = splits.train.truth();
            let part = step::Part {
                loss: &how.task.loss,
                truth,
                settings,
            };
            let (value, grads) = step::gradients(&network, batch, &device, part, &mut rng)?;
            losses.push(Reading::There(Box::new(value)))?;
            let lr = settings.learning_rate * settings.decay.factor(step, warmup, total);
            network = optimiser.step(lr, network, grads);
            if !watch(Event::Step(step + 1, total)) {
                return Err(TransferError::Interrupted);
            }
        }
        let plain = network.valid();
        let record = EpochRecord {
            epoch,
            train_loss: losses.sums()?[0] / per_epoch as f64,
            valid: how.task.evaluate(&plain, splits.valid.clone(), &device)?,
            test: match settings.select {
                Select::Test => Some(how.task.evaluate(&plain, splits.test.clone(), &device)?),
                _ => None,
            },
            seconds: earlier + started.elapsed().as_secs_f64(),
        };
        course.push(record);
        if is_best(&course, settings.select) {
            (selected, best) = (epoch, Some(plain.clone()));
        }
        how.keeper.epoch(epoch, &plain)?;
        how.keeper.save(&Snapshot {
            stage: 2,
            epoch,
            network: state(&plain),
            moments: optimiser.moments(),
            steps: optimiser.steps(),
            best: best.as_ref().filter(|_| selected != epoch).map(state),
            selected,
            first: how.first.clone(),
            course: course.clone(),
        })?;
        if !course
            .last()
            .is_none_or(|record| watch(Event::Epoch(record)))
            && epoch < settings.epochs
        {
            return Err(TransferError::Interrupted);
        }
    }
    let network = best.unwrap_or_else(|| network.valid());
    Ok(Trained {
        model: Model { config, network },
        selected,
        course,
        first: how.first,
    })
}

/// Whether the last epoch is the best so far by the rule; ties go to the earlier one.
fn is_best(course: &[EpochRecord], rule: Select) -> bool {
    let value = |record: &EpochRecord| match rule {
        Select::Last => None,
        Select::Valid => Some(record.valid),
        Select::Test => record.test,
    };
    let Some((last, before)) = course.split_last() else {
        return false;
    };
    match value(last) {
        None => true,
        Some(last) => before.iter().filter_map(value).all(|b| last < b),
    }
}

/// The network with only the parameters that `trains` names asking for gradients.
fn tracked(network: Network, trains: fn(&str) -> bool) -> Network {
    struct Track(Trail, fn(&str) -> bool);
    impl ModuleMapper for Track {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match self.1(&self.0.path()) {
                true => param,
                false => param.map(|value| Tensor::from_inner(value.inner())),
            }
        }
    }
    network.map(&mut Track(Trail::default(), trains))
}
