//! The main job: fine-tune on every target by every method, evaluate every encoder on the
//! surrogate, score every target, compare, and write the tables. Drawing and reporting come after, from the
//! tables alone.

use super::cell::{self, Cell, Trained};
use super::choice::Trial;
use super::classes;
use super::compare::{Before, Measured, Units};
use super::distance::{Stage, distance};
use super::error::{RunError, named};
use super::evaluation::{self, SplitFeatures};
use super::failure;
use super::folder::RunFolder;
use super::interpolation;
use super::job::{Job, JobState};
use super::measures;
use super::orderings::plain;
use super::plan::Plan;
use super::prepare::{Context, Request, prepare};
use super::progress::{Progress, check_interrupt};
use super::record;
use super::samples;
use super::scores::{self, scores};
use super::stale;
use super::tables::{Encoder, Tables};
use super::towers;
use super::tuning;
use crate::dataset::groups;
use crate::evaluate::target::of_another_encoder;
use crate::feature::{FeatureSet, file};
use crate::measure::transferability;
use crate::measure::tsne::{TsneParams, common_start};
use crate::suite::definition::{Measures, Suite};
use crate::table::TsneRow;
use crate::table::record::InputRecord;
use crate::transfer::methods::PLAIN;
use ndarray::Array2;
use std::collections::BTreeMap;
use std::time::Instant;

