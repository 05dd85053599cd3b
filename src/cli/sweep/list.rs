//! `modalign sweep --list`: what there is to do and how far it is, for people and for engines.

use super::Sweep;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::words::columns;
use crate::run::RunError;
use crate::run::plan::Plan;
use serde_json::json;

/// Prints the pieces of work that are asked for; as JSON, an array of `{index, name, state}`.
pub fn run(sweep: &Sweep) -> Result<(), CliError> {
    let whole = sweep.whole()?;
    let plan = Plan::of(&whole).map_err(RunError::from)?;
    let jobs = sweep.asked.jobs(&plan).into_iter();
    let found: Vec<_> = jobs
        .map(|(index, job)| (index, job.name(), job.state(&plan, &sweep.root)))
        .collect();
    if sweep.args.json {
        let all = found.iter();
        let all =
            all.map(|(index, name, state)| json!({ "index": index, "name": name, "state": state }));
        let all: Vec<_> = all.collect();
        return print(format!("{}\n", json!(all)).as_bytes());
    }
    let mut rows = vec![["index", "state", "cell"].map(String::from).to_vec()];
    rows.extend(
        found
            .into_iter()
            .map(|(index, name, state)| vec![index.to_string(), state.name().into(), name]),
    );
    print(columns(&rows, &[0], "").as_bytes())
}
