//! The pieces of work of a suite, each with a name and a number: what `modalign sweep --list` prints, what any engine
//! hands out one by one to `modalign sweep --cell`, and what a sweep goes through.
//!
//! A piece is a cell that the report compares, `TARGET-METHOD-SEED`, with whatever settings are chosen for it, or a trial of
//! settings, `try@` and the name of the trial's cell. Trials come first. Numbers count from 0; more methods, seeds or
//! targets change them, names stay.

use super::cell::Cell;
use super::plan::{Plan, methods};
use super::survey::{Standing, standing, tried_standing};
use crate::suite::definition::{DatasetSpec, Suite};
use crate::transfer::methods::{Method, Variant};
use serde::Serialize;
use std::path::Path;

/// One piece of work.
#[derive(Debug, Clone, Copy)]
pub struct Job<'p> {
    /// Its target.
    pub target: &'p DatasetSpec,
    /// Its method.
    pub method: &'static Method,
    /// Its seed.
    pub seed: u64,
    /// The settings that it tries; `None` of a cell that the report compares.
    pub trial: Option<&'p Variant>,
}

/// Which pieces are asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Names of targets.
    pub targets: Vec<String>,
    /// Names of methods.
    pub methods: Vec<String>,
    /// Seeds of the cells that the report compares; trials have their own.
    pub seeds: Vec<u64>,
    /// Every `n`th of them from the `i`th on, trials and others each for themselves.
    pub shard: (usize, usize),
}

/// How far a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Nothing of it is there.
    NotBegun,
    /// Begun; whole epochs are kept, and nobody works on it.
    Checkpoint,
    /// A process works on it.
    Running,
    /// It is trained.
    Done,
    /// It ended in an error when it was last tried.
    Failed,
}

impl JobState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotBegun => "not-begun",
            Self::Checkpoint => "checkpoint",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Asked {
    /// Everything that a suite names.
    pub fn all(suite: &Suite) -> Self {
        Self {
            targets: suite.targets.iter().map(|t| t.name.clone()).collect(),
            methods: suite.transfer.methods.clone(),
            seeds: suite.transfer.seeds.clone(),
            shard: (0, 1),
        }
    }

    /// The pieces of `plan` that are asked for, with their numbers among all of them.
    pub fn jobs<'p>(&self, plan: &'p Plan) -> Vec<(usize, Job<'p>)> {
        let (i, n) = self.shard;
        let wanted = |job: &Job| {
            // A target without a pretrained encoder is trained from scratch, whatever the methods.
            let encoder = job.target.encoder.as_ref();
            let scratch = encoder.is_some_and(|encoder| encoder.model.is_none());
            let method = || self.methods.iter().any(|name| name == job.method.name);
            self.targets.contains(&job.target.name)
                && (scratch || method())
                && (job.trial.is_some() || self.seeds.contains(&job.seed))
        };
        let all = all(plan).into_iter().enumerate();
        let (trials, others): (Vec<_>, Vec<_>) = all
            .filter(|(_, job)| wanted(job))
            .partition(|(_, job)| job.trial.is_some());
        let part = |all: Vec<_>| all.into_iter().skip(i).step_by(n);
        part(trials).chain(part(others)).collect()
    }
}

/// Every piece of work of a plan, in the order in which a sweep does them.
pub fn all<'p>(plan: &'p Plan) -> Vec<Job<'p>> {
    let mut all = Vec::new();
    for target in &plan.suite.targets {
        let trials = methods(plan.suite, target).into_iter();
        let trials = trials.flat_map(|method| plan.trials(target, method));
        all.extend(trials.map(|cell| Job {
            target,
            method: cell.method,
            seed: cell.seed,
            trial: Some(cell.variant),
        }));
    }
    for target in &plan.suite.targets {
        all.extend(plan.slots(target).map(|slot| Job::of(target, slot)));
    }
    all
}

