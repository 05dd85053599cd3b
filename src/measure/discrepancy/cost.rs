//! Cost matrices of assignments, from blocks of source probabilities.
//!
//! `cost[c][k] = Σᵢ T_ic · cost(p_k(x̂ᵢ))`: blocks of rows come and go, and only `Kt × Ks` sums stay for
//! each draw of targets (the observed ones, and shuffled ones for the null) and each part of its
//! split. With 21,841 source classes and 200 target classes that is 35 MB, whatever `N`.
//!
//! Work is cut into tiles of columns: a tile's sums stay in the cache while a block passes, and each
//! sum is added in the order of the samples, so that no number of threads and no size of blocks
//! changes a bit.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::Target;
use super::divergence::Divergence;
use super::simd;
use super::stream::{self, ALIGN, Rows, Sums};
use super::target::Draw;
use crate::measure::MeasureError;
use crate::measure::product::product;
use crate::measure::samples::Real;

/// Columns of a tile.
const TILE: usize = 512;

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
    /// Sum, least and greatest of these columns for each row of a block that is to be checked.
    spans: Vec<[f64; 3]>,
}

impl Pass<'_, '_> {
    /// Bytes that a draw of `rows` samples takes.
    pub fn bytes(&self, rows: usize, columns: usize, parts: usize) -> usize {
        9 * rows + 8 * parts * self.present * columns
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
                let sums = vec![0.0; draws.len() * parts * self.present * tile.len()];
                tasks.push(Task {
                    columns: tile.clone(),
                    draws,
                    sums,
                    spans: Vec::new(),
                });
            }
        }
        rows.blocks(&mut |first, block| {
            tasks.par_iter_mut().for_each(|task| {
                let part = block.slice(s![.., task.columns.clone()]);
                if sums.is_some() && task.draws.start == 0 {
                    // While the numbers are in the nearest cache.
                    task.spans.clear();
                    task.spans.resize(block.nrows(), [0.0; 3]);
                }
                let draws = &draws[task.draws.clone()];
                match self.target {
                    Target::Conditionals(t) => self.products(task, part, first, draws, parts, t),
                    _ => self.sums(task, part, first, draws, parts),
                }
            });
            sums.map_or(Ok(()), |sums| {
                stream::verify("source probabilities", block, first, sums, |row| {
                    let spans = tasks.iter().filter(|task| task.draws.start == 0);
                    spans.fold(simd::NOTHING, |all, task| simd::join(all, task.spans[row]))
                })
            })
        })?;
        Ok(Costs {
            tasks,
            parts,
            present: self.present,
            columns,
        })
    }

    /// Adds rows to the sums of their classes.
    fn sums<A: Real>(
        &self,
        task: &mut Task,
        block: ArrayView2<'_, A>,
        first: usize,
        draws: &[Draw],
        parts: usize,
    ) {
        let width = block.ncols();
        let mut costs = vec![0.0; width];
        let one = draws.len() == 1
            && matches!(self.target, Target::Labels { .. })
            && block.strides()[1] == 1;
        for (row, p) in block.outer_iter().enumerate() {
            let i = first + row;
            let span = if let (true, Some(p)) = (one, p.to_slice()) {
                let part = usize::from(draws[0].held[i]);
                let mut span = simd::NOTHING;
                self.target.mass(draws[0].order[i], |class, _| {
                    let at = (part * self.present + self.index[class]) * width;
                    let sums = &mut task.sums[at..at + width];
                    span = simd::add_costs(self.divergence, p, sums);
                });
                span
            } else {
                self.costs(p, &mut costs)
            };
            if let Some(place) = task.spans.get_mut(row) {
                *place = span;
            }
            if one {
                continue;
            }
            for (d, draw) in draws.iter().enumerate() {
                let part = d * parts + usize::from(draw.held[i]);
                self.target.mass(draw.order[i], |class, _| {
                    let at = (part * self.present + self.index[class]) * width;
                    simd::add(&mut task.sums[at..at + width], &costs);
                });
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
                    let span = self.costs(block.row(row), out);
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

    /// The costs of a row; returns its span.
    fn costs<A: Real>(&self, p: ndarray::ArrayView1<'_, A>, out: &mut [f64]) -> [f64; 3] {
        out.fill(0.0);
        match p.to_slice() {
            Some(p) => simd::add_costs(self.divergence, p, out),
            None => simd::add_costs(self.divergence, &p.to_vec(), out),
        }
    }
}

impl Costs {
    /// The sums of one draw `[present, Ks]`, on its fitted or on its held-out samples.
    pub fn matrix(&self, draw: usize, held: bool) -> Array2<f64> {
        let mut matrix = Array2::zeros((self.present, self.columns));
        for task in self.tasks.iter().filter(|task| task.draws.contains(&draw)) {
            let part = (draw - task.draws.start) * self.parts + usize::from(held);
            let width = task.columns.len();
            let at = part * self.present * width;
            let sums = &task.sums[at..at + self.present * width];
            if let Ok(sums) = ArrayView2::from_shape((self.present, width), sums) {
                matrix.slice_mut(s![.., task.columns.clone()]).assign(&sums);
            }
        }
        matrix
    }
}
