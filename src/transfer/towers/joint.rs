//! Training of tunings on sets with named classes: one task, or several at once, as MmAP (Xin et al., AAAI 2024) has them.
//!
//! What several tasks learn together is one tuning that all share and, where the method says so, one more of each task
//! ([`Joint`]). A step has a batch of every task, of equal size; an epoch is one pass over the longest task, the others are
//! shuffled anew as often as it takes (both our choices). What is minimised is the sum of the tasks' losses, in one
//! backward pass; an epoch is judged by the mean error of the tasks.

use super::classes::Named;
use crate::dataset::DatasetError;
use crate::dataset::loader::{Batch, Order, batches};
use crate::model::adapters::{Settings, Tuning};
use crate::model::state::{constant, gradients, untracked};
use crate::model::two_tower::{TwoTower, TwoTowerConfig};
use crate::random::TASK_VALUES;
use crate::suite::definition::Transfer;
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
        let tuning =
            |settings, seed| Tuning::new(self.config, self.towers, settings, temperature, seed);
        let own = |settings| {
            let each = (0..self.tasks.len()).map(|task| {
                let seed = TASK_VALUES.rng(self.seed, &[task as u64]).random();
                tuning(settings, seed)
            });
            each.collect::<Result<Vec<_>, _>>()
        };
        Ok(Joint {
            shared: tuning(self.shared, self.seed)?,
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
        let once = "left out where classes are texts: their texts are passed once a step";
        let unmixed = "left out where classes are texts: pictures are not mixed there";
        for (setting, asked, expected) in [
            ("recompute", train.recompute, once),
            ("micro_batch", train.micro_batch > 0, once),
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
        let images = tuning.image_embeds(&self.tracked, Tensor::from_inner(pixels));
        let logits = images.matmul(classes.transpose());
        let logits = logits.mul_scalar(self.request.towers.scale());
        let smoothing = self.request.settings.train.label_smoothing;
        Ok(cross_entropy(logits.into(), labels, smoothing).primal)
    }
}

impl Objective<Joint, Vec<Batch>> for ByTexts<'_> {
    fn gradients(
        &mut self,
        joint: &Joint,
        batch: Vec<Batch>,
        _: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let mut sum: Option<Tensor<1>> = None;
        for (index, own) in batch.into_iter().enumerate() {
            let pixels = placed(own.values, own.shape, &self.device, self.dtype);
            let loss = self.loss(index, &joint.of_task(index)?, pixels, &own.labels)?;
            sum = Some(match sum {
                Some(before) => before + loss,
                None => loss,
            });
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
/// are and over the whole training part of every task.
///
/// # Errors
/// Those of reading a picture.
pub fn similarity(request: &JointRequest, joint: &Joint) -> Result<Vec<f64>, TransferError> {
    let tracked = joint.clone().train();
    let objective = ByTexts::new(request, joint)?;
    let at_once = request.settings.train.batch.max(1);
    let mut all = Vec::new();
    for (index, task) in request.tasks.iter().enumerate() {
        let (set, tuning) = (&task.parts[0], tracked.of_task(index)?);
        let mut sum: Option<Vec<f64>> = None;
        for start in (0..set.len()).step_by(at_once) {
            let rows = start..(start + at_once).min(set.len());
            let share = rows.len() as f64 / set.len() as f64;
            let (pixels, labels) =
                Named::batch(set.as_ref(), rows, &objective.device, objective.dtype)?;
            let loss = objective
                .loss(index, &tuning, pixels, &labels)?
                .mul_scalar(share);
            let grads = GradientsParams::from_grads(loss.backward(), &tracked.shared);
            let part = gradients(&tracked.shared, &grads).into_values();
            let part: Vec<f64> = part
                .flat_map(|data| data.iter::<f64>().collect::<Vec<_>>())
                .collect();
            sum = Some(match sum {
                Some(before) => before.iter().zip(&part).map(|(a, b)| a + b).collect(),
                None => part,
            });
        }
        all.push(sum.unwrap_or_default());
    }
    Ok(cosines(&all))
}

#[cfg(test)]
#[path = "joint_tests.rs"]
mod tests;
