//! `modalign sweep`: the cells of a suite, trained by one process or by many that share a folder. What a sweep is asked
//! for is read here; [`spread`] gives every device a process, [`list`] says what there is to do, [`slurm`] hands it to
//! Slurm. Any other engine drives `--list` and `--cell`.

mod list;
mod slurm;
mod spread;

use super::args::SweepArgs;
use super::error::CliError;
use super::train::{carry_out, failures, keep_targets, method, say, say_tried, usage};
use crate::run::failure::Done;
use crate::run::job::{Asked, Job};
use crate::run::plan::Plan;
use crate::run::sweep::{Part, forget_failures};
use crate::run::{RunError, RunFolder, grown};
use crate::suite::definition::Suite;
use crate::transfer::methods;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long `--cell` waits for another process that holds the cell: a job that was requeued may start before its
/// predecessor is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a cell that failed is tried again.
const AGAIN: &str = "the same command tries it again";

/// What a command line asks for.
struct Sweep<'a> {
    args: &'a SweepArgs,
    /// The suite as asked: only these targets, methods and seeds.
    suite: Suite,
    /// The pieces of the run that are asked for.
    asked: Asked,
    /// The run folder.
    root: PathBuf,
}

/// Runs the command.
pub fn run(args: &SweepArgs) -> Result<(), CliError> {
    if args.json && !(args.list || args.status) {
        return Err(usage(
            "--json",
            "--list or --status beside it".into(),
            "neither",
        ));
    }
    let device = &args.experiment.device;
    if device.contains(',') && (args.cell.is_some() || args.slurm) {
        let expected = "one device: a cell is trained on one, and every job has its own";
        return Err(usage("--device", expected.into(), device));
    }
    let sweep = read(args)?;
    if args.list {
        return list::run(&sweep);
    }
    if args.slurm {
        return slurm::run(&sweep);
    }
    let devices: Vec<&str> = device.split(',').collect();
    if devices.len() > 1 {
        if args.retry_failed {
            let (folder, whole) = RunFolder::open_grown(&sweep.root, &sweep.suite)?;
            forget_failures(&whole, &folder, &sweep.asked, None)?;
        }
        spread::spread(&devices, args.fail_fast)?;
        println!("{}", sweep.root.display());
        return Ok(());
    }
    match &args.cell {
        Some(name) => sweep.cell(name),
        None => sweep.all(),
    }
}

/// What the arguments ask for.
fn read(args: &SweepArgs) -> Result<Sweep<'_>, CliError> {
    let mut suite = methods::resolve(&args.experiment.suite)?;
    args.opening.apply(&mut suite.source);
    if !args.targets.is_empty() {
        keep_targets(&mut suite, &args.targets)?;
    }
    if !args.methods.is_empty() {
        let methods = args.methods.iter().map(|m| method(m));
        suite.transfer.methods = methods.collect::<Result<_, _>>()?;
    }
    if !args.seeds.is_empty() {
        suite.transfer.seeds.clone_from(&args.seeds);
    }
    grid(&mut suite, &args.grid)?;
    let suite = methods::checked(suite, "command line")?;
    let shard = match &args.shard {
        None => (0, 1),
        Some(text) => shard(text)?,
    };
    let asked = Asked {
        shard,
        ..Asked::all(&suite)
    };
    let root = args
        .out
        .clone()
        .unwrap_or(Path::new("runs").join(&suite.name));
    Ok(Sweep {
        args,
        suite,
        asked,
        root,
    })
}

