//! The tables of a run while they grow: one method a kind of row. Figures and report are made from
//! these files alone, so what is not written here is not shown.

use super::cell::{Cell, Outcome};
use super::classes::ByTexts;
use super::compare::{self, Units, compare};
use super::distance::{Distance, Stage};
use super::error::RunError;
use super::failure;
use super::folder::RunFolder;
use super::measures::CellMeasures;
use super::orderings::Orderings;
use super::plan::{self, Plan};
use super::prepare::Target;
use super::results::results;
use super::simulation::foresight;
use super::towers::{Retrieved, at_bound};
use super::tradeoff::tradeoff;
use super::tuning;
use super::verdicts::{Decided, Verdicts};
use crate::evaluate::{Evaluation, Measured, Values};
use crate::measure::encoder::geometry::{ALIGNMENT, UNIFORMITY};
use crate::measure::encoder::probe::PROBE_ERROR;
use crate::measure::encoder::{self, Learner, Measure, Noise};
use crate::measure::towers as between;
use crate::measure::{retrieval, transferability};
use crate::suite::definition::{DatasetSpec, Suite};
use crate::table::{
    ByTextRow, CellRow, CkaRow, ConfusionRow, CurveRow, DiscrepancyRow, GeometryRow,
    InterpolationRow, JointRow, MatchingRow, MeasureRow, PARAMETERS, PairRow, ProbeRow,
    RetrievalRow, Row, SampleRow, SimulationRow, Stage1Row, StageRow, TEMPERATURE, TIED, TargetRow,
    TaskRow, TsneRow, TuningRow, legacy,
};

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
#[derive(Default)]
pub struct Tables {
    probe: Vec<ProbeRow>,
    geometry: Vec<GeometryRow>,
    measures: Vec<MeasureRow>,
    cka: Vec<CkaRow>,
    /// t-SNE maps.
    pub tsne: Vec<TsneRow>,
    discrepancy: Vec<DiscrepancyRow>,
    pairs: Vec<PairRow>,
    retrieval: Vec<RetrievalRow>,
    by_texts: Vec<ByTextRow>,
    tasks: Vec<TaskRow>,
    joint: Vec<JointRow>,
    confusions: Vec<ConfusionRow>,
    matching: Vec<MatchingRow>,
    /// Previews of samples.
    pub samples: Vec<SampleRow>,
    cells: Vec<CellRow>,
    stages: Vec<StageRow>,
    targets: Vec<TargetRow>,
    curves: Vec<CurveRow>,
    stage1: Vec<Stage1Row>,
    simulation: Vec<SimulationRow>,
    interpolation: Vec<InterpolationRow>,
    /// What orderings within a method are told from.
    orderings: Orderings,
    tuning: Vec<TuningRow>,
    /// Results and paired differences of methods.
    verdicts: Verdicts,
    /// What a reader must know of single results.
    pub notes: Vec<String>,
    unfinished: usize,
}

/// Both ends of an interval.
fn ends(interval: Option<[f64; 2]>) -> (Option<f64>, Option<f64>) {
    interval.map(|[lower, upper]| (lower, upper)).unzip()
}

impl Tables {
    /// The evaluation of one encoder.
    pub fn evaluation(&mut self, encoder: &Encoder, found: &Evaluation) {
        let Encoder {
            id,
            title,
            method,
            seed,
            epochs,
        } = encoder;
        let error = found.values.get(&PROBE_ERROR.about);
        let (lower, upper) = ends(error.and_then(|error| error.interval));
        self.probe.extend(error.and_then(|error| {
            Some(ProbeRow {
                encoder: id.clone(),
                encoder_title: title.clone(),
                method: method.clone(),
                seed: *seed,
                epochs: *epochs,
                error: error.value?,
                lower,
                upper,
                c: Some(found.probe.c),
                n_train: Some(found.probe.n_train as u64),
                n_test: Some(error.samples as u64),
            })
        }));
        self.unfinished += usize::from(!found.probe.converged);
        self.measures.extend(of_encoder(encoder, &found.values));
        if let Some((align, uniform)) = found.alignment().zip(found.uniformity()) {
            self.geometry.push(GeometryRow {
                encoder: id.clone(),
                encoder_title: title.clone(),
                method: method.clone(),
                seed: *seed,
                epochs: *epochs,
                align,
                uniform,
            });
        }
    }

