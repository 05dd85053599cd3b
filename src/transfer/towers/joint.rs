//! Training of tunings on sets with named classes: one task, or several at once, as MmAP (Xin et al., AAAI 2024) has them.
//!
//! What several tasks learn together is one tuning that all share and, where the method says so, one more of each task
//! ([`Joint`]). A step has a batch of every task, of equal size; an epoch is one pass over the longest task, the others are
//! shuffled anew as often as it takes (both our choices). What is minimised is the sum of the tasks' losses, in one
//! backward pass; an epoch is judged by the mean error of the tasks.

use super::classes::{Named, spans};
use crate::dataset::DatasetError;
use crate::dataset::loader::{Batch, Order, batches};
use crate::model::adapters::{Settings, Tuning};
use crate::model::state::{add_gradients, constant, gradients, untracked};
use crate::model::two_tower::{TwoTower, TwoTowerConfig};
use crate::random::TASK_VALUES;
use crate::suite::definition::Transfer;
use crate::suite::training::TrainSettings;
use crate::transfer::epochs::{self, Event, Part, Supply};
use crate::transfer::error::TransferError;
use crate::transfer::loss::cross_entropy;
use crate::transfer::objectives::{Objective, Step};
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::{EpochRecord, Stage1Record};
use crate::transfer::snapshot::Checkpointer;
use crate::transfer::stages::fine_tuning;
use crate::transfer::step::placed;
use crate::transfer::task_groups::cosines;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor};
use rand::RngExt;
use std::ops::Range;

/// What tasks learn.
#[derive(Module, Debug)]
pub struct Joint {
    shared: Tuning,
    /// One a task, or none.
    own: Vec<Tuning>,
}

impl Joint {
    /// The tuning of a task.
    ///
    /// # Errors
    /// Kinds that do not join.
    pub fn of_task(&self, task: usize) -> Result<Tuning, TransferError> {
        Ok(match self.own.get(task) {
            Some(own) => self.shared.joined(own)?,
            None => self.shared.clone(),
        })
    }
}

/// Tasks and what they learn.
pub struct JointRequest<'a> {
    /// All settings.
    pub settings: &'a Transfer,
    /// The pretrained towers, on the plain device.
    pub towers: &'a TwoTower,
    /// Their shape.
    pub config: &'a TwoTowerConfig,
    /// The tasks.
    pub tasks: Vec<Named>,
    /// What all of them share.
    pub shared: Settings,
    /// What each has for itself beside it.
    pub own: Option<Settings>,
    /// Seed of everything random.
    pub seed: u64,
}

/// What was learned, and its record.
pub struct TrainedJoint {
    /// The tunings of the selected epoch, untracked.
    pub joint: Joint,
    /// The selected epoch.
    pub selected: usize,
    /// Every epoch; `valid` is the mean error of the tasks.
    pub course: Vec<EpochRecord>,
}

impl JointRequest<'_> {
    fn fresh(&self) -> Result<Joint, TransferError> {
        let temperature = self.settings.pairs.temperature;
        let classes = |task: usize| {
            self.tasks
                .get(task)
                .map_or(0, |task| task.templated.classes)
        };
        let tuning = |settings: Settings, task, seed| {
            let settings = settings.of_classes(classes(task));
            Tuning::new(self.config, self.towers, settings, temperature, seed)
        };
        let own = |settings| {
            let each = (0..self.tasks.len()).map(|task| {
                let seed = TASK_VALUES.rng(self.seed, &[task as u64]).random();
                tuning(settings, task, seed)
            });
            each.collect::<Result<Vec<_>, _>>()
        };
        Ok(Joint {
            shared: tuning(self.shared, 0, self.seed)?,
            own: self.own.map(own).transpose()?.unwrap_or_default(),
        })
    }

    /// Refuses before the training what it would refuse; gives what the first task starts from.
    ///
    /// # Errors
    /// Settings that classes by texts cannot be trained by, and texts without room.
    pub fn verified(&self) -> Result<Tuning, TransferError> {
        let fresh = self.fresh()?;
        self.check(&fresh)?;
        fresh.of_task(0)
    }

    /// Refuses settings that classes by texts cannot be trained by, and texts without room.
    fn check(&self, fresh: &Joint) -> Result<(), TransferError> {
        if let Settings::LinearProbe(_) = self.shared {
            return Err(TransferError::Setting {
                setting: "linear-probe",
                expected: "a fit, which takes no steps".into(),
                found: "a training".into(),
            });
        }
        for (index, task) in self.tasks.iter().enumerate() {
            self.settings.train.check(task.parts[0].as_ref())?;
            let tuning = fresh.of_task(index)?;
            task.tokens(&tuning).check(&tuning)?;
        }
        let train = &self.settings.train;
        let parts = "left out where classes are texts: micro_batch has their activations in memory in parts";
        let unmixed = "left out where classes are texts: pictures are not mixed there";
        for (setting, asked, expected) in [
            ("recompute", train.recompute, parts),
            ("mixup", train.mixup > 0.0, unmixed),
            ("cutmix", train.cutmix > 0.0, unmixed),
        ] {
            if asked {
                return Err(TransferError::Setting {
                    setting,
                    expected: expected.into(),
                    found: "set".into(),
                });
            }
        }
        Ok(())
    }
}

