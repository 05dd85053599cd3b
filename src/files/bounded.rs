//! Files as anyone may have left them: read up to a limit, and only if they are plain files. A device, a pipe
//! or a file of any size in place of a record or a table is an error, not a hang.

use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Largest record (`run.json`, `config.toml`, `cell.json`, `checkpoint.json`) that is read, in bytes.
pub const RECORD: u64 = 16 << 20;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The system refuses it.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: expected {expected}, found {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
}

fn malformed<T>(path: &Path, expected: &str, found: impl ToString) -> Result<T, Refused> {
    Err(Refused::Malformed {
        path: path.into(),
        expected: expected.into(),
        found: found.to_string(),
    })
}

/// The bytes of a file of at most `limit` bytes; `None` if there is none.
///
/// # Errors
/// [`Refused`].
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Refused> {
    let io = |source| Refused::Io {
        path: path.into(),
        source,
    };
    let kind = match fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e)),
    };
    if !kind.is_file() {
        return malformed(path, "a file", format!("{kind:?}"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return malformed(path, &format!("at most {limit} bytes"), "more");
    }
    Ok(Some(bytes))
}

/// The text of a record; `None` if there is none.
///
/// # Errors
/// [`Refused`].
pub fn text(path: &Path) -> Result<Option<String>, Refused> {
    let Some(bytes) = read(path, RECORD)? else {
        return Ok(None);
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => malformed(path, "text in UTF-8", error.utf8_error()),
    }
}

/// The value of a JSON record; `None` if there is none.
///
/// # Errors
/// [`Refused`].
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Refused> {
    let Some(bytes) = read(path, RECORD)? else {
        return Ok(None);
    };
    let expected = "a record as modalign writes it";
    if bytes.is_empty() {
        return malformed(path, expected, "an empty file");
    }
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(error) => malformed(path, expected, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_within_the_limit_are_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("record");
        assert!(read(&path, 4).unwrap().is_none());
        fs::write(&path, b"1234").unwrap();
        assert_eq!(read(&path, 4).unwrap().unwrap(), b"1234");
        assert_eq!(json::<u32>(&path).unwrap(), Some(1234));
        let error = read(&path, 3).unwrap_err().to_string();
        assert!(error.contains("at most 3 bytes"), "{error}");
        assert!(matches!(
            read(home.path(), 4),
            Err(Refused::Malformed { .. })
        ));
        for damaged in [&b""[..], b"{\"a\":", b"\xff"] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(json::<u32>(&path), Err(Refused::Malformed { .. })));
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_endless_device_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run.json");
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(matches!(read(&path, 4), Err(Refused::Malformed { .. })));
    }
}
