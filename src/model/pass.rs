//! What a forward pass needs to know beside its input: whether it trains (and with which random
//! stream), and along which direction of the parameters it differentiates.

use super::dual::Dual;
use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One forward pass.
#[derive(Default)]
pub struct Pass<'a> {
    stream: Option<&'a mut ChaCha8Rng>,
    direction: Option<&'a GradientsParams>,
}

impl<'a> Pass<'a> {
    /// Deterministic evaluation.
    pub fn eval() -> Self {
        Self::default()
    }

    /// Training: stochastic depth and dropout are drawn from `stream`.
    pub fn train(stream: &'a mut ChaCha8Rng) -> Self {
        Self {
            stream: Some(stream),
            direction: None,
        }
    }

    /// The same pass with tangents: `direction` holds θ̇ by parameter id; absent parameters do
    /// not move.
    pub fn along(self, direction: &'a GradientsParams) -> Self {
        Self {
            direction: Some(direction),
            ..self
        }
    }

    /// Whether the pass trains.
    pub fn trains(&self) -> bool {
        self.stream.is_some()
    }

    /// The direction of the parameters, if any.
    pub fn direction(&self) -> Option<&'a GradientsParams> {
        self.direction
    }

    /// The random stream as it stands, to repeat a part of the pass later.
    pub fn stream(&self) -> Option<ChaCha8Rng> {
        self.stream.as_deref().cloned()
    }

    /// A parameter with its tangent.
    pub fn parameter<const D: usize>(&self, param: &Param<Tensor<D>>) -> Dual<D> {
        let primal = param.val();
        let tangent = self
            .direction
            .and_then(|d| d.get::<D>(param.id))
            .map(|t| like(t, &primal));
        Dual { primal, tangent }
    }

    /// An optional parameter with its tangent.
    pub fn optional<const D: usize>(&self, param: Option<&Param<Tensor<D>>>) -> Option<Dual<D>> {
        param.map(|p| self.parameter(p))
    }

    /// Stochastic depth (Huang et al. 2016): drops whole samples of a residual branch with
    /// probability `rate` and rescales the rest.
    pub fn drop_path(&mut self, x: Dual<3>, rate: f64) -> Dual<3> {
        let batch = x.dims()[0];
        self.drop(x, rate, [batch, 1, 1])
    }

    /// Dropout of single elements.
    pub fn dropout<const D: usize>(&mut self, x: Dual<D>, rate: f64) -> Dual<D> {
        let shape = x.dims();
        self.drop(x, rate, shape)
    }

    fn drop<const D: usize>(&mut self, x: Dual<D>, rate: f64, shape: [usize; D]) -> Dual<D> {
        let Some(stream) = self.stream.as_deref_mut() else {
            return x;
        };
        if rate == 0.0 {
            return x;
        }
        let keep = 1.0 - rate;
        let mut draw = || {
            if stream.random_bool(keep) {
                (1.0 / keep) as f32
            } else {
                0.0
            }
        };
        let scale: Vec<f32> = (0..shape.iter().product()).map(|_| draw()).collect();
        let data = TensorData::new(scale, shape);
        let scale = Tensor::<D>::from_data(data, (&x.device(), x.dtype()));
        x.linear(|t| t * scale.clone())
    }
}

/// Puts a tangent where its primal is: gradients come from the plain device, parameters may be
/// tracked.
fn like<const D: usize>(tangent: Tensor<D>, primal: &Tensor<D>) -> Tensor<D> {
    if primal.device().is_autodiff() && !tangent.device().is_autodiff() {
        Tensor::from_inner(tangent)
    } else {
        tangent
    }
}
