//! Evaluations of a run: every measure of an encoder, of the surrogate's features under it. A run evaluates
//! hundreds of encoders, many of them the same (before the first epoch every method still has the pretrained one),
//! so an evaluation is kept by the hash of the encoder's parameters and never made twice. One that lacks a
//! measure of [`encoder::ALL`] is completed.

use super::error::{RunError, named};
use super::prepare::Context;
use super::progress::{Progress, check_interrupt};
use crate::dataset::{self, Dataset};
use crate::evaluate::{self, Evaluation, Fault, Marks, Measured, Probe, Values};
use crate::feature::{FeatureSet, extract};
use crate::files::checksum;
use crate::measure::encoder::zero_shot::Texts;
use crate::measure::encoder::{self, Extent, Input, Learner, Measure, Noise};
use crate::measure::probe::{PROBE_ERROR, ProbeParams, ValidProbeParams};
use crate::measure::{MeasureError, Samples};
use crate::model::Encoder;
use crate::model::state::state;
use crate::suite::definition::Measures;
use burn::module::Module;
use ndarray::Array2;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Surrogate features under one encoder, split as the surrogate is.
pub struct SplitFeatures {
    /// For fitting probes.
    pub train: FeatureSet,
    /// For choosing C.
    pub valid: FeatureSet,
    /// For every number that is reported.
    pub test: FeatureSet,
}

/// SHA-256 of a module's parameters, names included.
pub fn fingerprint(module: &impl Module) -> String {
    let mut hash = Sha256::new();
    for (path, data) in state(module) {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(data.as_bytes());
    }
    checksum::hex(&hash.finalize())
}

/// What a run evaluates: it gives images features.
pub trait Subject {
    /// SHA-256 of all that decides them.
    fn fingerprint(&self) -> String;

    /// Features of one part of the surrogate.
    ///
    /// # Errors
    /// Those of reading a sample.
    fn features(&self, context: &Context, set: &Arc<dyn Dataset>) -> Result<FeatureSet, RunError>;

    /// Where it has texts of its own for the surrogate's classes: its vectors of a part in the space of those texts, and
    /// the texts. Without, the source's texts see the features.
    ///
    /// # Errors
    /// Those of reading a sample, and vectors without a direction.
    fn beside_texts(
        &self,
        _context: &Context,
        _set: &Arc<dyn Dataset>,
    ) -> Result<Option<(FeatureSet, Texts)>, RunError> {
        Ok(None)
    }
}

/// An encoder sees images always through the source embedder.
impl Subject for Encoder {
    fn fingerprint(&self) -> String {
        fingerprint(self)
    }

    fn features(&self, context: &Context, set: &Arc<dyn Dataset>) -> Result<FeatureSet, RunError> {
        let embedder = &context.source.model.network.embedder;
        Ok(extract::features(
            embedder,
            self,
            set.clone(),
            context.device,
        )?)
    }
}

/// Surrogate features of a subject.
pub fn split_features(context: &Context, subject: &dyn Subject) -> Result<SplitFeatures, RunError> {
    Ok(SplitFeatures {
        train: subject.features(context, &context.surrogate.train)?,
        valid: subject.features(context, &context.surrogate.valid)?,
        test: subject.features(context, &context.surrogate.test)?,
    })
}

/// Evaluates raw pixels, without any encoder: what a probe says of them.
pub fn pixels(context: &Context, progress: &mut dyn Progress) -> Result<Evaluation, RunError> {
    let title = "raw pixels";
    let record = "evaluations/pixels.json";
    let origin = context.origins.surrogate(context.suite);
    let before: Option<Evaluation> = context.recall(record, &origin);
    if let Some(mut found) = before {
        add_rates(context, title, &mut found)?;
        return Ok(found);
    }
    progress.begin("raw pixels: linear probe", 1);
    let split = SplitFeatures {
        train: extract::pixels(context.surrogate.train.clone())?,
        valid: extract::pixels(context.surrogate.valid.clone())?,
        test: extract::pixels(context.surrogate.test.clone())?,
    };
    let mut found = probe(title, &split, &context.suite.measures)?;
    add_rates(context, title, &mut found)?;
    check_interrupt(progress.step(1, 1))?;
    context.keep(record, origin, &found)?;
    progress.end();
    Ok(found)
}

