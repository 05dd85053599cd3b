//! The multi-modal gated adapter of HarMA (Huang et al., ICLR 2024 workshop, arXiv 2404.18253), in every layer of both
//! towers behind the MLP and inside its residual: `x += a·Adapter(m) + (1−a)·m`, `a = σ(block gate)`.
//!
//! The released code and the paper's Algorithm 1 differ in the formula ([`Form`]) and in which towers call the
//! sub-adapter of a layer ([`Share`]); both are settings, and the paper's are the default. Where the paper is silent (λ
//! through a sigmoid, the block gate, the place in the layer) both do as the code does. GELU is the exact one, whatever
//! the tower has; attention sees all tokens, padding too. At the start the adapter is the identity to the last bit.
//!
//! Where the towers have unequal numbers of layers, layer *i* of both shares; the deeper tower's other layers have a
//! sub-adapter of their own (our choice: neither source has such towers).

mod attention;
mod names;
mod shape;

pub use attention::Attention;
pub use names::released_name;
pub use shape::{Form, HarmaShape, Share};

use super::settings::Settings;
use super::temperature;
use super::tuning::{Tunes, drawn, own_temperature};
use crate::model::architecture::clip::openai::Tower;
use crate::model::dual::Dual;
use crate::model::layers::{Init, Linear};
use crate::model::pass::{Inserted, Pass};
use crate::model::two_tower::TwoTowerConfig;
use crate::model::{ModelError, ops};
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

/// What gates start from, before their sigmoid.
const GATE: f32 = 0.6;

/// A gate, between 0 and 1.
fn open(gate: &Param<Tensor<1>>, pass: &Pass) -> Dual<3> {
    pass.parameter(gate).sigmoid().reshape([1, 1, 1])
}

/// `g·a + (1−g)·b`.
fn mix(gate: Dual<3>, a: Dual<3>, b: Dual<3>) -> Dual<3> {
    gate * (a - b.clone()) + b
}

/// The sub-adapter of a layer.
#[derive(Module, Debug)]
pub struct SubAdapter {
    l1: Linear,
    attention: Attention,
    l2: Linear,
    gate: Param<Tensor<1>>,
}

impl SubAdapter {
    fn new(shape: &HarmaShape, init: &mut Init) -> Self {
        Self {
            l1: Linear::as_torch(shape.rank, shape.share_rank, true, init),
            attention: Attention::new(shape.share_rank, shape.heads, init),
            l2: Linear::silent(shape.share_rank, shape.rank, init),
            gate: init.constant(GATE, [1]),
        }
    }

    fn forward(&self, h: Dual<3>, form: Form, pass: &mut Pass) -> Dual<3> {
        let z = self.l1.forward(h.clone(), pass);
        let gate = open(&self.gate, pass);
        match form {
            Form::Released => {
                let attended = self.attention.forward(z.clone(), pass);
                h + self.l2.forward(mix(gate, attended, z), pass)
            }
            Form::Paper => {
                let attended = self.attention.forward(ops::gelu(z), pass);
                mix(gate, self.l2.forward(attended, pass), h)
            }
        }
    }
}

/// The adapter of one layer of one tower.
#[derive(Module, Debug)]
pub struct Adapter {
    down: Linear,
    attention: Attention,
    up: Linear,
    gate: Param<Tensor<1>>,
    block_gate: Param<Tensor<1>>,
}

impl Adapter {
    fn new(width: usize, shape: &HarmaShape, init: &mut Init) -> Self {
        Self {
            down: Linear::as_torch(width, shape.rank, true, init),
            attention: Attention::new(shape.rank, shape.heads, init),
            up: Linear::silent(shape.rank, width, init),
            gate: init.constant(GATE, [1]),
            block_gate: init.constant(GATE, [1]),
        }
    }

