//! `modalign sweep --slurm --status`: how far every cell is, by its folder, and what Slurm has of it in its queue.

use super::queue::{Queue, Queued};
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::sweep::Sweep;
use crate::cli::words::columns;
use crate::run::RunError;
use crate::run::plan::Plan;
use serde_json::{Value, json};

/// Prints the pieces of work that are asked for with their jobs; as JSON, an array of `{index, name, state, job}`.
pub fn run(sweep: &Sweep) -> Result<(), CliError> {
    let whole = sweep.whole()?;
    let plan = Plan::of(&whole).map_err(RunError::from)?;
    let queue = Queue::ask(&sweep.root, true)?;
    let jobs = sweep.asked.jobs(&plan).into_iter();
    let found: Vec<_> = jobs
        .map(|(index, job)| (index, job.name(), job.state(&plan, &sweep.root)))
        .collect();
    if sweep.args.json {
        let entry = |(index, name, state): &(usize, String, _)| -> Value {
            json!({ "index": index, "name": name, "state": state, "job": queue.of(name) })
        };
        let all: Vec<Value> = found.iter().map(entry).collect();
        return print(format!("{}\n", json!(all)).as_bytes());
    }
    let head = [
        "index",
        "state",
        "job",
        "Slurm",
        "time",
        "node or reason",
        "cell",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for (index, name, state) in &found {
        let mut row = vec![index.to_string(), state.name().into()];
        row.extend(of_job(queue.of(name)));
        row.push(name.clone());
        rows.push(row);
    }
    for report in &queue.reports {
        let mut row = vec![String::new(), String::new()];
        row.extend(of_job(Some(report)));
        row.push("report".into());
        rows.push(row);
    }
    print(columns(&rows, &[0, 4], "").as_bytes())
}

fn of_job(queued: Option<&Queued>) -> [String; 4] {
    match queued {
        Some(job) => [&job.job, &job.state, &job.time, &job.place].map(Clone::clone),
        None => std::array::from_fn(|_| "–".into()),
    }
}
