//! The names of OpenAI's tensors of a CLIP, which are also those of open_clip: an image tower under `visual.`, and a text
//! tower at the root or, of open_clip's `CustomTextCLIP`, under `text.`. Queries, keys and values are one matrix there,
//! as here; projections are transposed.

/// One of the two towers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tower {
    /// Of images.
    Image,
    /// Of texts.
    Text,
}

/// A tensor that every image tower has once.
pub const ANCHOR: &str = "visual.conv1.weight";

/// Whether names are OpenAI's.
pub fn is_openai<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| name == ANCHOR)
}

/// The tensor that the parameter `path` of a tower is.
pub fn tensor(tower: Tower, path: &str) -> String {
    let before = match tower {
        Tower::Image => "visual.",
        Tower::Text => "",
    };
    let name = match path {
        "embedder.class_token" => "class_embedding".to_string(),
        "embedder.position_embeddings" | "embedder.positions" => "positional_embedding".into(),
        "embedder.words" => "token_embedding.weight".into(),
        _ => path
            .replace("embedder.patches.", "conv1.")
            .replace("embedder.norm.", "ln_pre.")
            .replace("encoder.pooled_norm.", "ln_post.")
            .replace("encoder.layernorm.", "ln_final.")
            .replace("encoder.layers.", "transformer.resblocks.")
            .replace(".norm1.", ".ln_1.")
            .replace(".norm2.", ".ln_2.")
            .replace(".qkv.", ".attn.in_proj_")
            .replace(".projection.", ".attn.out_proj.")
            .replace(".mlp.fc1.", ".mlp.c_fc.")
            .replace(".mlp.fc2.", ".mlp.c_proj."),
    };
    format!("{before}{name}")
}

/// A name of a tower's tensor as OpenAI spells it; `None` for those of the other tower and of none.
pub fn canonical(tower: Tower, name: &str) -> Option<String> {
    let of_image = name.starts_with("visual.") && name != "visual.proj";
    let bare = name.strip_prefix("text.").unwrap_or(name);
    let parts = [
        "transformer.",
        "token_embedding.",
        "positional_embedding",
        "ln_final.",
    ];
    match tower {
        Tower::Image => of_image.then(|| name.to_string()),
        Tower::Text => {
            let own = parts.iter().any(|part| bare.starts_with(part));
            own.then(|| bare.to_string())
        }
    }
}
