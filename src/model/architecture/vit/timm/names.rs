//! timm's names of a ViT's tensors. Queries, keys and values are one matrix there as here. The original DeiT, DINO, MAE
//! and DINOv2 have the same names but for registers and SwiGLU.

/// The published tensors that the parameter `path` is made of.
pub fn tensors(path: &str) -> Vec<String> {
    let name = if let Some(rest) = path.strip_prefix("embedder.") {
        match rest {
            "class_token" => "cls_token".to_string(),
            "distillation_token" => "dist_token".to_string(),
            "register_tokens" => "reg_token".to_string(),
            "position_embeddings" => "pos_embed".to_string(),
            _ if rest.starts_with("norm.") => rest.replacen("norm.", "norm_pre.", 1),
            _ => rest.replacen("patches.", "patch_embed.proj.", 1),
        }
    } else {
        let rest = path.strip_prefix("encoder.").unwrap_or(path);
        match rest.strip_prefix("layers.") {
            Some(layer) => format!("blocks.{layer}")
                .replace(".qkv.", ".attn.qkv.")
                .replace(".projection.", ".attn.proj.")
                .replace(".scale1", ".ls1.gamma")
                .replace(".scale2", ".ls2.gamma")
                .replace(".mlp.weights_in.", ".mlp.fc1.")
                .replace(".mlp.weights_out.", ".mlp.fc2."),
            None => rest
                .replacen("layernorm.", "norm.", 1)
                .replacen("pooled_norm.", "fc_norm.", 1),
        }
    };
    vec![name]
}

/// timm's spelling of a tensor's name; `None` for the decoder and the mask token of pretraining.
pub fn canonical(name: &str) -> Option<String> {
    let pretraining = name == "mask_token" || name.starts_with("decoder");
    if pretraining {
        return None;
    }
    if name == "register_tokens" {
        return Some("reg_token".into());
    }
    let name = name
        .replace(".mlp.w12.", ".mlp.fc1.")
        .replace(".mlp.w3.", ".mlp.fc2.");
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_timms() {
        for (ours, theirs) in [
            ("embedder.patches.weight", "patch_embed.proj.weight"),
            ("embedder.norm.bias", "norm_pre.bias"),
            ("embedder.position_embeddings", "pos_embed"),
            ("encoder.layers.3.qkv.bias", "blocks.3.attn.qkv.bias"),
            ("encoder.layers.0.scale2", "blocks.0.ls2.gamma"),
            (
                "encoder.layers.0.mlp.weights_in.bias",
                "blocks.0.mlp.fc1.bias",
            ),
            ("encoder.layernorm.weight", "norm.weight"),
            ("encoder.pooled_norm.weight", "fc_norm.weight"),
        ] {
            assert_eq!(tensors(ours), [theirs]);
        }
        assert_eq!(canonical("decoder_pos_embed"), None);
        assert_eq!(canonical("register_tokens").as_deref(), Some("reg_token"));
    }
}
