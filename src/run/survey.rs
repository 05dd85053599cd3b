//! What a run folder holds, seen from outside: settings, record, and how far every cell is. All of
//! it is read from files, nothing is computed or changed, and no file is trusted to be whole: what
//! cannot be read is said, and counts as not there.

use super::cell::{Cell, Failure, Outcome, Tuned};
use super::checkpoint::Checkpoints;
use super::choice::{Scores, Trial};
use super::error::RunError;
use super::folder::is_held;
use super::origin::Origin;
use super::plan::Plan;
use crate::files::bounded::{self, Refused};
use crate::suite::definition::Suite;
use crate::suite::task::Metric;
use crate::table::record::{FINISHED, RunRecord};
use crate::transfer::methods;
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// More cells than any run has; settings that ask for more are not counted out.
const MOST_CELLS: usize = 100_000;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A process holds its lock.
    Running,
    /// Measured to the end.
    Finished,
    /// All cells trained, nothing measured (`modalign train`, `modalign sweep`).
    Trained,
    /// Nobody works on it and something is left to do.
    Unfinished,
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Trained => "trained",
            Self::Unfinished => "unfinished",
        }
    }
}

/// How far a cell is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Standing {
    /// Trained; what it found.
    Done {
        /// What judged it.
        metric: Metric,
        /// The metric on the validation part.
        valid: f64,
        /// The metric on the test part.
        test: f64,
        /// The epoch whose parameters are the result.
        selected: usize,
        /// Epochs trained.
        epochs: usize,
        /// Wall-clock seconds of the training.
        seconds: f64,
    },
    /// Trained, and scored on validation parts alone: settings are chosen by it.
    Tried {
        /// What judged it.
        metric: Metric,
        /// The metric on the validation part.
        valid: f64,
        /// Probe error on the surrogate's validation part.
        source_valid: Option<f64>,
        /// The epoch whose parameters are the result.
        selected: usize,
        /// Epochs trained.
        epochs: usize,
        /// Wall-clock seconds of the training.
        seconds: f64,
    },
    /// Begun; its newest checkpoint.
    Checkpoint {
        /// 1 while the embedder trains, 2 in the fine-tuning.
        stage: u8,
        /// Epochs of that stage that are done.
        epoch: usize,
    },
    /// It ended in an error when it was last tried; the same command tries it again.
    Failed {
        /// The error.
        why: String,
    },
    /// Nothing of it is there.
    NotBegun,
}

impl Standing {
    /// What judged a cell that is trained, and its values on the validation part and, if it was tested, on the test
    /// part.
    pub fn result(&self) -> Option<(Metric, f64, Option<f64>)> {
        match *self {
            Self::Done {
                metric,
                valid,
                test,
                ..
            } => Some((metric, valid, Some(test))),
            Self::Tried { metric, valid, .. } => Some((metric, valid, None)),
            _ => None,
        }
    }

    /// Whether it is as far as another, with the same results; times are not compared.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Done { .. }, Self::Done { .. }) => self.result() == other.result(),
            (
                Self::Tried {
                    source_valid: a, ..
                },
                Self::Tried {
                    source_valid: b, ..
                },
            ) => a == b && self.result() == other.result(),
            _ => self == other,
        }
    }

    /// What became of a trial.
    pub(super) fn trial(&self) -> Trial {
        match *self {
            Self::Tried {
                metric,
                valid,
                source_valid,
                ..
            } => Trial::Scored(Scores {
                metric,
                target: valid,
                source: source_valid,
            }),
            Self::Failed { .. } => Trial::Failed,
            _ => Trial::Open,
        }
    }
}

/// A cell that the settings of a run ask for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellSurvey {
    /// Name of the target.
    pub target: String,
    /// Name of the method.
    pub method: String,
    /// The method's name and what differs from the suite's own settings; `None` while they are not chosen.
    pub variant: Option<String>,
    /// Seed of the transfer.
    pub seed: u64,
    /// Whether settings are chosen by it; the report compares the others.
    pub tuning: bool,
    /// How far it is.
    #[serde(flatten)]
    pub standing: Standing,
    /// Epochs that its settings ask for, of stage 1 and of the fine-tuning.
    #[serde(skip)]
    pub asked: [usize; 2],
}

