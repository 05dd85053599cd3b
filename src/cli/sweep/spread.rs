//! A sweep over several devices of one host: a process for each, on the same run folder. Cells are
//! independent and locked one by one, so that the faster device does more of them, and a device that
//! fails takes nothing with it but its own cell.
//!
//! Workers end with their parent, however it ends: it holds the other end of their stdin. When it is interrupted it lets go,
//! and they keep what they have.

use crate::cli::error::CliError;
use crate::cli::signals::{WORKER, catch_interrupts, check_interrupt};
use crate::run::RunError;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Repeats this program's command once for each of `devices`, at the same time; with `fail_fast` the first that fails
/// ends the others.
///
/// # Errors
/// [`CliError::Worker`] names the devices whose process failed, after all have ended; [`RunError::Interrupted`].
pub fn spread(devices: &[&str], fail_fast: bool) -> Result<(), CliError> {
    catch_interrupts();
    let program = crate::cli::program()?;
    let start = |device: &&str| -> Result<Child, CliError> {
        Command::new(&program)
            .args(with_device(crate::cli::arguments(), device))
            .env(WORKER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| CliError::Io {
                path: program.clone(),
                source,
            })
    };
    let mut workers: Vec<Child> = Vec::new();
    for device in devices {
        match start(device) {
            Ok(worker) => workers.push(worker),
            Err(error) => {
                // Those that run already would go on without anyone to hear them.
                workers.iter_mut().for_each(|worker| {
                    let _ = worker.kill();
                });
                return Err(error);
            }
        }
    }
    let mut held: Vec<Option<ChildStdin>> = workers.iter_mut().map(|w| w.stdin.take()).collect();
    let names = names(devices);
    let failed = std::thread::scope(|scope| {
        let wait = |(name, mut worker): (&String, Child)| {
            let name = name.clone();
            scope.spawn(move || {
                for line in worker
                    .stderr
                    .take()
                    .into_iter()
                    .flat_map(|e| BufReader::new(e).lines())
                {
                    eprintln!("[{name}] {}", line.unwrap_or_default());
                }
                let done = worker.wait().is_ok_and(|status| status.success());
                (!done).then_some(name)
            })
        };
        let mut threads: Vec<_> = names.iter().zip(workers).map(wait).collect();
        let mut failed = Vec::new();
        while !threads.is_empty() {
            let ended = threads.extract_if(.., |thread| thread.is_finished());
            failed.extend(ended.filter_map(|thread| thread.join().ok().flatten()));
            if !check_interrupt() || (fail_fast && !failed.is_empty()) {
                held.clear();
            }
            sleep(Duration::from_millis(20));
        }
        failed
    });
    if !check_interrupt() {
        return Err(RunError::Interrupted.into());
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(CliError::Worker {
            devices: failed.join(", "),
        }),
    }
}

/// A name for every worker: that of its device, numbered where there are several of it.
fn names(devices: &[&str]) -> Vec<String> {
    let count = |among: &[&str], device: &str| among.iter().filter(|d| **d == device).count();
    let name = |(i, device): (usize, &&str)| match count(devices, device) {
        1 => (*device).to_owned(),
        _ => format!("{device} {}", 1 + count(&devices[..i], device)),
    };
    devices.iter().enumerate().map(name).collect()
}

/// The arguments with another value of `--device`, and without what the parent did for all.
fn with_device(given: impl IntoIterator<Item = OsString>, device: &str) -> Vec<OsString> {
    let mut out = Vec::new();
    let mut value = false;
    for argument in given {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut value) {
            out.push(device.into());
        } else if text.starts_with("--device=") {
            out.push(format!("--device={device}").into());
        } else if text != "--retry-failed" {
            value = text == "--device";
            out.push(argument);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_device_changes() {
        let given =
            ["sweep", "--device", "a,b", "--out", "x", "--retry-failed"].map(OsString::from);
        let found = with_device(given, "b");
        assert_eq!(found, ["sweep", "--device", "b", "--out", "x"]);
        let given = ["sweep", "--device=a,b"].map(OsString::from);
        assert_eq!(with_device(given.into_iter(), "a"), ["sweep", "--device=a"]);
        assert_eq!(names(&["a", "b", "a"]), ["a 1", "b", "a 2"]);
    }
}
