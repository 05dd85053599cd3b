//! modalign measures how far the knowledge of a pretrained source modality fits a target
//! modality, and trains the transfer between them (Ma et al., *Learning Modality Knowledge
//! Alignment for Cross-Modality Transfer*, ICML 2024).
//!
//! The modules are rooms in one house; each knows only the rooms before it:
//! [`manifest`] → [`dataset`] → [`model`] → [`feature`] → [`measure`] → [`transfer`] → [`run`] →
//! [`figure`] → [`report`] → [`cli`]. `ARCHITECTURE.md` draws the map.

#[cfg(test)]
mod fixture;
mod random;
mod simd;
mod strata;

pub mod cli;
pub mod dataset;
pub mod evaluate;
pub mod feature;
pub mod figure;
pub mod files;
pub mod measure;
pub mod model;
pub mod report;
pub mod run;
pub mod suite;
pub mod table;
pub mod transfer;
