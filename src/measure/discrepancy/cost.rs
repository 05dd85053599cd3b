//! Cost matrices of assignments, from blocks of source probabilities.
//!
//! `cost[c][k] = Σᵢ T_ic · cost(p_k(x̂ᵢ))`: blocks of rows come and go, and only `Kt × Ks` sums stay for
//! each draw of targets (the observed ones, and shuffled ones for the null) and each part of its
//! split. With 21,841 source classes and 200 target classes that is 35 MB, whatever `N`.
//!
//! Work is cut into tiles of columns, and a block's rows are taken class by class, so that the sums of
//! a class pass through the cache once a block. Each sum is still added in the order of the samples:
//! no number of threads and no size of blocks changes a bit. For −log p the sums are products, of which
//! every [`simd::FACTORS`] samples a logarithm is taken.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::Target;
use super::divergence::Divergence;
use super::simd;
use super::stream::{self, ALIGN, Rows, Sums};
use super::target::Draw;
use crate::measure::linalg::product::product;
use crate::measure::samples::Real;
use crate::measure::{MeasureError, interrupt};

/// Columns of a tile: its sums of one class and two rows of it stay in the nearest cache.
const TILE: usize = 1024;

/// What sums are made of.
pub(super) struct Pass<'t, 'p> {
    pub target: Target<'t>,
    /// Row of the matrix for each target class.
    pub index: &'p [usize],
    /// Rows of the matrix.
    pub present: usize,
    pub divergence: Divergence,
}

/// Sums for several draws.
pub(super) struct Costs {
    tasks: Vec<Task>,
    parts: usize,
    present: usize,
    columns: usize,
}

/// Some columns of some draws, `[draw, part, class, column]`.
struct Task {
    columns: Range<usize>,
    draws: Range<usize>,
    sums: Vec<f64>,
    /// As many, where logarithms are put off.
    products: Vec<f64>,
    /// Sum, least and greatest of these columns for each row of a block that is to be checked.
    spans: Vec<[f64; 3]>,
}

/// A row of a block and one of the sums `[part, class]` that it goes to.
struct Turn {
    sum: usize,
    row: usize,
    /// Whether the logarithm of the product is due.
    full: bool,
}

/// No sum: a row that is only checked.
const NOWHERE: usize = usize::MAX;

impl Pass<'_, '_> {
    /// Whether logarithms are put off.
    fn multiplies(&self) -> bool {
        self.divergence.additive() == Divergence::Nll
            && !matches!(self.target, Target::Conditionals(_))
    }

    /// Bytes that a draw of `rows` samples takes.
    pub fn bytes(&self, rows: usize, columns: usize, parts: usize) -> usize {
        9 * rows + (8 << u32::from(self.multiplies())) * parts * self.present * columns
    }

