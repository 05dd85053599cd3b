//! Simulated fine-tuning beside the real one (`measures.simulated_steps`): what K steps from where stage 2 begins do to
//! alignment and uniformity of source features, and what the epochs of stage 2 did; and how well the one orders
//! the transfers of a target as the other does.
//!
//! Only methods whose stage 2 is plain fine-tuning are simulated, since that is what the steps stand for.

use super::cell::{self, Cell, Outcome};
use super::checkpoint::{EMBEDDER, ENCODER, PREDICTOR};
use super::error::RunError;
use super::measures::kept;
use super::prepare::{Context, Target};
use super::progress::Progress;
use crate::measure::stats::correlation::{Correlation, rank_correlation};
use crate::measure::stats::mean;
use crate::model::{Encoder, Model, Network};
use crate::table::simulation::{FINE_TUNING, START};
use crate::table::{ForesightRow, ProbeRow, SimulationRow, distinct};
use crate::transfer::methods::mona::InnerOptimiser;
use crate::transfer::objectives::simulated::{Simulated, Simulation, SourceLosses};
use serde::{Deserialize, Serialize};

/// Alignment + uniformity of source features along a transfer, one number a draw each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// As stage 2 begins.
    pub start: Vec<f64>,
    /// After simulated steps.
    pub simulated: Vec<Simulated>,
    /// After epochs of the fine-tuning.
    pub real: Vec<(usize, Vec<f64>)>,
}

/// The course of a cell, or what was found of it before; `None` where nothing is asked for or to be simulated.
pub fn course(
    context: &Context,
    cell: Cell,
    target: &Target,
    (model, outcome): (&Model, &Outcome),
    progress: &mut dyn Progress,
) -> Result<Option<Course>, RunError> {
    let measures = &context.suite.measures;
    let (steps, draws) = (&measures.simulated_steps, measures.simulated_draws);
    if steps.is_empty() || target.sequence.is_some() || !cell.method.fine_tunes_plainly() {
        return Ok(None);
    }
    let name = cell.name();
    let record = format!("{name}/simulated.json");
    let origin = context
        .origins
        .transfer(context.suite, cell.target, cell.method);
    let epochs = epochs(context, outcome);
    if let Some(found) = context.recall::<Course>(&record, &origin)
        && found.answers(steps, draws, &epochs)
    {
        return Ok(Some(found));
    }
    let built = target.of_model(&cell.variant.transfer, cell.method);
    let fresh = context.source.model.for_target(&built, cell.seed)?.network;
    let Some(start) = start(context, cell, fresh.clone())? else {
        return Ok(None);
    };
    progress.begin(&format!("simulated steps: {}", cell.title()), 1);
    let request = cell::request(context, cell, target, &built)?;
    let set = context.source_set.clone();
    let losses = SourceLosses::new(&request, set, draws, context.suite.data_seed)?;
    let mut real = Vec::new();
    for epoch in epochs {
        let encoder: Option<Encoder> = if epoch == outcome.selected {
            Some(model.network.encoder.clone())
        } else {
            kept(context, &name, epoch, ENCODER, fresh.encoder.clone())?
        };
        if let Some(encoder) = encoder {
            real.push((epoch, losses.of(&encoder)?));
        }
    }
    let found = Course {
        start: losses.of(&start.encoder)?,
        simulated: Simulation::new(&request, &losses).run(&start, steps)?,
        real,
    };
    context.keep(&record, origin, &found)?;
    progress.end();
    Ok(Some(found))
}

/// Epochs after which the fine-tuning is looked at.
fn epochs(context: &Context, outcome: &Outcome) -> Vec<usize> {
    let mut epochs = context.suite.measures.probe_epochs.clone();
    epochs.push(outcome.selected);
    epochs.retain(|epoch| (1..=outcome.course.len()).contains(epoch));
    epochs.sort_unstable();
    epochs.dedup();
    epochs
}

/// The network with which stage 2 began; `None` where an older version did not keep it whole.
fn start(context: &Context, cell: Cell, fresh: Network) -> Result<Option<Network>, RunError> {
    if !cell.method.has_stage1() {
        return Ok(Some(fresh));
    }
    let name = cell.name();
    let encoder = kept(context, &name, 0, ENCODER, fresh.encoder)?;
    let embedder = kept(context, &name, 0, EMBEDDER, fresh.embedder)?;
    let predictor = kept(context, &name, 0, PREDICTOR, fresh.predictor)?;
    let (Some(encoder), Some(embedder), Some(predictor)) = (encoder, embedder, predictor) else {
        return Ok(None);
    };
    Ok(Some(Network {
        embedder,
        encoder,
        predictor,
    }))
}

