//! The Swin encoder (Liu et al., ICCV 2021), numerically that of Hugging Face `transformers`:
//! stages of windowed-attention blocks, patch merging between them, a final LayerNorm.
//!
//! Tokens stay in image order `[B, H·W, C]` throughout; windows exist only inside
//! [`ops::window_attention`].

use super::config::SwinConfig;
use super::layers::{Init, LayerNorm, Linear};
use super::ops::{self, WindowGeometry};
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Whether a forward pass trains: training drops residual branches by a seeded stream.
pub enum Mode<'a> {
    /// Deterministic evaluation.
    Eval,
    /// Training with stochastic depth drawn from this stream.
    Train(&'a mut ChaCha8Rng),
}

/// A token grid: rows and columns.
pub type Grid = [usize; 2];

/// Attention, MLP and their norms.
#[derive(Module, Debug)]
pub struct Block {
    layernorm_before: LayerNorm,
    /// Queries, keys and values in one product: `[3C, C]`.
    qkv: Linear,
    /// `[(2·window − 1)², heads]`.
    relative_position_bias_table: Param<Tensor<2>>,
    projection: Linear,
    layernorm_after: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    window: usize,
    #[module(skip)]
    shifted: bool,
    #[module(skip)]
    drop_path: f64,
}

impl Block {
    fn new(
        config: &SwinConfig,
        stage: usize,
        shifted: bool,
        drop_path: f64,
        init: &mut Init,
    ) -> Self {
        let (width, heads) = (config.width(stage), config.num_heads[stage]);
        let hidden = (config.mlp_ratio * width as f64) as usize;
        let side = 2 * config.window_size - 1;
        Self {
            layernorm_before: LayerNorm::new(width, config.layer_norm_eps, init),
            qkv: Linear::new(width, 3 * width, config.qkv_bias, init),
            relative_position_bias_table: init.truncated_normal(0.02, [side * side, heads]),
            projection: Linear::new(width, width, true, init),
            layernorm_after: LayerNorm::new(width, config.layer_norm_eps, init),
            fc1: Linear::new(width, hidden, true, init),
            fc2: Linear::new(hidden, width, true, init),
            heads,
            window: config.window_size,
            shifted,
            drop_path,
        }
    }

    /// `[B, H·W, C]` → the same shape.
    pub fn forward(&self, x: Tensor<3>, grid: Grid, mode: &mut Mode) -> Tensor<3> {
        let attended = self.attention(self.layernorm_before.forward(x.clone()), grid);
        let x = x + drop_path(attended, self.drop_path, mode);
        let hidden = ops::gelu(self.fc1.forward(self.layernorm_after.forward(x.clone())));
        x + drop_path(self.fc2.forward(hidden), self.drop_path, mode)
    }

    fn attention(&self, x: Tensor<3>, [height, width]: Grid) -> Tensor<3> {
        // A grid no larger than the window is one window of its own size, unshifted.
        let smaller = height.min(width) <= self.window;
        let window = if smaller {
            height.min(width)
        } else {
            self.window
        };
        let shift = if smaller || !self.shifted {
            0
        } else {
            self.window / 2
        };
        let padded = [
            height.next_multiple_of(window),
            width.next_multiple_of(window),
        ];
        let geometry = WindowGeometry {
            height: padded[0],
            width: padded[1],
            window,
            shift,
            heads: self.heads,
        };
        let x = resize_grid(x, [height, width], padded);
        let mixed =
            ops::window_attention(self.qkv.forward(x), self.position_bias(window), geometry);
        self.projection
            .forward(resize_grid(mixed, padded, [height, width]))
    }

    /// The table's entries for every pair of tokens of a window: `[heads, n, n]`.
    fn position_bias(&self, window: usize) -> Tensor<3> {
        let (n, side) = (window * window, 2 * self.window - 1);
        let mut index = Vec::with_capacity(n * n);
        for a in 0..n {
            for b in 0..n {
                let down = a / window + self.window - 1 - b / window;
                let right = a % window + self.window - 1 - b % window;
                index.push((down * side + right) as i64);
            }
        }
        let table = self.relative_position_bias_table.val();
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [n * n]), &table.device());
        table
            .select(0, index)
            .transpose()
            .reshape([self.heads, n, n])
    }
}

/// Pads with zeros at the bottom and right, or crops there.
fn resize_grid(x: Tensor<3>, from: Grid, to: Grid) -> Tensor<3> {
    if from == to {
        return x;
    }
    let [batch, _, channels] = x.dims();
    let mut x = x.reshape([batch, from[0], from[1], channels]);
    for axis in 0..2 {
        if to[axis] > from[axis] {
            let mut shape = x.dims();
            shape[axis + 1] = to[axis] - from[axis];
            let zeros = Tensor::zeros(shape, (&x.device(), x.dtype()));
            x = Tensor::cat(vec![x, zeros], axis + 1);
        } else {
            x = x.narrow(axis + 1, 0, to[axis]);
        }
    }
    x.reshape([batch, to[0] * to[1], channels])
}