/// A run as its folder shows it.
pub struct Survey {
    /// The folder.
    pub root: PathBuf,
    /// Its settings.
    pub suite: Suite,
    /// `run.json`, if measuring has begun.
    pub record: Option<RunRecord>,
    /// Where it stands.
    pub state: State,
    /// Every cell that the settings ask for, in the order in which they are run.
    pub cells: Vec<CellSurvey>,
    /// What could not be read.
    pub faults: Vec<RunError>,
}

impl Survey {
    /// Looks at the run in `root`.
    pub fn read(root: &Path) -> Result<Self, RunError> {
        let config = root.join("config.toml");
        if !is_run(root) {
            return Err(RunError::Malformed {
                path: root.into(),
                expected: "a run folder (config.toml beside run.json or run.lock)".into(),
                found: match fs::metadata(root) {
                    Ok(found) if found.is_dir() => "a folder without them".into(),
                    Ok(_) => "a file".into(),
                    Err(e) => e.to_string(),
                },
            });
        }
        let text = bounded::text(&config)?.unwrap_or_default();
        let suite = methods::parse(&text, &config.display().to_string())?;
        let plan = Plan::of(&suite)?;
        let count = plan.count();
        if count > MOST_CELLS {
            return Err(RunError::Malformed {
                path: config,
                expected: format!("at most {MOST_CELLS} cells"),
                found: format!("targets × methods × settings × seeds = {count}"),
            });
        }
        let mut faults = Vec::new();
        let record: Option<RunRecord> = told(bounded::json(&root.join("run.json")), &mut faults);
        let all = cells(root, &plan, &mut faults);
        let trained = all.iter().all(CellSurvey::is_over);
        let state = match &record {
            _ if is_held(root) => State::Running,
            Some(record) if record.state.as_deref() == Some(FINISHED) => State::Finished,
            None if trained => State::Trained,
            _ => State::Unfinished,
        };
        Ok(Self {
            root: root.into(),
            suite,
            record,
            state,
            cells: all,
            faults,
        })
    }

    /// How many cells are done.
    pub fn done(&self) -> usize {
        self.cells.iter().filter(|cell| cell.is_done()).count()
    }

    /// Whether its cells are here: of a published run the folder has only what was measured.
    pub fn has_cells(&self) -> bool {
        self.state != State::Finished || self.root.join("cells").is_dir()
    }

    /// Features of its encoders on a part of the surrogate (`train`, `test`): name and file, by name.
    pub fn features(&self, part: &str) -> Vec<(String, PathBuf)> {
        let folder = self.root.join("features");
        let encoder = |name: String| {
            let encoder = name.strip_suffix(part)?.strip_suffix('-')?;
            let file = folder.join(format!("{name}.safetensors"));
            Some((encoder.to_owned(), file))
        };
        let names = files(&folder, &["safetensors"]).into_iter();
        names.filter_map(encoder).collect()
    }

    /// Names of its tables, without their ending.
    pub fn tables(&self) -> Vec<String> {
        files(&self.root.join("tables"), &["csv"])
    }

    /// Names of its figures, without their endings.
    pub fn figures(&self) -> Vec<String> {
        files(&self.root.join("figures"), &["svg", "png"])
    }

    /// Its report, if one was written.
    pub fn report(&self) -> Option<PathBuf> {
        Some(self.root.join("report.html")).filter(|path| path.is_file())
    }
}

impl CellSurvey {
    fn of(cell: &Cell, tuning: bool, standing: Standing) -> Self {
        let settings = &cell.variant.transfer;
        Self {
            target: cell.target.name.clone(),
            method: cell.method.name.into(),
            variant: Some(cell.variant.label.clone()),
            seed: cell.seed,
            tuning,
            standing,
            asked: [settings.stage1.epochs, settings.train.epochs],
        }
    }

