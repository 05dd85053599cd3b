//! What stands beside the weights on how pictures are prepared: `preprocessor_config.json` (or the
//! `image_processor` of `processor_config.json`) of Hugging Face, `open_clip_config.json` of open_clip,
//! `pretrained_cfg` or `data_config` of timm, and what our own folders record. Without any of them it is a guess, and
//! said to be one.

mod found;
mod huggingface;
mod openclip;
#[cfg(test)]
mod tests;
mod timm;

pub use self::found::Found;
use self::found::wrong;
use super::description::Extras;
pub use super::description::Recorded;
use super::{Architecture, ModelError, embedded, hub};
use crate::suite::preprocess::{Interpolation, Preprocess};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// That of the model called `name`: one inside the program, or what [`hub::resolve`] finds. `asked` is
/// another side than the files beside the weights say.
///
/// # Errors
/// Files beside the weights that say what cannot be done.
pub fn of(name: &str, config: &Architecture, asked: Option<usize>) -> Result<Found, ModelError> {
    let found = if embedded::names().contains(&name) {
        match config.name().starts_with("clip") {
            true => written(side(config))?,
            false => ours(side(config)),
        }
    } else {
        beside(&hub::resolve(name, &mut |_, _, _| ())?, config)?
    };
    let how = match asked {
        Some(side) => found.how.with_side(side),
        None => found.how,
    };
    Ok(Found { how, ..found }.checked(side(config)))
}

/// That of the model folder or checkpoint file at `path`.
///
/// # Errors
/// As [`of`].
pub fn beside(path: &Path, config: &Architecture) -> Result<Found, ModelError> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new("."))
    };
    let side = side(config);
    let own = object(folder.join("config.json"))?;
    let config_of = |(path, map): &(PathBuf, Map<String, Value>)| (path.clone(), map.clone());
    let found = if let Some(extras) = own.as_ref().and_then(|(_, map)| map.get("modalign")) {
        let extras: Option<Extras> = serde_json::from_value(extras.clone()).ok();
        match extras.and_then(|extras| extras.preprocess) {
            Some(Recorded::Published(how)) => Found {
                how: *how,
                notes: Vec::new(),
            },
            Some(Recorded::Own) | None => ours(side),
        }
    } else if is_recipe(folder)? && processor(folder)?.is_none() {
        ours(side)
    } else if let Some((file, map)) = processor(folder)? {
        let mut found = huggingface::parse(&map, &file)?;
        let other = openclip(folder, side)?;
        found
            .notes
            .extend(other.and_then(|other| differing(&found, &other)));
        found
    } else if let Some(found) = openclip(folder, side)? {
        found
    } else if let Some((file, map)) = own.as_ref().filter(|(_, m)| timm::is(m)).map(config_of) {
        timm::parse(&map, &file)?
    } else {
        // The families of CLIP, whole and tower.
        let how = match config.name().starts_with("clip") {
            true => Preprocess::clip(side),
            false => Preprocess::guess(side),
        };
        Found {
            how,
            notes: Vec::new(),
        }
    };
    Ok(found)
}

/// The `preprocessor_config.json` of a CLIP of ours for pictures of `side × side`: that of OpenAI's.
pub fn clip_json(side: usize) -> Value {
    let Preprocess { mean, std, .. } = Preprocess::clip(side);
    serde_json::json!({
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": true,
        "do_resize": true,
        "size": { "shortest_edge": side },
        "resample": Interpolation::Bicubic.number(),
        "do_center_crop": true,
        "crop_size": { "height": side, "width": side },
        "do_rescale": true,
        "rescale_factor": 1.0 / 255.0,
        "do_normalize": true,
        "image_mean": short(&mean),
        "image_std": short(&std),
    })
}

/// What that file says.
///
/// # Errors
/// None but of a side that no picture has.
pub fn written(side: usize) -> Result<Found, ModelError> {
    let file = Path::new("preprocessor_config.json");
    match clip_json(side) {
        Value::Object(map) => huggingface::parse(&map, file),
        other => Err(wrong(file, "contents", "a JSON object", other)),
    }
}

/// Numbers as people write them.
fn short(values: &[f32]) -> Vec<f64> {
    let double = |v: &f32| v.to_string().parse().unwrap_or(f64::from(*v));
    values.iter().map(double).collect()
}

fn ours(side: usize) -> Found {
    Found {
        how: Preprocess::own(side),
        notes: Vec::new(),
    }
}

/// What open_clip's file says, if there is one.
fn openclip(folder: &Path, side: usize) -> Result<Option<Found>, ModelError> {
    let file = object(folder.join(openclip::FILE))?;
    file.map(|(path, map)| openclip::parse(&map, &path, side))
        .transpose()
}

/// What is told where open_clip's file asks for more than another middle pixel than the one that counts.
fn differing(found: &Found, other: &Found) -> Option<String> {
    let what = |how: &Preprocess| {
        let size = how.crop.map(|crop| (crop.size, crop.fill));
        (
            how.resize,
            size,
            how.interpolation,
            how.mean.clone(),
            how.std.clone(),
        )
    };
    let (counts, stays) = (&found.how, &other.how);
    (what(counts) != what(stays)).then(|| {
        format!(
            "{} says otherwise and does not count: {}",
            openclip::FILE,
            stays.words()
        )
    })
}

/// Side of the model's pictures; models of sequences have none.
fn side(config: &Architecture) -> usize {
    config.image_size().unwrap_or(224)
}

/// Whether `modalign pretrain` made the folder.
fn is_recipe(folder: &Path) -> Result<bool, ModelError> {
    let recipe = object(folder.join("recipe.json"))?;
    let made = recipe.and_then(|(_, map)| map.get("made_by").cloned());
    Ok(made.is_some_and(|by| by.as_str().is_some_and(|by| by.starts_with("modalign "))))
}

/// The object in a file, with the file.
type Named = (PathBuf, Map<String, Value>);

/// The image processor of Hugging Face's kind. Where a processor of several modalities holds one, that
/// one counts, as in `transformers`.
fn processor(folder: &Path) -> Result<Option<Named>, ModelError> {
    if let Some((file, map)) = object(folder.join("processor_config.json"))?
        && let Some(Value::Object(inner)) = map.get("image_processor")
    {
        return Ok(Some((file, inner.clone())));
    }
    object(folder.join("preprocessor_config.json"))
}

/// The JSON object in a file; `None` where there is no such file.
fn object(path: PathBuf) -> Result<Option<Named>, ModelError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ModelError::Io { path, source }),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Ok(Some((path, map))),
        Ok(_) => Err(wrong(&path, "contents", "a JSON object", "another value")),
        Err(e) => Err(wrong(&path, "contents", "a JSON object", e)),
    }
}
