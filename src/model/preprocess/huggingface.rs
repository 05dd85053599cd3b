//! Hugging Face's image processors: what `transformers` does under the keys of
//! `preprocessor_config.json`, with each class's own defaults for keys that are absent.

use super::found::{Found, numbers, pixels, wrong};
use crate::model::ModelError;
use crate::suite::preprocess::{
    CLIP_MEAN, CLIP_STD, Crop, CropRule, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Origin,
    Preprocess, Resize,
};
use serde_json::{Map, Value};
use std::path::Path;

/// What a class does where its file says nothing.
struct Defaults {
    size: Resize,
    /// Whether one number for the size means a square.
    square: bool,
    crop: Option<usize>,
    interpolation: Interpolation,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Defaults {
    /// Of the class of that name, without `ImageProcessor` and its variants; `None` if it is not
    /// known.
    fn of(class: &str) -> Option<Self> {
        let standard = Self {
            size: Resize::Exact([224, 224]),
            square: true,
            crop: None,
            interpolation: Interpolation::Bicubic,
            mean: [0.5; 3],
            std: [0.5; 3],
        };
        let clip = Self {
            size: Resize::Shortest(224),
            square: false,
            crop: Some(224),
            mean: CLIP_MEAN,
            std: CLIP_STD,
            ..standard
        };
        let imagenet = |one: Self| Self {
            mean: IMAGENET_MEAN,
            std: IMAGENET_STD,
            ..one
        };
        Some(match class {
            "ViT" | "Swin" => Self {
                interpolation: Interpolation::Bilinear,
                ..standard
            },
            "Siglip" | "Beit" => standard,
            "DeiT" => Self {
                size: Resize::Exact([256, 256]),
                crop: Some(224),
                ..standard
            },
            "ConvNext" => Self {
                size: Resize::Shortest(384),
                square: false,
                ..standard
            },
            "CLIP" | "Bit" | "ChineseCLIP" => clip,
            "Levit" | "PoolFormer" => imagenet(clip),
            "EfficientNet" => Self {
                size: Resize::Exact([346, 346]),
                ..standard
            },
            _ => return None,
        })
    }
}

/// Keys under which `transformers` does what is not done here.
const NOT_DONE: [&str; 7] = [
    "do_pad",
    "do_flip_channel_order",
    "do_thumbnail",
    "do_align_long_axis",
    "do_image_splitting",
    "do_color_quantize",
    "do_grayscale",
];

/// Reads the keys of the file `path`.
pub fn parse(map: &Map<String, Value>, path: &Path) -> Result<Found, ModelError> {
    if let Some(key) = NOT_DONE.iter().find(|key| truth(map, key, false)) {
        return Err(wrong(
            path,
            key,
            "false: this step is not done here",
            "true",
        ));
    }
    if super::timm::is(map) {
        return super::timm::parse(map, path);
    }
    let class = ["image_processor_type", "feature_extractor_type"];
    let class = class.iter().find_map(|key| map.get(*key)?.as_str());
    let class = class.unwrap_or_default();
    let short = class.trim_end_matches("Fast").trim_end_matches("Pil");
    let short = short.trim_end_matches("ImageProcessor");
    let short = short.trim_end_matches("FeatureExtractor");
    let mut notes = Vec::new();
    let known = Defaults::of(short);
    if known.is_none() {
        let name = match class {
            "" => "names no image processor".to_string(),
            name => format!("names {name:?}, which is not known here"),
        };
        notes.push(format!(
            "{} {name}: its keys are read as ViTImageProcessor's",
            path.display()
        ));
    }
    let Some(defaults) = known.or_else(|| Defaults::of("ViT")) else {
        return Err(wrong(path, "image_processor_type", "a known one", class));
    };
    let (resize, crop) = geometry(map, path, short, &defaults)?;
    let (scale, offset) = scale(map, path)?;
    let (mean, std) = normalisation(map, path, short, &defaults)?;
    Ok(Found {
        how: Preprocess {
            resize,
            crop,
            interpolation: interpolation(map, path)?.unwrap_or(defaults.interpolation),
            scale,
            offset,
            mean,
            std,
            origin: Origin::File(path.display().to_string()),
        },
        notes,
    })
}

/// A yes or no; null is no, as in Python.
fn truth(map: &Map<String, Value>, key: &str, absent: bool) -> bool {
    match map.get(key) {
        None => absent,
        Some(value) => value.as_bool().unwrap_or(false),
    }
}

/// A value that is there and not null.
fn given<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.get(key).filter(|value| !value.is_null())
}