    /// CKA between two encoders.
    pub fn agreement(&mut self, a: &Encoder, b: &Encoder, value: Option<f64>, samples: usize) {
        self.cka.push(CkaRow {
            encoder: a.id.clone(),
            encoder_title: a.title.clone(),
            other: b.id.clone(),
            other_title: b.title.clone(),
            value,
            n: Some(samples as u64),
        });
    }

    /// The transferability scores of a target, through the encoder before any transfer.
    pub fn transferability(&mut self, pretrained: &Encoder, target: &Target, found: &Values) {
        self.measures
            .extend(of_target(pretrained, target.spec, found));
    }

    /// D of a target, for figure 4.
    pub fn distance(&mut self, target: &Target, stage: Stage, d: &Distance, source_classes: usize) {
        let (lower, upper) = ends(d.interval);
        let (null_lower, null_upper) = ends(d.null_interval);
        let (infimum_lower, infimum_upper) = ends(d.infimum_interval);
        self.discrepancy.push(DiscrepancyRow {
            target: target.spec.name.clone(),
            target_title: target.spec.title.clone(),
            divergence: d.divergence.clone(),
            embedder: stage.name().into(),
            value: d.value,
            lower,
            upper,
            null_mean: d.null_mean,
            null_lower,
            null_upper,
            chance: d.chance.into(),
            normalized: d.normalized,
            lower_bound: d.lower_bound.into(),
            gap: d.gap.into(),
            certified: d.certified,
            n: Some(d.samples as u64),
            target_classes: Some(target.data.test.classes().len() as u64),
            source_classes: Some(source_classes as u64),
            infimum_lower,
            infimum_upper,
            groups: d.groups.map(|n| n as u64),
            groups_per_class: d.groups_per_class.map(|n| n as u64),
            unit: target.data.test.unit().map(str::to_owned),
        });
    }

    /// The matching behind a D.
    pub fn pairs(&mut self, target: &Target, d: &Distance, source_labels: &[String]) {
        let classes = target.data.test.classes();
        for pair in &d.pairs {
            self.pairs.push(PairRow {
                target: target.spec.name.clone(),
                target_title: target.spec.title.clone(),
                target_class: classes[pair.target].clone(),
                source_class: source_labels[pair.source].clone(),
                probability: pair.probability,
                samples: Some(pair.samples as u64),
            });
        }
        for (pair, means) in d.pairs.iter().zip(&d.means) {
            for (&source, mean) in d.shown.iter().zip(means) {
                self.matching.push(MatchingRow {
                    target: target.spec.name.clone(),
                    target_title: target.spec.title.clone(),
                    target_class: classes[pair.target].clone(),
                    source_class: source_labels[source].clone(),
                    source: source as u64,
                    probability: *mean,
                    matched: source == pair.source,
                });
            }
        }
    }