    /// One pass over all rows, checked on the way if asked.
    pub fn run<R: Rows>(
        &self,
        rows: &R,
        draws: &[Draw],
        sums: Option<Sums>,
    ) -> Result<Costs, MeasureError> {
        let columns = rows.dim().1;
        let parts = 1 + usize::from(draws.iter().any(|d| d.split));
        let tiles: Vec<_> = (0..columns)
            .step_by(TILE)
            .map(|a| a..(a + TILE).min(columns))
            .collect();
        // Where columns alone do not occupy the threads, draws do.
        let groups = rayon::current_num_threads().div_ceil(tiles.len().max(1));
        let group = draws.len().div_ceil(groups).max(1);
        let mut tasks: Vec<Task> = Vec::new();
        for tile in &tiles {
            for from in (0..draws.len()).step_by(group) {
                let draws = from..(from + group).min(draws.len());
                let length = draws.len() * parts * self.present * tile.len();
                tasks.push(Task {
                    columns: tile.clone(),
                    draws,
                    sums: vec![0.0; length],
                    products: Vec::new(),
                    spans: Vec::new(),
                });
            }
        }
        let mut factors = vec![0; draws.len() * parts * self.present];
        rows.blocks(&mut |first, block| {
            interrupt::check()?;
            let turns: Vec<Vec<Turn>> = match self.target {
                Target::Conditionals(_) => Vec::new(),
                _ => draws
                    .par_iter()
                    .zip(factors.par_chunks_mut(parts * self.present))
                    .map(|(draw, factors)| self.turns(first..first + block.nrows(), draw, factors))
                    .collect(),
            };
            tasks.par_iter_mut().for_each(|task| {
                let part = block.slice(s![.., task.columns.clone()]);
                if sums.is_some() && task.draws.start == 0 {
                    // While the numbers are in the nearest cache.
                    task.spans.clear();
                    task.spans.resize(block.nrows(), [0.0; 3]);
                }
                let some = task.draws.clone();
                match self.target {
                    Target::Conditionals(t) => {
                        self.products(task, part, first, &draws[some], parts, t);
                    }
                    _ => self.sums(task, part, &turns[some], parts),
                }
            });
            sums.map_or(Ok(()), |sums| {
                stream::verify("source probabilities", block, first, sums, |row| {
                    let spans = tasks.iter().filter(|task| task.draws.start == 0);
                    spans.fold(simd::NOTHING, |all, task| simd::join(all, task.spans[row]))
                })
            })
        })?;
        if self.multiplies() {
            tasks.par_iter_mut().for_each(|task| {
                simd::add_logs(&mut task.sums, &mut task.products);
                task.products = Vec::new();
                task.sums.iter_mut().for_each(|sum| *sum = -*sum);
            });
        }
        Ok(Costs {
            tasks,
            parts,
            present: self.present,
            columns,
        })
    }

    /// The rows of a block for each sum of a draw; `factors` counts what the sums' products hold.
    fn turns(&self, rows: Range<usize>, draw: &Draw, factors: &mut [usize]) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(rows.len());
        for (row, i) in rows.enumerate() {
            let before = turns.len();
            self.target.mass(draw.order[i], |class, _| {
                let sum = usize::from(draw.held[i]) * self.present + self.index[class];
                factors[sum] = factors[sum] % simd::FACTORS + 1;
                let full = factors[sum] == simd::FACTORS;
                turns.push(Turn { sum, row, full });
            });
            if turns.len() == before {
                let (sum, full) = (NOWHERE, false);
                turns.push(Turn { sum, row, full });
            }
        }
        turns.sort_unstable_by_key(|turn| (turn.sum, turn.row));
        turns
    }

    /// Takes rows into the sums of their classes.
    fn sums<A: Real>(
        &self,
        task: &mut Task,
        block: ArrayView2<'_, A>,
        turns: &[Vec<Turn>],
        parts: usize,
    ) {
        let width = block.ncols();
        if self.multiplies() {
            task.products.resize(task.sums.len(), 1.0);
        }
        for (draw, turns) in turns.iter().enumerate() {
            let mut rows = turns.iter().map(|turn| slice(block, turn.row)).peekable();
            for &Turn { sum, row, full } in turns {
                let Some(p) = rows.next() else { break };
                let next = rows.peek().unwrap_or(&p);
                let from = (draw * parts * self.present + sum.min(parts * self.present)) * width;
                let span = if sum == NOWHERE {
                    simd::span(&p)
                } else if self.multiplies() {
                    let products = &mut task.products[from..from + width];
                    let span = simd::multiply_by(&p, next, products);
                    if full {
                        simd::add_logs(&mut task.sums[from..from + width], products);
                    }
                    span
                } else {
                    simd::add_costs(
                        self.divergence,
                        &p,
                        next,
                        &mut task.sums[from..from + width],
                    )
                };
                if let (0, Some(place)) = (draw, task.spans.get_mut(row)) {
                    *place = span;
                }
            }
        }
    }

    /// The same for conditionals, as products `Tᵀ · costs` of [`ALIGN`] rows.
    fn products<A: Real>(
        &self,
        task: &mut Task,
        block: ArrayView2<'_, A>,
        first: usize,
        draws: &[Draw],
        parts: usize,
        target: ArrayView2<'_, f32>,
    ) {
        let width = block.ncols();
        let mut costs = Array2::zeros((ALIGN, width));
        let mut weights = Array2::zeros((self.present, ALIGN));
        for from in (0..block.nrows()).step_by(ALIGN) {
            let rows = from..(from + ALIGN).min(block.nrows());
            for (row, mut out) in rows.clone().zip(costs.outer_iter_mut()) {
                if let Some(out) = out.as_slice_mut() {
                    let p = slice(block, row);
                    out.fill(0.0);
                    let span = simd::add_costs(self.divergence, &p, &p, out);
                    if let Some(place) = task.spans.get_mut(row) {
                        *place = span;
                    }
                }
            }
            for part in 0..draws.len() * parts {
                let draw = &draws[part / parts];
                weights.fill(0.0);
                for (row, mut weights) in rows.clone().zip(weights.columns_mut()) {
                    let i = first + row;
                    if usize::from(draw.held[i]) == part % parts {
                        let t = target.row(draw.order[i]);
                        for (&w, &index) in t.iter().zip(self.index) {
                            if w > 0.0 && index < self.present {
                                weights[index] = f64::from(w).min(1.0);
                            }
                        }
                    }
                }
                let at = part * self.present * width;
                let sums = &mut task.sums[at..at + self.present * width];
                if let Ok(sums) = ndarray::ArrayViewMut2::from_shape((self.present, width), sums) {
                    let n = rows.len();
                    let (t, c) = (weights.slice(s![.., ..n]), costs.slice(s![..n, ..]));
                    product(t, c, true, sums);
                }
            }
        }
    }
}

