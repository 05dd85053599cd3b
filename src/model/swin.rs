//! The Swin encoder (Liu et al., ICCV 2021), numerically that of Hugging Face `transformers` or of timm,
//! as its checkpoint is: stages of windowed-attention blocks, patch merging between them, a final
//! LayerNorm. The two differ where windows do not divide the token grid ([`Windows`]).
//!
//! Tokens stay in image order `[B, H·W, C]` throughout; windows exist only inside
//! [`ops::window_attention`].

use super::config::SwinConfig;
use super::dual::Dual;
use super::layers::{Init, LayerNorm, Linear};
use super::ops::{self, WindowGeometry};
use super::pass::Pass;
use super::tokens::Grid;
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// Whose windows an encoder has. On grids that windows divide, and in models of one window, both are the
/// same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Windows {
    /// `transformers`: a grid with a side no longer than the window is cut into squares of that side,
    /// unshifted; others are padded, then shifted. It goes by the grid that comes.
    #[default]
    Transformers,
    /// timm (and Microsoft's original): sides of windows and shifts are set when the model is built, for
    /// height and width apart, and a grid is shifted, then padded.
    Timm {
        /// The grid of the first stage for which it was built; `None` where nothing tells. Windows then
        /// are whole, and shifts go by the grid that comes.
        grid: Option<[usize; 2]>,
    },
}

impl Windows {
    /// Those of stage `stage`, where every stage halves the grid.
    fn of_stage(self, stage: usize) -> Self {
        match self {
            Self::Timm { grid: Some(grid) } => Self::Timm {
                grid: Some(grid.map(|side| side.div_ceil(1 << stage))),
            },
            other => other,
        }
    }

    /// Height and width of a window and the shift, for a grid of tokens and windows of side `whole`.
    fn on(self, grid: Grid, whole: usize, shifted: bool) -> ([usize; 2], [usize; 2]) {
        let shift = if shifted { whole / 2 } else { 0 };
        let built = match self {
            Self::Transformers => {
                let least = grid[0].min(grid[1]);
                return if least <= whole {
                    ([least; 2], [0; 2])
                } else {
                    ([whole; 2], [shift; 2])
                };
            }
            Self::Timm { grid: built } => built,
        };
        let window = built.map_or([whole; 2], |built| built.map(|side| side.min(whole)));
        let sides = built.unwrap_or(grid);
        let shift = [0, 1].map(|axis| {
            if sides[axis] <= window[axis] {
                0
            } else {
                shift
            }
        });
        (window, shift)
    }

    /// Height and width of the windows of every stage, as a model with this many stages holds tables
    /// for them.
    pub fn tables(self, whole: usize, stages: usize) -> Vec<[usize; 2]> {
        (0..stages)
            .map(|stage| match self.of_stage(stage) {
                Self::Timm { grid: Some(grid) } => grid.map(|side| side.min(whole)),
                _ => [whole; 2],
            })
            .collect()
    }

    /// What it means, for people.
    pub fn words(self) -> String {
        match self {
            Self::Transformers => "transformers': padded, then shifted".into(),
            Self::Timm { grid: Some([h, w]) } => {
                format!("timm's: shifted, then padded; built for {h} × {w} tokens")
            }
            Self::Timm { grid: None } => {
                "timm's: shifted, then padded; for the size of the input".into()
            }
        }
    }
}

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

    /// Takes the windows of its checkpoint.
    pub fn set_windows(&mut self, windows: Windows) {
        for (number, stage) in self.layers.iter_mut().enumerate() {
            for block in &mut stage.blocks {
                block.windows = windows.of_stage(number);
            }
        }
    }

    /// Whose windows it has.
    pub fn windows(&self) -> Windows {
        let first = self.layers.first().and_then(|stage| stage.blocks.first());
        first.map_or(Windows::default(), |block| block.windows)
    }

    /// How many [`SwinEncoder::step`]s the encoder has: its blocks.
    pub fn steps(&self) -> usize {
        self.layers.iter().map(|stage| stage.blocks.len()).sum()
    }

    /// Runs block `index` on `x [B, H·W, C]`, with the merging after it if it ends its stage.
    /// Also says whether it ends its stage.
    pub fn step(
        &self,
        index: usize,
        x: Dual<3>,
        grid: Grid,
        pass: &mut Pass,
    ) -> (Dual<3>, Grid, bool) {
        let mut first = 0;
        for stage in &self.layers {
            let Some(block) = stage.blocks.get(index - first) else {
                first += stage.blocks.len();
                continue;
            };
            let x = block.forward(x, grid, pass);
            let ends = index + 1 == first + stage.blocks.len();
            return match &stage.downsample {
                Some(merge) if ends => {
                    let (x, grid) = merge.forward(x, grid, pass);
                    (x, grid, true)
                }
                _ => (x, grid, ends),
            };
        }
        (x, grid, true)
    }

    /// The final norm.
    pub fn finish(&self, x: Dual<3>, pass: &Pass) -> Dual<3> {
        self.layernorm.forward(x, pass)
    }
}
