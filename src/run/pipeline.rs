//! The main job: fine-tune on every target, look at the surrogate through every encoder, measure,
//! and write the tables. Drawing and reporting come after, from the tables alone.

use super::cell::{self, Cell, Outcome};
use super::error::RunError;
use super::folder::RunFolder;
use super::measures::{self, View};
use super::record::Record;
use super::table::{Table, row};
use super::watch::Watch;
use crate::dataset::{self, Dataset, Resized, Splits};
use crate::feature::{extract, file};
use crate::manifest::method::SourceData;
use crate::manifest::parts::PredictorSpec;
use crate::manifest::suite::{DatasetSpec, Suite};
use crate::model::Loaded;
use crate::model::{self, Model, embedded};
use crate::transfer::TransferError;
use burn::tensor::{DType, Device};
use std::path::Path;
use std::sync::Arc;

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

/// A target at the model's input size.
pub struct Target<'a> {
    /// Its manifest entry.
    pub spec: &'a DatasetSpec,
    /// Its parts.
    pub data: Splits,
    /// Its own sample shape.
    pub shape: [usize; 3],
    /// Why D(Ms, Mt) is not defined for it, if it is not.
    pub undefined: Option<String>,
}

impl Target<'_> {
    /// What a target model is built for.
    pub fn of_model(&self, suite: &Suite) -> model::Target {
        let classes = self.data.train.classes().len();
        model::Target {
            embedder_init: suite.transfer.embedder,
            ..model::Target::new(
                self.data.train.shape(),
                PredictorSpec::Classification { classes },
            )
        }
    }
}

/// What every part of a run works with.
pub struct Context<'a> {
    /// The experiment.
    pub suite: &'a Suite,
    /// The pretrained source model.
    pub source: &'a Loaded,
    /// The surrogate at the model's input size.
    pub surrogate: &'a Splits,
    /// What stands for the source in stage 1.
    pub source_set: &'a Arc<dyn Dataset>,
    /// Device of all model computations.
    pub device: &'a Device,
    /// Where results go.
    pub folder: &'a RunFolder,
}

/// What a run is asked to do, beside its suite.
pub struct Request<'a> {
    /// Folder with real data files.
    pub data: Option<&'a Path>,
    /// Device of all model computations.
    pub device: &'a Device,
    /// Its name on the command line.
    pub device_name: &'a str,
    /// The command line that repeats the run.
    pub command: String,
}

/// Model and data of a suite, opened.
pub struct Prepared<'a> {
    /// The pretrained source model.
    pub source: Loaded,
    /// The surrogate at the model's input size.
    pub surrogate: Splits,
    /// What stands for the source in stage 1, at the model's input size.
    pub source_set: Arc<dyn Dataset>,
    /// The targets at the model's input size.
    pub targets: Vec<Target<'a>>,
}

/// Opens everything that a suite names.
pub fn prepare<'a>(
    suite: &'a Suite,
    request: &Request,
    watch: &mut dyn Watch,
) -> Result<Prepared<'a>, RunError> {
    let source = embedded::load(&suite.source.model, request.device, DType::F32)?;
    let side = image_size(&suite.source.model, &source.model)?;
    watch.begin("opening data", 1 + suite.targets.len());
    let surrogate = Resized::splits(
        dataset::open(&suite.surrogate, request.data, suite.data_seed)?,
        side,
    );
    fits_source(&suite.surrogate, &surrogate, &source.model)?;
    let source_set = match suite.transfer.stage1.source {
        SourceData::Surrogate => surrogate.train.clone(),
        SourceData::Pretraining => {
            let data = dataset::open(&suite.source.data, request.data, suite.data_seed)?;
            let splits = Resized::splits(data, side);
            fits_source(&suite.source.data, &splits, &source.model)?;
            splits.train
        }
    };
    go_on(watch.step(1, 1 + suite.targets.len()))?;
    let mut targets = Vec::new();
    for (i, spec) in suite.targets.iter().enumerate() {
        let whole = dataset::open(spec, request.data, suite.data_seed)?;
        let shape = whole.train.shape();
        let undefined = no_discrepancy(whole.train.classes().len(), source.labels.len());
        targets.push(Target {
            spec,
            data: Resized::splits(whole, side),
            shape,
            undefined,
        });
        go_on(watch.step(2 + i, 1 + suite.targets.len()))?;
    }
    watch.end();
    Ok(Prepared {
        source,
        surrogate,
        source_set,
        targets,
    })
}

impl Prepared<'_> {
    /// What every part of a run in `folder` works with.
    fn context<'a>(
        &'a self,
        suite: &'a Suite,
        request: &'a Request,
        folder: &'a RunFolder,
    ) -> Context<'a> {
        Context {
            suite,
            source: &self.source,
            surrogate: &self.surrogate,
            source_set: &self.source_set,
            device: request.device,
            folder,
        }
    }
}

