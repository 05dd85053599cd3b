//! What a run does not have, and why: pairs of a target and a method that are not defined, known before
//! the first cell is trained, and cells that failed. Neither keeps the others from being trained,
//! measured and reported.

use super::cell::{Cell, Outcome, Tuned};
use super::error::RunError;
use super::folder::RunFolder;
use super::prepare::Context;
use super::progress::Progress;
use crate::dataset::{DatasetError, Reader, TargetShape};
use crate::feature::FeatureError;
use crate::model::ModelError;
use crate::model::device::fault::guarded;
use crate::suite::dataset::DatasetSpec;
use crate::suite::definition::{Head, Suite};
use crate::suite::task::TargetKind;
use crate::transfer::TransferError;
use crate::transfer::methods::{self, Method};

/// What became of a cell.
pub enum Done {
    /// It is trained and tested; whether it had been before.
    Trained(Box<Outcome>, bool),
    /// It is trained, and scored on validation parts.
    Tried(Box<Tuned>),
    /// Another process works on it.
    Elsewhere,
    /// Its method is not defined for the target; why.
    Undefined(String),
    /// It failed; why.
    Failed(String),
    /// It failed as a trial of settings, which then are not chosen; why.
    Untried(String),
}

/// What became of a cell, an error that is its own among it: it is told and written down.
///
/// # Errors
/// Those that end the run.
pub fn ended(
    cell: &Cell,
    folder: &RunFolder,
    result: Result<Done, RunError>,
    progress: &mut dyn Progress,
) -> Result<Done, RunError> {
    match result {
        Err(RunError::Locked { .. }) => Ok(Done::Elsewhere),
        Err(RunError::Undefined { why, .. }) => {
            progress.skip(&format!("{}: not defined: {why}", cell.title()));
            Ok(Done::Undefined(why))
        }
        Err(error) if is_of_cell(&error) => {
            progress.skip(&format!("{}: failed: {error}", cell.title()));
            Ok(Done::Failed(cell.fail(folder, &error)?.why))
        }
        other => other,
    }
}

/// Does a cell's work on the device; that the device has no room for it becomes the cell's error.
pub(super) fn on_device<T>(
    context: &Context,
    work: impl FnOnce() -> Result<T, RunError>,
) -> Result<T, RunError> {
    guarded(context.device_name, work)
        .map_err(RunError::from)
        .flatten()
}

/// Whether an error is one cell's own: a loss that diverged, outputs that no measure takes, data of
/// its target that cannot be read, a device without room for it. Everything else (an interrupt, a full disk, a lost device, a lock)
/// ends the run.
pub fn is_of_cell(error: &RunError) -> bool {
    match error {
        RunError::Measure { .. } | RunError::Unfit { .. } => true,
        RunError::Dataset(error) => !matches!(error, DatasetError::Io { .. }),
        RunError::Model(error) => of_model(error),
        RunError::Feature(error) => !matches!(error, FeatureError::Io { .. }),
        RunError::Transfer(error) => match error {
            TransferError::Dataset(error) => !matches!(error, DatasetError::Io { .. }),
            TransferError::Model(error) => of_model(error),
            TransferError::Feature(error) => !matches!(error, FeatureError::Io { .. }),
            TransferError::Io { .. } | TransferError::Interrupted => false,
            _ => true,
        },
        _ => false,
    }
}

fn of_model(error: &ModelError) -> bool {
    match error {
        // What is too large for the device is too large for it next time; a lost device is nobody's fault.
        ModelError::Fault { what, .. } => what.contains("micro_batch"),
        ModelError::Io { .. } | ModelError::Device { .. } => false,
        _ => true,
    }
}

/// Why `method` is not defined for a target of a suite, as far as its reader tells.
pub fn undefined(suite: &Suite, spec: &DatasetSpec, method: &Method) -> Option<String> {
    if by_texts(suite, spec) {
        return method.undefined_by_texts().map(String::from);
    }
    method.undefined(match Reader::named(&spec.reader)?.target {
        TargetKind::Labels => TargetShape::Class,
        TargetKind::MultiHot => TargetShape::MultiHot,
        TargetKind::Dense => TargetShape::Field([0; 3]),
        TargetKind::Pairs => TargetShape::Captions,
    })
}

/// Whether the classes of a target are told apart by their texts.
pub fn by_texts(suite: &Suite, spec: &DatasetSpec) -> bool {
    let labels =
        Reader::named(&spec.reader).is_some_and(|reader| reader.target == TargetKind::Labels);
    labels && suite.transfer.head == Head::Texts && spec.encoder.is_none()
}

/// Every pair of a target and a method of a suite that is not defined, and why, as far as readers
/// tell.
pub fn pairs(suite: &Suite) -> Vec<(&DatasetSpec, &'static Method, String)> {
    let each = |spec| {
        let methods = methods::of(&suite.transfer).into_iter();
        methods.filter_map(move |method| Some((spec, method, undefined(suite, spec, method)?)))
    };
    suite.targets.iter().flat_map(each).collect()
}

/// The same in sentences.
pub fn notes(suite: &Suite) -> Vec<String> {
    let note = |(target, method, why): (&DatasetSpec, &Method, String)| {
        format!("{} at {}: not defined, {why}.", method.name, target.title)
    };
    pairs(suite).into_iter().map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plan::Plan;
    use crate::suite::definition::EMBEDDED;

    #[test]
    fn no_embedded_suite_has_a_cell_that_is_not_defined() {
        let mut found = Vec::new();
        for (name, text) in EMBEDDED {
            let mut suite = methods::parse(text, name).unwrap();
            // Which settings are chosen says nothing of what is defined.
            suite.tuning = Default::default();
            let plan = Plan::of(&suite).unwrap();
            for target in &suite.targets {
                for planned in plan.cells(target, &mut |_| panic!("nothing is tried")) {
                    let cell = planned.cell;
                    assert_eq!(
                        undefined(&suite, target, cell.method),
                        None,
                        "{name} {}",
                        cell.name()
                    );
                }
            }
            for (target, method, why) in pairs(&suite) {
                assert!(why.contains("between classes"), "{why}");
                found.push((name.to_string(), target.name.clone(), method));
            }
        }
        let fsd = found.iter().find(|(suite, target, method)| {
            suite == "paper-figures" && target == "fsd50k" && *method == &methods::orca::METHOD
        });
        assert!(fsd.is_some(), "{found:?}");
    }

    #[test]
    fn a_diverged_loss_is_one_cells_and_an_interrupt_ends_the_run() {
        let diverged = TransferError::Diverged {
            epoch: 1,
            step: 2,
            loss: f64::NAN,
        };
        assert!(is_of_cell(&diverged.into()));
        assert!(!is_of_cell(&TransferError::Interrupted.into()));
        let full = std::io::Error::other("full");
        let full = TransferError::Io {
            path: "x".into(),
            source: full,
        };
        assert!(!is_of_cell(&full.into()));
        let fault = |said: &str| {
            let work = || -> () { panic!("{said}") };
            RunError::from(guarded("wgpu", work).unwrap_err())
        };
        assert!(is_of_cell(&fault("Out of Memory")));
        assert!(!is_of_cell(&fault("the device was lost")));
    }
}
