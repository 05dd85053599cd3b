//! The training loop: every stage of every transfer, of one tower or two, and pretraining. A [`Stage`] says what is
//! minimised, what trains, by which learning rates, and whether epochs are validated; a [`Supply`] gives
//! the batches and judges; the loop steps, reads losses, records, selects, saves snapshots and can be
//! interrupted.

use super::average::Average;
use super::error::TransferError;
use super::objectives::{Objective, Step};
use super::optimiser::Optimiser;
use super::readings::Readings;
use super::records::{EpochRecord, Stage1Record};
use super::schedule::Schedule;
use super::snapshot::{Checkpointer, Snapshot};
use super::task::Task;
use crate::dataset::loader::{Batch, Order, batches};
use crate::dataset::{DatasetError, Splits};
use crate::model::Network;
use crate::model::state::{Trail, place, state, with_state};
use crate::random::DROPPED;
use crate::suite::training::{Augmentation, Select};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use std::time::Instant;

/// Whether the parameter at a path trains.
pub type Trains = fn(&str) -> bool;

/// One stage of a transfer, of a module `M` that trains on batches `B`.
pub struct Stage<'a, M = Network, B = Batch> {
    /// 1 or 2.
    pub number: u8,
    /// Number of epochs.
    pub epochs: usize,
    /// The learning rate of every step.
    pub schedule: Schedule,
    /// A fresh optimiser.
    pub optimiser: Optimiser,
    /// Which parameters train; all others stay as they are.
    pub trains: Trains,
    /// What is minimised.
    pub objective: Box<dyn Objective<M, B> + 'a>,
    /// How epochs are judged. Without it an epoch is recorded as one of stage 1 and the last epoch's
    /// parameters are the result.
    pub validation: Option<Validation>,
    /// Decay a step of the moving average of the parameters, which then is measured and kept; 0 = none.
    pub average: f64,
    /// Seed of dropped paths.
    pub seed: u64,
}

/// Where the batches of a stage come from, and what judges its epochs.
pub trait Supply<M> {
    /// What a step is given.
    type Batch;

    /// Number of steps of an epoch.
    fn steps(&self) -> usize;

    /// The batches of an epoch, counted from 1.
    fn epoch(
        &self,
        number: usize,
    ) -> Box<dyn Iterator<Item = Result<Self::Batch, DatasetError>> + '_>;

    /// The metric of a plain module on a part; smaller is better.
    ///
    /// # Errors
    /// What reading and the metric refuse.
    fn judge(&self, module: &M, part: Part) -> Result<f64, TransferError>;
}

/// The parts that judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// That of every choice.
    Valid,
    /// That of reported numbers alone.
    Test,
}

/// Samples of a set as batches of a network, judged by its task.
pub struct Samples<'a> {
    /// The parts.
    pub splits: &'a Splits,
    /// How an epoch walks through the training part.
    pub steps: Steps,
    /// What judges.
    pub task: Task,
    /// Where the network is.
    pub device: Device,
}

impl Supply<Network> for Samples<'_> {
    type Batch = Batch;

    fn steps(&self) -> usize {
        self.steps.count(self.splits)
    }

    fn epoch(&self, number: usize) -> Box<dyn Iterator<Item = Result<Batch, DatasetError>> + '_> {
        Box::new(self.steps.of_epoch(number, self.splits))
    }

    fn judge(&self, network: &Network, part: Part) -> Result<f64, TransferError> {
        let set = match part {
            Part::Valid => &self.splits.valid,
            Part::Test => &self.splits.test,
        };
        self.task.evaluate(network, set.clone(), &self.device)
    }
}

/// How an epoch walks through the training part.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// Number of samples of a step.
    pub batch: usize,
    /// Seed of the order of samples and of augmentation.
    pub seed: u64,
    /// Augmentation of training samples.
    pub augment: Augmentation,
    /// Number of steps of an epoch; `None`: one pass over the training part.
    pub per_epoch: Option<usize>,
}

