//! The sides of a comparison as they stand on the command line: features files, runs, models.

use crate::cli::args::CompareArgs;
use crate::cli::error::CliError;
use crate::cli::extract;
use crate::cli::words::clean;
use crate::feature::file::{Contents, array};
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
            sides.push(features(path, args.labels.as_deref())?);
        }
    }
    Ok(sides)
}

/// Whether something that is no run is a model rather than features.
fn is_model(path: &Path, images: bool) -> bool {
    let checkpoint = matches!(array::ending(path).as_str(), "pth" | "pt" | "bin" | "ckpt");
    let inside = path
        .to_str()
        .is_some_and(|name| embedded::names().contains(&name));
    path.is_dir() || checkpoint || (!path.exists() && (images || inside))
}

fn title(part: Option<std::borrow::Cow<'_, str>>, name: &str) -> String {
    let part = part.map(|part| clean(&part)).unwrap_or_default();
    match part.trim().is_empty() {
        true => clean(name),
        false => part,
    }
}

fn features(path: &Path, labels: Option<&Path>) -> Result<Side, CliError> {
    let mut contents = Contents::read(path)?;
    let mut labels_sha256 = None;
    if contents.labels().is_none() {
        contents = match labels {
            Some(labels) => {
                labels_sha256 = Some(sha256(labels)?);
                contents.with_labels(labels)?
            }
            None => {
                return Err(CliError::Usage {
                    what: path.display().to_string(),
                    expected: "labels in the file, or --labels FILE.npy".into(),
                    found: "no labels".into(),
                });
            }
        };
    }
    if contents.features().is_empty() {
        let shape = format!("{:?}", contents.features().dim());
        let expected = "at least one sample and one feature";
        return Err(FeatureError::malformed(path, "features", expected, shape).into());
    }
    let named = contents.class_names().is_some();
    let most = contents.labels().and_then(|labels| labels.iter().max());
    let classes = contents.class_names().map_or_else(
        || most.map_or(0, |most| most.saturating_add(1)),
        <[String]>::len,
    );
    if classes > MOST_CLASSES {
        let expected = format!("at most {MOST_CLASSES} classes, numbered from 0");
        return Err(FeatureError::malformed(path, "labels", expected, classes).into());
    }
    let name = path.display().to_string();
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
        set: contents.set()?,
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
    let found = extract::pooled(name, asked, args.data_dir.as_deref(), &device)?;
    let named = found.labels.is_some();
    let labels_sha256 = match (named, &args.labels) {
        (false, Some(labels)) => Some(sha256(labels)?),
        _ => None,
    };
    let set = match (found.labels, &args.labels) {
        (Some((labels, names)), _) => FeatureSet::new(found.features, labels, names)?,
        (None, Some(labels)) => FeatureSet::unnamed(found.features, array::labels(labels)?)?,
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
        set,
        named,
        train: None,
    })
}