    /// Whether it is trained, and has the scores that it is there for.
    pub fn is_done(&self) -> bool {
        match self.standing {
            Standing::Done { .. } => true,
            Standing::Tried { .. } => self.tuning,
            _ => false,
        }
    }

    /// Whether nothing of it is left to do: settings that fail are not chosen, and that is that.
    fn is_over(&self) -> bool {
        self.is_done() || (self.tuning && matches!(self.standing, Standing::Failed { .. }))
    }
}

/// Every cell of a plan, target by target: those by which settings are chosen, then those that the report compares.
fn cells(root: &Path, plan: &Plan, faults: &mut Vec<RunError>) -> Vec<CellSurvey> {
    let mut all = Vec::new();
    for target in &plan.suite.targets {
        let mut tried = HashMap::new();
        for cell in plan.tuning(target) {
            let name = cell.name();
            let standing = tried_standing(&root.join(&name), faults);
            tried.insert(name, standing.trial());
            all.push(CellSurvey::of(&cell, true, standing));
        }
        let mut trial = |cell: &Cell| tried.get(&cell.name()).copied().unwrap_or(Trial::Open);
        for planned in plan.cells(target, &mut trial) {
            let cell = &planned.cell;
            if planned.settled {
                let standing = standing(&root.join(cell.name()), faults);
                all.push(CellSurvey::of(cell, false, standing));
            } else {
                let own = CellSurvey::of(cell, false, Standing::NotBegun);
                all.push(CellSurvey {
                    variant: None,
                    ..own
                });
            }
        }
    }
    all
}

/// Whether `root` is a run folder of ours.
pub fn is_run(root: &Path) -> bool {
    let has = |name: &str| root.join(name).is_file();
    has("config.toml") && (has("run.json") || has("run.lock"))
}

/// The run folders directly under `root`, by name, or `root` itself if it is one.
pub fn runs(root: &Path) -> Result<Vec<PathBuf>, RunError> {
    if is_run(root) {
        return Ok(vec![root.into()]);
    }
    let entries = fs::read_dir(root).map_err(|source| RunError::Io {
        path: root.into(),
        source,
    })?;
    let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    all.retain(|path| is_run(path));
    all.sort();
    Ok(all)
}

/// How far the cell in `folder` is.
pub(super) fn standing(folder: &Path, faults: &mut Vec<RunError>) -> Standing {
    let outcome: Option<Outcome> = told(bounded::json(&folder.join("cell.json")), faults);
    match outcome {
        Some(found) => Standing::Done {
            metric: found.metric,
            valid: found.valid,
            test: found.test,
            selected: found.selected,
            epochs: found.course.len(),
            seconds: found.seconds,
        },
        None => tried_standing(folder, faults),
    }
}

/// How far the cell in `folder` is as a trial of its settings.
pub(super) fn tried_standing(folder: &Path, faults: &mut Vec<RunError>) -> Standing {
    let tuned: Option<Tuned> = told(bounded::json(&folder.join("tuned.json")), faults);
    let newest = || Checkpoints::new(folder.into(), &[], Origin::default()).newest();
    match tuned {
        Some(Tuned {
            source_valid,
            outcome: found,
        }) => Standing::Tried {
            metric: found.metric,
            valid: found.valid,
            source_valid,
            selected: found.selected,
            epochs: found.course.len(),
            seconds: found.seconds,
        },
        None => {
            let failed: Option<Failure> = told(bounded::json(&folder.join("failed.json")), faults);
            match (failed, newest()) {
                (Some(Failure { why }), _) => Standing::Failed { why },
                (None, Some((stage, epoch))) => Standing::Checkpoint { stage, epoch },
                (None, None) => Standing::NotBegun,
            }
        }
    }
}

