//! How `modalign pretrain` makes the source model of a suite, as data: the architecture, of one tower (a Swin) or of two
//! (a CLIP), and the recipe. A suite says one architecture; what the other alone has is refused.

use super::dataset::DatasetSpec;
use super::definition::Source;
use super::error::ManifestError;
use super::pairs::PairSettings;
use super::parts::Activation;
use super::training::TrainSettings;
use serde::{Deserialize, Deserializer, Serialize};

/// A Swin shape; see the model room for what the fields mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Side of the square input in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Channels after the patch embedding.
    pub embed_dim: usize,
    /// Blocks of every stage.
    pub depths: Vec<usize>,
    /// Heads of every stage.
    pub num_heads: Vec<usize>,
    /// Window side in tokens.
    pub window_size: usize,
    /// Largest drop-path rate.
    #[serde(default)]
    pub drop_path_rate: f64,
}

/// Shapes of both towers of a CLIP; MLPs are four times as wide as their tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Towers {
    /// Side of the square pictures in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Width of the image tower.
    pub width: usize,
    /// Its layers.
    pub layers: usize,
    /// Attention heads of each.
    pub heads: usize,
    /// Width of the text tower.
    pub text_width: usize,
    /// Its layers.
    pub text_layers: usize,
    /// Attention heads of each.
    pub text_heads: usize,
    /// Most tokens of a text, with its start and its end; longer ones are cut.
    #[serde(default = "context")]
    pub context: usize,
    /// Most tokens of the tokenizer, which is trained from the training captions: 514 are bytes, start and end, the
    /// others merges.
    pub vocabulary: usize,
    /// Width of the common space.
    pub projection: usize,
    /// Activation of the MLPs, `gelu` or `quick_gelu`.
    #[serde(default = "quick")]
    pub activation: Activation,
}

fn context() -> usize {
    77
}

fn quick() -> Activation {
    Activation::QuickGelu
}

/// Float type of the weights that are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision, in which models train.
    #[default]
    F32,
    /// Half precision: half as many bytes, values rounded to eleven bits.
    F16,
}

/// How the source model is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretrain {
    /// Seed of initial values, order and augmentation.
    #[serde(default)]
    pub seed: u64,
    /// Losses of two towers; the weight of the triplet loss is 0 unless it is said here.
    #[serde(
        default = "contrastive",
        deserialize_with = "without_triplet",
        skip_serializing_if = "is_contrastive"
    )]
    pub pairs: PairSettings,
    /// Float type of the weights that are written, `f32` or, of two towers, `f16`.
    #[serde(default, skip_serializing_if = "is_single")]
    pub dtype: Precision,
    /// The training itself.
    pub train: TrainSettings,
}

/// The contrastive loss alone, as CLIP was trained.
fn contrastive() -> PairSettings {
    PairSettings {
        triplet: 0.0,
        ..PairSettings::default()
    }
}

fn is_contrastive(pairs: &PairSettings) -> bool {
    *pairs == contrastive()
}

fn is_single(dtype: &Precision) -> bool {
    *dtype == Precision::F32
}

/// Settings of pairs that leave the triplet loss out unless they name it.
fn without_triplet<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PairSettings, D::Error> {
    let mut table = toml::Table::deserialize(deserializer)?;
    table.entry("triplet").or_insert_with(|| 0.0.into());
    PairSettings::deserialize(table).map_err(serde::de::Error::custom)
}

/// An architecture that can be pretrained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Architecture<'a> {
    /// A Swin with a classifier.
    One(&'a Shape),
    /// A CLIP.
    Two(&'a Towers),
}

/// How a model is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe<'a> {
    /// What it is trained on.
    pub data: &'a DatasetSpec,
    /// What it is.
    pub architecture: Architecture<'a>,
    /// How it is trained.
    pub pretrain: &'a Pretrain,
}

