//! What timm's `config.json` or the name of a checkpoint says beyond its tensors: foremost the
//! side of the images, which weights alone do not fix.

use crate::model::ModelError;
use crate::model::architecture::in_timm;
use crate::model::keys;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The architectures that [`super::infer_config`] knows, as errors name them.
pub const SUPPORTED: &str = "a Swin transformer of the first version (timm's swin_tiny, \
     swin_small, swin_base or swin_large of any size, or Microsoft's originals)";

/// What is known of a checkpoint beside its tensors. All of it may be unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// Side of the square images, or the longer one, as `config.json` says.
    pub image_size: Option<usize>,
    /// Height and width, where they differ.
    pub image_shape: Option<[usize; 2]>,
    /// Side that a user asks for; before everything else.
    pub asked: Option<usize>,
    /// What a published name says.
    pub name: Option<Published>,
    /// Largest drop-path rate.
    pub drop_path_rate: Option<f64>,
    /// Class names by index.
    pub labels: BTreeMap<usize, String>,
}

impl Hints {
    /// Whether a `config.json` is timm's: it names an `architecture`, and is no configuration of
    /// Hugging Face's with a `model_type`, but for their wrapper of timm. A training script's own
    /// settings may have an `architecture` too, in another spelling and without timm's other keys.
    pub fn is_timm_config(map: &Map<String, Value>) -> bool {
        let Some(architecture) = map.get("architecture").and_then(Value::as_str) else {
            return false;
        };
        match map.get("model_type").and_then(Value::as_str) {
            Some(kind) => kind == "timm_wrapper",
            None => {
                let known =
                    |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.".contains(&b);
                architecture.bytes().all(known)
                    || ["pretrained_cfg", "num_features", "model_args"]
                        .iter()
                        .any(|key| map.contains_key(*key))
            }
        }
    }

    /// Reads and checks timm's `config.json`; `path` names it in errors. Refuses other
    /// architectures than [`SUPPORTED`] and settings under which timm computes something else than
    /// a Swin does.
    pub fn read(value: &Map<String, Value>, path: &Path) -> Result<Self, ModelError> {
        let malformed = |what: &str, expected: &str, found: String| ModelError::Malformed {
            path: path.into(),
            what: what.into(),
            expected: expected.into(),
            found,
        };
        let Some(architecture) = value.get("architecture").and_then(Value::as_str) else {
            return Err(malformed("architecture", &in_timm(), "none".into()));
        };
        if !architecture.starts_with("swin_") {
            let found = format!("{architecture:?}");
            return Err(malformed("architecture", &in_timm(), found));
        }
        let null = Value::Null;
        let (arguments, pretrained) = (
            value.get("model_args").unwrap_or(&null),
            value.get("pretrained_cfg").unwrap_or(&null),
        );
        if arguments.get("always_partition") == Some(&Value::Bool(true)) {
            return Err(malformed(
                "model_args.always_partition",
                "false: a token grid smaller than the window is one window",
                "true".into(),
            ));
        }
        let pool = value.get("global_pool").and_then(Value::as_str);
        if !matches!(pool, None | Some("avg" | "")) {
            return Err(malformed(
                "global_pool",
                "\"avg\"",
                format!("{:?}", pool.unwrap_or_default()),
            ));
        }
        let sides = match (arguments.get("img_size"), pretrained.get("input_size")) {
            (Some(size), _) if !size.is_null() => Some(sides(size).ok_or(("img_size", size))),
            (_, Some(size)) if !size.is_null() => Some(sides(size).ok_or(("input_size", size))),
            _ => Published::find(architecture).map(|name| Ok([name.side; 2])),
        };
        let sides = sides
            .transpose()
            .map_err(|(key, size)| malformed(key, "the sides of an image", size.to_string()))?;
        let names = ["label_names", "id2label"]
            .iter()
            .find_map(|key| value.get(*key).or(pretrained.get(*key)))
            .unwrap_or(&null);
        Ok(Self {
            image_size: sides.map(|[height, width]| height.max(width)),
            image_shape: sides.filter(|[height, width]| height != width),
            drop_path_rate: arguments.get("drop_path_rate").and_then(Value::as_f64),
            labels: keys::labels(names),
            name: None,
            asked: None,
        })
    }

    /// What the name of a file or a folder says: a published one tells patch, window and side.
    pub fn of_name(name: &str) -> Self {
        Self {
            name: Published::find(name),
            ..Self::default()
        }
    }
}

/// The part of a name by which timm and Microsoft publish Swins: `patch4_window7_224`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Side of a window in tokens.
    pub window: usize,
    /// Side of the images in pixels.
    pub side: usize,
}

impl Published {
    /// Finds it in a name. Other numbers in names (epochs, seeds, dates) say nothing.
    pub fn find(name: &str) -> Option<Self> {
        fn number(text: &str) -> Option<(usize, &str)> {
            let end = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            Some((text[..end].parse().ok()?, &text[end..]))
        }
        name.match_indices("patch").find_map(|(at, word)| {
            let (patch, rest) = number(&name[at + word.len()..])?;
            let (window, rest) = number(rest.strip_prefix("_window")?)?;
            let (side, rest) = number(rest.strip_prefix('_')?)?;
            let ends = rest.is_empty() || rest.starts_with(['_', '.', '-']);
            let possible = (32..=8192).contains(&side) && patch > 0 && window > 0;
            (ends && possible).then_some(Self {
                patch,
                window,
                side,
            })
        })
    }
}

/// Height and width of an image: one number, `[height, width]` or `[channels, height, width]`.
fn sides(size: &Value) -> Option<[usize; 2]> {
    let number = |v: &Value| {
        // Also 96.0, as some writers put it.
        let whole = v.as_f64().filter(|n| n.fract() == 0.0)?;
        (1.0..=8192.0).contains(&whole).then_some(whole as usize)
    };
    match size.as_array().map(Vec::as_slice) {
        None => number(size).map(|side| [side; 2]),
        Some([height, width] | [_, height, width]) => Some([number(height)?, number(width)?]),
        Some(_) => None,
    }
}
