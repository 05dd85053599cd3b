//! The task loss: what fine-tuning, pretraining and the warm-up of an embedder minimise.

use super::{Objective, Step};
use crate::dataset::TargetShape;
use crate::dataset::loader::Batch;
use crate::model::{Dual, Network};
use crate::suite::task::TaskLoss;
use crate::transfer::error::TransferError;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::step::{self, Memory, MicroBatch, Mode};
use crate::transfer::task::targets;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

/// The mean task loss of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Supervised {
    /// What is minimised.
    pub loss: TaskLoss,
    /// What is known about a sample.
    pub truth: TargetShape,
    /// How much is in memory at once.
    pub memory: Memory,
    /// Whether stochastic depth and dropout are on.
    pub drops_paths: bool,
}

impl Supervised {
    /// The loss of a batch, a tensor of one element, and its gradients at every tracked parameter of
    /// `network`. Random choices are drawn from `stream`.
    ///
    /// # Errors
    /// [`TransferError::Targets`] where the loss does not suit the targets.
    pub fn step(
        &self,
        network: &Network,
        batch: Batch,
        stream: &mut ChaCha8Rng,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let (device, dtype) = network.place();
        let most = self.memory.micro_batch;
        let parts = step::micro_batches(batch, most, &device.inner(), dtype);
        let mode = if self.drops_paths {
            Mode::Train(stream)
        } else {
            Mode::Eval
        };
        self.gradients_of(network, &parts, mode)
    }

    /// The loss of a batch in micro-batches without any random choice, and its gradients at every tracked
    /// parameter.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn deterministic(
        &self,
        network: &Network,
        parts: &[MicroBatch],
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        self.gradients_of(network, parts, Mode::Eval)
    }

    fn gradients_of(
        &self,
        network: &Network,
        parts: &[MicroBatch],
        mode: Mode,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let primal = |dual: Dual<1>| dual.primal;
        let loss = |outputs: Dual<2>, batch: &Batch| self.mean(outputs, batch);
        step::gradients(network, parts, &loss, mode, self.memory.recompute, &primal)
    }

    /// The mean loss of the outputs of a micro-batch.
    pub fn mean(&self, outputs: Dual<2>, batch: &Batch) -> Result<Dual<1>, TransferError> {
        self.loss.loss(outputs, &targets(self.truth, batch))
    }
}

impl Objective for Supervised {
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (loss, grads) = self.step(network, batch, step.stream)?;
        Ok((Reading::Device(Box::new(loss)), grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        record.inner = Some(means[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, SwinConfig, state};
    use crate::suite::parts::PredictorSpec;
    use burn::module::Module;
    use burn::tensor::{DType, Device};
    use rand::SeedableRng;

    #[test]
    fn micro_batches_add_up_to_the_whole() {
        let config: SwinConfig = serde_json::from_str(
            r#"{"image_size":16,"patch_size":2,"embed_dim":8,"depths":[2,2],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
        )
        .unwrap();
        let (device, spec) = (Device::flex(), PredictorSpec::Classification { classes: 3 });
        let model = Model::new(config, 2, Some(&spec), 1, &device, DType::F32).unwrap();
        let network = model.network.unfreeze().train();
        let run = |micro_batch, recompute| {
            let batch = Batch {
                values: (0..7 * 2 * 256).map(|i| (i as f32 * 0.37).sin()).collect(),
                shape: [7, 2, 16, 16],
                labels: vec![0, 1, 2, 0, 1, 2, 0],
                targets: Vec::new(),
                mixed: None,
            };
            let objective = Supervised {
                loss: TaskLoss::CrossEntropy { smoothing: 0.1 },
                truth: TargetShape::Class,
                memory: Memory {
                    micro_batch,
                    recompute,
                },
                drops_paths: true,
            };
            let mut stream = ChaCha8Rng::seed_from_u64(0);
            let found = objective.step(&network, batch, &mut stream);
            let (loss, grads) = found.unwrap();
            (state::scalar(loss), state::gradients(&network, &grads))
        };
        let (loss, whole) = run(0, false);
        assert_eq!(whole.len(), state::parameters(&network).len());
        for (micro_batch, recompute) in [(3, false), (1, true), (7, true), (100, false)] {
            let (again, parts) = run(micro_batch, recompute);
            assert!((loss - again).abs() < 1e-6 * loss, "{loss} {again}");
            for (path, want) in &whole {
                let [want, found] =
                    [want, &parts[path]].map(|d| d.iter::<f32>().collect::<Vec<_>>());
                let scale = want.iter().fold(1e-6f32, |a, v| a.max(v.abs()));
                let pairs = want.iter().zip(&found);
                let worst = pairs.fold(0.0f32, |a, (x, y)| a.max((x - y).abs()));
                assert!(worst < 1e-5 * scale, "{path}: {worst} of {scale}");
            }
        }
    }
}