/// Trains, resuming from the checkpointer's snapshot if it has one.
///
/// # Errors
/// Settings that are refused, and what the [training loop](epochs::run) ends with.
pub fn learn(
    request: &JointRequest,
    checkpointer: &mut dyn Checkpointer<Joint>,
    progress: &mut dyn FnMut(Event) -> bool,
) -> Result<TrainedJoint, TransferError> {
    let fresh = request.fresh()?;
    request.check(&fresh)?;
    let supply = Tasks::new(request);
    let objective = Box::new(ByTexts::new(request, &fresh)?);
    let stage = fine_tuning(
        &request.settings.train,
        &supply,
        objective,
        |_| true,
        request.seed,
    );
    let from = checkpointer.load()?;
    let done = epochs::run(
        fresh,
        &supply,
        stage,
        from,
        Vec::new(),
        checkpointer,
        progress,
    )?;
    Ok(TrainedJoint {
        joint: done.network,
        selected: done.selected,
        course: done.course,
    })
}

/// The batches of tasks, and their mean error.
struct Tasks<'a> {
    request: &'a JointRequest<'a>,
    orders: Vec<Order>,
}

impl<'a> Tasks<'a> {
    fn new(request: &'a JointRequest<'a>) -> Self {
        let train = &request.settings.train;
        // Of equal size, which the smallest task bounds.
        let lengths = request.tasks.iter().map(|task| task.parts[0].len());
        let batch = train.batch.min(lengths.min().unwrap_or(0)).max(1);
        let order = Order {
            batch,
            shuffle: None,
            drop_last: true,
            augment: train.augmentation().unmixed(),
        };
        Self {
            request,
            orders: vec![order; request.tasks.len()],
        }
    }

    /// Steps of one pass over a task.
    fn pass(&self, task: usize) -> usize {
        let count = self.request.tasks[task].parts[0].len();
        self.orders[task].batches(count).max(1)
    }
}

impl Supply<Joint> for Tasks<'_> {
    /// A batch of every task.
    type Batch = Vec<Batch>;

    fn steps(&self) -> usize {
        (0..self.orders.len())
            .map(|task| self.pass(task))
            .max()
            .unwrap_or(0)
    }

    fn epoch(
        &self,
        number: usize,
    ) -> Box<dyn Iterator<Item = Result<Vec<Batch>, DatasetError>> + '_> {
        let steps = self.steps();
        let each = self.request.tasks.iter().zip(&self.orders).enumerate();
        let mut streams: Vec<_> = each
            .map(|(index, (task, order))| {
                let passes = steps.div_ceil(self.pass(index));
                let set = task.parts[0].clone();
                // Tasks of the same things do not see them in the same order.
                let seed = TASK_VALUES
                    .rng(self.request.seed, &[index as u64, 1])
                    .random();
                let first = (number - 1) * passes + 1;
                (first..first + passes).flat_map(move |pass| {
                    let order = Order {
                        shuffle: Some((seed, pass)),
                        ..*order
                    };
                    batches(set.clone(), order)
                })
            })
            .collect();
        let next = move |_| -> Option<Result<Vec<Batch>, DatasetError>> {
            streams
                .iter_mut()
                .map(Iterator::next)
                .collect::<Option<Result<_, _>>>()
        };
        Box::new((0..steps).map_while(next))
    }

    fn judge(&self, joint: &Joint, part: Part) -> Result<f64, TransferError> {
        let part = match part {
            Part::Valid => 1,
            Part::Test => 2,
        };
        let tasks = &self.request.tasks;
        let mut sum = 0.0;
        for (index, task) in tasks.iter().enumerate() {
            let tuning = joint.of_task(index)?;
            sum += task.error(self.request.towers, &tuning, &task.parts[part])?;
        }
        Ok(sum / tasks.len().max(1) as f64)
    }
}

