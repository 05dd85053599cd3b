//! The methods behind one interface: a name, a start, a stage 1 for the embedder where the method
//! has one, and a stage 2 that fine-tunes what the method lets train.

use super::error::TransferError;
use super::orca::Distance;
use super::snapshot::Keeper;
use super::source::SourceSampler;
use super::stage1::{self, Objective};
use super::task::Task;
use super::train::{Course, Event, Trained, train};
use crate::dataset::{Dataset, Splits, Truth};
use crate::model::{Model, Target};
use crate::suite::definition::Transfer;
use crate::suite::method::Method;
use std::sync::Arc;

/// One transfer of a source model to a target.
pub struct Request<'a> {
    /// By which method.
    pub method: Method,
    /// All settings.
    pub settings: &'a Transfer,
    /// The pretrained model.
    pub source: &'a Model,
    /// What the target model is built for.
    pub target: &'a Target,
    /// What is minimised, and what judges.
    pub task: Task,
    /// The target's data, at the model's input size.
    pub splits: &'a Splits,
    /// Samples that stand for the source in stage 1, at the model's input size.
    pub source_set: Arc<dyn Dataset>,
    /// Seed of everything random.
    pub seed: u64,
}

/// Runs a transfer, going on from the keeper's snapshot if it has one.
pub fn transfer(
    request: &Request,
    keeper: &mut dyn Keeper,
    watch: &mut dyn FnMut(Event) -> bool,
) -> Result<Trained, TransferError> {
    let Request {
        method,
        settings,
        source,
        ..
    } = request;
    if *method == Method::Orca && request.splits.train.truth() != Truth::Class {
        return Err(TransferError::Setting {
            setting: "method orca",
            expected: "a target with one class a sample, which its distance is taken between"
                .into(),
            found: request.splits.train.truth().name().into(),
        });
    }
    let mut model = source.for_target(request.target, request.seed)?;
    if *method == Method::Scratch {
        model = model.with_fresh_encoder(request.seed)?;
    }
    let snapshot = keeper.load()?;
    let (one, two) = match snapshot {
        Some(snapshot) if snapshot.stage == 1 => (Some(snapshot), None),
        other => (None, other),
    };
    let mut first = two.as_ref().map_or(Vec::new(), |s| s.first.clone());
    if method.has_stage1() && two.is_none() {
        let sampler = || {
            SourceSampler::new(
                request.source_set.clone(),
                settings.stage1.source_batch,
                settings.stage1.source_classes,
            )
        };
        let objective = match method {
            Method::Mona => Objective::Mona {
                settings: &settings.mona,
                source: sampler()?,
                embedder: &source.network.embedder,
            },
            Method::Orca => Objective::Orca(Box::new(Distance::new(
                &source.network.embedder,
                request.source_set.clone(),
                &settings.orca,
                request.seed,
            )?)),
            _ => Objective::Task,
        };
        (model, first) = stage1::run(
            model,
            request.splits,
            &settings.stage1,
            &settings.train,
            &request.task,
            objective,
            request.seed,
            one,
            keeper,
            watch,
        )?;
    }
    let course = Course {
        task: request.task,
        seed: request.seed,
        trains: match method {
            Method::Frozen => outside_the_body,
            _ => everything,
        },
        from: two,
        first,
        keeper,
    };
    train(model, request.splits, &settings.train, course, watch)
}

/// Plain fine-tuning.
pub fn everything(_: &str) -> bool {
    true
}

/// Embedder, predictor and every norm: what a frozen pretrained transformer leaves to train.
fn outside_the_body(path: &str) -> bool {
    !path.starts_with("encoder.") || path.contains("norm")
}
