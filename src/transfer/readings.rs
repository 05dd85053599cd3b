//! The numbers that training reads while it runs: losses and what is measured beside them. A CPU has
//! them at once; a GPU queues its work, and reading one number waits for all of it, so there they are
//! read several steps at once.

use super::error::TransferError;
use crate::model::device::queues;
use burn::tensor::{Device, Tensor};

/// Number of steps between two readings on a GPU: a training that diverges is noticed so much later.
const READ_EVERY: usize = 16;
/// Largest count of numbers of a step.
pub const MOST: usize = 6;

/// The numbers of one step, the loss first.
pub enum Reading {
    /// In the host's memory.
    Host(Vec<f64>),
    /// Not read from the device yet: a row `[n]`, n at most [`MOST`].
    Device(Box<Tensor<1>>),
}

/// Sums of the numbers of an epoch.
pub struct Readings {
    epoch: usize,
    every: usize,
    steps: usize,
    sums: [f64; MOST],
    pending: Vec<Tensor<1>>,
}

impl Readings {
    /// For the steps of `epoch` on `device`.
    pub fn new(device: &Device, epoch: usize) -> Self {
        Self {
            epoch,
            every: if queues(device) { READ_EVERY } else { 1 },
            steps: 0,
            sums: [0.0; MOST],
            pending: Vec::new(),
        }
    }

    /// Takes the numbers of a step.
    ///
    /// # Errors
    /// [`TransferError::Diverged`] if the loss of this step, or of one not read before, is not finite.
    pub fn push(&mut self, reading: Reading) -> Result<(), TransferError> {
        match reading {
            Reading::Host(values) => self.add(&values),
            Reading::Device(row) => {
                self.pending.push(*row);
                if self.pending.len() < self.every {
                    Ok(())
                } else {
                    self.read_pending()
                }
            }
        }
    }

    /// The sums over all steps.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn sums(mut self) -> Result<[f64; MOST], TransferError> {
        self.read_pending()?;
        Ok(self.sums)
    }

    fn read_pending(&mut self) -> Result<(), TransferError> {
        let Some(width) = self.pending.first().map(|row| row.dims()[0].max(1)) else {
            return Ok(());
        };
        let all = Tensor::cat(std::mem::take(&mut self.pending), 0).into_data();
        let all: Vec<f64> = all.iter::<f64>().collect();
        all.chunks(width).try_for_each(|values| self.add(values))
    }

    fn add(&mut self, values: &[f64]) -> Result<(), TransferError> {
        self.steps += 1;
        let loss = values.first().copied().unwrap_or(f64::NAN);
        if !loss.is_finite() {
            return Err(TransferError::Diverged {
                epoch: self.epoch,
                step: self.steps,
                loss,
            });
        }
        self.sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_later_is_the_same_and_names_its_step() {
        let device = Device::flex();
        let row =
            |values: [f32; 2]| Reading::Device(Box::new(Tensor::from_floats(values, &device)));
        for every in [1, 3, 100] {
            let mut readings = Readings::new(&device, 2);
            readings.every = every;
            for step in 0..7 {
                readings.push(row([1.5, step as f32])).unwrap();
            }
            assert_eq!(readings.sums().unwrap(), [10.5, 21.0, 0.0, 0.0, 0.0, 0.0]);
            let mut readings = Readings::new(&device, 2);
            readings.every = every;
            let all = [0.0, f32::NAN, 1.0].map(|loss| readings.push(row([loss, 0.0])));
            let first = all.into_iter().find_map(Result::err);
            let error = first.unwrap_or_else(|| readings.sums().unwrap_err());
            assert!(
                matches!(
                    error,
                    TransferError::Diverged {
                        epoch: 2,
                        step: 2,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }
}
