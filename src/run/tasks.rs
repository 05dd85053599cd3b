//! Targets that learn together, as the tasks of one transfer: what they share is trained once a method, setting and seed, in
//! `tasks/LABEL-SEED/` of the run, by whichever cell needs it first; a cell is done when its own target's tuning is taken
//! from there.
//!
//! ```text
//! tasks/mmap-0/all/         one tuning on all tasks; similarity.json grows with its epochs
//! tasks/mmap-0/groups.json  similarity of the tasks, and their groups
//! tasks/mmap-0/group-0/     what a group learned: TARGET.safetensors of each of its tasks, learned.json
//! ```
//!
//! Every part goes on from its checkpoints. A process that finds another at work on a part leaves the cell for later, as
//! one that finds the cell itself held.

use super::cell::{Cell, lock};
use super::checkpoint::Checkpoints;
use super::classes::{Learned, training};
use super::error::RunError;
use super::memory;
use super::origin::Origin;
use super::prepare::Context;
use super::progress::{Progress, steps};
use super::towers::towers;
use crate::measure::stats::mean;
use crate::model::adapters::{Settings, Tuning};
use crate::table::TaskRow;
use crate::transfer::TransferError;
use crate::transfer::methods::{Groups, Search, Together};
use crate::transfer::records::EpochRecord;
use crate::transfer::snapshot::{Checkpointer, Snapshot};
use crate::transfer::task_groups::{self, TaskGroups};
use crate::transfer::towers::{Joint, JointRequest, Named, TrainedJoint, learn, similarity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Folder of what tasks share.
pub(super) const FOLDER: &str = "tasks";

/// Folder of what the tasks of a cell share.
pub(super) fn base(cell: Cell) -> String {
    format!("{FOLDER}/{}-{}", cell.variant.label, cell.seed)
}

/// Which tasks learned together, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouping {
    /// Names of the tasks.
    pub tasks: Vec<String>,
    /// Epochs after which gradients were compared; none where all learn together.
    pub moments: Vec<usize>,
    /// Mean over moments of the cosines of the tasks' gradients, `[N, N]` row by row; empty without moments.
    pub similarity: Vec<f64>,
    /// Their standard deviation over moments; empty of fewer than two.
    pub spread: Vec<f64>,
    /// The groups.
    pub groups: TaskGroups,
    /// Seconds of the training on all tasks.
    pub seconds: f64,
}

impl Grouping {
    /// Whether a task learned with another one.
    pub fn shares(&self, task: &str) -> bool {
        let group = self.of(task).map(|group| &self.groups.groups[group]);
        group.is_some_and(|group| group.len() > 1)
    }

    /// Every pair of tasks as rows of a table.
    pub fn rows(&self, method: &str, variant: &str, seed: u64) -> Vec<TaskRow> {
        let n = self.tasks.len();
        let pairs = (0..n).flat_map(|one| (one + 1..n).map(move |other| (one, other)));
        pairs
            .map(|(one, other)| {
                let place = one * n + other;
                TaskRow {
                    method: method.into(),
                    variant: variant.into(),
                    seed,
                    task: self.tasks[one].clone(),
                    other: self.tasks[other].clone(),
                    similarity: self.similarity.get(place).copied(),
                    spread: self.spread.get(place).copied(),
                    moments: self.moments.len() as u64,
                    together: self
                        .groups
                        .groups
                        .iter()
                        .any(|group| group.contains(&one) && group.contains(&other)),
                }
            })
            .collect()
    }

    /// The group of a task, by its place.
    fn of(&self, task: &str) -> Option<usize> {
        let at = self.tasks.iter().position(|name| name == task)?;
        self.groups
            .groups
            .iter()
            .position(|group| group.contains(&at))
    }
}

/// What a group learned, as `learned.json` keeps it.
#[derive(Serialize, Deserialize)]
struct Record {
    course: Vec<EpochRecord>,
    selected: usize,
    /// Most memory that the process held meanwhile, in bytes, where the system tells.
    memory: Option<u64>,
}

