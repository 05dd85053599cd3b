//! MoNA's stage 1: the embedder by the meta-gradient.

use super::{InnerScope, METHOD, Settings};
use crate::dataset::loader::Batch;
use crate::model::state::{moved, scaled};
use crate::model::{Dual, Embedder, Network};
use crate::suite::training::TrainSettings;
use crate::transfer::error::TransferError;
use crate::transfer::objectives::meta_step::{Meta, SourceBatch, meta_step};
use crate::transfer::objectives::source::SourceSampler;
use crate::transfer::objectives::task::Supervised;
use crate::transfer::objectives::{Objective, Step};
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::stages::{Request, Training, everything};
use crate::transfer::step::micro_batches;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

impl Settings {
    /// The meta-step's settings, with the values that follow from stage 2's.
    fn meta(&self, train: &TrainSettings) -> Meta {
        Meta {
            lambda: self.lambda,
            alpha: if self.alpha == 0.0 {
                train.learning_rate
            } else {
                self.alpha
            },
            sign: self.outer_sign,
            how: self.meta_gradient,
            difference_step: self.difference_step,
        }
    }
}

/// The embedder by the meta-gradient; the predictor, if asked, on the task loss.
pub(super) fn stage1<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
    let settings: Settings = METHOD.read_settings(request.settings)?;
    let train = &request.settings.train;
    let objective = Alignment {
        task: request.supervised(false),
        meta: settings.meta(train),
        source: request.source_batches()?,
        embedder: &request.source.network.embedder,
        seed: request.seed,
        train_predictor: request.settings.stage1.train_predictor,
        keeps: (!settings.reset_encoder).then_some(settings.inner_scope),
        simulated: None,
    };
    Ok(Training {
        objective: Box::new(objective),
        // The simulated step needs the gradients of all.
        trains: everything,
        batch: train.batch,
    })
}

/// The task loss and, through a simulated step, the alignment of source features.
struct Alignment<'a> {
    task: Supervised,
    meta: Meta,
    source: SourceSampler,
    /// The source model's embedder.
    embedder: &'a Embedder,
    seed: u64,
    train_predictor: bool,
    /// What of the simulated step is kept.
    keeps: Option<InnerScope>,
    /// The direction of the simulated step that is kept.
    simulated: Option<(InnerScope, GradientsParams)>,
}

impl Objective for Alignment<'_> {
    fn gradients(
        &mut self,
        network: &Network,
        batch: Batch,
        step: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let (device, dtype) = network.place();
        let device = device.inner();
        let memory = self.task.memory;
        let parts = micro_batches(batch, memory.micro_batch, &device, dtype);
        let loss = |outputs: Dual<2>, batch: &Batch| self.task.mean(outputs, batch);
        let drawn = self.source.draw(self.seed, step.number)?;
        let data = TensorData::new(drawn.values, drawn.shape).convert_dtype(dtype);
        let source = SourceBatch {
            samples: Tensor::from_data(data, (&device, dtype)),
            labels: drawn.labels,
        };
        let found = meta_step(
            network,
            &parts,
            &loss,
            self.embedder,
            source,
            self.meta,
            memory,
        )?;
        self.simulated = self.keeps.map(|scope| (scope, found.step));
        let grads = if self.train_predictor {
            found.grads
        } else {
            scaled(&network.embedder, &found.grads, 1.0)
        };
        Ok((Reading::Device(Box::new(found.measured)), grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        let [inner, align, uniform, outer_share] = means.map(Some);
        *record = Stage1Record {
            inner,
            align,
            uniform,
            outer_share,
            ..record.clone()
        };
    }

    fn after_step(&mut self, mut network: Network) -> Network {
        if let Some((scope, step)) = self.simulated.take() {
            let alpha = self.meta.alpha;
            network.encoder = moved(network.encoder, &step, -alpha);
            if scope != InnerScope::Encoder {
                network.predictor = moved(network.predictor, &step, -alpha);
            }
            if scope == InnerScope::All {
                network.embedder = moved(network.embedder, &step, -alpha);
            }
        }
        network
    }
}
