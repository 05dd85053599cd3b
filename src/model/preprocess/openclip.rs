//! open_clip's `preprocess_cfg` in `open_clip_config.json`: what `image_transform(..., is_train=False)` does. The size is
//! the image tower's, as it is there.

use super::found::{Found, numbers, pixels, wrong};
use crate::model::ModelError;
use crate::suite::preprocess::{
    CLIP_MEAN, CLIP_STD, Crop, CropRule, Interpolation, Origin, Preprocess, Resize,
};
use serde_json::{Map, Value};
use std::path::Path;

pub(super) use crate::model::two_tower::open_clip::FILE;

/// Reads the file `path`; `side` is the model's, where the file names none.
pub fn parse(map: &Map<String, Value>, path: &Path, side: usize) -> Result<Found, ModelError> {
    let none = Map::new();
    let part =
        |of: &'_ Map<String, Value>, key: &str| of.get(key).and_then(Value::as_object).cloned();
    let keys = part(map, "preprocess_cfg").unwrap_or(none.clone());
    let tower = part(map, "model_cfg").and_then(|model| part(&model, "vision_cfg"));
    let tower = tower.unwrap_or(none);
    let get = |key: &str| keys.get(key).filter(|value| !value.is_null());
    let size = match tower.get("image_size").or_else(|| get("size")) {
        None => [side; 2],
        Some(value) => match value.as_array().map(Vec::as_slice) {
            None => [pixels(path, "image_size", value)?; 2],
            Some([height, width]) => [
                pixels(path, "image_size", height)?,
                pixels(path, "image_size", width)?,
            ],
            Some(_) => {
                let expected = "a number, or height and width";
                return Err(wrong(path, "image_size", expected, value));
            }
        },
    };
    let mut interpolation = match get("interpolation").map(Value::as_str) {
        None | Some(Some("bicubic" | "random")) => Interpolation::Bicubic,
        Some(Some("bilinear")) => Interpolation::Bilinear,
        Some(found) => {
            let expected = "bicubic, bilinear or random";
            return Err(wrong(path, "interpolation", expected, format!("{found:?}")));
        }
    };
    let fill = match get("fill_color") {
        None => [0; 3],
        Some(value) => {
            let levels = numbers(path, "fill_color", value)?;
            let level = |at: usize| {
                levels
                    .get(at % levels.len())
                    .map_or(0, |level| *level as u8)
            };
            std::array::from_fn(level)
        }
    };
    let crop = Some(Crop {
        size,
        rule: CropRule::Torchvision,
        fill,
    });
    let (resize, crop) = match get("resize_mode").map(Value::as_str) {
        None | Some(Some("shortest")) if size[0] == size[1] => (Resize::Shortest(size[0]), crop),
        None | Some(Some("shortest")) => {
            // Its resizing to other shapes is told no filter and takes its default.
            interpolation = Interpolation::Bicubic;
            (Resize::Cover(size), crop)
        }
        Some(Some("longest")) => (Resize::Inside(size), crop),
        Some(Some("squash")) => (Resize::Exact(size), None),
        Some(found) => {
            let expected = "shortest, longest or squash";
            return Err(wrong(path, "resize_mode", expected, format!("{found:?}")));
        }
    };
    let list = |key: &str, absent: [f32; 3]| match get(key) {
        None => Ok(absent.to_vec()),
        Some(value) => numbers(path, key, value),
    };
    let (mean, std) = (list("mean", CLIP_MEAN)?, list("std", CLIP_STD)?);
    if std.contains(&0.0) {
        return Err(wrong(
            path,
            "std",
            "numbers other than 0",
            format!("{std:?}"),
        ));
    }
    Ok(Found {
        how: Preprocess {
            resize,
            crop,
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
