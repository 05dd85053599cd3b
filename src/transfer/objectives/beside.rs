//! Parameters that train beside the network, by an optimiser of their own, and do not stay with the model.

use crate::model::Network;
use crate::model::state::{state, with_state};
use crate::suite::training::TrainSettings;
use crate::transfer::error::TransferError;
use crate::transfer::optimiser::Optimiser;
use crate::transfer::snapshot::{NamedTensors, number, under};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::TensorData;

/// A module with its optimiser.
pub struct Beside<M> {
    /// The parameters, tracked.
    pub module: M,
    /// What they are called in snapshots.
    name: &'static str,
    optimiser: Optimiser,
    /// Learning rate in units of the network's.
    rate: f64,
}

impl<M: Module> Beside<M> {
    /// A fresh optimiser with the settings of the network's.
    pub fn new(module: M, name: &'static str, train: &TrainSettings, rate: f64) -> Self {
        let clip = (train.clip > 0.0).then_some(train.clip);
        Self {
            module,
            name,
            optimiser: Optimiser::new(train.optimiser, train.weight_decay, clip),
            rate,
        }
    }

    /// Takes a step, at the learning rate `rate` of the network.
    pub fn step(&mut self, rate: f64, grads: GradientsParams) {
        let module = self.module.clone();
        self.module = self.optimiser.step(self.rate * rate, module, grads);
    }

    /// Parameters, moments and number of steps, for a snapshot.
    pub fn state(&self) -> NamedTensors {
        let mut all = NamedTensors::new();
        for (path, value) in state(&self.module.valid()) {
            all.insert(format!("{}/{path}", self.name), value);
        }
        for (path, value) in self.optimiser.moments() {
            all.insert(format!("moments/{path}"), value);
        }
        let steps = TensorData::new(vec![f64::from(self.optimiser.steps())], [1]);
        all.insert("steps".into(), steps);
        all
    }

    /// Resumes from what [`state`](Self::state) gave; `network` says where the parameters lie.
    ///
    /// # Errors
    /// State that does not fit the module.
    pub fn restore(
        &mut self,
        state: &NamedTensors,
        network: &Network,
    ) -> Result<(), TransferError> {
        let Some(steps) = number(state, "steps") else {
            return Ok(());
        };
        let (device, dtype) = network.place();
        let values = under(state, &format!("{}/", self.name));
        self.module = with_state(self.module.clone(), values, dtype, "snapshot".as_ref())?;
        let moments = under(state, "moments/");
        self.optimiser
            .restore(&moments, steps as i32, &device.inner());
        Ok(())
    }
}
