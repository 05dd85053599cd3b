//! The field's other yardsticks, beside the probe and D. Of an encoder: how much of the pretrained
//! representation is left (CKA), and how its features hold the surrogate's classes (k-NN, silhouette,
//! LogME, H-score). Of a target as its transfer starts: LEEP, NCE, LogME, H-score, the modality gap
//! and the OTDD. Each sees a balanced part of test samples (`measures.yardstick_samples`).

use super::error::RunError;
use super::look::{fingerprint, named};
use super::prepare::{Context, Target};
use super::watch::Watch;
use crate::dataset::{Dataset, Truth, subset};
use crate::feature::{FeatureSet, extract};
use crate::measure::cka::cka;
use crate::measure::hscore::{Covariance, hscore};
use crate::measure::knn::knn;
use crate::measure::leep::leep;
use crate::measure::logme::LogmeParams;
use crate::measure::modality_gap::modality_gap;
use crate::measure::nce::{hard_labels, nce};
use crate::measure::silhouette::silhouette;
use crate::measure::{MeasureError, Samples};
use crate::model::Embedder;
use crate::strata;
use crate::transfer::methods::orca;
use crate::transfer::methods::orca::TransportSettings;
use crate::transfer::objectives::transport::Distance;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the yardsticks say of an encoder; a value is absent where the measure has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfEncoder {
    /// Debiased linear CKA with the pretrained encoder, in [−1, 1].
    pub cka: Option<f64>,
    /// Accuracy of the nearest neighbours' vote.
    pub knn: Option<f64>,
    /// Mean silhouette, in [−1, 1].
    pub silhouette: Option<f64>,
    /// LogME.
    pub logme: Option<f64>,
    /// H-score with Ledoit and Wolf's covariance.
    pub hscore: Option<f64>,
    /// Test samples seen.
    pub samples: usize,
}

/// What they say of a target as its transfer starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OfTarget {
    /// LEEP of the source model's probabilities, at most 0.
    pub leep: Option<f64>,
    /// NCE of its most probable classes, at most 0.
    pub nce: Option<f64>,
    /// LogME of the target's features through the source encoder.
    pub logme: Option<f64>,
    /// H-score of the same, with Ledoit and Wolf's covariance.
    pub hscore: Option<f64>,
    /// Modality gap between these features and the surrogate's, in [0, 2].
    pub gap: Option<f64>,
    /// OTDD of the embedded target from the embedded source, debiased, as ORCA lowers it.
    pub otdd: Option<f64>,
    /// Whether it converged.
    pub otdd_converged: Option<bool>,
    /// Target test samples seen.
    pub samples: usize,
    /// Samples of the OTDD: source and target.
    pub otdd_samples: Option<[usize; 2]>,
    /// Which measures have no meaning here, and why.
    pub undefined: Option<String>,
}

impl OfTarget {
    /// Nothing: samples that do not enter the source model cannot be measured by it.
    pub fn of_another_encoder() -> Self {
        Self {
            undefined: Some("all: its encoder is not the source model's".into()),
            ..Self::default()
        }
    }
}

/// A measure without a value on this input is absent; every other fault stands.
fn defined<T>(what: String, found: Result<T, MeasureError>) -> Result<Option<T>, RunError> {
    use MeasureError::{Numerical, TooFew, TooMany, ZeroVector};
    match found {
        Ok(value) => Ok(Some(value)),
        Err(TooFew { .. } | TooMany { .. } | ZeroVector { .. } | Numerical { .. }) => Ok(None),
        Err(other) => Err(named(what)(other)),
    }
}

/// The part of a set that the yardsticks see.
pub fn part(context: &Context, set: &Arc<dyn Dataset>) -> Arc<dyn Dataset> {
    let most = context.suite.measures.yardstick_samples;
    subset::cap(set.clone(), most, context.suite.data_seed)
}

/// The same part of features of the whole set.
pub fn rows(context: &Context, set: &FeatureSet) -> FeatureSet {
    let most = context.suite.measures.yardstick_samples;
    if most == 0 || most >= set.len() {
        return set.clone();
    }
    let chosen = strata::balanced(set.labels(), most, context.suite.data_seed);
    set.select(&chosen).unwrap_or_else(|| set.clone())
}

/// The yardsticks of surrogate features, training and test (all, or the [`part`] of it that is seen);
/// `title` names the encoder in errors.
pub fn of_encoder(
    context: &Context,
    title: &str,
    train: &FeatureSet,
    test: &FeatureSet,
) -> Result<OfEncoder, RunError> {
    let what = |measure: &str| format!("{measure} of {title}");
    let set = rows(context, test);
    let (samples, train) = (Samples::from(&set), Samples::from(train));
    let before = context.pretrained()?;
    let agreement = defined(what("CKA"), cka(set.features(), before.features()))?;
    let k = context.suite.measures.knn_neighbours;
    let near = defined(what("k-NN"), knn(&train, &samples, k))?;
    let shape = defined(what("silhouette"), silhouette(&samples))?;
    let (logme, hscore) = evidence(&samples, title)?;
    Ok(OfEncoder {
        cka: agreement.and_then(|found| found.debiased),
        knn: near.map(|found| found.accuracy),
        silhouette: shape.map(|found| found.value),
        logme,
        hscore,
        samples: set.len(),
    })
}

/// LogME and H-score.
fn evidence(samples: &Samples<'_>, title: &str) -> Result<(Option<f64>, Option<f64>), RunError> {
    let logme = LogmeParams::new().check().and_then(|p| p.run(samples));
    let logme = defined(format!("LogME of {title}"), logme)?;
    let score = hscore(samples, Covariance::LedoitWolf);
    let score = defined(format!("H-score of {title}"), score)?;
    Ok((logme.map(|l| l.value), score.map(|h| h.value)))
}

