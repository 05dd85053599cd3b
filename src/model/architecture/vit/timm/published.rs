//! What the name of an architecture of timm's says that tensors do not: the number of heads, what is added to
//! variances, the activation, the pooling. A name is one of timm's [`registry`](super::registry), or says nothing, or
//! is refused.

use super::registry::{NATIVELY_QUICK, REGISTRY, RENAMED, Sort};
use crate::model::ModelError;
use std::collections::BTreeSet;

/// What ViTs of timm's are called.
const STARTS: [&str; 3] = ["vit_", "deit_", "deit3_"];

/// Sizes by which authors' own builders are called (`vit_base_patch16` of MAE): they tell nothing that counts here.
const SIZES: [&str; 5] = ["tiny", "small", "base", "large", "huge"];

/// What a name of timm's says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The name, without what comes after a dot.
    pub architecture: &'static str,
    /// Width of the tokens.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Side of the images in pixels.
    pub side: usize,
    /// Number of register tokens.
    pub registers: usize,
    /// What else it is.
    pub sort: Sort,
}

impl Published {
    /// Whether a name is that of a ViT of timm's, of whatever kind.
    pub fn is_vit(architecture: &str) -> bool {
        STARTS.iter().any(|start| architecture.starts_with(start))
    }

    /// The network of this very name, or of the one that timm has for it now; what comes after a dot are its weights.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.split('.').next()?;
        let renamed = RENAMED.iter().find(|(old, _)| *old == name);
        let name = renamed.map_or(name, |(_, new)| new);
        let row = REGISTRY.iter().find(|row| row.0 == name)?;
        let &(architecture, width, heads, side, registers, sort) = row;
        Some(Self {
            architecture,
            width,
            heads,
            side,
            registers,
            sort,
        })
    }

    /// What a name within that of a file says; `None` where it is none of timm's. Words of one's own may follow it
    /// (`vit_base_patch16_224_mine`).
    ///
    /// # Errors
    /// [`ModelError::Config`] for a name in timm's manner that stands for no network that loads.
    pub fn within(file: &str) -> Result<Option<Self>, ModelError> {
        let Some(name) = spoken(file) else {
            return Ok(None);
        };
        let ends = name.match_indices('_').map(|(at, _)| at);
        let mut ends: Vec<usize> = ends.chain([name.len()]).collect();
        ends.reverse();
        if let Some(found) = ends.iter().find_map(|end| Self::named(&name[..*end])) {
            return Ok(Some(found));
        }
        let parts: Vec<&str> = name.split('_').collect();
        let builder = matches!(parts.as_slice(), [_, size, patch]
            if SIZES.contains(size) && patch.starts_with("patch"));
        if builder || !parts.iter().any(|part| part.starts_with("patch")) {
            return Ok(None);
        }
        Err(ModelError::config(
            "name of the file",
            "a name of timm's whose network loads (vit_base_patch16_224), or none of the kind; a config.json with \
             timm's architecture beside it tells more",
            format!("{name:?}, which may stand for another network of the same tensors"),
        ))
    }

    /// Whether the activation is the quick GELU.
    pub fn quick(&self) -> bool {
        self.sort == Sort::Quick
    }

    /// Whether the MLPs are SwiGLU.
    pub fn gated(&self) -> bool {
        self.sort == Sort::Gated
    }

    /// Whether tokens of patches are averaged, and there is no class token.
    pub fn averages(&self) -> bool {
        self.sort == Sort::Average
    }

    /// Whether there is a distillation token.
    pub fn distilled(&self) -> bool {
        self.sort == Sort::Distilled
    }

    /// Whether a norm comes before the first block.
    pub fn pre_norm(&self) -> bool {
        matches!(self.sort, Sort::Clip | Sort::Quick)
    }

    /// What is added to variances.
    pub fn epsilon(&self) -> f64 {
        if self.pre_norm() { 1e-5 } else { 1e-6 }
    }

    /// Whether the weights of this name that timm calls `tag` were trained with the quick GELU, which the name does not
    /// say.
    pub fn natively_quick(&self, tag: &str) -> bool {
        let full = format!("{}.{tag}", self.architecture);
        NATIVELY_QUICK.contains(&full.as_str())
    }
}

/// What timm calls the weights of a file or an architecture (`openai` of `vit_base_patch16_clip_224.openai.safetensors`).
pub fn tag(name: &str) -> Option<&str> {
    let (_, rest) = name.split_once('.')?;
    rest.split('.').next()
}

/// The part of a file's name that is a name in timm's manner, up to a dot or a dash.
fn spoken(file: &str) -> Option<&str> {
    let starts = STARTS.iter().flat_map(|start| file.match_indices(start));
    let whole = starts.map(|(at, _)| at).filter(|at| {
        let before = file[..*at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric())
    });
    file[whole.min()?..].split(['.', '-', ' ', '(']).next()
}

/// Heads of the published models of that width, with or without a class token; `None` where there are none, or of
/// several numbers.
pub fn heads(width: usize, class_token: bool) -> Option<usize> {
    let alike = REGISTRY
        .iter()
        .filter(|row| row.1 == width && (row.5 != Sort::Average) == class_token);
    let all: BTreeSet<usize> = alike.map(|row| row.2).collect();
    all.first().copied().filter(|_| all.len() == 1)
}
