//! What a forward pass needs to know beside its input: whether it trains (and with which random
//! stream), along which direction of the parameters it differentiates, and what is inserted between
//! the layers ([`Inserted`]: adapters, prompts).

use super::dual::Dual;
use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// What stands between the layers of an encoder without being part of it. Each place gives on what it
/// takes unless something is inserted there.
pub trait Inserted {
    /// Embedded tokens `[B, T, C]`: of texts before their positions, of images behind them and before
    /// the first norm.
    fn embedded(&self, tokens: Dual<3>, _pass: &mut Pass) -> Dual<3> {
        tokens
    }

    /// The tokens `[B, T, C]` that enter layer `index`.
    fn before_layer(&self, _index: usize, tokens: Dual<3>, _pass: &mut Pass) -> Dual<3> {
        tokens
    }

    /// What the MLP of layer `index` adds to its tokens, `[B, T, C]`.
    fn after_mlp(&self, _index: usize, added: Dual<3>, _pass: &mut Pass) -> Dual<3> {
        added
    }
}

/// One forward pass.
#[derive(Default)]
pub struct Pass<'a> {
    stream: Option<&'a mut ChaCha8Rng>,
    direction: Option<&'a GradientsParams>,
    inserted: Option<&'a dyn Inserted>,
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
            ..Self::default()
        }
    }

    /// The same pass with something between the layers.
    pub fn with(self, inserted: &'a dyn Inserted) -> Self {
        Self {
            inserted: Some(inserted),
            ..self
        }
    }

    /// Embedded tokens with what is inserted there.
    pub fn embedded(&mut self, tokens: Dual<3>) -> Dual<3> {
        match self.inserted {
            Some(inserted) => inserted.embedded(tokens, self),
            None => tokens,
        }
    }

    /// The tokens that enter layer `index`, with what is inserted there.
    pub fn before_layer(&mut self, index: usize, tokens: Dual<3>) -> Dual<3> {
        match self.inserted {
            Some(inserted) => inserted.before_layer(index, tokens, self),
            None => tokens,
        }
    }

    /// What the MLP of layer `index` adds, with what is inserted there.
    pub fn after_mlp(&mut self, index: usize, added: Dual<3>) -> Dual<3> {
        match self.inserted {
            Some(inserted) => inserted.after_mlp(index, added, self),
            None => added,
        }
    }

    /// What is between the layers, if anything.
    pub fn inserted(&self) -> Option<&'a dyn Inserted> {
        self.inserted
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
