//! Cells of classes by their texts: a transfer tunes the source's towers on a target whose classes are told apart by their
//! names, alone or together with other targets ([`tasks`]). The tuning is kept alone.

use super::cell::{Cell, Outcome};
use super::checkpoint::Checkpoints;
use super::error::{RunError, named};
use super::memory;
use super::prepare::{Context, Target};
use super::progress::{Progress, steps};
use super::tasks::{self, Grouping};
use super::towers::{as_pretrained, save, towers};
use crate::dataset::groups;
use crate::dataset::shots::few;
use crate::evaluate::Marks;
use crate::measure::paired::{Draws, mean_rate};
use crate::model::adapters::{Settings, Tuning};
use crate::model::state;
use crate::suite::task::Metric;
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

/// What the towers do as they were pretrained, on a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Untouched {
    /// Their error.
    pub found: ByTexts,
    /// Which test pictures get another class than theirs.
    pub wrong: Marks,
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

/// A target as it trains with a seed: with all of its training part, or a few samples of every class.
pub(super) fn training(cell: Cell, named: &Named) -> Result<Named, RunError> {
    match cell.variant.transfer.shots {
        0 => Ok(named.clone()),
        shots => {
            let drawn = few((&named.name, &named.parts[0]), shots, cell.seed)?;
            Ok(named.with_training(drawn.set))
        }
    }
}

/// Writes down which samples of a target a cell trains on, where it takes a few of every class.
fn note_shots(context: &Context, cell: Cell, named: &Named) -> Result<(), RunError> {
    let (shots, whole) = (cell.variant.transfer.shots, &named.parts[0]);
    if shots == 0 {
        return Ok(());
    }
    let drawn = few((&named.name, whole), shots, cell.seed)?;
    let name = |sample: &usize| {
        let id = whole.id(*sample);
        id.map_or_else(|| sample.to_string(), |id| id.to_string())
    };
    let names: Vec<String> = drawn.samples.iter().map(name).collect();
    let record = format!("{}/{}-{SHOTS}", cell.name(), named.name);
    context.folder.write_json(&record, &names)
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
    note_shots(context, cell, own)?;
    let together = match cell.method.together {
        Some(of) => of(&cell.variant.transfer)?,
        None => None,
    };
    let learned = match together {
        Some(together) => tasks::learned(context, cell, together, progress)?,
        None => alone(context, cell, own, progress)?,
    };
    let training = training(cell, own)?;
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
    save(context, &name, &learned.tuning)?;
    Ok((learned.tuning, outcome))
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
        tasks: vec![training(cell, own)?],
        shared: cell.method.tuning(settings)?,
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
    let done = learn(&request, &mut checkpoints, &mut steps(progress))?;
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
) -> Result<Untouched, RunError> {
    as_pretrained(context, target, progress, |tuning| {
        let (found, wrong) = measured(context, own, tuning, 0)?;
        Ok(Untouched {
            found,
            wrong: Marks::new(&wrong),
        })
    })
}