/// How the epochs of a stage are judged, and which one is its result.
#[derive(Debug, Clone, Copy)]
pub struct Validation {
    /// Which epoch's parameters are the result.
    pub select: Select,
    /// Number of epochs without a better one after which training stops; 0 = never.
    pub patience: usize,
}

/// What training reports while it runs. The callback that receives it returns `false` to interrupt.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Number of steps of the stage that are done, and in total.
    Step(usize, usize),
    /// An epoch of stage 2 ended.
    Epoch(&'a EpochRecord),
}

/// What a stage gives.
pub struct Finished<M> {
    /// The module of the selected epoch, untracked.
    pub network: M,
    /// The selected epoch; 0 without validation.
    pub selected: usize,
    /// Every epoch of stage 1.
    pub first: Vec<Stage1Record>,
    /// Every epoch of stage 2.
    pub course: Vec<EpochRecord>,
}

/// Trains `network` by `stage` on what `supply` gives. `from` is a snapshot of this stage to resume from, `first` what stage 1
/// has recorded so far.
///
/// After every step and epoch `progress` may interrupt; the snapshot of the last whole epoch stays.
///
/// # Errors
/// [`TransferError::Interrupted`], [`TransferError::Diverged`], and what data, objective and
/// checkpointer refuse.
pub fn run<M: Module, B>(
    network: M,
    supply: &dyn Supply<M, Batch = B>,
    mut stage: Stage<M, B>,
    from: Option<Snapshot>,
    mut first: Vec<Stage1Record>,
    checkpointer: &mut dyn Checkpointer<M>,
    progress: &mut dyn FnMut(Event) -> bool,
) -> Result<Finished<M>, TransferError> {
    let (device, dtype) = place(&network);
    let device = device.inner();
    let trained = |network: M| tracked(network.unfreeze().train(), stage.trains);
    let mut network = trained(network);
    let mut optimiser = stage.optimiser;
    let mut average = Average::new(stage.average, &network);
    // `best` is the network of the selected epoch (a reference to its tensors).
    let (mut course, mut best, mut selected, mut done) = (Vec::new(), None, 0, 0);
    if let Some(from) = from {
        let plain = network.valid();
        let filled = |values| with_state(plain.clone(), values, dtype, "snapshot".as_ref());
        network = trained(filled(from.network)?);
        if let Some(values) = from.average {
            average = average.restored(filled(values)?);
        }
        stage.objective.restore(from.objective, &network)?;
        optimiser.restore(&from.moments, from.steps, &device);
        (course, selected, done) = (from.course, from.selected, from.epoch);
        best = match from.best {
            Some(older) => Some(filled(older)?),
            None => stage
                .validation
                .map(|_| kept(&network, &average, stage.objective.as_ref())),
        };
    } else if stage.validation.is_some() {
        checkpointer.epoch(0, &network.valid())?;
    }
    let earlier = match stage.validation {
        Some(_) => course.last().map_or(0.0, |e: &EpochRecord| e.seconds),
        None => first.last().map_or(0.0, |e| e.seconds),
    };
    let started = Instant::now();
    let per_epoch = supply.steps();
    let total = per_epoch * stage.epochs;
    for epoch in done + 1..=stage.epochs {
        if stage.validation.is_some_and(|v| v.is_over(epoch, selected)) {
            break;
        }
        let mut stream = DROPPED.rng(stage.seed, &[epoch as u64]);
        let mut readings = Readings::new(&device, epoch);
        for (i, batch) in supply.epoch(epoch).enumerate() {
            let number = (epoch - 1) * per_epoch + i;
            let rate = stage.schedule.at(number);
            let step = &mut Step {
                number,
                rate,
                stream: &mut stream,
            };
            let (reading, grads) = stage.objective.gradients(&network, batch?, step)?;
            readings.push(reading)?;
            network = optimiser.step(rate, network, grads);
            network = stage.objective.after_step(network, rate);
            average.step(number, &network);
            check_interrupt(progress(Event::Step(number + 1, total)))?;
        }
        let means = readings.sums()?.map(|sum| sum / per_epoch.max(1) as f64);
        let seconds = || earlier + started.elapsed().as_secs_f64();
        let trained = network.valid();
        let plain = kept(&network, &average, stage.objective.as_ref());
        match &stage.validation {
            None => {
                let mut record = Stage1Record {
                    epoch,
                    seconds: seconds(),
                    ..Stage1Record::default()
                };
                stage.objective.record(means, &mut record);
                first.push(record);
            }
            Some(validation) => {
                course.push(EpochRecord {
                    epoch,
                    train_loss: means[0],
                    valid: supply.judge(&plain, Part::Valid)?,
                    test: (validation.select == Select::Test)
                        .then(|| supply.judge(&plain, Part::Test))
                        .transpose()?,
                    seconds: seconds(),
                });
                if is_best(&course, validation.select) {
                    (selected, best) = (epoch, Some(plain.clone()));
                }
                checkpointer.epoch(epoch, &plain)?;
            }
        }
        checkpointer.save(&Snapshot {
            stage: stage.number,
            epoch,
            network: state(&trained),
            average: average.network().as_ref().map(state),
            objective: stage.objective.state(),
            moments: optimiser.moments(),
            steps: optimiser.steps(),
            best: best.as_ref().filter(|_| selected != epoch).map(state),
            selected,
            first: first.clone(),
            course: course.clone(),
        })?;
        if let Some(record) = course.last() {
            check_interrupt(progress(Event::Epoch(record)) || epoch == stage.epochs)?;
        }
    }
    Ok(Finished {
        network: best.unwrap_or_else(|| kept(&network, &average, stage.objective.as_ref())),
        selected,
        first,
        course,
    })
}

