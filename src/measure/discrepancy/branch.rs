//! Branch and bound for renormalised divergences, over which source classes are in B.
//!
//! A node fixes some source classes in B and some out of it. Its bound is that of [`super::bound`]; a complete
//! B is valued exactly, with its best order. The node of least bound is opened first, so the least
//! bound of all open nodes is a bound of the whole, which rises until it meets the best value known
//! (**certified**) or the budget of nodes is spent (a **gap** remains). Nothing depends on time or threads.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ndarray::Array2;

use super::bound::{Bound, Bounds, State};
use super::coupled::Coupled;
use crate::measure::interrupt;

/// Steps of the bound at the root, where it is the bound of everything, and at other nodes.
const ROOT_STEPS: usize = 60;
const STEPS: usize = 12;
/// Steps that a node's start counts as having behind it.
const TAKEN: usize = 10;

/// Values closer than this, relative to the sum of losses or of weights, count as equal.
const TOLERANCE: f64 = 1e-9;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Found {
    pub map: Vec<usize>,
    /// Σ of its losses.
    pub total: f64,
    /// A proven bound of the same; equal if certified.
    pub bound: f64,
    /// Nodes valued or bounded.
    pub nodes: usize,
}

struct Node {
    bound: f64,
    number: usize,
    states: Vec<State>,
    branch: usize,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Node {}
impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Node {
    /// The greatest of a heap is the node of least bound, of equals the newest: it is the deepest.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .bound
            .total_cmp(&self.bound)
            .then(self.number.cmp(&other.number))
    }
}

/// Nodes that a search may take if none are set: all subsets where these are few, otherwise what
/// about 2·10⁸ sample-column pairs allow (some ten seconds).
pub(super) fn budget(samples: usize, columns: usize, k: usize) -> usize {
    let subsets = (0..k.min(columns - k.min(columns)))
        .try_fold(1usize, |n, i| Some(n.checked_mul(columns - i)? / (i + 1)));
    match subsets {
        // The tree has less than two nodes for each of its leaves.
        Some(n) if n <= 40_000 => 2 * n + 2,
        _ => (200_000_000 / (samples * columns).max(1)).clamp(50, 100_000),
    }
}

/// The bound of everything.
pub(super) fn root(bounds: &Bounds<'_>, start: &[usize]) -> Bound {
    let c = bounds.coupled;
    let mut x = Array2::zeros((c.k, c.p.ncols()));
    start
        .iter()
        .enumerate()
        .for_each(|(class, &k)| x[[class, k]] = 1.0);
    bounds.bound(&vec![State::Free; c.p.ncols()], x, 0, ROOT_STEPS)
}

/// Searches from a map that is known, whose losses sum to `total`.
pub(super) fn search(
    c: &Coupled,
    logs: &Array2<f64>,
    map: Vec<usize>,
    total: f64,
    budget: usize,
) -> Found {
    let bounds = Bounds::new(c);
    let mut best = Found {
        map,
        total,
        bound: total,
        nodes: 1,
    };
    let slack = |total: f64| TOLERANCE * total.abs().max(c.units);
    let first = root(&bounds, &best.map);
    let mass = c.p.sum_axis(ndarray::Axis(0));
    let branch = |states: &[State], map: &[usize]| {
        let free = map.iter().copied().filter(|&k| states[k] == State::Free);
        free.max_by(|&a, &b| mass[a].total_cmp(&mass[b]).then(b.cmp(&a)))
    };
    let mut open = BinaryHeap::new();
    let states = vec![State::Free; c.p.ncols()];
    let offer = |best: &mut Found, map: &[usize]| {
        let (map, total) = c.ordered(map, logs);
        if total < best.total {
            (best.map, best.total) = (map, total);
        }
    };
    offer(&mut best, &first.map);
    if let Some(branch) = branch(&states, &first.map) {
        open.push(Node {
            bound: first.value,
            number: 0,
            states,
            branch,
        });
    }
    let closed = loop {
        let Some(node) = open.pop() else {
            break best.total;
        };
        if node.bound >= best.total - slack(best.total) {
            break best.total;
        }
        if best.nodes >= budget || interrupt::asked() {
            break node.bound;
        }
        for state in [State::In, State::Out] {
            let mut states = node.states.clone();
            states[node.branch] = state;
            best.nodes += 1;
            let of = |state| {
                (0..states.len())
                    .filter(|&k| states[k] == state)
                    .collect::<Vec<_>>()
            };
            let (forced, free) = (of(State::In), of(State::Free));
            let missing = c.k - forced.len();
            if missing == 0 || missing == free.len() {
                let mut subset = forced;
                if missing > 0 {
                    subset.extend(free);
                }
                offer(&mut best, &subset);
                continue;
            }
            if missing > free.len() {
                continue;
            }
            let found = bounds.bound(&states, first.at.clone(), TAKEN, STEPS);
            let bound = found.value.max(node.bound);
            if bound < best.total - slack(best.total) {
                offer(&mut best, &found.map);
                if let Some(branch) = branch(&states, &found.map) {
                    open.push(Node {
                        bound,
                        number: best.nodes,
                        states,
                        branch,
                    });
                }
            }
        }
    };
    best.bound = closed.min(best.total);
    best
}
