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

use crate::model::architecture::clip::openai::Tower;
use crate::model::dual::Dual;
use crate::model::layers::{Init, Linear};
use crate::model::pass::{Inserted, Pass};
use crate::model::two_tower::TwoTowerConfig;
use crate::model::{ModelError, attention, ops};
use crate::random::INITIAL_VALUES;
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

/// Whose formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Algorithm 1 of the paper: `f3 = λ₁·l2(MHA(gelu(l1 f2))) + (1−λ₁)·f2`, `f4 = λ₂·MHA(f3) + (1−λ₂)·f1`.
    #[default]
    Paper,
    /// The released code: `f3 = f2 + l2(g·MHA(z) + (1−g)·z)`, `z = l1 f2`; `f4 = s·f1 + (1−s)·MHA(f3)`: the gate stands on
    /// the other term.
    Released,
}

/// Which towers call the sub-adapter of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Both, as the paper says.
    #[default]
    Both,
    /// That of texts alone, as the released code does.
    Text,
}

/// Sizes and settings of the adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HarmaShape {
    /// Whose formula.
    pub form: Form,
    /// Which towers share.
    pub share: Share,
    /// Width that tokens are brought down to.
    pub rank: usize,
    /// Width of the sub-adapter, inside.
    pub share_rank: usize,
    /// Attention heads of both.
    pub heads: usize,
}

impl Default for HarmaShape {
    fn default() -> Self {
        Self {
            form: Form::default(),
            share: Share::default(),
            rank: 128,
            share_rank: 64,
            heads: 8,
        }
    }
}

impl HarmaShape {
    /// Returns the shape if adapters can be built of it.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the size.
    pub fn check(self) -> Result<Self, ModelError> {
        for (what, size) in [("rank", self.rank), ("share_rank", self.share_rank)] {
            if !(1..=65_536).contains(&size) || self.heads == 0 || !size.is_multiple_of(self.heads)
            {
                let what = format!("{what} of HarMA's adapter");
                let expected = format!("1 to 65536, a multiple of its heads ({})", self.heads);
                return Err(ModelError::config(what, expected, size));
            }
        }
        Ok(self)
    }
}

/// Multi-head attention with queries, keys and values of one matrix.
#[derive(Module, Debug)]
pub struct Attention {
    /// `[3d, d]`.
    in_proj: Linear,
    out_proj: Linear,
    #[module(skip)]
    heads: usize,
}

impl Attention {
    /// As PyTorch starts it: Xavier-uniform, biases 0.
    fn new(width: usize, heads: usize, init: &mut Init) -> Self {
        let bound = 1.0 / (width as f32).sqrt();
        Self {
            in_proj: Linear {
                weight: init.xavier_uniform(1.0, [width, 3 * width], [3 * width, width]),
                bias: Some(init.constant(0.0, [3 * width])),
            },
            out_proj: Linear {
                weight: init.uniform(bound, [width, width]),
                bias: Some(init.constant(0.0, [width])),
            },
            heads,
        }
    }

    fn forward(&self, x: Dual<3>, pass: &mut Pass) -> Dual<3> {
        let qkv = self.in_proj.forward(x, pass);
        let mixed = attention::whole(qkv, self.heads, None, 0.0, pass);
        self.out_proj.forward(mixed, pass)
    }
}

/// A linear layer as PyTorch starts it.
fn linear(inputs: usize, outputs: usize, init: &mut Init) -> Linear {
    let bound = 1.0 / (inputs as f32).sqrt();
    Linear {
        weight: init.uniform(bound, [outputs, inputs]),
        bias: Some(init.uniform(bound, [outputs])),
    }
}

/// One that gives nothing yet.
fn silent(inputs: usize, outputs: usize, init: &mut Init) -> Linear {
    Linear {
        weight: init.constant(0.0, [outputs, inputs]),
        bias: Some(init.constant(0.0, [outputs])),
    }
}

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
            l1: linear(shape.rank, shape.share_rank, init),
            attention: Attention::new(shape.share_rank, shape.heads, init),
            l2: silent(shape.share_rank, shape.rank, init),
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
            down: linear(width, shape.rank, init),
            attention: Attention::new(shape.rank, shape.heads, init),
            up: silent(shape.rank, width, init),
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

/// Where τ starts.
const TEMPERATURE: f32 = 0.07;

impl Harma {
    /// Fresh adapters for towers of this shape: they change nothing yet.
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
        let mut rng = INITIAL_VALUES.rng(seed, &[]);
        let mut init = Init {
            device,
            dtype,
            rng: Some(&mut rng),
        };
        Self::build(towers, shape, &mut init)
    }

    /// The same with initial values from `init`.
    pub(super) fn build(
        towers: &TwoTowerConfig,
        shape: HarmaShape,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        let shape = shape.check()?;
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
            temperature: init.constant(TEMPERATURE, [1]),
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

/// The released code's name of a parameter, of a checkpoint's entry `model`.
pub fn released_name(path: &str) -> String {
    if path == "temperature" {
        return "temp".into();
    }
    let (part, rest) = path.split_once('.').unwrap_or((path, ""));
    let (index, leaf) = rest.split_once('.').unwrap_or((rest, ""));
    let tower = if part == "image" { "visual." } else { "" };
    let block = format!("model.{tower}transformer.resblocks.{index}.");
    if leaf == "block_gate" {
        return format!("{block}gate1");
    }
    let leaf = leaf
        .replace("in_proj.", "in_proj_")
        .replace("gate", "gate1");
    if part == "share" {
        let leaf = leaf.replace("attention.", "multihead_attention1.");
        return format!("{block}mmadapter.BiShareAdapterxx.{leaf}");
    }
    let leaf = leaf
        .replace("attention.", "multihead_attention.")
        .replace("down.", "img_proj_down.")
        .replace("up.", "img_proj_up.");
    format!("{block}mmadapter.{leaf}")
}
