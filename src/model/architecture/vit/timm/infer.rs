//! The shape of a ViT from timm's tensors. Everything but heads, what is added to variances, activation and pooling can
//! be read off them; those are told by `config.json` or a published name. Without either, heads are those of the
//! published width, which is told.

use super::grid::{Places, places};
use super::keys::Told;
use super::names::canonical;
use super::original;
use super::published::{self, Published};
use crate::model::ModelError;
use crate::model::architecture::vit::config::{Activation, VitConfig};
use crate::model::architecture::vit::kind::Kind;
use crate::model::embedder::Resampling;
use crate::model::opening::SideOrigin;
use crate::suite::parts::Pooling;
use std::collections::{BTreeMap, BTreeSet};

/// What the tensors of a checkpoint tell.
#[derive(Debug)]
pub struct Inferred {
    /// The architecture.
    pub config: VitConfig,
    /// Where the side of the images was found.
    pub side: SideOrigin,
    /// What is to be told of it.
    pub notes: Vec<String>,
}

/// Shapes by timm's names.
struct Shapes(BTreeMap<String, Vec<usize>>);

impl Shapes {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The shape of a tensor that must be there with `N` axes.
    fn dims<const N: usize>(&self, name: &str) -> Result<[usize; N], ModelError> {
        let shape = self.0.get(name);
        let found = shape.map_or("no such tensor".into(), |s| format!("{s:?}"));
        shape
            .and_then(|s| s.clone().try_into().ok())
            .ok_or_else(|| ModelError::config(name, format!("a tensor with {N} axes"), found))
    }

    /// Number of layers. Counted, not taken from the largest index: a gap then shows as missing tensors.
    fn layers(&self) -> usize {
        let number = |name: &String| {
            name.strip_prefix("blocks.")?
                .split('.')
                .next()?
                .parse()
                .ok()
        };
        let all: BTreeSet<usize> = self.0.keys().filter_map(number).collect();
        all.len()
    }
}

/// The checked configuration of the ViT whose tensors are called `names`; `shape` gives the shape of any of them.
///
/// # Errors
/// [`ModelError::Config`] for shapes that no ViT has, positions of another grid than the images', and what neither
/// tensors nor `told` tell.
pub fn infer(
    shape: &dyn Fn(&str) -> Option<Vec<usize>>,
    names: &[String],
    told: &Told,
) -> Result<Inferred, ModelError> {
    let all = names
        .iter()
        .filter_map(|n| Some((canonical(n)?, shape(n)?)));
    let shapes = Shapes(all.collect());
    let [width, channels, patch, across] = shapes.dims("patch_embed.proj.weight")?;
    if patch != across || !(1..=256).contains(&patch) {
        let found = format!("{patch} × {across} pixels");
        let expected = "square patches of 1 to 256 pixels";
        return Err(ModelError::config(
            "patch_embed.proj.weight",
            expected,
            found,
        ));
    }
    let mut notes = Vec::new();
    let has = Has::of(&shapes)?;
    has.agrees(told, width)?;
    let [_, rows, _] = shapes.dims("pos_embed")?;
    let Places {
        image_size,
        placed,
        side,
    } = places(rows, has.before(), patch, told, &mut notes)?;
    let (hidden, activation) = mlp(&shapes, told, &has, &mut notes)?;
    let pooled_norm = shapes.has("fc_norm.weight");
    let published = told.published;
    let described = published.filter(|_| told.file.is_none());
    let averages = told.averages.or(described.map(|p| p.averages()));
    let pooling = match (
        has.distillation,
        averages.unwrap_or(pooled_norm || !has.class),
    ) {
        (true, _) => Pooling::ClassAndDistillation,
        (false, true) => Pooling::Mean,
        (false, false) => Pooling::First,
    };
    let resampling = match described {
        // A config.json of timm's is of timm's model.
        Some(_) => Resampling::Antialiased,
        None => {
            let file = told.file.as_deref().unwrap_or_default();
            let (how, note) = original::resampling(names, file, published.is_some());
            notes.extend(note);
            how
        }
    };
    let config = VitConfig {
        kind: Kind::Timm(architecture(told, activation, &has).into()),
        image_size,
        asked_size: None,
        patch_size: patch,
        num_channels: channels,
        hidden_size: width,
        num_hidden_layers: shapes.layers(),
        num_attention_heads: heads(told, width, has.class, &mut notes)?,
        intermediate_size: hidden,
        activation,
        qkv_bias: shapes.has("blocks.0.attn.qkv.bias"),
        // Without a name it is one of the authors' own, all of which have this.
        layer_norm_eps: published.map_or(1e-6, |p| p.epsilon()),
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        drop_path_rate: told.drop_path_rate,
        layer_scale: shapes.has("blocks.0.ls1.gamma").then_some(1e-5),
        class_token: has.class,
        distillation_token: has.distillation,
        num_register_tokens: has.registers,
        placed,
        pre_norm: has.pre_norm,
        token_norm: shapes.has("norm.weight"),
        pooled_norm,
        pooling,
        resampling,
        id2label: match shapes.0.get("head.weight").map(Vec::as_slice) {
            Some([classes, _]) if *classes == told.labels.len() => told.labels.clone(),
            _ => BTreeMap::new(),
        },
    }
    .check()?;
    Ok(Inferred {
        config,
        side,
        notes,
    })
}

/// What stands before the patches, and before the blocks.
struct Has {
    class: bool,
    distillation: bool,
    registers: usize,
    pre_norm: bool,
    gated: bool,
}