impl Source {
    /// Data, architecture and recipe of a model that `modalign pretrain` can make.
    ///
    /// # Errors
    /// [`ManifestError::Invalid`] for a model that somebody else made.
    pub fn recipe(&self, suite: &str) -> Result<Recipe<'_>, ManifestError> {
        let one = self.shape.as_ref().map(Architecture::One);
        let architecture = one.or_else(|| self.towers.as_ref().map(Architecture::Two));
        match (&self.data, architecture, &self.pretrain) {
            (Some(data), Some(architecture), Some(pretrain)) => Ok(Recipe {
                data,
                architecture,
                pretrain,
            }),
            _ => Err(ManifestError::Invalid {
                origin: format!("suite {suite}"),
                what: "source".into(),
                expected: "data, shape (or towers) and pretrain, for a model of our own making"
                    .into(),
                found: format!("the published model {}", self.model),
            }),
        }
    }

    /// What contradicts itself in what is said of a pretraining: the key, what was expected, what was found.
    pub(super) fn conflict(&self) -> Option<(&'static str, &'static str, String)> {
        if self.shape.is_some() && self.towers.is_some() {
            let expected = "shape, for a model of one tower, or towers, for a CLIP";
            return Some(("source", expected, "both".into()));
        }
        let pretrain = self.pretrain.as_ref()?;
        if self.towers.is_some() {
            return None;
        }
        if !is_contrastive(&pretrain.pairs) {
            let expected = "none for a model of one tower, which learns classes";
            return Some(("source.pretrain.pairs", expected, "settings".into()));
        }
        if !is_single(&pretrain.dtype) {
            let expected = "f32 for a model of one tower";
            return Some(("source.pretrain.dtype", expected, "f16".into()));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::definition::{EMBEDDED, Suite};

    const TOWERS: &str = "{ image_size = 32, patch_size = 8, width = 32, layers = 1, heads = 2, text_width = 32, \
                          text_layers = 1, text_heads = 2, vocabulary = 600, projection = 16 }";

    /// The demo suite with other lines in its source and its pretraining.
    fn suite(source: &str, pretrain: &str) -> Result<Suite, ManifestError> {
        let mut table: toml::Table = toml::from_str(EMBEDDED[0].1).unwrap();
        let own = table["source"].as_table_mut().unwrap();
        if source.contains("towers") && !source.contains("# both") {
            own.remove("shape");
        }
        own.extend(toml::from_str::<toml::Table>(source).unwrap());
        let recipe = own["pretrain"].as_table_mut().unwrap();
        recipe.extend(toml::from_str::<toml::Table>(pretrain).unwrap());
        Suite::parse(&toml::to_string(&table).unwrap(), "x")
    }

    #[test]
    fn towers_are_an_architecture_with_defaults_and_replay() {
        let towers = format!("towers = {TOWERS}");
        let found = suite(&towers, "dtype = \"f16\"\npairs = { temperature = 0.1 }").unwrap();
        let recipe = found.source.recipe("x").unwrap();
        let Architecture::Two(shapes) = recipe.architecture else {
            panic!("{:?}", recipe.architecture);
        };
        assert_eq!(
            (shapes.context, shapes.activation),
            (77, Activation::QuickGelu)
        );
        let pairs = &recipe.pretrain.pairs;
        assert_eq!(
            (pairs.triplet, pairs.contrastive, pairs.temperature),
            (0.0, 1.0, 0.1)
        );
        let again = Suite::parse(&toml::to_string(&found).unwrap(), "x").unwrap();
        assert_eq!(again, found);
        let named = suite(&towers, "pairs = { triplet = 1.0 }").unwrap();
        assert_eq!(
            named.source.pretrain.unwrap().pairs,
            PairSettings::default()
        );
        let plain = suite("", "").unwrap();
        assert!(
            !toml::to_string(&plain.source.pretrain)
                .unwrap()
                .contains("pairs")
        );
    }

    #[test]
    fn what_only_the_other_architecture_has_is_refused() {
        let both = format!("towers = {TOWERS} # both");
        for (source, pretrain, words) in [
            (both.as_str(), "", "source: expected shape"),
            ("", "dtype = \"f16\"", "source.pretrain.dtype"),
            ("", "pairs = { margin = 0.1 }", "source.pretrain.pairs"),
            ("", "pairs = { marign = 0.1 }", "did you mean \"margin\"?"),
        ] {
            let said = suite(source, pretrain).unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
    }
}
