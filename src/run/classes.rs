//! Cells of classes by their texts: a transfer tunes the source's towers on a target whose classes are told apart by their
//! names, alone or together with other targets ([`tasks`]). The tuning is kept alone.

use super::cell::{Cell, Outcome};
use super::checkpoint::Checkpoints;
use super::error::{RunError, named};
use super::memory;
use super::prepare::{Context, Target};
use super::progress::Progress;
use super::tasks::{self, Grouping};
use super::towers::{FILE, towers};
use crate::dataset::groups;
use crate::dataset::shots::few;
use crate::evaluate::Marks;
use crate::measure::paired::{Draws, mean_rate};
use crate::model::adapters::{Nothing, Settings, Tuning};
use crate::model::state;
use crate::suite::task::Metric;
use crate::transfer::TransferError;
use crate::transfer::epochs::Event;
use crate::transfer::methods::PLAIN;
use crate::transfer::records::EpochRecord;
use crate::transfer::towers::{Fitted, JointRequest, Named, fit, learn};
use serde::{Deserialize, Serialize};

/// Name of the record of which samples a cell was trained on, where it takes a few of every class.
const SHOTS: &str = "shots.json";
/// Name of the record of what tasks learned together.
const TASKS: &str = "tasks.json";

/// What is known of a tuning beside its errors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ByTexts {
    /// Numbers that train for one target; of what tasks share, all.
    pub parameters: usize,
    /// Numbers of the towers themselves.
    pub of_towers: usize,
    /// Share of test pictures that get another class than theirs.
    pub error: f64,
    /// Its 95 % interval over groups of pictures.
    pub interval: Option<[f64; 2]>,
    /// Which tasks learned together, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Grouping>,
}

/// What was learned of a target.
pub(super) struct Learned {
    pub tuning: Tuning,
    pub course: Vec<EpochRecord>,
    pub selected: usize,
    /// Seconds of the training; of one that several targets share, this one's part.
    pub seconds: f64,
    /// Most memory that the process held while it trained, in bytes, where the system tells.
    pub memory: Option<u64>,
    pub tasks: Option<Grouping>,
}

/// A target as it trains with a seed: with all of its training part, or a few samples of every class, which the record
/// `shots.json` in `folder` names.
pub(super) fn training(
    context: &Context,
    cell: Cell,
    named: &Named,
    folder: &str,
) -> Result<Named, RunError> {
    let shots = cell.variant.transfer.shots;
    if shots == 0 {
        return Ok(named.clone());
    }
    let whole = &named.parts[0];
    let drawn = few((&named.name, whole), shots, cell.seed)?;
    let name = |sample: &usize| {
        whole
            .id(*sample)
            .map_or_else(|| sample.to_string(), |id| id.to_string())
    };
    let names: Vec<String> = drawn.samples.iter().map(name).collect();
    let record = format!("{folder}/{}-{SHOTS}", named.name);
    context.folder.write_json(&record, &names)?;
    Ok(named.with_training(drawn.set))
}

/// Trains a cell to its end or on from its checkpoint, and saves the tuning.
pub(super) fn train(
    context: &Context,
    cell: Cell,
    (target, own): (&Target, &Named),
    progress: &mut dyn Progress,
) -> Result<(Tuning, Outcome<()>), RunError> {
    let suite = context.suite;
    let name = cell.name();
    let made_from = context.origins.transfer(suite, cell.target, cell.method);
    let together = match cell.method.together {
        Some(of) => of(&cell.variant.transfer)?,
        None => None,
    };
    let learned = match together {
        Some(together) => tasks::learned(context, cell, together, progress)?,
        None => alone(context, cell, own, progress)?,
    };
    let training = training(context, cell, own, &name)?;
    let loaded = towers(context)?;
    let [_, valid, test] = &own.parts;
    let outcome = Outcome {
        target: cell.target.name.clone(),
        method: cell.method.name.into(),
        seed: cell.seed,
        metric: Metric::Error,
        valid: own.error(&loaded.towers, &learned.tuning, valid)?,
        test: (),
        samples: [training.parts[0].len(), valid.len(), test.len()],
        shape: target.original.train.shape(),
        classes: own.templated.classes,
        seconds: learned.seconds,
        selected: learned.selected,
        memory: learned.memory,
        device: Some(context.device_name.into()),
        made_from,
        stage1: Vec::new(),
        course: learned.course,
    };
    if let Some(tasks) = &learned.tasks {
        context
            .folder
            .write_json(&format!("{name}/{TASKS}"), tasks)?;
    }
    let model = context.folder.path(&name).join(super::cell::MODEL);
    std::fs::create_dir_all(&model).map_err(|source| RunError::Io {
        path: model.clone(),
        source,
    })?;
    learned.tuning.save(&model.join(FILE))?;
    Ok((learned.tuning, outcome))
}

