//! `modalign train` and `modalign sweep`: cells of a suite, trained and kept, without the measures
//! that `modalign report` adds.

use super::args::{ExperimentArgs, SweepArgs, TrainArgs};
use super::error::CliError;
use super::models::tell_source;
use super::progress::{Bars, catch_interrupts};
use super::spread::spread;

use crate::model::device;
use crate::run::cell::{Outcome, Tuned};
use crate::run::failure::{self, Done};
use crate::run::pipeline;
use crate::run::prepare::Request;
use crate::run::{RunError, RunFolder};
use crate::suite::definition::Suite;
use crate::suite::tuning::Tuning;
use crate::transfer::methods;
use std::path::{Path, PathBuf};

fn usage(what: &str, expected: String, found: &str) -> CliError {
    CliError::Usage {
        what: what.into(),
        expected,
        found: format!("{found:?}"),
    }
}

/// The name, if a method has it.
fn method(name: &str) -> Result<String, CliError> {
    let known = methods::find(name).map(|method| method.name.to_owned());
    known.ok_or_else(|| {
        let names = methods::names().join(", ");
        usage("method", format!("one of {names}"), name)
    })
}

/// Leaves only the targets with these names.
fn keep_targets(suite: &mut Suite, names: &[String]) -> Result<(), CliError> {
    for name in names {
        if !suite.targets.iter().any(|t| t.name == *name) {
            let known: Vec<&str> = suite.targets.iter().map(|t| t.name.as_str()).collect();
            let expected = format!("one of {}", known.join(", "));
            return Err(usage("target", expected, name));
        }
    }
    suite.targets.retain(|t| names.contains(&t.name));
    Ok(())
}

/// Trains one cell; prints its folder, or the outcome as JSON.
pub fn train(args: &TrainArgs) -> Result<(), CliError> {
    let mut suite = methods::resolve(&args.experiment.suite)?;
    args.opening.apply(&mut suite.source);
    keep_targets(&mut suite, std::slice::from_ref(&args.target))?;
    suite.transfer.methods = vec![method(&args.method)?];
    suite.transfer.seeds = vec![args.seed];
    // One transfer, at the suite's own settings: nothing is compared.
    suite.tuning = Tuning::default();
    if let Some((target, method, why)) = failure::pairs(&suite).into_iter().next() {
        return Err(RunError::Undefined {
            cell: format!("{} by {}", target.name, method.name),
            why,
        }
        .into());
    }
    let name = format!(
        "{}-{}-{}-{}",
        suite.name, args.target, args.method, args.seed
    );
    let root = args.out.clone().unwrap_or(Path::new("runs").join(name));
    let folder = RunFolder::open(&root, &suite, args.start.fresh)?;
    let found = carry_out(
        &suite,
        &args.experiment,
        &folder,
        (0, 1),
        false,
        args.start.refresh,
    )?;
    for (cell, done) in &found {
        let Done::Trained(outcome) = done else {
            continue;
        };
        if args.json {
            let all = serde_json::json!({ "run": root, "cell": cell, "outcome": outcome });
            println!("{all}");
        } else {
            say(cell, outcome);
            println!("{}", folder.path(cell).display());
        }
    }
    failures(&found, &root)
}

/// An error for the cells that failed.
fn failures(found: &[(String, Done)], root: &Path) -> Result<(), CliError> {
    let failed = found.iter().filter_map(|(cell, done)| match done {
        Done::Failed(why) => Some(format!("{cell}: {why}")),
        _ => None,
    });
    let failed: Vec<String> = failed.collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(CliError::Failed {
            count: failed.len(),
            first: first.clone(),
            report: root.into(),
        }),
    }
}

/// Trains a shard of all cells; prints the run folder.
pub fn sweep(args: &SweepArgs) -> Result<(), CliError> {
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
    let root = args
        .out
        .clone()
        .unwrap_or(Path::new("runs").join(&suite.name));
    let devices: Vec<&str> = args.experiment.device.split(',').collect();
    if devices.len() > 1 {
        spread(&devices)?;
        println!("{}", root.display());
        return Ok(());
    }
    let folder = RunFolder::open_shared(&root, &suite)?;
    let found = carry_out(&suite, &args.experiment, &folder, shard, true, args.refresh)?;
    let mut elsewhere = 0;
    for (cell, done) in &found {
        match done {
            Done::Trained(outcome) => say(cell, outcome),
            Done::Tried(tuned) => say_tried(cell, tuned),
            Done::Elsewhere => elsewhere += 1,
            Done::Undefined(_) | Done::Failed(_) => {}
            Done::Untried(why) => eprintln!("{cell}: failed, its settings are not chosen: {why}"),
        }
    }
    if elsewhere > 0 {
        eprintln!("{elsewhere} cells are being trained by other processes");
    }
    eprintln!(
        "measures and report, when all shards are done: modalign report --suite {0}/config.toml --out {0}",
        root.display()
    );
    println!("{}", root.display());
    failures(&found, &root)
}

/// `i/n`: the i-th of n shards, from 1.
fn shard(text: &str) -> Result<(usize, usize), CliError> {
    let parts = text.split_once('/').and_then(|(i, n)| {
        let (i, n) = (i.parse::<usize>().ok()?, n.parse::<usize>().ok()?);
        (1 <= i && i <= n).then_some((i - 1, n))
    });
    parts.ok_or_else(|| usage("--shard", "i/n with 1 ≤ i ≤ n".into(), text))
}

fn say(cell: &str, outcome: &Outcome) {
    eprintln!(
        "{cell}: validation {}, test {} (epoch {} of {})",
        outcome.metric.say(outcome.valid),
        outcome.metric.say(outcome.test),
        outcome.selected,
        outcome.course.len()
    );
}

fn say_tried(cell: &str, tuned: &Tuned) {
    let outcome = &tuned.outcome;
    let source = tuned.source_valid.map_or(String::new(), |error| {
        format!(", of the surrogate: probe error {:.1} %", 100.0 * error)
    });
    eprintln!(
        "{cell}: tried, validation {}{source} (epoch {} of {})",
        outcome.metric.say(outcome.valid),
        outcome.selected,
        outcome.course.len()
    );
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

fn carry_out(
    suite: &Suite,
    experiment: &ExperimentArgs,
    folder: &RunFolder,
    shard: (usize, usize),
    measured: bool,
    refresh: bool,
) -> Result<Vec<(String, Done)>, CliError> {
    catch_interrupts();
    let device = device::open(&experiment.device)?;
    tell_source(&suite.source)?;
    let request = Request {
        data: experiment.data.as_deref(),
        device: &device,
        device_name: &device::describe(&experiment.device, &device),
        command: String::new(),
        refresh,
    };
    let found = pipeline::train(suite, &request, folder, shard, measured, &mut Bars::new());
    Ok(found.inspect_err(|error| {
        if error.is_interrupted() {
            let root: PathBuf = folder.root().into();
            eprintln!(
                "interrupted: whole epochs are kept in {}; the same command continues there",
                root.display()
            );
        }
    })?)
}
