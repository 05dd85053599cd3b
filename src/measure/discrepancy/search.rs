//! The infimum over subsets and orders of source classes, for additive costs: an assignment problem.
//!
//! An injective map from target to source classes encodes both the subset B and the order π of
//! the paper's definition. For additive costs the minimum over all of them is one rectangular
//! linear assignment problem, solved exactly and proven by its duals ([`super::lap`]). The greedy rule
//! and the local search are kept as baselines, enumeration as the check.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::lap;
use crate::measure::MeasureError;

/// How the assignment is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Search {
    /// The minimum: by linear assignment, or for a renormalised divergence by branch and bound,
    /// which may end uncertified within its budget ([`super::DiscrepancyParams::nodes`]).
    #[default]
    Exact,
    /// From a good start, swaps of two target classes and exchanges for an unused source class
    /// until none helps. Need not be minimal.
    Local,
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
    /// A map with a bound of the minimum; a bound that is the total up to rounding is the total.
    pub(super) fn new(columns: Vec<usize>, total: f64, bound: f64) -> Self {
        let proven = total - bound <= 1e-11 * total.abs().max(1.0);
        let lower_bound = if proven { total } else { bound };
        Self {
            columns,
            total,
            lower_bound,
        }
    }

    /// Whether the total is proven minimal (up to rounding).
    pub fn certified(&self) -> bool {
        self.total <= self.lower_bound
    }
}

/// Fails unless `rows` target classes can have source classes of their own.
pub(super) fn fits(rows: usize, columns: usize) -> Result<(), MeasureError> {
    match rows > columns {
        true => Err(MeasureError::TooMany {
            what: "target classes",
            expected: columns,
            found: rows,
        }),
        false => Ok(()),
    }
}

/// Fails if there are too many maps from `rows` to `columns` classes to try them all.
pub(super) fn few(rows: usize, columns: usize) -> Result<(), MeasureError> {
    let tries = (columns - rows + 1..=columns).try_fold(1usize, |n, k| n.checked_mul(k));
    match tries {
        Some(n) if n <= MOST_TRIES => Ok(()),
        _ => Err(MeasureError::TooMany {
            what: "assignments to try",
            expected: MOST_TRIES,
            found: tries.unwrap_or(usize::MAX),
        }),
    }
}

/// Searches a cost matrix `[Kt, Ks]` of finite numbers.
///
/// # Errors
/// [`MeasureError::TooMany`] if `Kt > Ks`, or if there are too many assignments to try.
pub fn assign(cost: ArrayView2<'_, f64>, search: Search) -> Result<Assignment, MeasureError> {
    let (rows, columns) = cost.dim();
    fits(rows, columns)?;
    crate::measure::samples::check_finite("costs", cost)?;
    let exact = lap::solve(cost);
    let map = match search {
        Search::Exact => exact.columns,
        Search::Greedy => greedy(cost),
        Search::Local => local(cost, greedy(cost)),
        Search::Brute => {
            few(rows, columns)?;
            let mut best = (f64::INFINITY, Vec::new());
            let value = |map: &[usize]| map.iter().enumerate().map(|(r, &c)| cost[[r, c]]).sum();
            brute(rows, columns, value, &mut best);
            best.1
        }
    };
    let total = map.iter().enumerate().map(|(r, &c)| cost[[r, c]]).sum();
    Ok(Assignment::new(map, total, exact.bound))
}

pub(super) fn greedy(cost: ArrayView2<'_, f64>) -> Vec<usize> {
    let mut free: Vec<usize> = (0..cost.ncols()).collect();
    let mut map = Vec::with_capacity(cost.nrows());
    for row in cost.outer_iter() {
        let cheapest = (0..free.len()).min_by(|&a, &b| row[free[a]].total_cmp(&row[free[b]]));
        map.extend(cheapest.map(|at| free.remove(at)));
    }
    map
}

/// Steepest descent over swaps of two rows and exchanges for a free column.
fn local(cost: ArrayView2<'_, f64>, mut map: Vec<usize>) -> Vec<usize> {
    let mut used = vec![false; cost.ncols()];
    map.iter().for_each(|&c| used[c] = true);
    let least = 1e-12 * cost.iter().fold(0.0, |m: f64, c| m.max(c.abs()));
    loop {
        let mut best = (-least, 0, 0, false);
        for (r, &c) in map.iter().enumerate() {
            for (other, &d) in map.iter().enumerate().skip(r + 1) {
                let change = cost[[r, d]] + cost[[other, c]] - cost[[r, c]] - cost[[other, d]];
                if change < best.0 {
                    best = (change, r, other, true);
                }
            }
            for (d, _) in used.iter().enumerate().filter(|&(_, &used)| !used) {
                let change = cost[[r, d]] - cost[[r, c]];
                if change < best.0 {
                    best = (change, r, d, false);
                }
            }
        }
        match best {
            (change, ..) if change >= -least => return map,
            (_, r, other, true) => map.swap(r, other),
            (_, r, d, false) => {
                used[map[r]] = false;
                used[d] = true;
                map[r] = d;
            }
        }
    }
}

/// Tries every injective map and keeps the one of least value in `best`.
pub(super) fn brute(
    rows: usize,
    columns: usize,
    value: impl Fn(&[usize]) -> f64,
    best: &mut (f64, Vec<usize>),
) {
    fn visit(
        rows: usize,
        columns: usize,
        map: &mut Vec<usize>,
        value: &dyn Fn(&[usize]) -> f64,
        best: &mut (f64, Vec<usize>),
    ) {
        if map.len() == rows {
            let found = value(map);
            if found < best.0 {
                *best = (found, map.clone());
            }
            return;
        }
        for column in 0..columns {
            if !map.contains(&column) {
                map.push(column);
                visit(rows, columns, map, value, best);
                map.pop();
            }
        }
    }
    visit(rows, columns, &mut Vec::with_capacity(rows), &value, best);
}
