//! `modalign runs merge`: one run of several.

use crate::cli::error::CliError;
use crate::cli::words::print_json;
use crate::run::merge::merge;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Merges `runs` into `out`; prints the new folder.
pub fn run(runs: &[PathBuf], out: &Path, as_json: bool) -> Result<(), CliError> {
    let merged = merge(runs, out)?;
    if as_json {
        return print_json(&json!({ "run": out, "merged": merged }));
    }
    eprintln!(
        "{0} cells of {1} are done; measures and report: modalign report --suite {2}/config.toml --out {2}",
        merged.done,
        merged.expected,
        out.display()
    );
    println!("{}", out.display());
    Ok(())
}
