//! Everything a model says about a batch, by the names that PyTorch users know: the parity surface
//! behind `modalign extract`.

use super::layers::layer_name;
use crate::model::{Dual, Network, Pass, Tokens};
use burn::tensor::{DType, Int, Tensor, TensorData};

/// What a model can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Tokens after the embedder `[N, T, C]`.
    Embedded,
    /// The samples' features `[N, D]`, as the encoder pools its last tokens.
    Pooled,
    /// The predictor's outputs `[N, K]`.
    Logits,
    /// Last tokens `[N, T, D]`.
    LastHiddenState,
    /// The samples' features behind the embedder and behind every block `[N, D]`, an array each: `layer_00`, `layer_01`, …
    Layers,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Embedded,
        Self::Pooled,
        Self::Logits,
        Self::LastHiddenState,
        Self::Layers,
    ];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Pooled => "pooled",
            Self::Logits => "logits",
            Self::LastHiddenState => "last_hidden_state",
            Self::Layers => "layers",
        }
    }
}

/// A batch, as it enters the model.
#[derive(Debug, Clone)]
pub enum Input {
    /// Samples for the embedder `[N, C, H, W]`.
    Samples(Vec<f32>, [usize; 4]),
    /// Token ids `[N, T]`, with 1 for tokens and 0 for padding if there is any.
    Ids(Vec<i64>, Option<Vec<f32>>, [usize; 2]),
    /// Tokens for the encoder `[N, T, C]` and their grid.
    Embedded(Vec<f32>, [usize; 3], [usize; 2]),
}

/// An output of a batch: shape and row-major values.
pub type Values = (Vec<usize>, Vec<f32>);

/// Runs the model on a batch; gives the `wanted` outputs by the names of their arrays, in their order.
///
/// Ids enter only a model that embeds ids, samples and tokens have the shape the model takes:
/// callers check.
pub fn outputs(network: &Network, input: Input, wanted: &[Output]) -> Vec<(String, Values)> {
    let (device, dtype) = network.place();
    let pass = &mut Pass::eval();
    let floats = |values: Vec<f32>, shape: &[usize]| {
        TensorData::new(values, shape.to_vec()).convert_dtype(dtype)
    };
    let tokens = match input {
        Input::Samples(values, shape) => {
            let x = Tensor::<4>::from_data(floats(values, &shape), (&device, dtype));
            network.embedder.forward(x, pass)
        }
        Input::Ids(ids, keep, shape) => {
            let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device);
            let keep = keep.map(|k| Tensor::from_data(floats(k, &shape), (&device, dtype)));
            network.embedder.embed_ids(ids, keep, pass)
        }
        Input::Embedded(values, shape, grid) => {
            let x = Tensor::<3>::from_data(floats(values, &shape), (&device, dtype));
            Tokens {
                before: network.embedder.before(),
                ..Tokens::new(x, grid)
            }
        }
    };
    let embedded = tokens.values.primal.clone();
    let (layers, last) = if wanted.contains(&Output::Layers) {
        network.encoder.layers(tokens, pass)
    } else if wanted.iter().all(|w| *w == Output::Embedded) {
        (Vec::new(), tokens)
    } else {
        (Vec::new(), network.encoder.encode(tokens, pass))
    };
    let mut found = Vec::new();
    for output in wanted {
        let one = match output {
            Output::Embedded => values(embedded.clone()),
            Output::LastHiddenState => values(last.values.primal.clone()),
            Output::Pooled => values(last.clone().pool().primal),
            Output::Logits => values(network.predictor.forward(last.clone(), pass).primal),
            Output::Layers => {
                let named =
                    |(layer, x): (usize, &Dual<2>)| (layer_name(layer), values(x.primal.clone()));
                found.extend(layers.iter().enumerate().map(named));
                continue;
            }
        };
        found.push((output.name().to_owned(), one));
    }
    found
}

fn values<const D: usize>(tensor: Tensor<D>) -> Values {
    let shape = tensor.dims().to_vec();
    let data = tensor.cast(DType::F32).into_data();
    (shape, data.try_to_vec().unwrap_or_default())
}
