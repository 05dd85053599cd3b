//! Swin transformer (Liu et al., ICCV 2021): its descriptor, the names of its tensors, what it says of its shape.
//!
//! In Hugging Face's checkpoints queries, keys and values are three matrices, here one; a file has one of two
//! spellings, that of all published files and that of `transformers` 5 in memory.

mod config;
mod encoder;

pub use config::SwinConfig;
pub use encoder::SwinEncoder;

use crate::model::embedder::{Embedder, PatchEmbedder};
use crate::model::family::{Configuration, Family, Marks};
use crate::model::layers::Init;
use crate::model::names::with_prefix;
use crate::model::windows::Windows;
use crate::model::{ModelError, Predictor, timm};
use serde_json::Value;
use std::collections::BTreeMap;

/// Swin as checkpoints tell it.
pub const FAMILY: Family = Family {
    name: "swin",
    model_types: &["swin"],
    unlike: &[
        ("donut-swin", "it has no last layer norm"),
        (
            "maskformer-swin",
            "it shifts windows also where a token grid is one window",
        ),
        ("swinv2", "Swin V2 has cosine attention"),
    ],
    marks: &[
        Marks {
            anchor: "patch_embed.proj.weight",
            witness: &["layers.0.blocks.0.", "layers_0.blocks.0."],
            core: &["patch_embed.", "layers.", "layers_", "norm.", "head."],
            prefix: "",
        },
        Marks {
            anchor: "embeddings.patch_embeddings.projection.weight",
            witness: &["encoder.layers.0.blocks.0."],
            core: &["embeddings.", "encoder.", "layernorm."],
            prefix: "swin.",
        },
    ],
    others: &[],
    in_timm: true,
    of_timm: Some(timm::hints::SUPPORTED),
    flat: false,
    classifier: Some("classifier"),
    distilled: None,
    tensors,
    canonical,
};

/// The published tensors that the parameter `path` is made of.
fn tensors(path: &str) -> Vec<String> {
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
fn canonical(name: &str) -> Option<String> {
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

impl Configuration for SwinConfig {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn features(&self) -> usize {
        self.hidden_size()
    }

    fn token_width(&self) -> usize {
        self.embed_dim
    }

    fn stride(&self) -> usize {
        Self::stride(self)
    }

    fn channels(&self) -> usize {
        self.num_channels
    }

    fn image_size(&self) -> Option<usize> {
        Some(self.image_size)
    }

    fn longest(&self) -> Option<usize> {
        None
    }

    fn id2label(&self) -> &BTreeMap<usize, String> {
        &self.id2label
    }

    fn words(&self) -> String {
        format!(
            "{} px, patch {}, width {}, depths {:?}, heads {:?}, window {}",
            self.image_size,
            self.patch_size,
            self.embed_dim,
            self.depths,
            self.num_heads,
            self.window_size
        )
    }

    fn set_image_size(&mut self, side: usize) -> Result<(), ModelError> {
        let other = Self {
            image_size: side,
            ..self.clone()
        };
        *self = other.check()?;
        Ok(())
    }

    fn window_tables(&self, windows: Windows) -> Vec<[usize; 2]> {
        windows.tables(self.window_size, self.depths.len())
    }

    fn differs_in_timm(&self) -> bool {
        timm::differs_from_transformers(self)
    }

    fn embedder(&self, channels: usize, init: &mut Init) -> Embedder {
        Embedder::Patches(PatchEmbedder::new(
            self.embed_dim,
            self.patch_size,
            channels,
            init,
        ))
    }

    fn json(
        &self,
        channels: usize,
        id2label: BTreeMap<usize, String>,
    ) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Self {
            num_channels: channels,
            id2label,
            ..self.clone()
        })
    }

    fn class(&self, predictor: &Predictor) -> &'static str {
        match predictor {
            Predictor::Pooled(_) => "SwinForImageClassification",
            _ => "SwinModel",
        }
    }
}