/// Runs a suite in a run folder, continuing what is there; with `collect` nothing is trained, and what is not there is
/// left out. Cells that fail are left out of the tables and given with the reason.
pub fn run(
    suite: &Suite,
    request: &Request,
    folder: &RunFolder,
    collect: bool,
    progress: &mut dyn Progress,
) -> Result<Vec<String>, RunError> {
    let plan = Plan::of(suite)?;
    let prepared = prepare(suite, request, progress)?;
    tuning::check(&plan, &prepared)?;
    let (source, targets) = (&prepared.source, &prepared.targets);
    let refreshed = stale::check(folder, &prepared.origins, &prepared.inputs, request.refresh)?;
    let begun = Instant::now();
    let mut record = record::start(suite, request, source);
    record.source.preprocess = Some(prepared.preprocess.clone());
    let settings = ("config.toml".to_owned(), folder.sha256("config.toml")?);
    let inputs = [settings]
        .into_iter()
        .chain(prepared.inputs.iter().cloned());
    record.inputs = inputs
        .map(|(name, sha256)| InputRecord { name, sha256 })
        .collect();
    folder.write_json("run.json", &record)?;
    let context = prepared.context(suite, request, folder);
    let mut tables = Tables::default();
    tables.notes.extend(prepared.notes.iter().cloned());
    if refreshed > 0 {
        tables.notes.push(format!(
            "{refreshed} earlier results of this run had been made from other files than are there now; they were made anew."
        ));
    }
    samples::of_surrogate(&context, &prepared.original, &mut tables.samples)?;
    for target in targets {
        samples::of_target(&context, target.spec, &target.original, &mut tables.samples)?;
    }
    let pixels = evaluation::pixels(&context, progress)?;
    tables.evaluation(&Encoder::reference("pixels", "Raw pixels"), &pixels);
    let pretrained = Encoder::reference("pretrained", "Pretrained");
    let encoder = &source.model.network.encoder;
    let found = evaluation::evaluate(&context, &pretrained.title, encoder, progress)?;
    tables.evaluation(&pretrained, &found);
    let before = found;
    let split = evaluation::split_features(&context, encoder)?;
    let mut first = None;
    map(
        &context,
        &pretrained,
        &split,
        &mut first,
        &mut tables,
        progress,
    )?;
    let mut seen = vec![(pretrained.clone(), context.rows(&split.test))];
    let (mut wrong, mut missed) = (BTreeMap::new(), BTreeMap::new());
    for target in targets {
        if let Some(why) = &target.undefined {
            let note = format!("D(Ms, Mt) of {}: not defined, {why}.", target.spec.title);
            tables.notes.push(note);
        }
        if let Some([.., test]) = &target.captions {
            let found = towers::untouched(&context, target, test, progress)?;
            tables.retrieved(target.spec, None, &found);
            missed.insert(&target.spec.name, found.missed);
            continue;
        }
        if let Some(named) = &target.named {
            let before = classes::untouched(&context, target, named, progress)?;
            tables.by_texts(target.spec, None, &before.found, named.parts[2].len());
            wrong.insert(&target.spec.name, before.wrong.bits());
        }
        if target.sequence.is_some() {
            let none = of_another_encoder(transferability::ALL);
            tables.transferability(&pretrained, target, &none);
            continue;
        }
        let start = source.model.for_target(
            &target.of_model(&suite.transfer, PLAIN),
            suite.transfer.seeds[0],
        )?;
        let embedder = &start.network.embedder;
        let found = scores(&context, target, embedder, progress)?;
        tables.transferability(&pretrained, target, &found);
        if target.undefined.is_some() {
            continue;
        }
        let found = distance(&context, target, Stage::Initial, embedder, progress)?;
        tables.distance(target, Stage::Initial, &found, source.labels.len());
        tables.pairs(target, &found, &source.labels);
    }
    if !collect {
        tuning::try_all(&context, &plan, targets, progress)?;
    }
    let (mut reused, mut collected) = (0, 0);
    let (mut failed, mut missing) = (Vec::new(), Vec::new());
    for (spec, why) in &prepared.unread {
        for planned in plan.cells(spec, &mut |_| Trial::Open) {
            // What was trained before stays so.
            if planned.cell.outcome(folder).is_none() {
                planned.cell.fail_for(folder, why.clone())?;
            }
        }
        progress.skip(&format!("{}: failed: {why}", spec.title));
        failed.push(format!("{}: {why}", spec.title));
    }
    let of_source = groups(prepared.surrogate.test.as_ref());
    let mut not_defined = failure::notes(suite);
    for target in targets {
        let mut all = Vec::new();
        for slot in plan.slots(target.spec) {
            if collect {
                let job = Job::of(target.spec, slot);
                let state = job.state(&plan, folder.root());
                if state != JobState::Done {
                    missing.push(job.name());
                    if state == JobState::Failed {
                        let cell = job.cell(&plan, folder.root());
                        let why = cell.and_then(|cell| cell.failure(folder));
                        failed
                            .extend(why.map(|failure| format!("{}: {}", job.name(), failure.why)));
                    }
                    continue;
                }
            }
            let cell = tuning::settle(&context, &plan, target, slot, progress)?;
            let trained = failure::on_device(&context, || {
                let trained = cell::run(&context, cell, target, progress)?;
                let found = measures::measure(&context, cell, target, &trained, progress)?;
                Ok((trained, found))
            });
            let (trained, measures) = match trained {
                Ok(found) => found,
                Err(RunError::Undefined { why, .. }) => {
                    let (target, method) = (&target.spec.title, cell.method.name);
                    not_defined.push(format!("{method} at {target}: not defined, {why}."));
                    continue;
                }
                Err(error) if failure::is_of_cell(&error) => {
                    let why = cell.fail(folder, &error)?.why;
                    progress.skip(&format!("{}: failed: {why}", cell.title()));
                    failed.push(format!("{}: {why}", cell.title()));
                    continue;
                }
                Err(other) => return Err(other),
            };
            let Trained {
                kept,
                outcome,
                before,
                ..
            } = trained;
            reused += usize::from(before);
            collected += 1;
            tables.cell(&cell, &outcome, &measures);
            let confused = measures
                .retrieved
                .iter()
                .flat_map(|found| &found.confusions);
            let confused: Vec<usize> = confused.map(|one| one.sample).collect();
            if !confused.is_empty() {
                let of = (target.spec, cell.method.name);
                let (original, rows) = (&target.original, &mut tables.samples);
                samples::of_confusions(&context, of, original, &confused, rows)?;
            }
            if is_shown(&cell, suite) {
                let encoder = Encoder::of(&cell, outcome.selected);
                let made = kept.made(&context, target)?;
                let split = evaluation::split_features(&context, made.subject(&context)?.as_ref())?;
                map(
                    &context,
                    &encoder,
                    &split,
                    &mut first,
                    &mut tables,
                    progress,
                )?;
                seen.push((encoder, context.rows(&split.test)));
                if let Some((stage, d)) = measures.stages.last() {
                    tables.distance(target, *stage, d, source.labels.len());
                }
            }
            all.push(Measured { outcome, measures });
            if !before {
                // An interrupted run shows what it has.
                tables.cells(&plan, folder);
                tables.write(folder)?;
            }
        }
        let before = Before {
            evaluation: target.sequence.is_none().then_some(&before),
            wrong: wrong.get(&target.spec.name).map(Vec::as_slice),
            missed: missed.get(&target.spec.name).map(Vec::as_slice),
        };
        let of_target = groups(target.data.test.as_ref());
        let units = Units {
            source: of_source.as_deref(),
            target: of_target.as_deref(),
        };
        let classes = prepared.surrogate.test.classes().len();
        tables.compare(suite, target.spec, &all, (before, classes), units)?;
    }
    agreements(&seen, &mut tables)?;
    let asked = &suite.measures;
    if !asked.interpolation.is_empty() && interpolation::methods(suite).is_empty() {
        tables.notes.push(format!(
            "No encoder was interpolated: none of {} is among the run's methods and starts from the source model.",
            asked.interpolation_methods.join(", ")
        ));
    }
    if reused > 0 {
        tables.notes.push(format!(
            "{reused} transfers had been trained by an earlier start of this run; the run's seconds do not count them."
        ));
    }
    if !missing.is_empty() {
        tables.notes.push(format!(
            "Collected while {} of {} transfers were not trained: {}.",
            missing.len(),
            missing.len() + collected,
            missing.join(", ")
        ));
    }
    not_defined.dedup();
    tables.notes.append(&mut not_defined);
    let told = failed.iter().map(|why| format!("Failed: {why}."));
    tables.notes.extend(told);
    let notes = tables.take_notes(suite);
    record::finish(&mut record, begun, suite, notes);
    if !missing.is_empty() {
        record.state = Some("collected".into());
    }
    tables.cells(&plan, folder);
    tables.write(folder)?;
    folder.write_json("run.json", &record)?;
    Ok(failed)
}

