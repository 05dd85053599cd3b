//! The exponential moving average of a network's parameters over the steps of a training (Polyak & Juditsky
//! 1992; as timm's `ModelEmaV2`, with a faster decay in the first steps).

use crate::model::state::blended;
use burn::module::Module;

/// The average so far; of nothing where the decay is zero.
pub struct Average<M> {
    decay: f64,
    network: Option<M>,
}

impl<M: Module> Average<M> {
    /// Starts at the parameters of `network`; `decay` 0 keeps no average.
    pub fn new(decay: f64, network: &M) -> Self {
        Self {
            decay,
            network: (decay > 0.0).then(|| network.valid()),
        }
    }

    /// Goes on from an average that a snapshot kept.
    #[must_use]
    pub fn restored(self, network: M) -> Self {
        Self {
            network: (self.decay > 0.0).then_some(network),
            ..self
        }
    }

    /// Takes the parameters after step number `step`, counted from 0 over all epochs.
    pub fn step(&mut self, step: usize, network: &M) {
        if let Some(before) = self.network.take() {
            let early = (1.0 + step as f64) / (10.0 + step as f64);
            let decay = self.decay.min(early);
            self.network = Some(blended(before, &network.valid(), 1.0 - decay));
        }
    }

    /// The average on the plain device, if one is kept.
    pub fn network(&self) -> Option<M> {
        self.network.clone()
    }
}
