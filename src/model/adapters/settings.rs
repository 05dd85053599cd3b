//! Which kind of tuning, with its settings, as plain data: a table with the key `name` in a suite, name and settings apart in
//! the metadata of a file.

use super::bottleneck::BottleneckSettings;
use super::context::ContextSettings;
use super::feature_adapter::FeatureAdapterSettings;
use super::harma::HarmaShape;
use super::linear_probe::LinearProbeSettings;
use super::low_rank::LowRankSettings;
use super::maple::MapleSettings;
use super::mmap::PromptShape;
use super::visual_prompts::VisualPromptSettings;
use crate::model::ModelError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// No settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A kind of tuning with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "name")]
pub enum Settings {
    /// The towers as they are.
    Untouched(Nothing),
    /// Both projections.
    Projections(Nothing),
    /// Everything.
    Whole(Nothing),
    /// Additions of low rank to matrices.
    LowRank(LowRankSettings),
    /// Bottleneck adapters behind the MLPs.
    Bottleneck(BottleneckSettings),
    /// An adapter on the vectors.
    FeatureAdapter(FeatureAdapterSettings),
    /// Gated adapters that both towers share.
    Harma(HarmaShape),
    /// All biases.
    Biases(Nothing),
    /// Context vectors before the names of classes.
    Context(ContextSettings),
    /// Prompts of the image tower.
    VisualPrompts(VisualPromptSettings),
    /// Prompts of both towers, coupled by maps.
    Maple(MapleSettings),
    /// Prompts of both towers by Kronecker products.
    Mmap(PromptShape),
    /// A linear classifier of vectors, in place of texts.
    LinearProbe(LinearProbeSettings),
}

/// The key of the name in a table.
const NAME: &str = "name";

impl Settings {
    /// Every kind at its defaults.
    pub fn all() -> [Self; 13] {
        [
            Self::Untouched(Nothing {}),
            Self::Projections(Nothing {}),
            Self::Whole(Nothing {}),
            Self::LowRank(LowRankSettings::default()),
            Self::Bottleneck(BottleneckSettings::default()),
            Self::FeatureAdapter(FeatureAdapterSettings::default()),
            Self::Harma(HarmaShape::default()),
            Self::Biases(Nothing {}),
            Self::Context(ContextSettings::default()),
            Self::VisualPrompts(VisualPromptSettings::default()),
            Self::Maple(MapleSettings::default()),
            Self::Mmap(PromptShape::default()),
            Self::LinearProbe(LinearProbeSettings::default()),
        ]
    }

    /// The name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Untouched(_) => "untouched",
            Self::Projections(_) => "projections",
            Self::Whole(_) => "whole",
            Self::LowRank(_) => "low-rank",
            Self::Bottleneck(_) => "bottleneck",
            Self::FeatureAdapter(_) => "feature-adapter",
            Self::Harma(_) => "harma",
            Self::Biases(_) => "biases",
            Self::Context(_) => "context",
            Self::VisualPrompts(_) => "visual-prompts",
            Self::Maple(_) => "maple",
            Self::Mmap(_) => "mmap",
            Self::LinearProbe(_) => "linear-probe",
        }
    }

    /// Returns the settings if they are possible, whatever the towers.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn check(self) -> Result<Self, ModelError> {
        Ok(match self {
            Self::Untouched(_) | Self::Projections(_) | Self::Whole(_) | Self::Biases(_) => self,
            Self::LowRank(own) => Self::LowRank(own.check()?),
            Self::Bottleneck(own) => Self::Bottleneck(own.check()?),
            Self::FeatureAdapter(own) => Self::FeatureAdapter(own.check()?),
            Self::Harma(shape) => Self::Harma(shape.check()?),
            Self::Context(own) => Self::Context(own.check()?),
            Self::VisualPrompts(own) => Self::VisualPrompts(own.check()?),
            Self::Maple(own) => Self::Maple(own.check()?),
            Self::Mmap(shape) => Self::Mmap(shape.possible()?),
            Self::LinearProbe(own) => Self::LinearProbe(own.check()?),
        })
    }

    /// The same for so many classes, where the kind has something of every class.
    #[must_use]
    pub fn of_classes(self, classes: usize) -> Self {
        match self {
            Self::Context(own) if own.classes > 0 => {
                Self::Context(ContextSettings { classes, ..own })
            }
            Self::LinearProbe(_) => Self::LinearProbe(LinearProbeSettings { classes }),
            other => other,
        }
    }

    /// The settings without the name, as JSON.
    pub fn json(&self) -> Value {
        let mut all = serde_json::to_value(self).expect("settings have string keys");
        if let Some(map) = all.as_object_mut() {
            map.remove(NAME);
        }
        all
    }

    /// Settings of the kind `name` from the JSON that [`json`](Self::json) gives; what is not said is at its default.
    ///
    /// # Errors
    /// [`ModelError::Config`]: no kind of that name, keys that it does not know, values that cannot be.
    pub fn read(name: &str, json: &str) -> Result<Self, ModelError> {
        let what = || format!("settings of the tuning {name:?}");
        let expected = "an object of its settings";
        let mut map: Map<String, Value> =
            serde_json::from_str(json).map_err(|e| ModelError::config(what(), expected, e))?;
        if map.contains_key(NAME) {
            return Err(ModelError::config(what(), expected, "the key name"));
        }
        map.insert(NAME.into(), name.into());
        let names = Self::all().map(|kind| kind.name());
        if !names.contains(&name) {
            let expected = format!("one of {}", names.join(", "));
            return Err(ModelError::config("tuning", expected, name));
        }
        serde_json::from_value::<Self>(Value::Object(map))
            .map_err(|e| ModelError::config(what(), expected, e))?
            .check()
    }
}
