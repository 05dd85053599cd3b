//! The whole model g = h ∘ f ∘ e: embedder, encoder, predictor. Source and target models share
//! this type; a target model takes the source's encoder and gets a new e and h.

use super::ModelError;
use super::architecture::Architecture;
use super::dual::Dual;
use super::embedder::Embedder;
use super::encoder::Encoder;
use super::layers::Init;
use super::pass::Pass;
use super::predictor::{Before, Predictor};
use super::state;
use super::windows::Windows;
use crate::random::INITIAL_VALUES;
use crate::suite::parts::{EmbedderInit, PredictorInit, PredictorSpec};
use burn::module::Module;
use burn::tensor::{DType, Device};

/// Embedder, encoder and predictor.
#[derive(Module, Debug)]
pub struct Network {
    /// e: samples to tokens.
    pub embedder: Embedder,
    /// f: tokens to features.
    pub encoder: Encoder,
    /// h: features to outputs.
    pub predictor: Predictor,
}

/// A network with its architecture.
#[derive(Debug, Clone)]
pub struct Model {
    /// The architecture of the encoder.
    pub config: Architecture,
    /// The parameters.
    pub network: Network,
}

/// What a target model is built for.
#[derive(Debug, Clone)]
pub struct Target {
    /// Shape of a sample `[C, H, W]`, as the model will see it; a signal is `[C, 1, L]`.
    pub input: [usize; 3],
    /// What the predictor gives.
    pub predictor: PredictorSpec,
    /// How the embedder starts.
    pub embedder_init: EmbedderInit,
    /// How the predictor starts.
    pub predictor_init: PredictorInit,
}

impl Target {
    /// A target of samples `[C, H, W]` and `predictor`, with the usual initial values.
    pub fn new(input: [usize; 3], predictor: PredictorSpec) -> Self {
        Self {
            input,
            predictor,
            embedder_init: EmbedderInit::default(),
            predictor_init: PredictorInit::default(),
        }
    }
}

/// The parts of a source model of `config`: its own embedder, its encoder and `predictor`.
fn assemble(
    config: &Architecture,
    channels: usize,
    predictor: Option<&PredictorSpec>,
    init: &mut Init,
) -> Result<Network, ModelError> {
    let embedder = config.shape().embedder(channels, init);
    let encoder = config.encoder(init);
    let before = Before::of(config, &embedder);
    let predictor = match predictor {
        Some(spec) => Predictor::new(spec, before, PredictorInit::default(), init)?,
        None => Predictor::absent(),
    };
    Ok(Network {
        embedder,
        encoder,
        predictor,
    })
}

impl Before {
    /// What a predictor after these parts must know.
    pub(super) fn of(config: &Architecture, embedder: &Embedder) -> Self {
        let (stack, tokens) = match embedder {
            Embedder::Patches1d(patches) => {
                (patches.stack(), Some(patches.longest() / patches.stack()))
            }
            Embedder::Ids(ids) => (1, Some(ids.longest())),
            Embedder::Text(text) => (1, Some(text.longest())),
            Embedder::Patches(_) | Embedder::Positioned(_) => (1, None),
        };
        Self {
            features: config.features(),
            width: config.shape().last_width(),
            stride: config.shape().stride(),
            stack,
            tokens,
        }
    }
}

