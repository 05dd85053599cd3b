//! The record of a comparison of encoders, `compare.json`. A comparison writes all of its tables but the maps,
//! so one that lacks another is broken.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::data::{Data, Tables};
use super::error::ReportError;
use crate::figure::picture::Pictures;

/// The record of a comparison, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub struct Compared {
    /// Version of the program.
    pub version: String,
    /// Title of the reference.
    pub reference: String,
    /// Every encoder.
    pub sides: Vec<Encoder>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Samples of every part.
    pub samples: Samples,
    /// Everything that could be set.
    pub settings: Map<String, Value>,
    /// Everything that could not.
    pub constants: Map<String, Value>,
    /// Remarks on single results.
    pub notes: Vec<String>,
}

/// One encoder.
#[derive(Debug, Clone, Deserialize)]
pub struct Encoder {
    /// Its name.
    pub title: String,
    /// Its number of features.
    pub dim: u64,
    /// The C of its probe.
    pub c: f64,
    /// `features`, `run` or `model`.
    pub kind: String,
    /// What was named on the command line.
    pub path: String,
    /// Hash of what was read.
    pub sha256: String,
    /// Hash of labels in another file.
    pub labels_sha256: Option<String>,
    /// The images that a model saw.
    pub images: Option<String>,
}

/// How many samples every part has.
#[derive(Debug, Clone, Deserialize)]
pub struct Samples {
    /// To fit on while C is chosen.
    pub fit: u64,
    /// To choose C on.
    pub valid: u64,
    /// Both.
    pub train: u64,
    /// To report on.
    pub test: u64,
    /// Of the test samples, for maps and measures over pairs.
    pub sample: u64,
    /// Whether the encoders brought a training part.
    pub given_parts: bool,
    /// Groups of test samples, where samples belong together.
    pub test_groups: Option<u64>,
}

impl Compared {
    /// Titles of all encoders but the reference.
    pub fn others(&self) -> Vec<&str> {
        let titles = self.sides.iter().map(|side| side.title.as_str());
        titles.filter(|title| *title != self.reference).collect()
    }
}

impl Data<Compared> {
    /// Opens the comparison in `folder`.
    ///
    /// # Errors
    /// [`ReportError`]: no comparison, or a record that is broken.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join("compare.json");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ReportError::NotARun { path });
            }
            Err(source) => return Err(ReportError::Io { path, source }),
        };
        let record = serde_json::from_slice(&bytes).map_err(|error| ReportError::Record {
            path,
            found: error.to_string(),
        })?;
        Ok(Self {
            record,
            tables: Tables::of(&folder.join("tables")),
            pictures: Pictures::default(),
        })
    }
}
