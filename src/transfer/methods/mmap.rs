//! MmAP (Xin et al., AAAI 2024): prompts of both towers from one source prompt by Kronecker products, a prompt for a group of
//! tasks and one for each task. There is no public code; what the paper does not say is a setting here, and the defaults
//! are ours (see `docs/methods.md`).
//!
//! 1. One prompt is trained on all tasks; at moments evenly spaced over the training the gradients of the tasks' losses are
//!    taken over their whole training parts, and the mean of their cosines is the tasks' similarity.
//! 2. The partition of the tasks with the largest similarity within groups is chosen.
//! 3. A group's prompt and a prompt of each task, joined, are trained together from new values.

#[cfg(feature = "train")]
use super::{Groups, Search, Together};
use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{PromptShape, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// Prompts for groups of tasks.
pub const METHOD: Method = Method {
    name: "mmap",
    title: "MmAP",
    phrase: "MmAP",
    role: Role::Proposed,
    what: "Trains prompts of both towers from one source prompt: one for a group of tasks whose gradients agree, and one for \
           each task; the towers stay as they were pretrained.",
    citation: "Xin et al., AAAI 2024",
    contrast: Some("maple"),
    note: Some((
        "MmAP: what is ours",
        "The paper gives no code, no sizes of its prompts, no place where they enter, no initial values and no way to search \
         groups. Ours are: prompts where MaPLe has them, a group's before a task's; 4 tokens by a source prompt of 2 × 2; \
         similarity over whole training parts at moments evenly spaced over the epochs; all partitions of up to eight tasks, \
         by the sum of similarities within groups.",
    )),
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| Ok(Tuned::Mmap(shape(transfer)?)))),
    together: Some(stage!(|transfer| {
        let own: Settings = METHOD.read_settings(transfer)?;
        if own.moments == 0 {
            return Err(super::TransferError::Setting {
                setting: "mmap.moments",
                expected: "at least 1".into(),
                found: "0".into(),
            });
        }
        let one = Tuned::Mmap(shape(transfer)?);
        let groups = match own.tasks {
            Tasks::Alone => return Ok(None),
            Tasks::All => Groups::All,
            Tasks::Similar => Groups::Similar(Search {
                criterion: own.criterion,
                exactly: (own.groups > 0).then_some(own.groups),
                moments: own.moments,
            }),
        };
        Ok(Some(Together {
            groups,
            own: Some(one),
        }))
    })),
    ..Method::OF_CLASSES
};

#[cfg(feature = "train")]
fn shape(
    transfer: &crate::suite::definition::Transfer,
) -> Result<PromptShape, super::TransferError> {
    let own: Settings = METHOD.read_settings(transfer)?;
    Ok(PromptShape {
        rows: own.rows,
        columns: own.columns,
        tokens: own.tokens,
        depth: (own.depth > 0).then_some(own.depth),
        std: own.std,
        joined: 1,
    })
}

/// Which tasks learn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tasks {
    /// Those whose gradients agree, in groups.
    #[default]
    Similar,
    /// All of them, in one group.
    All,
    /// None: one prompt a task.
    Alone,
}

/// What a partition of tasks is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupCriterion {
    /// Sum of the similarities of all pairs within groups: a task alone adds 0.
    #[default]
    SumOfPairs,
    /// Mean over tasks of the mean similarity to the others of its group: a task alone has 0.
    MeanOverTasks,
}

/// `[transfer.mmap]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// m: rows of the source prompt; they divide the tokens.
    pub rows: usize,
    /// n: columns of the source prompt; they divide the widths of both towers.
    pub columns: usize,
    /// b: tokens of a prompt.
    pub tokens: usize,
    /// Layers that have prompts, from the first; 0 = all.
    pub depth: usize,
    /// Standard deviation of a prompt's values at the start.
    pub std: f32,
    /// Which tasks learn together: `similar` ones in groups, `all` in one group, or each `alone` with one prompt.
    pub tasks: Tasks,
    /// What a partition into groups is judged by: `sum-of-pairs` or `mean-over-tasks`.
    pub criterion: GroupCriterion,
    /// How many groups there are; 0 = as many as are best.
    pub groups: usize,
    /// Moments at which gradients are compared, evenly spaced over the epochs of the training on all tasks and at most one
    /// an epoch.
    pub moments: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rows: 2,
            columns: 2,
            tokens: 4,
            depth: 0,
            std: 0.02,
            tasks: Tasks::Similar,
            criterion: GroupCriterion::SumOfPairs,
            groups: 0,
            moments: 10,
        }
    }
}
