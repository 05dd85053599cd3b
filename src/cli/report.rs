//! `modalign report`: the main job. Runs a suite in a folder, draws its figures, writes its
//! report; with finished runs as arguments it only draws and writes again.

use super::args::ReportArgs;
use super::data;
use super::error::CliError;
use super::models::tell_source;
use super::progress::{Bars, catch_interrupts};
use crate::dataset::store::Store;
use crate::figure::{self, Format};
use crate::model::device;
use crate::report;
use crate::run::prepare::Request;
use crate::run::{RunError, RunFolder};
use crate::run::{failure, pipeline};
use crate::transfer::TransferError;
use crate::transfer::methods;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs the command; prints the report's path (or the JSON summary) on stdout.
pub fn run(args: &ReportArgs) -> Result<(), CliError> {
    let started = Instant::now();
    if args.dry_run {
        let suite = methods::resolve(&args.experiment.suite)?;
        let store = Store::at(args.experiment.data.as_deref());
        let undefined = failure::notes(&suite);
        return data::plan(&store, &data::needed(&suite), &undefined, args.json);
    }
    let reports = if args.runs.is_empty() {
        vec![compute(args)?]
    } else {
        args.runs
            .iter()
            .map(|run| draw(run, !args.without_samples))
            .collect::<Result<_, _>>()?
    };
    if args.json {
        let all: Vec<_> = reports
            .iter()
            .map(|path| {
                let run = path.parent().unwrap_or(Path::new("."));
                Ok(serde_json::json!({ "report": path, "run": run, "tables": summary(run)? }))
            })
            .collect::<Result<_, CliError>>()?;
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{}",
            serde_json::json!({ "report": reports.last(), "runs": all, "seconds": seconds })
        );
    } else {
        reports
            .iter()
            .for_each(|path| println!("{}", path.display()));
    }
    Ok(())
}

fn compute(args: &ReportArgs) -> Result<PathBuf, CliError> {
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
        suite.source.model.clone_from(model);
        // What the suite says of its own model is not said of another.
        (suite.source.key, suite.source.image_size) = (None, None);
        suite.source.ignore.clear();
        name = format!("{name}-{}", slug(model));
    }
    args.opening.apply(&mut suite.source);
    tell_source(&suite.source)?; // also shows the progress of a download
    let root = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("runs").join(name));
    let folder = RunFolder::open(&root, &suite, args.start.fresh)?;
    let request = Request {
        data: experiment.data.as_deref(),
        device: &device,
        device_name: &device::describe(&experiment.device, &device),
        command: command(args),
        refresh: args.start.refresh,
    };
    let mut bars = Bars::new();
    let failed = pipeline::run(&suite, &request, &folder, &mut bars).map_err(|error| {
        if matches!(error, RunError::Transfer(TransferError::Interrupted)) {
            eprintln!(
                "interrupted: finished parts are kept in {}; the same command continues there",
                root.display()
            );
        }
        error
    })?;
    bars.note("drawing figures and writing the report");
    let report = draw(&root, !args.without_samples);
    match failed.first() {
        None => report,
        Some(first) => Err(CliError::Failed {
            count: failed.len(),
            first: first.clone(),
            // What is left may be too little to draw.
            report: report.unwrap_or(root),
        }),
    }
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
    let opening = &args.opening;
    if let Some(key) = &opening.key {
        command.push_str(&format!(" --key {key}"));
    }
    for pattern in &opening.ignore {
        command.push_str(&format!(" --ignore '{pattern}'"));
    }
    if let Some(side) = opening.image_size {
        command.push_str(&format!(" --image-size {side}"));
    }
    if experiment.data.is_some() {
        command.push_str(" --data DIR");
    }
    if experiment.device != "flex" {
        command.push_str(&format!(" --device {}", experiment.device));
    }
    command
}

/// Figures and report of a run, from its tables.
fn draw(run: &Path, samples: bool) -> Result<PathBuf, CliError> {
    report::draw(
        &run.join("tables"),
        &run.join("figures"),
        &Format::ALL,
        None,
    )?;
    Ok(report::write(run, samples)?)
}

/// What machines ask for: the small tables of a run.
fn summary(run: &Path) -> Result<serde_json::Value, CliError> {
    use crate::table::{DiscrepancyRow, ProbeRow, Row, TargetRow};
    let tables = run.join("tables");
    let probes: Vec<_> = figure::optional(ProbeRow::read(&tables))?
        .unwrap_or_default()
        .into_iter()
        .map(|r| serde_json::json!({ "encoder": r.encoder, "method": r.method, "seed": r.seed, "epochs": r.epochs, "error": r.error, "interval": [r.lower, r.upper], "c": r.c }))
        .collect();
    let targets: Vec<_> = figure::optional(TargetRow::read(&tables))?
        .unwrap_or_default()
        .into_iter()
        .map(|r| serde_json::json!({ "target": r.target, "method": r.method, "seed": r.seed, "metric": r.metric, "valid": r.valid, "test": r.test, "chance": r.chance }))
        .collect();
    let distances: Vec<_> = figure::optional(DiscrepancyRow::read(&tables))?
        .unwrap_or_default()
        .into_iter()
        .map(|r| serde_json::json!({ "target": r.target, "divergence": r.divergence, "embedder": r.embedder, "value": r.value, "null_mean": r.null_mean, "normalized": r.normalized, "certified": r.certified }))
        .collect();
    let summary = report::summary(run)?;
    Ok(
        serde_json::json!({ "summary": summary, "probe": probes, "targets": targets, "discrepancy": distances }),
    )
}
