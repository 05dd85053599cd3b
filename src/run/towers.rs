//! Cells of two towers: a transfer to pictures with captions trains a tuning of the source's towers, which is kept alone;
//! it is measured by retrieval on the target's test part, by what lies between the towers there, and, as every
//! encoder, on the surrogate.

use super::cell::{Cell, MODEL, Outcome};
use super::checkpoint::Checkpoints;
use super::confusions::{self, Confusion};
use super::error::{RunError, named};
use super::evaluation::{Subject, fingerprint};
use super::joint::{self, Joint};
use super::memory;
use super::prepare::{Context, Target};
use super::progress::{Progress, steps};
use crate::dataset::{Dataset, groups};
use crate::evaluate::{self, Measured, Values};
use crate::feature::{FeatureSet, extract};
use crate::measure::Groups;
use crate::measure::encoder::zero_shot::Texts;
use crate::measure::paired::{Draws, mean_share};
use crate::measure::retrieval::{ALL, Direction, Retrieval, Rule};
use crate::measure::towers::Pairs;
use crate::model::adapters::{Nothing, Settings, Tuning};
use crate::model::state;
use crate::model::two_tower::LoadedTowers;
use crate::suite::task::Metric;
use crate::transfer::methods::PLAIN;
use crate::transfer::towers::{Captioned, TowerRequest, Vectors, mean_recall, transfer, vectors};
use ndarray::Axis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Name of a tuning's file in the folder of a cell's model.
const FILE: &str = "tuning.safetensors";

/// What is measured of tuned towers on a target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Retrieved {
    /// Recalls and what lies between the towers.
    pub values: Values,
    /// The recalls if of equal scores the right one came first, by the names of the measures.
    pub optimistic: Vec<(String, f64)>,
    /// Queries whose rank depends on that.
    pub tied: usize,
    /// Queries.
    pub queries: usize,
    /// What every picture that has a caption adds to one minus the mean recall.
    pub missed: Vec<f64>,
    /// Numbers that train.
    pub parameters: usize,
    /// Numbers of the towers themselves.
    pub of_towers: usize,
    /// τ of the losses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Both modalities on one map, of what the report shows one of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<Joint>,
    /// The pictures whose own captions stand farthest behind, of what the report shows them of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusions: Vec<Confusion>,
}

/// The towers of the source; there are some wherever a target is pictures with captions, or classes by their texts.
pub(super) fn towers<'a>(context: &Context<'a>) -> Result<&'a LoadedTowers, RunError> {
    context.towers.ok_or_else(|| RunError::Unfit {
        what: format!("source model {}", context.suite.source.model),
        expected: "a model of images and texts (a CLIP)".into(),
        found: "one tower".into(),
    })
}

/// Tuned towers, which a run evaluates.
pub struct TunedTowers<'a> {
    loaded: &'a LoadedTowers,
    tuning: &'a Tuning,
}

impl<'a> TunedTowers<'a> {
    /// The source's towers as `tuning` has them.
    ///
    /// # Errors
    /// A source of one tower.
    pub fn new(context: &Context<'a>, tuning: &'a Tuning) -> Result<Self, RunError> {
        Ok(Self {
            loaded: towers(context)?,
            tuning,
        })
    }
}

impl Subject for TunedTowers<'_> {
    fn fingerprint(&self) -> String {
        fingerprint(self.tuning)
    }

    fn features(&self, context: &Context, set: &Arc<dyn Dataset>) -> Result<FeatureSet, RunError> {
        let (towers, tuning) = (&self.loaded.towers, self.tuning);
        let found = extract::features_by(set.clone(), context.device, |x| {
            tuning.image_features(towers, x)
        })?;
        Ok(found)
    }

    fn beside_texts(
        &self,
        context: &Context,
        set: &Arc<dyn Dataset>,
    ) -> Result<Option<(FeatureSet, Texts)>, RunError> {
        let Some(ids) = context.class_ids else {
            return Ok(None);
        };
        let (towers, tuning) = (&self.loaded.towers, self.tuning);
        let vectors = extract::features_by(set.clone(), context.device, |x| {
            tuning.image_embeds(towers, x)
        })?;
        Ok(Some((vectors, ids.tuned(towers, tuning)?)))
    }
}

