//! CLIP's text tower (Radford et al., ICML 2021): its descriptor, the names of its tensors, what it says of its shape.
//! The image tower is a [ViT](super::vit); both together are a [`TwoTower`](crate::model::two_tower::TwoTower).

mod config;
mod encoder;
pub mod openai;

pub use config::ClipTextConfig;
pub(in crate::model) use config::activation;
pub use encoder::ClipTextEncoder;

use crate::model::embedder::{Embedder, TextEmbedder};
use crate::model::family::{Configuration, Family, Marks};
use crate::model::layers::Init;
use crate::model::names::with_prefix;
use crate::model::{ModelError, Predictor};
use crate::suite::parts::{Activation, EmbedderInit, Pooling};
use serde_json::Value;
use std::collections::BTreeMap;

/// The text tower alone, as checkpoints tell it.
pub const FAMILY: Family = Family {
    name: "clip_text_model",
    model_types: &["clip_text_model"],
    unlike: &[("siglip_text_model", "its tokens see those behind them")],
    marks: &[
        Marks {
            anchor: "embeddings.token_embedding.weight",
            witness: &["encoder.layers.0.self_attn."],
            core: &["embeddings.", "encoder.", "final_layer_norm."],
            prefix: "text_model.",
        },
        Marks {
            anchor: "token_embedding.weight",
            witness: &["transformer.resblocks.0."],
            core: &[
                "token_embedding.",
                "positional_embedding",
                "transformer.",
                "ln_final.",
            ],
            prefix: "text.",
        },
    ],
    others: &[],
    in_timm: false,
    of_timm: None,
    flat: false,
    classifier: None,
    distilled: None,
    tensors,
    canonical,
};

/// The published tensors that the parameter `path` is made of.
fn tensors(path: &str) -> Vec<String> {
    if let Some(table) = path.strip_prefix("embedder.") {
        let name = match table {
            "words" => "token_embedding",
            _ => "position_embedding",
        };
        return vec![format!("text_model.embeddings.{name}.weight")];
    }
    let rest = path.strip_prefix("encoder.").unwrap_or(path);
    match rest.strip_prefix("layers.") {
        Some(layer) => of_layer("text_model", layer),
        None => {
            let name = rest.replacen("layernorm.", "final_layer_norm.", 1);
            vec![format!("text_model.{name}")]
        }
    }
}

/// Hugging Face's tensors of a layer's parameter `INDEX.rest`, of either tower.
pub(in crate::model) fn of_layer(tower: &str, layer: &str) -> Vec<String> {
    if let Some((layer, leaf)) = layer.split_once(".qkv.") {
        return ["q", "k", "v"]
            .map(|part| format!("{tower}.encoder.layers.{layer}.self_attn.{part}_proj.{leaf}"))
            .to_vec();
    }
    let name = layer
        .replace(".projection.", ".self_attn.out_proj.")
        .replace(".norm1.", ".layer_norm1.")
        .replace(".norm2.", ".layer_norm2.");
    vec![format!("{tower}.encoder.layers.{name}")]
}

/// The published spelling of a tensor's name; `None` for the image tower, projections and indices.
fn canonical(name: &str) -> Option<String> {
    let others = [
        "vision_model.",
        "text_projection.",
        "visual_projection.",
        "logit_scale",
    ];
    if others.iter().any(|other| name.starts_with(other)) || name.ends_with(".position_ids") {
        return None;
    }
    let parts = ["embeddings.", "encoder.", "final_layer_norm."];
    Some(with_prefix(name.into(), "text_model.", &parts))
}

impl Configuration for ClipTextConfig {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn features(&self) -> usize {
        self.hidden_size
    }

    fn token_width(&self) -> usize {
        self.hidden_size
    }

    fn longest(&self) -> Option<usize> {
        Some(self.max_position_embeddings)
    }

    fn id2label(&self) -> &BTreeMap<usize, String> {
        const NONE: &BTreeMap<usize, String> = &BTreeMap::new();
        NONE
    }

    fn words(&self) -> String {
        format!(
            "width {}, {} layers, {} heads, MLP {}, {}, vocabulary {}, {} positions",
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.intermediate_size,
            match self.activation {
                Activation::Gelu => "GELU",
                Activation::QuickGelu => "quick GELU",
            },
            self.vocab_size,
            self.max_position_embeddings
        )
    }

    fn pooling(&self) -> Pooling {
        Pooling::End
    }

    fn published_pooling(&self, _: &str) -> Pooling {
        Pooling::End
    }

    fn set_activation(&mut self, activation: Activation) -> Result<(), ModelError> {
        self.activation = activation;
        Ok(())
    }

    fn embedder(&self, _: usize, init: &mut Init) -> Embedder {
        let shape = [
            self.vocab_size,
            self.max_position_embeddings,
            self.hidden_size,
        ];
        Embedder::Text(TextEmbedder::new(shape, self.end, init))
    }

    /// None: its features are those of a text's last token, which other samples have not.
    fn target_embedder(
        &self,
        _: &Embedder,
        _: [usize; 3],
        _: EmbedderInit,
        _: &mut Init,
    ) -> Result<Option<Embedder>, ModelError> {
        Ok(None)
    }

    fn json(&self, _: usize, _: BTreeMap<usize, String>) -> Result<Value, serde_json::Error> {
        Ok(self.keys())
    }

    fn class(&self, _: &Predictor) -> &'static str {
        "CLIPTextModel"
    }
}