/// Stochastic depth: drops whole samples of a branch and rescales the rest.
fn drop_path(x: Tensor<3>, rate: f64, mode: &mut Mode) -> Tensor<3> {
    let Mode::Train(rng) = mode else { return x };
    if rate == 0.0 {
        return x;
    }
    let batch = x.dims()[0];
    let keep = 1.0 - rate;
    let scale: Vec<f32> = (0..batch)
        .map(|_| {
            if rng.random_bool(keep) {
                (1.0 / keep) as f32
            } else {
                0.0
            }
        })
        .collect();
    let scale = Tensor::<3>::from_data(
        TensorData::new(scale, [batch, 1, 1]),
        (&x.device(), x.dtype()),
    );
    x * scale
}

/// Concatenates 2×2 neighbours and halves the channels that result: `[B, H·W, C]` →
/// `[B, ⌈H/2⌉·⌈W/2⌉, 2C]`.
#[derive(Module, Debug)]
pub struct PatchMerging {
    norm: LayerNorm,
    reduction: Linear,
}

impl PatchMerging {
    fn forward(&self, x: Tensor<3>, grid: Grid) -> (Tensor<3>, Grid) {
        let even = grid.map(|side| side.next_multiple_of(2));
        let half = even.map(|side| side / 2);
        let [batch, _, channels] = x.dims();
        let merged = resize_grid(x, grid, even)
            .reshape([batch, half[0], 2, half[1], 2, channels])
            // column before row, as the reference orders the four neighbours
            .permute([0, 1, 3, 4, 2, 5])
            .reshape([batch, half[0] * half[1], 4 * channels]);
        (self.reduction.forward(self.norm.forward(merged)), half)
    }
}

/// Blocks of one resolution and the merging after them (none in the last stage).
#[derive(Module, Debug)]
pub struct Stage {
    blocks: Vec<Block>,
    downsample: Option<PatchMerging>,
}

/// The encoder f: embedded tokens in, features out.
#[derive(Module, Debug)]
pub struct SwinEncoder {
    layers: Vec<Stage>,
    layernorm: LayerNorm,
}

/// What an encoder gives.
pub struct Encoded {
    /// Output of every stage (after merging), without the final norm.
    pub stages: Vec<Tensor<3>>,
    /// Normed tokens of the last stage `[B, T, D]`.
    pub last: Tensor<3>,
}

impl SwinEncoder {
    /// A freshly initialised encoder of a checked configuration.
    pub fn new(config: &SwinConfig, init: &mut Init) -> Self {
        let total: usize = config.depths.iter().sum();
        let mut built = 0;
        let stages = config.depths.len();
        let layers = (0..stages)
            .map(|stage| {
                let blocks = (0..config.depths[stage])
                    .map(|i| {
                        let rate = config.drop_path_rate * built as f64 / (total.max(2) - 1) as f64;
                        built += 1;
                        Block::new(config, stage, i % 2 == 1, rate, init)
                    })
                    .collect();
                let width = config.width(stage);
                let downsample = (stage + 1 < stages).then(|| PatchMerging {
                    norm: LayerNorm::new(4 * width, 1e-5, init),
                    reduction: Linear::new(4 * width, 2 * width, false, init),
                });
                Stage { blocks, downsample }
            })
            .collect();
        Self {
            layers,
            layernorm: LayerNorm::new(config.hidden_size(), config.layer_norm_eps, init),
        }
    }

    /// Runs all stages on `x [B, H·W, C]`, keeping every stage's output.
    pub fn encode(&self, mut x: Tensor<3>, mut grid: Grid, mode: &mut Mode) -> Encoded {
        let mut stages = Vec::with_capacity(self.layers.len());
        for stage in &self.layers {
            for block in &stage.blocks {
                x = block.forward(x, grid, mode);
            }
            if let Some(merge) = &stage.downsample {
                (x, grid) = merge.forward(x, grid);
            }
            stages.push(x.clone());
        }
        Encoded {
            last: self.layernorm.forward(x),
            stages,
        }
    }

    /// The feature of every sample: the mean of the normed tokens, `[B, D]`.
    pub fn features(&self, x: Tensor<3>, grid: Grid, mode: &mut Mode) -> Tensor<2> {
        pool(self.encode(x, grid, mode).last)
    }
}

/// Mean over tokens: `[B, T, D]` → `[B, D]`.
pub fn pool(tokens: Tensor<3>) -> Tensor<2> {
    let [batch, _, width] = tokens.dims();
    tokens.mean_dim(1).reshape([batch, width])
}
