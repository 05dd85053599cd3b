//! What is measured of a finished cell, beside its training: evaluations of its encoder after chosen
//! epochs, D(Ms, Mt) through its embedder before training, after stage 1 and after the
//! fine-tuning, which target test samples it results wrongly, and the curve between the pretrained encoder and its own.

use super::cell::{Cell, Made, Outcome, Trained, lock, mismatched};
use super::checkpoint::{Checkpoints, EMBEDDER, ENCODER, tensors};
use super::classes::{self, ByTexts};
use super::distance::{Distance, Stage, distance};
use super::error::RunError;
use super::evaluation::{evaluate, fingerprint, missing};
use super::interpolation::{self, Point};
use super::prepare::{Context, Target};
use super::progress::Progress;
use super::scores::scores;
use super::simulation::{self, Course};
use super::towers::{self, Retrieved, TunedTowers};
use crate::dataset::TargetShape;
use crate::evaluate::{Evaluation, Marks};
use crate::model::state::with_state;
use crate::model::weights::Weights;
use crate::model::{Embedder, Model, Network};
use crate::transfer::methods::Start;
use crate::transfer::task::wrong_samples;
use burn::module::Module;
use burn::tensor::DType;
use serde::{Deserialize, Serialize};

/// The measures of a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CellMeasures {
    /// Evaluations by epoch of the fine-tuning, in order; the selected epoch is among them.
    pub evaluations: Vec<(usize, Evaluation)>,
    /// D by stage, in order; empty where D is not defined.
    pub stages: Vec<(Stage, Distance)>,
    /// Target test samples predicted wrongly by the selected model; absent where a prediction is not
    /// one class.
    pub wrong: Option<Marks>,
    /// Source features along simulated steps and along the real ones, where that is asked for.
    pub course: Option<Course>,
    /// The encoders between the pretrained and the cell's own, by rising α; empty where the suite asks for none.
    pub curve: Vec<Point>,
    /// Retrieval and what lies between the towers, of a target of pictures with captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieved: Option<Retrieved>,
    /// What a tuning reaches on classes by their texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_texts: Option<ByTexts>,
}

impl CellMeasures {
    /// Whether no evaluation lacks a measure of the program's list, or of that for sources with texts.
    pub(super) fn is_complete(&self, texts: bool) -> bool {
        let of_curve = self.curve.iter().map(|point| &point.evaluation);
        let mut all = self.evaluations.iter().map(|(_, e)| e).chain(of_curve);
        all.all(|evaluation| missing(&evaluation.values, texts).is_empty())
    }

    /// The evaluation of the encoder of the selected epoch.
    pub fn selected(&self, outcome: &Outcome) -> Option<&Evaluation> {
        let found = self
            .evaluations
            .iter()
            .find(|(e, _)| *e == outcome.selected);
        found.map(|(_, evaluation)| evaluation)
    }
}

/// Name of the record of all that is measured of a cell, in its folder.
pub(super) const MEASURED: &str = "measured.json";

/// Where a cell keeps all of its measures.
pub(super) fn record(cell: &Cell) -> String {
    format!("{}/{MEASURED}", cell.name())
}

/// Measures a finished cell. Where all was measured before, the record of it is enough and the model is not
/// needed; else what is there is recalled, measure by measure.
///
/// # Errors
/// [`RunError::Locked`] while another process measures it, and what measures refuse.
pub fn measure(
    context: &Context,
    cell: Cell,
    target: &Target,
    trained: &Trained,
    progress: &mut dyn Progress,
) -> Result<CellMeasures, RunError> {
    let record = record(&cell);
    let origin = context
        .origins
        .tuning(context.suite, cell.target, cell.method);
    let known = || {
        let found = context.recall::<CellMeasures>(&record, &origin);
        found.filter(|found| found.is_complete(context.texts.is_some()))
    };
    if let Some(found) = known() {
        return Ok(found);
    }
    // Of a cell that was trained before, one process at a time takes the measures.
    let _lock = match trained.lock {
        Some(_) => None,
        None => {
            let lock = lock(context.folder, &cell.name())?;
            if let Some(found) = known() {
                return Ok(found);
            }
            Some(lock)
        }
    };
    let made = trained.kept.made(context, target)?;
    let found = match (made, &target.captions, &target.named) {
        (Made::Model(model), None, None) => {
            take(context, cell, target, (model, &trained.outcome), progress)?
        }
        (Made::Tuning(tuning), None, Some(named)) => {
            let subject = TunedTowers::new(context, tuning)?;
            let title = format!("{} after epoch {}", cell.title(), trained.outcome.selected);
            let evaluation = evaluate(context, &title, &subject, progress)?;
            let (by_texts, wrong) = classes::of_cell(context, cell, named, tuning)?;
            CellMeasures {
                evaluations: vec![(trained.outcome.selected, evaluation)],
                stages: Vec::new(),
                wrong: Some(wrong),
                course: None,
                curve: Vec::new(),
                retrieved: None,
                by_texts: Some(by_texts),
            }
        }
        (Made::Tuning(tuning), Some([.., test]), _) => {
            let subject = TunedTowers::new(context, tuning)?;
            let title = format!("{} after epoch {}", cell.title(), trained.outcome.selected);
            let evaluation = evaluate(context, &title, &subject, progress)?;
            CellMeasures {
                evaluations: vec![(trained.outcome.selected, evaluation)],
                stages: Vec::new(),
                wrong: None,
                course: None,
                curve: Vec::new(),
                retrieved: Some(towers::of_cell(
                    context,
                    cell,
                    (target, test),
                    tuning,
                    progress,
                )?),
                by_texts: None,
            }
        }
        _ => return Err(mismatched(cell)),
    };
    context.keep(&record, origin, &found)?;
    Ok(found)
}

