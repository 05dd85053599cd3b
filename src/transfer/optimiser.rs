//! AdamW and SGD with PyTorch's formulas, over any burn module: one fused pass per parameter on
//! the CPU, clipping by the global gradient norm, and a state keyed by parameter path so that it
//! can be written to a checkpoint and read back.

use super::snapshot::NamedTensors;
use crate::model::device::queues;
use crate::model::ops::{self, AdamWStep};
use crate::model::state::{Trail, read, scalar, square_norm};
use crate::suite::training::Rule;
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use std::collections::BTreeMap;

/// Ends of the paths of tables and tokens that weight decay leaves alone, as Swin's, DeiT's and timm's authors train.
const UNDECAYED: [&str; 4] = [
    "bias_table",
    "position_embeddings",
    "class_token",
    "distillation_token",
];

/// Moments of one parameter, flattened.
#[derive(Debug, Clone)]
struct Moments {
    first: Tensor<1>,
    second: Option<Tensor<1>>,
}

/// An optimiser and its state.
#[derive(Debug, Clone)]
pub struct Optimiser {
    rule: Rule,
    weight_decay: f64,
    clip: Option<f64>,
    steps: i32,
    moments: BTreeMap<String, Moments>,
}

impl Optimiser {
    /// A fresh optimiser. Weight decay applies to matrices and kernels, not to biases, norms,
    /// position tables and class tokens (as Swin's and DeiT's authors train); `clip` bounds the global gradient norm.
    pub fn new(rule: Rule, weight_decay: f64, clip: Option<f64>) -> Self {
        Self {
            rule,
            weight_decay,
            clip,
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// Steps taken so far.
    pub fn steps(&self) -> i32 {
        self.steps
    }

    /// The moments, flattened: `PATH#1` and `PATH#2`.
    pub fn moments(&self) -> NamedTensors {
        let mut all = NamedTensors::new();
        for (path, moments) in &self.moments {
            all.insert(format!("{path}#1"), read(moments.first.clone()));
            if let Some(second) = &moments.second {
                all.insert(format!("{path}#2"), read(second.clone()));
            }
        }
        all
    }

    /// Goes on from moments that [`Optimiser::moments`] gave.
    pub fn restore(&mut self, moments: &NamedTensors, steps: i32, device: &Device) {
        let tensor = |data: &burn::tensor::TensorData| {
            Tensor::<1>::from_data(data.clone(), (device, data.dtype()))
        };
        self.steps = steps;
        self.moments = moments
            .iter()
            .filter_map(|(name, data)| {
                let path = name.strip_suffix("#1")?;
                let second = moments.get(&format!("{path}#2")).map(tensor);
                let first = tensor(data);
                Some((path.to_string(), Moments { first, second }))
            })
            .collect();
    }

    /// Updates every parameter of `module` that has a gradient.
    pub fn step<M: Module>(&mut self, lr: f64, module: M, grads: GradientsParams) -> M {
        self.steps += 1;
        let square = self.clip.and_then(|_| square_norm(&module, &grads));
        let scale = self.clip.zip(square).and_then(|(clip, square)| {
            if queues(&square.device()) {
                // Never read: the step goes on while the GPU computes.
                let scale = square.sqrt().add_scalar(1e-6).recip().mul_scalar(clip);
                Some(Scale::Device(Box::new(scale.clamp_max(1.0))))
            } else {
                let scale = clip / (scalar(square).sqrt() + 1e-6);
                (scale < 1.0).then_some(Scale::Host(scale))
            }
        });
        let mut update = Update {
            optimiser: self,
            grads,
            lr,
            scale,
            trail: Trail::default(),
        };
        module.map(&mut update)
    }
}

/// The factor that brings the gradients to at most the norm of the clip, in the host's memory or on the
/// device.
enum Scale {
    Host(f64),
    Device(Box<Tensor<1>>),
}

struct Update<'a> {
    optimiser: &'a mut Optimiser,
    grads: GradientsParams,
    lr: f64,
    scale: Option<Scale>,
    trail: Trail,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.trail.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.trail.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = self.grads.remove::<D>(param.id) else {
            return param;
        };
        let path = self.trail.path();
        let decays = D >= 2 && !UNDECAYED.iter().any(|end| path.ends_with(end));
        let decay = if decays {
            self.optimiser.weight_decay
        } else {
            0.0
        };
        param.map(|value| {
            let shape = value.dims();
            let count = shape.iter().product::<usize>();
            let grad = grad.reshape([count]);
            let grad = match &self.scale {
                Some(Scale::Host(scale)) => grad.mul_scalar(*scale),
                Some(Scale::Device(scale)) => grad * (**scale).clone(),
                None => grad,
            };
            let updated =
                self.optimiser
                    .update(path, value.inner().reshape([count]), grad, self.lr, decay);
            Tensor::from_inner(updated.reshape(shape)).require_grad()
        })
    }
}

impl Optimiser {
    fn update(
        &mut self,
        path: String,
        p: Tensor<1>,
        g: Tensor<1>,
        lr: f64,
        decay: f64,
    ) -> Tensor<1> {
        let old = self.moments.remove(&path);
        match self.rule {
            Rule::Adamw {
                beta1,
                beta2,
                epsilon,
            } => {
                let (m, v) = match old {
                    Some(Moments {
                        first,
                        second: Some(second),
                    }) => (first, second),
                    _ => (g.zeros_like(), g.zeros_like()),
                };
                let step = AdamWStep {
                    lr: lr as f32,
                    beta1: beta1 as f32,
                    beta2: beta2 as f32,
                    epsilon: epsilon as f32,
                    weight_decay: decay as f32,
                    time: self.steps,
                };
                let [p, m, v] = ops::adamw(p, m, v, g, step);
                self.moments.insert(
                    path,
                    Moments {
                        first: m,
                        second: Some(v),
                    },
                );
                p
            }
            Rule::Sgd { momentum } => {
                let g = if decay > 0.0 {
                    g + p.clone().mul_scalar(decay)
                } else {
                    g
                };
                let velocity = match old {
                    Some(Moments { first, .. }) => first.mul_scalar(momentum) + g,
                    None => g,
                };
                let p = p - velocity.clone().mul_scalar(lr);
                self.moments.insert(
                    path,
                    Moments {
                        first: velocity,
                        second: None,
                    },
                );
                p
            }
        }
    }
}
