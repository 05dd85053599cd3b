//! A run that grows: more methods, seeds or targets at the same settings, in the same folder or in one made of two. What
//! is there keeps its place and its results; everything else must be equal.

use super::error::RunError;
use super::folder::RunFolder;
use super::settings;
use crate::files::bounded;
use crate::suite::definition::Suite;
use crate::table::record::{FINISHED, RunRecord};
use crate::transfer::methods;
use std::path::Path;

/// The settings of the run in `root`, which need not be there, with what `suite` adds; nothing is written.
///
/// # Errors
/// [`RunError::OtherSettings`] where more differs, and what cannot be read.
pub fn with(root: &Path, suite: &Suite) -> Result<Suite, RunError> {
    let config = root.join("config.toml");
    let Some(text) = bounded::text(&config)? else {
        return Ok(suite.clone());
    };
    let old = methods::parse(&text, &config.display().to_string())?;
    grown(&old, suite).map_err(|difference| RunError::OtherSettings {
        path: root.into(),
        difference,
    })
}

/// Methods, seeds and targets of both suites, those of `old` first.
///
/// # Errors
/// The first other setting that differs, in words.
pub fn grown(old: &Suite, more: &Suite) -> Result<Suite, String> {
    let mut whole = old.clone();
    let mut asked = more.clone();
    add(&mut whole.transfer.methods, &more.transfer.methods);
    add(&mut whole.transfer.seeds, &more.transfer.seeds);
    for target in &more.targets {
        if !whole.targets.iter().any(|known| known.name == target.name) {
            whole.targets.push(target.clone());
        }
    }
    asked.transfer.methods.clone_from(&whole.transfer.methods);
    asked.transfer.seeds.clone_from(&whole.transfer.seeds);
    // A target that both have must be the same: it is left as it was asked for.
    let own = |name: &str| more.targets.iter().find(|target| target.name == name);
    let targets = whole.targets.iter();
    asked.targets = targets
        .map(|known| own(&known.name).unwrap_or(known).clone())
        .collect();
    let differences = settings::differences(&whole, &asked).map_err(|error| error.to_string())?;
    match differences.first() {
        None => Ok(whole),
        Some(first) => Err(first.to_string()),
    }
}

fn add<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}

/// Marks a run that was finished as one in which something is left to do.
pub(super) fn reopen(folder: &RunFolder) -> Result<(), RunError> {
    let record: Option<RunRecord> = folder.read_json("run.json");
    match record {
        Some(mut record) if record.state.as_deref() == Some(FINISHED) => {
            record.state = Some("grown".into());
            folder.write_json("run.json", &record)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::survey::{State, Survey};
    use crate::suite::definition::EMBEDDED;

    #[test]
    fn methods_seeds_and_targets_are_added_and_nothing_else_may_differ() {
        let whole = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        let mut first = whole.clone();
        first.transfer.methods = vec!["nft".into()];
        first.transfer.seeds = vec![1];
        first.targets.truncate(1);
        let grown = |a: &Suite, b: &Suite| super::grown(a, b);
        let both = grown(&first, &whole).unwrap();
        assert_eq!(both.transfer.seeds, [1, 0], "what was there stays first");
        assert_eq!(both.transfer.methods[0], "nft");
        assert_eq!(both.transfer.methods.len(), whole.transfer.methods.len());
        assert_eq!(both.targets, whole.targets);
        // A part of what is there adds nothing.
        assert_eq!(grown(&both, &first).unwrap(), both);
        let mut other = first.clone();
        other.targets[0].train = 7;
        let refused = grown(&whole, &other).unwrap_err();
        assert!(refused.starts_with("targets."), "{refused}");
        other = first.clone();
        other.transfer.train.epochs += 1;
        assert!(grown(&whole, &other).unwrap_err().contains("epochs"));
    }

    #[test]
    fn a_finished_run_that_grows_is_unfinished() {
        let home = tempfile::tempdir().unwrap();
        let whole = methods::parse(EMBEDDED[0].1, "demo").unwrap();
        let mut first = whole.clone();
        first.transfer.seeds = vec![0];
        drop(RunFolder::open_grown(home.path(), &first).unwrap());
        let record = home.path().join("run.json");
        std::fs::write(&record, r#"{"state": "finished"}"#).unwrap();
        drop(RunFolder::open_grown(home.path(), &first).unwrap());
        assert_eq!(Survey::read(home.path()).unwrap().state, State::Finished);
        let (folder, found) = RunFolder::open_grown(home.path(), &whole).unwrap();
        assert_eq!(found, whole);
        drop(folder);
        assert_eq!(Survey::read(home.path()).unwrap().state, State::Unfinished);
        // Settings that are no suite are kept, and refused.
        std::fs::write(home.path().join("config.toml"), "half a fi").unwrap();
        assert!(RunFolder::open_grown(home.path(), &whole).is_err());
    }
}
