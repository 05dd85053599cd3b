//! ViTs in timm's names: what tensors tell of the shape (`infer`), what `config.json` and the name of the architecture
//! say beyond them ([`keys`], [`published`], [`registry`]), and what tensors are called ([`names`]).
//!
//! They are written in the same names, with every argument of timm's that the shape sets, so that timm, and
//! `transformers` through it, load them.

mod fold;
mod grid;
pub mod infer;
pub mod keys;
pub mod names;
mod original;
pub mod published;
pub mod registry;

pub use fold::fold;
pub use infer::{Inferred, infer};
pub use keys::Told;
pub use published::Published;

/// Whether tensor names are those of a ViT in timm's names.
pub fn is_vit<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let (mut patch, mut block) = (false, false);
    for name in names {
        patch |= name == "patch_embed.proj.weight";
        block |= name == "blocks.0.attn.qkv.weight";
    }
    patch && block
}
