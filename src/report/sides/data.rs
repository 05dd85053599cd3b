//! What the page is made of: `compare.json` and the tables. A comparison writes all of them but the
//! maps, so one that lacks another is broken.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::figure::FigureError;
use crate::report::ReportError;
use crate::report::data::Table;
use crate::table::{CkaRow, ClassRow, DifferenceRow, MeasureRow, Row, TableError, TsneRow};

/// The record of a comparison, as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// Version of the program.
    pub version: String,
    /// Title of the reference.
    pub reference: String,
    /// Every side.
    pub sides: Vec<Side>,
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

/// One side.
#[derive(Debug, Clone, Deserialize)]
pub struct Side {
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
    /// Whether the sides brought a training part.
    pub given_parts: bool,
    /// Groups of test samples, where samples belong together.
    pub test_groups: Option<u64>,
}

impl Record {
    /// Titles of all sides but the reference.
    pub fn others(&self) -> Vec<&str> {
        let titles = self.sides.iter().map(|side| side.title.as_str());
        titles.filter(|title| *title != self.reference).collect()
    }
}

/// A comparison as its page sees it.
pub struct Data {
    /// `compare.json`.
    pub record: Record,
    /// `measures.csv`.
    pub measures: Table<MeasureRow>,
    /// `differences.csv`.
    pub differences: Table<DifferenceRow>,
    /// `classes.csv`.
    pub classes: Table<ClassRow>,
    /// `cka.csv`.
    pub cka: Table<CkaRow>,
    /// `tsne.csv`, if there are maps.
    pub tsne: Option<Table<TsneRow>>,
}

impl Data {
    /// Reads the comparison in `folder`.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
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
        let tables = folder.join("tables");
        Ok(Self {
            record,
            measures: needed(&tables)?,
            differences: needed(&tables)?,
            classes: needed(&tables)?,
            cka: needed(&tables)?,
            tsne: Table::read(&tables)?,
        })
    }
}

fn needed<R: Row>(tables: &Path) -> Result<Table<R>, ReportError> {
    let missing = || TableError::NotRun {
        path: tables.join(R::FILE),
        table: R::FILE,
    };
    Table::read(tables)?.ok_or_else(|| FigureError::from(missing()).into())
}
