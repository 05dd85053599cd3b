//! What trackers of experiments are told of a run: for every cell its settings, its curves over epochs and what it
//! found at the end. All of it is read from the folder: `metrics.jsonl` and `cell.json` of the cells, `measures.csv` and
//! `probe.csv` of the run where it was measured.

use super::error::RunError;
use super::job::{Job, all};
use super::plan::Plan;
use super::survey::{Standing, Survey, standing};
use crate::files::bounded;
use crate::table::{MeasureRow, ProbeRow, Row};
use serde_json::Value;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A run as trackers see it.
pub struct Tracked {
    /// Name of the suite.
    pub suite: String,
    /// Seconds since 1970 at which it began, or its folder was made.
    pub began: f64,
    /// Its cells that have begun.
    pub cells: Vec<TrackedCell>,
}

/// A cell as trackers see it.
pub struct TrackedCell {
    /// Its name.
    pub name: String,
    /// Whether it is done.
    pub done: bool,
    /// Its settings, by name.
    pub settings: Vec<(String, String)>,
    /// Values of its curves, in order.
    pub points: Vec<Point>,
}

/// A value of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Name of the curve, as `stage2/valid`.
    pub tag: String,
    /// The epoch.
    pub epoch: u64,
    /// Seconds since the cell began.
    pub seconds: f64,
    /// The value, which is finite.
    pub value: f64,
}

impl Tracked {
    /// Reads the run in `root`.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(root: &Path) -> Result<Self, RunError> {
        let survey = Survey::read(root)?;
        let plan = Plan::of(&survey.suite)?;
        let started = survey
            .record
            .as_ref()
            .and_then(|record| record.started.as_deref());
        let started = started.and_then(|text| humantime::parse_rfc3339(text).ok());
        let config = || root.join("config.toml").metadata().ok()?.modified().ok();
        let began = started.or_else(config);
        let began = began.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let tables = root.join("tables");
        let measures = MeasureRow::read_if_written(&tables)?.unwrap_or_default();
        let probes = ProbeRow::read_if_written(&tables)?.unwrap_or_default();
        let mut cells = Vec::new();
        for job in all(&plan) {
            if let Some(mut cell) = cell(&job, &plan, root)? {
                if job.trial.is_none() {
                    measured(&mut cell, &job, &measures, &probes);
                }
                cells.push(cell);
            }
        }
        Ok(Self {
            suite: survey.suite.name.clone(),
            began: began.map_or(0.0, |time| time.as_secs_f64()),
            cells,
        })
    }
}

/// A cell that has an epoch; `None` of others.
fn cell(job: &Job, plan: &Plan, root: &Path) -> Result<Option<TrackedCell>, RunError> {
    let Some(cell) = job.cell(plan, root) else {
        return Ok(None);
    };
    let folder = root.join(cell.name());
    let lines = bounded::text(&folder.join("metrics.jsonl"))?.unwrap_or_default();
    let mut points: Vec<Point> = Vec::new();
    for line in lines.lines() {
        // A line that is cut is of an epoch that is written again.
        let Ok(Value::Object(line)) = serde_json::from_str(line) else {
            continue;
        };
        let whole = |key: &str| line.get(key).and_then(Value::as_u64);
        let (Some(stage), Some(epoch)) = (whole("stage"), whole("epoch")) else {
            continue;
        };
        let seconds = line.get("seconds").and_then(Value::as_f64).unwrap_or(0.0);
        let own = |key: &str| !["stage", "epoch", "seconds"].contains(&key);
        let values = line.iter().filter(|(key, _)| own(key));
        points.extend(values.filter_map(|(key, value)| {
            Some(Point {
                tag: format!("stage{stage}/{key}"),
                epoch,
                seconds,
                value: value.as_f64().filter(|value| value.is_finite())?,
            })
        }));
    }
    let found = standing(&folder, &mut Vec::new());
    if let Some((metric, valid, test)) = found.result() {
        let (Standing::Done {
            selected, seconds, ..
        }
        | Standing::Tried {
            selected, seconds, ..
        }) = found
        else {
            return Ok(None);
        };
        let parts = [("valid", Some(valid)), ("test", test)];
        points.extend(parts.into_iter().filter_map(|(part, value)| {
            Some(Point {
                tag: format!("result/{}/{part}", metric.name()),
                epoch: selected as u64,
                seconds,
                value: value.filter(|value| value.is_finite())?,
            })
        }));
    }
    if points.is_empty() {
        return Ok(None);
    }
    let settings = [
        ("target", job.target.name.clone()),
        ("method", job.method.name.into()),
        ("settings", cell.variant.label.clone()),
        ("seed", job.seed.to_string()),
        ("trial", job.trial.is_some().to_string()),
    ];
    Ok(Some(TrackedCell {
        name: job.name(),
        done: matches!(found, Standing::Done { .. })
            || (job.trial.is_some() && matches!(found, Standing::Tried { .. })),
        settings: settings.map(|(name, value)| (name.into(), value)).into(),
        points,
    }))
}

/// Adds what was measured of the cell's encoder on the surrogate, by epochs.
fn measured(cell: &mut TrackedCell, job: &Job, measures: &[MeasureRow], probes: &[ProbeRow]) {
    let (target, method) = (job.target.name.as_str(), job.method.name);
    let last = cell.points.last().map_or(0.0, |point| point.seconds);
    let mut add = |tag: &str, epoch: Option<u64>, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            cell.points.push(Point {
                tag: format!("source/{tag}"),
                epoch: epoch.unwrap_or(0),
                seconds: last,
                value,
            });
        }
    };
    let own = |encoder: &str, by: Option<&str>, seed: Option<u64>| {
        encoder == target && by == Some(method) && seed == Some(job.seed)
    };
    for row in probes
        .iter()
        .filter(|row| own(&row.encoder, Some(&row.method), row.seed))
    {
        add("probe_error", row.epochs, Some(row.error));
    }
    for row in measures {
        if row.target.is_none() && own(&row.encoder, row.method.as_deref(), row.seed) {
            add(&row.measure, row.epochs, row.value);
        }
    }
}
