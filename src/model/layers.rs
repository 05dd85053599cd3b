//! The two layers with parameters that everything is made of, in PyTorch's layout and naming, so
//! that checkpoints move in both directions without transposing.

use super::dual::Dual;
use super::ops;
use super::pass::Pass;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// Where and how parameters are made: device, float type and the stream of initial values.
pub struct Init<'a> {
    /// Device of the parameters.
    pub device: &'a Device,
    /// `F32` (default everywhere) or `F64` (reference computations).
    pub dtype: DType,
    /// Stream of random numbers, drawn on the host, so that every device starts the same; `None`
    /// makes placeholders without memory, for values that a checkpoint will bring.
    pub rng: Option<&'a mut ChaCha8Rng>,
}

impl Init<'_> {
    /// A parameter from values in row-major order.
    pub fn parameter<const D: usize>(
        &self,
        values: Vec<f32>,
        shape: [usize; D],
    ) -> Param<Tensor<D>> {
        let data = TensorData::new(values, shape);
        Param::from_tensor(Tensor::from_data(data, (self.device, self.dtype)))
    }

    /// Normal values of standard deviation `std`, redrawn beyond two of them.
    pub fn truncated_normal<const D: usize>(
        &mut self,
        std: f32,
        shape: [usize; D],
    ) -> Param<Tensor<D>> {
        let count = shape.iter().product();
        match &mut self.rng {
            None => self.placeholder(shape),
            Some(rng) => {
                let values = (0..count).map(|_| std * truncated(rng)).collect();
                self.parameter(values, shape)
            }
        }
    }

    /// Xavier's uniform values (Glorot & Bengio 2010) times `gain`, for `inputs` and `outputs`
    /// connections of a unit.
    pub fn xavier_uniform<const D: usize>(
        &mut self,
        gain: f32,
        [inputs, outputs]: [usize; 2],
        shape: [usize; D],
    ) -> Param<Tensor<D>> {
        let bound = gain * (6.0 / (inputs + outputs) as f32).sqrt();
        let count = shape.iter().product();
        match &mut self.rng {
            None => self.placeholder(shape),
            Some(rng) => {
                let values = (0..count)
                    .map(|_| bound * (2.0 * rng.random::<f32>() - 1.0))
                    .collect();
                self.parameter(values, shape)
            }
        }
    }

    /// Uniform values of at most `bound` either way: `1/√inputs` is how PyTorch starts a linear layer.
    pub fn uniform<const D: usize>(&mut self, bound: f32, shape: [usize; D]) -> Param<Tensor<D>> {
        let count = shape.iter().product();
        match &mut self.rng {
            None => self.placeholder(shape),
            Some(rng) => {
                let values = (0..count)
                    .map(|_| bound * (2.0 * rng.random::<f32>() - 1.0))
                    .collect();
                self.parameter(values, shape)
            }
        }
    }

    /// A parameter filled with one value.
    pub fn constant<const D: usize>(&self, value: f32, shape: [usize; D]) -> Param<Tensor<D>> {
        match self.rng {
            None => self.placeholder(shape),
            Some(_) => self.parameter(vec![value; shape.iter().product()], shape),
        }
    }

    /// A parameter of zeros that takes no memory before it is looked at.
    fn placeholder<const D: usize>(&self, shape: [usize; D]) -> Param<Tensor<D>> {
        let dtype = self.dtype;
        Param::uninitialized(
            ParamId::new(),
            move |device, tracked| Tensor::zeros(shape, (device, dtype)).set_require_grad(tracked),
            self.device.clone(),
            false,
            Shape::from(shape),
        )
    }
}

/// A standard normal value within ±2 (Box–Muller, redrawn).
fn truncated(rng: &mut impl Rng) -> f32 {
    loop {
        let (u, v): (f64, f64) = (rng.random(), rng.random());
        let value = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        if value.abs() <= 2.0 {
            return value as f32;
        }
    }
}

/// `y = x·Wᵀ + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Truncated-normal weights (std 0.02, as Swin), zero bias.
    pub fn new(inputs: usize, outputs: usize, bias: bool, init: &mut Init) -> Self {
        let weight = init.truncated_normal(0.02, [outputs, inputs]);
        Self {
            weight,
            bias: bias.then(|| init.constant(0.0, [outputs])),
        }
    }

    /// As PyTorch starts it: weights from U(±1/√in), and a bias too.
    pub fn as_torch(inputs: usize, outputs: usize, bias: bool, init: &mut Init) -> Self {
        let bound = 1.0 / (inputs as f32).sqrt();
        Self {
            weight: init.uniform(bound, [outputs, inputs]),
            bias: bias.then(|| init.uniform(bound, [outputs])),
        }
    }

    /// One that gives zeros yet: the last map of what is to change nothing at the start.
    pub fn silent(inputs: usize, outputs: usize, init: &mut Init) -> Self {
        Self {
            weight: init.constant(0.0, [outputs, inputs]),
            bias: Some(init.constant(0.0, [outputs])),
        }
    }

    /// `[B, T, in]` → `[B, T, out]`.
    pub fn forward(&self, x: Dual<3>, pass: &Pass) -> Dual<3> {
        let bias = pass.optional(self.bias.as_ref());
        ops::linear(x, pass.parameter(&self.weight), bias)
    }
}

/// LayerNorm over the last axis.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Gain `[C]`.
    pub weight: Param<Tensor<1>>,
    /// Shift `[C]`.
    pub bias: Param<Tensor<1>>,
    /// Added to the variance.
    #[module(skip)]
    pub epsilon: f64,
}

impl LayerNorm {
    /// Unit gain, no shift.
    pub fn new(width: usize, epsilon: f64, init: &mut Init) -> Self {
        Self {
            weight: init.constant(1.0, [width]),
            bias: init.constant(0.0, [width]),
            epsilon,
        }
    }

    /// `[B, T, C]` → the same shape.
    pub fn forward(&self, x: Dual<3>, pass: &Pass) -> Dual<3> {
        let (gain, bias) = (pass.parameter(&self.weight), pass.parameter(&self.bias));
        ops::layer_norm(x, gain, bias, self.epsilon)
    }
}
