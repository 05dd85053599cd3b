//! `modalign figures`: redraws the figures of a finished run from its tables, byte for byte, or for
//! another page: a dark one, or one of a given width.

use super::args::FiguresArgs;
use super::error::CliError;
use crate::figure::print::SMALLEST_TEXT;
use crate::figure::{Format, Print};
use crate::report;
use std::path::PathBuf;

/// Draws and returns the files that were written.
pub fn run(args: &FiguresArgs) -> Result<Vec<PathBuf>, CliError> {
    let print = Print {
        theme: args.theme,
        width: args.width,
    };
    // The report's own figures stay as they are.
    let folder = || args.run.join(format!("figures{}", print.suffix()));
    let out = args.out.clone().unwrap_or_else(folder);
    let formats = if args.format.is_empty() {
        Format::ALL.to_vec()
    } else {
        args.format.clone()
    };
    let only = (!args.only.is_empty()).then_some(args.only.as_slice());
    let drawn = report::draw_for(&args.run.join("tables"), &out, &formats, only, print)?;
    let mut told = None;
    for figure in &drawn {
        let small = figure.smallest_text.filter(|size| *size < SMALLEST_TEXT);
        if let (Some(size), true) = (small, told != Some(figure.number)) {
            told = Some(figure.number);
            eprintln!(
                "figure {} ({}): its smallest text is {size:.1} pt at this width; {SMALLEST_TEXT} pt is readable",
                figure.number, figure.name
            );
        }
    }
    Ok(drawn.into_iter().map(|drawn| drawn.path).collect())
}
