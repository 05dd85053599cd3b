//! The task loss over additions of low rank to the encoder's matrices: `W = W⁰ + s B A`, `A [r, in]`, `B [out, r]`. The
//! gradients of the factors follow from the matrix's, `∂A = s Bᵀ ∂W` and `∂B = s ∂W Aᵀ`; they have an optimiser of
//! their own, and the matrix is set after every step.

use super::beside::Beside;
use super::task::Supervised;
use super::{Objective, Step};
use crate::dataset::loader::Batch;
use crate::model::Network;
use crate::model::adapters::low_rank::moved;
use crate::model::parameters::{Flat, flat, flat_gradients, replaced};
use crate::model::state::state;
use crate::random::LOW_RANK;
use crate::suite::training::TrainSettings;
use crate::transfer::error::TransferError;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::request::encoder;
use crate::transfer::snapshot::NamedTensors;
use crate::transfer::step::outside_encoder;
use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;

/// The factors of every matrix, in the order of the matrices' paths.
#[derive(Module, Debug)]
struct Factors {
    a: Vec<Param<Tensor<2>>>,
    b: Vec<Param<Tensor<2>>>,
}

/// A matrix of the encoder.
struct Matrix {
    path: String,
    shape: [usize; 2],
    pretrained: Tensor<1>,
}

/// The task loss over embedder, predictor and the factors.
pub struct LowRank {
    task: Supervised,
    matrices: Vec<Matrix>,
    factors: Beside<Factors>,
    /// s.
    scale: f64,
    /// Gradients of the matrices of the step that is not applied yet.
    pending: Option<Flat>,
}

impl LowRank {
    /// Factors of rank `rank` for every matrix of the encoder of `source`: A from U(−1/√in, 1/√in) (PyTorch's
    /// linear layer, as LoRA's authors), B zero; `scale` is s, `rate` the factors' learning rate in units of the step's.
    pub fn new(
        task: Supervised,
        source: &Network,
        rank: usize,
        [scale, rate]: [f64; 2],
        train: &TrainSettings,
        seed: u64,
    ) -> Self {
        let values = flat(source, encoder);
        let (device, dtype) = source.place();
        let device = device.inner();
        let (mut matrices, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new());
        for (path, data) in state(source) {
            let shape = data.shape().to_vec();
            let [out, inputs] = match shape[..] {
                // Tables of positions are no maps between features.
                [out, inputs] if encoder(&path) && !path.ends_with("table") => [out, inputs],
                _ => continue,
            };
            let Some(pretrained) = values.get(&path) else {
                continue;
            };
            let rank = rank.min(out).min(inputs);
            let bound = 1.0 / (inputs as f64).sqrt();
            let mut rng = LOW_RANK.rng(seed, &[matrices.len() as u64]);
            let draw: Vec<f64> = (0..rank * inputs)
                .map(|_| rng.random_range(-bound..bound))
                .collect();
            let drawn = TensorData::new(draw, [rank, inputs]).convert_dtype(dtype);
            let tracked = |value: Tensor<2>| {
                Param::initialized(ParamId::new(), Tensor::from_inner(value).require_grad())
            };
            a.push(tracked(Tensor::from_data(drawn, (&device, dtype))));
            b.push(tracked(Tensor::zeros([out, rank], (&device, dtype))));
            matrices.push(Matrix {
                path,
                shape: [out, inputs],
                pretrained: pretrained.clone(),
            });
        }
        Self {
            task,
            matrices,
            factors: Beside::new(Factors { a, b }, "factors", train, rate),
            scale,
            pending: None,
        }
    }

    /// The matrices by path: W⁰ + s B A.
    fn merged(&self) -> Flat {
        let Factors { a, b } = &self.factors.module;
        let pairs = a.iter().zip(b);
        let of = |(matrix, (a, b)): (&Matrix, (&Param<Tensor<2>>, &Param<Tensor<2>>))| {
            let factors = [a.val().inner(), b.val().inner()];
            let value = moved(matrix.pretrained.clone(), factors, self.scale);
            (matrix.path.clone(), value)
        };
        self.matrices.iter().zip(pairs).map(of).collect()
    }
}

impl Objective for LowRank {
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (reading, grads) = self.task.gradients(network, batch, step)?;
        self.pending = Some(flat_gradients(network, &grads));
        Ok((reading, outside_encoder(network, &grads)))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        self.task.record(means, record);
    }

    fn after_step(&mut self, network: Network, rate: f64) -> Network {
        let Some(pending) = self.pending.take() else {
            return network;
        };
        let mut grads = GradientsParams::new();
        let Factors { a, b } = &self.factors.module;
        for ((matrix, a), b) in self.matrices.iter().zip(a).zip(b) {
            let Some(slope) = pending.get(&matrix.path) else {
                continue;
            };
            let slope = slope.clone().reshape(matrix.shape).mul_scalar(self.scale);
            let of_a = b.val().inner().transpose().matmul(slope.clone());
            let of_b = slope.matmul(a.val().inner().transpose());
            grads.register(a.id, of_a);
            grads.register(b.id, of_b);
        }
        self.factors.step(rate, grads);
        let merged = self.merged();
        replaced(network, &|path, _| merged.get(path).cloned())
    }

    fn state(&self) -> NamedTensors {
        self.factors.state()
    }

    fn restore(&mut self, state: NamedTensors, network: &Network) -> Result<(), TransferError> {
        self.factors.restore(&state, network)
    }
}