/// The work of a cell whose target learns with others.
struct Work<'c, 'a> {
    context: &'c Context<'a>,
    cell: Cell<'c>,
    /// Where the parts are.
    base: String,
    origin: Origin,
}

/// What a cell's target learned with others.
pub(super) fn learned(
    context: &Context,
    cell: Cell,
    together: Together,
    progress: &mut dyn Progress,
) -> Result<Learned, RunError> {
    let work = Work {
        context,
        cell,
        base: base(cell),
        origin: context
            .origins
            .transfer(context.suite, cell.target, cell.method)
            .with("settings of what is learned together", &settings(cell)?),
    };
    let tasks: Vec<&Named> = context
        .targets
        .iter()
        .filter_map(|target| target.named.as_ref())
        .collect();
    let fresh = work.request(&tasks, together.own)?.verified()?;
    if let Some(ids) = context.class_ids {
        ids.check(&fresh)?;
    }
    if let Groups::Similar(Search {
        exactly: Some(groups),
        ..
    }) = together.groups
        && groups > tasks.len()
    {
        return Err(TransferError::Setting {
            setting: "mmap.groups",
            expected: format!("at most {}, the number of targets", tasks.len()),
            found: groups.to_string(),
        }
        .into());
    }
    if tasks.len() == 1 {
        let (title, method) = (&cell.target.title, cell.method.title);
        progress.tell(&format!(
            "{title}: {method} learns it alone, as the run has no other target of classes"
        ));
    }
    let grouping = match together.groups {
        Groups::All => together_all(&tasks),
        Groups::Similar(_) if tasks.len() == 1 => together_all(&tasks),
        Groups::Similar(search) => work.grouping(&tasks, search, progress)?,
    };
    let Some(group) = grouping.of(&cell.target.name) else {
        return Err(RunError::Unfit {
            what: format!("tasks that {} learns with", cell.target.name),
            expected: "itself among them".into(),
            found: grouping.tasks.join(", "),
        });
    };
    let members: Vec<&Named> = grouping.groups.groups[group]
        .iter()
        .map(|task| tasks[*task])
        .collect();
    let Record {
        course,
        selected,
        memory,
    } = work.group(group, &members, together.own, progress)?;
    let loaded = towers(context)?;
    let path = work.tuning(group, &cell.target.name);
    let tuning = Tuning::load(&path, &loaded.config, &loaded.towers, None)?;
    let whole = course.last().map_or(0.0, |epoch| epoch.seconds);
    Ok(Learned {
        tuning,
        selected,
        memory,
        // Its part of what several learned.
        seconds: grouping.seconds / tasks.len() as f64 + whole / members.len() as f64,
        course,
        tasks: Some(grouping),
    })
}

/// The settings that decide what tasks learn, as text.
fn settings(cell: Cell) -> Result<String, RunError> {
    let mut own = cell.variant.transfer.clone();
    // Which cells there are decides nothing here.
    (own.methods, own.seeds) = (Vec::new(), Vec::new());
    own.method_settings
        .0
        .retain(|name, _| name == cell.method.name);
    serde_json::to_string(&own).map_err(|error| RunError::Unfit {
        what: format!("settings of {}", cell.method.name),
        expected: "settings that can be written".into(),
        found: error.to_string(),
    })
}

/// All tasks in one group.
fn together_all(tasks: &[&Named]) -> Grouping {
    Grouping {
        tasks: tasks.iter().map(|task| task.name.clone()).collect(),
        moments: Vec::new(),
        similarity: Vec::new(),
        spread: Vec::new(),
        groups: TaskGroups {
            groups: vec![(0..tasks.len()).collect()],
            score: 0.0,
            exact: true,
            upper_bound: 0.0,
        },
        seconds: 0.0,
    }
}

