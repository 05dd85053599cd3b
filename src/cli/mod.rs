//! The command line: parses, calls the rooms, prints. Results go to stdout, everything else to
//! stderr.

/// Lines on stdout that cannot panic, in every module below.
macro_rules! println {
    ($($text:tt)*) => {
        $crate::cli::out::line(format_args!($($text)*))
    };
}

/// Lines on stderr that cannot panic, in every module below.
macro_rules! eprintln {
    ($($text:tt)*) => {
        $crate::cli::out::tell_line(format_args!($($text)*))
    };
}

pub mod args;
mod compare;
#[cfg(feature = "train")]
mod data;
#[cfg(feature = "train")]
mod doctor;
pub mod error;
#[cfg(feature = "train")]
mod export;
#[cfg(feature = "train")]
mod extract;
mod figures;
#[cfg(feature = "train")]
mod images;
mod measure;
#[cfg(feature = "train")]
mod models;
mod out;
#[cfg(feature = "train")]
mod pretrain;
mod progress;
mod report;
#[cfg(feature = "train")]
mod retrieval;
#[cfg(feature = "train")]
mod runs;
mod signals;
#[cfg(feature = "train")]
mod sweep;
#[cfg(feature = "train")]
mod tensor;
#[cfg(feature = "train")]
mod tensor_file;
#[cfg(feature = "train")]
mod towers;
#[cfg(feature = "train")]
mod train;
mod words;
#[cfg(feature = "train")]
mod zeroshot;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use error::CliError;
use out::print;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

/// What another process was started with that runs this program, where it is not the process's own.
static HOST: OnceLock<Host> = OnceLock::new();

/// A process that runs this program: Python's, with the console script of the wheel.
struct Host {
    // Sweeps start it anew, which are not in a build without training.
    #[cfg_attr(not(feature = "train"), allow(dead_code))]
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::from(run_with(std::env::args_os()))
}

/// Runs the program inside another one's process, once: `program` is the file that starts it anew, as a sweep does,
/// `arguments` are those behind its name. Gives the exit code.
pub fn main_of(program: PathBuf, arguments: Vec<OsString>) -> u8 {
    let host = Host { program, arguments };
    let host = HOST.get_or_init(|| host);
    let name = OsString::from("modalign");
    run_with([name].into_iter().chain(host.arguments.iter().cloned()))
}

/// The file that starts this program.
///
/// # Errors
/// [`CliError::Io`] where the system does not tell.
#[cfg(feature = "train")]
fn program() -> Result<PathBuf, CliError> {
    match HOST.get() {
        Some(host) => Ok(host.program.clone()),
        None => std::env::current_exe().map_err(|source| CliError::Io {
            path: "the program itself".into(),
            source,
        }),
    }
}

/// The arguments behind the program's name.
#[cfg(feature = "train")]
fn arguments() -> Vec<OsString> {
    match HOST.get() {
        Some(host) => host.arguments.clone(),
        None => std::env::args_os().skip(1).collect(),
    }
}

fn run_with(words: impl IntoIterator<Item = OsString>) -> u8 {
    let done = match Cli::try_parse_from(words) {
        Ok(cli) => guarded(cli),
        // Help and version are asked for and go to stdout.
        Err(shown) if !shown.use_stderr() => Ok(help(&shown).map(|()| 0)),
        Err(refused) => {
            // Nothing is left to be told if stderr is closed.
            let _ = refused.print();
            Ok(Ok(u8::try_from(refused.exit_code()).unwrap_or(2)))
        }
    };
    let told = out::finish();
    match done.flatten().and_then(|code| told.map(|()| code)) {
        Ok(code) => code,
        Err(error) => {
            let text = words::clean_lines(&error.to_string());
            // Nothing is left to be told if stderr is closed.
            let _ = writeln!(std::io::stderr(), "modalign: {text}");
            error.exit_code()
        }
    }
}

/// Runs a command; a panic of its device's runtime becomes an error.
#[cfg(feature = "train")]
fn guarded(cli: Cli) -> Result<Result<u8, CliError>, CliError> {
    let device = cli.command.device().to_owned();
    crate::model::device::fault::guarded(&device, || run(cli)).map_err(CliError::from)
}

/// Runs a command.
#[cfg(not(feature = "train"))]
fn guarded(cli: Cli) -> Result<Result<u8, CliError>, CliError> {
    Ok(run(cli))
}

/// Prints help or version, in the terminal's colours.
fn help(shown: &clap::Error) -> Result<(), CliError> {
    match shown.print() {
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::Io {
            path: "stdout".into(),
            source,
        }),
        _ => Ok(()),
    }
}

fn run(cli: Cli) -> Result<u8, CliError> {
    match cli.command {
        Command::Report(args) => report::run(&args)?,
        Command::Figures(args) => {
            for path in figures::run(&args)? {
                println!("{}", path.display());
            }
        }
        Command::Compare(args) => compare::run(&args)?,
        #[cfg(feature = "train")]
        Command::Train(args) => train::train(&args)?,
        #[cfg(feature = "train")]
        Command::Sweep(args) => sweep::run(&args)?,
        #[cfg(feature = "train")]
        Command::Pretrain(args) => println!("{}", pretrain::run(&args)?.display()),
        #[cfg(feature = "train")]
        Command::Runs(command) => return runs::run(&command),
        #[cfg(feature = "train")]
        Command::Extract(args) => extract::run(&args)?,
        #[cfg(feature = "train")]
        Command::Zeroshot(args) => zeroshot::run(&args)?,
        #[cfg(feature = "train")]
        Command::Retrieval(args) => retrieval::run(&args)?,
        Command::Probe(args) => measure::probe::run(&args)?,
        Command::Tsne(args) => measure::tsne::run(&args)?,
        Command::Discrepancy(args) => measure::discrepancy::run(&args)?,
        Command::Cka(args) => measure::cka::run(&args)?,
        Command::Otdd(args) => measure::otdd::run(&args)?,
        Command::Transferability(args) => measure::transferability::run(&args)?,
        #[cfg(feature = "train")]
        Command::Data(command) => data::run(&command)?,
        #[cfg(feature = "train")]
        Command::Models(command) => models::run(&command)?,
        #[cfg(feature = "train")]
        Command::Export(args) => println!("{}", export::run(&args)?.display()),
        #[cfg(feature = "train")]
        Command::Doctor(args) => doctor::run(&args)?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "modalign", &mut script);
            print(&script)?;
        }
        Command::Man => man()?,
    }
    Ok(0)
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
