//! Standard output and files that are written: the one place where results leave the program.
//!
//! A reader that has seen enough and went away (`| head`) is no error: the program goes on and ends
//! well. A full device is one: what could not be written is told, and the exit code is 1. `println!`
//! would panic in both cases; inside [`crate::cli`] it is this module's `line`.
//!
//! [`apart`] refuses to write a result over what it is made from.

use super::error::CliError;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Mutex;

/// The first fault of `line`, told by [`finish`].
static FAULT: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// Writes to stdout, at once.
pub fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(stdout(source)),
        _ => Ok(()),
    }
}

/// What `println!` does here: a line on stdout. A fault is kept for [`finish`].
pub fn line(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let done = writeln!(out, "{text}").and_then(|()| out.flush());
    if let Err(error) = done
        && error.kind() != ErrorKind::BrokenPipe
    {
        let mut fault = FAULT.lock().unwrap_or_else(|held| held.into_inner());
        fault.get_or_insert(error);
    }
}

/// What `eprintln!` does here: a line on stderr. Where stderr is closed or full, nothing is left to tell.
pub fn tell_line(text: Arguments<'_>) {
    writeln!(std::io::stderr(), "{text}").ok();
}

/// Whether all lines were written.
///
/// # Errors
/// [`CliError::Io`] of the first that was not.
pub fn finish() -> Result<(), CliError> {
    let mut fault = FAULT.lock().unwrap_or_else(|held| held.into_inner());
    match fault.take() {
        None => Ok(()),
        Some(source) => Err(stdout(source)),
    }
}

fn stdout(source: std::io::Error) -> CliError {
    CliError::Io {
        path: "stdout".into(),
        source,
    }
}

/// Fails if a file to be written is one of those that are read, under whatever name: `flag` is the
/// argument that names it, `inputs` are the arguments and files that are read.
///
/// # Errors
/// [`CliError::Usage`].
pub fn apart<'a>(
    flag: &str,
    out: &Path,
    inputs: impl IntoIterator<Item = (&'a str, &'a Path)>,
) -> Result<(), CliError> {
    let same = inputs.into_iter().find(|(_, input)| same_file(out, input));
    match same {
        None => Ok(()),
        Some((input, _)) => Err(CliError::Usage {
            what: flag.into(),
            expected: "another file than those that are read".into(),
            found: format!("{}, the file of {input}", out.display()),
        }),
    }
}

/// Whether two names are of one file that exists, also by links.
fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(a), Ok(b)) = (a.metadata(), b.metadata()) {
        use std::os::unix::fs::MetadataExt;
        return (a.dev(), a.ino()) == (b.dev(), b.ino());
    }
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_read_is_not_written_under_any_name() {
        let folder = tempfile::tempdir().expect("folder");
        let name = |name: &str| folder.path().join(name);
        std::fs::write(name("x.npy"), b"x").expect("written");
        std::fs::write(name("y.npy"), b"x").expect("written");
        let (x, y) = (name("x.npy"), name("y.npy"));
        let inputs = || [("--features", x.as_path())];
        assert!(apart("--out", &y, inputs()).is_ok());
        assert!(apart("--out", &name("new.npy"), inputs()).is_ok());
        let round = folder.path().join(".").join("x.npy");
        let mut others = vec![x.clone(), round];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&x, name("soft")).expect("link");
            std::fs::hard_link(&x, name("hard")).expect("link");
            others.extend([name("soft"), name("hard")]);
        }
        for other in others {
            let error = apart("--out", &other, inputs()).expect_err("the same");
            assert!(error.to_string().contains("the file of --features"));
            assert_eq!(error.exit_code(), 2);
        }
    }
}
