//! Models: encoders (Swin, ViT, RoBERTa, CLIP's text tower), two towers, embedders and predictors, their weights and the devices they
//! run on.

pub mod adapters;
pub mod architecture;
mod attention;
mod description;
pub mod device;
pub mod dual;
pub mod embedded;
pub mod embedder;
pub mod encoder;
pub mod error;
pub mod family;
pub mod folder;
pub mod hub;
mod index;
pub mod keys;
pub mod layers;
mod limits;
pub mod load;
pub mod names;
pub mod network;
pub mod opening;
pub mod ops;
pub mod parameters;
pub mod pass;
pub mod precision;
pub mod predictor;
pub mod preprocess;
pub mod recompute;
pub mod save;
pub mod state;
pub mod timm;
pub mod tokenizer;
pub mod tokens;
pub mod transformer;
pub mod two_tower;
mod wanted;
pub mod weights;
pub mod windows;

pub use architecture::Architecture;
pub use architecture::roberta::{self, RobertaConfig};
pub use architecture::swin::{self, SwinConfig};
pub use architecture::vit::{self, VitConfig};
pub use dual::Dual;
pub use embedder::Embedder;
pub use encoder::Encoder;
pub use error::ModelError;
pub use load::{Loaded, Plan};
pub use network::{Model, Network, Target};
pub use opening::Opening;
pub use pass::Pass;
pub use predictor::Predictor;
pub use tokenizer::{Tokenizer, TokenizerError};
pub use tokens::Tokens;

#[cfg(test)]
mod checkpoint_tests;
#[cfg(test)]
mod dual_tests;
#[cfg(test)]
mod load_tests;