impl Course {
    /// Whether it holds what is asked for now.
    fn answers(&self, steps: &[usize], draws: usize, epochs: &[usize]) -> bool {
        let has = |steps: &usize| self.simulated.iter().any(|s| s.steps == *steps);
        let at = |epoch: &usize| self.real.iter().any(|(e, _)| e == epoch);
        self.start.len() == draws && steps.iter().all(has) && epochs.iter().all(at)
    }

    /// Its rows.
    pub fn rows(&self, cell: &Cell) -> Vec<SimulationRow> {
        let change = |losses: &[f64]| -> Vec<f64> {
            let pairs = losses.iter().zip(&self.start);
            pairs.map(|(loss, start)| loss - start).collect()
        };
        let row = |by: &str, length: usize, losses: &[f64]| SimulationRow {
            target: cell.target.name.clone(),
            target_title: cell.target.title.clone(),
            method: cell.method.name.into(),
            seed: cell.seed,
            by: by.into(),
            length: length as u64,
            loss: mean(losses),
            deviation: if by == START {
                deviation(losses)
            } else {
                deviation(&change(losses))
            },
            draws: losses.len() as u64,
        };
        let mut rows = vec![row(START, 0, &self.start)];
        let simulated = self.simulated.iter();
        rows.extend(simulated.map(|s| row(name(s.optimiser), s.steps, &s.losses)));
        let real = self.real.iter();
        rows.extend(real.map(|(epoch, losses)| row(FINE_TUNING, *epoch, losses)));
        rows
    }
}

/// Name of a kind of steps in tables.
fn name(optimiser: InnerOptimiser) -> &'static str {
    match optimiser {
        InnerOptimiser::Sgd => "sgd",
        InnerOptimiser::Adamw => "adamw",
    }
}

fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values);
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (values.len() > 1).then(|| (square / (values.len() - 1) as f64).sqrt())
}

/// How well every kind and number of simulated steps foresees every epoch, target by target, over the transfers
/// (methods and seeds) that were simulated.
pub fn foresight(rows: &[SimulationRow], probes: &[ProbeRow]) -> Vec<ForesightRow> {
    let mut all = Vec::new();
    for target in distinct(rows.iter().map(|row| &row.target)) {
        let here: Vec<&SimulationRow> = rows.iter().filter(|row| row.target == *target).collect();
        let is_step = |row: &&&SimulationRow| row.by != START && row.by != FINE_TUNING;
        let kinds = distinct(here.iter().filter(is_step).map(|row| (&row.by, row.length)));
        let real = here.iter().filter(|row| row.by == FINE_TUNING);
        let mut epochs = distinct(real.map(|row| row.length));
        epochs.sort_unstable();
        for (by, steps) in kinds {
            for &epochs in &epochs {
                all.extend(one(&here, (by, steps), epochs, probes));
            }
        }
    }
    all
}