    /// What was measured of towers on a target: tuned by a cell, or as they were pretrained.
    pub fn retrieved(&mut self, spec: &DatasetSpec, cell: Option<&Cell>, found: &Retrieved) {
        let row = |measure: &str| RetrievalRow {
            target: spec.name.clone(),
            target_title: spec.title.clone(),
            method: cell.map(|cell| cell.method.name.into()),
            seed: cell.map(|cell| cell.seed),
            measure: measure.into(),
            value: None,
            lower: None,
            upper: None,
            optimistic: None,
            samples: None,
            note: None,
        };
        let recalls = retrieval::ALL.iter().map(|measure| &measure.about);
        let between = between::ALL.iter().map(|measure| &measure.about);
        for about in recalls.chain(between) {
            let Some(measured) = found.values.get(about) else {
                continue;
            };
            let (lower, upper) = ends(measured.interval);
            let mut best = found.optimistic.iter();
            let best = best.find(|(name, _)| name == about.name);
            self.retrieval.push(RetrievalRow {
                value: measured.value,
                lower,
                upper,
                optimistic: best.map(|(_, value)| *value),
                samples: Some(measured.samples as u64),
                note: measured.note.clone(),
                ..row(about.name)
            });
        }
        for (name, value, samples) in [
            (TIED, found.tied, Some(found.queries as u64)),
            (PARAMETERS, found.parameters, Some(found.of_towers as u64)),
        ] {
            self.retrieval.push(RetrievalRow {
                value: Some(value as f64),
                samples,
                ..row(name)
            });
        }
        if let Some(temperature) = found.temperature {
            let least = cell.map(|cell| cell.variant.transfer.pairs.least_temperature);
            let bound = least.is_some_and(|least| least > 0.0 && at_bound(temperature, least));
            self.retrieval.push(RetrievalRow {
                value: Some(temperature),
                note: bound.then(|| {
                    "at its least, to which pairs.least_temperature brings it back after a step"
                        .into()
                }),
                ..row(TEMPERATURE)
            });
        }
        let map = found.joint.iter();
        self.joint.extend(map.flat_map(|map| map.rows(spec, cell)));
        let confused = found.confusions.iter();
        let rows = confused.filter_map(|one| Some(one.row(spec, cell?)));
        self.confusions.extend(rows);
    }

    /// What was measured of towers on classes by their texts: tuned by a cell, or as they were pretrained.
    pub fn by_texts(
        &mut self,
        spec: &DatasetSpec,
        cell: Option<&Cell>,
        found: &ByTexts,
        samples: usize,
    ) {
        let (lower, upper) = ends(found.interval);
        self.by_texts.push(ByTextRow {
            target: spec.name.clone(),
            target_title: spec.title.clone(),
            method: cell.map(|cell| cell.method.name.into()),
            seed: cell.map(|cell| cell.seed),
            error: found.error,
            lower,
            upper,
            parameters: found.parameters as u64,
            of_towers: found.of_towers as u64,
            samples: samples as u64,
        });
        let Some((cell, tasks)) = cell.zip(found.tasks.as_ref()) else {
            return;
        };
        // All targets with the same settings tell the same.
        let (method, variant, seed) = (cell.method.name, &cell.variant.label, cell.seed);
        let same =
            |row: &TaskRow| row.method == method && row.variant == *variant && row.seed == seed;
        if self.tasks.iter().any(same) {
            return;
        }
        self.tasks.extend(tasks.rows(method, variant, seed));
    }

    /// Every cell that the suite asks for, run or not, and every trial of its settings.
    pub fn cells(&mut self, plan: &Plan, folder: &RunFolder) {
        let suite = plan.suite;
        self.tuning = tuning::rows(plan, folder);
        self.cells.clear();
        let mut trial = |cell: &Cell| cell.trial(folder);
        let targets = suite.targets.iter();
        let all = targets.flat_map(|spec| plan.cells(spec, &mut trial));
        for cell in all.map(|planned| planned.cell) {
            let outcome = cell.outcome(folder);
            let o = outcome.as_ref();
            self.cells.push(CellRow {
                target: cell.target.name.clone(),
                target_title: cell.target.title.clone(),
                method: cell.method.name.into(),
                seed: Some(cell.seed),
                state: match o {
                    Some(_) => "done".into(),
                    None if cell.failure(folder).is_some() => "failed".into(),
                    None => "not run".into(),
                },
                epochs: o.map(|o| o.course.len() as u64),
                seconds: o.map(|o| o.seconds),
                memory: o.and_then(|o| o.memory),
                device: o.and_then(|o| o.device.clone()).unwrap_or("-".into()),
            });
        }
        for (spec, method, _) in failure::pairs(suite) {
            for &seed in &suite.transfer.seeds {
                self.cells.push(CellRow {
                    target: spec.name.clone(),
                    target_title: spec.title.clone(),
                    method: method.name.into(),
                    seed: Some(seed),
                    state: "not defined".into(),
                    epochs: None,
                    seconds: None,
                    memory: None,
                    device: "-".into(),
                });
            }
        }
    }

