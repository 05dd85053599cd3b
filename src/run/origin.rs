//! What the results in a run folder were made from: hashes of the source model and of the data, kept
//! with every transfer, checkpoint and evaluation.
//!
//! Files change under the same path, above all checkpoints while somebody trains. A result is
//! used only while the hashes that it carries are those of what is there now ([`stale`](super::stale)).

use super::error::RunError;
use super::evaluation::fingerprint;
use crate::dataset::readers::{self, Reader};
use crate::files::checksum;
use crate::model::{Loaded, Predictor};
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::preprocess::Preprocess;
use crate::suite::stage1::SourceData;
use crate::transfer::methods::Method;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the source model's weights.
pub(super) const WEIGHTS: &str = "weights of the source model";
/// Name of everything else that the source model's files say.
const SETTINGS: &str = "settings of the source model";
/// The key of a record's hashes.
pub(super) const KEY: &str = "made_from";

/// Hashes of what a result was made from, by name. What has no files (procedural data) is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origin(pub(super) BTreeMap<String, String>);

impl Origin {
    /// Whether nothing is named, as in records of older versions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same with something more that it is made from.
    pub(super) fn with(mut self, name: &str, what: &str) -> Self {
        let hash = checksum::sha256(what.as_bytes());
        self.0.insert(name.into(), hash);
        self
    }

    /// The first name whose hash is not that of `now`, with the hash here and there.
    pub(super) fn changed(&self, now: &Origin) -> Option<Change> {
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
pub(super) struct Change {
    pub(super) name: String,
    pub(super) was: String,
    pub(super) is: String,
}

impl Change {
    pub(super) fn refused(self, path: &Path) -> RunError {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        RunError::Stale {
            path: path.into(),
            was: short(&self.was),
            is: short(&self.is),
            name: self.name,
        }
    }
}

/// What everything in a run is made from now.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    pub(super) all: Origin,
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

/// Name of which tasks there are, for methods that learn them together.
const TASKS: &str = "tasks that are learned together";

/// Name of a target's captions or texts of classes as the text tower takes them.
fn tokens(spec: &DatasetSpec) -> String {
    format!("token ids of {}", spec.name)
}

impl Origins {
    /// The hashes of datasets, from those of their files by name (`SET/FILE`). Procedural data has none.
    pub fn of_data<'a>(
        specs: impl Iterator<Item = &'a DatasetSpec>,
        inputs: &[(String, String)],
    ) -> Self {
        let mut all = BTreeMap::new();
        for spec in specs {
            let published = readers::manifests_of(spec).map(|m| m.name.as_str());
            let mut sets: Vec<&str> = published.collect();
            let hashed = Reader::named(&spec.reader).and_then(Reader::digests);
            if sets.is_empty() || hashed.is_some() {
                sets.push(&spec.name);
            }
            let own = |name: &str| {
                let set = name.split_once('/').map(|(set, _)| set);
                set.is_some_and(|set| sets.contains(&set))
            };
            let mut hash = Sha256::new();
            let mut files = 0;
            for (name, sha256) in inputs.iter().filter(|(name, _)| own(name)) {
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
    /// pictures are prepared is one of its settings. `encoders` are targets' own, `captions` theirs as token ids.
    pub fn of_run(
        suite: &Suite,
        (source, how): (&Loaded, &Preprocess),
        encoders: Vec<(&DatasetSpec, String)>,
        captions: Vec<(&DatasetSpec, String)>,
        inputs: &[(String, String)],
    ) -> Self {
        let mut found = Self::of_data(datasets(suite), inputs);
        let mut settings = format!("{:?} {:?} {how:?}", source.model.config, source.labels);
        if let Predictor::ByText(texts) = &source.model.network.predictor {
            settings.push_str(&fingerprint(texts));
        }
        let all = &mut found.all.0;
        all.insert(WEIGHTS.into(), source.sha256.clone());
        all.insert(SETTINGS.into(), checksum::sha256(settings.as_bytes()));
        for (spec, sha256) in encoders {
            all.insert(encoder(spec), sha256);
        }
        for (spec, sha256) in captions {
            all.insert(tokens(spec), sha256);
        }
        let tasks: Vec<&str> = suite
            .targets
            .iter()
            .map(|spec| spec.name.as_str())
            .collect();
        all.insert(TASKS.into(), checksum::sha256(tasks.join("\n").as_bytes()));
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
    pub fn transfer(&self, suite: &Suite, target: &DatasetSpec, method: &Method) -> Origin {
        let mut names = match &target.encoder {
            Some(_) => vec![encoder(target)],
            None => vec![WEIGHTS.into(), SETTINGS.into()],
        };
        names.extend([data(target), tokens(target)]);
        if learns_together(suite, method) {
            names.extend(
                suite
                    .targets
                    .iter()
                    .flat_map(|spec| [data(spec), tokens(spec)]),
            );
            names.push(TASKS.into());
        }
        if method.has_stage1() || method.reads_source {
            names.extend(self.stage1(suite));
        }
        self.of(&names)
    }

    /// Of a transfer by which settings are chosen: the surrogate's validation part scores it.
    pub fn tuning(&self, suite: &Suite, target: &DatasetSpec, method: &Method) -> Origin {
        let Origin(mut all) = self.transfer(suite, target, method);
        if target.encoder.is_none() {
            all.extend(self.surrogate(suite).0);
        }
        Origin(all)
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

/// Whether a method learns the targets of a suite together.
pub fn learns_together(suite: &Suite, method: &Method) -> bool {
    let together = method.together.map(|of| of(&suite.transfer));
    // Settings that it refuses are refused where it trains.
    matches!(together, Some(Ok(Some(_)) | Err(_)))
}

/// Refuses a transfer that was made from something else.
pub fn holds(path: &Path, was: &Origin, now: &Origin) -> Result<(), RunError> {
    match was.changed(now) {
        Some(change) => Err(change.refused(path)),
        None => Ok(()),
    }
}
