//! The task loss with a term that keeps the encoder's features near those of the pretrained encoder:
//! `w · mean ‖z − z⁰‖²`, z on the unit sphere.

use super::outer::on_sphere;
use super::source::SourceSampler;
use super::task::Supervised;
use super::{Objective, Step};
use crate::dataset::loader::Batch;
use crate::model::state::{add_gradients, constant};
use crate::model::{Dual, Embedder, Encoder, Network, Pass, Predictor};
use crate::transfer::error::TransferError;
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::step::{self, Mode, micro_batches};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Whose features are compared.
pub enum Where<'a> {
    /// The target batch's, through the target model's embedder, which the term does not move.
    Target,
    /// Those of source batches through the source embedder.
    Source {
        /// Source batches.
        batches: SourceSampler,
        /// The source model's embedder.
        embedder: &'a Embedder,
        /// Seed of the batches.
        seed: u64,
    },
}

/// The task loss and the distance. The reading is the task loss.
pub struct Near<'a> {
    /// The task loss.
    pub task: Supervised,
    /// The pretrained encoder.
    pub pretrained: &'a Encoder,
    /// w.
    pub weight: f64,
    /// Whose features are compared.
    pub place: Where<'a>,
}

impl Objective for Near<'_> {
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (device, dtype) = network.place();
        let device = device.inner();
        let compared = match &self.place {
            Where::Target => Batch {
                values: batch.values.clone(),
                shape: batch.shape,
                labels: batch.labels.clone(),
                targets: Vec::new(),
                mixed: None,
            },
            Where::Source { batches, seed, .. } => batches.draw(*seed, step.number)?,
        };
        let (reading, mut grads) = self.task.gradients(network, batch, step)?;
        let embedder = match &self.place {
            Where::Target => constant(network.embedder.clone()),
            Where::Source { embedder, .. } => constant((*embedder).clone().train()),
        };
        let now = Network {
            embedder,
            encoder: network.encoder.clone(),
            predictor: Predictor::absent(),
        };
        let plain = now.embedder.valid();
        let memory = self.task.memory;
        for part in micro_batches(compared, memory.micro_batch, &device, dtype) {
            let pass = &mut Pass::eval();
            let tokens = plain.forward(part.samples.clone(), pass);
            let fixed = on_sphere(self.pretrained.features(tokens, pass).primal);
            let loss = |features: Dual<2>, _: &Batch| {
                let apart = on_sphere(features.primal) - Tensor::from_inner(fixed.clone());
                let count = apart.dims()[0].max(1) as f64;
                let mean = apart.square().sum().mul_scalar(self.weight / count);
                Ok(Dual::from(mean))
            };
            let primal = |dual: Dual<1>| dual.primal;
            let parts = std::slice::from_ref(&part);
            let (_, more) =
                step::gradients(&now, parts, &loss, Mode::Eval, memory.recompute, &primal)?;
            add_gradients(&mut grads, more, network);
        }
        Ok((reading, grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        self.task.record(means, record);
    }
}
