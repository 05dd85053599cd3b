//! What a comparison leaves: six tables, and `compare.json` with what went in. Nothing in them
//! depends on the time of day: the same inputs, seed and settings give the same bytes.

use super::align::{Origin, Shared};
use super::comparison::Comparison;
use super::difference::{Difference, Verdict};
use super::folder::OWN;
use super::measures::Measure;
use super::settings::{GROUPS, NEIGHBOURS, VALID_SHARE, ValidSettings};
use crate::files::checksum::hex;
use crate::measure::verdict::LEVEL;
use crate::run::RunError;
use crate::run::table::{Table, row};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The record of a comparison; that it is there says that a folder is one.
pub const RECORD: &str = "compare.json";

/// What `compare.json` says.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// Version of this format.
    schema_version: u32,
    /// Version of the program.
    version: &'static str,
    /// The side that the others are set against.
    reference: &'a str,
    /// Where every side comes from.
    sides: Vec<Input<'a>>,
    /// Names of the classes.
    classes: &'a [String],
    /// Samples of every part.
    samples: Samples,
    /// Everything that could be set.
    settings: &'a ValidSettings,
    /// Everything that could not.
    constants: Constants,
    /// What a reader must know of single results.
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    title: &'a str,
    dim: usize,
    c: f64,
    #[serde(flatten)]
    origin: &'a Origin,
}

#[derive(Debug, Serialize)]
struct Samples {
    fit: usize,
    valid: usize,
    train: usize,
    test: usize,
    sample: usize,
    mapped: usize,
    given_parts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_groups: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Constants {
    valid_share: f64,
    neighbours: usize,
    jackknife_groups: usize,
    learning_folds: usize,
    level: f64,
    correction: &'static str,
}

impl<'a> Record<'a> {
    /// The record of a comparison.
    pub fn new(shared: &'a Shared, settings: &'a ValidSettings, found: &'a Comparison) -> Self {
        let sides = shared.sides.iter().zip(&found.sides);
        let sides = sides.map(|(side, measured)| Input {
            title: &side.title,
            dim: side.features.ncols(),
            c: measured.c,
            origin: &side.origin,
        });
        let parts = &found.parts;
        Self {
            schema_version: 1,
            version: env!("CARGO_PKG_VERSION"),
            reference: &shared.sides[found.reference].title,
            sides: sides.collect(),
            classes: &shared.class_names,
            samples: Samples {
                fit: parts.fit.len(),
                valid: parts.valid.len(),
                train: parts.train.len(),
                test: parts.test.len(),
                sample: parts.sample.len(),
                mapped: parts.mapped.len(),
                given_parts: shared.given_train.is_some(),
                test_groups: found.groups,
            },
            settings,
            constants: Constants {
                valid_share: VALID_SHARE,
                neighbours: NEIGHBOURS,
                jackknife_groups: GROUPS,
                learning_folds: found.folds,
                level: LEVEL,
                correction: "holm",
            },
            notes: &found.notes,
        }
    }
}

/// Eight digits that tell apart what is compared with which settings: the name of a folder.
pub fn short_hash(shared: &Shared, reference: usize, settings: &ValidSettings) -> String {
    let (mut hash, none) = (Sha256::new(), String::new());
    for side in &shared.sides {
        let origin = &side.origin;
        for part in [
            &side.title,
            &origin.sha256,
            origin.labels_sha256.as_ref().unwrap_or(&none),
            origin.images.as_ref().unwrap_or(&none),
        ] {
            hash.update(part);
            hash.update([0]);
        }
    }
    hash.update(format!("{reference} {settings:?}"));
    hex(&hash.finalize())[..8].into()
}

/// Writes tables and record into `root`, in place of those of an earlier comparison.
///
/// # Errors
/// [`RunError::Table`], [`RunError::Io`].
pub fn write(
    root: &Path,
    shared: &Shared,
    settings: &ValidSettings,
    found: &Comparison,
) -> Result<(), RunError> {
    clear(root)?;
    let path = root.join(RECORD);
    let io = |source| RunError::Io {
        path: path.clone(),
        source,
    };
    // First, so that a folder that is interrupted here can be taken again.
    let text = serde_json::to_string_pretty(&Record::new(shared, settings, found));
    let text = text.map_err(|e| io(std::io::Error::other(e)))?;
    crate::files::atomic::write(&path, (text + "\n").as_bytes()).map_err(io)?;
    let file = |name: &str| -> PathBuf { root.join("tables").join(name) };
    measures(shared, found).write_to(&file("measures.csv"))?;
    differences(shared, found).write_to(&file("differences.csv"))?;
    classes(shared, found).write_to(&file("classes.csv"))?;
    cka(shared, found).write_to(&file("cka.csv"))?;
    samples(shared, found).write_to(&file("samples.csv"))?;
    match maps(shared, found) {
        maps if maps.is_empty() => Ok(()),
        maps => maps.write_to(&file("tsne.csv")),
    }
}

/// Removes what an earlier comparison wrote here, so that nothing of it stands beside the new one.
fn clear(root: &Path) -> Result<(), RunError> {
    for name in OWN {
        let path = root.join(name);
        let removed = match path.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false => std::fs::remove_file(&path),
        };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(RunError::Io { path, source: e });
            }
            _ => {}
        }
    }
    Ok(())
}

