//! The gradients of one training step: a batch in one go or in parts that add up, with the
//! activations kept or computed again.

use super::error::TransferError;
use super::task::targets;
use crate::dataset::Truth;
use crate::dataset::loader::Batch;
use crate::model::state::{add_gradients, untracked};
use crate::model::{Dual, Network, Pass, recompute};
use crate::suite::task::TaskLoss;
use crate::suite::training::TrainSettings;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

/// What a step does with its batch.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// What is minimised.
    pub loss: &'a TaskLoss,
    /// What is known about a sample.
    pub truth: Truth,
    /// How much is in memory at once, and whether activations are computed again.
    pub settings: &'a TrainSettings,
}

/// Mean loss of a batch and its gradients at every tracked parameter of `network`.
///
/// The loss is a tensor of one element: reading it waits for a device that queues its work. `device` is
/// the plain device. `settings.micro_batch` samples are in memory at once; random
/// choices (dropped paths) come from `stream`.
pub fn gradients(
    network: &Network,
    batch: Batch,
    device: &Device,
    Part {
        loss,
        truth,
        settings,
    }: Part,
    stream: &mut ChaCha8Rng,
) -> Result<(Tensor<1>, GradientsParams), TransferError> {
    let [samples, channels, height, width] = batch.shape;
    let part = match settings.micro_batch {
        0 => samples,
        some => some.min(samples),
    };
    let mut whole = (None::<Tensor<1>>, GradientsParams::new());
    let mut rest = batch;
    while !rest.labels.is_empty() {
        let count = part.clamp(1, rest.labels.len());
        let mut now = rest;
        rest = now.split_off(count);
        let shape = [count, channels, height, width];
        let data = TensorData::new(std::mem::take(&mut now.values), shape);
        let share = count as f64 / samples as f64;
        let value = |outputs: Dual<2>| {
            let mean = loss.loss(outputs, &targets(truth, &now))?;
            Ok::<_, TransferError>(mean.primal.mul_scalar(share))
        };
        let pass = &mut Pass::train(stream);
        let (value, grads) = if settings.recompute {
            let x = Tensor::<4>::from_data(data, device);
            recompute::gradients(network, x.into(), pass, value)?
        } else {
            let x = Tensor::<4>::from_data(data, &device.clone().autodiff());
            let value = value(network.forward(x, pass))?;
            let grads = GradientsParams::from_grads(value.clone().backward(), network);
            (value, grads)
        };
        let value = untracked(value);
        whole.0 = Some(match whole.0 {
            Some(before) => before + value,
            None => value,
        });
        if count == samples {
            whole.1 = grads;
        } else {
            add_gradients(&mut whole.1, grads, network);
        }
    }
    let loss = whole.0.unwrap_or_else(|| Tensor::zeros([1], device));
    Ok((loss, whole.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, SwinConfig, state};
    use crate::suite::parts::PredictorSpec;
    use burn::module::Module;
    use burn::tensor::DType;
    use rand::SeedableRng;

    #[test]
    fn parts_of_a_batch_add_up_to_the_whole() {
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
                known: Vec::new(),
            };
            let settings = TrainSettings {
                micro_batch,
                recompute,
                ..TrainSettings::default()
            };
            let mut stream = ChaCha8Rng::seed_from_u64(0);
            let part = Part {
                loss: &TaskLoss::CrossEntropy { smoothing: 0.1 },
                truth: Truth::Class,
                settings: &settings,
            };
            let (loss, grads) = gradients(&network, batch, &device, part, &mut stream).unwrap();
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