/// One kind and number of steps at one epoch of one target.
fn one(
    here: &[&SimulationRow],
    (by, steps): (&str, u64),
    epochs: u64,
    probes: &[ProbeRow],
) -> Option<ForesightRow> {
    let found = |row: &SimulationRow, by: &str, length: u64| {
        let same = |other: &&&SimulationRow| {
            (&other.method, other.seed) == (&row.method, row.seed)
                && (other.by.as_str(), other.length) == (by, length)
        };
        here.iter().find(same).copied()
    };
    let (mut changes, mut errors, mut deviations) = (Vec::new(), Vec::new(), Vec::new());
    for start in here.iter().filter(|row| row.by == START) {
        let (Some(step), Some(real)) = (found(start, by, steps), found(start, FINE_TUNING, epochs))
        else {
            continue;
        };
        changes.push((step.loss - start.loss, real.loss - start.loss));
        deviations.extend(step.deviation);
        let probe = probes.iter().find(|probe| {
            (&probe.encoder, &probe.method) == (&start.target, &start.method)
                && (probe.seed, probe.epochs) == (Some(start.seed), Some(epochs))
        });
        errors.extend(probe.map(|probe| (step.loss - start.loss, probe.error)));
    }
    let first = here.first().filter(|_| !changes.is_empty())?;
    let (simulated, real): (Vec<f64>, Vec<f64>) = changes.iter().copied().unzip();
    let ends = |found: Option<Correlation>| {
        let interval = found.and_then(|found| found.interval);
        (
            found.map(|found| found.value),
            interval.map(|[lower, _]| lower),
            interval.map(|[_, upper]| upper),
        )
    };
    let (loss_correlation, loss_lower, loss_upper) = ends(rank_correlation(&changes));
    let (probe_correlation, probe_lower, probe_upper) = ends(rank_correlation(&errors));
    Some(ForesightRow {
        target: first.target.clone(),
        target_title: first.target_title.clone(),
        by: by.into(),
        steps,
        epochs,
        simulated: mean(&simulated),
        deviation: (!deviations.is_empty()).then(|| mean(&deviations)),
        real: mean(&real),
        loss_correlation,
        loss_lower,
        loss_upper,
        probe_correlation,
        probe_lower,
        probe_upper,
        transfers: changes.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::methods::{self, Variant};

    fn row(method: &str, seed: u64, by: &str, length: u64, loss: f64) -> SimulationRow {
        SimulationRow {
            target: "emg".into(),
            target_title: "EMG".into(),
            method: method.into(),
            seed,
            by: by.into(),
            length,
            loss,
            deviation: Some(0.1),
            draws: 4,
        }
    }

    fn probe(method: &str, seed: u64, epochs: u64, error: f64) -> ProbeRow {
        ProbeRow {
            encoder: "emg".into(),
            encoder_title: "EMG".into(),
            method: method.into(),
            seed: Some(seed),
            epochs: Some(epochs),
            error,
            lower: None,
            upper: None,
            c: None,
            n_train: None,
            n_test: None,
        }
    }

    #[test]
    fn changes_are_compared_transfer_by_transfer() {
        let (mut rows, mut probes) = (Vec::new(), Vec::new());
        for (at, method) in ["nft", "emb", "mona", "orca"].into_iter().enumerate() {
            for seed in 0..2 {
                let change = (2 * at) as f64 + seed as f64;
                // Starts differ: what counts is the change.
                let start = [5.0, -3.0, 1.0, 0.0][at];
                rows.push(row(method, seed, START, 0, start));
                rows.push(row(method, seed, "sgd", 1, start + 0.01 * change));
                rows.push(row(method, seed, FINE_TUNING, 3, start + change * change));
                probes.push(probe(method, seed, 3, 0.5 - 0.01 * change));
            }
        }
        // A transfer that was not trained to the end has no part in it.
        rows.push(row("emb", 7, START, 0, 0.0));
        let found = foresight(&rows, &probes);
        let [found] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((found.steps, found.epochs, found.transfers), (1, 3, 8));
        assert_eq!(found.loss_correlation, Some(1.0));
        assert_eq!(found.probe_correlation, Some(-1.0));
        assert!((found.simulated - 0.035).abs() < 1e-12 && (found.real - 17.5).abs() < 1e-12);
        let [lower, upper] = [found.loss_lower, found.loss_upper].map(Option::unwrap);
        assert!(lower > 0.5 && upper == 1.0);
    }

    #[test]
    fn the_deviation_of_a_change_leaves_out_what_source_batches_differ_by() {
        let suite = crate::suite::definition::Suite::parse(
            crate::suite::definition::EMBEDDED[0].1,
            "the demo",
        )
        .unwrap();
        let methods = methods::of(&suite.transfer);
        let variant = Variant {
            label: "nft".into(),
            transfer: suite.transfer.clone(),
        };
        let cell = Cell {
            target: &suite.targets[0],
            method: methods[0],
            variant: &variant,
            seed: 0,
        };
        let course = Course {
            start: vec![1.0, 5.0],
            simulated: vec![Simulated {
                optimiser: InnerOptimiser::Sgd,
                steps: 1,
                losses: vec![1.5, 5.5],
            }],
            real: vec![(2, vec![2.0, 8.0])],
        };
        let deviations: Vec<f64> = course
            .rows(&cell)
            .iter()
            .map(|row| row.deviation.unwrap())
            .collect();
        let half = 2f64.sqrt();
        assert_eq!(deviations, [2.0 * half, 0.0, half]);
    }
}
