//! The task loss over additions of low rank to the encoder's matrices: `W = W⁰ + s B A`, `A [r, in]`, `B [out, r]`. The
//! gradients of the factors follow from the matrix's, `∂A = s Bᵀ ∂W` and `∂B = s ∂W Aᵀ`; they have an optimiser of
//! their own, and the matrix is set after every step.

use super::task::Supervised;
use super::{Objective, Step};
use crate::dataset::loader::Batch;
use crate::model::Network;
use crate::model::parameters::{Flat, flat, flat_gradients, replaced};
use crate::model::state::{state, with_state};
use crate::random::LOW_RANK;
use crate::suite::training::TrainSettings;
use crate::transfer::error::TransferError;
use crate::transfer::optimiser::Optimiser;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::request::encoder;
use crate::transfer::snapshot::{NamedTensors, number, under};
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
    factors: Factors,
    optimiser: Optimiser,
    /// s, and the factors' learning rate in units of the step's.
    scale: f64,
    rate: f64,
    /// Gradients of the matrices of the step that is not applied yet.
    pending: Option<Flat>,
}

impl LowRank {
    /// Factors of rank `rank` for every matrix of the encoder of `source`: A from U(−1/√in, 1/√in) (PyTorch's
    /// linear layer, as LoRA's authors), B zero. `[scale, rate]` as in [`LowRank`].
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
        let clip = (train.clip > 0.0).then_some(train.clip);
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
            factors: Factors { a, b },
            optimiser: Optimiser::new(train.optimiser, train.weight_decay, clip),
            scale,
            rate,
            pending: None,
        }
    }

    /// The matrices by path: W⁰ + s B A.
    fn merged(&self) -> Flat {
        let pairs = self.factors.a.iter().zip(&self.factors.b);
        let of = |(matrix, (a, b)): (&Matrix, (&Param<Tensor<2>>, &Param<Tensor<2>>))| {
            let product = b
                .val()
                .inner()
                .matmul(a.val().inner())
                .mul_scalar(self.scale);
            let count = matrix.shape[0] * matrix.shape[1];
            let value = matrix.pretrained.clone() + product.reshape([count]);
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
        for (i, matrix) in self.matrices.iter().enumerate() {
            let Some(slope) = pending.get(&matrix.path) else {
                continue;
            };
            let slope = slope.clone().reshape(matrix.shape).mul_scalar(self.scale);
            let (a, b) = (&self.factors.a[i], &self.factors.b[i]);
            let of_a = b.val().inner().transpose().matmul(slope.clone());
            let of_b = slope.matmul(a.val().inner().transpose());
            grads.register(a.id, of_a);
            grads.register(b.id, of_b);
        }
        let factors = self.factors.clone();
        self.factors = self.optimiser.step(self.rate * rate, factors, grads);
        let merged = self.merged();
        replaced(network, &|path, _| merged.get(path).cloned())
    }

    fn state(&self) -> NamedTensors {
        let mut all = NamedTensors::new();
        for (name, value) in state(&self.factors.valid()) {
            all.insert(format!("factors/{name}"), value);
        }
        for (name, value) in self.optimiser.moments() {
            all.insert(format!("moments/{name}"), value);
        }
        let steps = TensorData::new(vec![f64::from(self.optimiser.steps())], [1]);
        all.insert("steps".into(), steps);
        all
    }

    fn restore(&mut self, state: NamedTensors, network: &Network) -> Result<(), TransferError> {
        let Some(steps) = number(&state, "steps") else {
            return Ok(());
        };
        let (device, dtype) = network.place();
        let factors = self.factors.clone();
        let values = under(&state, "factors/");
        self.factors = with_state(factors, values, dtype, "snapshot".as_ref())?;
        let moments = under(&state, "moments/");
        self.optimiser
            .restore(&moments, steps as i32, &device.inner());
        Ok(())
    }
}
