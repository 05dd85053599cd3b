//! The command line: parses, calls the rooms, prints. Results go to stdout, everything else to
//! stderr.

pub mod args;
pub mod error;
mod pretrain;
mod progress;

use args::{Cli, Command};
use clap::Parser;
use error::CliError;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("modalign: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Pretrain(args) => println!("{}", pretrain::run(&args)?.display()),
    }
    Ok(())
}
