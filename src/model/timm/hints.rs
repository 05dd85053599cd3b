//! What timm's `config.json` or the name of a checkpoint says beyond its tensors: foremost the
//! side of the images, which weights alone do not fix.

use crate::model::ModelError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The architectures that [`super::infer_config`] knows, as errors name them.
pub const SUPPORTED: &str = "a Swin transformer of the first version (timm's swin_tiny, \
     swin_small, swin_base or swin_large of any size, or Microsoft's originals)";

/// What is known of a checkpoint beside its tensors. All of it may be unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// Side of the square images, or the longer one.
    pub image_size: Option<usize>,
    /// Height and width, where they differ.
    pub image_shape: Option<[usize; 2]>,
    /// Largest drop-path rate.
    pub drop_path_rate: Option<f64>,
    /// Class names by index.
    pub labels: BTreeMap<usize, String>,
}

impl Hints {
    /// Whether the text of a `config.json` is timm's (it names an `architecture`) rather than
    /// Hugging Face's (which names a `model_type`).
    pub fn is_timm_config(text: &str) -> bool {
        serde_json::from_str::<Value>(text).is_ok_and(|value| {
            value.get("model_type").is_none()
                && value.get("architecture").is_some_and(Value::is_string)
        })
    }

    /// Reads and checks timm's `config.json`.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|source| ModelError::Io {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Parses and checks the text of timm's `config.json`; `path` names it in errors. Refuses
    /// other architectures than [`SUPPORTED`] and settings under which timm computes something
    /// else than a Swin does.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ModelError> {
        let malformed = |what: &str, expected: &str, found: String| ModelError::Malformed {
            path: path.into(),
            what: what.into(),
            expected: expected.into(),
            found,
        };
        let value: Value = serde_json::from_str(text)
            .map_err(|e| malformed("timm configuration", "a JSON object", e.to_string()))?;
        let Some(architecture) = value.get("architecture").and_then(Value::as_str) else {
            return Err(malformed("architecture", SUPPORTED, "none".into()));
        };
        if !architecture.starts_with("swin_") {
            let found = format!("{architecture:?}");
            return Err(malformed("architecture", SUPPORTED, found));
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
            _ => Self::of_name(architecture)
                .image_size
                .map(|side| Ok([side; 2])),
        };
        let sides = sides
            .transpose()
            .map_err(|(key, size)| malformed(key, "the sides of an image", size.to_string()))?;
        let names = value
            .get("label_names")
            .or(pretrained.get("label_names"))
            .unwrap_or(&null);
        Ok(Self {
            image_size: sides.map(|[height, width]| height.max(width)),
            image_shape: sides.filter(|[height, width]| height != width),
            drop_path_rate: arguments.get("drop_path_rate").and_then(Value::as_f64),
            labels: labels(names),
        })
    }

    /// What the name of an architecture or a file (`swin_base_patch4_window7_224_22k`) says: the
    /// side of the images is its last part that is a number.
    pub fn of_name(name: &str) -> Self {
        let image_size = name
            .split(['_', '.', '-'])
            .filter_map(|part| part.parse().ok())
            .rfind(|side| (32..=8192).contains(side));
        Self {
            image_size,
            ..Self::default()
        }
    }
}

/// Height and width of an image: one number, `[height, width]` or `[channels, height, width]`.
fn sides(size: &Value) -> Option<[usize; 2]> {
    let number = |v: &Value| {
        let side = v.as_u64().and_then(|n| usize::try_from(n).ok());
        side.filter(|side| (1..=8192).contains(side))
    };
    match size.as_array().map(Vec::as_slice) {
        None => number(size).map(|side| [side; 2]),
        Some([height, width] | [_, height, width]) => Some([number(height)?, number(width)?]),
        Some(_) => None,
    }
}

/// Class names: a list, or an object from index to name.
fn labels(names: &Value) -> BTreeMap<usize, String> {
    let text = |v: &Value| v.as_str().map(str::to_string);
    match names {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .filter_map(|(i, v)| Some((i, text(v)?)))
            .collect(),
        Value::Object(map) => map
            .iter()
            .filter_map(|(i, v)| Some((i.parse().ok()?, text(v)?)))
            .collect(),
        _ => BTreeMap::new(),
    }
}
