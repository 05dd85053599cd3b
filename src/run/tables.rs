//! The tables of a run while they grow: one method a kind of row. Figures and report are made from
//! these files alone, so what is not written here is not shown.

mod columns;

use super::answer::answer;
use super::cell::{self, Cell, Outcome};
use super::compare::{self, Units, compare};
use super::distance::Distance;
use super::error::RunError;
use super::failure;
use super::folder::RunFolder;
use super::look::Look;
use super::measures::{CellMeasures, Stage};
use super::prepare::Target;
use super::table::{Table, row};
use super::verdicts::Verdicts;
use super::yardsticks::OfTarget;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::task::Metric;

/// An encoder in the tables.
#[derive(Debug, Clone)]
pub struct Encoder {
    /// `pretrained`, `pixels` or a target's name.
    pub id: String,
    /// Name for readers.
    pub title: String,
    /// Transfer method, `-` for the two references.
    pub method: String,
    /// Seed of the transfer.
    pub seed: Option<u64>,
    /// Epochs of the transfer.
    pub epochs: Option<u64>,
}

impl Encoder {
    /// An encoder that no transfer made.
    pub fn reference(id: &str, title: &str) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            method: "-".into(),
            seed: None,
            epochs: None,
        }
    }

    /// The encoder of a cell after so many epochs.
    pub fn of(cell: &Cell, epoch: usize) -> Self {
        Self {
            id: cell.target.name.clone(),
            title: cell.target.title.clone(),
            method: cell.method.name.into(),
            seed: Some(cell.seed),
            epochs: Some(epoch as u64),
        }
    }
}

/// All tables of a run.
pub struct Tables {
    probe: Table,
    geometry: Table,
    yardsticks: Table,
    cka: Table,
    transferability: Table,
    /// t-SNE maps.
    pub tsne: Table,
    discrepancy: Table,
    pairs: Table,
    matching: Table,
    /// Pictures of samples.
    pub samples: Table,
    cells: Table,
    stages: Table,
    targets: Table,
    curves: Table,
    stage1: Table,
    /// Answers and paired differences between methods.
    verdicts: Verdicts,
    /// What a reader must know of single results.
    pub notes: Vec<String>,
    unfinished: usize,
}

impl Tables {
    /// One look at the surrogate.
    pub fn look(&mut self, encoder: &Encoder, look: &Look) {
        self.probe.push(row![
            &encoder.id,
            &encoder.title,
            &encoder.method,
            encoder.seed,
            encoder.epochs,
            look.error,
            look.interval[0],
            look.interval[1],
            look.c,
            look.n_train,
            look.n_test,
        ]);
        self.unfinished += usize::from(!look.converged);
        if let Some(y) = &look.yardsticks {
            self.yardsticks.push(row![
                &encoder.id,
                &encoder.title,
                &encoder.method,
                encoder.seed,
                encoder.epochs,
                y.cka,
                y.knn,
                y.silhouette,
                y.logme,
                y.hscore,
                y.samples,
            ]);
        }
        if let Some((align, uniform)) = look.align.zip(look.uniform) {
            self.geometry.push(row![
                &encoder.id,
                &encoder.title,
                &encoder.method,
                encoder.seed,
                encoder.epochs,
                align,
                uniform,
            ]);
        }
    }

    /// CKA between two encoders.
    pub fn agreement(&mut self, a: &Encoder, b: &Encoder, value: Option<f64>, samples: usize) {
        self.cka
            .push(row![&a.id, &a.title, &b.id, &b.title, value, samples]);
    }

    /// What the other yardsticks say of a target.
    pub fn transferability(&mut self, target: &Target, found: &OfTarget) {
        let converged = found.otdd_converged.map(u64::from);
        let samples = |side: usize| found.otdd_samples.map(|n| n[side] as u64);
        self.transferability.push(row![
            &target.spec.name,
            &target.spec.title,
            found.leep,
            found.nce,
            found.logme,
            found.hscore,
            found.gap,
            found.otdd,
            converged,
            found.samples,
            samples(0),
            samples(1),
            found.undefined.as_deref().unwrap_or("-"),
        ]);
    }

    /// D of a target, for figure 4.
    pub fn distance(&mut self, target: &Target, stage: Stage, d: &Distance, source_classes: usize) {
        let ends = |interval: Option<[f64; 2]>| (interval.map(|i| i[0]), interval.map(|i| i[1]));
        let ((lower, upper), (null_lower, null_upper)) = (ends(d.interval), ends(d.null_interval));
        let (infimum_lower, infimum_upper) = ends(d.infimum_interval);
        self.discrepancy.push(row![
            &target.spec.name,
            &target.spec.title,
            &d.divergence,
            stage.name(),
            d.value,
            lower,
            upper,
            d.null_mean,
            null_lower,
            null_upper,
            d.chance,
            d.normalized,
            d.lower_bound,
            d.gap,
            d.certified,
            d.samples,
            target.data.test.classes().len(),
            source_classes,
            infimum_lower,
            infimum_upper,
            d.groups.map(|n| n as u64),
            d.groups_per_class.map(|n| n as u64),
            target.data.test.unit().unwrap_or("-"),
        ]);
    }