    /// Everything about one cell but its comparison with others.
    pub fn cell(&mut self, cell: &Cell, o: &Outcome, measures: &CellMeasures) {
        for (epoch, found) in &measures.evaluations {
            self.evaluation(&Encoder::of(cell, *epoch), found);
        }
        for (stage, d) in &measures.stages {
            let (lower, upper) = ends(d.interval);
            self.stages.push(StageRow {
                target: o.target.clone(),
                target_title: cell.target.title.clone(),
                method: o.method.clone(),
                seed: Some(o.seed),
                stage: stage.name().into(),
                value: d.value,
                lower,
                upper,
                normalized: d.normalized,
            });
        }
        if let Some(found) = &measures.retrieved {
            self.retrieved(cell.target, Some(cell), found);
        }
        if let Some(found) = &measures.by_texts {
            self.by_texts(cell.target, Some(cell), found, o.samples[2]);
        }
        let course = measures.course.iter();
        self.simulation.extend(course.flat_map(|c| c.rows(cell)));
        for point in &measures.curve {
            let error = point.evaluation.values.get(&PROBE_ERROR.about);
            let (source_lower, source_upper) = ends(error.and_then(|error| error.interval));
            self.interpolation.push(InterpolationRow {
                target: o.target.clone(),
                target_title: cell.target.title.clone(),
                method: o.method.clone(),
                seed: Some(o.seed),
                alpha: point.alpha,
                metric: o.metric.name().into(),
                test: point.test,
                source_error: error.and_then(|error| error.value),
                source_lower,
                source_upper,
            });
        }
        let tasks = measures.by_texts.as_ref();
        let tasks = tasks.and_then(|found| found.tasks.as_ref());
        let shared = tasks.is_some_and(|tasks| tasks.shares(&o.target));
        self.outcome(o, cell, shared);
    }