/// What is measured and kept of the network that trains: its average, where there is one, as the objective
/// has it.
fn kept<M: Module, B>(network: &M, average: &Average<M>, objective: &dyn Objective<M, B>) -> M {
    let network = average.network().unwrap_or_else(|| network.valid());
    objective.measured(network)
}

fn check_interrupt(goes_on: bool) -> Result<(), TransferError> {
    if goes_on {
        Ok(())
    } else {
        Err(TransferError::Interrupted)
    }
}

impl Steps {
    fn order(&self, pass: usize) -> Order {
        Order {
            batch: self.batch,
            shuffle: Some((self.seed, pass)),
            drop_last: true,
            augment: self.augment,
        }
    }

    /// Number of steps of an epoch.
    pub fn count(&self, splits: &Splits) -> usize {
        let pass = self.order(1).batches(splits.train.len());
        self.per_epoch.unwrap_or(pass)
    }

    /// The batches of an epoch, over as many passes as its steps need.
    fn of_epoch<'a>(
        &'a self,
        epoch: usize,
        splits: &'a Splits,
    ) -> impl Iterator<Item = Result<Batch, DatasetError>> + 'a {
        let count = self.count(splits);
        let per_pass = self.order(1).batches(splits.train.len()).max(1);
        let passes = count.div_ceil(per_pass);
        let before = (epoch - 1) * passes;
        (1..=passes)
            .flat_map(move |pass| batches(splits.train.clone(), self.order(before + pass)))
            .take(count)
    }
}

impl Validation {
    /// Whether `epoch` is not trained any more, where `selected` is the best so far (0: none yet).
    fn is_over(&self, epoch: usize, selected: usize) -> bool {
        self.patience > 0 && selected > 0 && epoch > selected + self.patience
    }
}

/// Whether the last epoch is the best so far by the rule; of equal ones the earlier is better.
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

/// The module with only the parameters that `trains` names asking for gradients.
fn tracked<M: Module>(network: M, trains: Trains) -> M {
    struct Track(Trail, Trains);
    impl ModuleMapper for Track {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.1(&self.0.path()) {
                param
            } else {
                param.map(|value| Tensor::from_inner(value.inner()))
            }
        }
    }
    network.map(&mut Track(Trail::default(), trains))
}
