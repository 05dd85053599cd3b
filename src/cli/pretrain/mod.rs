//! `modalign pretrain`: makes the source model of a suite by the suite's own recipe, and writes
//! the recipe beside it. While it works, a folder `OUT.partial` holds its settings, lock and newest
//! checkpoint; a pretraining that was interrupted or killed goes on from there.
//!
//! What is made is one tower that learns classes (`swin`) or two that learn pictures with captions (`clip`); what is
//! around it (data, folder, checkpoints, the recipe as a file) is here.

mod clip;
mod swin;

use super::args::{ExperimentArgs, PretrainArgs};
use super::error::CliError;
use super::progress::{Bars, Stage};
use super::signals::{catch_interrupts, check_interrupt};
use super::words::clean;
use crate::dataset::{self, Splits};
use crate::model::device;
use crate::run::RunFolder;
use crate::run::checkpoint::Checkpoints;
use crate::run::origin::{Origin, Origins};
use crate::run::prepare::inputs;
use crate::run::stale;
use crate::suite::definition::{DatasetSpec, Pretrain, Suite};
use crate::suite::preprocess::Preprocess;
use crate::suite::pretraining::Architecture;
use crate::suite::task::Metric;
use crate::transfer::TransferError;
use crate::transfer::epochs::Event;
use crate::transfer::methods;
use burn::tensor::Device;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// What every pretraining works with.
struct Job<'a> {
    suite: &'a Suite,
    data: &'a DatasetSpec,
    recipe: &'a Pretrain,
    device: &'a Device,
    /// Folder with real data files.
    root: Option<&'a Path>,
    /// Model folder to write.
    out: PathBuf,
    args: &'a PretrainArgs,
}

/// Runs the command; returns the folder that was written.
pub fn run(args: &PretrainArgs) -> Result<PathBuf, CliError> {
    catch_interrupts();
    let ExperimentArgs {
        suite,
        data,
        device,
    } = &args.experiment;
    let suite = methods::resolve(suite)?;
    let device = device::open(device)?;
    let recipe = suite.source.recipe(&suite.name)?;
    let out = args.out.clone();
    let job = Job {
        suite: &suite,
        data: recipe.data,
        recipe: recipe.pretrain,
        device: &device,
        root: data.as_deref(),
        out: out.unwrap_or_else(|| PathBuf::from(&suite.source.model)),
        args,
    };
    match recipe.architecture {
        Architecture::One(shape) => swin::make(&job, shape)?,
        Architecture::Two(towers) => clip::make(&job, towers)?,
    }
    Ok(job.out)
}

impl Job<'_> {
    /// The parts of the data, for pictures of `side × side` that are prepared as `how` says.
    fn open(&self, how: &Preprocess, side: usize) -> Result<Splits, CliError> {
        let seed = self.suite.data_seed;
        let opened = dataset::open_for(self.data, self.root, seed, how, side)?;
        say(opened.notes());
        Ok(opened.splits)
    }

    /// The folder of what is not finished yet, and what the model is made from.
    fn work(&self) -> Result<(RunFolder, Origin), CliError> {
        let mut partial = self.out.clone().into_os_string();
        partial.push(".partial");
        let start = &self.args.start;
        let work = RunFolder::open(Path::new(&partial), self.suite, start.fresh)?;
        let specs = std::iter::once(self.data);
        let (files, _) = inputs(specs.clone(), self.root, &mut Bars::new())?;
        let origins = Origins::of_data(specs, &files);
        stale::check(&work, &origins, &files, start.refresh)?;
        Ok((work, origins.whole()))
    }

    /// Trains by `train`, which is given the checkpoints and what hears of its progress.
    fn trained<T>(
        &self,
        (work, origin): (&RunFolder, Origin),
        samples: String,
        metric: Metric,
        train: impl FnOnce(&mut Checkpoints, &mut dyn FnMut(Event) -> bool) -> Result<T, TransferError>,
    ) -> Result<T, CliError> {
        let mut checkpoints = Checkpoints::new(work.path("cells/source"), &[], origin);
        let name = &self.suite.source.model;
        let stage = Stage::new(&format!("pretraining {name} on {samples}"), 1);
        let progress = &mut |event: Event| {
            match event {
                Event::Step(done, total) => stage.set(done, total),
                Event::Epoch(record) => stage.say(&format!(
                    "epoch {:>3}: training loss {:.4}, validation {}",
                    record.epoch,
                    record.train_loss,
                    metric.say(record.valid)
                )),
            }
            check_interrupt()
        };
        let trained = train(&mut checkpoints, progress);
        stage.finish();
        let trained = trained.inspect_err(|error| {
            if matches!(error, TransferError::Interrupted) {
                eprintln!(
                    "interrupted: whole epochs are kept in {}; the same command continues there",
                    work.root().display()
                );
            }
        })?;
        Ok(trained)
    }

    /// Writes `recipe.json`, removes what was needed to resume, and tells the metric on the test part.
    fn finish(
        &self,
        work: RunFolder,
        (metric, test): (Metric, f64),
        facts: Map<String, Value>,
    ) -> Result<(), CliError> {
        let (version, name) = (env!("CARGO_PKG_VERSION"), &self.suite.name);
        let mut note = json!({
            "made_by": format!("modalign {version} pretrain --suite {name}"),
            "data": self.data,
            "data_seed": self.suite.data_seed,
            "recipe": self.recipe,
            "metric": metric,
            "test": test,
        });
        if let Some(note) = note.as_object_mut() {
            note.extend(facts);
        }
        let path = self.out.join("recipe.json");
        let text = serde_json::to_string_pretty(&note).expect("a value has string keys") + "\n";
        crate::files::atomic::write(&path, text.as_bytes())
            .map_err(|source| CliError::Io { path, source })?;
        let partial = work.root().to_path_buf();
        drop(work);
        // What cannot be removed costs space, nothing else.
        std::fs::remove_dir_all(partial).ok();
        eprintln!("on the test part of the source: {}", metric.say(test));
        Ok(())
    }
}

/// Samples of every part.
fn samples(splits: &Splits) -> Value {
    let [train, valid, test] = [&splits.train, &splits.valid, &splits.test].map(|set| set.len());
    json!({ "train": train, "valid": valid, "test": test })
}

/// Tells what a reader of the data must know.
fn say(notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("{}", clean(note)));
}