    /// What the MLP adds, with what the adapter makes of it.
    fn forward(
        &self,
        m: Dual<3>,
        sub: Option<&SubAdapter>,
        form: Form,
        pass: &mut Pass,
    ) -> Dual<3> {
        let f1 = ops::gelu(self.down.forward(m.clone(), pass));
        let f2 = self.attention.forward(f1.clone(), pass);
        let f3 = match sub {
            Some(sub) => sub.forward(f2, form, pass),
            None => f2,
        };
        let f4 = self.attention.forward(f3, pass);
        let gate = open(&self.gate, pass);
        let mixed = match form {
            Form::Released => mix(gate, f1, f4),
            Form::Paper => mix(gate, f4, f1),
        };
        // a·(m + up) + (1−a)·m
        m + open(&self.block_gate, pass) * self.up.forward(mixed, pass)
    }
}

/// The adapters of both towers, and the temperature of the contrastive loss.
#[derive(Module, Debug)]
pub struct Harma {
    image: Vec<Adapter>,
    text: Vec<Adapter>,
    /// One a layer.
    share: Vec<SubAdapter>,
    /// τ, `[1]`.
    temperature: Param<Tensor<1>>,
    #[module(skip)]
    shape: HarmaShape,
}

impl Harma {
    /// Fresh adapters for towers of this shape: they change nothing yet. τ starts at 0.07, as in the released code.
    ///
    /// # Errors
    /// [`ModelError::Config`] for a shape that has no adapters.
    pub fn new(
        towers: &TwoTowerConfig,
        shape: HarmaShape,
        seed: u64,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, ModelError> {
        drawn(seed, device, dtype, |init| {
            Self::build(towers, shape, temperature::START, init)
        })
    }

    /// The same with initial values from `init`, and τ from `start` on.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        shape: HarmaShape,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let (shape, temperature) = (shape.check()?, temperature::starting(start, init)?);
        let (image, text) = (&towers.image, &towers.text);
        let mut adapters = |layers: usize, width: usize| -> Vec<Adapter> {
            (0..layers)
                .map(|_| Adapter::new(width, &shape, init))
                .collect()
        };
        let (images, texts) = (
            adapters(image.num_hidden_layers, image.hidden_size),
            adapters(text.num_hidden_layers, text.hidden_size),
        );
        // A sub-adapter that no tower calls would have no gradient and no use.
        let called = match shape.share {
            Share::Both => images.len().max(texts.len()),
            Share::Text => texts.len(),
        };
        Ok(Self {
            share: (0..called).map(|_| SubAdapter::new(&shape, init)).collect(),
            temperature,
            image: images,
            text: texts,
            shape,
        })
    }

    /// Its settings.
    pub fn shape(&self) -> HarmaShape {
        self.shape
    }

    /// The temperature of the contrastive loss, `[1]`.
    pub fn temperature(&self, pass: &Pass) -> Dual<1> {
        pass.parameter(&self.temperature)
    }

    /// The adapters as a pass of one tower inserts them.
    pub fn of(&self, tower: Tower) -> OfTower<'_> {
        OfTower {
            adapters: self,
            tower,
        }
    }
}

impl Tunes for Harma {
    fn settings(&self) -> Settings {
        Settings::Harma(self.shape)
    }

    own_temperature!();

    fn inserted(&self, which: Tower) -> Option<Box<dyn Inserted + '_>> {
        Some(Box::new(self.of(which)))
    }
}

/// The adapters of one tower.
pub struct OfTower<'h> {
    adapters: &'h Harma,
    tower: Tower,
}

impl Inserted for OfTower<'_> {
    fn after_mlp(&self, index: usize, added: Dual<3>, pass: &mut Pass) -> Dual<3> {
        let Harma {
            image,
            text,
            share,
            shape,
            ..
        } = self.adapters;
        let (own, calls) = match self.tower {
            Tower::Image => (image, shape.share == Share::Both),
            Tower::Text => (text, true),
        };
        let Some(adapter) = own.get(index) else {
            return added;
        };
        let sub = share.get(index).filter(|_| calls);
        adapter.forward(added, sub, shape.form, pass)
    }
}