/// The sum of the tasks' cross-entropies.
struct ByTexts<'a> {
    request: &'a JointRequest<'a>,
    tracked: TwoTower,
    /// Directions of the classes of tasks whose texts no training moves.
    constant: Vec<Option<Tensor<2>>>,
    device: Device,
    dtype: DType,
}

impl<'a> ByTexts<'a> {
    fn new(request: &'a JointRequest<'a>, fresh: &Joint) -> Result<Self, TransferError> {
        let (device, dtype) = request.towers.place();
        let mut constant_texts = Vec::new();
        for (index, task) in request.tasks.iter().enumerate() {
            let tuning = fresh.of_task(index)?;
            constant_texts.push(match tuning.moves_texts() {
                true => None,
                false => {
                    let plain = tuning.valid();
                    Some(task.directions(&plain, request.towers, &device)?)
                }
            });
        }
        Ok(Self {
            request,
            tracked: constant(request.towers.clone()),
            constant: constant_texts,
            device,
            dtype,
        })
    }

    /// The mean cross-entropy of pictures of a task, with its graph.
    fn loss(
        &self,
        index: usize,
        tuning: &Tuning,
        pixels: Tensor<4>,
        labels: &[usize],
    ) -> Result<Tensor<1>, TransferError> {
        let classes = match &self.constant[index] {
            Some(known) => Tensor::from_inner(known.clone()),
            None => self.request.tasks[index].directions(tuning, &self.tracked, &self.device)?,
        };
        Ok(self.beside(tuning, classes, pixels, labels))
    }

    /// The same beside directions of the classes `[K, E]`.
    fn beside(
        &self,
        tuning: &Tuning,
        classes: Tensor<2>,
        pixels: Tensor<4>,
        labels: &[usize],
    ) -> Tensor<1> {
        let images = tuning.image_embeds(&self.tracked, Tensor::from_inner(pixels));
        let logits = images.matmul(classes.transpose());
        let logits = logits.mul_scalar(self.request.towers.scale());
        let smoothing = self.request.settings.train.label_smoothing;
        cross_entropy(logits.into(), labels, smoothing).primal
    }

    /// The mean cross-entropy of pictures of a task and its gradients at the parameters of `module`, which `tuning` has, with the
    /// activations of a part of the pictures, or of the texts of so many classes, in memory at a time. The loss sees directions
    /// of classes alone: its slope at each, summed over the pictures, is carried on to the parameters by a pass of the texts
    /// behind all pictures.
    fn in_parts(
        &self,
        index: usize,
        module: &impl Module,
        tuning: &Tuning,
        pictures: &Pictures,
        classes_at_once: usize,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let task = &self.request.tasks[index];
        let known = match &self.constant[index] {
            Some(known) => known.clone(),
            None => task.directions(&tuning.valid(), self.request.towers, &self.device)?,
        };
        let count = known.dims()[0];
        let leaf = Tensor::from_inner(known).require_grad();
        let mut total = GradientsParams::new();
        let (mut loss, mut slope): (Option<Tensor<1>>, Option<Tensor<2>>) = (None, None);
        for rows in spans(pictures.count, pictures.at_once) {
            let share = rows.len() as f64 / pictures.count as f64;
            let (pixels, labels) = (pictures.read)(rows)?;
            let part = self.beside(tuning, leaf.clone(), pixels, &labels);
            let part = part.mul_scalar(share);
            loss = Some(added(loss, untracked(part.clone())));
            let mut grads = part.backward();
            if let Some(own) = leaf.grad(&grads) {
                slope = Some(added(slope, own));
            }
            add_gradients(
                &mut total,
                GradientsParams::from_module(&mut grads, module),
                module,
            );
        }
        if let (None, Some(slope)) = (&self.constant[index], slope) {
            for classes in spans(count, classes_at_once) {
                let own = slope.clone().narrow(0, classes.start, classes.len());
                let texts = task.directions_of(tuning, &self.tracked, &self.device, classes)?;
                let mut grads = (texts * Tensor::from_inner(own)).sum().backward();
                add_gradients(
                    &mut total,
                    GradientsParams::from_module(&mut grads, module),
                    module,
                );
            }
        }
        let loss = loss.unwrap_or_else(|| Tensor::zeros([1], (&self.device, self.dtype)));
        Ok((loss, total))
    }

