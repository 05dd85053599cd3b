//! The encoders of a comparison as they stand on the command line: features files, runs, models.

use super::words::title;
use crate::cli::args::{CompareArgs, labels_of};
use crate::cli::error::CliError;
use crate::cli::measure::labelled;
use crate::cli::words::tell;
use crate::compare::{EncoderFeatures, Origin, kept};
use crate::feature::FeatureError;
use crate::feature::file::{Choice, Contents, Keep};
use crate::run::folder::sha256;
use std::path::Path;

#[cfg(feature = "train")]
use super::model::model;

/// No model can be asked in a build without models.
#[cfg(not(feature = "train"))]
fn model(_: &str, _: &CompareArgs) -> Result<Option<EncoderFeatures>, CliError> {
    Ok(None)
}

/// More classes make no table (10,000 rows an encoder).
const MOST_CLASSES: usize = 10_000;

/// Reads all encoders, in the order given; a run gives several.
pub fn encoders(args: &CompareArgs) -> Result<Vec<EncoderFeatures>, CliError> {
    let runs = args
        .encoders
        .iter()
        .filter(|encoder| kept::is_run(Path::new(encoder)));
    let several_runs = runs.count() > 1 || args.encoders.len() > 1;
    let mut encoders = Vec::new();
    for name in &args.encoders {
        let path = Path::new(name);
        if kept::is_run(path) {
            let mut own = kept::encoders(path)?;
            if several_runs {
                let run = title(path.file_name().map(|n| n.to_string_lossy()), name);
                own.iter_mut()
                    .for_each(|encoder| encoder.title = format!("{run}: {}", encoder.title));
            }
            encoders.append(&mut own);
        } else if let Some(encoder) = model(name, args)? {
            encoders.push(encoder);
        } else {
            encoders.push(features(path, args)?);
        }
    }
    Ok(encoders)
}

fn features(path: &Path, args: &CompareArgs) -> Result<EncoderFeatures, CliError> {
    let (file, name) = labels_of(args.labels.as_deref());
    let choice = Choice {
        features: args.features.clone(),
        labels: name,
        labels_elsewhere: file.is_some(),
        ..Choice::default()
    };
    let mut contents = Contents::choose(path, &choice, Keep::Single)?;
    let mut labels_sha256 = None;
    let shown = path.display().to_string();
    contents.told().iter().for_each(|told| tell(&shown, told));
    if contents.labels().is_none() {
        contents = match &file {
            Some(labels) => {
                labels_sha256 = Some(sha256(labels)?);
                contents.with_labels(labels)?
            }
            None => {
                let expected =
                    "labels in the file, --labels FILE.npy, or --labels NAME of its array";
                return Err(CliError::Usage {
                    what: shown,
                    expected: expected.into(),
                    found: "no labels".into(),
                });
            }
        };
    }
    let (rows, columns) = contents.dim();
    if rows == 0 || columns == 0 {
        let shape = format!("[{rows}, {columns}]");
        let expected = "at least one sample and one feature";
        return Err(FeatureError::malformed(path, "features", expected, shape).into());
    }
    if path.is_dir() {
        let expected = "one file, whose hash the comparison keeps";
        return Err(FeatureError::malformed(path, "encoder", expected, "a folder of parts").into());
    }
    // Large numbers are classes by occurrence, with the numbers as names.
    if contents.class_names().is_none() {
        labelled::numbered(std::slice::from_mut(&mut contents))?;
    }
    let named = contents.class_names().is_some();
    let classes = contents.class_names().map_or(0, <[String]>::len);
    if classes > MOST_CLASSES {
        let expected = format!("at most {MOST_CLASSES} classes");
        return Err(FeatureError::malformed(path, "class_names", expected, classes).into());
    }
    let name = path.display().to_string();
    let set = contents.set()?;
    Ok(EncoderFeatures {
        title: title(path.file_stem().map(|stem| stem.to_string_lossy()), &name),
        origin: Origin {
            kind: "features".into(),
            path: name,
            sha256: sha256(path)?,
            labels_sha256,
            ..Origin::default()
        },
        groups: set.groups().map(<[usize]>::to_vec),
        set,
        named,
        train: None,
    })
}
