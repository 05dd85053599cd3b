//! MoNA (Ma et al., ICML 2024): the embedder first learns, by a meta-gradient, that a fine-tuning step of
//! the whole target model keeps source knowledge. The mathematics is in
//! [`meta_step`](crate::transfer::objectives::meta_step).

use super::{Method, Role, settings};
use crate::dataset::loader::Batch;
use crate::model::state::{moved, scaled};
use crate::model::{Dual, Embedder, Network};
use crate::suite::training::TrainSettings;
use crate::transfer::error::TransferError;
use crate::transfer::objectives::meta_step::{
    Meta, MetaGradient, OuterSign, SourceBatch, meta_step,
};
use crate::transfer::objectives::source::SourceSampler;
use crate::transfer::objectives::task::Supervised;
use crate::transfer::objectives::{Objective, Step};
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::stages::{Request, Training, everything};
use crate::transfer::step::micro_batches;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// MoNA.
pub const METHOD: Method = Method {
    name: "mona",
    title: "MoNA",
    phrase: "MoNA",
    role: Role::Proposed,
    what: "Meta-learns the embedder first, so that a fine-tuning step keeps source knowledge; then \
           fine-tunes everything.",
    citation: "Ma et al., ICML 2024",
    contrast: Some(super::emb::METHOD.name),
    note: Some((
        "Meta-gradient",
        "MoNA's outer loss reaches the embedder only through a simulated step of the encoder. The full \
         second-order term is used; dropping it would leave no outer term at all.",
    )),
    reads_source: true,
    settings: Some(settings::complete::<Settings>),
    stage1: Some(stage1),
    ..Method::FINE_TUNING
};

/// `[transfer.mona]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// λ: weight of the outer loss.
    pub lambda: f64,
    /// α: step size of the simulated inner step. 0 = stage 2's learning rate.
    pub alpha: f64,
    /// Orientation of the outer loss.
    pub outer_sign: OuterSign,
    /// How the meta-gradient is computed.
    pub meta_gradient: MetaGradient,
    /// Central difference: distance of the two points from θ, in units of 1/‖v‖.
    pub difference_step: f64,
    /// What the simulated step moves. The source path sees only the encoder, so all three give the
    /// same meta-gradient; with `reset_encoder = false` they differ in what is kept.
    pub inner_scope: InnerScope,
    /// Whether the simulated step is undone: stage 2 then starts from the pretrained encoder.
    pub reset_encoder: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lambda: 0.5,
            alpha: 0.0,
            outer_sign: OuterSign::WangIsola,
            meta_gradient: MetaGradient::Exact,
            difference_step: 0.01,
            inner_scope: InnerScope::Encoder,
            reset_encoder: true,
        }
    }
}

/// What the simulated inner step moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InnerScope {
    /// The encoder.
    #[default]
    Encoder,
    /// Encoder and predictor.
    EncoderPredictor,
    /// Encoder, predictor and embedder.
    All,
}

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
fn stage1<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
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
