//! The record of a run, `run.json`, as the report reads it. Every field may be absent, and values
//! are shown as they stand: an older or interrupted run still gets a report.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::ReportError;

/// Any JSON value, to be shown to a reader.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown(pub Option<String>);

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(text(&Value::deserialize(deserializer)?)))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("not recorded"))
    }
}

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

/// The source model of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Its name or folder.
    pub model: Shown,
    /// Hash of its weights.
    pub sha256: Shown,
    /// How many parameters it has.
    pub parameters: Shown,
    /// Its classes, or how many.
    pub classes: Shown,
}

/// One input file of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Its name.
    pub name: Shown,
    /// Its hash.
    pub sha256: Shown,
}

/// The record of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Version of the record's own format.
    pub schema_version: Shown,
    /// Id of the suite.
    pub suite: Shown,
    /// Its name for readers.
    pub suite_title: Shown,
    /// Version of modalign.
    pub version: Shown,
    /// Device the run computed on.
    pub device: Shown,
    /// Threads it used.
    pub threads: Shown,
    /// Seeds of its random numbers.
    pub seeds: Shown,
    /// Start, RFC 3339.
    pub started: Shown,
    /// End, RFC 3339.
    pub finished: Shown,
    /// Wall-clock seconds.
    pub seconds: Shown,
    /// Command that repeats it.
    pub command: Shown,
    /// Processor.
    pub host: Shown,
    /// Source model.
    pub source: Source,
    /// Input files.
    pub inputs: Vec<Input>,
    /// Remarks that the run made about itself.
    pub notes: Vec<Shown>,
}

impl Record {
    /// What the run is called before readers.
    pub fn name(&self) -> &str {
        let title = self.suite_title.0.as_ref().or(self.suite.0.as_ref());
        title.map_or("Cross-modality transfer", String::as_str)
    }

    /// Reads `run.json` of the run in `folder`.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join("run.json");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ReportError::NotARun { path });
            }
            Err(source) => return Err(ReportError::Io { path, source }),
        };
        serde_json::from_slice(&bytes).map_err(|error| ReportError::Record {
            path,
            found: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_are_not_recorded() {
        let record: Record = serde_json::from_str("{}").unwrap();
        assert_eq!(record.device.to_string(), "not recorded");
        let record: Record = serde_json::from_str(r#"{"source": {"model": null}}"#).unwrap();
        assert_eq!(record.source.model.to_string(), "not recorded");
    }

    #[test]
    fn values_of_any_kind_are_shown() {
        let text = r#"{"seeds": [0, 1], "host": {"cpu": "X"}, "threads": 2, "later": true}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert_eq!(record.seeds.to_string(), "0, 1");
        assert_eq!(record.host.to_string(), "cpu X");
        assert_eq!(record.threads.to_string(), "2");
    }
}
