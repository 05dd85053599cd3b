//! Squared distances between points, transport problems on them, and how points pull each other.
//!
//! By the envelope theorem the gradient of OT_ε with respect to points is that of the cost under
//! the fixed optimal plan: for ½‖x − y‖² a displacement, Σᵢ Pᵢⱼ (yⱼ − xᵢ). Debiasing subtracts
//! half of the measure's transport to itself, whose two sides both move, and where both plans have
//! the right mass at yⱼ only Σₖ Qⱼₖ yₖ − Σᵢ Pᵢⱼ xᵢ is left. As in geomloss the plans are those
//! whose mass at the differentiated points is exact: one full update after the potentials.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

use super::kernel::{Weights, plan};
use super::sinkhorn::Solution;
use crate::measure::linalg::product::product;

/// Rows per unit of parallel work.
const BLOCK: usize = 64;

/// ½‖x − y‖² for all pairs, `[N, M]`; the points should be near the origin.
pub fn half_squares(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) -> Array2<f64> {
    let halves = |z: ArrayView2<'_, f64>| -> Vec<f64> {
        z.outer_iter()
            .map(|row| 0.5 * row.iter().map(|v| v * v).sum::<f64>())
            .collect()
    };
    let (xs, ys) = (halves(x), halves(y));
    let mut cost = Array2::zeros((x.nrows(), y.nrows()));
    let blocks: Vec<_> = cost.axis_chunks_iter_mut(Axis(0), BLOCK).collect();
    blocks
        .into_par_iter()
        .enumerate()
        .for_each(|(block, mut cost)| {
            let start = block * BLOCK;
            let rows = x.slice(s![start..start + cost.nrows(), ..]);
            product(rows, y.t(), false, cost.view_mut());
            for (mut row, x) in cost.outer_iter_mut().zip(&xs[start..]) {
                row.iter_mut()
                    .zip(&ys)
                    .for_each(|(c, y)| *c = (x + y - *c).max(0.0));
            }
        });
    cost
}

/// The same for points with themselves: symmetric to the bit, zero on the diagonal.
pub fn own_half_squares(x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut cost = half_squares(x, x);
    for i in 0..cost.nrows() {
        cost[[i, i]] = 0.0;
        for j in 0..i {
            cost[[i, j]] = cost[[j, i]];
        }
    }
    cost
}

/// The plan `[N, M]` of a solved problem whose columns have exactly the masses `b`.
pub fn plan_to(
    cost: Array2<f64>,
    solution: &Solution,
    a: &Weights,
    b: &Weights,
    epsilon: f64,
) -> Array2<f64> {
    let n = cost.nrows();
    plan(
        cost,
        [&solution.at[..n], &solution.next[n..]],
        [a, b],
        epsilon,
    )
}

/// The plan `[N, N]` of a measure with itself whose columns have exactly the masses `a`.
pub fn plan_within(
    cost: Array2<f64>,
    solution: &Solution,
    a: &Weights,
    epsilon: f64,
) -> Array2<f64> {
    plan(cost, [&solution.at, &solution.next], [a, a], epsilon)
}

/// Adds `factor · Pᵀx` `[M, D]` for a plan `[N, M]` and points `[N, D]`.
pub fn add_carried(
    plan: ArrayView2<'_, f64>,
    x: ArrayView2<'_, f64>,
    factor: f64,
    out: &mut Array2<f64>,
) {
    let blocks: Vec<_> = out.axis_chunks_iter_mut(Axis(0), BLOCK).collect();
    blocks
        .into_par_iter()
        .enumerate()
        .for_each(|(block, mut out)| {
            let start = block * BLOCK;
            let columns = plan.slice(s![.., start..start + out.nrows()]);
            let mut part = Array2::zeros(out.dim());
            product(columns.t(), x, false, part.view_mut());
            out.scaled_add(factor, &part);
        });
}
