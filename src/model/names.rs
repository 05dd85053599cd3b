//! Names of parameters: ours (paths through the modules) and Hugging Face's (what checkpoints
//! say), in both directions.
//!
//! We hold queries, keys and values as one matrix; checkpoints hold three. Hugging Face has two
//! spellings, the one of all published files and the one of `transformers` 5 in memory; both load,
//! the first is written.

/// A parameter of ours and the checkpoint tensors it is made of, stacked along the first axis.
pub fn checkpoint_names(path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix("embedder.") {
        let name = match rest.strip_prefix("norm.") {
            Some(leaf) => format!("norm.{leaf}"),
            None => format!("patch_embeddings.projection.{rest}"),
        };
        return vec![format!("swin.embeddings.{name}")];
    }
    if let Some(leaf) = path.strip_prefix("predictor.") {
        return vec![format!("classifier.{leaf}")];
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

/// The published spelling of a checkpoint's tensor name, or `None` for buffers that carry no
/// knowledge (indices and masks that follow from the architecture).
pub fn canonical(name: &str) -> Option<String> {
    if name.ends_with("relative_position_index") || name.ends_with("attn_mask") {
        return None;
    }
    let mut name = name
        .replace(".attention.q_proj.", ".attention.self.query.")
        .replace(".attention.k_proj.", ".attention.self.key.")
        .replace(".attention.v_proj.", ".attention.self.value.")
        .replace(".attention.o_proj.", ".attention.output.dense.")
        .replace(".attention.relative_position_bias.", ".attention.self.")
        .replace(".mlp.fc1.", ".intermediate.dense.")
        .replace(".mlp.fc2.", ".output.dense.");
    // A bare `SwinModel` has no task prefix.
    if ["embeddings.", "encoder.", "layernorm."]
        .iter()
        .any(|p| name.starts_with(p))
    {
        name.insert_str(0, "swin.");
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_published_checkpoints() {
        assert_eq!(
            checkpoint_names("embedder.weight"),
            ["swin.embeddings.patch_embeddings.projection.weight"]
        );
        assert_eq!(
            checkpoint_names("embedder.norm.bias"),
            ["swin.embeddings.norm.bias"]
        );
        assert_eq!(
            checkpoint_names("encoder.layers.1.blocks.0.qkv.bias")[2],
            "swin.encoder.layers.1.blocks.0.attention.self.value.bias"
        );
        assert_eq!(
            checkpoint_names("encoder.layers.0.blocks.1.fc2.weight"),
            ["swin.encoder.layers.0.blocks.1.output.dense.weight"]
        );
        assert_eq!(
            checkpoint_names("encoder.layernorm.weight"),
            ["swin.layernorm.weight"]
        );
        assert_eq!(checkpoint_names("predictor.weight"), ["classifier.weight"]);
    }

    #[test]
    fn both_spellings_meet() {
        assert_eq!(
            canonical("encoder.layers.0.blocks.0.attention.q_proj.weight").as_deref(),
            Some("swin.encoder.layers.0.blocks.0.attention.self.query.weight")
        );
        assert_eq!(
            canonical("swin.encoder.layers.0.blocks.0.attention.self.relative_position_index"),
            None
        );
    }
}
