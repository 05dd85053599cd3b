//! `modalign report`: the main job. Runs a suite in a folder, draws its figures, writes its
//! report; with finished runs as arguments it only draws and writes again.

#[cfg(feature = "train")]
mod suite;

use super::args::ReportArgs;
use super::error::CliError;
use crate::figure::{self, Format};
use crate::report;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs the command; prints the report's path (or the JSON summary) on stdout.
pub fn run(args: &ReportArgs) -> Result<(), CliError> {
    let started = Instant::now();
    #[cfg(feature = "train")]
    if args.dry_run {
        return suite::plan(args);
    }
    if !args.runs.is_empty() && !args.collect && args.experiment.data.is_some() {
        return Err(CliError::Usage {
            what: "--data".into(),
            expected: "--collect beside it, or no RUN: tables alone are drawn of a finished run"
                .into(),
            found: "a RUN".into(),
        });
    }
    let reports = if args.runs.is_empty() {
        vec![compute(args)?]
    } else if args.collect {
        collected(args)?
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

#[cfg(feature = "train")]
fn compute(args: &ReportArgs) -> Result<PathBuf, CliError> {
    let root = suite::compute(args)?;
    drawn(args, root)
}

/// Figures and report of what was computed; what failed is an error after them.
#[cfg(feature = "train")]
fn drawn(args: &ReportArgs, root: suite::Computed) -> Result<PathBuf, CliError> {
    let report = draw(&root.folder, !args.without_samples);
    match root.failed.first() {
        None => report,
        Some(first) => Err(CliError::Failed {
            count: root.failed.len(),
            first: first.clone(),
            // What is left may be too little to draw.
            report: report.unwrap_or(root.folder),
            again: if args.collect {
                "modalign sweep --retry-failed tries them again"
            } else {
                "the same command tries them again"
            },
        }),
    }
}

/// Measures and draws what is there of every run.
#[cfg(feature = "train")]
fn collected(args: &ReportArgs) -> Result<Vec<PathBuf>, CliError> {
    let collect = |run| drawn(args, suite::collect(args, run)?);
    args.runs.iter().map(|run| collect(run)).collect()
}

#[cfg(not(feature = "train"))]
fn collected(args: &ReportArgs) -> Result<Vec<PathBuf>, CliError> {
    compute(args).map(|report| vec![report])
}

#[cfg(not(feature = "train"))]
fn compute(_: &ReportArgs) -> Result<PathBuf, CliError> {
    Err(CliError::Usage {
        what: "RUN".into(),
        expected: "finished runs: this build is without training (cargo feature train)".into(),
        found: "none".into(),
    })
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
