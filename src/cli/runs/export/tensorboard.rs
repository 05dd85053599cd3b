//! A run as event files of TensorBoard: a folder a cell with one file, which is replaced as a whole.

use crate::cli::error::CliError;
use crate::files::atomic;
use crate::files::events::{self, Scalar};
use crate::run::tracked::Tracked;
use std::path::Path;

/// Its name is always the same, so that a later export replaces it.
const FILE: &str = "events.out.tfevents.0.modalign";

/// Writes the cells into folders below `out`; prints `out`.
pub fn write(run: &Tracked, out: &Path) -> Result<(), CliError> {
    for cell in &run.cells {
        let scalars: Vec<Scalar> = cell
            .points
            .iter()
            .map(|point| Scalar {
                tag: point.tag.clone(),
                step: point.epoch as i64,
                time: run.began + point.seconds,
                value: point.value as f32,
            })
            .collect();
        let path = out.join(&cell.name).join(FILE);
        let written = atomic::write(&path, &events::file(&scalars));
        written.map_err(|source| CliError::Io { path, source })?;
    }
    eprintln!(
        "{} cells; tensorboard --logdir {} shows them",
        run.cells.len(),
        out.display()
    );
    println!("{}", out.display());
    Ok(())
}