/// What was read, an error being told and counted as nothing.
fn told<T>(read: Result<Option<T>, Refused>, faults: &mut Vec<RunError>) -> Option<T> {
    read.unwrap_or_else(|fault| {
        faults.push(fault.into());
        None
    })
}

/// Names of the files in `folder` that end in one of `endings`, without them, each once.
fn files(folder: &Path, endings: &[&str]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let known = endings.contains(&path.extension()?.to_str()?) && path.is_file();
            known.then(|| path.file_stem()?.to_str().map(String::from))?
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunFolder;
    use crate::suite::definition::EMBEDDED;

    /// A folder of the demo suite, in which nothing was done.
    fn begun() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let suite = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        drop(RunFolder::open(home.path(), &suite, false).unwrap());
        home
    }

    fn outcome(root: &Path, cell: &str) {
        let path = root.join("cells").join(cell);
        fs::create_dir_all(&path).unwrap();
        let text = r#"{"target": "t", "method": "nft", "seed": 0, "valid": 0.25, "test": 0.5, "course": [], "selected": 3, "samples": [1, 1, 1],
            "shape": [1, 1, 1], "classes": 2, "seconds": 1.5}"#;
        fs::write(path.join("cell.json"), text).unwrap();
    }

    #[test]
    fn the_state_follows_from_lock_record_and_cells() {
        let home = begun();
        let root = home.path();
        let seen = Survey::read(root).unwrap();
        assert_eq!((seen.state, seen.done()), (State::Unfinished, 0));
        for cell in &seen.cells {
            outcome(
                root,
                &format!("{}-{}-{}", cell.target, cell.method, cell.seed),
            );
        }
        let seen = Survey::read(root).unwrap();
        assert_eq!((seen.state, seen.done()), (State::Trained, 18));
        let Standing::Done { selected, .. } = seen.cells[0].standing else {
            panic!("done");
        };
        assert_eq!(selected, 3);
        for (record, state) in [
            (r#"{"state": "running"}"#, State::Unfinished),
            (r#"{"state": "finished"}"#, State::Finished),
        ] {
            fs::write(root.join("run.json"), record).unwrap();
            assert_eq!(Survey::read(root).unwrap().state, state);
        }
        let suite = Survey::read(root).unwrap().suite;
        let _held = RunFolder::open(root, &suite, false).unwrap();
        assert_eq!(Survey::read(root).unwrap().state, State::Running);
    }

    #[test]
    fn damaged_records_are_told_and_count_as_absent() {
        let home = begun();
        let root = home.path();
        outcome(root, "emg-nft-0");
        outcome(root, "sound-nft-0");
        let whole = fs::read(root.join("cells/emg-nft-0/cell.json")).unwrap();
        for damaged in [&b""[..], &whole[..whole.len() / 2], b"7", b"\xff", b"null"] {
            fs::write(root.join("cells/emg-nft-0/cell.json"), damaged).unwrap();
            fs::write(root.join("run.json"), damaged).unwrap();
            let seen = Survey::read(root).unwrap();
            assert_eq!((seen.done(), seen.faults.len()), (1, 2), "{damaged:?}");
            assert_eq!(seen.state, State::Unfinished);
            assert_eq!(seen.cells[2].standing, Standing::NotBegun);
        }
    }

    #[test]
    fn settings_that_cannot_be_read_are_an_error() {
        let home = begun();
        let config = home.path().join("config.toml");
        let whole = fs::read_to_string(&config).unwrap();
        let seeds: Vec<usize> = (0..MOST_CELLS).collect();
        for damaged in [
            String::new(),
            whole[..whole.len() / 2].into(),
            whole.replace("seeds = [0, 1]", &format!("seeds = {seeds:?}")),
        ] {
            fs::write(&config, damaged).unwrap();
            assert!(Survey::read(home.path()).is_err());
        }
        fs::remove_file(&config).unwrap();
        let error = Survey::read(home.path()).err().unwrap().to_string();
        assert!(error.contains("expected a run folder"), "{error}");
        assert!(runs(home.path()).unwrap().is_empty());
    }
}