/// How a picture is resized, and what is cut out of it.
fn geometry(
    map: &Map<String, Value>,
    path: &Path,
    class: &str,
    defaults: &Defaults,
) -> Result<(Resize, Option<Crop>), ModelError> {
    let size = match given(map, "size") {
        None => defaults.size,
        Some(value) => size(path, "size", value, defaults.square)?,
    };
    let cut = |size| {
        Some(Crop {
            size,
            rule: CropRule::Transformers,
            fill: [0; 3],
        })
    };
    let mut resize = Resize::None;
    let mut crop = None;
    if truth(map, "do_resize", true) {
        resize = size;
        let percent = |absent: f64| match given(map, "crop_pct") {
            None => Ok(absent),
            Some(value) => match value.as_f64() {
                Some(share) if share > 0.0 && share <= 1.0 => Ok(share),
                _ => Err(wrong(path, "crop_pct", "above 0, at most 1", value)),
            },
        };
        match (class, size) {
            // Below 384 pixels the margin is cut off, from there on pictures are squeezed.
            ("ConvNext", Resize::Shortest(side)) if side < 384 => {
                resize = Resize::Shortest((side as f64 / percent(224.0 / 256.0)?) as usize);
                crop = cut([side; 2]);
            }
            ("ConvNext", Resize::Shortest(side)) => resize = Resize::Exact([side; 2]),
            ("Levit", Resize::Shortest(side)) => {
                resize = Resize::Shortest((256.0 / 224.0 * side as f64) as usize);
            }
            ("PoolFormer", Resize::Shortest(side)) => {
                resize = Resize::Shortest((side as f64 / percent(0.9)?) as usize);
            }
            _ => {}
        }
    }
    let cuts = defaults.crop.is_some();
    if truth(map, "do_center_crop", cuts) {
        let side = match (given(map, "crop_size"), defaults.crop) {
            (Some(value), _) => match self::size(path, "crop_size", value, true)? {
                Resize::Exact(size) => size,
                _ => {
                    let expected = "a number, or height and width";
                    return Err(wrong(path, "crop_size", expected, value));
                }
            },
            (None, Some(side)) => [side; 2],
            (None, None) => match class {
                "EfficientNet" => [289; 2],
                _ => [224; 2],
            },
        };
        crop = cut(side);
    }
    Ok((resize, crop))
}

/// A size: one number, `[height, width]`, or an object.
fn size(path: &Path, key: &str, value: &Value, square: bool) -> Result<Resize, ModelError> {
    let expected = "a number, {\"height\", \"width\"} or {\"shortest_edge\"}";
    match value {
        Value::Number(_) if square => Ok(Resize::Exact([pixels(path, key, value)?; 2])),
        Value::Number(_) => Ok(Resize::Shortest(pixels(path, key, value)?)),
        Value::Array(sides) => match sides.as_slice() {
            [height, width] => Ok(Resize::Exact([
                pixels(path, key, height)?,
                pixels(path, key, width)?,
            ])),
            _ => Err(wrong(path, key, expected, value)),
        },
        Value::Object(map) => {
            let side = |name: &str| given(map, name).map(|v| pixels(path, key, v)).transpose();
            let sides = (side("height")?, side("width")?, side("shortest_edge")?);
            let longest = given(map, "longest_edge").is_some() || map.contains_key("max_height");
            match sides {
                (Some(height), Some(width), None) => Ok(Resize::Exact([height, width])),
                (None, None, Some(side)) if !longest => Ok(Resize::Shortest(side)),
                _ => Err(wrong(path, key, expected, value)),
            }
        }
        _ => Err(wrong(path, key, expected, value)),
    }
}

fn interpolation(
    map: &Map<String, Value>,
    path: &Path,
) -> Result<Option<Interpolation>, ModelError> {
    let Some(value) = given(map, "resample") else {
        return Ok(None);
    };
    let found = match value {
        Value::String(name) => {
            let name = name.rsplit('.').next().unwrap_or_default();
            Interpolation::of_name(name)
        }
        other => other.as_u64().and_then(Interpolation::of_number),
    };
    let expected = "PIL's number of a filter, 0 to 5";
    found
        .map(Some)
        .ok_or_else(|| wrong(path, "resample", expected, value))
}

/// Factor of a pixel, and what is taken from it then.
fn scale(map: &Map<String, Value>, path: &Path) -> Result<(f64, f64), ModelError> {
    if !truth(map, "do_rescale", true) {
        return Ok((1.0, 0.0));
    }
    let factor = match given(map, "rescale_factor") {
        None => 1.0 / 255.0,
        Some(value) => match value.as_f64() {
            Some(factor) if factor.is_finite() && factor != 0.0 => factor,
            _ => {
                let expected = "a number other than 0";
                return Err(wrong(path, "rescale_factor", expected, value));
            }
        },
    };
    let offset = truth(map, "rescale_offset", false) || truth(map, "offset", false);
    Ok((factor, if offset { 1.0 } else { 0.0 }))
}

/// Mean and deviation; 0 and 1 for none.
fn normalisation(
    map: &Map<String, Value>,
    path: &Path,
    class: &str,
    defaults: &Defaults,
) -> Result<(Vec<f32>, Vec<f32>), ModelError> {
    if !truth(map, "do_normalize", true) {
        return Ok((vec![0.0], vec![1.0]));
    }
    let list = |key: &str, absent: [f32; 3]| match given(map, key) {
        None => Ok(absent.to_vec()),
        Some(value) => numbers(path, key, value),
    };
    let mean = list("image_mean", defaults.mean)?;
    let mut std = list("image_std", defaults.std)?;
    if class == "EfficientNet" && truth(map, "include_top", true) {
        // It divides by the deviation a second time.
        std.iter_mut().for_each(|s| *s *= *s);
    }
    if std.contains(&0.0) {
        let found = format!("{std:?}");
        return Err(wrong(path, "image_std", "numbers other than 0", found));
    }
    Ok((mean, std))
}
