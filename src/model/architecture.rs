//! The architectures: one folder each (`config`: its shape, `encoder`: its blocks, `mod`: its descriptor and the
//! names of its tensors in checkpoints), and the one list of them. What opens, names, builds and saves
//! models asks descriptor and shape.

use super::ModelError;
use super::family::{Blocks, Configuration, Families, Family};
use super::keys::Keys;
use super::layers::Init;
use burn::module::Module;
use serde_json::{Map, Value};
use std::path::Path;

pub mod clip;
pub mod roberta;
pub mod swin;
pub mod vit;

/// Makes the enums of architectures and of encoders, and the list of families, of one list: a module, what its shape and
/// encoder are called, and its families.
macro_rules! architectures {
    ($($(#[$doc:meta])* $module:ident: $name:ident, $config:ident, $encoder:ident, [$($family:ident),*];)*) => {
        $(use $module::{$config, $encoder};)*

        /// A checked architecture.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Architecture {
            $($(#[$doc])* $name($config),)*
        }

        $(impl From<$config> for Architecture {
            fn from(config: $config) -> Self {
                Self::$name(config)
            }
        })*

        impl Architecture {
            /// What every architecture says of its shape.
            pub fn shape(&self) -> &dyn Configuration {
                match self {
                    $(Self::$name(config) => config,)*
                }
            }

            /// The same, to be changed.
            pub fn shape_mut(&mut self) -> &mut dyn Configuration {
                match self {
                    $(Self::$name(config) => config,)*
                }
            }

            /// Checks that a model can have the shape.
            pub(super) fn checked(self) -> Result<Self, ModelError> {
                match self {
                    $(Self::$name(config) => config.check().map(Self::$name),)*
                }
            }

            /// A fresh encoder.
            pub(super) fn encoder(&self, init: &mut Init) -> Encoder {
                match self {
                    $(Self::$name(config) => Encoder::$name($encoder::new(config, init)),)*
                }
            }

            /// Reads and checks the keys of a `config.json` of the model type `kind`; `None` for an
            /// unknown type.
            fn of_type(keys: &Keys, kind: &str) -> Option<Result<Self, ModelError>> {
                $($(if $module::$family.model_types.contains(&kind) {
                    return Some($config::read(keys, kind).map(Self::$name));
                })*)*
                None
            }
        }

        /// An encoder: embedded tokens in, features out.
        #[derive(Module, Debug)]
        pub enum Encoder {
            $($(#[$doc])* $name($encoder),)*
        }

        impl Encoder {
            pub(super) fn blocks(&self) -> &dyn Blocks {
                match self {
                    $(Self::$name(encoder) => encoder,)*
                }
            }

            pub(super) fn blocks_mut(&mut self) -> &mut dyn Blocks {
                match self {
                    $(Self::$name(encoder) => encoder,)*
                }
            }
        }

        /// Every family.
        pub const ARCHITECTURES: &[&Family] = &[$($(&$module::$family,)*)*];
    };
}

architectures! {
    /// Swin transformer: images and fields.
    swin: Swin, SwinConfig, SwinEncoder, [FAMILY];
    /// Vision transformers: images and fields.
    vit: Vit, VitConfig, VitEncoder, [VIT, DEIT, VIT_MAE, DINOV2, DINOV2_WITH_REGISTERS, CLIP, TIMM];
    /// RoBERTa: text, signals and sequences.
    roberta: Roberta, RobertaConfig, RobertaEncoder, [FAMILY];
    /// CLIP's text tower: text.
    clip: ClipText, ClipTextConfig, ClipTextEncoder, [FAMILY];
}

/// The families of checkpoints without a description, whose tensors tell the shape.
pub const UNDESCRIBED: Families = &[&swin::FAMILY, &vit::TIMM, &vit::CLIP];

/// timm's configuration under `transformers`.
const TIMM_WRAPPER: &str = "timm_wrapper";

/// The values of `model_type` that load.
pub fn supported() -> Vec<&'static str> {
    let own = ARCHITECTURES.iter().flat_map(|family| family.model_types);
    own.copied().chain([TIMM_WRAPPER]).collect()
}

/// The architectures of timm's that load, as errors name them.
pub fn in_timm() -> String {
    let all = ARCHITECTURES.iter().filter_map(|family| family.of_timm);
    all.collect::<Vec<_>>().join(", or ")
}

/// A family, as a list of one.
pub fn only(family: &Family) -> Families {
    let mut all = ARCHITECTURES.chunks_exact(1);
    all.find(|one| one[0] == family).unwrap_or(UNDESCRIBED)
}

/// The family whose models have this `model_type`, as a list of one.
pub fn family_of(kind: &str) -> Option<Families> {
    let mut all = ARCHITECTURES.chunks_exact(1);
    all.find(|one| one[0].model_types.contains(&kind))
}

impl Architecture {
    /// Reads and checks the keys of a `config.json`; `path` names it in errors.
    pub fn read(map: &Map<String, Value>, path: &Path) -> Result<Self, ModelError> {
        let kind = map.get("model_type").and_then(Value::as_str);
        let read = kind.and_then(|kind| Self::of_type(&Keys::new(map), kind));
        let read = read.unwrap_or_else(|| {
            Err(ModelError::Config {
                what: "model_type".into(),
                expected: format!("one of {}", supported().join(", ")),
                found: unlike(kind),
            })
        });
        read.map_err(|e| e.in_file(path))
    }

    /// The value of `model_type`.
    pub fn name(&self) -> &'static str {
        self.shape().family().name
    }

    /// Width of a sample's feature.
    pub fn features(&self) -> usize {
        self.shape().features()
    }

    /// Side of the square images that the model was made for; `None` for models of sequences.
    pub fn image_size(&self) -> Option<usize> {
        self.shape().image_size()
    }

    /// Class names in order; `LABEL_i` where the file names none.
    pub fn labels(&self, count: usize) -> Vec<String> {
        let known = self.shape().id2label();
        (0..count)
            .map(|i| known.get(&i).cloned().unwrap_or(format!("LABEL_{i}")))
            .collect()
    }
}

/// A `model_type` that does not load, in words.
fn unlike(kind: Option<&str>) -> String {
    let Some(kind) = kind else {
        return "no model_type".into();
    };
    let wrapper = [(TIMM_WRAPPER, "without the architecture of timm's")];
    let known = ARCHITECTURES.iter().flat_map(|family| family.unlike);
    let why = known.chain(&wrapper).find(|(name, _)| *name == kind);
    match why {
        None => format!("model_type {kind:?}"),
        Some((_, why)) => format!("model_type {kind:?} ({why})"),
    }
}