/// Trains every `n`th cell of a suite from the `i`th on (`shard`), without measuring; gives what
/// was found, and `None` for cells that another process works on.
pub fn train(
    suite: &Suite,
    request: &Request,
    folder: &RunFolder,
    (i, n): (usize, usize),
    watch: &mut dyn Watch,
) -> Result<Vec<(String, Option<Outcome>)>, RunError> {
    let prepared = prepare(suite, request, watch)?;
    let context = prepared.context(suite, request, folder);
    let cells = prepared
        .targets
        .iter()
        .flat_map(|target| cell::cells(suite, target.spec).map(move |cell| (cell, target)));
    let mut found = Vec::new();
    for (cell, target) in cells.skip(i).step_by(n) {
        let outcome = match cell::run(&context, cell, target, watch) {
            Ok((_, outcome, _)) => Some(outcome),
            Err(RunError::Locked { .. }) if n > 1 => None,
            Err(other) => return Err(other),
        };
        found.push((cell.name(), outcome));
    }
    Ok(found)
}

/// Runs a suite in a run folder, continuing what is there.
pub fn run(
    suite: &Suite,
    request: &Request,
    folder: &RunFolder,
    watch: &mut dyn Watch,
) -> Result<(), RunError> {
    let prepared = prepare(suite, request, watch)?;
    let (source, targets) = (&prepared.source, &prepared.targets);
    let mut record = Record::start(suite, request, source);
    record.input("config.toml".into(), folder.sha256("config.toml")?);
    folder.write_json("run.json", &record)?;
    let context = prepared.context(suite, request, folder);
    let mut tables = Tables::new();
    raw_pixels(&context, &mut tables, watch)?;
    look(
        &context,
        &reference("pretrained", "Pretrained"),
        &source.model,
        true,
        &mut tables,
        watch,
    )?;
    for target in targets {
        if let Some(why) = &target.undefined {
            let note = format!("D(Ms, Mt) of {}: not defined, {why}.", target.spec.title);
            tables.notes.push(note);
            continue;
        }
        let start = source
            .model
            .for_target(&target.of_model(suite), suite.transfer.seeds[0])?;
        let embedder = ("initial", &start.network.embedder);
        measures::distance(
            &context,
            target,
            embedder,
            &mut tables.discrepancy,
            Some(&mut tables.pairs),
            watch,
        )?;
    }
    let mut reused = 0;
    for target in targets {
        for cell in cell::cells(suite, target.spec) {
            let (model, outcome, before) = cell::run(&context, cell, target, watch)?;
            reused += usize::from(before);
            tables.outcome(&outcome, target.spec);
            let first =
                cell.seed == suite.transfer.seeds[0] && cell.method == suite.transfer.methods[0];
            look(
                &context,
                &encoder_of(&cell, suite),
                &model,
                first,
                &mut tables,
                watch,
            )?;
            if first && target.undefined.is_none() {
                let embedder = ("fine-tuned", &model.network.embedder);
                measures::distance(
                    &context,
                    target,
                    embedder,
                    &mut tables.discrepancy,
                    None,
                    watch,
                )?;
            }
        }
    }
    if reused > 0 {
        tables.notes.push(format!(
            "{reused} transfers had been trained by an earlier start of this run; the run's seconds do not count them."
        ));
    }
    record.finish(suite, std::mem::take(&mut tables.notes));
    tables.write(folder)?;
    folder.write_json("run.json", &record)
}

/// What a probe sees without any encoder.
fn raw_pixels(
    context: &Context,
    tables: &mut Tables,
    watch: &mut dyn Watch,
) -> Result<(), RunError> {
    watch.begin("raw pixels: linear probe", 1);
    let view = View {
        train: extract::pixels(context.surrogate.train.clone())?,
        valid: extract::pixels(context.surrogate.valid.clone())?,
        test: extract::pixels(context.surrogate.test.clone())?,
    };
    tables.probe(&reference("pixels", "Raw pixels"), &view, context.suite)?;
    go_on(watch.step(1, 1))?;
    watch.end();
    Ok(())
}

/// Looks at the surrogate through the encoder of `model`: features kept, probe, geometry and
/// (with `map`) t-SNE measured.
fn look(
    context: &Context,
    encoder: &Encoder,
    model: &Model,
    map: bool,
    tables: &mut Tables,
    watch: &mut dyn Watch,
) -> Result<(), RunError> {
    let seed = encoder
        .seed
        .map(|s| format!("-{}-{s}", encoder.method))
        .unwrap_or_default();
    let measures = &context.suite.measures;
    watch.begin(&format!("surrogate through {}{seed}", encoder.title), 3);
    let view = measures::view(context, &model.network.encoder)?;
    for (part, set) in [("train", &view.train), ("test", &view.test)] {
        let name = format!("features/{}{seed}-{part}.safetensors", encoder.id);
        file::write(&context.folder.path(&name), set)?;
    }
    go_on(watch.step(1, 3))?;
    tables.probe(encoder, &view, context.suite)?;
    measures::shape(encoder, &view, &mut tables.geometry)?;
    go_on(watch.step(2, 3))?;
    if map {
        measures::map(encoder, &view, measures, &mut tables.tsne)?;
    }
    go_on(watch.step(3, 3))?;
    watch.end();
    Ok(())
}

