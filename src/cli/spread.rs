//! A sweep over several devices of one host: a process for each, on the same run folder. Cells are
//! independent and locked one by one, so that the faster device does more of them, and a device that
//! fails takes nothing with it but its own cell.

use super::error::CliError;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Repeats this program's command once for each of `devices`, at the same time.
///
/// # Errors
/// [`CliError::Worker`] names the devices whose process failed, after all have ended.
pub fn spread(devices: &[&str]) -> Result<(), CliError> {
    let program = std::env::current_exe().map_err(|source| CliError::Io {
        path: "the program itself".into(),
        source,
    })?;
    let start = |device: &&str| -> Result<Child, CliError> {
        Command::new(&program)
            .args(with_device(std::env::args_os().skip(1), device))
            .stdin(Stdio::null())
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
    let failed = std::thread::scope(|scope| {
        let wait = |(device, mut worker): (&&str, Child)| {
            let device = (*device).to_owned();
            scope.spawn(move || {
                for line in worker
                    .stderr
                    .take()
                    .into_iter()
                    .flat_map(|e| BufReader::new(e).lines())
                {
                    eprintln!("[{device}] {}", line.unwrap_or_default());
                }
                let done = worker.wait().is_ok_and(|status| status.success());
                (!done).then_some(device)
            })
        };
        let threads: Vec<_> = devices.iter().zip(workers).map(wait).collect();
        let ends = threads
            .into_iter()
            .map(|thread| thread.join().ok().flatten());
        ends.flatten().collect::<Vec<String>>()
    });
    match failed.is_empty() {
        true => Ok(()),
        false => Err(CliError::Worker {
            devices: failed.join(", "),
        }),
    }
}

/// The arguments with another value of `--device`.
fn with_device(given: impl Iterator<Item = OsString>, device: &str) -> Vec<OsString> {
    let mut out = Vec::new();
    let mut value = false;
    for argument in given {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut value) {
            out.push(device.into());
        } else if text.starts_with("--device=") {
            out.push(format!("--device={device}").into());
        } else {
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
        let given = ["sweep", "--device", "a,b", "--out", "x"].map(OsString::from);
        let found = with_device(given.into_iter(), "b");
        assert_eq!(found, ["sweep", "--device", "b", "--out", "x"]);
        let given = ["sweep", "--device=a,b"].map(OsString::from);
        assert_eq!(with_device(given.into_iter(), "a"), ["sweep", "--device=a"]);
    }
}
