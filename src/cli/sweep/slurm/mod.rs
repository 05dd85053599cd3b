//! `modalign sweep --slurm`: a thin front of `sbatch`. Every cell that is missing becomes an element of a job array, a job
//! behind them collects the report, and the scripts that do so stay in the run folder, `slurm/N/` for the N-th
//! submission, for whoever wants to read, change or submit them by hand. What became of a cell is asked of the folder
//! and of `squeue`; accounting (`sacct`), which many clusters have not, is not needed.

mod queue;
mod script;
#[cfg(test)]
mod script_tests;
mod status;

use super::Sweep;
use crate::cli::error::CliError;
use crate::cli::train::{tell_unlocked, usage};
use crate::files::atomic;
use crate::run::job::JobState;
use crate::run::plan::Plan;
use crate::run::sweep::forget_failures;
use crate::run::{RunError, RunFolder};
use queue::{Queue, Submitted};
use script::Script;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Slurm's own default of MaxArraySize, where nobody can be asked.
const MAX_ARRAY: usize = 1001;

/// Submits what is missing, or says how far it is.
pub fn run(sweep: &Sweep) -> Result<(), CliError> {
    if sweep.args.status {
        return status::run(sweep);
    }
    let options = sweep.args.sbatch.as_deref().unwrap_or_default();
    check_options(options)?;
    let whole = if sweep.args.dry_run {
        sweep.whole()?
    } else {
        let (folder, whole) = RunFolder::open_grown(&sweep.root, &sweep.suite)?;
        tell_unlocked(&folder);
        if sweep.args.retry_failed {
            forget_failures(&whole, &folder, &sweep.asked, None)?;
        }
        whole
    };
    let plan = Plan::of(&whole).map_err(RunError::from)?;
    let queue = Queue::ask(&sweep.root, !sweep.args.dry_run)?;
    let (mut missing, mut counts) = (Vec::new(), [0; 4]);
    for (_, job) in sweep.asked.jobs(&plan) {
        let name = job.name();
        let state = job.state(&plan, &sweep.root);
        let retried = sweep.args.retry_failed && state == JobState::Failed;
        match state {
            JobState::Done => counts[0] += 1,
            JobState::Failed if !retried => counts[1] += 1,
            _ if queue.of(&name).is_some() => counts[2] += 1,
            JobState::Running => counts[3] += 1,
            _ => missing.push(name),
        }
    }
    let [done, failed, queued, running] = counts;
    eprintln!(
        "{} cells to submit; {done} are done, {failed} failed before (--retry-failed tries them again), {queued} are in \
         Slurm's queue, {running} are being trained by others",
        missing.len()
    );
    if missing.is_empty() {
        return Ok(());
    }
    let folder = whole_path(&sweep.root)?
        .join("slurm")
        .join(number(&sweep.root).to_string());
    let script = Script {
        name: &whole.name,
        options,
        program: crate::cli::program()?,
        run: whole_path(&sweep.root)?,
        folder: folder.clone(),
        data: sweep
            .args
            .experiment
            .data
            .as_deref()
            .map(whole_path)
            .transpose()?,
        device: &sweep.args.experiment.device,
        most: missing.len().min(max_array()),
    };
    let chunks: Vec<&[String]> = missing.chunks(script.most).collect();
    if sweep.args.dry_run {
        return dry(&script, &chunks, &queue);
    }
    submit(&script, &chunks, &queue)
}

/// Writes the scripts and submits them; prints the ids of the arrays and of the report's job.
fn submit(script: &Script, chunks: &[&[String]], queue: &Queue) -> Result<(), CliError> {
    let folder = &script.folder;
    write(&folder.join(script::CELLS), &script.cells())?;
    write(&folder.join(script::REPORT), &script.report())?;
    let mut submitted = Vec::new();
    for (i, names) in chunks.iter().enumerate() {
        let list = folder.join(script::names(i));
        write(&list, &(names.join("\n") + "\n"))?;
        let job = sbatch(&script.cells_command(i, names.len()))?;
        println!("{job}");
        submitted.push(Submitted {
            job,
            cells: names.to_vec(),
        });
        // Before the next one: what is submitted is known, whatever happens.
        queue::write(folder, &submitted)?;
    }
    let mut before = queue.arrays();
    before.extend(submitted.iter().map(|one| one.job.clone()));
    let report = sbatch(&script.report_command(&before))?;
    println!("{report}");
    submitted.push(Submitted {
        job: report,
        cells: Vec::new(),
    });
    queue::write(folder, &submitted)?;
    eprintln!(
        "scripts and logs are in {}; how far they are: modalign sweep … --slurm --status",
        folder.display()
    );
    Ok(())
}