/// A row's numbers one after another.
fn slice<A: Real>(block: ArrayView2<'_, A>, row: usize) -> Cow<'_, [A]> {
    let row = block.index_axis_move(Axis(0), row);
    match row.to_slice() {
        Some(row) => Cow::Borrowed(row),
        None => Cow::Owned(row.to_vec()),
    }
}

impl Costs {
    /// The sums of one draw, on its fitted or on its held-out samples: columns, and `[present, them]`.
    fn tiles(&self, draw: usize, held: bool) -> impl Iterator<Item = (&Range<usize>, &[f64])> {
        let tasks = self.tasks.iter();
        let tasks = tasks.filter(move |task| task.draws.contains(&draw));
        tasks.map(move |task| {
            let part = (draw - task.draws.start) * self.parts + usize::from(held);
            let length = self.present * task.columns.len();
            (&task.columns, &task.sums[part * length..][..length])
        })
    }

    /// Means `[present, Ks]` of `units` samples of one draw, fitted or held out.
    pub fn means(&self, draw: usize, held: bool, units: f64) -> Array2<f64> {
        let mut means = Array2::zeros((self.present, self.columns));
        for (columns, sums) in self.tiles(draw, held) {
            if let Ok(sums) = ArrayView2::from_shape((self.present, columns.len()), sums) {
                let mut part = means.slice_mut(s![.., columns.clone()]);
                part.zip_mut_with(&sums, |mean, sum| *mean = sum / units);
            }
        }
        means
    }

    /// The total of such means over the pairs of a class and its column, and over all pairs.
    pub fn totals(&self, draw: usize, held: bool, units: f64, map: &[usize]) -> [f64; 2] {
        let mut picked = vec![0.0; map.len()];
        let mut all = 0.0;
        for (columns, sums) in self.tiles(draw, held) {
            all += simd::span(sums)[0];
            for ((picked, column), sums) in
                picked.iter_mut().zip(map).zip(sums.chunks(columns.len()))
            {
                if columns.contains(column) {
                    *picked = sums[column - columns.start] / units;
                }
            }
        }
        [picked.iter().sum(), all / units]
    }
}
