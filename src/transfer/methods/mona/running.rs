//! What MoNA's stage 1 keeps between steps: the second moments that precondition an inner step, and the ratio by which
//! a share is held.

use crate::model::parameters::Flat;
use crate::model::state::read;
use crate::transfer::snapshot::{NamedTensors, number, under};
use burn::tensor::{Device, Tensor, TensorData};

/// Decay a step of the running mean of the ratio that `outer_share` holds.
const RATIO_DECAY: f64 = 0.9;

/// Running geometric mean of a ratio: of all steps at first, then of about ten. The first steps of a preconditioned
/// loop are far from the later ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ratio {
    steps: u64,
    log: f64,
}

impl Ratio {
    /// Takes the ratio of a step, which is positive; the mean with it.
    pub fn push(&mut self, ratio: f64) -> f64 {
        self.steps += 1;
        let share = (1.0 / self.steps as f64).max(1.0 - RATIO_DECAY);
        self.log += share * (ratio.ln() - self.log);
        self.log.exp()
    }

    /// What it keeps, for a snapshot; nothing before the first step.
    pub fn state(&self) -> NamedTensors {
        if self.steps == 0 {
            return NamedTensors::new();
        }
        let number = |value: f64| TensorData::new(vec![value], [1]);
        [("steps", self.steps as f64), ("log", self.log)]
            .map(|(name, value)| (format!("ratio/{name}"), number(value)))
            .into()
    }

    /// Goes on from what [`state`](Self::state) gave.
    pub fn restored(state: &NamedTensors) -> Self {
        Self {
            steps: number(state, "ratio/steps").unwrap_or(0.0) as u64,
            log: number(state, "ratio/log").unwrap_or(0.0),
        }
    }
}

/// Running second moments of gradients, flat by path, as AdamW keeps them.
pub struct SecondMoments {
    beta2: f64,
    epsilon: f64,
    steps: u64,
    values: Flat,
}

impl SecondMoments {
    /// Before the first step.
    pub fn new(beta2: f64, epsilon: f64) -> Self {
        Self {
            beta2,
            epsilon,
            steps: 0,
            values: Flat::new(),
        }
    }

    /// Takes the gradients of a step.
    pub fn push(&mut self, grads: &Flat) {
        self.steps += 1;
        for (path, grad) in grads {
            let square = grad.clone().square().mul_scalar(1.0 - self.beta2);
            let sum = match self.values.remove(path) {
                Some(before) => before.mul_scalar(self.beta2) + square,
                None => square,
            };
            self.values.insert(path.clone(), sum);
        }
    }

    /// P = 1 / (√v̂ + ε), v̂ corrected for its start at zero.
    pub fn preconditioner(&self) -> Flat {
        let correction = 1.0 - self.beta2.powf(self.steps as f64);
        let of = |value: &Tensor<1>| {
            let unbiased = value.clone().mul_scalar(1.0 / correction);
            unbiased.sqrt().add_scalar(self.epsilon).recip()
        };
        let all = self.values.iter();
        all.map(|(path, value)| (path.clone(), of(value))).collect()
    }

    /// What it keeps, for a snapshot.
    pub fn state(&self) -> NamedTensors {
        let mut state: NamedTensors = self
            .values
            .iter()
            .map(|(path, value)| (format!("second/{path}"), read(value.clone())))
            .collect();
        if self.steps > 0 {
            let steps = TensorData::new(vec![self.steps as f64], [1]);
            state.insert("steps".into(), steps);
        }
        state
    }

    /// Goes on from what [`state`](Self::state) gave.
    pub fn restore(&mut self, state: &NamedTensors, device: &Device) {
        self.steps = number(state, "steps").unwrap_or(0.0) as u64;
        let value = |(path, data): (String, TensorData)| {
            let dtype = data.dtype();
            (path, Tensor::from_data(data, (device, dtype)))
        };
        let values = under(state, "second/").into_iter();
        self.values = values.map(value).collect();
    }
}
