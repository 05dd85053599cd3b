//! The measures of a run: every encoder's view of the surrogate, and the discrepancy of every
//! target, each written to its table.

use super::error::RunError;
use super::pipeline::{Context, Encoder, Target};
use super::table::{Table, row};
use super::watch::Watch;
use crate::dataset::Dataset;
use crate::feature::{FeatureSet, extract};
use crate::manifest::suite::Measures;
use crate::measure::MeasureError;
use crate::measure::discrepancy::{DiscrepancyParams, Divergence, Target as Labels, discrepancy};
use crate::measure::geometry::geometry;
use crate::measure::probe::{ProbeParams, ProbeReport};
use crate::measure::samples::Samples;
use crate::measure::tsne::TsneParams;
use crate::model::Embedder;
use crate::model::Encoder as ModelEncoder;
use std::sync::Arc;

/// Surrogate features under one encoder.
pub struct View {
    /// For fitting probes.
    pub train: FeatureSet,
    /// For choosing C.
    pub valid: FeatureSet,
    /// For every number that is reported.
    pub test: FeatureSet,
}

fn named(what: String) -> impl Fn(MeasureError) -> RunError {
    move |source| RunError::Measure {
        what: what.clone(),
        source,
    }
}

/// Columns of `probe.csv`.
pub const PROBE: &[&str] = &[
    "encoder",
    "encoder_title",
    "method",
    "seed",
    "epochs",
    "error",
    "lower",
    "upper",
    "c",
    "n_train",
    "n_test",
];

/// Linear probe of one encoder; C is chosen on the validation part.
pub fn probe(
    encoder: &Encoder,
    view: &View,
    measures: &Measures,
    table: &mut Table,
) -> Result<ProbeReport, RunError> {
    let wrong = named(format!("linear probe of {}", encoder.title));
    let params = ProbeParams::new()
        .sweep(measures.probe_c.clone())
        .standardize(measures.probe_standardize)
        .iterations(measures.probe_iterations)
        .check()
        .map_err(&wrong)?;
    let (train, valid, test) = (
        Samples::from(&view.train),
        Samples::from(&view.valid),
        Samples::from(&view.test),
    );
    let report = params.run(&train, Some(&valid), &test).map_err(&wrong)?;
    table.push(row![
        &encoder.id,
        &encoder.title,
        &encoder.method,
        encoder.seed,
        encoder.epochs,
        report.error,
        report.interval[0],
        report.interval[1],
        report.c,
        view.train.len(),
        view.test.len(),
    ]);
    Ok(report)
}

/// Columns of `geometry.csv`.
pub const GEOMETRY: &[&str] = &[
    "encoder",
    "encoder_title",
    "method",
    "seed",
    "epochs",
    "align",
    "uniform",
];

/// Alignment and uniformity of the surrogate's test features.
pub fn shape(encoder: &Encoder, view: &View, table: &mut Table) -> Result<(), RunError> {
    let found = geometry(&Samples::from(&view.test))
        .map_err(named(format!("geometry of {}", encoder.title)))?;
    // A set without a pair of one class has no alignment; the table has no row for it.
    if let Some(align) = found.align {
        table.push(row![
            &encoder.id,
            &encoder.title,
            &encoder.method,
            encoder.seed,
            encoder.epochs,
            align,
            found.uniform,
        ]);
    }
    Ok(())
}

/// Columns of `tsne.csv`.
pub const TSNE: &[&str] = &[
    "encoder",
    "encoder_title",
    "x",
    "y",
    "label",
    "class_name",
    "kl",
    "trustworthiness",
];

/// t-SNE map of a balanced part of the surrogate's test features.
pub fn map(
    encoder: &Encoder,
    view: &View,
    measures: &Measures,
    table: &mut Table,
) -> Result<(), RunError> {
    let wrong = named(format!("t-SNE of {}", encoder.title));
    let rows = crate::dataset::balanced_indices(
        view.test.labels(),
        if measures.tsne_points == 0 {
            view.test.len()
        } else {
            measures.tsne_points
        },
        measures.tsne_seed,
    );
    let Some(part) = view.test.select(&rows) else {
        return Ok(());
    };
    // A set too small for the perplexity asked for gets the largest that it can carry.
    let largest = (part.len().saturating_sub(2) as f64 / 3.0).floor().max(1.0);
    let map = TsneParams::new()
        .perplexity(measures.tsne_perplexity.min(largest))
        .iterations(measures.tsne_iterations)
        .seed(measures.tsne_seed)
        .check()
        .map_err(&wrong)?
        .run(part.features())
        .map_err(&wrong)?;
    for (point, &label) in map.embedding.rows().into_iter().zip(part.labels()) {
        table.push(row![
            &encoder.id,
            &encoder.title,
            point[0],
            point[1],
            label,
            &part.class_names()[label],
            map.kl,
            map.trustworthiness,
        ]);
    }
    Ok(())
}

