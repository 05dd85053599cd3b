//! The predictor h: last tokens to what the task asks for.

mod adaptive;
mod by_text;
mod dense;

pub use by_text::ByText;
pub use dense::{Dense1d, Dense2d};

use super::ModelError;
use super::dual::Dual;
use super::layers::{Init, Linear};
use super::pass::Pass;
use super::tokens::Tokens;
use crate::suite::parts::{PredictorInit, PredictorSpec};
use burn::module::Module;

/// A predictor.
#[derive(Module, Debug)]
pub enum Predictor {
    /// Classes or labels: the sample's feature, linear.
    Pooled(Pooled),
    /// Classes by two tokens, as DeiT learns them.
    Distilled(Distilled),
    /// Classes by their texts, of a CLIP.
    ByText(ByText),
    /// Fields.
    Dense2d(Dense2d),
    /// Signals.
    Dense1d(Dense1d),
    /// None: the model ends in its pooled features (an encoder published without a head).
    Absent(Absent),
}

/// Linear maps of class token and distillation token, whose outputs are averaged (Touvron et al., ICML 2021).
#[derive(Module, Debug)]
pub struct Distilled {
    /// `[K, D]` and `[K]`, of the first token.
    pub class: Linear,
    /// The same of the second.
    pub distillation: Linear,
}

/// A linear map of the sample's feature.
#[derive(Module, Debug)]
pub struct Pooled {
    /// `[K, D]` and `[K]`.
    pub linear: Linear,
    #[module(skip)]
    several: bool,
}

/// Nothing to learn, nothing to do.
#[derive(Module, Debug, Default)]
pub struct Absent {}

/// What the parts before it fix about a predictor.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// Width of a sample's feature.
    pub features: usize,
    /// Width of the last tokens.
    pub width: usize,
    /// Input pixels a last token stands for along a side (2D).
    pub stride: usize,
    /// Values of a patch (1D).
    pub stack: usize,
    /// Most last tokens of a sequence (1D); `None` after patches.
    pub tokens: Option<usize>,
}

/// Refuses sizes that no predictor has or that no memory holds.
pub(super) fn check(spec: &PredictorSpec) -> Result<(), ModelError> {
    let sizes = match *spec {
        PredictorSpec::Classification { classes } | PredictorSpec::MultiLabel { classes } => {
            vec![("classes", classes, 1 << 20)]
        }
        PredictorSpec::Dense2d {
            channels,
            height,
            width,
            upscale,
            inner,
        } => vec![
            ("channels", channels, 4096),
            ("height", height, 8192),
            ("width", width, 8192),
            ("upscale", upscale.unwrap_or(1), 1024),
            ("inner", inner, 4096),
        ],
        PredictorSpec::Dense1d { channels, length } => {
            vec![("channels", channels, 4096), ("length", length, 1 << 24)]
        }
    };
    let wrong = |what: String, top: usize, found: usize| {
        Err(ModelError::Config {
            what,
            expected: format!("1 to {top}"),
            found: found.to_string(),
        })
    };
    for (what, size, top) in sizes {
        if !(1..=top).contains(&size) {
            return wrong(format!("{what} of a {} predictor", spec.name()), top, size);
        }
    }
    match spec.outputs() {
        outputs if outputs > MOST_OUTPUTS => {
            let what = format!("outputs of a {} predictor", spec.name());
            wrong(what, MOST_OUTPUTS, outputs)
        }
        _ => Ok(()),
    }
}

/// Most numbers that a sample gets.
const MOST_OUTPUTS: usize = 1 << 26;

