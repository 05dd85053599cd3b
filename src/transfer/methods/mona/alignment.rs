//! MoNA's stage 1: the embedder by the meta-gradient.

use super::running::{Ratio, SecondMoments};
use super::{InnerOptimiser, METHOD, MetaGradient, OuterLoss, OuterSign, Settings};
use crate::dataset::loader::Batch;
use crate::model::parameters::{as_gradients, flat_gradients};
use crate::model::state::{add_gradients, scalar, scaled, square_norm};
use crate::model::{Dual, Embedder, Encoder, Network, Pass};
use crate::suite::training::{Rule, TrainSettings};
use crate::transfer::error::TransferError;
use crate::transfer::objectives::meta_step::{Meta, SourceBatch, meta_step};
use crate::transfer::objectives::outer::Outer;
use crate::transfer::objectives::probe::SourceProbe;
use crate::transfer::objectives::source::SourceSampler;
use crate::transfer::objectives::target::TargetSampler;
use crate::transfer::objectives::task::Supervised;
use crate::transfer::objectives::unrolled::{Inner, Unrolled, advanced, unrolled};
use crate::transfer::objectives::{Objective, Step};
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::request::{Request, Training};
use crate::transfer::snapshot::NamedTensors;
use crate::transfer::step::{micro_batches, outside_encoder};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

impl Settings {
    /// The meta-step's settings, with the values that follow from stage 2's.
    fn meta(&self, train: &TrainSettings) -> Meta {
        let alpha = if self.alpha == 0.0 {
            train.learning_rate
        } else {
            self.alpha
        };
        Meta {
            lambda: self.lambda,
            alpha: self.horizon * alpha,
            sign: self.outer_sign,
            how: self.meta_gradient,
            difference_step: self.difference_step,
        }
    }

    /// Whether this is the paper's single step of plain gradient descent with a fixed weight.
    fn is_single(&self) -> bool {
        self.inner_steps == 1
            && self.inner_optimiser == InnerOptimiser::Sgd
            && self.outer_share == 0.0
            && self.outer_loss == OuterLoss::AlignUniform
    }

    /// # Errors
    /// [`TransferError::Setting`] for numbers out of range and for settings that do not go together.
    fn check(&self) -> Result<(), TransferError> {
        let wrong = |setting, expected: &str, found: String| {
            Err(TransferError::Setting {
                setting,
                expected: expected.into(),
                found,
            })
        };
        if self.inner_steps == 0 {
            return wrong("mona.inner_steps", "at least 1", "0".into());
        }
        for (setting, value) in [
            ("mona.horizon", self.horizon),
            ("mona.difference_step", self.difference_step),
            ("mona.probe_c", self.probe_c),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return wrong(setting, "a positive number", value.to_string());
            }
        }
        for (setting, value) in [
            ("mona.lambda", self.lambda),
            ("mona.outer_share", self.outer_share),
            ("mona.alpha", self.alpha),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(setting, "zero or a positive number", value.to_string());
            }
        }
        if self.meta_gradient == MetaGradient::CentralDifference && !self.is_single() {
            return wrong(
                "mona.meta_gradient",
                "exact or first-order beside inner_steps, inner_optimiser, outer_share or outer_loss; \
                 central differences are of the paper's single step",
                "central-difference".into(),
            );
        }
        Ok(())
    }
}

/// The embedder by the meta-gradient; the predictor, if asked, on the task loss.
pub fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
    let settings: Settings = METHOD.read_settings(request.settings)?;
    settings.check()?;
    let train = &request.settings.train;
    let (beta2, epsilon) = match train.optimiser {
        Rule::Adamw { beta2, epsilon, .. } => (beta2, epsilon),
        Rule::Sgd { .. } => (0.999, 1e-8),
    };
    let batches = request.source_batches()?;
    let probe = if settings.outer_loss == OuterLoss::Probe {
        // Of the source model alone: a transfer that resumes fits the same.
        let size = (settings.probe_c, settings.probe_samples);
        let (source, set) = (&request.source.network, request.source_set.clone());
        let probe = SourceProbe::new(source, set, &batches, size, request.seed)?;
        Some(Box::new(probe))
    } else {
        None
    };
    let objective = Alignment {
        task: request.supervised(false),
        meta: settings.meta(train),
        source: batches,
        probe,
        target: TargetSampler {
            set: request.splits.train.clone(),
            batch: train.batch,
            augment: train.augmentation().unmixed(),
            seed: request.seed,
        },
        embedder: &request.source.network.embedder,
        pretrained: &request.source.network.encoder,
        seed: request.seed,
        train_predictor: request.settings.stage1.train_predictor,
        moments: SecondMoments::new(beta2, epsilon),
        ratio: Ratio::default(),
        simulated: None,
        settings,
    };
    // The simulated step needs the gradients of all.
    Ok(Some(request.training(objective)))
}

/// The task loss and, through simulated steps, the outer loss of source features.
struct Alignment<'a> {
    settings: Settings,
    task: Supervised,
    meta: Meta,
    source: SourceSampler,
    /// The fixed probe of the outer loss of that name.
    probe: Option<Box<SourceProbe>>,
    target: TargetSampler,
    /// The source model's embedder.
    embedder: &'a Embedder,
    /// The source model's encoder.
    pretrained: &'a Encoder,
    seed: u64,
    train_predictor: bool,
    /// Of the gradients of the task loss at every parameter.
    moments: SecondMoments,
    /// ‖∇φ L_outer‖ / ‖∇φ L_inner‖ so far.
    ratio: Ratio,
    /// The direction of the simulated steps that are kept, and their length.
    simulated: Option<GradientsParams>,
}