/// Probe error of an encoder on the surrogate's validation part, by which settings are chosen: the probe is
/// fitted on the training part, and C is the best for the validation part. No test sample is read.
pub fn valid_error(
    context: &Context,
    title: &str,
    subject: &dyn Subject,
    progress: &mut dyn Progress,
) -> Result<f64, RunError> {
    progress.begin(&format!("validation part through {title}"), 1);
    let train = subject.features(context, &context.surrogate.train)?;
    let valid = subject.features(context, &context.surrogate.valid)?;
    let (train, valid) = (Samples::from(&train), Samples::from(&valid));
    let fault = named(format!("linear probe of {title}"));
    let params = params(&context.suite.measures).map_err(&fault)?;
    let found = params.run(&train, Some(&valid), &valid).map_err(&fault)?;
    check_interrupt(progress.step(1, 1))?;
    progress.end();
    Ok(found.error)
}

/// Evaluates an encoder, or recalls an earlier evaluation of the same one and takes what it lacks.
pub fn evaluate(
    context: &Context,
    title: &str,
    subject: &dyn Subject,
    progress: &mut dyn Progress,
) -> Result<Evaluation, RunError> {
    let record = format!("evaluations/{}.json", subject.fingerprint());
    let origin = context.origins.surrogate(context.suite);
    let before: Option<Evaluation> = context.recall(&record, &origin);
    let steps = 2;
    let found = match before {
        Some(mut found) => {
            add_rates(context, title, &mut found)?;
            let missing = missing(&found.values, context.texts.is_some());
            if missing.is_empty() {
                return Ok(found);
            }
            progress.begin(&format!("surrogate through {title}"), steps);
            let train = subject.features(context, &context.surrogate.train)?;
            // All test samples only where a measure that is missing sees all of them.
            let all = missing.iter().any(|m| m.in_run == Extent::All);
            let test = if all {
                context.surrogate.test.clone()
            } else {
                context.part(&context.surrogate.test)
            };
            let test = subject.features(context, &test)?;
            check_interrupt(progress.step(1, steps))?;
            add(
                context,
                (title, subject),
                &missing,
                (&train, &test),
                &mut found,
            )?;
            found
        }
        None => {
            progress.begin(&format!("surrogate through {title}"), steps);
            let split = split_features(context, subject)?;
            check_interrupt(progress.step(1, steps))?;
            let mut found = probe(title, &split, &context.suite.measures)?;
            add_rates(context, title, &mut found)?;
            let missing = missing(&found.values, context.texts.is_some());
            let features = (&split.train, &split.test);
            add(context, (title, subject), &missing, features, &mut found)?;
            found
        }
    };
    context.keep(&record, origin, &found)?;
    progress.end();
    Ok(found)
}

/// The measures that an evaluation lacks; `texts` says whether the source model has texts for the classes.
pub(super) fn missing(values: &Values, texts: bool) -> Vec<&'static Measure> {
    let of_texts = encoder::OF_TEXTS.iter().filter(|_| texts);
    let all = encoder::ALL.iter().chain(of_texts);
    all.filter(|measure| values.get(&measure.about).is_none())
        .collect()
}

/// Whether a measure needs the probe's predictions and labels, but no features.
fn of_predictions(measure: &Measure) -> bool {
    matches!(measure.noise, Noise::Predictions(Learner::Probe, _))
}

/// Whether a measure sets images against texts of their classes.
fn is_of_texts(measure: &Measure) -> bool {
    encoder::OF_TEXTS
        .iter()
        .any(|of| of.about.name == measure.about.name)
}

/// Names the encoder in a fault.
fn of(title: &str) -> impl Fn(Fault) -> RunError {
    move |fault| named(format!("{} of {title}", fault.measure))(fault.source)
}

