//! The settings of a comparison. Every choice that a number depends on has a name here and stands
//! in the record; what cannot be set is a constant below.

pub use crate::evaluate::noise::MOST_WORK;
use crate::measure::MeasureError;
use crate::measure::probe::{ProbeParams, ValidProbeParams};
use serde::Serialize;

/// Share of the training part, class by class, that C is chosen on.
pub const VALID_SHARE: f64 = 0.2;
/// Neighbours that vote.
pub const NEIGHBOURS: usize = 10;
/// Folds of the delete-a-group jackknife.
pub const GROUPS: usize = 20;
/// Training samples below which probe and neighbours have half as many folds: two samples of forty left
/// out are too few to be felt, and equal encoders were marked in 5 % of simulations instead of below 1 %.
pub const FEW_TRAINING: usize = 200;
/// Most samples of a map: all pairs of them are computed, so that the same seed gives the same bytes.
pub const MOST_MAPPED: usize = 3000;

/// Settings of a comparison, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings(ValidSettings);

/// Checked settings; only these can run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidSettings {
    pub(super) train_share: f64,
    pub(super) probe_c: Vec<f64>,
    pub(super) probe_iterations: usize,
    pub(super) sample: usize,
    pub(super) tsne_perplexity: f64,
    pub(super) tsne_iterations: usize,
    pub(super) seed: u64,
}

impl ValidSettings {
    /// The probe's settings.
    pub(super) fn probe(&self) -> Result<ValidProbeParams, MeasureError> {
        ProbeParams::new()
            .sweep(self.probe_c.clone())
            .iterations(self.probe_iterations)
            .check()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// Half of the samples to train on, eleven C from 0.001 to 100, 2,000 samples for what is
    /// quadratic in them, t-SNE at perplexity 30 in 1,000 steps, seed 0.
    pub fn new() -> Self {
        Self(ValidSettings {
            train_share: 0.5,
            probe_c: vec![
                0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6, 100.0,
            ],
            probe_iterations: 2000,
            sample: 2000,
            tsne_perplexity: 30.0,
            tsne_iterations: 1000,
            seed: 0,
        })
    }

    /// Share of every class that probe and neighbours learn from; the rest tests them. Not used where
    /// all encoders bring a training part of their own.
    pub fn train_share(mut self, share: f64) -> Self {
        self.0.train_share = share;
        self
    }

    /// Values of C to choose from.
    pub fn probe_c(mut self, cs: impl Into<Vec<f64>>) -> Self {
        self.0.probe_c = cs.into();
        self
    }

    /// Test samples, balanced over classes, for t-SNE and the measures over pairs (alignment,
    /// uniformity, silhouette); 0 takes all.
    pub fn sample(mut self, samples: usize) -> Self {
        self.0.sample = samples;
        self
    }

    /// Perplexity of the maps, lowered where there are too few samples for it.
    pub fn tsne_perplexity(mut self, perplexity: f64) -> Self {
        self.0.tsne_perplexity = perplexity;
        self
    }

    /// Steps of every map; 0 makes none.
    pub fn tsne_iterations(mut self, iterations: usize) -> Self {
        self.0.tsne_iterations = iterations;
        self
    }

    /// Seed of split, sample, folds and maps.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] for a share outside of (0, 1), a perplexity below
    /// 1; the probe refuses its own settings.
    pub fn check(self) -> Result<ValidSettings, MeasureError> {
        let p = &self.0;
        if !(p.train_share > 0.0 && p.train_share < 1.0) {
            let range = "a share between 0 and 1";
            return Err(MeasureError::parameter("train-share", range, p.train_share));
        }
        if !(p.tsne_perplexity.is_finite() && p.tsne_perplexity >= 1.0) {
            let range = "a number from 1";
            return Err(MeasureError::parameter(
                "perplexity",
                range,
                p.tsne_perplexity,
            ));
        }
        p.probe()?;
        Ok(self.0)
    }
}
