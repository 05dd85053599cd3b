//! The `modalign` command, in Python's process.

use pyo3::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

/// Runs the command with the arguments behind its name; `program` is the script that starts it. Gives the exit code.
#[pyfunction]
pub fn command(py: Python<'_>, program: PathBuf, arguments: Vec<OsString>) -> u8 {
    py.detach(|| modalign::cli::main_of(program, arguments))
}