/// Prints what would be written and done.
fn dry(script: &Script, chunks: &[&[String]], queue: &Queue) -> Result<(), CliError> {
    let mut text = String::new();
    let part =
        |name: &str, body: &str| format!("### {}\n{body}\n", script.folder.join(name).display());
    text += &part(script::CELLS, &script.cells());
    text += &part(script::REPORT, &script.report());
    let mut jobs = queue.arrays();
    for (i, names) in chunks.iter().enumerate() {
        text += &part(&script::names(i), &(names.join("\n") + "\n"));
        jobs.push(format!("JOB{}", i + 1));
    }
    text += "### commands\n";
    for (i, names) in chunks.iter().enumerate() {
        text += &script::line("sbatch", &script.cells_command(i, names.len()));
    }
    text += &script::line("sbatch", &script.report_command(&jobs));
    crate::cli::print(text.as_bytes())
}

/// Refuses options that are this command's own, and lines that would be others.
fn check_options(options: &str) -> Result<(), CliError> {
    let own = [
        "--array",
        "--wrap",
        "--dependency",
        "--parsable",
        "--requeue",
        "--no-requeue",
    ];
    let word = |word: &str| {
        word.split('=').next().is_some_and(|w| own.contains(&w)) || word.starts_with("-a")
    };
    if options.chars().any(char::is_control) {
        return Err(usage("--sbatch", "options in one line".into(), options));
    }
    match options.split_whitespace().find(|w| word(w)) {
        None => Ok(()),
        Some(found) => {
            let expected = format!(
                "options other than {}, which are this command's own",
                own.join(", ")
            );
            Err(usage("--sbatch", expected, found))
        }
    }
}

/// Submits by `sbatch`; the job's id.
fn sbatch(arguments: &[String]) -> Result<String, CliError> {
    let said = called("sbatch", arguments)?;
    // Behind a semicolon stands the cluster's name.
    Ok(said.trim().split(';').next().unwrap_or_default().to_owned())
}

/// What a program of the cluster says.
///
/// # Errors
/// [`CliError::Cluster`] with its words, or that it is not there.
fn called(program: &str, arguments: &[String]) -> Result<String, CliError> {
    let cluster = |said: String| CliError::Cluster {
        program: program.into(),
        said,
    };
    let done = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| cluster(format!("expected Slurm's command, found none: {error}")))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(cluster(said.trim().to_owned()))
}

/// Most elements of an array: MaxArraySize, which the largest index stays below.
fn max_array() -> usize {
    let told = called("scontrol", &["show".into(), "config".into()]).ok();
    let value = told.as_deref().and_then(|text| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with("MaxArraySize"))?;
        line.split('=').nth(1)?.trim().parse().ok()
    });
    value.unwrap_or(MAX_ARRAY).max(1)
}

/// The number of the next submission.
fn number(root: &Path) -> usize {
    let taken = |n: &usize| root.join("slurm").join(n.to_string()).exists();
    (1..).find(|n| !taken(n)).expect("a free number")
}

fn whole_path(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|source| CliError::Io {
        path: path.into(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    atomic::write(path, text.as_bytes()).map_err(|source| CliError::Io {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_our_own_are_refused() {
        assert!(check_options("--partition=spare --time=30 -p x --account=a").is_ok());
        for wrong in [
            "--array=0-3",
            "-a 3",
            "-a3",
            "--time=3\n#SBATCH --x",
            "--wrap x",
        ] {
            let refused = check_options(wrong).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{wrong}");
        }
    }
}