    /// A step's gradients with `micro_batch` pictures, or texts, in memory at a time.
    fn step_in_parts(
        &self,
        joint: &Joint,
        batch: Vec<Batch>,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let at_once = self.request.settings.train.micro_batch;
        let (mut loss, mut total) = (None, GradientsParams::new());
        for (index, own) in batch.into_iter().enumerate() {
            let tuning = joint.of_task(index)?;
            let [count, c, h, w] = own.shape;
            let size = c * h * w;
            let read = |rows: Range<usize>| {
                let values = own.values[rows.start * size..rows.end * size].to_vec();
                let shape = [rows.len(), c, h, w];
                let pixels = placed(values, shape, &self.device, self.dtype);
                Ok((pixels, own.labels[rows].to_vec()))
            };
            let pictures = Pictures {
                count,
                at_once,
                read: &read,
            };
            let each = self.request.tasks[index].tokens(&tuning).each();
            let classes = (at_once / each.max(1)).max(1);
            let (part, grads) = self.in_parts(index, joint, &tuning, &pictures, classes)?;
            loss = Some(added(loss, part));
            add_gradients(&mut total, grads, joint);
        }
        let none = || Tensor::zeros([1], (&self.device, self.dtype));
        Ok((loss.unwrap_or_else(none), total))
    }
}

/// Pictures with their labels, some at a time.
struct Pictures<'p> {
    count: usize,
    at_once: usize,
    read: &'p dyn Fn(Range<usize>) -> Result<(Tensor<4>, Vec<usize>), DatasetError>,
}

fn added<const D: usize>(before: Option<Tensor<D>>, more: Tensor<D>) -> Tensor<D> {
    match before {
        Some(before) => before + more,
        None => more,
    }
}

impl Objective<Joint, Vec<Batch>> for ByTexts<'_> {
    fn gradients(
        &mut self,
        joint: &Joint,
        batch: Vec<Batch>,
        _: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        if self.request.settings.train.micro_batch > 0 {
            let (loss, grads) = self.step_in_parts(joint, batch)?;
            return Ok((Reading::Device(Box::new(loss)), grads));
        }
        let mut sum: Option<Tensor<1>> = None;
        for (index, own) in batch.into_iter().enumerate() {
            let pixels = placed(own.values, own.shape, &self.device, self.dtype);
            let loss = self.loss(index, &joint.of_task(index)?, pixels, &own.labels)?;
            sum = Some(added(sum, loss));
        }
        let Some(sum) = sum else {
            return Err(TransferError::Setting {
                setting: "tasks",
                expected: "one at least".into(),
                found: "none".into(),
            });
        };
        let value = untracked(sum.clone());
        let grads = GradientsParams::from_grads(sum.backward(), joint);
        Ok((Reading::Device(Box::new(value)), grads))
    }

    fn record(&self, _: [f64; MOST], _: &mut Stage1Record) {}
}

/// Cosines `[N, N]`, row by row, of the gradients of the tasks' losses with respect to what they share, at parameters as they
/// are and over the whole training part of every task: one pass over its pictures, in batches, and one over its texts.
///
/// # Errors
/// Those of reading a picture.
pub fn similarity(request: &JointRequest, joint: &Joint) -> Result<Vec<f64>, TransferError> {
    let tracked = joint.clone().train();
    let objective = ByTexts::new(request, joint)?;
    let TrainSettings {
        batch, micro_batch, ..
    } = request.settings.train;
    let mut all = Vec::new();
    for (index, task) in request.tasks.iter().enumerate() {
        let (set, tuning) = (&task.parts[0], tracked.of_task(index)?);
        let read = |rows| Named::batch(set.as_ref(), rows, &objective.device, objective.dtype);
        let (at_once, classes) = match micro_batch {
            0 => (batch, task.templated.classes),
            some => (some, (some / task.tokens(&tuning).each().max(1)).max(1)),
        };
        let pictures = Pictures {
            count: set.len(),
            at_once,
            read: &read,
        };
        let shared = &tracked.shared;
        let (_, grads) = objective.in_parts(index, shared, &tuning, &pictures, classes)?;
        let own = gradients(shared, &grads).into_values();
        let own = own.flat_map(|data| data.iter::<f64>().collect::<Vec<_>>());
        all.push(own.collect::<Vec<f64>>());
    }
    Ok(cosines(&all))
}

#[cfg(test)]
#[path = "joint_tests.rs"]
mod tests;