impl Sweep<'_> {
    /// The settings of the run with what is asked for; nothing is written.
    fn whole(&self) -> Result<Suite, CliError> {
        Ok(grown::with(&self.root, &self.suite)?)
    }

    /// Trains everything that is asked for; prints the run folder.
    fn all(&self) -> Result<(), CliError> {
        let Self { args, root, .. } = self;
        let (folder, whole) = RunFolder::open_grown(root, &self.suite)?;
        if args.retry_failed {
            forget_failures(&whole, &folder, &self.asked, None)?;
        }
        let part = Part {
            asked: &self.asked,
            only: None,
            measured: true,
            fail_fast: args.fail_fast,
            patience: None,
        };
        let found = carry_out(&whole, &args.experiment, &folder, &part, args.refresh)?;
        told(&found);
        eprintln!(
            "measures and report, when all cells are done: modalign report --suite {0}/config.toml --out {0}",
            root.display()
        );
        println!("{}", root.display());
        failures(&found, root, "--retry-failed tries them again")
    }

    /// Trains one cell; prints its folder.
    fn cell(&self, asked: &str) -> Result<(), CliError> {
        let whole = self.whole()?;
        let name = self.named(&whole, asked)?;
        let requeue = |error: RunError| match error {
            RunError::Locked { .. } => CliError::Requeue {
                cell: name.clone(),
                why: error.to_string(),
            },
            other => other.into(),
        };
        let (folder, whole) = RunFolder::open_grown(&self.root, &self.suite).map_err(requeue)?;
        forget_failures(&whole, &folder, &self.asked, Some(&name))?;
        let part = Part {
            asked: &self.asked,
            only: Some(&name),
            measured: true,
            fail_fast: false,
            patience: Some(PATIENCE),
        };
        let experiment = &self.args.experiment;
        let found = carry_out(&whole, experiment, &folder, &part, self.args.refresh)?;
        told(&found);
        for (cell, done) in &found {
            match done {
                Done::Elsewhere => {
                    return Err(CliError::Requeue {
                        cell: name,
                        why: "another process works on it".into(),
                    });
                }
                Done::Failed(_) => {}
                // In a sweep a trial that fails is a result: its settings are not chosen. Here it is all that was asked for.
                Done::Untried(why) => {
                    let failed = [(cell.clone(), Done::Failed(why.clone()))];
                    return failures(&failed, &self.root, AGAIN);
                }
                _ => println!("{}", folder.path(cell).display()),
            }
        }
        failures(&found, &self.root, AGAIN)
    }

    /// The name of a piece of work that is asked for by name or number.
    fn named(&self, whole: &Suite, asked: &str) -> Result<String, CliError> {
        let plan = Plan::of(whole).map_err(RunError::from)?;
        let jobs = self.asked.jobs(&plan);
        let number = asked.parse::<usize>().ok();
        let known = |(index, job): &&(usize, Job)| Some(*index) == number || job.name() == asked;
        match jobs.iter().find(known) {
            Some((_, job)) => Ok(job.name()),
            None => {
                let expected = format!("one of the {} that --list names", jobs.len());
                Err(usage("--cell", expected, asked))
            }
        }
    }
}

/// Says what became of cells.
fn told(found: &[(String, Done)]) {
    for (cell, done) in found {
        match done {
            Done::Trained(outcome, before) => say(cell, outcome, *before),
            Done::Tried(tuned) => say_tried(cell, tuned),
            Done::Undefined(_) | Done::Failed(_) | Done::Elsewhere => {}
            Done::Untried(why) => eprintln!("{cell}: failed, its settings are not chosen: {why}"),
        }
    }
}

/// `i/n`: the i-th of n shards, from 1.
fn shard(text: &str) -> Result<(usize, usize), CliError> {
    let parts = text.split_once('/').and_then(|(i, n)| {
        let (i, n) = (i.parse::<usize>().ok()?, n.parse::<usize>().ok()?);
        (1 <= i && i <= n).then_some((i - 1, n))
    });
    parts.ok_or_else(|| usage("--shard", "i/n with 1 ≤ i ≤ n".into(), text))
}

/// Adds the values of `--grid KEY=V1,V2` to what the suite tunes, in place of those that it has of the same key.
fn grid(suite: &mut Suite, given: &[String]) -> Result<(), CliError> {
    for text in given {
        let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, values) = parts.ok_or_else(|| {
            let expected = "KEY=V1,V2, as transfer.train.learning_rate=2e-4,5e-4";
            usage("--grid", expected.into(), text)
        })?;
        let values = values.split(',').map(|value| toml_value(value.trim()));
        suite.tuning.grid.0.insert(key.into(), values.collect());
    }
    Ok(())
}

/// A value as TOML has it; what is none there is a text.
fn toml_value(text: &str) -> toml::Value {
    text.parse()
        .unwrap_or_else(|_| toml::Value::String(text.into()))
}
