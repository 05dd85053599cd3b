//! Transferability scores of a run: every score of a target as its transfer starts, kept by the hash of the
//! embedder that it goes through, and completed where the list of scores has grown.

use super::error::{RunError, named};
use super::evaluation::fingerprint;
use super::prepare::{Context, Target};
use super::progress::Progress;
use crate::dataset::{self, TargetShape, subset};
use crate::evaluate::target::score;
use crate::evaluate::{Fault, Scores, Values, defined};
use crate::feature::{FeatureSet, extract};
use crate::measure::Samples;
use crate::measure::encoder::cka::{CKA, cka};
use crate::measure::transferability::{ALL, Input, Need, Score};
use crate::model::Embedder;
use crate::transfer::methods::orca;
use crate::transfer::methods::orca::TransportSettings;
use crate::transfer::objectives::transport::{embedded, otdd_params};

/// The scores of a target through the embedder that its transfer starts from and the
/// **pretrained** encoder and predictor, or what was found of the same before.
pub fn scores(
    context: &Context,
    target: &Target,
    embedder: &Embedder,
    progress: &mut dyn Progress,
) -> Result<Values, RunError> {
    let name = &target.spec.name;
    let record = format!("evaluations/{name}-scores-{}.json", fingerprint(embedder));
    let origin = context.origins.both(context.suite, target.spec);
    let mut found: Scores = context.recall(&record, &origin).unwrap_or_default();
    let lacking = |score: &&Score| found.values.get(&score.about).is_none();
    let missing: Vec<&Score> = ALL.iter().filter(lacking).collect();
    if missing.is_empty() {
        return Ok(found.values);
    }
    progress.begin(&format!("transferability scores: {}", target.spec.title), 1);
    found
        .values
        .extend(take(context, target, embedder, &missing)?);
    context.keep(&record, origin, &found)?;
    progress.end();
    Ok(found.values)
}

/// Takes scores of the balanced part of a target's test samples.
fn take(
    context: &Context,
    target: &Target,
    embedder: &Embedder,
    missing: &[&'static Score],
) -> Result<Values, RunError> {
    let title = &target.spec.title;
    let fault = |fault: Fault| named(format!("{} of {title}", fault.measure))(fault.source);
    let network = &context.source.model.network;
    let set = context.part(&target.data.test);
    let features = extract::rows(embedder, &network.encoder, set.clone(), context.device)?;
    let mut lacks = Vec::new();
    let mut input = Input {
        features: Some(features.view()),
        source: Some(context.pretrained()?.features()),
        ..Input::default()
    };
    if set.target_shape() != TargetShape::Class {
        let has = format!("the target has {}", set.target_shape().name());
        lacks.push((Need::Labels, has));
        return score(missing.iter().copied(), &input, set.len(), &lacks).map_err(fault);
    }
    let (labels, classes) = (dataset::labels(set.as_ref()), set.classes().len());
    let labelled = Samples::new(features.view(), &labels, classes);
    input.labelled = Some(labelled.map_err(named(format!("features of {title}")))?);
    let probabilities;
    if context.source.labels.is_empty() {
        let why = "the source model has no classifier".into();
        lacks.push((Need::Classifier, why));
    } else {
        let mut network = network.clone();
        network.embedder = embedder.clone();
        probabilities = extract::probabilities(&network, set.clone(), context.device)?;
        input.probabilities = Some(probabilities.view());
    }
    let most = context.suite.measures.otdd_samples;
    let settings = TransportSettings {
        source_samples: most,
        ..orca::METHOD.read_settings(&context.suite.transfer)?
    };
    let seed = context.suite.data_seed;
    input.otdd = Some(otdd_params(&settings, seed)?);
    let whole = named(format!("embedded samples of {title}"));
    let from = subset::cap(context.source_set.clone(), most, seed);
    let (from_rows, from_labels) = embedded(&network.embedder, from.clone())?;
    let from = Samples::new(from_rows.view(), &from_labels, from.classes().len());
    let to = subset::cap(target.data.test.clone(), most, seed);
    let (to_rows, to_labels) = embedded(embedder, to.clone())?;
    let to = Samples::new(to_rows.view(), &to_labels, to.classes().len());
    input.embedded = Some([from.map_err(&whole)?, to.map_err(&whole)?]);
    score(missing.iter().copied(), &input, set.len(), &lacks).map_err(fault)
}

/// Debiased linear CKA `[E][E]` of every encoder's features with every other's, of the same samples; `None`
/// where it is not defined.
pub fn agreements(sets: &[&FeatureSet]) -> Result<Vec<Vec<Option<f64>>>, RunError> {
    let mut all = vec![vec![None; sets.len()]; sets.len()];
    for (i, x) in sets.iter().enumerate() {
        for (j, y) in sets.iter().enumerate().skip(i) {
            let found = defined(CKA.about.title, cka(x.features(), y.features()));
            let found = found.map_err(|fault| named("CKA of two encoders".into())(fault.source))?;
            let value = found.ok().and_then(|found| found.debiased);
            (all[i][j], all[j][i]) = (value, value);
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
}
