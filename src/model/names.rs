//! Names of parameters: ours (paths through the modules) and those of checkpoints, in both
//! directions.
//!
//! We hold queries, keys and values as one matrix; Hugging Face's checkpoints hold three. Hugging
//! Face has two spellings of Swin, the one of all published files and the one of `transformers` 5
//! in memory; both load, the first is written. What Hugging Face has no name for (a target's 1D
//! embedder, dense predictors) is stored under `modalign.`.

use super::config::Architecture;
use super::embedder::Embedder;
use super::network::Model;
use super::timm;

/// Which family of names a model's parameters are stored under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Swin as timm and Microsoft name it.
    Timm(timm::Style),
    /// Swin as Hugging Face publishes it.
    Swin,
    /// RoBERTa as Hugging Face publishes it, with its own embedder of ids.
    Roberta,
    /// RoBERTa's encoder behind an embedder of signals.
    RobertaPieces,
}

impl Scheme {
    /// The scheme of a file's names, for a model of `architecture`.
    pub fn detect<'a>(
        architecture: &Architecture,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        match architecture {
            Architecture::Swin(_) if timm::is_timm(names.clone()) => {
                Self::Timm(timm::Style::detect(names))
            }
            Architecture::Swin(_) => Self::Swin,
            Architecture::Roberta(_) => Self::Roberta,
        }
    }

    /// The scheme that a model is published in.
    pub fn of(model: &Model) -> Self {
        match (&model.config, &model.network.embedder) {
            (Architecture::Swin(_), _) => Self::Swin,
            (_, Embedder::Ids(_)) => Self::Roberta,
            _ => Self::RobertaPieces,
        }
    }

    /// The checkpoint tensors that the parameter `path` is made of, stacked along the first axis.
    pub fn tensors(self, path: &str) -> Vec<String> {
        let own = || vec![format!("modalign.{path}")];
        match self {
            Self::Timm(style) => timm::parameter_name(path, style).map_or_else(own, |n| vec![n]),
            _ if path.starts_with("predictor.") => match path.strip_prefix("predictor.linear.") {
                Some(leaf) if self == Self::Swin => vec![format!("classifier.{leaf}")],
                _ => own(),
            },
            Self::Swin => swin(path),
            Self::RobertaPieces if path.starts_with("embedder.") => own(),
            Self::Roberta | Self::RobertaPieces => roberta(path),
        }
    }

    /// The classifier's matrix `[K, D]`, where the scheme has one.
    pub fn classifier(self) -> Option<String> {
        self.tensors("predictor.linear.weight").pop()
    }

    /// The published spelling of a checkpoint's tensor name, or `None` for what carries no
    /// knowledge for us: buffers that follow from the architecture, heads of other tasks.
    pub fn canonical(self, name: &str) -> Option<String> {
        match self {
            Self::Timm(_) => (!timm::carries_nothing(name)).then(|| name.to_string()),
            Self::Swin => canonical_swin(name),
            Self::Roberta | Self::RobertaPieces => canonical_roberta(name),
        }
    }
}

fn swin(path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix("embedder.") {
        let name = match rest.strip_prefix("norm.") {
            Some(leaf) => format!("norm.{leaf}"),
            None => format!("patch_embeddings.projection.{rest}"),
        };
        return vec![format!("swin.embeddings.{name}")];
    }
    let rest = path.strip_prefix("encoder.").unwrap_or(path);
    if rest.starts_with("layernorm.") {
        return vec![format!("swin.{rest}")];
    }
    if let Some((block, leaf)) = rest.split_once(".qkv.") {
        return ["query", "key", "value"]
            .map(|part| format!("swin.encoder.{block}.attention.self.{part}.{leaf}"))
            .to_vec();
    }
    let rest = rest
        .replace(
            ".relative_position_bias_table",
            ".attention.self.relative_position_bias_table",
        )
        .replace(".projection.", ".attention.output.dense.")
        .replace(".fc1.", ".intermediate.dense.")
        .replace(".fc2.", ".output.dense.");
    vec![format!("swin.encoder.{rest}")]
}