fn go_on(yes: bool) -> Result<(), RunError> {
    if yes {
        Ok(())
    } else {
        Err(TransferError::Interrupted.into())
    }
}

fn reference(id: &str, title: &str) -> Encoder {
    Encoder {
        id: id.into(),
        title: title.into(),
        method: "-".into(),
        seed: None,
        epochs: None,
    }
}

fn encoder_of(cell: &Cell, suite: &Suite) -> Encoder {
    Encoder {
        id: cell.target.name.clone(),
        title: cell.target.title.clone(),
        method: cell.method.name().into(),
        seed: Some(cell.seed),
        epochs: Some(suite.transfer.train.epochs as u64),
    }
}

/// The surrogate goes through the source embedder: it must have its channels.
fn fits_source(spec: &DatasetSpec, data: &Splits, source: &Model) -> Result<(), RunError> {
    let (found, expected) = (data.train.shape()[0], source.network.embedder.channels());
    if found == expected {
        return Ok(());
    }
    Err(RunError::Unfit {
        what: format!("channels of the surrogate {}", spec.name),
        expected: format!("{expected} as the source model has"),
        found: found.to_string(),
    })
}

/// Side of the images that the source model takes.
fn image_size(name: &str, source: &Model) -> Result<usize, RunError> {
    source.config.image_size().ok_or_else(|| RunError::Unfit {
        what: format!("source model {name}"),
        expected: "a model of images (model_type swin)".into(),
        found: format!("model_type {}", source.config.name()),
    })
}

/// D matches target classes with different source classes: says why it cannot, if there are not
/// enough of them.
fn no_discrepancy(target: usize, source: usize) -> Option<String> {
    match source {
        0 => Some("the source model has no classifier".into()),
        _ if target > source => Some(format!(
            "{target} target classes cannot be matched with {source} source classes"
        )),
        _ => None,
    }
}

/// The tables of a run while they grow.
struct Tables {
    probe: Table,
    geometry: Table,
    tsne: Table,
    discrepancy: Table,
    pairs: Table,
    targets: Table,
    curves: Table,
    /// What a reader must know of single results.
    notes: Vec<String>,
}

impl Tables {
    fn new() -> Self {
        Self {
            probe: Table::new(measures::PROBE),
            geometry: Table::new(measures::GEOMETRY),
            tsne: Table::new(measures::TSNE),
            discrepancy: Table::new(measures::DISCREPANCY),
            pairs: Table::new(measures::PAIRS),
            targets: Table::new(&[
                "target",
                "target_title",
                "method",
                "seed",
                "epochs",
                "best_epoch",
                "metric",
                "valid",
                "test",
                "chance",
                "n_train",
                "n_valid",
                "n_test",
                "shape",
                "seconds",
            ]),
            curves: Table::new(&[
                "target",
                "target_title",
                "method",
                "seed",
                "epoch",
                "train_loss",
                "valid_error",
            ]),
            notes: Vec::new(),
        }
    }

    fn probe(&mut self, encoder: &Encoder, view: &View, suite: &Suite) -> Result<(), RunError> {
        let report = measures::probe(encoder, view, &suite.measures, &mut self.probe)?;
        if !report.converged {
            self.notes.push(format!(
                "The probe of {}{} had not converged after {} iterations; its error is that of the last step.",
                encoder.title,
                encoder.seed.map_or(String::new(), |s| format!(" ({}, seed {s})", encoder.method)),
                suite.measures.probe_iterations
            ));
        }
        Ok(())
    }

    fn outcome(&mut self, o: &Outcome, spec: &DatasetSpec) {
        let epochs = o.course.len();
        let [channels, height, width] = o.shape;
        self.targets.push(row![
            &o.target,
            &spec.title,
            &o.method,
            o.seed,
            epochs,
            epochs,
            "error",
            o.valid_error,
            o.test_error,
            1.0 - 1.0 / o.classes as f64,
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
                e.valid_error
            ]);
        }
    }

    fn write(self, folder: &RunFolder) -> Result<(), RunError> {
        self.probe.write(folder, "probe.csv")?;
        self.geometry.write(folder, "geometry.csv")?;
        self.tsne.write(folder, "tsne.csv")?;
        // defined for no target: readers then say that it was not run
        if !self.discrepancy.is_empty() {
            self.discrepancy.write(folder, "discrepancy.csv")?;
            self.pairs.write(folder, "pairs.csv")?;
        }
        self.targets.write(folder, "targets.csv")?;
        self.curves.write(folder, "curves.csv")
    }
}
