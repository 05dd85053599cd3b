//! timm's `config.json` of a ViT, in and out: the name of the architecture and the arguments that change it. Arguments
//! that tensors show are left to them; others that would change what is computed are refused.

use super::published::{Published, tag};
use crate::model::architecture::vit::config::{Activation, VitConfig};
use crate::model::keys::{Keys, labels, square};
use crate::model::{ModelError, Opening};
use crate::suite::parts::Pooling;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The architectures that load, as errors name them.
pub const SUPPORTED: &str = "a plain vision transformer (timm's vit_*, deit_* and deit3_* of a class token or averages, \
     registers, DINOv2 or CLIP)";

/// Arguments that tensors show, or that change nothing that is computed.
const SHOWN: [&str; 19] = [
    "img_size",
    "patch_size",
    "in_chans",
    "num_classes",
    "embed_dim",
    "depth",
    "mlp_ratio",
    "qkv_bias",
    "init_values",
    "class_token",
    "no_embed_class",
    "reg_tokens",
    "pre_norm",
    "fc_norm",
    "final_norm",
    "dynamic_img_size",
    "weight_init",
    "fix_init",
    "drop_rate",
];

/// What is said of a checkpoint beside its tensors. All of it may be unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// What the name of its architecture says.
    pub published: Option<Published>,
    /// What timm calls the weights (`openai`, `laion2b`).
    pub tag: Option<String>,
    /// The name of its file, where that is all there is.
    pub file: Option<String>,
    /// Side of the images that a user asks for.
    pub asked_side: Option<usize>,
    /// Attention heads that a user tells.
    pub asked_heads: Option<usize>,
    /// Attention heads.
    pub heads: Option<usize>,
    /// Whether tokens of patches are averaged, or the class token is taken.
    pub averages: Option<bool>,
    /// Whether the activation is the quick GELU.
    pub quick: Option<bool>,
    /// Side of the square images.
    pub image_size: Option<usize>,
    /// Largest drop-path rate.
    pub drop_path_rate: f64,
    /// Class names by index.
    pub labels: BTreeMap<usize, String>,
}

impl Told {
    /// What the name of a file says.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a name in timm's manner of a network that may be another.
    pub fn by_name(name: &str) -> Result<Self, ModelError> {
        let published = Published::within(name)?;
        let named = published.and_then(|p| name.split_once(p.architecture));
        Ok(Self {
            published,
            tag: named.and_then(|(_, rest)| tag(rest)).map(String::from),
            file: Some(name.into()),
            ..Self::default()
        })
    }

    /// The same with what a user says.
    pub fn with(self, opening: &Opening) -> Self {
        Self {
            asked_side: opening.image_size,
            asked_heads: opening.heads,
            ..self
        }
    }

    /// Reads and checks timm's `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Config`] for another architecture, and for arguments under which timm computes something else.
    pub fn read(map: &Map<String, Value>) -> Result<Self, ModelError> {
        let architecture = map.get("architecture").and_then(Value::as_str);
        let architecture = architecture.unwrap_or_default();
        let Some(published) = Published::named(architecture) else {
            let found = format!("{architecture:?}");
            return Err(ModelError::config("architecture", SUPPORTED, found));
        };
        let empty = Map::new();
        let object = |key: &str| map.get(key).and_then(Value::as_object).unwrap_or(&empty);
        let (arguments, pretrained) = (object("model_args"), object("pretrained_cfg"));
        let keys = Keys::new(arguments);
        let mut told = Self {
            averages: pool(&Keys::new(map).text("global_pool", "")?)?,
            image_size: sides(arguments, "img_size")?,
            ..Self::default()
        };
        if told.image_size.is_none() {
            told.image_size = sides(pretrained, "input_size")?;
        }
        for (key, value) in arguments.iter().filter(|(_, value)| !value.is_null()) {
            match key.as_str() {
                "num_heads" => told.heads = Some(keys.count(key, 0)?),
                "drop_path_rate" => told.drop_path_rate = keys.number(key, 0.0)?,
                "global_pool" => told.averages = pool(&keys.text(key, "")?)?,
                "act_layer" if published.gated() => {
                    if !matches!(value.as_str(), Some("silu" | "swish")) {
                        return Err(refused(key, "\"silu\", that of SwiGLU", value));
                    }
                }
                "act_layer" => {
                    told.quick = Some(match value.as_str() {
                        Some("gelu") => false,
                        Some("quick_gelu") => true,
                        _ => return Err(refused(key, "\"gelu\" or \"quick_gelu\"", value)),
                    });
                }
                "dynamic_img_pad" | "pool_include_prefix" if value == &json!(false) => {}
                "pos_drop_rate" | "patch_drop_rate" | "proj_drop_rate" | "attn_drop_rate"
                    if value.as_f64() == Some(0.0) => {}
                "pos_embed" if value == "learn" => {}
                key if SHOWN.contains(&key) => {}
                key => return Err(refused(key, "timm's default", value)),
            }
        }
        let names = ["label_names", "id2label"];
        let names = names
            .iter()
            .find_map(|key| map.get(*key).or(pretrained.get(*key)));
        told.labels = names.map(labels).unwrap_or_default();
        let tagged = pretrained.get("tag").and_then(Value::as_str);
        told.tag = tagged.or(tag(architecture)).map(String::from);
        told.published = Some(published);
        Ok(told)
    }
}

