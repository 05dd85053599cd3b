//! A sweep: pieces of work of a suite, done one after the other by whoever takes their locks. Any number of processes
//! share a folder: what another one holds is passed over, and looked for again when all else is done, until nothing is
//! left. A piece that fails is written down and stays so until it is asked for again; the others go on.

use super::cell::{self, Cell};
use super::error::RunError;
use super::failure::{Done, ended, on_device};
use super::folder::RunFolder;
use super::job::{Asked, Job};
use super::measures;
use super::plan::Plan;
use super::prepare::{Context, Prepared, Request, Target, prepare};
use super::progress::{Progress, check_interrupt};
use super::stale;
use super::tuning;
use crate::suite::definition::Suite;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Time between two looks at what other processes hold.
const PAUSE: Duration = Duration::from_millis(500);

/// What a process does of a sweep.
pub struct Part<'a> {
    /// Which pieces.
    pub asked: &'a Asked,
    /// The only piece, by its name.
    pub only: Option<&'a str>,
    /// Whether it takes the measures of what it trained, so that the report finds them.
    pub measured: bool,
    /// Whether the first piece that fails ends it.
    pub fail_fast: bool,
    /// Longest wait for what other processes hold; `None`: until they are done.
    pub patience: Option<Duration>,
}

/// Does a part of the suite, first the trials by which settings are chosen. Gives what became of every piece, by the
/// name of its cell; [`Done::Elsewhere`] of what others still held when patience ended.
///
/// # Errors
/// Those that are not one cell's own, an interrupt among them.
pub fn sweep(
    suite: &Suite,
    request: &Request,
    folder: &RunFolder,
    part: &Part,
    progress: &mut dyn Progress,
) -> Result<Vec<(String, Done)>, RunError> {
    let plan = Plan::of(suite)?;
    let prepared = prepare(suite, request, progress)?;
    tuning::check(&plan, &prepared)?;
    stale::check(folder, &prepared.origins, &prepared.inputs, request.refresh)?;
    let context = prepared.context(suite, request, folder);
    let jobs = part.asked.jobs(&plan).into_iter().map(|(_, job)| job);
    let mut open: Vec<Job> = jobs
        .filter(|job| part.only.is_none_or(|name| job.name() == name))
        .collect();
    let mut found = Vec::new();
    let mut waiting: Option<Instant> = None;
    loop {
        let mut left = Vec::new();
        for job in &open {
            let mut targets = prepared.targets.iter();
            let target = targets.find(|target| target.spec.name == job.target.name);
            let (name, done) = match target {
                Some(target) => carry_out(&context, &plan, target, job, part, progress)?,
                None => unread(&prepared, &plan, job, folder, progress)?,
            };
            match done {
                Done::Elsewhere => left.push((*job, name)),
                done => {
                    let failed = matches!(done, Done::Failed(_));
                    found.push((name, done));
                    if failed && part.fail_fast {
                        return Ok(found);
                    }
                    waiting = None;
                }
            }
        }
        let over = |since: Instant| part.patience.is_some_and(|most| since.elapsed() >= most);
        if left.is_empty() || waiting.is_some_and(over) {
            let left = left.into_iter().map(|(_, name)| (name, Done::Elsewhere));
            found.extend(left);
            return Ok(found);
        }
        if waiting.is_none() && left.len() == open.len() {
            progress.tell(&format!(
                "waiting for other processes: {} cells are being trained by them",
                left.len()
            ));
            waiting = Some(Instant::now());
        }
        open = left.into_iter().map(|(job, _)| job).collect();
        if waiting.is_some() {
            check_interrupt(progress.step(0, 1))?;
            sleep(PAUSE);
        }
    }
}

/// Does one piece of work; its cell's name and what became of it.
fn carry_out(
    context: &Context,
    plan: &Plan,
    target: &Target,
    job: &Job,
    part: &Part,
    progress: &mut dyn Progress,
) -> Result<(String, Done), RunError> {
    let folder = context.folder;
    if let Some(variant) = job.trial {
        let cell = Cell {
            target: target.spec,
            method: job.method,
            variant,
            seed: job.seed,
        };
        let done = match failed_before(&cell, folder) {
            Some(why) => Done::Untried(why),
            None => tuning::attempt(context, cell, target, progress)?,
        };
        return Ok((cell.name(), done));
    }
    let cell = tuning::settle(context, plan, target, (job.method, job.seed), progress)?;
    if let Some(why) = failed_before(&cell, folder) {
        progress.skip(&format!("{}: failed before: {why}", cell.title()));
        return Ok((cell.name(), Done::Failed(why)));
    }
    let work = || {
        let trained = cell::run(context, cell, target, progress)?;
        if part.measured {
            measures::measure(context, cell, target, &trained, progress)?;
        }
        Ok(Done::Trained(Box::new(trained.outcome), trained.before))
    };
    // Where the device has no room for this cell, others may still fit.
    let done = on_device(context, work);
    let done = ended(&cell, folder, done, progress)?;
    Ok((cell.name(), done))
}

/// A piece of work whose target's data is malformed fails, unless it is done already or another process works on it.
fn unread(
    prepared: &Prepared,
    plan: &Plan,
    job: &Job,
    folder: &RunFolder,
    progress: &mut dyn Progress,
) -> Result<(String, Done), RunError> {
    let mut unread = prepared.unread.iter();
    let found = unread.find(|(spec, _)| spec.name == job.target.name);
    let why = found.map_or(String::new(), |(_, why)| why.clone());
    let name = match job.cell(plan, folder.root()) {
        Some(cell) => {
            let name = cell.name();
            if let Some(done) = done_before(job, &cell, folder) {
                return Ok((name, done));
            }
            let _lock = match cell::lock(folder, &name) {
                Err(RunError::Locked { .. }) => return Ok((name, Done::Elsewhere)),
                lock => lock?,
            };
            // Another process may have ended it between the first look and the lock.
            if let Some(done) = done_before(job, &cell, folder) {
                return Ok((name, done));
            }
            cell.fail_for(folder, why.clone())?;
            name
        }
        None => job.name(),
    };
    progress.skip(&format!("{name}: failed: {why}"));
    let done = match job.trial {
        Some(_) => Done::Untried(why),
        None => Done::Failed(why),
    };
    Ok((name, done))
}

/// What a piece of work found before, if it is done.
fn done_before(job: &Job, cell: &Cell, folder: &RunFolder) -> Option<Done> {
    Some(match job.trial {
        Some(_) => Done::Tried(Box::new(cell.tuned(folder)?)),
        None => Done::Trained(Box::new(cell.outcome(folder)?), true),
    })
}

/// Why a cell failed before, if it did and was not trained since.
fn failed_before(cell: &Cell, folder: &RunFolder) -> Option<String> {
    let failure = cell.failure(folder)?;
    let over = cell.outcome(folder).is_some() || cell.tuned(folder).is_some();
    (!over).then_some(failure.why)
}

/// Forgets that pieces failed, so that they are tried again; gives how many there were.
///
/// # Errors
/// A grid that the settings refuse.
pub fn forget_failures(
    suite: &Suite,
    folder: &RunFolder,
    asked: &Asked,
    only: Option<&str>,
) -> Result<usize, RunError> {
    let plan = Plan::of(suite)?;
    let mut count = 0;
    for (_, job) in asked.jobs(&plan) {
        if only.is_some_and(|name| job.name() != name) {
            continue;
        }
        if let Some(cell) = job.cell(&plan, folder.root())
            && failed_before(&cell, folder).is_some()
        {
            cell.forget_failure(folder);
            count += 1;
        }
    }
    Ok(count)
}