impl Has {
    fn of(shapes: &Shapes) -> Result<Self, ModelError> {
        let registers = match shapes.has("reg_token") {
            true => shapes.dims::<3>("reg_token")?[1],
            false => 0,
        };
        if registers > 1024 {
            return Err(ModelError::config(
                "reg_token",
                "0 to 1024 tokens",
                registers,
            ));
        }
        let [hidden_in, _] = shapes.dims("blocks.0.mlp.fc1.weight")?;
        let [_, hidden] = shapes.dims("blocks.0.mlp.fc2.weight")?;
        Ok(Self {
            class: shapes.has("cls_token"),
            distillation: shapes.has("dist_token"),
            registers,
            pre_norm: shapes.has("norm_pre.weight"),
            gated: hidden.checked_mul(2) == Some(hidden_in),
        })
    }

    /// Number of tokens before the patches.
    fn before(&self) -> usize {
        usize::from(self.class) + usize::from(self.distillation) + self.registers
    }

    /// Refuses tensors that are not those of the name: a `config.json` has arguments for all but two of the differences.
    fn agrees(&self, told: &Told, width: usize) -> Result<(), ModelError> {
        let Some(name) = told.published else {
            return Ok(());
        };
        let always = [
            ("SwiGLU", self.gated.into(), name.gated().into()),
            (
                "distillation tokens",
                self.distillation.into(),
                name.distilled().into(),
            ),
        ];
        let by_argument = [
            ("width", width, name.width),
            ("class tokens", self.class.into(), (!name.averages()).into()),
            ("register tokens", self.registers, name.registers),
            (
                "norms before the blocks",
                self.pre_norm.into(),
                name.pre_norm().into(),
            ),
        ];
        let of_file = by_argument.iter().filter(|_| told.file.is_some());
        let other = always
            .iter()
            .chain(of_file)
            .find(|(_, found, expected)| found != expected);
        let Some((what, found, expected)) = other else {
            return Ok(());
        };
        Err(ModelError::config(
            format!("tensors of {}", name.architecture),
            format!(
                "{what}: {expected}, as timm builds it; another name, or none of timm's, where it is another"
            ),
            found,
        ))
    }
}

/// Hidden width and activation of the MLPs.
fn mlp(
    shapes: &Shapes,
    told: &Told,
    has: &Has,
    notes: &mut Vec<String>,
) -> Result<(usize, Activation), ModelError> {
    let [hidden_in, _] = shapes.dims("blocks.0.mlp.fc1.weight")?;
    let [_, hidden] = shapes.dims("blocks.0.mlp.fc2.weight")?;
    if has.gated {
        return Ok((hidden, Activation::SwiGlu));
    }
    if hidden_in != hidden {
        let expected = format!("{hidden} rows, or twice as many");
        return Err(ModelError::config(
            "blocks.0.mlp.fc1.weight",
            expected,
            hidden_in,
        ));
    }
    let quick = told.quick.or(told.published.map(|p| p.quick()));
    let activation = match quick {
        Some(true) => Activation::QuickGelu,
        Some(false) => Activation::Gelu,
        None if !has.pre_norm => Activation::Gelu,
        // CLIP's image towers have either, and nothing in their tensors tells.
        None => {
            return Err(ModelError::config(
                "activation",
                "a config.json, or a file of timm's name (vit_base_patch16_clip_quickgelu_224), that tells it",
                "tensors of a CLIP image tower alone",
            ));
        }
    };
    if let (Some(name), Some(tag), None) = (told.published, &told.tag, told.quick)
        && name.natively_quick(tag)
    {
        let quick = name.architecture.replacen("_clip_", "_clip_quickgelu_", 1);
        notes.push(format!(
            "{}.{tag} was trained with the quick GELU, but timm computes the exact one under this name, as is done \
             here; the original's outputs are those of the architecture {quick}",
            name.architecture
        ));
    }
    Ok((hidden, activation))
}

/// The number of heads, which no tensor tells: what `config.json` says by itself or by the name of its architecture,
/// what a user says, what the name of the file says, or what is published of the width.
fn heads(
    told: &Told,
    width: usize,
    class_token: bool,
    notes: &mut Vec<String>,
) -> Result<usize, ModelError> {
    let named = told.published.map(|p| p.heads);
    let described = told.heads.or(named.filter(|_| told.file.is_none()));
    if let Some(heads) = described.or(told.asked_heads).or(named) {
        return match width.is_multiple_of(heads.max(1)) && heads > 0 {
            true => Ok(heads),
            false => {
                let expected = format!("a divisor of the width {width}");
                Err(ModelError::config("num_heads", expected, heads))
            }
        };
    }
    let Some(heads) = published::heads(width, class_token) else {
        return Err(ModelError::config(
            "num_heads",
            "--heads N, or a config.json with model_args.num_heads: tensors do not tell it",
            format!("width {width}, of which no number of heads, or several, are published"),
        ));
    };
    // MoCo v3 and SLIP have another ViT-S.
    let other = if width == 384 {
        " (MoCo v3's and SLIP's have 12)"
    } else {
        ""
    };
    notes.push(format!(
        "{heads} attention heads are those of timm's models of width {width}{other}: the tensors do not tell; --heads N \
         sets them"
    ));
    Ok(heads)
}

/// The architecture under which it is written: its own, else one of timm's that has what no argument can say.
fn architecture(told: &Told, activation: Activation, has: &Has) -> &'static str {
    let own = told.published.map(|name: Published| name.architecture);
    own.unwrap_or(match (activation, has.distillation, has.pre_norm) {
        (Activation::SwiGlu, ..) => "vit_giant_patch14_dinov2",
        (_, true, _) => "deit_base_distilled_patch16_224",
        (_, _, true) => "vit_base_patch16_clip_224",
        _ => "vit_base_patch16_224",
    })
}