impl<'c> Work<'c, '_> {
    /// File of what a group learned for one of its tasks.
    fn tuning(&self, group: usize, task: &str) -> PathBuf {
        let folder = self.context.folder.path(&self.base);
        folder.join(format!("group-{group}/{task}.safetensors"))
    }

    fn request(
        &self,
        tasks: &[&Named],
        own: Option<Settings>,
    ) -> Result<JointRequest<'c>, RunError> {
        let loaded = towers(self.context)?;
        let few = tasks.iter().map(|task| training(self.cell, task));
        Ok(JointRequest {
            settings: &self.cell.variant.transfer,
            towers: &loaded.towers,
            config: &loaded.config,
            tasks: few.collect::<Result<_, _>>()?,
            shared: self.cell.method.tuning(&self.cell.variant.transfer)?,
            own,
            seed: self.cell.seed,
        })
    }

    fn train(
        &self,
        title: &str,
        request: &JointRequest,
        checkpoints: &mut dyn Checkpointer<Joint>,
        progress: &mut dyn Progress,
    ) -> Result<TrainedJoint, RunError> {
        let (label, seed) = (&self.cell.variant.label, self.cell.seed);
        progress.begin(
            &format!("{label} · seed {seed} · {title}"),
            request.settings.train.epochs,
        );
        let done = learn(request, checkpoints, &mut steps(progress))?;
        progress.end();
        Ok(done)
    }

    /// The groups of the tasks, found before or now.
    fn grouping(
        &self,
        tasks: &[&Named],
        search: Search,
        progress: &mut dyn Progress,
    ) -> Result<Grouping, RunError> {
        let record = format!("{}/groups.json", self.base);
        let known = || self.context.recall(&record, &self.origin);
        if let Some(found) = known() {
            return Ok(found);
        }
        let folder = format!("{}/all", self.base);
        let _lock = lock(self.context.folder, &folder)?;
        if let Some(found) = known() {
            return Ok(found);
        }
        let request = self.request(tasks, None)?;
        let place = self.context.folder.path(&folder);
        let mut following = Following {
            checkpoints: Checkpoints::new(place.clone(), &[], self.origin.clone()),
            record: place.join("similarity.json"),
            moments: moments(request.settings.train.epochs, search.moments),
            found: BTreeMap::new(),
            request: &request,
        };
        let title = format!("one for all {} tasks", tasks.len());
        let done = self.train(&title, &request, &mut following, progress)?;
        if following.found.is_empty() {
            // It stopped before the first moment.
            let now = similarity(&request, &done.joint)?;
            following.found.insert(done.selected, now);
        }
        let found = grouped(tasks, search, &following.found, &done)?;
        self.context.keep(&record, self.origin.clone(), &found)?;
        following.checkpoints.clear();
        Ok(found)
    }

    /// What a group learns, learned before or now.
    fn group(
        &self,
        group: usize,
        tasks: &[&Named],
        own: Option<Settings>,
        progress: &mut dyn Progress,
    ) -> Result<Record, RunError> {
        let folder = format!("{}/group-{group}", self.base);
        let record = format!("{folder}/learned.json");
        let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
        let origin = self.origin.clone();
        let origin = origin.with("targets of the group", &names.join("\n"));
        let there = || {
            tasks
                .iter()
                .all(|task| self.tuning(group, &task.name).is_file())
        };
        let known = || {
            self.context
                .recall(&record, &origin)
                .filter(|_: &Record| there())
        };
        if let Some(found) = known() {
            return Ok(found);
        }
        let _lock = lock(self.context.folder, &folder)?;
        if let Some(found) = known() {
            return Ok(found);
        }
        let request = self.request(tasks, own)?;
        let place = self.context.folder.path(&folder);
        let mut checkpoints = Checkpoints::new(place.clone(), &[], origin.clone());
        let counted = memory::forget_peak();
        let done = self.train(&names.join(", "), &request, &mut checkpoints, progress)?;
        std::fs::create_dir_all(&place).map_err(|source| RunError::Io {
            path: place.clone(),
            source,
        })?;
        for (index, task) in tasks.iter().enumerate() {
            done.joint
                .of_task(index)?
                .save(&self.tuning(group, &task.name))?;
        }
        let found = Record {
            course: done.course,
            selected: done.selected,
            memory: counted.then(memory::peak).flatten(),
        };
        self.context.keep(&record, origin, &found)?;
        checkpoints.clear();
        Ok(found)
    }
}