fn take(
    context: &Context,
    cell: Cell,
    target: &Target,
    (model, outcome): (&Model, &Outcome),
    progress: &mut dyn Progress,
) -> Result<CellMeasures, RunError> {
    let name = cell.name();
    let built = target.of_model(&cell.variant.transfer, cell.method);
    let source = target.sequence.as_ref().unwrap_or(&context.source.model);
    let start = source.for_target(&built, cell.seed)?.network;
    let mut epochs: Vec<usize> = context.suite.measures.probe_epochs.clone();
    epochs.retain(|epoch| *epoch <= outcome.course.len());
    epochs.push(outcome.selected);
    epochs.sort_unstable();
    epochs.dedup();
    if target.sequence.is_some() {
        // An encoder of sequences sees no image: the surrogate has no features under it.
        epochs.clear();
    }
    let mut evaluations = Vec::new();
    for epoch in epochs {
        let title = format!("{} after epoch {epoch}", cell.title());
        let found = if epoch == outcome.selected {
            evaluate(context, &title, &model.network.encoder, progress)?
        } else {
            match kept(context, &name, epoch, ENCODER, start.encoder.clone())? {
                Some(encoder) => evaluate(context, &title, &encoder, progress)?,
                None => continue,
            }
        };
        evaluations.push((epoch, found));
    }
    let first = cell.seed == context.suite.transfer.seeds[0];
    if first && cell.method.start == Start::Source && target.sequence.is_none() {
        // For the report, which finds it again: a sweep's shards measure all there is.
        scores(context, target, &start.embedder, progress)?;
    }
    let mut stages = Vec::new();
    if target.undefined.is_none() {
        let mut ask = |stage: Stage, embedder: &Embedder| {
            let found = distance(context, target, stage, embedder, progress)?;
            stages.push((stage, found));
            Ok::<_, RunError>(())
        };
        let initial = start.embedder;
        ask(Stage::Initial, &initial)?;
        if !outcome.stage1.is_empty()
            && let Some(embedder) = kept(context, &name, 0, EMBEDDER, initial)?
        {
            ask(Stage::Stage1, &embedder)?;
        }
        ask(Stage::FineTuned, &model.network.embedder)?;
    }
    let record = format!(
        "evaluations/{}-wrong-{}.json",
        cell.target.name,
        fingerprint(&model.network)
    );
    let origin = context
        .origins
        .transfer(context.suite, cell.target, cell.method);
    let wrong = match context.recall(&record, &origin) {
        Some(wrong) => Some(wrong),
        None => {
            let found = wrong(context, target, &model.network)?;
            if let Some(marks) = &found {
                context.keep(&record, origin, marks)?;
            }
            found
        }
    };
    let course = simulation::course(context, cell, target, (model, outcome), progress)?;
    let mut found = CellMeasures {
        evaluations,
        stages,
        wrong,
        course,
        curve: Vec::new(),
        retrieved: None,
        by_texts: None,
    };
    found.curve =
        interpolation::curve(context, (cell, target), model, (outcome, &found), progress)?;
    Ok(found)
}

/// Which target test samples a network gets wrong; `None` where an answer is not one class.
pub(super) fn wrong(
    context: &Context,
    target: &Target,
    network: &Network,
) -> Result<Option<Marks>, RunError> {
    let set = target.data.test.clone();
    if set.target_shape() != TargetShape::Class {
        return Ok(None);
    }
    let marks = wrong_samples(network, set, context.device)?;
    Ok(Some(Marks::new(&marks)))
}

/// A part of the network as the cell kept it after an epoch; `None` if it did not.
pub(super) fn kept<M: Module>(
    context: &Context,
    cell: &str,
    epoch: usize,
    part: &str,
    module: M,
) -> Result<Option<M>, RunError> {
    let path = Checkpoints::epoch_file(&context.folder.path(cell), epoch);
    if !path.exists() {
        return Ok(None);
    }
    let file = Weights::open(&path)?;
    let values = tensors(&file, part)?;
    if values.is_empty() {
        return Ok(None);
    }
    let filled = with_state(module, values, DType::F32, &path)?;
    Ok(Some(filled))
}
