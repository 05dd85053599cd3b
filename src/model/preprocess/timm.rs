//! timm's `pretrained_cfg`: what `timm.data.create_transform(**resolve_model_data_config(model))` does.

use super::found::{Found, numbers, pixels, wrong};
use crate::model::ModelError;
use crate::suite::preprocess::{
    Crop, CropRule, IMAGENET_MEAN, IMAGENET_STD, Interpolation, Origin, Preprocess, Resize,
};
use serde_json::{Map, Value};
use std::path::Path;

/// Share of a picture that is kept, where nothing is said.
const CROP: f64 = 0.875;

/// Whether an object is timm's: it holds its configuration, or is one (before timm 0.9).
pub fn is(map: &Map<String, Value>) -> bool {
    let nested = ["pretrained_cfg", "data_config"].iter();
    let flat = map.contains_key("architecture") && map.contains_key("mean");
    flat || nested
        .into_iter()
        .any(|k| map.get(*k).is_some_and(Value::is_object))
}

/// Reads the configuration in the file `path`.
pub fn parse(map: &Map<String, Value>, path: &Path) -> Result<Found, ModelError> {
    // What was resolved for the data counts before what was published.
    let places = ["data_config", "pretrained_cfg"].map(|key| map.get(key)?.as_object());
    let nested = places.iter().flatten().next().is_some();
    let get = |key: &str| {
        let mut all = places.iter().flatten();
        let found = all.find_map(|place| place.get(key));
        let flat = || map.get(key).filter(|_| !nested);
        found.or_else(flat).filter(|value| !value.is_null())
    };
    let size = match get("input_size") {
        None => [224, 224],
        Some(value) => match value.as_array().map(Vec::as_slice) {
            Some([_, height, width]) => [
                pixels(path, "input_size", height)?,
                pixels(path, "input_size", width)?,
            ],
            _ => {
                let expected = "[channels, height, width]";
                return Err(wrong(path, "input_size", expected, value));
            }
        },
    };
    let share = match get("crop_pct") {
        None => CROP,
        Some(value) => match value.as_f64() {
            Some(share) if share > 0.01 && share <= 1.0 => share,
            Some(0.0) => CROP,
            _ => return Err(wrong(path, "crop_pct", "above 0, at most 1", value)),
        },
    };
    let scaled = size.map(|side| (side as f64 / share).floor() as usize);
    let interpolation = match get("interpolation") {
        None => Interpolation::Bicubic,
        Some(value) => value
            .as_str()
            .and_then(Interpolation::of_name)
            .ok_or_else(|| wrong(path, "interpolation", "the name of a filter of PIL", value))?,
    };
    let list = |key: &str, absent: [f32; 3]| match get(key) {
        None => Ok(absent.to_vec()),
        Some(value) => numbers(path, key, value),
    };
    let (mean, std) = (list("mean", IMAGENET_MEAN)?, list("std", IMAGENET_STD)?);
    if std.contains(&0.0) {
        let found = format!("{std:?}");
        return Err(wrong(path, "std", "numbers other than 0", found));
    }
    let mut fill = [0; 3];
    let resize = match get("crop_mode").and_then(Value::as_str).unwrap_or("center") {
        "squash" => Resize::Exact(scaled),
        "border" => {
            for (level, mean) in fill.iter_mut().zip(mean.iter().cycle()) {
                *level = (255.0 * mean).round_ties_even().clamp(0.0, 255.0) as u8;
            }
            Resize::Inside(scaled)
        }
        "center" if scaled[0] == scaled[1] => Resize::Shortest(scaled[0]),
        "center" => Resize::Cover(scaled),
        other => {
            let expected = "center, squash or border";
            return Err(wrong(path, "crop_mode", expected, format!("{other:?}")));
        }
    };
    Ok(Found {
        how: Preprocess {
            resize,
            crop: Some(Crop {
                size,
                rule: CropRule::Torchvision,
                fill,
            }),
            interpolation,
            scale: 1.0 / 255.0,
            offset: 0.0,
            mean,
            std,
            origin: Origin::File(path.display().to_string()),
        },
        notes: Vec::new(),
    })
}
