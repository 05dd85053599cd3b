//! The shape of a ViT from timm's tensors. Everything but heads, what is added to variances, activation and pooling can
//! be read off them; those are told by `config.json` or a published name, or follow from a published width, which is
//! told.

use super::keys::Told;
use super::names::canonical;
use super::published;
use crate::model::ModelError;
use crate::model::architecture::vit::config::{Activation, VitConfig, wrong};
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
            .ok_or_else(|| wrong(name, format!("a tensor with {N} axes"), found))
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
    if patch != across || patch == 0 {
        let found = format!("{patch} × {across} pixels");
        return Err(wrong("patch_embed.proj.weight", "square patches", found));
    }
    let mut notes = Vec::new();
    let class_token = shapes.has("cls_token");
    let distillation_token = shapes.has("dist_token");
    let registers = if shapes.has("reg_token") {
        shapes.dims::<3>("reg_token")?[1]
    } else {
        0
    };
    let before = usize::from(class_token) + usize::from(distillation_token) + registers;
    let [_, rows, _] = shapes.dims("pos_embed")?;
    let said = told
        .image_size
        .or(told.published.as_ref().and_then(|p| p.side));
    let (grid, placed) = places(rows, before, said.map(|side| side / patch))?;
    let (image_size, side) = match (said, told.image_size) {
        (Some(said), Some(_)) => (said, SideOrigin::Config),
        (Some(said), None) => (said, SideOrigin::Name),
        (None, _) => (grid * patch, SideOrigin::Positions),
    };
    let [hidden_in, _] = shapes.dims("blocks.0.mlp.fc1.weight")?;
    let [_, hidden] = shapes.dims("blocks.0.mlp.fc2.weight")?;
    let pre_norm = shapes.has("norm_pre.weight");
    let activation = match hidden.checked_mul(2) {
        _ if hidden_in == hidden => plain(told, pre_norm)?,
        Some(twice) if hidden_in == twice => Activation::SwiGlu,
        _ => {
            let expected = format!("{hidden} rows, or twice as many");
            return Err(wrong("blocks.0.mlp.fc1.weight", expected, hidden_in));
        }
    };
    let pooled_norm = shapes.has("fc_norm.weight");
    let averages = told.averages.unwrap_or(pooled_norm || !class_token);
    let pooling = match (distillation_token, averages) {
        (true, _) => Pooling::ClassAndDistillation,
        (false, true) => Pooling::Mean,
        (false, false) => Pooling::First,
    };
    let config = VitConfig {
        kind: Kind::Timm(architecture(told, activation, distillation_token, pre_norm)),
        image_size,
        asked_size: None,
        patch_size: patch,
        num_channels: channels,
        hidden_size: width,
        num_hidden_layers: shapes.layers(),
        num_attention_heads: heads(told, width, class_token, &mut notes)?,
        intermediate_size: hidden,
        activation,
        qkv_bias: shapes.has("blocks.0.attn.qkv.bias"),
        layer_norm_eps: if pre_norm { 1e-5 } else { 1e-6 },
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        drop_path_rate: told.drop_path_rate,
        layer_scale: shapes.has("blocks.0.ls1.gamma").then_some(1e-5),
        class_token,
        distillation_token,
        num_register_tokens: registers,
        placed,
        pre_norm,
        token_norm: shapes.has("norm.weight"),
        pooled_norm,
        pooling,
        resampling: Resampling::Antialiased,
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

/// Side of the grid of `rows` positions, and how many of the `before` tokens before it have some: all, none, or, as in
/// the original DINOv2 with registers, the first.
fn places(rows: usize, before: usize, known: Option<usize>) -> Result<(usize, usize), ModelError> {
    let of = |placed: usize| {
        let patches = rows.checked_sub(placed)?;
        let side = patches.isqrt();
        let fits = side > 0 && side * side == patches && known.is_none_or(|known| known == side);
        fits.then_some((side, placed))
    };
    let mut candidates = vec![before, 0];
    if before > 1 {
        candidates.push(1);
    }
    candidates.into_iter().find_map(of).ok_or_else(|| {
        let grid = match known {
            Some(side) => format!("{side} × {side} patches, the images'"),
            None => "a square of patches".into(),
        };
        wrong(
            "pos_embed",
            format!("positions of {grid}, and of all or none of {before} tokens before them"),
            format!("{rows} positions"),
        )
    })
}

/// The activation between two maps that are no SwiGLU.
fn plain(told: &Told, pre_norm: bool) -> Result<Activation, ModelError> {
    let named = told.published.as_ref().map(|published| published.quick);
    match told.quick.or(named) {
        Some(true) => Ok(Activation::QuickGelu),
        Some(false) => Ok(Activation::Gelu),
        None if !pre_norm => Ok(Activation::Gelu),
        // CLIP's image towers have either, and nothing in their tensors tells.
        None => Err(wrong(
            "activation",
            "a config.json, or a file of timm's name (vit_base_patch16_clip_quickgelu_224), that tells it",
            "tensors of a CLIP image tower alone",
        )),
    }
}

/// The number of heads, which no tensor tells.
fn heads(
    told: &Told,
    width: usize,
    class_token: bool,
    notes: &mut Vec<String>,
) -> Result<usize, ModelError> {
    if let Some(heads) = told.heads {
        return Ok(heads);
    }
    if let Some(heads) = told.published.as_ref().and_then(|p| p.heads(width)) {
        return Ok(heads);
    }
    // Of that width there are 12 heads behind a class token, and 16 without one.
    let known = published::heads(width).filter(|_| class_token || width != 768);
    match known {
        Some(heads) if told.published.is_none() => {
            notes.push(format!(
                "{heads} attention heads are those of the published models of width {width}: the tensors do not tell"
            ));
            Ok(heads)
        }
        _ => Err(wrong(
            "num_heads",
            "a config.json with model_args.num_heads: tensors do not tell it",
            format!("width {width}, of which no number of heads is published"),
        )),
    }
}

/// The architecture under which it is written: its own, else one of timm's that has what no argument can say.
fn architecture(told: &Told, activation: Activation, distilled: bool, pre_norm: bool) -> String {
    let own = told.published.as_ref().map(|p| p.architecture.clone());
    own.unwrap_or_else(|| {
        match (activation, distilled, pre_norm) {
            (Activation::SwiGlu, ..) => "vit_giant_patch14_dinov2",
            (_, true, _) => "deit_base_distilled_patch16_224",
            (_, _, true) => "vit_base_patch16_clip_224",
            _ => "vit_base_patch16_224",
        }
        .into()
    })
}
