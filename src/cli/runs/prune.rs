//! `modalign runs prune`: the models that a run needs no more, discarded or only counted.

use crate::cli::data::bytes;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::words::print_json;
use crate::run::prune::prune;
use serde_json::json;
use std::path::Path;

/// Discards them, or with `dry` says which they are.
pub fn run(root: &Path, dry: bool, as_json: bool) -> Result<(), CliError> {
    let found = prune(root, dry)?;
    if as_json {
        return print_json(&json!({
            "discarded": !dry,
            "cells": found.cells,
            "bytes": found.bytes,
            "needed": found.needed,
        }));
    }
    let verb = if dry {
        "would be discarded"
    } else {
        "discarded"
    };
    let (count, size) = (found.cells.len(), bytes(found.bytes));
    print(
        format!(
            "models of {count} transfers {verb}: {size}\n{} are still needed\n",
            found.needed
        )
        .as_bytes(),
    )
}