impl Alignment<'_> {
    /// The paper's step.
    fn single(
        &mut self,
        network: &Network,
        batch: Batch,
        source: SourceBatch,
        device: &Device,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let memory = self.task.memory;
        let (_, dtype) = network.place();
        let parts = micro_batches(batch, memory.micro_batch, device, dtype);
        let loss = |outputs: Dual<2>, batch: &Batch| self.task.mean(outputs, batch);
        let embedder = self.embedder;
        let found = meta_step(network, &parts, &loss, embedder, source, self.meta, memory)?;
        self.simulated = (!self.settings.reset_encoder).then_some(found.step);
        let entry = |at: usize| found.measured.clone().slice(at..at + 1);
        let sign = match self.meta.sign {
            OuterSign::WangIsola => 1.0,
            OuterSign::Printed => -1.0,
        };
        let outer = (entry(1) + entry(2)).mul_scalar(sign);
        let weight = entry(0).zeros_like().add_scalar(self.meta.lambda);
        let row = vec![found.measured, weight, outer];
        Ok((Tensor::cat(row, 0), found.grads))
    }

    /// K steps, preconditioned or not, with a weight that is given or held.
    fn several(
        &mut self,
        network: &Network,
        batch: Batch,
        source: SourceBatch,
        device: &Device,
        number: usize,
    ) -> Result<(Tensor<1>, GradientsParams), TransferError> {
        let memory = self.task.memory;
        let (_, dtype) = network.place();
        let part = |batch| micro_batches(batch, memory.micro_batch, device, dtype);
        let mut batches = vec![part(batch)];
        for inner in 1..self.settings.inner_steps {
            batches.push(part(self.target.draw(number, inner)?));
        }
        let kind = match self.settings.outer_loss {
            OuterLoss::AlignUniform => Outer::AlignUniform(self.meta.sign),
            OuterLoss::Contrastive => Outer::Contrastive,
            OuterLoss::Distance => {
                let pass = &mut Pass::eval();
                let tokens = self.embedder.forward(source.samples.clone(), pass);
                let before = self.pretrained.features(tokens, pass).primal;
                Outer::Distance(Box::new(before))
            }
            OuterLoss::Probe => {
                let probe = self.probe.clone();
                Outer::Probe(probe.expect("stage 1 began with a probe for this outer loss"))
            }
        };
        let loss = |outputs: Dual<2>, batch: &Batch| self.task.mean(outputs, batch);
        let adamw = self.settings.inner_optimiser == InnerOptimiser::Adamw;
        let start = self.task.deterministic(network, &batches[0])?;
        if adamw {
            // As the optimiser does: the moments hold this step's gradient before it is taken.
            self.moments.push(&flat_gradients(network, &start.1));
        }
        let precondition = adamw.then(|| as_gradients(network, &self.moments.preconditioner()));
        let inner = Inner {
            scope: self.settings.inner_scope,
            alpha: self.meta.alpha,
            precondition: precondition.as_ref(),
        };
        let held = self.settings.outer_share;
        let follows = self.meta.how != MetaGradient::FirstOrder
            && self.meta.alpha != 0.0
            && (held > 0.0 || self.meta.lambda != 0.0);
        let embedder = self.embedder;
        let Unrolled {
            inner: value,
            inner_gradients,
            outer: [align, uniform, outer],
            outer_gradients,
            path,
        } = unrolled(
            network, &batches, start, &loss, embedder, source, &kind, inner, follows, memory,
        )?;
        let length = |grads| {
            let square = square_norm(&network.embedder, grads);
            square.map_or(0.0, scalar).sqrt()
        };
        let ratio = length(&outer_gradients) / length(&inner_gradients).max(f64::MIN_POSITIVE);
        let lambda = if held > 0.0 && ratio > 0.0 {
            held / self.ratio.push(ratio)
        } else {
            self.meta.lambda
        };
        let mut grads = outside_encoder(network, &inner_gradients);
        let more = scaled(&network.embedder, &outer_gradients, lambda);
        add_gradients(&mut grads, more, &network.embedder);
        self.simulated = (!self.settings.reset_encoder).then_some(path);
        let number = |number: f64| value.zeros_like().add_scalar(number);
        let row = vec![
            value.clone(),
            align,
            uniform,
            number(lambda * ratio),
            number(lambda),
            outer,
        ];
        Ok((Tensor::cat(row, 0), grads))
    }
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
        let drawn = self.source.draw(self.seed, step.number)?;
        let source = SourceBatch::of(drawn, &device, dtype);
        let (measured, grads) = if self.settings.is_single() {
            self.single(network, batch, source, &device)?
        } else {
            self.several(network, batch, source, &device, step.number)?
        };
        let grads = if self.train_predictor {
            grads
        } else {
            scaled(&network.embedder, &grads, 1.0)
        };
        Ok((Reading::Device(Box::new(measured)), grads))
    }

    fn record(&self, means: [f64; MOST], record: &mut Stage1Record) {
        let [inner, align, uniform, outer_share, lambda, outer] = means.map(Some);
        *record = Stage1Record {
            inner,
            align,
            uniform,
            outer_share,
            lambda,
            outer,
            ..record.clone()
        };
    }

    fn after_step(&mut self, network: Network, _: f64) -> Network {
        match self.simulated.take() {
            Some(step) => advanced(network, self.settings.inner_scope, &step, self.meta.alpha),
            None => network,
        }
    }

    fn state(&self) -> NamedTensors {
        let mut state = self.moments.state();
        state.extend(self.ratio.state());
        state
    }

    fn restore(&mut self, state: NamedTensors, network: &Network) -> Result<(), TransferError> {
        self.ratio = Ratio::restored(&state);
        let (device, _) = network.place();
        self.moments.restore(&state, &device.inner());
        Ok(())
    }
}
