//! CoOp (Zhou et al., IJCV 2022): context vectors before the names of classes, in place of the words of a template; the
//! same for all classes ("unified"), or others for each ("class-specific"). They stand behind the first token of the first
//! layer, start from normal values and train alone. `"{context} {name}."` is the text, as in its code.
//!
//! The paper has no class-specific vectors of texts that are none of the classes; here these take the mean over classes (ours).

use super::prompts::Prompts;
use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, own_temperature};
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::Init;
use crate::model::pass::Inserted;
use crate::model::two_tower::TwoTowerConfig;
use crate::model::{ModelError, limits};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Settings of context vectors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextSettings {
    /// Number of context vectors.
    pub tokens: usize,
    /// Standard deviation at the start.
    pub std: f32,
    /// K: number of classes that have vectors of their own; 0: the same vectors for all.
    pub classes: usize,
}

impl Default for ContextSettings {
    fn default() -> Self {
        Self {
            tokens: 16,
            std: 0.02,
            classes: 0,
        }
    }
}

impl ContextSettings {
    /// Returns the settings if they are possible.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        super::some_tokens("context vectors", self.tokens)?;
        super::deviation(self.std)?;
        let what = "classes with context vectors of their own";
        // None: the same vectors for all.
        limits::sizes(&[(what, self.classes.max(1), 1 << 20)])?;
        Ok(self)
    }
}

/// Context vectors.
#[derive(Module, Debug)]
pub struct Context {
    /// `[n, Dt]`, or `[K·n, Dt]`: those of the first class first.
    vectors: Param<Tensor<2>>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    settings: ContextSettings,
}

impl Context {
    /// Fresh vectors with initial values from `init`.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting; vectors that leave a text no room.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        settings: ContextSettings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let settings = settings.check()?;
        super::room(settings.tokens, towers)?;
        Ok(Self {
            temperature: temperature::starting(start, init)?,
            vectors: init.truncated_normal(
                settings.std,
                [
                    settings.classes.max(1) * settings.tokens,
                    towers.text.hidden_size,
                ],
            ),
            settings,
        })
    }
}

impl Tunes for Context {
    fn settings(&self) -> Settings {
        Settings::Context(self.settings)
    }

    own_temperature!();

    fn text_tokens(&self) -> usize {
        self.settings.tokens
    }

    fn bare_names(&self) -> bool {
        true
    }

    fn inserted(&self, which: Which) -> Option<Box<dyn Inserted + '_>> {
        let ContextSettings {
            tokens, classes, ..
        } = self.settings;
        match which {
            Which::Image => None,
            Which::Text => Some(Box::new(Prompts::by(which, move |layer, pass| {
                (layer == 0).then(|| {
                    let all = pass.parameter(&self.vectors);
                    let width = all.dims()[1];
                    match classes {
                        0 => all,
                        some => all
                            .reshape([some, tokens * width])
                            .mean_dim(0)
                            .reshape([tokens, width]),
                    }
                })
            }))),
        }
    }

    fn of_classes(&self, classes: Range<usize>) -> Option<Box<dyn Inserted + '_>> {
        if self.settings.classes == 0 {
            return self.inserted(Which::Text);
        }
        let tokens = self.settings.tokens;
        Some(Box::new(Prompts::of_samples(
            Which::Text,
            move |layer, pass| {
                (layer == 0).then(|| {
                    let all = pass.parameter(&self.vectors);
                    let width = all.dims()[1];
                    let (first, count) = (classes.start * tokens, classes.len() * tokens);
                    let own = all.narrow(0, first, count);
                    own.reshape([classes.len(), tokens, width])
                })
            },
        )))
    }
}
