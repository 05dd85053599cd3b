//! What the results in a run folder were made from: hashes of the source model and of the data, kept
//! with every transfer, checkpoint and evaluation.
//!
//! Files change under the same path, above all checkpoints while somebody trains. A result is
//! used only while the hashes that it carries are those of what is there now. [`check`] compares them
//! all before anything is computed: it refuses the folder with the first thing that changed, or, with
//! `--refresh`, removes what was made from it. Results of older versions carry no hashes; the run's
//! earlier `run.json` stands for them.

use super::cell::{self, Cell};
use super::error::RunError;
use super::folder::RunFolder;
use super::prepare::Context;
use crate::dataset::readers;
use crate::files::checksum;
use crate::model::Loaded;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::preprocess::Preprocess;
use crate::suite::stage1::SourceData;
use crate::table::record::RunRecord;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Name of the source model's weights.
const WEIGHTS: &str = "weights of the source model";
/// Name of everything else that the source model's files say.
const SETTINGS: &str = "settings of the source model";
/// The key of a record's hashes.
const KEY: &str = "made_from";

/// Hashes of what a result was made from, by name. What has no files (procedural data) is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(BTreeMap<String, String>);

impl Origin {
    /// Whether nothing is named, as in records of older versions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first name whose hash is not that of `now`, with the hash here and there.
    fn changed(&self, now: &Origin) -> Option<Change> {
        self.0.iter().find_map(|(name, was)| {
            let is = now.0.get(name)?;
            (was != is).then(|| Change {
                name: name.clone(),
                was: was.clone(),
                is: is.clone(),
            })
        })
    }
}

/// Something that is not what it was.
struct Change {
    name: String,
    was: String,
    is: String,
}

impl Change {
    fn refused(self, path: &Path) -> RunError {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        RunError::Stale {
            path: path.into(),
            was: short(&self.was),
            is: short(&self.is),
            name: self.name,
        }
    }
}

/// A result with what it was made from.
#[derive(Serialize, Deserialize)]
struct Made<T> {
    #[serde(default)]
    made_from: Origin,
    #[serde(flatten)]
    value: T,
}

/// What everything in a run is made from now.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    all: Origin,
    pretraining: bool,
}

/// Name of a dataset's files.
fn data(spec: &DatasetSpec) -> String {
    format!("data of {} ({})", spec.name, spec.reader)
}

/// Name of a target's own encoder.
fn encoder(spec: &DatasetSpec) -> String {
    format!("encoder of {}", spec.name)
}

impl Origins {
    /// The hashes of datasets, from those of their files by name (`SET/FILE`). Procedural data has none.
    pub fn of_data<'a>(
        specs: impl Iterator<Item = &'a DatasetSpec>,
        inputs: &[(String, String)],
    ) -> Self {
        let mut all = BTreeMap::new();
        for spec in specs {
            let published = readers::manifest_of(spec).map(|m| m.name.as_str());
            let folder = format!("{}/", published.unwrap_or(&spec.name));
            let mut hash = Sha256::new();
            let mut files = 0;
            for (name, sha256) in inputs.iter().filter(|(name, _)| name.starts_with(&folder)) {
                hash.update(format!("{sha256}  {name}\n"));
                files += 1;
            }
            if files > 0 {
                all.insert(data(spec), checksum::hex(&hash.finalize()));
            }
        }
        Self {
            all: Origin(all),
            pretraining: false,
        }
    }

    /// The hashes of all that a suite's transfers and measures are made from; `how` the source model's
    /// pictures are prepared is one of its settings.
    pub fn of_run(
        suite: &Suite,
        (source, how): (&Loaded, &Preprocess),
        encoders: Vec<(&DatasetSpec, String)>,
        inputs: &[(String, String)],
    ) -> Self {
        let mut found = Self::of_data(datasets(suite), inputs);
        let settings = format!("{:?} {:?} {how:?}", source.model.config, source.labels);
        let all = &mut found.all.0;
        all.insert(WEIGHTS.into(), source.sha256.clone());
        all.insert(SETTINGS.into(), checksum::sha256(settings.as_bytes()));
        for (spec, sha256) in encoders {
            all.insert(encoder(spec), sha256);
        }
        found.pretraining = suite.transfer.stage1.source == SourceData::Pretraining;
        found
    }

    /// Of a pretraining: all that is known.
    pub fn whole(&self) -> Origin {
        self.all.clone()
    }

    fn of(&self, names: &[String]) -> Origin {
        let known = names
            .iter()
            .filter_map(|name| Some((name.clone(), self.all.0.get(name)?.clone())));
        Origin(known.collect())
    }

    /// Of an evaluation of the surrogate.
    pub fn surrogate(&self, suite: &Suite) -> Origin {
        self.of(&[WEIGHTS.into(), SETTINGS.into(), data(&suite.surrogate)])
    }

    /// Of a measure of a target through the source model.
    pub fn target(&self, target: &DatasetSpec) -> Origin {
        self.of(&[WEIGHTS.into(), SETTINGS.into(), data(target)])
    }

    /// Of a measure that sets a target beside the surrogate and the samples of stage 1.
    pub fn both(&self, suite: &Suite, target: &DatasetSpec) -> Origin {
        let mut names = vec![WEIGHTS.into(), SETTINGS.into(), data(target)];
        names.push(data(&suite.surrogate));
        names.extend(self.stage1(suite));
        self.of(&names)
    }

    /// Of a transfer.
    pub fn cell(&self, suite: &Suite, cell: &Cell) -> Origin {
        let mut names = match &cell.target.encoder {
            Some(_) => vec![encoder(cell.target)],
            None => vec![WEIGHTS.into(), SETTINGS.into()],
        };
        names.push(data(cell.target));
        if cell.method.has_stage1() || cell.method.reads_source {
            names.extend(self.stage1(suite));
        }
        self.of(&names)
    }

    /// Name of what stands for the source in stage 1.
    fn stage1(&self, suite: &Suite) -> Option<String> {
        if self.pretraining {
            suite.source.data.as_ref().map(data)
        } else {
            Some(data(&suite.surrogate))
        }
    }
}

