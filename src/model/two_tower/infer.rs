//! The shapes of both towers from OpenAI's tensors, which come without a description: all but the number of heads, which
//! is a 64th of the width in OpenAI's code, and the activation.

use super::TwoTowerConfig;
use crate::model::ModelError;
use crate::model::architecture::clip::{ClipTextConfig, openai};
use crate::model::embedder::End;
use crate::model::vit::VitConfig;
use crate::suite::parts::Activation;

/// Width of a head.
const HEAD: usize = 64;

/// Most layers that are counted.
const MOST_LAYERS: usize = 1024;

/// The shape of a tensor of the file.
pub(super) type Shapes<'s> = &'s dyn Fn(&str) -> Option<Vec<usize>>;

/// A tensor of so many axes.
fn sizes<const N: usize>(shape: Shapes, name: &str) -> Result<[usize; N], ModelError> {
    let found = shape(name);
    let sizes = found.as_deref().and_then(|found| found.try_into().ok());
    sizes.ok_or_else(|| {
        let expected = format!("a tensor of {N} axes");
        ModelError::config(name, expected, format!("{found:?}"))
    })
}

/// Layers under a prefix, and the hidden width of their MLPs.
fn layers(shape: Shapes, prefix: &str) -> Result<(usize, usize), ModelError> {
    let name = |index: usize| format!("{prefix}transformer.resblocks.{index}.mlp.c_fc.weight");
    let count = (0..MOST_LAYERS).take_while(|index| shape(&name(*index)).is_some());
    let [hidden, _] = sizes(shape, &name(0))?;
    Ok((count.count(), hidden))
}

/// Heads of so wide tokens.
fn heads(what: &str, width: usize) -> Result<usize, ModelError> {
    if width > 0 && width.is_multiple_of(HEAD) {
        return Ok(width / HEAD);
    }
    let expected = format!("a multiple of {HEAD}, the width of a head in OpenAI's code");
    Err(ModelError::config(
        format!("width of the {what} tower"),
        expected,
        width,
    ))
}

/// The image tower of tensors under OpenAI's names.
///
/// # Errors
/// [`ModelError::Config`] that names the tensor.
pub(super) fn image(shape: Shapes, activation: Activation) -> Result<VitConfig, ModelError> {
    let [width, channels, patch, across] = sizes(shape, openai::ANCHOR)?;
    if patch != across {
        return Err(ModelError::config(
            openai::ANCHOR,
            "square patches",
            format!("{:?}", [patch, across]),
        ));
    }
    let places = "visual.positional_embedding";
    let [positions, _] = sizes(shape, places)?;
    let grid = positions.saturating_sub(1).isqrt();
    if grid * grid + 1 != positions {
        let expected = "a row for the class token and those of a square grid";
        return Err(ModelError::config(places, expected, positions));
    }
    let (layers, hidden) = layers(shape, "visual.")?;
    let side = grid.checked_mul(patch);
    VitConfig {
        image_size: side
            .ok_or_else(|| ModelError::config(openai::ANCHOR, "patches of images", patch))?,
        patch_size: patch,
        num_channels: channels,
        hidden_size: width,
        num_hidden_layers: layers,
        num_attention_heads: heads("image", width)?,
        intermediate_size: hidden,
        activation: activation.into(),
        ..VitConfig::clip()
    }
    .check()
}

/// Both towers.
///
/// # Errors
/// [`ModelError::Config`] that names the tensor.
pub(super) fn both(shape: Shapes, activation: Activation) -> Result<TwoTowerConfig, ModelError> {
    // open_clip's CustomTextCLIP has its text tower under `text.`.
    let custom = |name: &str| {
        let found = shape(name);
        found.or_else(|| shape(&format!("text.{name}")))
    };
    let [vocabulary, width] = sizes(&custom, "token_embedding.weight")?;
    let [context, _] = sizes(&custom, "positional_embedding")?;
    let (layers, hidden) = layers(&custom, "")?;
    let [_, projection] = sizes(shape, "visual.proj")?;
    TwoTowerConfig {
        image: image(shape, activation)?,
        text: ClipTextConfig {
            vocab_size: vocabulary,
            hidden_size: width,
            num_hidden_layers: layers,
            num_attention_heads: heads("text", width)?,
            intermediate_size: hidden,
            max_position_embeddings: context,
            activation,
            layer_norm_eps: 1e-5,
            attention_dropout: 0.0,
            end: End::Largest,
        },
        projection,
    }
    .check()
}