/// What a method trains of two towers.
pub(super) fn tuned(cell: Cell) -> Result<Settings, RunError> {
    match cell.method.towers {
        Some(towers) => Ok(towers(&cell.variant.transfer)?),
        None => Err(TransferError::Undefined {
            method: cell.method.name,
            why: "it trains one tower".into(),
        }
        .into()),
    }
}

/// Trains on one target.
fn alone(
    context: &Context,
    cell: Cell,
    own: &Named,
    progress: &mut dyn Progress,
) -> Result<Learned, RunError> {
    let loaded = towers(context)?;
    let settings = &cell.variant.transfer;
    let made_from = context
        .origins
        .transfer(context.suite, cell.target, cell.method);
    let counted = memory::forget_peak();
    progress.begin(&cell.title(), settings.train.epochs);
    let request = JointRequest {
        settings,
        towers: &loaded.towers,
        config: &loaded.config,
        tasks: vec![training(context, cell, own, &cell.name())?],
        shared: tuned(cell)?,
        own: None,
        seed: cell.seed,
    };
    if let Settings::LinearProbe(_) = request.shared {
        let Fitted { tuning, record } = fit(&request)?;
        progress.end();
        return Ok(Learned {
            tuning,
            seconds: record.seconds,
            selected: 1,
            memory: counted.then(memory::peak).flatten(),
            course: vec![record],
            tasks: None,
        });
    }
    let fresh = request.verified()?;
    if let Some(ids) = context.class_ids {
        ids.check(&fresh)?;
    }
    let mut checkpoints = Checkpoints::new(context.folder.path(&cell.name()), &[], made_from);
    let done = learn(&request, &mut checkpoints, &mut |event| match event {
        Event::Step(done, total) => progress.step(done, total),
        Event::Epoch(_) => true,
    })?;
    progress.end();
    Ok(Learned {
        tuning: done.joint.of_task(0)?,
        seconds: done.course.last().map_or(0.0, |epoch| epoch.seconds),
        selected: done.selected,
        memory: counted.then(memory::peak).flatten(),
        course: done.course,
        tasks: None,
    })
}

/// Measures a tuning on the test part of a target.
fn measured(
    context: &Context,
    own: &Named,
    tuning: &Tuning,
    parameters: usize,
) -> Result<(ByTexts, Vec<bool>), RunError> {
    let loaded = towers(context)?;
    let test = &own.parts[2];
    let wrong = own.wrong(&loaded.towers, tuning, test)?;
    let of = groups(test.as_ref());
    let draws = Draws {
        groups: of.as_deref(),
        replicates: context.suite.measures.paired_bootstrap,
        seed: context.suite.measures.discrepancy_seed,
    };
    let found = mean_rate(std::slice::from_ref(&wrong), &draws)
        .map_err(named(format!("error of {}", own.name)))?;
    let found = ByTexts {
        parameters,
        of_towers: state::size(&loaded.towers),
        error: found.mean,
        interval: found.interval,
        tasks: None,
    };
    Ok((found, wrong))
}

/// Measures the tuning of a cell; beside it which test pictures it gets wrong.
///
/// # Errors
/// What reading and the measures refuse.
pub(super) fn of_cell(
    context: &Context,
    cell: Cell,
    own: &Named,
    tuning: &Tuning,
) -> Result<(ByTexts, Marks), RunError> {
    // τ takes no part where classes are texts.
    let parameters = state::size(tuning) - 1;
    let (found, wrong) = measured(context, own, tuning, parameters)?;
    let tasks = context
        .folder
        .read_json(&format!("{}/{TASKS}", cell.name()));
    Ok((ByTexts { tasks, ..found }, Marks::new(&wrong)))
}

/// The towers as they were pretrained, on a target: zero-shot.
///
/// # Errors
/// What reading and the measures refuse.
pub(super) fn untouched(
    context: &Context,
    target: &Target,
    own: &Named,
    progress: &mut dyn Progress,
) -> Result<ByTexts, RunError> {
    let record = format!("evaluations/{}-untouched.json", target.spec.name);
    let origin = context.origins.transfer(context.suite, target.spec, PLAIN);
    if let Some(found) = context.recall(&record, &origin) {
        return Ok(found);
    }
    let loaded = towers(context)?;
    let settings = Settings::Untouched(Nothing {});
    let temperature = context.suite.transfer.pairs.temperature;
    let tuning = Tuning::new(&loaded.config, &loaded.towers, settings, temperature, 0)?;
    progress.begin(
        &format!("{} through the towers as they were", target.spec.title),
        1,
    );
    let (found, _) = measured(context, own, &tuning, 0)?;
    context.keep(&record, origin, &found)?;
    progress.end();
    Ok(found)
}
