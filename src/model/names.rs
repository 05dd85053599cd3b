//! Names of parameters: ours (paths through the modules) and those of checkpoints, in both
//! directions. What a family has no name for (a target's 1D embedder, dense predictors) is stored under
//! `modalign.`.

use super::architecture::Architecture;
use super::architecture::clip::{self, openai};
use super::architecture::vit;
use super::embedder::Embedder;
use super::family::Family;
use super::network::Model;
use super::timm;

/// Which names a model's parameters are stored under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// timm's and Microsoft's.
    Timm(timm::Style),
    /// OpenAI's and open_clip's of a tower of CLIP.
    OpenAi(openai::Tower),
    /// Those that Hugging Face publishes for the family.
    Published(&'static Family),
    /// The same behind an embedder that the family does not publish.
    Behind(&'static Family),
}

impl Scheme {
    /// The scheme of a file's names, for a model of `architecture`.
    pub fn detect<'a>(
        architecture: &Architecture,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let family = architecture.shape().family();
        if family.in_timm && timm::is_timm(names.clone()) {
            return Self::Timm(timm::Style::detect(names));
        }
        let tower = match family {
            family if *family == vit::CLIP => Some(openai::Tower::Image),
            family if *family == clip::FAMILY => Some(openai::Tower::Text),
            _ => None,
        };
        match tower.filter(|_| openai::is_openai(names)) {
            Some(tower) => Self::OpenAi(tower),
            None => Self::Published(family),
        }
    }

    /// The scheme that a model is published in.
    pub fn of(model: &Model) -> Self {
        let family = model.config.shape().family();
        match &model.network.embedder {
            Embedder::Patches1d(_) => Self::Behind(family),
            Embedder::Patches(_)
            | Embedder::Positioned(_)
            | Embedder::Ids(_)
            | Embedder::Text(_) => Self::Published(family),
        }
    }

    /// The checkpoint tensors that the parameter `path` is made of, stacked along the first axis.
    pub fn tensors(self, path: &str) -> Vec<String> {
        let own = || vec![format!("modalign.{path}")];
        let family = match self {
            Self::Timm(style) => {
                return timm::parameter_name(path, style).map_or_else(own, |n| vec![n]);
            }
            Self::OpenAi(tower) => return vec![openai::tensor(tower, path)],
            Self::Published(family) | Self::Behind(family) => family,
        };
        if path.starts_with("predictor.") {
            let [class, distillation] = match family.distilled {
                Some(both) => both.map(Some),
                None => [None; 2],
            };
            let named = [
                ("predictor.linear.", family.classifier),
                ("predictor.class.", class),
                ("predictor.distillation.", distillation),
            ];
            let found = named
                .iter()
                .find_map(|(part, name)| path.strip_prefix(part).zip(*name));
            return match found {
                Some((leaf, name)) => vec![format!("{name}.{leaf}")],
                None => own(),
            };
        }
        if self == Self::Behind(family) && path.starts_with("embedder.") {
            return own();
        }
        (family.tensors)(path)
    }

    /// The published shape of a tensor of the parameter `path`, of our shape.
    pub fn shape(self, path: &str, mut shape: Vec<usize>) -> Vec<usize> {
        let first = ["embedder.class_token", "embedder.position_embeddings"];
        let flat = match self {
            Self::Published(family) => family.flat,
            Self::OpenAi(_) => true,
            _ => false,
        };
        if flat && first.contains(&path) {
            let ones = if path == first[0] { 2 } else { 1 };
            shape.drain(..ones.min(shape.len()));
        }
        shape
    }

    /// The classifier's matrix `[K, D]`, where the scheme has one.
    pub fn classifier(self) -> Option<String> {
        self.tensors("predictor.linear.weight").pop()
    }

    /// The matrix `[K, D]` of the distillation token's classifier, where the scheme has one.
    pub fn distillation_classifier(self) -> Option<String> {
        match self {
            Self::Published(family) if family.distilled.is_some() => {
                self.tensors("predictor.distillation.weight").pop()
            }
            _ => None,
        }
    }

    /// Whether an export keeps the names of a file: timm's own code reads one spelling alone.
    pub fn keeps_spelling(self) -> bool {
        match self {
            Self::Timm(_) | Self::OpenAi(_) => false,
            Self::Published(family) | Self::Behind(family) => !family.model_types.is_empty(),
        }
    }

    /// The published spelling of a checkpoint's tensor name, or `None` for what carries no
    /// knowledge for us: buffers that follow from the architecture, heads of other tasks.
    pub fn canonical(self, name: &str) -> Option<String> {
        match self {
            Self::Timm(_) => (!timm::carries_nothing(name)).then(|| name.to_string()),
            Self::OpenAi(tower) => openai::canonical(tower, name),
            Self::Published(family) | Self::Behind(family) => (family.canonical)(name),
        }
    }
}

/// Adds `prefix` to the names of a bare encoder, which has no task prefix.
pub(super) fn with_prefix(mut name: String, prefix: &str, parts: &[&str]) -> String {
    if parts.iter().any(|p| name.starts_with(p)) {
        name.insert_str(0, prefix);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{roberta, swin};

    #[test]
    fn names_follow_the_published_checkpoints() {
        let swin = |path| Scheme::Published(&swin::FAMILY).tensors(path);
        assert_eq!(
            swin("embedder.weight"),
            ["swin.embeddings.patch_embeddings.projection.weight"]
        );
        assert_eq!(swin("embedder.norm.bias"), ["swin.embeddings.norm.bias"]);
        assert_eq!(
            swin("encoder.layers.1.blocks.0.qkv.bias")[2],
            "swin.encoder.layers.1.blocks.0.attention.self.value.bias"
        );
        assert_eq!(
            swin("encoder.layers.0.blocks.1.fc2.weight"),
            ["swin.encoder.layers.0.blocks.1.output.dense.weight"]
        );
        assert_eq!(swin("encoder.layernorm.weight"), ["swin.layernorm.weight"]);
        assert_eq!(swin("predictor.linear.weight"), ["classifier.weight"]);
        assert_eq!(
            Scheme::Published(&roberta::FAMILY).tensors("encoder.layers.2.attention_norm.bias"),
            ["roberta.encoder.layer.2.attention.output.LayerNorm.bias"]
        );
    }

    #[test]
    fn both_spellings_meet() {
        let canonical = |name| Scheme::Published(&swin::FAMILY).canonical(name);
        assert_eq!(
            canonical("encoder.layers.0.blocks.0.attention.q_proj.weight").as_deref(),
            Some("swin.encoder.layers.0.blocks.0.attention.self.query.weight")
        );
        assert_eq!(
            canonical("swin.encoder.layers.0.blocks.0.attention.self.relative_position_index"),
            None
        );
    }

    #[test]
    fn what_hugging_face_has_no_name_for_is_ours() {
        let patches = |path| Scheme::Behind(&roberta::FAMILY).tensors(path);
        assert_eq!(
            patches("embedder.positions"),
            ["modalign.embedder.positions"]
        );
        assert_eq!(
            Scheme::Published(&swin::FAMILY).tensors("predictor.projection.weight"),
            ["modalign.predictor.projection.weight"]
        );
    }
}
