//! Names of Swin's parameters in Hugging Face's checkpoints. Queries, keys and values are one matrix here
//! and three there; the file has one of two spellings, that of all published files and that of
//! `transformers` 5 in memory.

use crate::model::names::with_prefix;

/// The published tensors that the parameter `path` is made of.
pub(super) fn tensors(path: &str) -> Vec<String> {
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

/// The published spelling of a tensor's name; `None` for buffers and heads of other tasks.
pub(super) fn canonical(name: &str) -> Option<String> {
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
