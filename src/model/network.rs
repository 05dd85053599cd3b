//! The whole model g = h ∘ f ∘ e: embedder, encoder, predictor. Source and target models share
//! this type; they differ in the input channels of e and the classes of h.

use super::ModelError;
use super::config::SwinConfig;
use super::embedder::Embedder;
use super::layers::{Init, Linear};
use super::swin::{Mode, SwinEncoder, pool};
use crate::manifest::training::EmbedderInit;
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Embedder, encoder and classification predictor.
#[derive(Module, Debug)]
pub struct Network {
    /// e: pixels to tokens.
    pub embedder: Embedder,
    /// f: tokens to features.
    pub encoder: SwinEncoder,
    /// h: features to logits.
    pub predictor: Linear,
}

/// A network with its architecture.
#[derive(Debug, Clone)]
pub struct Model {
    /// The architecture of the encoder.
    pub config: SwinConfig,
    /// The parameters.
    pub network: Network,
}

impl Model {
    /// A freshly initialised model for `channels` input channels and `classes` classes.
    pub fn new(
        config: SwinConfig,
        channels: usize,
        classes: usize,
        seed: u64,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, ModelError> {
        let config = config.check()?;
        if classes == 0 || channels == 0 {
            return Err(ModelError::Config {
                what: "classes and channels".into(),
                expected: "at least one of each".into(),
                found: format!("{classes} and {channels}"),
            });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut init = Init {
            device,
            dtype,
            rng: &mut rng,
        };
        let network = Network {
            embedder: Embedder::new(&config, channels, &mut init),
            encoder: SwinEncoder::new(&config, &mut init),
            predictor: Linear::new(config.hidden_size(), classes, true, &mut init),
        };
        Ok(Self { config, network })
    }

    /// A target model that starts from this source model: its encoder, a new embedder for
    /// `channels` channels and a new predictor for `classes` classes.
    pub fn for_target(
        &self,
        channels: usize,
        classes: usize,
        how: EmbedderInit,
        seed: u64,
    ) -> Self {
        let weight = self.network.predictor.weight.val();
        let (device, dtype) = (weight.device(), weight.dtype());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut init = Init {
            device: &device,
            dtype,
            rng: &mut rng,
        };
        let network = Network {
            embedder: self
                .network
                .embedder
                .for_target(&self.config, channels, how, &mut init),
            encoder: self.network.encoder.clone(),
            predictor: Linear::new(self.config.hidden_size(), classes, true, &mut init),
        };
        Self {
            config: self.config.clone(),
            network,
        }
    }

    /// Number of classes of the predictor.
    pub fn classes(&self) -> usize {
        self.network.predictor.weight.dims()[0]
    }
}

impl Network {
    /// `[B, C, H, W]` → logits `[B, K]`.
    pub fn forward(&self, x: Tensor<4>, mode: &mut Mode) -> Tensor<2> {
        let features = self.features(x, mode);
        self.predict(features)
    }

    /// `[B, C, H, W]` → pooled features `[B, D]`.
    pub fn features(&self, x: Tensor<4>, mode: &mut Mode) -> Tensor<2> {
        let (tokens, grid) = self.embedder.forward(x);
        pool(self.encoder.encode(tokens, grid, mode).last)
    }

    /// Features `[B, D]` → logits `[B, K]`.
    pub fn predict(&self, features: Tensor<2>) -> Tensor<2> {
        let [batch, width] = features.dims();
        let logits = self.predictor.forward(features.reshape([1, batch, width]));
        let classes = logits.dims()[2];
        logits.reshape([batch, classes])
    }
}
