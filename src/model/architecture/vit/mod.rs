//! Vision transformers (Dosovitskiy et al., ICLR 2021): ViT, DeiT, DINOv2, masked autoencoders and
//! CLIP's image tower in Hugging Face's names, and all of them in timm's. They differ in names and keys (`kind`, `huggingface`, `keys`, `clip`, `timm`) and share
//! shape, embedder and encoder.

mod clip;
mod config;
mod encoder;
mod huggingface;
mod keys;
pub mod kind;
#[cfg(test)]
mod tests;
pub mod timm;
#[cfg(test)]
mod timm_tests;

pub use config::{Activation, VitConfig};
pub use encoder::VitEncoder;
pub use huggingface::halves;
pub use kind::{CLIP, DEIT, DINOV2, DINOV2_WITH_REGISTERS, Kind, TIMM, VIT, VIT_MAE};

use crate::model::embedder::{Embedder, PositionedEmbedder, Resampling};
use crate::model::family::{Configuration, Family};
use crate::model::layers::Init;
use crate::model::{ModelError, Predictor};
use crate::suite::parts::{self as suite, Pooling};
use burn::tensor::TensorData;
use serde_json::Value;
use std::collections::BTreeMap;

impl Configuration for VitConfig {
    fn family(&self) -> &'static Family {
        self.kind.family()
    }

    fn features(&self) -> usize {
        match self.pooling {
            Pooling::FirstAndMean => 2 * self.hidden_size,
            _ => self.hidden_size,
        }
    }

    fn token_width(&self) -> usize {
        self.hidden_size
    }

    fn last_width(&self) -> usize {
        self.hidden_size
    }

    fn stride(&self) -> usize {
        self.patch_size
    }

    fn channels(&self) -> usize {
        self.num_channels
    }

    fn image_size(&self) -> Option<usize> {
        Some(self.asked_size.unwrap_or(self.image_size))
    }

    fn asked_size(&self) -> Option<usize> {
        self.asked_size
    }

    fn longest(&self) -> Option<usize> {
        None
    }

    fn id2label(&self) -> &BTreeMap<usize, String> {
        &self.id2label
    }

    fn words(&self) -> String {
        let mut words = format!(
            "{} px, patch {}, width {}, {} layers, {} heads, MLP {}",
            self.image_size,
            self.patch_size,
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.intermediate_size
        );
        for (there, what) in [
            (self.activation == Activation::SwiGlu, "SwiGLU"),
            (self.activation == Activation::QuickGelu, "quick GELU"),
            (self.layer_scale.is_some(), "layer scale"),
            (self.pre_norm, "norm before the blocks"),
            (self.class_token, "class token"),
            (self.distillation_token, "distillation token"),
        ] {
            if there {
                words.push_str(&format!(", {what}"));
            }
        }
        if self.num_register_tokens > 0 {
            words.push_str(&format!(", {} registers", self.num_register_tokens));
        }
        words
    }

    /// Positions keep their grid: they are interpolated for the images that enter.
    fn set_image_size(&mut self, side: usize) -> Result<(), ModelError> {
        let other = Self {
            image_size: side,
            ..self.clone()
        };
        other.check()?;
        self.asked_size = (side != self.image_size).then_some(side);
        Ok(())
    }

    fn pooling(&self) -> Pooling {
        self.pooling
    }

    fn published_pooling(&self, class: &str) -> Pooling {
        match self.kind {
            // What timm pools is among the keys, but for what it does not know.
            Kind::Timm(_) if self.distillation_token => Pooling::ClassAndDistillation,
            Kind::Timm(_) => match self.pooling {
                Pooling::Mean => Pooling::Mean,
                _ => Pooling::First,
            },
            _ => self.pooling_of(class),
        }
    }

    fn set_pooling(&mut self, pooling: Pooling) -> Result<(), ModelError> {
        self.poolable(pooling)?;
        self.pooling = pooling;
        Ok(())
    }

    /// CLIP's may be said: many of its files do not tell it.
    fn set_activation(&mut self, activation: suite::Activation) -> Result<(), ModelError> {
        match self.kind {
            Kind::Clip => self.activation = activation.into(),
            _ => {
                let expected = format!("none to be said of {}", self.family().name);
                return Err(ModelError::config(
                    "activation",
                    expected,
                    activation.name(),
                ));
            }
        }
        Ok(())
    }

    fn has_heads(&self, heads: usize) -> Result<(), ModelError> {
        if heads == self.num_attention_heads {
            return Ok(());
        }
        let expected = format!("{}, as its config.json tells", self.num_attention_heads);
        Err(ModelError::config("heads", expected, heads))
    }

    fn resampling(&self) -> Option<Resampling> {
        let other = self.resampling != Resampling::Antialiased;
        (other && matches!(self.kind, Kind::Timm(_))).then_some(self.resampling)
    }

    fn set_resampling(&mut self, how: Resampling) {
        self.resampling = how;
    }

    fn distills(&self) -> bool {
        self.distillation_token
    }

    fn publish(&self, state: &mut BTreeMap<String, TensorData>) {
        if matches!(self.kind, Kind::Timm(_)) {
            timm::fold(self, state);
        }
    }

    fn embedder(&self, channels: usize, init: &mut Init) -> Embedder {
        Embedder::Positioned(PositionedEmbedder::new(self.layout(), channels, init))
    }

    fn json(
        &self,
        channels: usize,
        id2label: BTreeMap<usize, String>,
    ) -> Result<Value, serde_json::Error> {
        Ok(match &self.kind {
            Kind::Timm(architecture) => timm::keys::write(self, architecture, channels, id2label),
            Kind::Clip => clip::keys(self, channels, id2label),
            _ => self.keys(channels, id2label),
        })
    }

    fn class(&self, predictor: &Predictor) -> &'static str {
        let classifies = matches!(predictor, Predictor::Pooled(_));
        let distilled = matches!(predictor, Predictor::Distilled(_));
        match self.kind {
            Kind::Vit if classifies && self.pooling == Pooling::First => {
                "ViTForImageClassification"
            }
            Kind::Vit => "ViTModel",
            Kind::Deit if distilled => "DeiTForImageClassificationWithTeacher",
            Kind::Deit if classifies && self.pooling == Pooling::First => {
                "DeiTForImageClassification"
            }
            Kind::Deit => "DeiTModel",
            Kind::Mae => "ViTMAEModel",
            Kind::Clip => "CLIPVisionModel",
            Kind::Dinov2 if classifies && self.pooling == Pooling::FirstAndMean => {
                "Dinov2ForImageClassification"
            }
            Kind::Dinov2 => "Dinov2Model",
            Kind::Dinov2WithRegisters if classifies && self.pooling == Pooling::FirstAndMean => {
                "Dinov2WithRegistersForImageClassification"
            }
            Kind::Dinov2WithRegisters => "Dinov2WithRegistersModel",
            Kind::Timm(_) if distilled || (classifies && self.timm_pools()) => {
                "TimmWrapperForImageClassification"
            }
            Kind::Timm(_) => "TimmWrapperModel",
        }
    }
}
