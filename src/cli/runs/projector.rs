//! `modalign runs projector`: the features that a run kept of its encoders, written for TensorBoard's
//! embedding projector.

use super::clean;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::words::print_json;
use crate::feature::{file, projector};
use crate::run::RunError;
use crate::run::survey::Survey;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Which samples a balanced part takes; the same of every encoder.
const SEED: u64 = 0;

/// Writes the features of a run on `part` of its surrogate into `out`.
pub fn run(
    root: &Path,
    out: &Path,
    part: &str,
    samples: Option<usize>,
    as_json: bool,
) -> Result<(), CliError> {
    let kept = Survey::read(root)?.features(part);
    if kept.is_empty() {
        return Err(CliError::Run(RunError::Malformed {
            path: root.join("features"),
            expected: format!("features of encoders, ENCODER-{part}.safetensors"),
            found: "none; modalign report keeps them as it measures".into(),
        }));
    }
    let read = |(name, path): &(String, PathBuf)| {
        projector::Embedding::new(name, file::read(path)?, samples, SEED)
    };
    let embeddings = kept.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    projector::write(out, &embeddings)?;
    if as_json {
        let field = |e: &projector::Embedding| json!({ "name": e.name, "samples": e.set.len(), "dim": e.set.dim() });
        let all: Vec<_> = embeddings.iter().map(field).collect();
        return print_json(&json!({ "out": out, "embeddings": all }));
    }
    let config = out.join(projector::CONFIG).display().to_string();
    print(format!("{}\n", clean(&config)).as_bytes())
}
