//! The architecture of a Swin from the shapes of timm's tensors. Everything but the side of the
//! images and the drop-path rate can be read off them.

use super::hints::{Hints, SUPPORTED};
use super::{Style, block_of};
use crate::model::opening::SideOrigin;
use crate::model::windows::Windows;
use crate::model::{ModelError, SwinConfig};
use std::collections::{BTreeMap, BTreeSet};

/// timm's and Hugging Face's default alike.
const DROP_PATH_RATE: f64 = 0.1;

/// What the tensors of a checkpoint tell.
#[derive(Debug)]
pub struct Inferred {
    /// The architecture.
    pub config: SwinConfig,
    /// Where the side of the images was found.
    pub side: SideOrigin,
    /// What is to be told of it.
    pub notes: Vec<String>,
}

/// The checked configuration of the Swin whose tensors are called `names`; `shapes` gives the
/// shape of any of them. Refuses Swin V2, absolute position embeddings, window sizes that vary
/// other than with the token grid, and shapes that no Swin has.
pub fn infer_config(
    shapes: &dyn Fn(&str) -> Option<Vec<usize>>,
    names: &[String],
    hints: &Hints,
) -> Result<Inferred, ModelError> {
    let other = names
        .iter()
        .find(|n| n.ends_with("attn.logit_scale") || n.contains(".cpb_mlp."));
    if let Some(name) = other {
        return Err(wrong(
            "architecture",
            SUPPORTED,
            format!("Swin V2 (tensor {name})"),
        ));
    }
    if names.iter().any(|n| n == "absolute_pos_embed") {
        return Err(wrong(
            "position embeddings",
            "relative ones only",
            "absolute ones (tensor absolute_pos_embed)".into(),
        ));
    }
    let [embed_dim, num_channels, patch_size, patch_width] =
        dims(shapes, "patch_embed.proj.weight")?;
    if patch_size != patch_width || patch_size == 0 {
        return Err(wrong(
            "patch_embed.proj.weight",
            "square patches",
            format!("{patch_size} × {patch_width} pixels"),
        ));
    }
    let depths = depths(names)?;
    let (mut num_heads, mut windows, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for stage in 0..depths.len() {
        let name = format!("layers.{stage}.blocks.0.attn.relative_position_bias_table");
        let [rows, heads] = dims(shapes, &name)?;
        num_heads.push(heads);
        tables.push(rows);
        if hints.image_shape.is_some() {
            continue;
        }
        windows.push(window(rows).ok_or_else(|| {
            wrong(
                &name,
                "(2·window − 1)² rows of a square window",
                format!("{rows} rows"),
            )
        })?);
    }
    if let Some(shape) = hints.image_shape {
        let whole = rectangles(shape, patch_size, &tables)?;
        windows = vec![whole; depths.len()];
    }
    let window_size = windows.iter().copied().max().unwrap_or(1);
    let mut notes = Vec::new();
    let (image_size, side) = image_size(shapes, names, hints, patch_size, &windows, &mut notes)?;
    let config = SwinConfig {
        model_type: "swin".into(),
        image_size,
        patch_size,
        num_channels,
        embed_dim,
        mlp_ratio: mlp_ratio(shapes, embed_dim, depths.len())?,
        depths,
        num_heads,
        window_size,
        qkv_bias: shapes("layers.0.blocks.0.attn.qkv.bias").is_some(),
        drop_path_rate: hints.drop_path_rate.unwrap_or(DROP_PATH_RATE),
        layer_norm_eps: 1e-5,
        hidden_act: "gelu".into(),
        use_absolute_embeddings: false,
        id2label: labels(shapes, names, hints),
    }
    .check()?;
    let found = windows_of(&config);
    if found != windows && hints.image_shape.is_none() {
        return Err(wrong(
            "windows of the stages",
            "one size for all, smaller only where the token grid is",
            format!(
                "{windows:?}; images of {} pixels would have {found:?}",
                config.image_size
            ),
        ));
    }
    Ok(Inferred {
        config,
        side,
        notes,
    })
}

fn wrong(what: &str, expected: &str, found: String) -> ModelError {
    ModelError::Config {
        what: what.into(),
        expected: expected.into(),
        found,
    }
}

/// The shape of a tensor that must be there with `N` axes.
fn dims<const N: usize>(
    shapes: &dyn Fn(&str) -> Option<Vec<usize>>,
    name: &str,
) -> Result<[usize; N], ModelError> {
    let shape = shapes(name);
    let found = shape
        .as_ref()
        .map_or("no such tensor".into(), |s| format!("{s:?}"));
    shape
        .and_then(|s| s.try_into().ok())
        .ok_or_else(|| wrong(name, &format!("a tensor with {N} axes"), found))
}

/// Blocks of every stage. Counted, not taken from the largest index: a gap then shows as missing
/// tensors, and no name can ask for more blocks than the file has.
fn depths(names: &[String]) -> Result<Vec<usize>, ModelError> {
    let mut blocks: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (stage, block, _) in names.iter().filter_map(|n| block_of(n)) {
        blocks.entry(stage).or_default().insert(block);
    }
    let contiguous = blocks.keys().copied().eq(0..blocks.len());
    if blocks.is_empty() || blocks.len() > 8 || !contiguous {
        return Err(wrong(
            "stages",
            "layers.0, layers.1 and so on, 1 to 8 of them",
            format!("{:?}", blocks.keys().take(9).collect::<Vec<_>>()),
        ));
    }
    Ok(blocks.values().map(BTreeSet::len).collect())
}

/// The side of the window whose bias table has `rows` rows.
fn window(rows: usize) -> Option<usize> {
    let side = rows.isqrt();
    (side.checked_mul(side) == Some(rows) && side % 2 == 1).then_some(side.div_ceil(2))
}

/// The whole window of a model of images of two different sides: the one whose windows, no larger than
/// the token grids, have tables of these sizes.
fn rectangles(shape: [usize; 2], patch: usize, tables: &[usize]) -> Result<usize, ModelError> {
    if shape.iter().any(|side| *side < patch) {
        return Err(wrong(
            "sides of the images",
            &format!("at least the {patch} pixels of a patch"),
            format!("{} × {}", shape[0], shape[1]),
        ));
    }
    let grid = Some(shape.map(|side| side / patch));
    let fits = |whole: &usize| {
        let windows = Windows::Timm { grid }.tables(*whole, tables.len());
        windows
            .iter()
            .copied()
            .map(super::table_rows)
            .eq(tables.iter().copied())
    };
    // Of several the largest: they agree on every grid that the model has.
    (1..=64).rev().find(fits).ok_or_else(|| {
        wrong(
            "windows of the stages",
            &format!("one size for all on images of {} × {}", shape[0], shape[1]),
            format!("bias tables of {tables:?} rows"),
        )
    })
}

/// Hidden over outer width, such that truncating its product with every stage's width gives that
/// stage's hidden width. The last stage is the widest, so its quotient is the most exact.
fn mlp_ratio(
    shapes: &dyn Fn(&str) -> Option<Vec<usize>>,
    embed_dim: usize,
    stages: usize,
) -> Result<f64, ModelError> {
    let mut hidden = Vec::with_capacity(stages);
    for stage in 0..stages {
        let name = format!("layers.{stage}.blocks.0.mlp.fc1.weight");
        let [rows, width] = dims(shapes, &name)?;
        if embed_dim.checked_mul(1 << stage) != Some(width) || width == 0 {
            let expected = format!("{embed_dim} · 2^{stage} columns");
            return Err(wrong(&name, &expected, format!("{width}")));
        }
        hidden.push((rows, width));
    }
    let (rows, width) = hidden.last().copied().unwrap_or((1, 1));
    let mut ratio = rows as f64 / width as f64;
    if ((ratio * width as f64) as usize) < rows {
        // The quotient was rounded down.
        ratio = ratio.next_up();
    }
    match hidden
        .iter()
        .find(|&&(rows, width)| (ratio * width as f64) as usize != rows)
    {
        None => Ok(ratio),
        Some((rows, width)) => Err(wrong(
            "widths of the MLPs",
            &format!("{ratio} times the stage's in every stage"),
            format!("{rows} for {width}"),
        )),
    }
}

/// Token rows of every stage, from those of the first.
pub(super) fn grids(first: usize, stages: usize) -> Vec<usize> {
    std::iter::successors(Some(first), |grid| Some(grid.div_ceil(2)))
        .take(stages)
        .collect()
}

/// The window of every stage as timm builds it: no larger than the token grid.
pub(super) fn windows_of(config: &SwinConfig) -> Vec<usize> {
    grids(config.grid(), config.depths.len())
        .into_iter()
        .map(|grid| grid.min(config.window_size))
        .collect()
}

/// The side of the images and where it was found: what is asked for; what `config.json` says,
/// unless an attention mask contradicts; what the masks say; what a published name says if its
/// patch and window are the file's. Else it is guessed: a window smaller than the others has about
/// its token grid's size, or there is one window in the last stage, as in all published models.
fn image_size(
    shapes: &dyn Fn(&str) -> Option<Vec<usize>>,
    names: &[String],
    hints: &Hints,
    patch: usize,
    windows: &[usize],
    notes: &mut Vec<String>,
) -> Result<(usize, SideOrigin), ModelError> {
    if let Some(side) = hints.asked {
        return Ok((side, SideOrigin::Asked));
    }
    let pixels =
        |tokens: usize, stage: usize| tokens.saturating_mul(patch).saturating_mul(1 << stage);
    let mask = names.iter().find_map(|name| {
        let (stage, _, rest) = block_of(name)?;
        (rest == "attn_mask" && stage < windows.len()).then_some((stage, name))
    });
    let largest = windows.iter().copied().max().unwrap_or(1);
    let named = hints
        .name
        .filter(|name| name.patch == patch && name.window == largest)
        .map(|name| name.side);
    if let Some((stage, name)) = mask {
        let [count, ..]: [usize; 3] = dims(shapes, name)?;
        let side = count.isqrt();
        if side * side != count {
            return Err(wrong(
                name,
                "as many windows as a square image has",
                format!("{count} windows"),
            ));
        }
        let agrees = |&size: &usize| {
            grids(size.div_ceil(patch), windows.len())[stage].div_ceil(windows[stage]) == side
        };
        if let Some(side) = hints.image_size.filter(agrees) {
            return Ok((side, SideOrigin::Config));
        }
        if let Some(side) = named.filter(agrees) {
            return Ok((side, SideOrigin::Name));
        }
        let found = pixels(side.saturating_mul(windows[stage]), stage);
        let against = hints.image_size.map_or(String::new(), |said| {
            format!(", not the {said} of config.json, which they contradict")
        });
        notes.push(format!(
            "image side {found} is that of whole windows of the attention masks{against}; \
             --image-size N sets it"
        ));
        return Ok((found, SideOrigin::Masks));
    }
    if let Some(side) = hints.image_size {
        return Ok((side, SideOrigin::Config));
    }
    if let Some(side) = named {
        notes.push(format!(
            "image side {side} is taken from the published name; --image-size N sets it"
        ));
        return Ok((side, SideOrigin::Name));
    }
    let guess = match windows.iter().position(|&w| w < largest) {
        Some(stage) => pixels(windows[stage], stage),
        None => pixels(largest, windows.len() - 1),
    };
    notes.push(format!(
        "image side {guess} is a guess: the file does not tell it; --image-size N sets it"
    ));
    Ok((guess, SideOrigin::Guess))
}

/// Hinted class names, if the file has a classifier for as many classes.
fn labels(
    shapes: &dyn Fn(&str) -> Option<Vec<usize>>,
    names: &[String],
    hints: &Hints,
) -> BTreeMap<usize, String> {
    let head = Style::detect(names.iter().map(String::as_str)).head();
    match shapes(&format!("{head}.weight")).as_deref() {
        Some([classes, _]) if *classes == hints.labels.len() => hints.labels.clone(),
        _ => BTreeMap::new(),
    }
}
