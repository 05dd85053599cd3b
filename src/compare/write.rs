//! What a comparison leaves: six tables, and `compare.json` with what went in. Nothing in them
//! depends on the time of day: the same inputs, seed and settings give the same bytes.

use super::align::{Aligned, Shared};
use super::comparison::Comparison;
use super::difference::{ClassError, MeasureDifference, Verdict};
use super::error::CompareError;
use super::folder::OWN;
use super::measures::{Measured, measures as all_measures};
use super::settings::{GROUPS, NEIGHBOURS, VALID_SHARE, ValidSettings};
use crate::evaluate::Estimate;
use crate::files::checksum::hex;
use crate::measure::encoder::Measure;
use crate::measure::verdict::LEVEL;
use crate::table::record::{COMPARISON, ComparisonRecord, Constants, EncoderRecord, SampleCounts};
use crate::table::{CkaRow, ClassRow, DifferenceRow, MeasureRow, PartRow, Row, TsneRow};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The record of a comparison.
fn record<'a>(
    shared: &Shared,
    settings: &'a ValidSettings,
    found: &Comparison,
) -> ComparisonRecord<&'a ValidSettings> {
    let encoders = shared.encoders.iter().zip(&found.encoders);
    let encoders = encoders.map(|(encoder, measured)| EncoderRecord {
        title: encoder.title.clone(),
        dim: encoder.features.ncols(),
        c: measured.c,
        origin: encoder.origin.clone(),
    });
    let parts = &found.parts;
    ComparisonRecord {
        schema_version: Some(1),
        version: Some(env!("CARGO_PKG_VERSION").into()),
        reference: shared.encoders[found.reference].title.clone(),
        encoders: encoders.collect(),
        classes: shared.class_names.clone(),
        samples: SampleCounts {
            fit: parts.fit.len(),
            valid: parts.valid.len(),
            train: parts.train.len(),
            test: parts.test.len(),
            sample: parts.sample.len(),
            mapped: Some(parts.mapped.len()),
            given_parts: shared.given_train.is_some(),
            test_groups: found.groups,
        },
        settings,
        constants: Constants {
            valid_share: Some(VALID_SHARE),
            neighbours: Some(NEIGHBOURS),
            jackknife_groups: Some(GROUPS),
            learning_folds: Some(found.folds),
            level: Some(LEVEL),
            correction: Some("holm".into()),
        },
        notes: found.notes.clone(),
    }
}