/// Trains a cell to its end or on from its checkpoint, and saves the tuning.
pub(super) fn train(
    context: &Context,
    cell: Cell,
    (target, parts): (&Target, &[Captioned; 3]),
    progress: &mut dyn Progress,
) -> Result<(Tuning, Outcome<()>), RunError> {
    let (suite, settings) = (context.suite, &cell.variant.transfer);
    let loaded = towers(context)?;
    let folder = context.folder.path(&cell.name());
    let made_from = context.origins.transfer(suite, cell.target, cell.method);
    let counted = memory::forget_peak();
    progress.begin(&cell.title(), settings.train.epochs);
    let request = TowerRequest {
        settings,
        towers: &loaded.towers,
        config: &loaded.config,
        parts,
        seed: cell.seed,
    };
    let mut checkpoints = Checkpoints::new(folder.clone(), &[], made_from.clone());
    let trained = transfer(
        cell.method,
        &request,
        &mut checkpoints,
        &mut steps(progress),
    )?;
    progress.end();
    let least = settings.pairs.least_temperature;
    if least > 0.0 && at_bound(temperature(&trained.tuning), least) {
        progress.tell(&format!(
            "{}: τ ended at its least value, {least} (transfer.pairs.least_temperature)",
            cell.title()
        ));
    }
    let [train, valid, test] = parts;
    let outcome = Outcome {
        target: cell.target.name.clone(),
        method: cell.method.name.into(),
        seed: cell.seed,
        metric: Metric::OneMinusMeanRecall,
        valid: metric(context, &trained.tuning, valid)?,
        test: (),
        samples: [train, valid, test].map(|part| part.pictures.len()),
        shape: target.original.train.shape(),
        classes: 0,
        seconds: trained.course.last().map_or(0.0, |e| e.seconds),
        selected: trained.selected,
        memory: counted.then(memory::peak).flatten(),
        device: Some(context.device_name.into()),
        made_from,
        stage1: Vec::new(),
        course: trained.course,
    };
    save(context, &cell.name(), &trained.tuning)?;
    Ok((trained.tuning, outcome))
}

/// τ of a tuning's losses.
fn temperature(tuning: &Tuning) -> f64 {
    state::scalar(tuning.temperature())
}

/// Whether τ stands at its least value, but for the rounding of single precision.
pub(super) fn at_bound(temperature: f64, least: f64) -> bool {
    temperature <= least * (1.0 + 1e-6)
}

/// Saves a tuning as the model of the cell called `cell`.
pub(super) fn save(context: &Context, cell: &str, tuning: &Tuning) -> Result<(), RunError> {
    let model = context.folder.path(cell).join(MODEL);
    std::fs::create_dir_all(&model).map_err(|source| RunError::Io {
        path: model.clone(),
        source,
    })?;
    Ok(tuning.save(&model.join(FILE))?)
}

/// A tuning from the folder of a cell's model.
pub(super) fn read(context: &Context, folder: &Path) -> Result<Tuning, RunError> {
    let loaded = towers(context)?;
    Ok(Tuning::load(
        &folder.join(FILE),
        &loaded.config,
        &loaded.towers,
        None,
    )?)
}

/// One minus the mean recall on a part.
pub(super) fn metric(
    context: &Context,
    tuning: &Tuning,
    part: &Captioned,
) -> Result<f64, RunError> {
    let loaded = towers(context)?;
    let found = vectors(&loaded.towers, tuning, part, context.device)?;
    Ok(1.0 - mean_recall(&found.retrieval(part)?))
}

/// The towers as they were pretrained, on a target.
///
/// # Errors
/// What reading and the measures refuse.
pub(super) fn untouched(
    context: &Context,
    target: &Target,
    test: &Captioned,
    progress: &mut dyn Progress,
) -> Result<Retrieved, RunError> {
    as_pretrained(context, target, progress, |tuning| {
        let (measured, vectors, _) = retrieved(context, tuning, test)?;
        Ok(Retrieved {
            parameters: 0,
            joint: joint::joint(context, &vectors, test, None),
            ..measured
        })
    })
}

/// What `measure` finds of the towers as they were pretrained, on a target; found once.
pub(super) fn as_pretrained<T: Serialize + DeserializeOwned>(
    context: &Context,
    target: &Target,
    progress: &mut dyn Progress,
    measure: impl FnOnce(&Tuning) -> Result<T, RunError>,
) -> Result<T, RunError> {
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
    let found = measure(&tuning)?;
    context.keep(&record, origin, &found)?;
    progress.end();
    Ok(found)
}

