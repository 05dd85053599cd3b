//! `modalign extract` of both towers of a CLIP: vectors of images and texts in their common space, and their logits.

use super::super::args::ExtractArgs;
use super::super::error::CliError;
use super::super::images::Asked;
use super::super::progress::Stage;
use super::super::tensor_file::TensorFile;
use super::super::towers::Towers;
use crate::dataset::images::Broken;
use crate::dataset::subset::Subset;
use crate::feature::TextsOf;
use crate::feature::file::{self, Arrays};
use crate::feature::towers::{TowerOutput, of_images, of_pixels, of_texts};
use crate::model::two_tower::TwoTower;
use burn::tensor::{DType, Device};
use ndarray::{Array2, ArrayView2, s};
use std::sync::Arc;

/// Runs the command for outputs of both towers.
pub fn run(
    args: &ExtractArgs,
    wanted: &[TowerOutput],
    device: &Device,
    dtype: DType,
) -> Result<(), CliError> {
    let images = wanted.iter().any(|output| output.of_images());
    let texts = wanted.iter().any(|output| output.of_texts());
    let names = |of: fn(TowerOutput) -> bool| {
        let all = wanted.iter().filter(|output| of(**output));
        let all: Vec<&str> = all.map(|output| output.name()).collect();
        all.join(",")
    };
    for (given, needed, flag, of) in [
        (
            args.tensor.is_some() || args.data.is_some(),
            images,
            "--tensor FILE:NAME or --data SET[:split]",
            TowerOutput::of_images as fn(TowerOutput) -> bool,
        ),
        (
            args.text.texts.is_some(),
            texts,
            "--texts FILE",
            TowerOutput::of_texts,
        ),
    ] {
        if needed && !given {
            return Err(CliError::Usage {
                what: format!("--outputs {}", names(of)),
                expected: flag.into(),
                found: "neither".into(),
            });
        }
        if given && !needed {
            return Err(CliError::Usage {
                what: format!("--outputs {}", names(|_| true)),
                expected: format!("an output of what {flag} gives"),
                found: "none".into(),
            });
        }
    }
    let towers = Towers::open(&args.model, &args.opening.opening(), device, dtype)?;
    let model = &towers.loaded.towers;
    // Below single precision the first samples are asked once more.
    let exact = match dtype {
        DType::F16 | DType::BF16 => {
            super::tell_products(dtype, device);
            Some(towers.exact(&args.opening.opening(), device)?)
        }
        _ => None,
    };
    let exact = exact.as_ref();
    let mut arrays = Arrays::default();
    let ids = towers.texts(&args.text)?;
    let of_text = ids.map(|ids| {
        let stage = Stage::waiting("texts");
        let found = of_texts(model, ids.view());
        stage.clear();
        if let Some(exact) = exact {
            let first = ids.slice(s![..ids.nrows().min(FIRST), ..]);
            tell_error(TowerOutput::TextEmbeds, &found, &of_texts(exact, first));
        }
        found
    });
    let stage = Stage::waiting("images");
    let of_image = match (&args.tensor, &args.data) {
        (Some(tensor), _) => Some(pixels(&towers, exact, tensor)?),
        (None, Some(set)) => Some(pictures(args, &towers, exact, set, device, &mut arrays)?),
        (None, None) => None,
    };
    stage.clear();
    for output in wanted {
        let found = match (output, &of_image, &of_text) {
            (TowerOutput::ImageEmbeds, Some(image), _) => image.clone(),
            (TowerOutput::TextEmbeds, _, Some(text)) => text.clone(),
            (TowerOutput::LogitsPerImage, Some(image), Some(text)) => {
                logits(image.view(), text.view(), model.scale())
            }
            _ => continue,
        };
        let shape = [found.nrows(), found.ncols()];
        arrays.append(output.name(), &shape, found.into_raw_vec_and_offset().0);
    }
    if let (Some(_), Some(image)) = (&args.data, &of_image) {
        arrays.alias(TowerOutput::ImageEmbeds.name(), "features");
        let texts = of_text.as_ref().map_or(0, Array2::nrows);
        let (classes, samples) = (arrays.class_names.len(), image.nrows());
        // Texts that stand beside features belong to samples or classes; others are outputs alone.
        arrays.text_of = match texts {
            0 => None,
            texts if texts == samples => Some(TextsOf::Samples),
            texts if texts == classes => Some(TextsOf::Classes),
            _ => None,
        };
        if let Some(of) = arrays.text_of {
            arrays.alias(TowerOutput::TextEmbeds.name(), "text_features");
            eprintln!(
                "note: text_features are one text a {}",
                match of {
                    TextsOf::Samples => "sample",
                    TextsOf::Classes => "class",
                }
            );
        }
    }
    file::write_arrays(&args.out, &arrays)?;
    Ok(())
}

/// e^scale times cosines `[N, M]`, added up in double precision.
fn logits(image: ArrayView2<f32>, text: ArrayView2<f32>, scale: f64) -> Array2<f32> {
    let (image, text) = (image.mapv(f64::from), text.mapv(f64::from));
    image.dot(&text.t()).mapv(|cosine| (scale * cosine) as f32)
}

/// Images and texts that are asked once more in single precision.
const FIRST: usize = 8;

/// Tells the error of vectors of which the first are also there in single precision.
fn tell_error(output: TowerOutput, found: &Array2<f32>, exact: &Array2<f32>) {
    let found: Vec<f32> = found.iter().copied().take(exact.len()).collect();
    let exact = (exact.shape().to_vec(), exact.iter().copied().collect());
    super::tell_error(output.name(), &found, &exact);
}

/// Vectors of a tensor `[N, C, H, W]`.
fn pixels(towers: &Towers, exact: Option<&TwoTower>, given: &str) -> Result<Array2<f32>, CliError> {
    let file = TensorFile::open("--tensor", given)?;
    let (config, model) = (&towers.loaded.config.image, &towers.loaded.towers);
    let smallest = config.patch_size;
    match *file.shape.as_slice() {
        [n, c, h, w] if n > 0 && c == config.num_channels && h >= smallest && w >= smallest => {
            let values = file.floats()?;
            let found = of_pixels(model, &values, [n, c, h, w]);
            if let Some(exact) = exact {
                let first = n.min(FIRST);
                let exact = of_pixels(exact, &values[..first * c * h * w], [first, c, h, w]);
                tell_error(TowerOutput::ImageEmbeds, &found, &exact);
            }
            Ok(found)
        }
        _ => Err(CliError::Usage {
            what: "--tensor".into(),
            expected: format!(
                "[N, {}, H, W] samples of at least one patch of {smallest} pixels",
                config.num_channels
            ),
            found: file.described(),
        }),
    }
}

/// Vectors of the pictures of a set; labels, classes, groups and names go into `arrays`.
fn pictures(
    args: &ExtractArgs,
    towers: &Towers,
    exact: Option<&TwoTower>,
    set: &str,
    device: &Device,
    arrays: &mut Arrays,
) -> Result<Array2<f32>, CliError> {
    let set = towers.images(&Asked {
        flag: "--data",
        images: set,
        data: args.data_dir.as_deref(),
        broken: Broken::skipped(args.skip_broken),
        side: args.opening.image_size,
    })?;
    let set = set.set;
    super::describe(arrays, set.as_ref());
    let found = of_images(&towers.loaded.towers, set.clone(), device)?;
    if let Some(exact) = exact {
        let first = Subset::new(set, (0..found.nrows().min(FIRST)).collect())?;
        let exact = of_images(exact, Arc::new(first), device)?;
        tell_error(TowerOutput::ImageEmbeds, &found, &exact);
    }
    Ok(found)
}