    /// `shared`: its course is that of several targets, and no curve of this one.
    fn outcome(&mut self, o: &Outcome, cell: &Cell, shared: bool) {
        let spec = cell.target;
        let [channels, height, width] = o.shape;
        let [n_train, n_valid, n_test] = o.samples.map(|n| Some(n as u64));
        self.targets.push(TargetRow {
            target: o.target.clone(),
            target_title: spec.title.clone(),
            method: o.method.clone(),
            seed: Some(o.seed),
            epochs: Some(o.course.len() as u64),
            best_epoch: Some(o.selected as u64),
            metric: o.metric.name().into(),
            valid: Some(o.valid),
            test: o.test,
            chance: o.guessing(),
            n_train,
            n_valid,
            n_test,
            shape: format!("{channels}×{height}×{width}"),
            seconds: Some(o.seconds),
            variant: Some(cell.variant.label.clone()),
        });
        if shared {
            let note = format!(
                "{}: no curves, as targets that learn together have one course.",
                cell.method.title
            );
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        for e in o.course.iter().filter(|_| !shared) {
            self.curves.push(CurveRow {
                target: o.target.clone(),
                target_title: spec.title.clone(),
                method: o.method.clone(),
                seed: Some(o.seed),
                epoch: e.epoch as u64,
                train_loss: Some(e.train_loss),
                metric: o.metric.name().into(),
                valid: Some(e.valid),
            });
        }
        for e in &o.stage1 {
            self.stage1.push(Stage1Row {
                target: o.target.clone(),
                target_title: spec.title.clone(),
                method: o.method.clone(),
                seed: Some(o.seed),
                epoch: e.epoch as u64,
                inner: e.inner,
                align: e.align,
                uniform: e.uniform,
                outer_share: e.outer_share,
                otdd: e.otdd,
                converged: e.converged,
                lambda: e.lambda,
                distance: e.distance,
                outer: e.outer,
            });
        }
    }

    /// The comparisons on one target, the surrogate having so many `classes`.
    pub fn compare(
        &mut self,
        suite: &Suite,
        spec: &DatasetSpec,
        cells: &[compare::Measured],
        (before, classes): (compare::Before, usize),
        units: Units,
    ) -> Result<(), RunError> {
        let methods = plan::methods(suite, spec);
        let pairs = compare(suite, spec, cells, before, units)?;
        let results = results(suite, spec, &methods, cells, units)?;
        let tradeoffs = tradeoff(suite, spec, cells, classes, units)?;
        self.verdicts.add(pairs, results, tradeoffs);
        self.orderings.add(suite, spec, cells, units)?;
        self.verdicts.order(self.orderings.rows(suite, units)?);
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
        let Decided {
            paired,
            seeds,
            results,
            tradeoffs,
            orderings,
        } = self.verdicts.decided();
        put(folder, &self.probe)?;
        put(folder, &self.geometry)?;
        put(folder, &self.measures)?;
        remove_replaced(folder)?;
        put(folder, &self.cka)?;
        put(folder, &self.tsne)?;
        put(folder, &self.discrepancy)?;
        put(folder, &self.pairs)?;
        put(folder, &self.retrieval)?;
        put(folder, &self.by_texts)?;
        put(folder, &self.tasks)?;
        put(folder, &self.joint)?;
        put(folder, &self.confusions)?;
        put(folder, &self.matching)?;
        put(folder, &results)?;
        put(folder, &tradeoffs)?;
        put(folder, &orderings)?;
        put(folder, &self.interpolation)?;
        put(folder, &self.samples)?;
        put(folder, &self.cells)?;
        put(folder, &self.stages)?;
        put(folder, &self.targets)?;
        put(folder, &self.curves)?;
        put(folder, &self.stage1)?;
        put(folder, &self.simulation)?;
        put(folder, &foresight(&self.simulation, &self.probe))?;
        put(folder, &self.tuning)?;
        put(folder, &paired)?;
        put(folder, &seeds)
    }
}

/// Whether a measure stands in a table of its own: `probe.csv`, `geometry.csv`.
fn has_own_table(measure: &Measure) -> bool {
    let geometry = [ALIGNMENT.about.name, UNIFORMITY.about.name];
    matches!(measure.noise, Noise::Predictions(Learner::Probe, _))
        || geometry.contains(&measure.about.name)
}

/// The representation metrics of an encoder, as far as they were measured.
fn of_encoder(encoder: &Encoder, found: &Values) -> Vec<MeasureRow> {
    let row = |measure: &Measure| {
        let measured = found.get(&measure.about)?;
        let about = &measure.about;
        Some(MeasureRow {
            method: Some(encoder.method.clone()).filter(|method| method != "-"),
            seed: encoder.seed,
            epochs: encoder.epochs,
            ..measured_row(
                MeasureRow::of(about, measured.value, &encoder.id, &encoder.title),
                measured,
            )
        })
    };
    let own = encoder::ALL
        .iter()
        .chain(encoder::OF_TEXTS)
        .filter(|measure| !has_own_table(measure));
    own.filter_map(row).collect()
}

/// The transferability scores of a target, which goes through the encoder before any transfer.
fn of_target(pretrained: &Encoder, target: &DatasetSpec, found: &Values) -> Vec<MeasureRow> {
    let row = |score: &transferability::Score| {
        let measured = found.get(&score.about)?;
        let row = MeasureRow::of(
            &score.about,
            measured.value,
            &pretrained.id,
            &pretrained.title,
        );
        Some(MeasureRow {
            target: Some(target.name.clone()),
            target_title: Some(target.title.clone()),
            ..measured_row(row, measured)
        })
    };
    transferability::ALL.iter().filter_map(row).collect()
}

/// A row with what was measured.
fn measured_row(row: MeasureRow, measured: &Measured) -> MeasureRow {
    MeasureRow {
        samples: Some(measured.samples as u64),
        note: measured.note.clone(),
        ..row
    }
}

/// Writes a table that has rows.
fn put<R: Row>(folder: &RunFolder, rows: &[R]) -> Result<(), RunError> {
    if rows.is_empty() {
        return Ok(());
    }
    folder.still_there()?;
    Ok(R::write(rows, &folder.path("tables"))?)
}

/// Removes the tables that others replace now, where an older version wrote them into this folder.
fn remove_replaced(folder: &RunFolder) -> Result<(), RunError> {
    for name in legacy::names() {
        for ending in ["csv", "parquet"] {
            let path = folder.path("tables").join(format!("{name}.{ending}"));
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RunError::Io { path, source });
                }
                _ => {}
            }
        }
    }
    Ok(())
}
