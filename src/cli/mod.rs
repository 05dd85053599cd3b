//! The command line: parses, calls the rooms, prints. Results go to stdout, everything else to
//! stderr.

pub mod args;
mod compare;
mod data;
mod doctor;
pub mod error;
mod export;
mod extract;
mod figures;
mod images;
mod measure;
mod models;
mod pretrain;
mod progress;
mod report;
mod runs;
mod spread;
mod tensor;
mod train;
mod words;

use crate::model::device::fault;
use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use error::CliError;
use std::io::Write;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let device = cli.command.device().to_owned();
    let done = fault::guarded(&device, || run(cli)).map_err(CliError::from);
    match done.flatten() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("modalign: {}", words::clean_lines(&error.to_string()));
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, CliError> {
    match cli.command {
        Command::Report(args) => report::run(&args)?,
        Command::Figures(args) => {
            for path in figures::run(&args)? {
                println!("{}", path.display());
            }
        }
        Command::Compare(args) => compare::run(&args)?,
        Command::Train(args) => train::train(&args)?,
        Command::Sweep(args) => train::sweep(&args)?,
        Command::Pretrain(args) => println!("{}", pretrain::run(&args)?.display()),
        Command::Runs(command) => return runs::run(&command),
        Command::Extract(args) => extract::run(&args)?,
        Command::Probe(args) => measure::probe::run(&args)?,
        Command::Tsne(args) => measure::tsne::run(&args)?,
        Command::Discrepancy(args) => measure::discrepancy::run(&args)?,
        Command::Data(command) => data::run(&command)?,
        Command::Models(command) => models::run(&command)?,
        Command::Export(args) => println!("{}", export::run(&args)?.display()),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "modalign",
                &mut std::io::stdout(),
            );
        }
        Command::Man => man()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints on stdout; a reader that has seen enough and went away is no error.
fn print(bytes: &[u8]) -> Result<(), CliError> {
    match std::io::stdout().write_all(bytes) {
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::Io {
            path: "stdout".into(),
            source,
        }),
        _ => Ok(()),
    }
}

/// The manual page: the overview, then a page for every verb.
fn man() -> Result<(), CliError> {
    let mut command = Cli::command();
    command.build();
    let mut out = Vec::new();
    let io = |source| CliError::Io {
        path: "stdout".into(),
        source,
    };
    clap_mangen::Man::new(command.clone())
        .render(&mut out)
        .map_err(io)?;
    for verb in command.get_subcommands() {
        let title = format!("modalign-{}", verb.get_name());
        clap_mangen::Man::new(verb.clone())
            .title(title)
            .render(&mut out)
            .map_err(io)?;
    }
    print(&out)
}
