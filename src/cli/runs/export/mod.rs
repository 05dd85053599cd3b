//! `modalign runs export`: a run for trackers of experiments.

mod mlflow;
mod tensorboard;

use crate::cli::error::CliError;
use crate::run::tracked::Tracked;
use std::path::Path;

/// Exports the run in `root`; prints where to.
pub fn run(root: &Path, to: &[String], experiment: Option<&str>) -> Result<(), CliError> {
    match to {
        [tracker, place] if tracker == "tensorboard" => {
            tensorboard::write(&Tracked::read(root)?, Path::new(place))
        }
        [tracker, place] if tracker == "mlflow" => {
            mlflow::send(&Tracked::read(root)?, root, place, experiment)
        }
        _ => Err(CliError::Usage {
            what: "--to".into(),
            expected: "tensorboard DIR or mlflow URI".into(),
            found: to.join(" "),
        }),
    }
}
