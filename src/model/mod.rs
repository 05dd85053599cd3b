//! Models: the Swin encoder, embedders, predictors, their weights and the devices they run on.

pub mod config;
pub mod device;
pub mod embedded;
pub mod embedder;
pub mod error;
pub mod folder;
pub mod hub;
pub mod layers;
pub mod names;
pub mod network;
pub mod ops;
pub mod swin;
pub mod weights;

pub use config::SwinConfig;
pub use embedder::Embedder;
pub use error::ModelError;
pub use hub::HubSettings;
pub use network::{Model, Network};
pub use swin::Mode;