/// Every dataset that a suite's transfers and measures read.
pub fn datasets(suite: &Suite) -> impl Iterator<Item = &DatasetSpec> {
    let pretraining = suite.transfer.stage1.source == SourceData::Pretraining;
    let source = suite.source.data.as_ref().filter(|_| pretraining);
    [&suite.surrogate]
        .into_iter()
        .chain(source)
        .chain(&suite.targets)
}

impl Context<'_> {
    /// A record of the run, if it was made from `origin` (or is of an older version, which [`check`]
    /// has let pass).
    pub fn recall<T: DeserializeOwned>(&self, record: &str, origin: &Origin) -> Option<T> {
        let found: Made<T> = self.folder.read_json(record)?;
        let holds = found.made_from.is_empty() || found.made_from == *origin;
        holds.then_some(found.value)
    }

    /// Writes a record of the run with what it was made from.
    pub fn keep(
        &self,
        record: &str,
        origin: Origin,
        value: &impl Serialize,
    ) -> Result<(), RunError> {
        let made = Made {
            made_from: origin,
            value,
        };
        self.folder.write_json(record, &made)
    }
}

/// Refuses a transfer that was made from something else.
pub fn holds(path: &Path, was: &Origin, now: &Origin) -> Result<(), RunError> {
    match was.changed(now) {
        Some(change) => Err(change.refused(path)),
        None => Ok(()),
    }
}

/// Compares every result in `folder` with what is there now; `inputs` are the hashes of the data
/// files by name. Results that were made from something else are refused or, with `refresh`, removed;
/// gives how many were.
///
/// # Errors
/// [`RunError::Stale`] with the first thing that changed.
pub fn check(
    folder: &RunFolder,
    now: &Origins,
    inputs: &[(String, String)],
    refresh: bool,
) -> Result<usize, RunError> {
    let before: Option<RunRecord> = folder.read_json("run.json");
    let older = before.and_then(|record| of_older(&record, now, inputs));
    let judge = |path: &Path| -> Option<Change> {
        let record: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let entries = match record {
            Value::Array(entries) => entries,
            one => vec![one],
        };
        entries.iter().find_map(|entry| match entry.get(KEY) {
            Some(made) => Origin::deserialize(made).ok()?.changed(&now.all),
            None => older.as_ref().map(|change| Change {
                name: change.name.clone(),
                was: change.was.clone(),
                is: change.is.clone(),
            }),
        })
    };
    let mut removed = 0;
    for cell in entries(&folder.path("cells")) {
        let records = [
            cell.join("cell.json"),
            cell.join("checkpoint/checkpoint.json"),
        ];
        let Some((path, change)) = records
            .into_iter()
            .find_map(|p| Some((p.clone(), judge(&p)?)))
        else {
            continue;
        };
        if !refresh {
            return Err(change.refused(&path));
        }
        // Where another process is at work in it, this one ends and says so.
        let name = cell.file_name().unwrap_or_default().to_string_lossy();
        let _lock = cell::lock(folder, &format!("cells/{name}"))?;
        remove(&cell)?;
        removed += 1;
    }
    for look in entries(&folder.path("looks")) {
        let Some(change) = judge(&look) else { continue };
        if !refresh {
            return Err(change.refused(&look));
        }
        remove(&look)?;
        removed += 1;
    }
    Ok(removed)
}

/// The first thing that a run of an older version, which wrote its hashes into `run.json` alone, was
/// not made from.
fn of_older(record: &RunRecord, now: &Origins, inputs: &[(String, String)]) -> Option<Change> {
    let weights = now.all.0.get(WEIGHTS)?;
    let was = record.source.sha256.as_ref();
    if let Some(was) = was.filter(|was| !was.is_empty() && *was != weights) {
        return Some(Change {
            name: WEIGHTS.into(),
            was: was.clone(),
            is: weights.clone(),
        });
    }
    record.inputs.iter().find_map(|input| {
        let (name, is) = inputs.iter().find(|(name, _)| *name == input.name)?;
        (*is != input.sha256).then(|| Change {
            name: name.clone(),
            was: input.sha256.clone(),
            is: is.clone(),
        })
    })
}

/// What a folder holds, in the order of its names; nothing if it is not there.
fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = all.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

fn remove(path: &Path) -> Result<(), RunError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(|source| RunError::Io {
        path: path.into(),
        source,
    })
}
