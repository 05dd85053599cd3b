//! How two runs differ: in settings, in what they ran on, in what every cell found, and in their
//! tables. Everything is compared as files have it; times are not compared.

use super::error::RunError;
use super::settings::{self, Difference};
use super::survey::{CellSurvey, Standing, Survey};
use crate::table::diff::Compared;
use crate::table::legacy;
use crate::table::record::RunRecord;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// Two runs, compared.
#[derive(Debug, Serialize)]
pub struct RunDiff {
    /// Settings that differ.
    pub settings: Vec<Difference>,
    /// Version, device, source model and input files that differ.
    pub record: Vec<Difference>,
    /// Cells of either run: first those of the first, in its order. None if one of the folders
    /// has no cells to compare.
    pub cells: Vec<CellDiff>,
    /// Tables of either run, by name.
    pub tables: Vec<TableDiff>,
}

/// A cell of either run.
#[derive(Debug, Serialize)]
pub struct CellDiff {
    /// Name of the target.
    pub target: String,
    /// Name of the method.
    pub method: String,
    /// The settings that are tried, of a cell by which settings are chosen.
    pub tried: Option<String>,
    /// Seed of the transfer.
    pub seed: u64,
    /// How far it is in the first run; `None` if the run has no such cell.
    pub a: Option<Standing>,
    /// How far it is in the second.
    pub b: Option<Standing>,
    /// Second minus first, if both are done and judged by the same metric.
    pub valid_difference: Option<f64>,
    /// The same on the test part, if both were tested.
    pub test_difference: Option<f64>,
}

/// A table of either run.
#[derive(Debug, Serialize)]
pub struct TableDiff {
    /// Its name.
    pub table: String,
    /// What became of it.
    #[serde(flatten)]
    pub compared: Compared,
}

impl RunDiff {
    /// Compares two runs.
    pub fn of(a: &Survey, b: &Survey) -> Result<Self, RunError> {
        let settings = settings::differences(&a.suite, &b.suite).map_err(|e| RunError::Io {
            path: a.root.join("config.toml"),
            source: std::io::Error::other(e),
        })?;
        Ok(Self {
            settings,
            record: records(a.record.as_ref(), b.record.as_ref()),
            cells: if a.has_cells() && b.has_cells() {
                cells(a, b)
            } else {
                Vec::new()
            },
            tables: tables(a, b),
        })
    }

    /// Whether nothing that is compared differs.
    pub fn is_same(&self) -> bool {
        self.settings.is_empty()
            && self.record.is_empty()
            && self.cells.iter().all(CellDiff::is_same)
            && self.tables.iter().all(|table| table.compared.is_same())
    }
}

impl CellDiff {
    /// Whether both runs are as far, with the same results.
    pub fn is_same(&self) -> bool {
        match (&self.a, &self.b) {
            (Some(a), Some(b)) => a.agrees(b),
            (a, b) => a == b,
        }
    }
}

/// What the records say of model, program, device and inputs. The settings stand for themselves, so
/// the hash of their file is passed over.
fn records(a: Option<&RunRecord>, b: Option<&RunRecord>) -> Vec<Difference> {
    let (Some(a), Some(b)) = (a, b) else {
        let there = |record: Option<&RunRecord>| record.map(|_| "there");
        return Vec::from_iter(Difference::of_texts("run.json", there(a), there(b)));
    };
    let fields = [
        ("version", &a.version, &b.version),
        ("device", &a.device, &b.device),
        ("source.model", &a.source.model, &b.source.model),
        ("source.sha256", &a.source.sha256, &b.source.sha256),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(key, a, b)| Difference::of_texts(key, a.as_deref(), b.as_deref()));
    let inputs = a.inputs.iter().chain(&b.inputs).map(|input| &input.name);
    let names: BTreeSet<&String> = inputs.filter(|name| *name != "config.toml").collect();
    let hash = |record: &'_ RunRecord, name: &str| -> Option<String> {
        let input = record.inputs.iter().find(|input| input.name == name)?;
        Some(input.sha256.clone())
    };
    let inputs = names.into_iter().filter_map(|name| {
        let (a, b) = (hash(a, name), hash(b, name));
        Difference::of_texts(&format!("inputs.{name}"), a.as_deref(), b.as_deref())
    });
    fields.chain(inputs).collect()
}

fn cells(a: &Survey, b: &Survey) -> Vec<CellDiff> {
    let (of_a, of_b) = (by_name(a), by_name(b));
    let more = b
        .cells
        .iter()
        .filter(|cell| !of_a.contains_key(&name(cell)));
    let compared = a.cells.iter().chain(more).map(|cell| {
        let [a, b] = [&of_a, &of_b].map(|all| all.get(&name(cell)).copied());
        let both = a
            .and_then(Standing::result)
            .zip(b.and_then(Standing::result))
            .filter(|(a, b)| a.0 == b.0);
        CellDiff {
            target: cell.target.clone(),
            method: cell.method.clone(),
            tried: tried(cell).map(str::to_owned),
            seed: cell.seed,
            a: a.cloned(),
            b: b.cloned(),
            valid_difference: both.map(|(a, b)| b.1 - a.1),
            test_difference: both.and_then(|(a, b)| Some(b.2? - a.2?)),
        }
    });
    compared.collect()
}

/// What makes two cells the same one.
type Name<'a> = (&'a str, &'a str, Option<&'a str>, u64);

fn name(cell: &CellSurvey) -> Name<'_> {
    (&cell.target, &cell.method, tried(cell), cell.seed)
}

/// The settings that are tried by a cell.
fn tried(cell: &CellSurvey) -> Option<&str> {
    cell.variant.as_deref().filter(|_| cell.tuning)
}

fn by_name(run: &Survey) -> HashMap<Name<'_>, &Standing> {
    let cells = run.cells.iter();
    cells.map(|cell| (name(cell), &cell.standing)).collect()
}

fn tables(a: &Survey, b: &Survey) -> Vec<TableDiff> {
    let names = a.tables().into_iter().chain(b.tables());
    let names: BTreeSet<String> = names.map(|name| legacy::present(&name).into()).collect();
    let compared = names.into_iter().filter_map(|table| {
        let path = |of: &Survey| legacy::place(&of.root.join("tables"), &table);
        let compared = Compared::of(&path(a), &path(b))?;
        Some(TableDiff { table, compared })
    });
    compared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::record::InputRecord;

    #[test]
    fn records_differ_in_model_program_device_and_inputs_only() {
        let input = |name: &str, sha256: &str| InputRecord {
            name: name.into(),
            sha256: sha256.into(),
        };
        let a = RunRecord {
            inputs: vec![input("config.toml", "x"), input("cifar", "y")],
            ..RunRecord::default()
        };
        let mut b = a.clone();
        b.started = Some("later".into());
        b.seconds = Some(1.0);
        b.inputs[0].sha256 = "z".into();
        assert!(records(Some(&a), Some(&b)).is_empty());
        b.version = Some("2".into());
        b.inputs.truncate(1);
        let found = records(Some(&a), Some(&b));
        let keys: Vec<&str> = found.iter().map(|d| d.key.as_str()).collect();
        assert_eq!(keys, ["version", "inputs.cifar"]);
        assert_eq!(found[1].shown_b(), "none");
        assert_eq!(records(Some(&a), None)[0].key, "run.json");
        assert!(records(None, None).is_empty());
    }
}