fn measures(shared: &Shared, found: &Comparison) -> Table {
    let mut table = Table::new(&[
        "side", "dim", "measure", "value", "lower", "upper", "interval", "better", "samples",
    ]);
    for (side, measured) in shared.sides.iter().zip(&found.sides) {
        for (measure, estimate) in Measure::ALL.iter().zip(&measured.estimates) {
            let interval = estimate.as_ref().and_then(|e| e.interval);
            let kind = interval.and(estimate.as_ref()).map_or("-", |e| e.kind);
            table.push(row![
                &side.title,
                side.features.ncols(),
                measure.id(),
                estimate.as_ref().map(|e| e.value),
                interval.map(|i| i[0]),
                interval.map(|i| i[1]),
                kind,
                if measure.lower_is_better() {
                    "lower"
                } else {
                    "higher"
                },
                estimate.as_ref().map(|e| e.samples as u64),
            ]);
        }
    }
    table
}

fn differences(shared: &Shared, found: &Comparison) -> Table {
    let mut table = Table::new(&[
        "side",
        "reference",
        "measure",
        "difference",
        "lower",
        "upper",
        "p",
        "adjusted",
        "verdict",
    ]);
    for d in &found.differences {
        let difference = &d.difference;
        table.push(row![
            &shared.sides[d.side].title,
            &shared.sides[found.reference].title,
            d.measure.id(),
            difference.value,
            difference.interval.map(|i| i[0]),
            difference.interval.map(|i| i[1]),
            difference.p,
            difference.adjusted,
            difference.verdict.name(),
        ]);
    }
    table
}

fn classes(shared: &Shared, found: &Comparison) -> Table {
    let mut table = Table::new(&[
        "side",
        "label",
        "class_name",
        "samples",
        "error",
        "lower",
        "upper",
        "difference",
        "difference_lower",
        "difference_upper",
        "p",
        "adjusted",
        "verdict",
    ]);
    for class in &found.classes {
        let difference = class.difference.as_ref();
        let of = |end: usize| difference.and_then(|d| Some(d.interval?[end]));
        table.push(row![
            &shared.sides[class.side].title,
            class.class,
            &shared.class_names[class.class],
            class.samples,
            class.error,
            class.interval.map(|i| i[0]),
            class.interval.map(|i| i[1]),
            difference.map(|d| d.value),
            of(0),
            of(1),
            difference.and_then(|d: &Difference| d.p),
            difference.and_then(|d| d.adjusted),
            difference.map_or("-", |d| Verdict::name(d.verdict)),
        ]);
    }
    table
}

fn cka(shared: &Shared, found: &Comparison) -> Table {
    let mut table = Table::new(&[
        "encoder",
        "encoder_title",
        "other",
        "other_title",
        "value",
        "n",
    ]);
    for (a, row) in shared.sides.iter().zip(&found.cka) {
        for (b, &value) in shared.sides.iter().zip(row) {
            table.push(row![
                &a.title,
                &a.title,
                &b.title,
                &b.title,
                value,
                found.parts.test.len()
            ]);
        }
    }
    table
}

/// Which sample stands in which part: what another program needs to check every number.
fn samples(shared: &Shared, found: &Comparison) -> Table {
    let mut table = Table::new(&["row", "label", "part", "sampled", "mapped"]);
    let parts = &found.parts;
    let mut part = vec![("fit", false, false); shared.labels.len()];
    parts.valid.iter().for_each(|&row| part[row].0 = "valid");
    parts.test.iter().for_each(|&row| part[row].0 = "test");
    let rows = |places: &[usize]| -> Vec<usize> { places.iter().map(|&p| parts.test[p]).collect() };
    rows(&parts.sample)
        .into_iter()
        .for_each(|row| part[row].1 = true);
    rows(&parts.mapped)
        .into_iter()
        .for_each(|row| part[row].2 = true);
    for (row, (&label, (part, sampled, mapped))) in shared.labels.iter().zip(part).enumerate() {
        table.push(row![row, label, part, sampled, mapped]);
    }
    table
}

fn maps(shared: &Shared, found: &Comparison) -> Table {
    let mut table = Table::new(&[
        "encoder",
        "encoder_title",
        "x",
        "y",
        "label",
        "class_name",
        "kl",
        "trustworthiness",
    ]);
    let parts = &found.parts;
    let rows = || parts.mapped.iter().map(|&place| parts.test[place]);
    for (side, map) in shared.sides.iter().zip(&found.maps) {
        for (row, point) in rows().zip(map.embedding.rows()) {
            let label = shared.labels[row];
            table.push(row![
                &side.title,
                &side.title,
                point[0],
                point[1],
                label,
                &shared.class_names[label],
                map.kl,
                map.trustworthiness,
            ]);
        }
    }
    table
}
