//! The infimum over subsets and orders of source classes, as an assignment problem.
//!
//! An injective map from target to source classes encodes both the subset B and the order π of
//! the paper's definition. For additive costs the minimum over all of them is one rectangular
//! linear assignment problem, solved exactly (crate `lsap`, SciPy's algorithm). The greedy rule is
//! kept as the baseline, enumeration as the check.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::measure::MeasureError;

/// How the assignment is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Search {
    /// The minimum, by linear assignment.
    #[default]
    Exact,
    /// Each target class, in order, takes the cheapest source class that is still free.
    Greedy,
    /// The minimum, by trying every assignment (at most [`MOST_TRIES`]).
    Brute,
}

/// The most assignments that [`Search::Brute`] will try.
pub const MOST_TRIES: usize = 5_000_000;

/// An injective map from target (row) to source classes (column) and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assignment {
    /// The source class of each target class.
    pub columns: Vec<usize>,
    /// Sum of the costs along the map.
    pub total: f64,
    /// A proven lower bound of the minimum.
    pub lower_bound: f64,
}

impl Assignment {
    /// Whether the total is proven minimal (up to rounding).
    pub fn certified(&self) -> bool {
        self.total - self.lower_bound <= 1e-12 * self.total.abs().max(1.0)
    }

    /// What this map costs in another cost matrix of the same shape.
    pub fn total_in(&self, cost: ArrayView2<'_, f64>) -> Option<f64> {
        (cost.nrows() == self.columns.len()).then_some(())?;
        self.columns
            .iter()
            .enumerate()
            .map(|(row, &column)| cost.get((row, column)))
            .sum()
    }
}

/// Searches a cost matrix `[Kt, Ks]` of finite numbers.
///
/// # Errors
/// [`MeasureError::TooMany`] if `Kt > Ks`, or if there are too many assignments to try.
pub fn assign(cost: ArrayView2<'_, f64>, search: Search) -> Result<Assignment, MeasureError> {
    let (rows, columns) = cost.dim();
    if rows > columns {
        return Err(MeasureError::TooMany {
            what: "target classes",
            expected: columns,
            found: rows,
        });
    }
    crate::measure::samples::check_finite("costs", cost)?;
    let total = |map: &[usize]| {
        map.iter()
            .enumerate()
            .map(|(r, &c)| cost[[r, c]])
            .sum::<f64>()
    };
    Ok(match search {
        Search::Exact => {
            let map = exact(cost)?;
            let total = total(&map);
            Assignment {
                columns: map,
                total,
                lower_bound: total,
            }
        }
        Search::Brute => {
            let tries = (columns - rows + 1..=columns).try_fold(1usize, |n, k| n.checked_mul(k));
            if tries.is_none_or(|n| n > MOST_TRIES) {
                let found = tries.unwrap_or(usize::MAX);
                return Err(MeasureError::TooMany {
                    what: "assignments to try",
                    expected: MOST_TRIES,
                    found,
                });
            }
            let map = brute(cost);
            let total = total(&map);
            Assignment {
                columns: map,
                total,
                lower_bound: total,
            }
        }
        Search::Greedy => {
            let lower_bound = total(&exact(cost)?);
            let map = greedy(cost);
            Assignment {
                total: total(&map),
                columns: map,
                lower_bound,
            }
        }
    })
}

fn exact(cost: ArrayView2<'_, f64>) -> Result<Vec<usize>, MeasureError> {
    let flat: Vec<f64> = cost.iter().copied().collect();
    let (rows, columns) = lsap::solve(cost.nrows(), cost.ncols(), &flat, false).map_err(|e| {
        MeasureError::Numerical {
            what: "assignment",
            found: e.to_string(),
        }
    })?;
    let mut map = vec![0; cost.nrows()];
    rows.into_iter().zip(columns).for_each(|(r, c)| map[r] = c);
    Ok(map)
}

fn greedy(cost: ArrayView2<'_, f64>) -> Vec<usize> {
    let mut free: Vec<usize> = (0..cost.ncols()).collect();
    let mut map = Vec::with_capacity(cost.nrows());
    for row in cost.outer_iter() {
        let cheapest = (0..free.len()).min_by(|&a, &b| row[free[a]].total_cmp(&row[free[b]]));
        map.extend(cheapest.map(|at| free.remove(at)));
    }
    map
}

fn brute(cost: ArrayView2<'_, f64>) -> Vec<usize> {
    fn visit(
        cost: ArrayView2<'_, f64>,
        map: &mut Vec<usize>,
        sum: f64,
        best: &mut (f64, Vec<usize>),
    ) {
        if map.len() == cost.nrows() {
            if sum < best.0 {
                *best = (sum, map.clone());
            }
            return;
        }
        for column in 0..cost.ncols() {
            if !map.contains(&column) {
                let next = sum + cost[[map.len(), column]];
                map.push(column);
                visit(cost, map, next, best);
                map.pop();
            }
        }
    }
    let mut best = (f64::INFINITY, (0..cost.nrows()).collect());
    visit(cost, &mut Vec::new(), 0.0, &mut best);
    best.1
}