impl Predictor {
    /// A predictor of kind `spec` after an encoder as `before` describes it.
    pub fn new(
        spec: &PredictorSpec,
        before: Before,
        how: PredictorInit,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        check(spec)?;
        let mut linear = |inputs: usize, outputs: usize| {
            let shape = [outputs, inputs];
            let weight = match how {
                PredictorInit::TruncatedNormal { std } => init.truncated_normal(std, shape),
                PredictorInit::XavierUniform { gain } => {
                    init.xavier_uniform(gain, [inputs, outputs], shape)
                }
            };
            Linear {
                weight,
                bias: Some(init.constant(0.0, [outputs])),
            }
        };
        Ok(match *spec {
            PredictorSpec::Classification { classes } | PredictorSpec::MultiLabel { classes } => {
                Self::Pooled(Pooled {
                    linear: linear(before.features, classes),
                    several: matches!(spec, PredictorSpec::MultiLabel { .. }),
                })
            }
            PredictorSpec::Dense2d {
                channels,
                height,
                width,
                upscale,
                inner,
            } => {
                let upscale = upscale.unwrap_or(before.stride);
                Self::Dense2d(Dense2d {
                    projection: linear(before.width, inner * upscale * upscale),
                    upscale,
                    inner,
                    shape: [channels, height, width],
                })
            }
            PredictorSpec::Dense1d { channels, length } => {
                let Some(tokens) = before.tokens else {
                    return Err(ModelError::Config {
                        what: "dense-1d predictor".into(),
                        expected: "an embedder of signals or ids before it".into(),
                        found: "one of patches".into(),
                    });
                };
                let enough = tokens.saturating_mul(before.stack);
                if length > enough {
                    return Err(ModelError::Config {
                        what: "length of a dense-1d predictor".into(),
                        expected: format!("at most {enough}, what the tokens cover"),
                        found: length.to_string(),
                    });
                }
                Self::Dense1d(Dense1d {
                    stack: before.stack,
                    shape: [channels, length],
                })
            }
        })
    }

    /// Classes of DeiT's two tokens of width `width`.
    ///
    /// # Errors
    /// A number of classes that no predictor has.
    pub fn distilled(classes: usize, width: usize, init: &mut Init) -> Result<Self, ModelError> {
        check(&PredictorSpec::Classification { classes })?;
        Ok(Self::Distilled(Distilled {
            class: Linear::new(width, classes, true, init),
            distillation: Linear::new(width, classes, true, init),
        }))
    }

    /// None: a network that ends in its pooled features.
    pub fn absent() -> Self {
        Self::Absent(Absent {})
    }

    /// What this predictor gives; `None` without one.
    pub fn spec(&self) -> Option<PredictorSpec> {
        Some(match self {
            Self::Pooled(pooled) => {
                let classes = pooled.linear.weight.dims()[0];
                if pooled.several {
                    PredictorSpec::MultiLabel { classes }
                } else {
                    PredictorSpec::Classification { classes }
                }
            }
            Self::Distilled(distilled) => PredictorSpec::Classification {
                classes: distilled.class.weight.dims()[0],
            },
            Self::ByText(texts) => PredictorSpec::Classification {
                classes: texts.classes.dims()[0],
            },
            Self::Dense2d(dense) => {
                let [channels, height, width] = dense.shape;
                PredictorSpec::Dense2d {
                    channels,
                    height,
                    width,
                    upscale: Some(dense.upscale),
                    inner: dense.inner,
                }
            }
            Self::Dense1d(dense) => {
                let [channels, length] = dense.shape;
                PredictorSpec::Dense1d { channels, length }
            }
            Self::Absent(_) => return None,
        })
    }

    /// Fewest last tokens that [`Predictor::forward`] takes: a signal's values come from the
    /// tokens of their places.
    pub fn fewest_tokens(&self) -> usize {
        match self {
            Self::Dense1d(dense) => dense.shape[1].div_ceil(dense.stack),
            Self::Distilled(_) => 2,
            _ => 1,
        }
    }

    /// At least [`Predictor::fewest_tokens`] last tokens → `[B, outputs]`: logits, or a field's or signal's values row-major; pooled
    /// features without a predictor.
    pub fn forward(&self, last: Tokens, pass: &Pass) -> Dual<2> {
        match self {
            Self::Pooled(pooled) => predict(&pooled.linear, last.pool(), pass),
            Self::Distilled(distilled) => {
                let class = predict(&distilled.class, last.token(0), pass);
                let distillation = predict(&distilled.distillation, last.token(1), pass);
                (class + distillation).mul_scalar(0.5)
            }
            Self::ByText(texts) => texts.forward(last.pool(), pass),
            Self::Dense2d(dense) => dense.forward(last, pass),
            Self::Dense1d(dense) => dense.forward(last),
            Self::Absent(_) => last.pool(),
        }
    }
}

/// Features `[B, D]` → `[B, K]`.
fn predict(linear: &Linear, features: Dual<2>, pass: &Pass) -> Dual<2> {
    let [batch, width] = features.dims();
    let logits = linear.forward(features.reshape([1, batch, width]), pass);
    let classes = logits.dims()[2];
    logits.reshape([batch, classes])
}
