//! Checkpoints with timm's names, which are those of Microsoft's original Swin but for two places:
//! what the tensors of our parameters are called, and in [`shape`] and [`hints`] which architecture
//! they belong to, because no `config.json` of Hugging Face's kind comes with them.
//!
//! timm and we both hold queries, keys and values as one matrix in this order, so every parameter
//! of ours is one tensor of theirs. Only bias tables may differ in shape: see [`whole_table`].
//!
//! The numbers are those of `transformers` as long as windows divide the token grids; where they
//! do not, timm pads after it has shifted the grid, `transformers` before. We follow whose names the
//! tensors have ([`Windows`]). [`differs_from_transformers`] tells.

pub mod hints;
pub mod shape;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod tests;

use super::SwinConfig;
use super::opening::SideOrigin;
use super::windows::Windows;
pub use hints::Hints;
pub use shape::{Inferred, infer_config};

/// Whether tensor names are those of timm or of Microsoft's original (of any version of Swin:
/// [`infer_config`] refuses those we cannot build).
pub fn is_timm<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let (mut patch, mut block) = (false, false);
    for name in names {
        patch |= name == "patch_embed.proj.weight";
        block |= block_of(name).is_some();
    }
    patch && block
}

/// Whether a tensor carries nothing that was learnt: indices and masks that follow from the shape.
pub fn is_buffer(name: &str) -> bool {
    name.ends_with("relative_position_index") || name.ends_with("attn_mask")
}

/// Whether a tensor carries nothing for a model of ours: buffers, and what masked image modelling
/// (a decoder, a mask token) and backbones of detectors (norms of stages) have besides.
pub fn carries_nothing(name: &str) -> bool {
    is_buffer(name) || name == "mask_token" || name.starts_with("decoder.") || is_stage_norm(name)
}

/// Whether a tensor is the norm of a stage's output, as backbones of detectors have it (`norm0.`).
pub fn is_stage_norm(name: &str) -> bool {
    let rest = name
        .strip_prefix("norm")
        .and_then(|rest| rest.split_once('.'));
    rest.is_some_and(|(stage, _)| stage.len() == 1 && stage.bytes().all(|b| b.is_ascii_digit()))
}

/// Stage, block and the rest of a name `layers.S.blocks.B.rest`.
fn block_of(name: &str) -> Option<(usize, usize, &str)> {
    let (stage, rest) = name.strip_prefix("layers.")?.split_once(".blocks.")?;
    let (block, rest) = rest.split_once('.')?;
    Some((stage.parse().ok()?, block.parse().ok()?, rest))
}

/// The two places in which checkpoints of timm's kind differ among themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Patch merging counts to the stage after it (timm since 0.9), not to the one before.
    pub merging_first: bool,
    /// The classifier is `head.fc` (timm since 0.9), not `head`.
    pub head_fc: bool,
}

impl Style {
    /// timm since 0.9.
    pub const NEW: Self = Self {
        merging_first: true,
        head_fc: true,
    };
    /// Microsoft's repository, and timm before 0.9.
    pub const OLD: Self = Self {
        merging_first: false,
        head_fc: false,
    };

    /// The style of a file's names. A file that shows neither place counts as new: either style
    /// then gives the same names for what it has.
    pub fn detect<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut style = Self::NEW;
        for name in names {
            style.merging_first &= !name.starts_with("layers.0.downsample.");
            style.head_fc &= name != "head.weight";
        }
        style
    }

    /// The classifier's prefix.
    fn head(self) -> &'static str {
        if self.head_fc { "head.fc" } else { "head" }
    }
}