/// Measures the tuning of a cell on its target's test part, with what the report shows of it.
///
/// # Errors
/// What reading and the measures refuse.
pub(super) fn of_cell(
    context: &Context,
    cell: Cell,
    (target, test): (&Target, &Captioned),
    tuning: &Tuning,
    progress: &mut dyn Progress,
) -> Result<Retrieved, RunError> {
    let (mut found, vectors, ranked) = retrieved(context, tuning, test)?;
    if joint::is_shown(&cell, context.suite) {
        let before = untouched(context, target, test, progress)?.joint;
        let start = before.and_then(|map| map.start);
        found.joint = joint::joint(context, &vectors, test, start.as_deref());
    }
    if confusions::is_shown(&cell, context.suite) {
        found.confusions = confusions::confusions(&vectors, &ranked, test);
    }
    Ok(found)
}

/// Measures a tuning on a part; beside it the vectors, and who finds whom.
fn retrieved(
    context: &Context,
    tuning: &Tuning,
    part: &Captioned,
) -> Result<(Retrieved, Vectors, Retrieval), RunError> {
    let loaded = towers(context)?;
    let found = vectors(&loaded.towers, tuning, part, context.device)?;
    let ranked = found.retrieval(part)?;
    let of_pictures =
        groups(part.pictures.as_ref()).unwrap_or_else(|| (0..part.pictures.len()).collect());
    let mut values = between(&found, part, &of_pictures)?;
    values.extend(recalls(context, &ranked, &of_pictures)?);
    let optimistic = ALL
        .iter()
        .map(|m| (m.about.name.to_owned(), m.value(&ranked, Rule::Optimistic)));
    let both = [Direction::ImageToText, Direction::TextToImage];
    let measured = Retrieved {
        values,
        optimistic: optimistic.collect(),
        tied: both.iter().map(|d| ranked.tied(*d)).sum(),
        queries: both.iter().map(|d| ranked.places(*d).len()).sum(),
        missed: ranked.missed(),
        parameters: state::size(tuning),
        of_towers: state::size(&loaded.towers),
        temperature: Some(temperature(tuning)),
        joint: None,
        confusions: Vec::new(),
    };
    Ok((measured, found, ranked))
}

/// The recalls with their intervals; that of the mean draws pictures again, by whole groups.
fn recalls(
    context: &Context,
    ranked: &Retrieval,
    of_pictures: &[usize],
) -> Result<Values, RunError> {
    let asking: Vec<usize> = ranked.asking().iter().map(|i| of_pictures[*i]).collect();
    let draws = Draws {
        groups: Some(&asking),
        replicates: context.suite.measures.paired_bootstrap,
        seed: context.suite.measures.discrepancy_seed,
    };
    let missed = mean_share(&[ranked.missed()], &draws);
    let missed = missed.map_err(named("mean recall".into()))?;
    let mut values = Values::default();
    for measure in ALL {
        let interval = match measure.recall {
            Some((direction, k)) => Some(ranked.interval(direction, k, Some(of_pictures))),
            None => missed.interval.map(|[low, high]| [1.0 - high, 1.0 - low]),
        };
        let measured = Measured {
            value: Some(measure.value(ranked, Rule::Pessimistic)),
            interval,
            samples: match measure.recall {
                Some((direction, _)) => ranked.places(direction).len(),
                None => asking.len(),
            },
            note: None,
        };
        values.insert(&measure.about, measured);
    }
    Ok(values)
}

/// What lies between the towers: every caption with its picture.
fn between(found: &Vectors, part: &Captioned, of_pictures: &[usize]) -> Result<Values, RunError> {
    let own = found.images.select(Axis(0), &part.owner);
    let fault = |source| named("measures between towers".to_string())(source);
    let pairs = Pairs::new(own.view(), found.texts.view()).map_err(fault)?;
    let of_captions: Vec<usize> = part.owner.iter().map(|i| of_pictures[*i]).collect();
    evaluate::towers::towers(&pairs, &Groups::of(&of_captions))
        .map_err(|fault| named(fault.measure.to_string())(fault.source))
}