/// Eight digits that tell apart what is compared with which settings: the name of a folder.
pub fn short_hash(shared: &Shared, reference: usize, settings: &ValidSettings) -> String {
    let (mut hash, none) = (Sha256::new(), String::new());
    for encoder in &shared.encoders {
        let origin = &encoder.origin;
        for part in [
            &encoder.title,
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
/// [`CompareError::Table`], [`CompareError::Io`].
pub fn write(
    root: &Path,
    shared: &Shared,
    settings: &ValidSettings,
    found: &Comparison,
) -> Result<(), CompareError> {
    clear(root)?;
    let path = root.join(COMPARISON);
    let io = |source| CompareError::Io {
        path: path.clone(),
        source,
    };
    // First, so that a folder that is interrupted here can be taken again.
    let text = serde_json::to_string_pretty(&record(shared, settings, found));
    let text = text.map_err(|e| io(std::io::Error::other(e)))?;
    crate::files::atomic::write(&path, (text + "\n").as_bytes()).map_err(io)?;
    let tables = root.join("tables");
    MeasureRow::write(&measures(shared, found), &tables)?;
    DifferenceRow::write(&differences(shared, found), &tables)?;
    ClassRow::write(&classes(shared, found), &tables)?;
    CkaRow::write(&cka(shared, found), &tables)?;
    PartRow::write(&parts(shared, found), &tables)?;
    let maps = maps(shared, found);
    if !maps.is_empty() {
        TsneRow::write(&maps, &tables)?;
    }
    Ok(())
}

/// Removes what an earlier comparison wrote here, so that nothing of it stands beside the new one.
fn clear(root: &Path) -> Result<(), CompareError> {
    for name in OWN {
        let path = root.join(name);
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(CompareError::Io { path, source: e });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Both ends of an interval.
fn ends(interval: Option<[f64; 2]>) -> (Option<f64>, Option<f64>) {
    interval.map(|[lower, upper]| (lower, upper)).unzip()
}

fn measures(shared: &Shared, found: &Comparison) -> Vec<MeasureRow> {
    let of_encoder = |(encoder, measured): (&Aligned, &Measured)| {
        let all = all_measures().zip(&measured.estimates);
        let row = |(measure, estimate): (&Measure, &Option<Estimate>)| {
            let about = &measure.about;
            let estimate = estimate.as_ref();
            let value = estimate.map(|e| e.value);
            let interval = estimate.and_then(|e| e.interval);
            let (lower, upper) = ends(interval);
            let kind = interval.and(estimate).map(|e| e.kind);
            MeasureRow {
                dim: Some(encoder.features.ncols() as u64),
                lower,
                upper,
                interval: kind.map(Into::into),
                samples: estimate.map(|e| e.samples as u64),
                ..MeasureRow::of(about, value, &encoder.title, &encoder.title)
            }
        };
        all.map(row).collect::<Vec<_>>()
    };
    let encoders = shared.encoders.iter().zip(&found.encoders);
    encoders.flat_map(of_encoder).collect()
}

fn differences(shared: &Shared, found: &Comparison) -> Vec<DifferenceRow> {
    let row = |found_one: &MeasureDifference| {
        let difference = &found_one.difference;
        let (lower, upper) = ends(difference.interval);
        DifferenceRow {
            encoder: shared.encoders[found_one.encoder].title.clone(),
            reference: shared.encoders[found.reference].title.clone(),
            measure: found_one.measure.name.into(),
            difference: difference.value,
            lower,
            upper,
            p: difference.p,
            adjusted: difference.adjusted,
            verdict: difference.verdict.name().into(),
        }
    };
    found.differences.iter().map(row).collect()
}

fn classes(shared: &Shared, found: &Comparison) -> Vec<ClassRow> {
    let row = |class: &ClassError| {
        let difference = class.difference.as_ref();
        let (lower, upper) = ends(class.interval);
        let (difference_lower, difference_upper) = ends(difference.and_then(|d| d.interval));
        ClassRow {
            encoder: shared.encoders[class.encoder].title.clone(),
            label: class.class as u64,
            class_name: shared.class_names[class.class].clone(),
            samples: class.samples as u64,
            error: class.error,
            lower,
            upper,
            difference: difference.map(|d| d.value),
            difference_lower,
            difference_upper,
            p: difference.and_then(|d| d.p),
            adjusted: difference.and_then(|d| d.adjusted),
            verdict: difference.map_or("-", |d| Verdict::name(d.verdict)).into(),
        }
    };
    found.classes.iter().map(row).collect()
}

fn cka(shared: &Shared, found: &Comparison) -> Vec<CkaRow> {
    let samples = found.parts.test.len() as u64;
    let mut all = Vec::new();
    for (a, row) in shared.encoders.iter().zip(&found.cka) {
        for (b, &value) in shared.encoders.iter().zip(row) {
            all.push(CkaRow {
                encoder: a.title.clone(),
                encoder_title: a.title.clone(),
                other: b.title.clone(),
                other_title: b.title.clone(),
                value,
                n: Some(samples),
            });
        }
    }
    all
}

/// Which sample stands in which part.
fn parts(shared: &Shared, found: &Comparison) -> Vec<PartRow> {
    let parts = &found.parts;
    let row = |(row, &label): (usize, &usize)| PartRow {
        row: row as u64,
        label: label as u64,
        part: "fit".into(),
        sampled: false,
        mapped: false,
    };
    let mut all: Vec<PartRow> = shared.labels.iter().enumerate().map(row).collect();
    for &row in &parts.valid {
        all[row].part = "valid".into();
    }
    for &row in &parts.test {
        all[row].part = "test".into();
    }
    for &place in &parts.sample {
        all[parts.test[place]].sampled = true;
    }
    for &place in &parts.mapped {
        all[parts.test[place]].mapped = true;
    }
    all
}

/// The maps. `sample` is the row of `samples.csv`.
fn maps(shared: &Shared, found: &Comparison) -> Vec<TsneRow> {
    let parts = &found.parts;
    let mut all = Vec::new();
    for (encoder, map) in shared.encoders.iter().zip(&found.maps) {
        let rows = parts.mapped.iter().map(|&place| parts.test[place]);
        for (row, point) in rows.zip(map.embedding.rows()) {
            let label = shared.labels[row];
            all.push(TsneRow {
                encoder: encoder.title.clone(),
                encoder_title: encoder.title.clone(),
                x: point[0],
                y: point[1],
                label: label as u64,
                class_name: shared.class_names[label].clone(),
                sample: Some(row as u64),
                kl: Some(map.kl),
                trustworthiness: map.trustworthiness,
            });
        }
    }
    all
}
