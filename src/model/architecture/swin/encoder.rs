//! The Swin encoder (Liu et al., ICCV 2021), numerically that of Hugging Face `transformers` or of timm,
//! as its checkpoint is: stages of windowed-attention blocks, patch merging between them, a final
//! LayerNorm. The two differ where windows do not divide the token grid ([`Windows`]).
//!
//! Tokens stay in image order `[B, H·W, C]` throughout; windows exist only inside
//! [`ops::window_attention`].

use super::config::SwinConfig;
use crate::model::dual::Dual;
use crate::model::family::Blocks;
use crate::model::layers::{Init, LayerNorm, Linear};
use crate::model::ops::{self, WindowGeometry};
use crate::model::pass::Pass;
use crate::model::tokens::{Grid, Tokens};
use crate::model::windows::Windows;
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

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
    windows: Windows,
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
        let hidden = config.mlp_hidden(stage);
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
            windows: Windows::default(),
            drop_path,
        }
    }

    /// `[B, H·W, C]` → the same shape.
    fn forward(&self, x: Dual<3>, grid: Grid, pass: &mut Pass) -> Dual<3> {
        let attended = self.attention(self.layernorm_before.forward(x.clone(), pass), grid, pass);
        let x = x + pass.drop_path(attended, self.drop_path);
        let normed = self.layernorm_after.forward(x.clone(), pass);
        let hidden = self
            .fc2
            .forward(ops::gelu(self.fc1.forward(normed, pass)), pass);
        x + pass.drop_path(hidden, self.drop_path)
    }

    fn attention(&self, x: Dual<3>, [height, width]: Grid, pass: &Pass) -> Dual<3> {
        let grid = [height, width];
        let (window, shift) = self.windows.on(grid, self.window, self.shifted);
        let padded = [0, 1].map(|axis| grid[axis].next_multiple_of(window[axis]));
        // Where nothing is padded it is the same to shift within the attention.
        let rolled = self.windows != Windows::Transformers && padded != grid && shift != [0, 0];
        let geometry = WindowGeometry {
            height: padded[0],
            width: padded[1],
            window,
            shift,
            rolled,
            heads: self.heads,
        };
        let x = if rolled {
            x.linear(|t| roll(t, grid, shift))
        } else {
            x
        };
        let x = x.linear(|t| resize_grid(t, grid, padded));
        let qkv = self.qkv.forward(x, pass);
        let mixed = ops::window_attention(qkv, Some(self.position_bias(window, pass)), geometry)
            .linear(|t| resize_grid(t, padded, grid));
        let mixed = if rolled {
            mixed.linear(|t| {
                roll(
                    t,
                    grid,
                    [0, 1].map(|axis| grid[axis] - shift[axis] % grid[axis]),
                )
            })
        } else {
            mixed
        };
        self.projection.forward(mixed, pass)
    }

    /// The table's entries for every pair of tokens of a window: `[heads, n, n]`.
    fn position_bias(&self, [rows, columns]: [usize; 2], pass: &Pass) -> Dual<3> {
        let (n, side) = (rows * columns, 2 * self.window - 1);
        let mut index = Vec::with_capacity(n * n);
        for a in 0..n {
            for b in 0..n {
                let down = a / columns + self.window - 1 - b / columns;
                let right = a % columns + self.window - 1 - b % columns;
                index.push((down * side + right) as i64);
            }
        }
        let table = pass.parameter(&self.relative_position_bias_table);
        let index = Tensor::<1, Int>::from_data(TensorData::new(index, [n * n]), &table.device());
        table
            .linear(|t| t.select(0, index.clone()).transpose())
            .reshape([self.heads, n, n])
    }
}

/// Shifts a grid up and to the left; what leaves there comes in at the other side.
fn roll(x: Tensor<3>, [height, width]: Grid, [down, across]: [usize; 2]) -> Tensor<3> {
    let place = |at: usize| {
        let (row, column) = (at / width + down, at % width + across);
        (row % height * width + column % width) as i64
    };
    let order: Vec<i64> = (0..height * width).map(place).collect();
    let order = TensorData::new(order, [height * width]);
    let order = Tensor::<1, Int>::from_data(order, &x.device());
    x.select(1, order)
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

/// Concatenates 2×2 neighbours and halves the channels that result: `[B, H·W, C]` →
/// `[B, ⌈H/2⌉·⌈W/2⌉, 2C]`.
#[derive(Module, Debug)]
pub struct PatchMerging {
    norm: LayerNorm,
    reduction: Linear,
}

impl PatchMerging {
    fn forward(&self, x: Dual<3>, grid: Grid, pass: &Pass) -> (Dual<3>, Grid) {
        let even = grid.map(|side| side.next_multiple_of(2));
        let half = even.map(|side| side / 2);
        let [batch, _, channels] = x.dims();
        let merged = x
            .linear(|t| resize_grid(t, grid, even))
            .reshape([batch, half[0], 2, half[1], 2, channels])
            // column before row, as the reference orders the four neighbours
            .permute([0, 1, 3, 4, 2, 5])
            .reshape([batch, half[0] * half[1], 4 * channels]);
        let normed = self.norm.forward(merged, pass);
        (self.reduction.forward(normed, pass), half)
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
}

impl Blocks for SwinEncoder {
    fn steps(&self) -> usize {
        self.layers.iter().map(|stage| stage.blocks.len()).sum()
    }

    /// Runs block `index`, with the merging after it if it ends its stage.
    fn step(&self, index: usize, x: Tokens, pass: &mut Pass) -> (Tokens, bool) {
        let Tokens { values, grid, .. } = x;
        let mut first = 0;
        for stage in &self.layers {
            let Some(block) = stage.blocks.get(index - first) else {
                first += stage.blocks.len();
                continue;
            };
            let values = block.forward(values, grid, pass);
            let ends = index + 1 == first + stage.blocks.len();
            return match &stage.downsample {
                Some(merge) if ends => {
                    let (values, grid) = merge.forward(values, grid, pass);
                    (Tokens::new(values, grid), true)
                }
                _ => (Tokens::new(values, grid), ends),
            };
        }
        (Tokens::new(values, grid), true)
    }

    /// The final norm.
    fn finish(&self, x: Tokens, pass: &Pass) -> Tokens {
        let values = self.layernorm.forward(x.values.clone(), pass);
        x.with(values)
    }

    fn windows(&self) -> Option<Windows> {
        let first = self.layers.first().and_then(|stage| stage.blocks.first());
        Some(first.map_or(Windows::default(), |block| block.windows))
    }

    fn set_windows(&mut self, windows: Windows) {
        for (number, stage) in self.layers.iter_mut().enumerate() {
            for block in &mut stage.blocks {
                block.windows = windows.of_stage(number);
            }
        }
    }
}