/// Columns of `discrepancy.csv`.
pub const DISCREPANCY: &[&str] = &[
    "target",
    "target_title",
    "divergence",
    "embedder",
    "value",
    "lower",
    "upper",
    "null_mean",
    "null_lower",
    "null_upper",
    "chance",
    "normalized",
    "lower_bound",
    "gap",
    "certified",
    "n",
    "target_classes",
    "source_classes",
];

/// Columns of `pairs.csv`.
pub const PAIRS: &[&str] = &[
    "target",
    "target_title",
    "target_class",
    "source_class",
    "probability",
    "samples",
];

/// D(Ms, Mt) of one target: source probabilities of its test samples through an embedder of the
/// target and the **pretrained** encoder and predictor.
///
/// With `pairs`, the matched classes are written too.
pub fn distance(
    context: &Context,
    target: &Target,
    (embedder_name, embedder): (&str, &Embedder),
    table: &mut Table,
    pairs: Option<&mut Table>,
    watch: &mut dyn Watch,
) -> Result<(), RunError> {
    let (source, measures) = (context.source, &context.suite.measures);
    watch.begin(
        &format!("D(Ms, Mt): {} ({})", target.spec.title, embedder_name),
        1,
    );
    let wrong = named(format!("discrepancy of {}", target.spec.title));
    let mut network = source.model.network.clone();
    network.embedder = embedder.clone();
    let probabilities = extract::probabilities(&network, target.data.test.clone(), context.device)?;
    let labels = crate::dataset::labels(target.data.test.as_ref());
    let classes = target.data.test.classes();
    let params = DiscrepancyParams::new()
        .divergence(Divergence::Error)
        .holdout(measures.discrepancy_holdout)
        .null(measures.discrepancy_null)
        .bootstrap(measures.discrepancy_bootstrap)
        .seed(measures.discrepancy_seed)
        .check()
        .map_err(&wrong)?;
    let goal = Labels::Labels {
        labels: &labels,
        classes: classes.len(),
    };
    let found = discrepancy(probabilities.view(), goal, &params).map_err(&wrong)?;
    let bounds = |interval: Option<[f64; 2]>, end: usize| interval.map(|i| i[end]);
    table.push(row![
        &target.spec.name,
        &target.spec.title,
        found.divergence.name(),
        embedder_name,
        found.value,
        bounds(found.interval, 0),
        bounds(found.interval, 1),
        found.null_mean,
        bounds(found.null_interval, 0),
        bounds(found.null_interval, 1),
        found.chance,
        found.normalized,
        found.lower_bound,
        found.gap,
        found.certified,
        found.samples,
        classes.len(),
        source.labels.len(),
    ]);
    if let Some(pairs) = pairs {
        for (class, &column) in found.assignment.iter().enumerate() {
            let Some(column) = column else { continue };
            let rows: Vec<f64> = labels
                .iter()
                .enumerate()
                .filter(|(_, l)| **l == class)
                .map(|(i, _)| f64::from(probabilities[[i, column]]))
                .collect();
            let mean = rows.iter().sum::<f64>() / rows.len().max(1) as f64;
            pairs.push(row![
                &target.spec.name,
                &target.spec.title,
                &classes[class],
                &source.labels[column],
                mean,
                rows.len(),
            ]);
        }
    }
    watch.end();
    Ok(())
}

/// Surrogate features under an encoder, always through the source embedder.
pub fn view(context: &Context, encoder: &ModelEncoder) -> Result<View, RunError> {
    let embedder = &context.source.model.network.embedder;
    let features =
        |set: &Arc<dyn Dataset>| extract::features(embedder, encoder, set.clone(), context.device);
    Ok(View {
        train: features(&context.surrogate.train)?,
        valid: features(&context.surrogate.valid)?,
        test: features(&context.surrogate.test)?,
    })
}
