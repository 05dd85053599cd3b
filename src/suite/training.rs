//! Settings of training as a suite writes them: plain data that the transfer room acts on.

use serde::{Deserialize, Serialize};

/// Which update rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, tag = "name")]
pub enum Rule {
    /// Loshchilov & Hutter 2019.
    Adamw {
        /// Decay of the first moment.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Stochastic gradient descent with heavy-ball momentum.
    Sgd {
        /// Momentum factor.
        #[serde(default = "beta1")]
        momentum: f64,
    },
}

fn beta1() -> f64 {
    0.9
}
fn beta2() -> f64 {
    0.999
}
fn epsilon() -> f64 {
    1e-8
}

impl Default for Rule {
    /// AdamW with PyTorch's defaults.
    fn default() -> Self {
        Self::Adamw {
            beta1: beta1(),
            beta2: beta2(),
            epsilon: epsilon(),
        }
    }
}

/// Shape of the learning rate after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Half a cosine down to zero.
    #[default]
    Cosine,
    /// A straight line down to zero.
    Linear,
    /// No decay.
    Constant,
}

/// What is done to a training image before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Nothing.
    #[default]
    None,
    /// Random crop after padding by an eighth of the side, and horizontal flip.
    CropFlip,
    /// The same, then one of ten operations of random strength (none, shear, shift, rotation, brightness,
    /// contrast, saturation, sharpness), drawn as by TrivialAugment.
    Varied,
}

/// What is done to training samples before a step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Augmentation {
    /// Of every sample.
    pub augment: Augment,
    /// Share of samples that lose a rectangle.
    pub random_erasing: f64,
    /// Parameter of mixup's Beta distribution; 0 = no mixup.
    pub mixup: f64,
    /// Parameter of CutMix's; 0 = no CutMix.
    pub cutmix: f64,
}

impl Augmentation {
    /// Whether samples change at all, before they are mixed.
    pub fn changes_samples(&self) -> bool {
        self.augment != Augment::None || self.random_erasing > 0.0
    }

    /// The same without mixing, for losses that need one label a sample.
    #[must_use]
    pub fn unmixed(self) -> Self {
        Self {
            mixup: 0.0,
            cutmix: 0.0,
            ..self
        }
    }

    /// Its name, as a manifest writes it; `None` where nothing is done.
    pub fn name(&self) -> Option<&'static str> {
        if self.mixup > 0.0 {
            Some("mixup")
        } else if self.cutmix > 0.0 {
            Some("cutmix")
        } else if self.random_erasing > 0.0 {
            Some("random_erasing")
        } else {
            match self.augment {
                Augment::None => None,
                Augment::CropFlip => Some("crop-flip"),
                Augment::Varied => Some("varied"),
            }
        }
    }
}

/// Which epoch's parameters are the result of a training run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// The last epoch's.
    #[default]
    Last,
    /// Those with the smallest validation error.
    Valid,
    /// Those with the smallest **test** error, as some published numbers were chosen; every number
    /// that comes of it is labelled as test-selected.
    Test,
}

/// Settings of a training run. Every one is recorded with the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSettings {
    /// Passes over the training part.
    pub epochs: usize,
    /// Which epoch's parameters are the result.
    pub select: Select,
    /// Stops after so many epochs without a better one; 0 = never. Which is better is what `select` says, so
    /// with the last epoch's parameters ([`Select::Last`]) it is refused.
    pub patience: usize,
    /// Samples a step.
    pub batch: usize,
    /// Samples that go through the model at once; their gradients add up to the step's. 0 = all
    /// of `batch`.
    pub micro_batch: usize,
    /// Computes activations again, block by block, in the backward pass instead of keeping them:
    /// about a third more time for a fraction of the memory.
    pub recompute: bool,
    /// Base learning rate.
    pub learning_rate: f64,
    /// Update rule.
    pub optimiser: Rule,
    /// Decoupled weight decay, on matrices and kernels only.
    pub weight_decay: f64,
    /// Bound on the global gradient norm; 0 = none.
    pub clip: f64,
    /// Epochs of linear warm-up (fractions allowed).
    pub warmup_epochs: f64,
    /// Decay after the warm-up.
    pub decay: Decay,
    /// Label smoothing.
    pub label_smoothing: f64,
    /// Augmentation of training samples.
    pub augment: Augment,
    /// Share of training samples that lose a rectangle (Zhong et al. 2020).
    pub random_erasing: f64,
    /// Parameter of the Beta distribution of mixup's shares (Zhang et al. 2018); 0 = no mixup. Stage 1 never
    /// mixes.
    pub mixup: f64,
    /// Parameter of the Beta distribution of CutMix's shares (Yun et al. 2019); 0 = no CutMix. Beside
    /// mixup, every batch draws one of the two.
    pub cutmix: f64,
    /// Decay a step of the exponential moving average of the parameters, which then is what is measured and
    /// kept; 0 = the parameters themselves. Early steps decay faster: at most (1 + t) / (10 + t).
    pub average: f64,
}

impl TrainSettings {
    /// What is done to training samples.
    pub fn augmentation(&self) -> Augmentation {
        Augmentation {
            augment: self.augment,
            random_erasing: self.random_erasing,
            mixup: self.mixup,
            cutmix: self.cutmix,
        }
    }

    /// What does not go together: the setting, what would fit, what was found.
    pub fn conflict(&self) -> Option<(&'static str, &'static str, String)> {
        (self.patience > 0 && self.select == Select::Last).then(|| {
            (
                "patience",
                "0 beside select = \"last\", where no epoch is better than another; or select = \"valid\"",
                self.patience.to_string(),
            )
        })
    }
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            epochs: 10,
            select: Select::default(),
            patience: 0,
            batch: 32,
            micro_batch: 0,
            recompute: false,
            learning_rate: 1e-3,
            optimiser: Rule::default(),
            weight_decay: 0.05,
            clip: 1.0,
            warmup_epochs: 1.0,
            decay: Decay::Cosine,
            label_smoothing: 0.0,
            augment: Augment::None,
            random_erasing: 0.0,
            mixup: 0.0,
            cutmix: 0.0,
            average: 0.0,
        }
    }
}
