//! The sides of a comparison as they stand on the command line: features files, runs, models.

use crate::cli::args::{CompareArgs, labels_of};
use crate::cli::error::CliError;
use crate::cli::extract;
use crate::cli::measure::labelled;
use crate::cli::words::{clean, tell};
use crate::feature::file::{Choice, Contents, Keep, array};
use crate::feature::{FeatureError, FeatureSet};
use crate::model::{device, embedded};
use crate::run::folder::sha256;
use crate::run::sides::{Origin, Side, kept};
use std::path::Path;

/// More classes make no table (10,000 rows a side).
const MOST_CLASSES: usize = 10_000;

/// Reads all sides, in the order given; a run gives several.
pub fn sides(args: &CompareArgs) -> Result<Vec<Side>, CliError> {
    let runs = args
        .sides
        .iter()
        .filter(|side| kept::is_run(Path::new(side)));
    let several_runs = runs.count() > 1 || args.sides.len() > 1;
    let mut sides = Vec::new();
    for name in &args.sides {
        let path = Path::new(name);
        if kept::is_run(path) {
            let mut own = kept::sides(path)?;
            if several_runs {
                let run = title(path.file_name().map(|n| n.to_string_lossy()), name);
                own.iter_mut()
                    .for_each(|side| side.title = format!("{run}: {}", side.title));
            }
            sides.append(&mut own);
        } else if is_model(path, args.images.is_some()) {
            sides.push(model(name, args)?);
        } else {
            sides.push(features(path, args)?);
        }
    }
    Ok(sides)
}

/// Whether something that is no run is a model rather than features.
fn is_model(path: &Path, images: bool) -> bool {
    let checkpoint = matches!(
        array::ending(path).as_str(),
        "pth" | "pt" | "bin" | "ckpt" | "tar" | "pkl"
    );
    let inside = path
        .to_str()
        .is_some_and(|name| embedded::names().contains(&name));
    let parts = array::ending(path) == "parquet";
    (path.is_dir() && !parts) || checkpoint || (!path.exists() && (images || inside))
}

fn title(part: Option<std::borrow::Cow<'_, str>>, name: &str) -> String {
    let part = part.map(|part| clean(&part)).unwrap_or_default();
    match part.trim().is_empty() {
        true => clean(name),
        false => part,
    }
}

fn features(path: &Path, args: &CompareArgs) -> Result<Side, CliError> {
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
        return Err(FeatureError::malformed(path, "side", expected, "a folder of parts").into());
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
    Ok(Side {
        title: title(path.file_stem().map(|stem| stem.to_string_lossy()), &name),
        origin: Origin {
            kind: "features",
            path: name,
            sha256: sha256(path)?,
            labels_sha256,
            images: None,
            preprocess: None,
        },
        groups: set.groups().map(<[usize]>::to_vec),
        set,
        named,
        train: None,
    })
}

fn model(name: &str, args: &CompareArgs) -> Result<Side, CliError> {
    let Some(images) = &args.images else {
        return Err(CliError::Usage {
            what: name.into(),
            expected: "a features file or a run, or --images beside a model".into(),
            found: "no --images".into(),
        });
    };
    let device = device::open(&args.device)?;
    let asked = ("--images", images.as_str());
    let opening = args.opening.opening();
    let found = extract::pooled(name, &opening, asked, args.data_dir.as_deref(), &device)?;
    let mut named = found.labels.is_some();
    let (file, _) = labels_of(args.labels.as_deref());
    let labels_sha256 = match (named, &file) {
        (false, Some(labels)) => Some(sha256(labels)?),
        _ => None,
    };
    let set = match (found.labels, &file) {
        (Some((labels, names)), _) => FeatureSet::new(found.features, labels, names)?,
        (None, Some(path)) => match array::labels(path)? {
            (labels, None) => FeatureSet::unnamed(found.features, labels)?,
            (labels, Some(names)) => {
                named = true;
                FeatureSet::new(found.features, labels, names)?
            }
        },
        (None, None) => {
            return Err(CliError::Usage {
                what: "--images".into(),
                expected: "a dataset, or --labels FILE.npy beside a tensor".into(),
                found: format!("{images:?} without labels"),
            });
        }
    };
    Ok(Side {
        title: title(
            Path::new(name)
                .file_name()
                .map(|part| part.to_string_lossy()),
            name,
        ),
        origin: Origin {
            kind: "model",
            path: name.into(),
            sha256: found.sha256,
            labels_sha256,
            images: Some(images.clone()),
            preprocess: found.preprocess,
        },
        groups: found.groups,
        set,
        named,
        train: None,
    })
}