/// timm's name of the parameter that our modules call `ours` (`encoder.layers.0.blocks.0.qkv.weight`),
/// or `None` if timm's Swin has no such parameter.
pub fn parameter_name(ours: &str, style: Style) -> Option<String> {
    if let Some(leaf) = ours.strip_prefix("embedder.norm.") {
        return Some(format!("patch_embed.norm.{leaf}"));
    }
    if let Some(leaf) = ours.strip_prefix("embedder.") {
        return Some(format!("patch_embed.proj.{leaf}"));
    }
    if let Some(leaf) = ours.strip_prefix("predictor.linear.") {
        return Some(format!("{}.{leaf}", style.head()));
    }
    let rest = ours.strip_prefix("encoder.")?;
    if let Some(leaf) = rest.strip_prefix("layernorm.") {
        return Some(format!("norm.{leaf}"));
    }
    if let Some((stage, block, rest)) = block_of(rest) {
        let rest = match rest.split_once('.') {
            None if rest == "relative_position_bias_table" => format!("attn.{rest}"),
            Some(("layernorm_before", leaf)) => format!("norm1.{leaf}"),
            Some(("qkv", leaf)) => format!("attn.qkv.{leaf}"),
            Some(("projection", leaf)) => format!("attn.proj.{leaf}"),
            Some(("layernorm_after", leaf)) => format!("norm2.{leaf}"),
            Some(("fc1" | "fc2", _)) => format!("mlp.{rest}"),
            _ => return None,
        };
        return Some(format!("layers.{stage}.blocks.{block}.{rest}"));
    }
    let (stage, leaf) = rest.strip_prefix("layers.")?.split_once(".downsample.")?;
    let stage: usize = stage.parse().ok()?;
    let stage = stage.checked_add(style.merging_first.into())?;
    Some(format!("layers.{stage}.downsample.{leaf}"))
}

/// The bias table `[rows, heads]` of a whole window, `rows = (2·window − 1)²`, from the values of the
/// smaller `window`'s ([`table_rows`]), which are its centre.
///
/// Where a token grid is smaller than the window, timm holds the table of a window of the grid's
/// size; our modules hold the whole table and read its centre there. The rest is zero, and is not
/// read.
pub fn whole_table<T: Copy + Default>(
    small: &[T],
    window: [usize; 2],
    [rows, heads]: [usize; 2],
) -> Vec<T> {
    let side = rows.isqrt();
    let [down, across] = window.map(|side| (2 * side).saturating_sub(1).max(1));
    let (top, left) = ((side - down) / 2, (side - across) / 2);
    let mut values = vec![T::default(); rows * heads];
    for (i, row) in small.chunks_exact((across * heads).max(1)).enumerate() {
        let start = ((i + top) * side + left) * heads;
        values[start..start + row.len()].copy_from_slice(row);
    }
    values
}

/// The windows of a checkpoint: built for the size that is told, by a user, a name, a configuration, or
/// tables smaller than the window.
pub fn windows(config: &SwinConfig, hints: &Hints, side: SideOrigin) -> Windows {
    let clamped = shape::windows_of(config);
    let told = side != SideOrigin::Guess || clamped.iter().any(|w| *w < config.window_size);
    let shape = hints.image_shape.unwrap_or([config.image_size; 2]);
    let grid = shape.map(|side| side / config.patch_size);
    Windows::Timm {
        grid: told.then_some(grid),
    }
}

/// Rows of the bias table of a window.
pub fn table_rows(window: [usize; 2]) -> usize {
    let [down, across] = window.map(|side| side.saturating_mul(2).saturating_sub(1));
    down.saturating_mul(across)
}

/// Whether timm computes other numbers than `transformers` for images of the model's size: some stage
/// that shifts its windows has a token grid that they do not divide (both pad such a grid with zeros,
/// timm after the shift, so that other tokens share a window), or patches do not divide the image
/// (timm drops what is left over, `transformers` pads it).
pub fn differs_from_transformers(config: &SwinConfig) -> bool {
    if !config.image_size.is_multiple_of(config.patch_size) {
        return true;
    }
    let grids = shape::grids(config.grid(), config.depths.len());
    grids.iter().zip(&config.depths).any(|(&grid, &depth)| {
        depth > 1 && grid > config.window_size && !grid.is_multiple_of(config.window_size)
    })
}
