//! Names of RoBERTa's parameters in Hugging Face's checkpoints. Queries, keys and values are one matrix here
//! and three there.

use crate::model::names::with_prefix;

/// The published tensors that the parameter `path` is made of.
pub(super) fn tensors(path: &str) -> Vec<String> {
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

/// The published spelling of a tensor's name; `None` for buffers and heads of other tasks.
pub(super) fn canonical(name: &str) -> Option<String> {
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