fn refused(key: &str, expected: &str, found: &Value) -> ModelError {
    ModelError::config(format!("model_args.{key}"), expected, found)
}

/// Whether timm's word for a pooling is that for averages.
fn pool(word: &str) -> Result<Option<bool>, ModelError> {
    match word {
        "" => Ok(None),
        "avg" => Ok(Some(true)),
        "token" => Ok(Some(false)),
        other => Err(ModelError::config(
            "global_pool",
            "\"token\" or \"avg\"",
            format!("{other:?}"),
        )),
    }
}

/// The side of square images, from one number, two equal ones, or channels before them.
fn sides(map: &Map<String, Value>, key: &str) -> Result<Option<usize>, ModelError> {
    let Some(value) = map.get(key).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let of_picture = value.as_array().and_then(|all| match all.as_slice() {
        [_, height, width] => square(&json!([height, width])),
        _ => None,
    });
    match of_picture.or_else(|| square(value)) {
        Some(side) => Ok(Some(side)),
        None => Err(ModelError::config(
            key,
            "the equal sides of an image",
            value,
        )),
    }
}

/// The keys of its `config.json`, for these channels and classes.
pub fn write(
    config: &VitConfig,
    architecture: &str,
    channels: usize,
    id2label: BTreeMap<usize, String>,
) -> Value {
    let gated = config.activation == Activation::SwiGlu;
    let hidden = config.intermediate_size * if gated { 2 } else { 1 };
    let mut ratio = hidden as f64 / config.hidden_size as f64;
    if ((ratio * config.hidden_size as f64) as usize) < hidden {
        // The quotient was rounded down.
        ratio = ratio.next_up();
    }
    let pool = match config.pooling {
        Pooling::Mean => "avg",
        _ => "token",
    };
    let mut arguments = Map::new();
    for (key, value) in [
        ("img_size", json!(config.image_size)),
        ("patch_size", json!(config.patch_size)),
        ("in_chans", json!(channels)),
        ("embed_dim", json!(config.hidden_size)),
        ("depth", json!(config.num_hidden_layers)),
        ("num_heads", json!(config.num_attention_heads)),
        ("mlp_ratio", json!(ratio)),
        ("qkv_bias", json!(config.qkv_bias)),
        ("init_values", json!(config.layer_scale)),
        ("pre_norm", json!(config.pre_norm)),
        ("final_norm", json!(config.token_norm || config.pooled_norm)),
        ("drop_path_rate", json!(config.drop_path_rate)),
    ] {
        arguments.insert(key.into(), value);
    }
    let word = match config.activation {
        Activation::Gelu => Some("gelu"),
        Activation::QuickGelu => Some("quick_gelu"),
        // The name says it, and timm has no word for it.
        Activation::SwiGlu => None,
    };
    if let Some(word) = word {
        arguments.insert("act_layer".into(), json!(word));
    }
    let before = config.layout().before();
    if before > 0 {
        arguments.insert("no_embed_class".into(), json!(config.placed < before));
    }
    if !config.distillation_token {
        // timm's distilled models have no choice here.
        arguments.insert("class_token".into(), json!(config.class_token));
        arguments.insert("reg_tokens".into(), json!(config.num_register_tokens));
        arguments.insert("global_pool".into(), json!(pool));
        arguments.insert("fc_norm".into(), json!(config.pooled_norm));
    }
    let side = config.asked_size.unwrap_or(config.image_size);
    let labels: Vec<&String> = id2label.values().collect();
    json!({
        "model_type": "timm_wrapper",
        "architecture": architecture,
        "num_classes": labels.len(),
        "num_features": config.hidden_size,
        "global_pool": pool,
        "label_names": labels,
        "model_args": arguments,
        "pretrained_cfg": { "input_size": [channels, side, side], "num_classes": labels.len() },
    })
}
