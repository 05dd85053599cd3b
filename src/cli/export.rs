//! `modalign export`: a model back to PyTorch.

use super::args::{ExportArgs, ModelFormat, WeightType};
use super::error::CliError;
use super::models::{Opened, open, tell, two_towers};
use crate::model::preprocess::{self, Recorded};
use crate::model::two_tower::{self, TowerFiles};
use crate::model::weights::Dtype;
use crate::model::windows::Windows;
use crate::model::{load, save};
use burn::tensor::{DType, Device};
use std::path::{Path, PathBuf};

/// Runs the command; returns the folder that was written.
pub fn run(args: &ExportArgs) -> Result<PathBuf, CliError> {
    let ModelFormat::SafetensorsHf = args.format;
    let dtype = match args.dtype {
        WeightType::Keep => None,
        WeightType::F64 => Some(Dtype::F64),
        WeightType::F32 => Some(Dtype::F32),
        WeightType::F16 => Some(Dtype::F16),
        WeightType::Bf16 => Some(Dtype::BF16),
    };
    let opening = args.opening.opening();
    let Opened { files, path } = open(&args.model, &opening)?;
    let own = path.as_deref().and_then(|path| match path.is_dir() {
        true => Some(path),
        false => path.parent(),
    });
    let own = own.and_then(|own| Path::new(".").join(own).canonicalize().ok());
    if own.is_some() && own == args.out.canonicalize().ok() {
        return Err(CliError::Usage {
            what: "--out".into(),
            expected: "another folder than the model's own".into(),
            found: args.out.display().to_string(),
        });
    }
    let weights = &files.weights;
    if let Some(towers) = two_towers(&args.model, &opening)? {
        return both(towers, dtype, &args.out);
    }
    // Doubles stay doubles: single precision would round them.
    let double = weights
        .names()
        .any(|name| weights.dtype(name) == Some(Dtype::F64));
    let held = if double { DType::F64 } else { DType::F32 };
    let loaded = load::opened(files, &Device::flex(), held)?;
    tell(&loaded.notes);
    let model = &loaded.model;
    let how = preprocess::of(&args.model, &model.config, args.opening.image_size)?.how;
    if model.windows() != Windows::Transformers {
        let now = if model.config.shape().differs_in_timm() {
            "other numbers"
        } else {
            "other numbers on other sizes of images"
        };
        eprintln!(
            "windows are {}; config.json says so under \"modalign\", transformers does not read it and gives {now}",
            model.windows().words()
        );
    }
    save::export(&loaded, &Recorded::from(&how), dtype, &args.out)?;
    Ok(args.out.clone())
}

/// Both towers of a CLIP.
fn both(files: TowerFiles, dtype: Option<Dtype>, out: &Path) -> Result<PathBuf, CliError> {
    let weights = &files.weights;
    let double = |name| weights.dtype(name) == Some(Dtype::F64);
    let held = match weights.names().any(double) {
        true => DType::F64,
        false => DType::F32,
    };
    let loaded = two_tower::opened(files, &Device::flex(), held)?;
    tell(&loaded.notes);
    two_tower::export(&loaded, dtype, out)?;
    Ok(out.into())
}