/// Takes the measures of the probe's predictions that an evaluation lacks.
fn add_rates(context: &Context, title: &str, found: &mut Evaluation) -> Result<(), RunError> {
    let mut missing = missing(&found.values, false);
    missing.retain(|measure| of_predictions(measure));
    if missing.is_empty() {
        return Ok(());
    }
    let test = context.surrogate.test.as_ref();
    let labels = dataset::labels(test);
    let none = Array2::zeros((labels.len(), 0));
    let samples = Samples::new(none.view(), &labels, test.classes().len());
    let samples = samples.map_err(named(format!("linear probe of {title}")))?;
    let wrong = found.probe.wrong.bits();
    let input = Input::new(samples, samples).mistakes(&wrong);
    let input = input.map_err(named(format!("linear probe of {title}")))?;
    let values = evaluate::encoder::values(missing, &input).map_err(of(title))?;
    found.values.extend(values);
    Ok(())
}

/// Takes the measures `wanted` of surrogate features, training and test (all, or the part of it that a run's
/// balanced measures see).
fn add(
    context: &Context,
    (title, subject): (&str, &dyn Subject),
    wanted: &[&'static Measure],
    (train, test): (&FeatureSet, &FeatureSet),
    found: &mut Evaluation,
) -> Result<(), RunError> {
    let part = context.rows(test);
    let train = Samples::from(train);
    let (of_texts, wanted): (Vec<&Measure>, Vec<&Measure>) = wanted
        .iter()
        .copied()
        .partition(|measure| is_of_texts(measure));
    if !of_texts.is_empty() {
        let own = subject.beside_texts(context, &context.surrogate.test)?;
        let values = match (&own, context.texts) {
            (Some((vectors, texts)), _) => {
                let samples = Samples::from(vectors);
                let input = Input::new(samples, samples).texts_of(texts);
                evaluate::encoder::values(of_texts, &input)
            }
            (None, Some(texts)) => {
                let input = Input::new(train, Samples::from(test)).texts_of(texts);
                evaluate::encoder::values(of_texts, &input)
            }
            (None, None) => Ok(Values::default()),
        };
        found.values.extend(values.map_err(of(title))?);
    }
    for (extent, set) in [(Extent::All, test), (Extent::Balanced, &part)] {
        let mut input = Input::new(train, Samples::from(set));
        input = input.neighbours(context.suite.measures.knn_neighbours);
        if extent == Extent::Balanced {
            // The reference is known of this part alone.
            input = input.reference(context.pretrained()?.features());
        }
        let own = wanted.iter().copied();
        let own = own.filter(|measure| measure.in_run == extent);
        let values = evaluate::encoder::values(own, &input).map_err(of(title))?;
        found.values.extend(values);
    }
    Ok(())
}

/// The probe as the suite asks for it.
fn params(measures: &Measures) -> Result<ValidProbeParams, MeasureError> {
    ProbeParams::new()
        .sweep(measures.probe_c.clone())
        .standardize(measures.probe_standardize)
        .iterations(measures.probe_iterations)
        .check()
}

/// Fits and tests the probe.
fn probe(title: &str, split: &SplitFeatures, measures: &Measures) -> Result<Evaluation, RunError> {
    let fault = named(format!("linear probe of {title}"));
    let params = params(measures).map_err(&fault)?;
    let (train, valid, test) = (
        Samples::from(&split.train),
        Samples::from(&split.valid),
        Samples::from(&split.test),
    );
    let probe = params.run(&train, Some(&valid), &test).map_err(&fault)?;
    let pairs = probe.predictions.iter().zip(split.test.labels());
    let wrong: Vec<bool> = pairs.map(|(found, truth)| found != truth).collect();
    let mut values = Values::default();
    let error = Measured {
        value: Some(probe.error),
        interval: Some(probe.interval),
        samples: split.test.len(),
        note: None,
    };
    values.insert(&PROBE_ERROR.about, error);
    Ok(Evaluation {
        values,
        probe: Probe {
            c: probe.c,
            converged: probe.converged,
            n_train: split.train.len(),
            wrong: Marks::new(&wrong),
        },
    })
}