/// Whether the encoder of a cell is one of those that figure 2 shows, for which the report needs its features.
pub(super) fn is_shown(cell: &Cell, suite: &Suite) -> bool {
    let first_seed = cell.seed == suite.transfer.seeds[0];
    first_seed && cell.method == plain(suite) && cell.target.encoder.is_none()
}

/// CKA between the encoders that figure 2 shows.
fn agreements(seen: &[(Encoder, FeatureSet)], tables: &mut Tables) -> Result<(), RunError> {
    if seen.len() < 2 {
        return Ok(());
    }
    let sets: Vec<&FeatureSet> = seen.iter().map(|(_, set)| set).collect();
    for (row, (a, set)) in scores::agreements(&sets)?.iter().zip(seen) {
        for (value, (b, _)) in row.iter().zip(seen) {
            tables.agreement(a, b, *value, set.len());
        }
    }
    Ok(())
}

/// Settings of a map of so many samples.
pub(super) fn map_params(measures: &Measures, samples: usize) -> TsneParams {
    // A set too small for the perplexity asked for gets the largest that it can carry.
    let largest = (samples.saturating_sub(2) as f64 / 3.0).floor().max(1.0);
    TsneParams::new()
        .perplexity(measures.tsne_perplexity.min(largest))
        .iterations(measures.tsne_iterations)
        .seed(measures.tsne_seed)
}

/// Keeps the features of an encoder that figure 2 shows and adds the t-SNE map of a balanced part
/// of the surrogate's test samples. All maps start from the components of the encoder that comes
/// `first`, so that they can be compared by eye.
fn map(
    context: &Context,
    encoder: &Encoder,
    split: &SplitFeatures,
    first: &mut Option<Array2<f64>>,
    tables: &mut Tables,
    progress: &mut dyn Progress,
) -> Result<(), RunError> {
    let measures = &context.suite.measures;
    let seed = encoder
        .seed
        .map(|s| format!("-{}-{s}", encoder.method))
        .unwrap_or_default();
    progress.begin(&format!("t-SNE: {}", encoder.title), 1);
    for (part, set) in [("train", &split.train), ("test", &split.test)] {
        let name = format!("features/{}{seed}-{part}.safetensors", encoder.id);
        file::write(&context.folder.path(&name), set)?;
    }
    let wrong = named(format!("t-SNE of {}", encoder.title));
    let rows = samples::shown(context);
    let Some(part) = split.test.select(&rows) else {
        return Ok(());
    };
    let start = match first {
        Some(start) => start,
        None => first.insert(common_start(part.features()).map_err(&wrong)?),
    };
    let map = map_params(measures, part.len())
        .check()
        .map_err(&wrong)?
        .run_from(part.features(), Some(start.view()))
        .map_err(&wrong)?;
    let points = map.embedding.rows().into_iter().zip(part.labels());
    for ((point, &label), &sample) in points.zip(&rows) {
        tables.tsne.push(TsneRow {
            encoder: encoder.id.clone(),
            encoder_title: encoder.title.clone(),
            x: point[0],
            y: point[1],
            label: label as u64,
            class_name: part.class_names()[label].clone(),
            sample: Some(sample as u64),
            kl: Some(map.kl),
            trustworthiness: map.trustworthiness,
        });
    }
    check_interrupt(progress.step(1, 1))?;
    progress.end();
    Ok(())
}