/// Epochs after which gradients are compared: `count` of them, evenly spaced, the last among them.
fn moments(epochs: usize, count: usize) -> Vec<usize> {
    let count = count.clamp(1, epochs.max(1));
    let mut all: Vec<usize> = (1..=count).map(|i| (i * epochs).div_ceil(count)).collect();
    all.dedup();
    all
}

/// The groups by the cosines of the tasks' gradients at every moment.
fn grouped(
    tasks: &[&Named],
    search: Search,
    found: &BTreeMap<usize, Vec<f64>>,
    done: &TrainedJoint,
) -> Result<Grouping, RunError> {
    let n = tasks.len();
    let at = |place: usize| -> Vec<f64> { found.values().map(|cosines| cosines[place]).collect() };
    let similarity: Vec<f64> = (0..n * n).map(|place| mean(&at(place))).collect();
    let spread = |place: usize| {
        let values = at(place);
        let middle = mean(&values);
        let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
        (squares / (values.len() - 1) as f64).sqrt()
    };
    Ok(Grouping {
        tasks: tasks.iter().map(|task| task.name.clone()).collect(),
        moments: found.keys().copied().collect(),
        groups: task_groups::group(&similarity, n, search.criterion, search.exactly)?,
        spread: if found.len() < 2 {
            Vec::new()
        } else {
            (0..n * n).map(spread).collect()
        },
        similarity,
        seconds: done.course.last().map_or(0.0, |epoch| epoch.seconds),
    })
}

/// Checkpoints of the training on all tasks that compare gradients at moments. What was compared is kept by epoch, so that
/// a training that goes on from a checkpoint has what an undisturbed one has.
struct Following<'r> {
    checkpoints: Checkpoints,
    record: PathBuf,
    moments: Vec<usize>,
    found: BTreeMap<usize, Vec<f64>>,
    request: &'r JointRequest<'r>,
}

impl Checkpointer<Joint> for Following<'_> {
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
        let snapshot = Checkpointer::<Joint>::load(&mut self.checkpoints)?;
        let done = snapshot.as_ref().map_or(0, |snapshot| snapshot.epoch);
        let kept = std::fs::read(&self.record).ok();
        let kept: Option<BTreeMap<usize, Vec<f64>>> =
            kept.and_then(|text| serde_json::from_slice(&text).ok());
        self.found = kept.unwrap_or_default();
        self.found.retain(|epoch, _| *epoch <= done);
        let lacks = |epoch: &usize| *epoch <= done && !self.found.contains_key(epoch);
        // What was compared is gone: the training begins anew.
        if self.moments.iter().any(lacks) {
            self.found.clear();
            return Ok(None);
        }
        Ok(snapshot)
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError> {
        Checkpointer::<Joint>::save(&mut self.checkpoints, snapshot)
    }

    fn epoch(&mut self, epoch: usize, joint: &Joint) -> Result<(), TransferError> {
        if !self.moments.contains(&epoch) {
            return Ok(());
        }
        self.found.insert(epoch, similarity(self.request, joint)?);
        let text = serde_json::to_vec(&self.found).expect("epochs are keys");
        let path = self.record.clone();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| TransferError::Io {
                path: folder.into(),
                source,
            })?;
        }
        crate::files::atomic::write(&path, &text)
            .map_err(|source| TransferError::Io { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_evenly_spaced_and_end_with_the_training() {
        assert_eq!(moments(10, 5), [2, 4, 6, 8, 10]);
        assert_eq!(moments(5, 10), [1, 2, 3, 4, 5]);
        assert_eq!(moments(7, 3), [3, 5, 7]);
        assert_eq!(moments(1, 1), [1]);
    }
}