    /// The matching behind a D.
    pub fn pairs(&mut self, target: &Target, d: &Distance, source_labels: &[String]) {
        let classes = target.data.test.classes();
        for pair in &d.pairs {
            self.pairs.push(row![
                &target.spec.name,
                &target.spec.title,
                &classes[pair.target],
                &source_labels[pair.source],
                pair.probability,
                pair.samples,
            ]);
        }
        for (pair, means) in d.pairs.iter().zip(&d.means) {
            for (&source, mean) in d.shown.iter().zip(means) {
                self.matching.push(row![
                    &target.spec.name,
                    &target.spec.title,
                    &classes[pair.target],
                    &source_labels[source],
                    source,
                    *mean,
                    source == pair.source,
                ]);
            }
        }
    }

    /// Every cell that the suite asks for, run or not.
    pub fn cells(&mut self, suite: &Suite, folder: &RunFolder) {
        self.cells = Table::new(self.cells.columns());
        let all = suite
            .targets
            .iter()
            .flat_map(|spec| cell::cells(suite, spec));
        for cell in all {
            let outcome = cell.outcome(folder);
            let o = outcome.as_ref();
            self.cells.push(row![
                &cell.target.name,
                &cell.target.title,
                cell.method.name,
                cell.seed,
                match o {
                    Some(_) => "done",
                    None if cell.failure(folder).is_some() => "failed",
                    None => "not run",
                },
                o.map(|o| o.course.len() as u64),
                o.map(|o| o.seconds),
                o.and_then(|o| o.memory),
                o.and_then(|o| o.device.as_deref()).unwrap_or("-"),
            ]);
        }
        for (spec, method, _) in failure::pairs(suite) {
            for &seed in &suite.transfer.seeds {
                self.cells.push(row![
                    &spec.name,
                    &spec.title,
                    method.name,
                    seed,
                    "not defined",
                    None::<u64>,
                    None::<f64>,
                    None::<u64>,
                    "-",
                ]);
            }
        }
    }

    /// Everything about one cell but its comparison with others.
    pub fn cell(&mut self, cell: &Cell, o: &Outcome, measures: &CellMeasures) {
        for (epoch, look) in &measures.looks {
            self.look(&Encoder::of(cell, *epoch), look);
        }
        for (stage, d) in &measures.stages {
            let (lower, upper) = (d.interval.map(|i| i[0]), d.interval.map(|i| i[1]));
            self.stages.push(row![
                &o.target,
                &cell.target.title,
                &o.method,
                o.seed,
                stage.name(),
                d.value,
                lower,
                upper,
                d.normalized,
            ]);
        }
        self.outcome(o, cell.target);
    }

    fn outcome(&mut self, o: &Outcome, spec: &DatasetSpec) {
        let [channels, height, width] = o.shape;
        self.targets.push(row![
            &o.target,
            &spec.title,
            &o.method,
            o.seed,
            o.course.len(),
            o.selected,
            o.metric.name(),
            o.valid,
            o.test,
            (o.metric == Metric::Error).then(|| 1.0 - 1.0 / o.classes.max(1) as f64),
            o.samples[0],
            o.samples[1],
            o.samples[2],
            format!("{channels}×{height}×{width}"),
            o.seconds,
        ]);
        for e in &o.course {
            self.curves.push(row![
                &o.target,
                &spec.title,
                &o.method,
                o.seed,
                e.epoch,
                e.train_loss,
                o.metric.name(),
                e.valid
            ]);
        }
        for e in &o.stage1 {
            self.stage1.push(row![
                &o.target,
                &spec.title,
                &o.method,
                o.seed,
                e.epoch,
                e.inner,
                e.align,
                e.uniform,
                e.outer_share,
                e.otdd,
                e.converged
            ]);
        }
    }

    /// The comparisons on one target; those with the encoder before any transfer where it was looked
    /// through (`pretrained`: not for targets with an encoder of their own).
    pub fn compare(
        &mut self,
        suite: &Suite,
        spec: &DatasetSpec,
        cells: &[compare::Measured],
        pretrained: Option<&Look>,
        units: Units,
    ) -> Result<(), RunError> {
        let methods = cell::methods(suite, spec);
        let pairs = compare(suite, spec, cells, pretrained, units)?;
        let answers = answer(suite, spec, &methods, cells, units)?;
        self.verdicts.add(pairs, answers);
        Ok(())
    }

    /// Notes, with those that follow from the tables.
    pub fn take_notes(&mut self, suite: &Suite) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        if self.unfinished > 0 {
            notes.push(format!(
                "{} of {} probes had not converged after {} iterations; their errors are those of the last step.",
                self.unfinished,
                self.probe.len(),
                suite.measures.probe_iterations
            ));
        }
        notes
    }

    /// Writes the tables that have rows: readers say of others that they were not run.
    pub fn write(&self, folder: &RunFolder) -> Result<(), RunError> {
        let [paired, seeds, answer] = self.verdicts.tables();
        let all = [
            (&self.probe, "probe.csv"),
            (&self.geometry, "geometry.csv"),
            (&self.yardsticks, "yardsticks.csv"),
            (&self.cka, "cka.csv"),
            (&self.transferability, "transferability.csv"),
            (&self.tsne, "tsne.csv"),
            (&self.discrepancy, "discrepancy.csv"),
            (&self.pairs, "pairs.csv"),
            (&self.matching, "matching.csv"),
            (&answer, "answer.csv"),
            (&self.samples, "pictures.csv"),
            (&self.cells, "cells.csv"),
            (&self.stages, "stages.csv"),
            (&self.targets, "targets.csv"),
            (&self.curves, "curves.csv"),
            (&self.stage1, "stage1.csv"),
            (&paired, "paired.csv"),
            (&seeds, "seeds.csv"),
        ];
        for (table, name) in all {
            if !table.is_empty() {
                table.write(folder, name)?;
            }
        }
        Ok(())
    }
}
