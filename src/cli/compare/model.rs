//! Models as encoders of a comparison: their features of images, made now.

use super::words::title;
use crate::cli::args::{CompareArgs, labels_of};
use crate::cli::error::CliError;
use crate::cli::extract;
use crate::compare::{EncoderFeatures, Origin};
use crate::feature::FeatureSet;
use crate::feature::file::array;
use crate::model::{device, embedded};
use crate::run::folder::sha256;
use std::path::Path;

/// Asks a model for its features of the images; `None` for what is no model.
pub fn model(name: &str, args: &CompareArgs) -> Result<Option<EncoderFeatures>, CliError> {
    if !is_model(Path::new(name), args.images.is_some()) {
        return Ok(None);
    }
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
    Ok(Some(EncoderFeatures {
        title: title(
            Path::new(name)
                .file_name()
                .map(|part| part.to_string_lossy()),
            name,
        ),
        origin: Origin {
            kind: "model".into(),
            path: name.into(),
            sha256: found.sha256,
            labels_sha256,
            images: Some(images.clone()),
            preprocess: found.preprocess,
            image_size: found.image_size,
            opening: args.opening.options(),
        },
        groups: found.groups,
        set,
        named,
        train: None,
    }))
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
