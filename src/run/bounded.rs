//! Files of a run as anyone may have left them: read up to a limit, and only if they are plain
//! files. A device, a pipe or a file of any size in place of a record is an error, not a hang.

use super::error::RunError;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Largest record (`run.json`, `config.toml`, `cell.json`, `checkpoint.json`) that is read.
pub const RECORD: u64 = 16 << 20;

/// Largest table that is read.
pub const TABLE: u64 = 256 << 20;

/// The bytes of a file of at most `limit` bytes; `None` if there is none.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, RunError> {
    let io = |source| RunError::Io {
        path: path.into(),
        source,
    };
    let wrong = |expected: String, found: String| {
        Err(RunError::Malformed {
            path: path.into(),
            expected,
            found,
        })
    };
    let kind = match fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e)),
    };
    if !kind.is_file() {
        return wrong("a file".into(), format!("{kind:?}"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    match bytes.len() as u64 > limit {
        true => wrong(format!("at most {limit} bytes"), "more".into()),
        false => Ok(Some(bytes)),
    }
}

/// The text of a record; `None` if there is none.
pub fn text(path: &Path) -> Result<Option<String>, RunError> {
    let Some(bytes) = read(path, RECORD)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes).map_err(|e| RunError::Malformed {
        path: path.into(),
        expected: "text in UTF-8".into(),
        found: e.utf8_error().to_string(),
    })?;
    Ok(Some(text))
}

/// The value of a JSON record; `None` if there is none.
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RunError> {
    let Some(bytes) = read(path, RECORD)? else {
        return Ok(None);
    };
    let value = serde_json::from_slice(&bytes).map_err(|e| RunError::Malformed {
        path: path.into(),
        expected: "a record as modalign writes it".into(),
        found: match bytes.is_empty() {
            true => "an empty file".into(),
            false => e.to_string(),
        },
    })?;
    Ok(Some(value))
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
            Err(RunError::Malformed { .. })
        ));
        for damaged in [&b""[..], b"{\"a\":", b"\xff"] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(
                json::<u32>(&path),
                Err(RunError::Malformed { .. })
            ));
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_endless_device_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run.json");
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(matches!(read(&path, 4), Err(RunError::Malformed { .. })));
    }
}
