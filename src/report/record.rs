//! Recorded values as readers see them: an older or interrupted run still gets a report, and what it did not
//! record says so.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ReportError;
use crate::files::bounded::{self, Refused};

/// A recorded value, to be shown to a reader.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown(pub Option<String>);

/// A value of a record as readers see it; `None`, empty text and empty lists were not recorded.
pub fn shown(value: &impl Serialize) -> Shown {
    Shown(serde_json::to_value(value).ok().as_ref().and_then(text))
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("not recorded"))
    }
}

/// A JSON value as text: lists and objects with commas; `None` where it holds nothing.
fn text(value: &Value) -> Option<String> {
    let joined = |parts: Vec<String>| (!parts.is_empty()).then(|| parts.join(", "));
    match value {
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => joined(items.iter().filter_map(text).collect()),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| Some(format!("{name} {}", text(value)?));
            joined(fields.iter().filter_map(field).collect())
        }
        other => Some(other.to_string()),
    }
}

/// Reads the record `name` (`run.json`, `compare.json`) of a folder.
///
/// # Errors
/// [`ReportError::NotARun`] without one, [`ReportError::Record`] where it is damaged, [`ReportError::Io`].
pub fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<T, ReportError> {
    let path = folder.join(name);
    match bounded::json(&path) {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err(ReportError::NotARun { path }),
        Err(Refused::Io { path, source }) => Err(ReportError::Io { path, source }),
        Err(Refused::Malformed { path, found, .. }) => Err(ReportError::Record { path, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_kind_are_shown() {
        assert_eq!(shown(&None::<u64>).to_string(), "not recorded");
        assert_eq!(shown(&Some(" ")).to_string(), "not recorded");
        assert_eq!(shown(&Vec::<u64>::new()).to_string(), "not recorded");
        assert_eq!(shown(&vec![0, 1]).to_string(), "0, 1");
        assert_eq!(shown(&Some(2)).to_string(), "2");
        assert_eq!(shown(&serde_json::json!({"cpu": "X"})).to_string(), "cpu X");
    }
}
