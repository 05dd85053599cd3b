//! What Slurm has in its queue of a run's cells: the submissions that stand in the run folder, joined with `squeue`.

use super::{called, write as write_text};
use crate::cli::error::CliError;
use crate::files::bounded;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// File name of the record of a submission.
const JOBS: &str = "jobs.json";

/// A job that was submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submitted {
    /// Its id.
    pub job: String,
    /// The cells of the elements of its array; none of the report's job.
    pub cells: Vec<String>,
}

/// A job, or an element of an array, in Slurm's queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queued {
    /// Its id: `JOB_ELEMENT` in an array.
    pub job: String,
    /// Slurm's word for its state, as `PENDING`.
    pub state: String,
    /// Why it waits, or the node that it runs on.
    pub place: String,
    /// The time that it has run.
    pub time: String,
}

/// Slurm's queue as far as it concerns a run.
#[derive(Debug, Default)]
pub struct Queue {
    cells: HashMap<String, Queued>,
    /// Jobs of reports.
    pub reports: Vec<Queued>,
}

/// Writes the record of a submission into its folder.
pub fn write(folder: &Path, jobs: &[Submitted]) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(jobs).expect("jobs have string keys");
    write_text(&folder.join(JOBS), &(text + "\n"))
}

impl Queue {
    /// Asks `squeue` for the submissions of the run in `root`; where nobody need be asked, or with `must` false cannot be,
    /// the queue is empty.
    ///
    /// # Errors
    /// [`CliError::Cluster`] with the words of `squeue`.
    pub fn ask(root: &Path, must: bool) -> Result<Self, CliError> {
        let submitted = submissions(root);
        if submitted.is_empty() {
            return Ok(Self::default());
        }
        // Not by --jobs: squeue fails where Slurm has forgotten one of them.
        let arguments = ["--me", "--noheader", "--array", "--format=%F|%K|%T|%R|%M"];
        match called("squeue", &arguments.map(String::from)) {
            Ok(said) => Ok(Self::join(&submitted, &said)),
            Err(_) if !must => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn join(submitted: &[Submitted], said: &str) -> Self {
        let mut all = Self::default();
        for line in said.lines() {
            let fields: Vec<&str> = line.trim().splitn(5, '|').collect();
            let [job, element, state, place, time] = fields[..] else {
                continue;
            };
            let Some(known) = submitted.iter().find(|known| known.job == job) else {
                continue;
            };
            let queued = |job: String| Queued {
                job,
                state: state.into(),
                place: place.into(),
                time: time.into(),
            };
            if known.cells.is_empty() {
                all.reports.push(queued(job.into()));
                continue;
            }
            let element = element.parse::<usize>().ok();
            if let Some((element, name)) = element.and_then(|i| Some((i, known.cells.get(i)?))) {
                all.cells
                    .insert(name.clone(), queued(format!("{job}_{element}")));
            }
        }
        all
    }

    /// The job of a cell, if it has one.
    pub fn of(&self, cell: &str) -> Option<&Queued> {
        self.cells.get(cell)
    }

    /// The arrays that are in the queue.
    pub fn arrays(&self) -> Vec<String> {
        let jobs = self.cells.values();
        let mut all: Vec<String> = jobs
            .filter_map(|queued| Some(queued.job.split_once('_')?.0.to_owned()))
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Every job that was submitted for the run in `root`.
fn submissions(root: &Path) -> Vec<Submitted> {
    let entries = std::fs::read_dir(root.join("slurm")).into_iter().flatten();
    let jobs = entries.flatten().map(|entry| entry.path().join(JOBS));
    // A record that cannot be read is of no submission that went through.
    let read = |path: &Path| bounded::json::<Vec<Submitted>>(path).ok().flatten();
    jobs.filter_map(|path| read(&path)).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_joined_with_what_was_submitted() {
        let submitted = [
            Submitted {
                job: "7".into(),
                cells: vec!["emg-nft-0".into(), "emg-nft-1".into()],
            },
            Submitted {
                job: "8".into(),
                cells: Vec::new(),
            },
        ];
        let said = "7|1|PENDING|(Priority)|0:00\n7|0|RUNNING|n1|1:02\n8|N/A|PENDING|(Dependency)|0:00\n\
                    7|9|RUNNING|n1|1:02\n99|1|RUNNING|n2|0:01\nnonsense\n";
        let queue = Queue::join(&submitted, said);
        let first = queue.of("emg-nft-0").unwrap();
        assert_eq!(
            (first.job.as_str(), first.state.as_str()),
            ("7_0", "RUNNING")
        );
        assert_eq!(queue.of("emg-nft-1").unwrap().place, "(Priority)");
        assert_eq!(
            (queue.arrays(), queue.reports.len()),
            (vec!["7".to_owned()], 1)
        );
        let home = tempfile::tempdir().unwrap();
        write(&home.path().join("slurm/1"), &submitted).unwrap();
        assert_eq!(submissions(home.path()), submitted);
    }
}
