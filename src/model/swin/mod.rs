//! Swin transformer (Liu et al., ICCV 2021).

mod config;
mod encoder;
mod names;

pub use config::SwinConfig;
pub use encoder::SwinEncoder;

use super::embedder::{Embedder, PatchEmbedder};
use super::family::{Configuration, Family, Marks};
use super::layers::Init;
use super::windows::Windows;
use super::{ModelError, Predictor, timm};
use crate::suite::parts::EmbedderInit;
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
    classifier: Some("classifier"),
    tensors: names::tensors,
    canonical: names::canonical,
};

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

    fn target_embedder(
        &self,
        source: &Embedder,
        [channels, ..]: [usize; 3],
        how: EmbedderInit,
        init: &mut Init,
    ) -> Result<Option<Embedder>, ModelError> {
        Ok(match source {
            Embedder::Patches(source) => {
                Some(Embedder::Patches(source.for_target(channels, how, init)))
            }
            _ => None,
        })
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
