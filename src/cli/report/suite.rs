//! `modalign report` without finished runs: a suite is run in its folder.

use crate::cli::args::ReportArgs;
use crate::cli::data;
use crate::cli::error::CliError;
use crate::cli::models::tell_source;
use crate::cli::progress::Bars;
use crate::cli::signals::catch_interrupts;
use crate::cli::train::tell_unlocked;
use crate::dataset::store::Store;
use crate::model::device;
use crate::run::RunFolder;
use crate::run::prepare::Request;
use crate::run::survey::Survey;
use crate::run::{failure, pipeline};
use crate::suite::definition::{Source, Suite};
use crate::transfer::methods;
use burn::tensor::Device;
use std::path::{Path, PathBuf};

/// What a suite left.
pub struct Computed {
    /// The run's folder.
    pub folder: PathBuf,
    /// What failed, in words.
    pub failed: Vec<String>,
}

/// Says what the suite needs.
pub fn plan(args: &ReportArgs) -> Result<(), CliError> {
    let suite = methods::resolve(&args.experiment.suite)?;
    let store = Store::at(args.experiment.data.as_deref());
    let undefined = failure::notes(&suite);
    data::plan(&store, &data::needed(&suite), &undefined, args.json)
}

/// Runs the suite.
pub fn compute(args: &ReportArgs) -> Result<Computed, CliError> {
    catch_interrupts();
    let experiment = &args.experiment;
    let mut suite = methods::resolve(&experiment.suite)?;
    if args.fetch {
        let store = Store::at(experiment.data.as_deref());
        data::obtain(&store, &data::needed(&suite))?;
    }
    let device = device::open(&experiment.device)?;
    let mut name = suite.name.clone();
    if let Some(model) = &args.model {
        of_another_model(&mut suite, model);
        name = format!("{name}-{}", slug(model));
    }
    args.opening.apply(&mut suite.source);
    tell_source(&suite.source)?; // also shows the progress of a download
    let root = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(name));
    let folder = RunFolder::open(&root, &suite, args.start.fresh)?;
    run(args, &suite, &folder, &device, command(args))
}

/// Measures what is there of a run, beside whoever works in it; nothing is trained.
pub fn collect(args: &ReportArgs, root: &Path) -> Result<Computed, CliError> {
    catch_interrupts();
    let suite = Survey::read(root)?.suite;
    let device = device::open(&args.experiment.device)?;
    tell_source(&suite.source)?;
    let folder = RunFolder::open_shared(root, &suite)?;
    let command = format!("modalign report {} --collect", root.display());
    run(args, &suite, &folder, &device, command)
}

fn run(
    args: &ReportArgs,
    suite: &Suite,
    folder: &RunFolder,
    device: &Device,
    command: String,
) -> Result<Computed, CliError> {
    tell_unlocked(folder);
    let experiment = &args.experiment;
    let request = Request {
        data: experiment.data.as_deref(),
        device,
        device_name: &device::describe(&experiment.device, device),
        command,
        refresh: args.start.refresh,
    };
    let mut bars = Bars::new();
    let done = pipeline::run(suite, &request, folder, args.collect, &mut bars);
    let failed = done.inspect_err(|error| {
        if error.is_interrupted() {
            eprintln!(
                "interrupted: finished parts are kept in {}; the same command continues there",
                folder.root().display()
            );
        }
    })?;
    bars.note("drawing figures and writing the report");
    Ok(Computed {
        folder: folder.root().into(),
        failed,
    })
}

/// Puts another model in the place of a suite's own, of which it says nothing.
fn of_another_model(suite: &mut Suite, model: &str) {
    suite.source = Source::other(model);
}

/// The last part of a model's name or path, as the name of a folder.
fn slug(model: &str) -> String {
    let last = model.trim_end_matches('/').rsplit('/').next();
    last.unwrap_or(model)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect()
}

/// The command that repeats the run; data folders differ from machine to machine.
fn command(args: &ReportArgs) -> String {
    let experiment = &args.experiment;
    let mut command = format!("modalign report --suite {}", experiment.suite);
    if let Some(model) = &args.model {
        command.push_str(&format!(" --model {model}"));
    }
    command.push_str(&args.opening.options());
    if experiment.data.is_some() {
        command.push_str(" --data DIR");
    }
    if experiment.device != "flex" {
        command.push_str(&format!(" --device {}", experiment.device));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::parts::Pooling;

    #[test]
    fn what_a_suite_says_of_its_model_is_not_said_of_another() {
        let mut suite = methods::resolve("demo").expect("a suite inside the program");
        suite.source.pooling = Some(Pooling::First);
        suite.source.heads = Some(3);
        suite.source.key = Some("teacher".into());
        of_another_model(&mut suite, "real-mini");
        assert_eq!(suite.source, Source::other("real-mini"));
        tell_source(&suite.source).expect("a model inside the program");
    }
}