impl Model {
    /// A freshly initialised model for `channels` input channels; without a `predictor` it ends in
    /// its pooled features.
    pub fn new(
        config: impl Into<Architecture>,
        channels: usize,
        predictor: Option<&PredictorSpec>,
        seed: u64,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, ModelError> {
        let mut rng = INITIAL_VALUES.rng(seed, &[]);
        Self::build(
            config.into(),
            channels,
            predictor,
            &mut Init {
                device,
                dtype,
                rng: Some(&mut rng),
            },
        )
    }

    /// The same with initial values from `init`.
    pub(super) fn build(
        config: Architecture,
        channels: usize,
        predictor: Option<&PredictorSpec>,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let config = config.checked()?;
        if channels == 0 {
            return Err(ModelError::Config {
                what: "input channels".into(),
                expected: "at least one".into(),
                found: "0".into(),
            });
        }
        let network = assemble(&config, channels, predictor, init)?;
        Ok(Self { config, network })
    }

    /// A target model that starts from this source model: its encoder, a new embedder and a new
    /// predictor.
    pub fn for_target(&self, target: &Target, seed: u64) -> Result<Self, ModelError> {
        let [_, height, width] = target.input;
        if target.input.contains(&0) {
            return Err(ModelError::Config {
                what: "shape of a target sample".into(),
                expected: "no empty axis".into(),
                found: format!("{:?}", target.input),
            });
        }
        let (device, dtype) = self.place();
        let mut rng = INITIAL_VALUES.rng(seed, &[]);
        let mut init = Init {
            device: &device,
            dtype,
            rng: Some(&mut rng),
        };
        let how = target.embedder_init;
        let (shape, source) = (self.config.shape(), &self.network.embedder);
        let embedder = shape.target_embedder(source, target.input, how, &mut init)?;
        let embedder = embedder.ok_or_else(|| ModelError::Config {
            what: "source model for this target".into(),
            expected: if height == 1 {
                "a model of images or sequences with its own embedder".into()
            } else {
                "a model of images with its own embedder".into()
            },
            found: format!("{} for samples {:?}", self.config.name(), target.input),
        })?;
        let mut before = Before::of(&self.config, &embedder);
        if let Some(tokens) = &mut before.tokens {
            // As many as its samples have, of all that there are positions for.
            *tokens = width.div_ceil(before.stack);
        }
        let predictor =
            Predictor::new(&target.predictor, before, target.predictor_init, &mut init)?;
        Ok(Self {
            config: self.config.clone(),
            network: Network {
                embedder,
                encoder: self.network.encoder.clone(),
                predictor,
            },
        })
    }

    /// The same model with a freshly initialised encoder.
    pub fn with_fresh_encoder(&self, seed: u64) -> Result<Self, ModelError> {
        let (device, dtype) = self.place();
        let fresh = Self::new(self.config.clone(), 1, None, seed, &device, dtype)?;
        let (mut model, windows) = (self.clone(), self.windows());
        model.network.encoder = fresh.network.encoder;
        model.set_windows(windows);
        Ok(model)
    }

    /// Whose windows the encoder has; models without windows have those of `transformers`.
    pub fn windows(&self) -> Windows {
        self.network.encoder.windows().unwrap_or_default()
    }

    /// Takes the windows of a checkpoint, if there are any to take.
    pub fn set_windows(&mut self, windows: Windows) {
        self.network.encoder.blocks_mut().set_windows(windows);
        if let Embedder::Patches(patches) = &mut self.network.embedder {
            patches.set_crops(windows != Windows::Transformers);
        }
    }

    /// Device and float type of the parameters.
    pub fn place(&self) -> (Device, DType) {
        self.network.place()
    }

    /// Number of classes (or labels) of the predictor, if it has such.
    pub fn classes(&self) -> Option<usize> {
        match self.network.predictor.spec()? {
            PredictorSpec::Classification { classes } | PredictorSpec::MultiLabel { classes } => {
                Some(classes)
            }
            _ => None,
        }
    }
}

impl Network {
    /// `[B, C, H, W]` → outputs `[B, K]` (see [`Predictor::forward`]).
    pub fn forward(&self, x: impl Into<Dual<4>>, pass: &mut Pass) -> Dual<2> {
        let tokens = self.embedder.forward(x, pass);
        let last = self.encoder.encode(tokens, pass);
        self.predictor.forward(last, pass)
    }

    /// `[B, C, H, W]` → pooled features `[B, D]`.
    pub fn features(&self, x: impl Into<Dual<4>>, pass: &mut Pass) -> Dual<2> {
        let tokens = self.embedder.forward(x, pass);
        self.encoder.features(tokens, pass)
    }

    /// Device and float type of the parameters.
    pub fn place(&self) -> (Device, DType) {
        state::place(self)
    }
}
