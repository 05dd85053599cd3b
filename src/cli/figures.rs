//! `modalign figures`: redraws the figures of a finished run from its tables, byte for byte.

use super::args::FiguresArgs;
use super::error::CliError;
use crate::figure::{self, Format};
use std::path::PathBuf;

/// Draws and returns the files that were written.
pub fn run(args: &FiguresArgs) -> Result<Vec<PathBuf>, CliError> {
    let out = args.out.clone().unwrap_or_else(|| args.run.join("figures"));
    let formats = if args.format.is_empty() {
        Format::ALL.to_vec()
    } else {
        args.format.clone()
    };
    let only = (!args.only.is_empty()).then_some(args.only.as_slice());
    Ok(figure::draw(
        &args.run.join("tables"),
        &out,
        &formats,
        only,
    )?)
}
