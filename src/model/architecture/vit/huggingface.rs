//! The names of Hugging Face's tensors: queries, keys and values are three matrices there, here one. A file has one of
//! two spellings, that of all published files and that of `transformers` 5 in memory.

use crate::model::names::with_prefix;

/// The published tensors that the parameter `path` of a ViT is made of.
pub fn vit(path: &str) -> Vec<String> {
    tensors("vit", false, path)
}

/// The same of DeiT.
pub fn deit(path: &str) -> Vec<String> {
    tensors("deit", false, path)
}

/// The same of DINOv2.
pub fn dinov2(path: &str) -> Vec<String> {
    tensors("dinov2", true, path)
}

/// The same of DINOv2 with registers.
pub fn dinov2_with_registers(path: &str) -> Vec<String> {
    tensors("dinov2_with_registers", true, path)
}

fn tensors(prefix: &str, dino: bool, path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix("embedder.") {
        let name = match rest {
            "class_token" => "cls_token".to_string(),
            _ => rest.replace("patches.", "patch_embeddings.projection."),
        };
        return vec![format!("{prefix}.embeddings.{name}")];
    }
    let rest = path.strip_prefix("encoder.").unwrap_or(path);
    let Some(layer) = rest.strip_prefix("layers.") else {
        return vec![format!("{prefix}.{rest}")];
    };
    if let Some((layer, leaf)) = layer.split_once(".qkv.") {
        return ["query", "key", "value"]
            .map(|part| format!("{prefix}.encoder.layer.{layer}.attention.attention.{part}.{leaf}"))
            .to_vec();
    }
    let mut name = layer.replace(".projection.", ".attention.output.dense.");
    if dino {
        for branch in ["1", "2"] {
            let scale = format!(".layer_scale{branch}.lambda1");
            name = name.replace(&format!(".scale{branch}"), &scale);
        }
    } else {
        name = name
            .replace(".norm1.", ".layernorm_before.")
            .replace(".norm2.", ".layernorm_after.")
            .replace(".mlp.fc1.", ".intermediate.dense.")
            .replace(".mlp.fc2.", ".output.dense.");
    }
    vec![format!("{prefix}.encoder.layer.{name}")]
}

/// The published spelling of a tensor's name of a ViT or a masked autoencoder; `None` for heads of other tasks.
pub fn canonical_vit(name: &str) -> Option<String> {
    canonical("vit.", false, name)
}

/// The same of DeiT.
pub fn canonical_deit(name: &str) -> Option<String> {
    canonical("deit.", false, name)
}

/// The same of DINOv2.
pub fn canonical_dinov2(name: &str) -> Option<String> {
    canonical("dinov2.", true, name)
}

/// The same of DINOv2 with registers.
pub fn canonical_dinov2_with_registers(name: &str) -> Option<String> {
    canonical("dinov2_with_registers.", true, name)
}

/// The two tensors that `transformers` 5 has in memory for the first map of SwiGLU, gates first.
pub fn halves(published: &str) -> Option<[String; 2]> {
    let (before, leaf) = published.split_once(".mlp.weights_in.")?;
    Some(["gate_proj", "up_proj"].map(|part| format!("{before}.mlp.{part}.{leaf}")))
}

fn canonical(prefix: &str, dino: bool, name: &str) -> Option<String> {
    let bare = name.strip_prefix(prefix).unwrap_or(name);
    // Masked image modelling has a decoder and a mask token, a bare encoder of Hugging Face's a pooler.
    let others = ["decoder.", "pooler.", "embeddings.mask_token"];
    if others.iter().any(|other| bare.starts_with(other)) {
        return None;
    }
    let whole = match bare.strip_prefix("layers.") {
        Some(layer) => format!("encoder.layer.{layer}"),
        None => bare.to_string(),
    };
    let mut spelt = whole
        .replace(".attention.q_proj.", ".attention.attention.query.")
        .replace(".attention.k_proj.", ".attention.attention.key.")
        .replace(".attention.v_proj.", ".attention.attention.value.")
        .replace(".attention.o_proj.", ".attention.output.dense.");
    if dino {
        // The halves of `weights_in` are put together in [`halves`].
        spelt = spelt.replace(".mlp.down_proj.", ".mlp.weights_out.");
    } else {
        spelt = spelt
            .replace(".mlp.fc1.", ".intermediate.dense.")
            .replace(".mlp.fc2.", ".output.dense.");
    }
    Some(with_prefix(
        spelt,
        prefix,
        &["embeddings.", "encoder.", "layernorm."],
    ))
}