fn roberta(path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix("embedder.") {
        let name = match rest {
            "words" => "word_embeddings.weight".to_string(),
            "positions" => "position_embeddings.weight".to_string(),
            "types" => "token_type_embeddings.weight".to_string(),
            _ => rest.replace("norm.", "LayerNorm."),
        };
        return vec![format!("roberta.embeddings.{name}")];
    }
    let rest = path
        .strip_prefix("encoder.layers.")
        .unwrap_or(path)
        .replace(".projection.", ".attention.output.dense.")
        .replace(".attention_norm.", ".attention.output.LayerNorm.")
        .replace(".output_norm.", ".output.LayerNorm.")
        .replace(".fc1.", ".intermediate.dense.")
        .replace(".fc2.", ".output.dense.");
    match rest.split_once(".qkv.") {
        Some((layer, leaf)) => ["query", "key", "value"]
            .map(|part| format!("roberta.encoder.layer.{layer}.attention.self.{part}.{leaf}"))
            .to_vec(),
        None => vec![format!("roberta.encoder.layer.{rest}")],
    }
}

/// Adds `prefix` to the names of a bare encoder, which has no task prefix.
fn with_prefix(mut name: String, prefix: &str, parts: &[&str]) -> String {
    if parts.iter().any(|p| name.starts_with(p)) {
        name.insert_str(0, prefix);
    }
    name
}

fn canonical_swin(name: &str) -> Option<String> {
    // Masked image modelling has a decoder and a mask token, a backbone norms of its stages.
    let others = [
        "decoder.",
        "hidden_states_norms.",
        "embeddings.mask_token",
        "swin.embeddings.mask_token",
        "pooler.",
    ];
    let buffer = name.ends_with("relative_position_index") || name.ends_with("attn_mask");
    if buffer || others.iter().any(|p| name.starts_with(p)) {
        return None;
    }
    let name = name
        .replace(".attention.q_proj.", ".attention.self.query.")
        .replace(".attention.k_proj.", ".attention.self.key.")
        .replace(".attention.v_proj.", ".attention.self.value.")
        .replace(".attention.o_proj.", ".attention.output.dense.")
        .replace(".attention.relative_position_bias.", ".attention.self.")
        .replace(".mlp.fc1.", ".intermediate.dense.")
        .replace(".mlp.fc2.", ".output.dense.");
    Some(with_prefix(
        name,
        "swin.",
        &["embeddings.", "encoder.", "layernorm."],
    ))
}

fn canonical_roberta(name: &str) -> Option<String> {
    let others = [
        "lm_head.",
        "classifier.",
        "qa_outputs.",
        "pooler.",
        "roberta.pooler.",
    ];
    if others.iter().any(|p| name.starts_with(p)) || name.ends_with(".position_ids") {
        return None;
    }
    let name = name
        // spellings of files converted from TensorFlow
        .replace(".LayerNorm.gamma", ".LayerNorm.weight")
        .replace(".LayerNorm.beta", ".LayerNorm.bias");
    Some(with_prefix(name, "roberta.", &["embeddings.", "encoder."]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_checkpoints() {
        let swin = |path| Scheme::Swin.tensors(path);
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
            Scheme::Roberta.tensors("encoder.layers.2.attention_norm.bias"),
            ["roberta.encoder.layer.2.attention.output.LayerNorm.bias"]
        );
    }

    #[test]
    fn both_spellings_meet() {
        let canonical = |name| Scheme::Swin.canonical(name);
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
        let pieces = |path| Scheme::RobertaPieces.tensors(path);
        assert_eq!(
            pieces("embedder.positions"),
            ["modalign.embedder.positions"]
        );
        assert_eq!(
            Scheme::Swin.tensors("predictor.projection.weight"),
            ["modalign.predictor.projection.weight"]
        );
    }
}