/// The yardsticks of a target through the embedder that its transfer starts from and the
/// **pretrained** encoder and predictor, or what was found of the same before.
pub fn of_target(
    context: &Context,
    target: &Target,
    embedder: &Embedder,
    watch: &mut dyn Watch,
) -> Result<OfTarget, RunError> {
    let name = &target.spec.name;
    let record = format!("looks/{name}-yardsticks-{}.json", fingerprint(embedder));
    let origin = context.origins.both(context.suite, target.spec);
    if let Some(found) = context.recall(&record, &origin) {
        return Ok(found);
    }
    watch.begin(&format!("other yardsticks: {}", target.spec.title), 1);
    let found = measure(context, target, embedder)?;
    context.keep(&record, origin, &found)?;
    watch.end();
    Ok(found)
}

fn measure(context: &Context, target: &Target, embedder: &Embedder) -> Result<OfTarget, RunError> {
    let title = &target.spec.title;
    let what = |measure: &str| format!("{measure} of {title}");
    let network = &context.source.model.network;
    let set = part(context, &target.data.test);
    let features = extract::rows(embedder, &network.encoder, set.clone(), context.device)?;
    let gap = modality_gap(context.pretrained()?.features(), features.view());
    let mut found = OfTarget {
        gap: defined(what("modality gap"), gap)?.map(|gap| gap.norm),
        samples: set.len(),
        ..OfTarget::default()
    };
    if set.truth() != Truth::Class {
        let has = set.truth().name();
        found.undefined = Some(format!(
            "LEEP, NCE, LogME, H-score, OTDD: the target has {has}"
        ));
        return Ok(found);
    }
    let (labels, classes) = (crate::dataset::labels(set.as_ref()), set.classes().len());
    let samples = Samples::new(features.view(), &labels, classes).map_err(named(what("LogME")))?;
    (found.logme, found.hscore) = evidence(&samples, title)?;
    if context.source.labels.is_empty() {
        found.undefined = Some("LEEP, NCE: the source model has no classifier".into());
    } else {
        let mut network = network.clone();
        network.embedder = embedder.clone();
        let p = extract::probabilities(&network, set.clone(), context.device)?;
        found.leep = defined(what("LEEP"), leep(p.view(), &labels, classes))?.map(|l| l.value);
        let pairs = hard_labels(p.view()).and_then(|hard| nce(&hard, &labels));
        found.nce = defined(what("NCE"), pairs)?.map(|n| n.value);
    }
    let most = context.suite.measures.otdd_samples;
    let settings = TransportSettings {
        source_samples: most,
        ..orca::METHOD.read_settings(&context.suite.transfer)?
    };
    let seed = context.suite.data_seed;
    let from = Distance::new(
        &network.embedder,
        context.source_set.clone(),
        &settings,
        seed,
    )?;
    let to = subset::cap(target.data.test.clone(), most, seed);
    let transport = from.to(embedder, to)?;
    found.otdd = Some(transport.value);
    found.otdd_converged = Some(transport.converged);
    found.otdd_samples = Some(transport.samples);
    Ok(found)
}

/// Debiased linear CKA `[E][E]` of every encoder's features with every other's, of the same samples.
pub fn agreements(sets: &[&FeatureSet]) -> Result<Vec<Vec<Option<f64>>>, RunError> {
    let mut all = vec![vec![None; sets.len()]; sets.len()];
    for (i, x) in sets.iter().enumerate() {
        for (j, y) in sets.iter().enumerate().skip(i) {
            let found = defined(
                "CKA of two encoders".into(),
                cka(x.features(), y.features()),
            )?;
            all[i][j] = found.and_then(|cka| cka.debiased);
            all[j][i] = all[i][j];
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn features(of: impl Fn(usize, usize) -> f32) -> FeatureSet {
        let labels = (0..12).map(|i| i % 3).collect();
        FeatureSet::unnamed(Array2::from_shape_fn((12, 3), |(i, j)| of(i, j)), labels).unwrap()
    }

    #[test]
    fn agreement_is_symmetric_whole_with_itself_and_absent_without_variance() {
        let a = features(|i, j| ((i * 7 + j * 5) % 11) as f32);
        let b = features(|i, j| ((i * i + 3 * j) % 7) as f32);
        let constant = features(|_, j| j as f32);
        let found = agreements(&[&a, &b, &constant]).unwrap();
        let whole = |i: usize| (found[i][i].expect("defined") - 1.0).abs() < 1e-12;
        assert!(whole(0) && whole(1), "{found:?}");
        let between = found[0][1].expect("defined");
        assert!(between < 0.9 && found[1][0] == Some(between), "{found:?}");
        assert!(found[2].iter().all(Option::is_none) && found[0][2].is_none());
    }

    #[test]
    fn a_measure_without_a_value_is_absent_and_a_fault_is_told() {
        let one = |error| defined("k-NN of X".into(), Err::<f64, _>(error));
        let few = MeasureError::at_least("training samples", 10, 3).unwrap_err();
        assert!(matches!(one(few), Ok(None)));
        let fault = one(MeasureError::parameter("k", "at least 1", 0)).unwrap_err();
        assert!(fault.to_string().contains("k-NN of X"), "{fault}");
        let shape = silhouette(&Samples::from(&features(|i, j| (i + j) as f32)));
        assert!(defined("silhouette".into(), shape).unwrap().is_some());
    }
}