impl<'p> Job<'p> {
    /// The cell of a target with this method and seed that the report compares.
    pub fn of(target: &'p DatasetSpec, (method, seed): (&'static Method, u64)) -> Self {
        Self {
            target,
            method,
            seed,
            trial: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> String {
        let target = &self.target.name;
        match self.trial {
            None => format!("{target}-{}-{}", self.method.name, self.seed),
            Some(variant) => format!("try@{target}-{}-{}", variant.label, self.seed),
        }
    }

    /// Its cell in the run in `root`; `None` while the cell's settings are not chosen.
    pub fn cell(&self, plan: &'p Plan, root: &Path) -> Option<Cell<'p>> {
        let trial = &mut |cell: &Cell| {
            let standing = tried_standing(&root.join(cell.name()), &mut Vec::new());
            standing.trial()
        };
        let variant = match self.trial {
            Some(variant) => variant,
            None => plan.chosen(self.target, self.method, trial)?,
        };
        Some(Cell {
            target: self.target,
            method: self.method,
            variant,
            seed: self.seed,
        })
    }

    /// How far it is in the run in `root`, which need not be there.
    pub fn state(&self, plan: &'p Plan, root: &Path) -> JobState {
        let Some(cell) = self.cell(plan, root) else {
            return JobState::NotBegun;
        };
        if cell.is_locked(root) {
            return JobState::Running;
        }
        let folder = root.join(cell.name());
        let found = match self.trial {
            Some(_) => tried_standing(&folder, &mut Vec::new()),
            None => standing(&folder, &mut Vec::new()),
        };
        match found {
            Standing::Done { .. } => JobState::Done,
            Standing::Tried { .. } if self.trial.is_some() => JobState::Done,
            // Its model is there, its test part is not read yet.
            Standing::Tried { .. } | Standing::Checkpoint { .. } => JobState::Checkpoint,
            Standing::Failed { .. } => JobState::Failed,
            Standing::NotBegun => JobState::NotBegun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::definition::EMBEDDED;
    use crate::transfer::methods;
    use std::fs;

    fn suite(tuning: &str) -> Suite {
        let text = EMBEDDED[0].1.replace("\"emb\", ", "");
        methods::parse(&format!("{text}\n{tuning}"), "x").unwrap()
    }

    fn names(jobs: &[(usize, Job)]) -> Vec<String> {
        jobs.iter().map(|(_, job)| job.name()).collect()
    }

    #[test]
    fn pieces_have_names_of_their_own_and_shards_share_them() {
        let suite = suite("[tuning]\ngrid = { \"transfer.mona.alpha\" = [0.05, 0.5] }");
        let plan = Plan::of(&suite).unwrap();
        let all = Asked::all(&suite);
        let jobs = all.jobs(&plan);
        let found = names(&jobs);
        assert_eq!(
            found[0],
            "try@sound-mona-0".replace("sound", &suite.targets[0].name)
        );
        let mut single = found.clone();
        single.sort();
        single.dedup();
        assert_eq!(single.len(), found.len(), "{found:?}");
        assert!(jobs.iter().enumerate().all(|(i, (number, _))| i == *number));
        let shard = |i| {
            let shard = (i, 2);
            names(
                &Asked {
                    shard,
                    ..all.clone()
                }
                .jobs(&plan),
            )
        };
        let mut both = [shard(0), shard(1)].concat();
        both.sort();
        assert_eq!(both, single);
        // Trials keep their own seeds.
        let few = Asked {
            targets: vec!["emg".into()],
            methods: vec!["mona".into()],
            seeds: vec![1],
            shard: (0, 1),
        };
        let expected = [
            "try@emg-mona-0",
            "try@emg-mona@alpha=0.05-0",
            "try@emg-mona@alpha=0.5-0",
            "emg-mona-1",
        ];
        assert_eq!(names(&few.jobs(&plan)), expected);
    }

    #[test]
    fn states_are_read_from_the_folder_of_the_cell() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        let suite = suite("");
        let plan = Plan::of(&suite).unwrap();
        let job = all(&plan)[0];
        let state = || job.state(&plan, root);
        assert_eq!(state(), JobState::NotBegun);
        let cell = root.join("cells").join(job.name());
        fs::create_dir_all(&cell).unwrap();
        fs::write(cell.join("failed.json"), r#"{"why": "x"}"#).unwrap();
        assert_eq!(state(), JobState::Failed);
        let lock = fs::File::create(root.join(format!("cells/{}.lock", job.name()))).unwrap();
        lock.lock().unwrap();
        assert_eq!(state(), JobState::Running);
        drop(lock);
        let text = r#"{"target": "t", "method": "nft", "seed": 0, "valid": 0.25, "test": 0.5, "course": [], "selected": 3, "samples": [1, 1, 1],
            "shape": [1, 1, 1], "classes": 2, "seconds": 1.5}"#;
        fs::write(cell.join("cell.json"), text).unwrap();
        assert_eq!(state(), JobState::Done);
    }
}
