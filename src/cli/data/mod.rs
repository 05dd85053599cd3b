//! `modalign data`: which datasets there are, how much of each is at hand, and getting the rest.

mod files;
mod list;
mod samples;
mod show;

pub use files::{needed, obtain, plan};

use super::args::DataCommand;
use super::error::CliError;

/// Runs the command.
pub fn run(command: &DataCommand) -> Result<(), CliError> {
    match command {
        DataCommand::List(args) => list::run(args),
        DataCommand::Show {
            name,
            data,
            sheet,
            reader,
        } => show::run(name, data, sheet.as_deref(), reader.as_deref()),
        DataCommand::Fetch {
            names,
            data,
            dry_run,
        } => files::fetch(names, data, *dry_run),
        DataCommand::Verify { names, data } => files::verify(names, data),
        DataCommand::Where { name, data } => files::places(name, data),
        DataCommand::Import { name, path, data } => files::import(name, path, data),
    }
}

/// A number of bytes in the unit that suits it.
pub fn bytes(count: u64) -> String {
    match count {
        n if n < 1_000 => format!("{n} B"),
        n if n < 1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        n if n < 1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        n => format!("{:.1} GB", n as f64 / 1e9),
    }
}
