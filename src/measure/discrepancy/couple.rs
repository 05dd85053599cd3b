//! Renormalised divergences from rows to result: which source classes are looked at, the search
//! among them, the null.
//!
//! These searches look at every sample again and again, so N × C probabilities are held. Where all Ks
//! columns would take more than [`super::DiscrepancyParams::memory`], C candidates are chosen in a first
//! pass, on the samples that the assignment is chosen on: for each target class the source classes of
//! least −log p, and those of least −log p relative to their mean over all classes, in turn until the
//! room is full. A dropped class could still belong to the best B, so then nothing is certified: the
//! bound reported for all classes is zero, and the bound among the candidates is given beside it.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::bound::Bounds;
use super::branch::{self, Found};
use super::coupled::Coupled;
use super::problem::{Outcome, Problem};
use super::search::{self, Assignment, Search};
use super::stream::{Rows, gather};
use super::target::Draw;
use super::{Candidates, Divergence};
use crate::measure::MeasureError;

/// Bytes that a candidate takes for a sample: in the table, and with its logarithm and its place
/// in the sample's order while it is searched.
const BYTES: usize = 28;

pub(super) fn run<R: Rows>(
    p: &Problem<'_, '_, R>,
    observed: &Draw,
) -> Result<Outcome, MeasureError> {
    let (n, source) = p.rows.dim();
    let params = p.params;
    let k = p.present.len();
    let room = (params.memory / (BYTES * n)).max(2 * k).min(source);
    let mut check = Some(params.sums);
    let columns: Vec<usize> = if room >= source {
        (0..source).collect()
    } else {
        let costs = p
            .pass()
            .run(p.rows, std::slice::from_ref(observed), check.take())?;
        candidates(costs.means(0, false, 1.0).view(), room)
    };
    let table = gather(p.rows, &columns, check)?;
    let fit = coupled(p, &table, observed, &observed.fitted());
    let logs = fit.log_costs();
    let found = searched(&fit, &logs, params.search, params.nodes)?;
    let evaluate = match observed.split {
        true => &coupled(p, &table, observed, &observed.evaluated()),
        false => &fit,
    };
    let evaluated = observed.evaluated();
    let mut weighed = evaluate.losses(&found.map).into_iter();
    let value = weighed.as_slice().iter().sum::<f64>() / evaluate.units;
    // Samples without a class cost nothing, and are counted where samples are drawn.
    let weighs = |&i: &usize| p.target.units(i) > 0.0;
    let loss = |i: &usize| {
        if weighs(i) {
            weighed.next().unwrap_or(0.0)
        } else {
            0.0
        }
    };
    let losses: Vec<f64> = evaluated.iter().map(loss).collect();
    let chance = chance(evaluate);

    let null = |r: usize| {
        let draw = p.shuffled(r);
        let fit = coupled(p, &table, &draw, &draw.fitted());
        let logs = fit.log_costs();
        let map = match params.search {
            Search::Greedy => search::greedy(fit.pair_costs().view()),
            _ => fit.local(&logs).0,
        };
        let evaluated = match draw.split {
            true => &coupled(p, &table, &draw, &draw.evaluated()),
            false => &fit,
        };
        evaluated.total(&map) / evaluated.units
    };
    let held = BYTES * n * columns.len() * rayon::current_num_threads();
    let nulls: Vec<f64> = match held <= params.memory {
        true => (0..params.null).into_par_iter().map(null).collect(),
        false => (0..params.null).map(null).collect(),
    };

    let (total, bound) = (found.total / fit.units, found.bound / fit.units);
    let screened = columns.len() < source;
    Ok(Outcome {
        found: Assignment {
            columns: found.map.iter().map(|&k| columns[k]).collect(),
            total,
            lower_bound: if screened { 0.0 } else { bound },
        },
        value,
        chance,
        nulls,
        losses,
        least: None,
        candidates: screened.then_some(Candidates {
            classes: columns.len(),
            lower_bound: bound,
        }),
        nodes: found.nodes,
    })
}

fn coupled<R: Rows>(
    p: &Problem<'_, '_, R>,
    table: &Array2<f64>,
    draw: &Draw,
    rows: &[usize],
) -> Coupled {
    // Samples without a class weigh nothing and compare with nothing.
    let weighs = |&&i: &&usize| {
        let mut any = false;
        p.target.mass(draw.order[i], |_, _| any = true);
        any
    };
    let rows: Vec<usize> = rows.iter().filter(weighs).copied().collect();
    let classes = (p.index.as_slice(), p.present.len());
    Coupled::new(
        p.params.divergence,
        table.view(),
        &p.target,
        classes,
        draw,
        &rows,
    )
}

/// The search that was asked for, with a bound.
fn searched(
    fit: &Coupled,
    logs: &Array2<f64>,
    search: Search,
    nodes: Option<usize>,
) -> Result<Found, MeasureError> {
    let columns = fit.p.ncols();
    let (map, total) = match search {
        Search::Exact | Search::Local => fit.local(logs),
        Search::Greedy => {
            let map = search::greedy(fit.pair_costs().view());
            let total = fit.total(&map);
            (map, total)
        }
        Search::Brute => {
            search::few(fit.k, columns)?;
            let mut best = (f64::INFINITY, Vec::new());
            search::brute(fit.k, columns, |map| fit.total(map), &mut best);
            return Ok(Found {
                map: best.1,
                total: best.0,
                bound: best.0,
                nodes: 0,
            });
        }
    };
    if search == Search::Exact {
        let nodes = nodes.unwrap_or_else(|| branch::budget(fit.entries.len(), columns, fit.k));
        return Ok(branch::search(fit, logs, map, total, nodes));
    }
    let bound = branch::root(&Bounds::new(fit), &map)
        .value
        .clamp(0.0, total);
    Ok(Found {
        map,
        total,
        bound,
        nodes: 1,
    })
}

/// What the same conditional for every sample would cost: each class of K equally probable.
fn chance(c: &Coupled) -> f64 {
    let even = 1.0 / c.k as f64;
    let total: f64 = match c.divergence {
        Divergence::TvRenormalized if c.every_class() => {
            let apart = |i: usize| {
                c.weights(i..i + 1)
                    .iter()
                    .map(|t| (t - even).abs())
                    .sum::<f64>()
            };
            (0..c.entries.len()).map(|i| 0.5 * apart(i)).sum()
        }
        Divergence::TvRenormalized => c.mass.iter().sum::<f64>() * (1.0 - even),
        _ => c.mass.iter().sum::<f64>() * (c.k as f64).ln() + c.constant,
    };
    total / c.units
}

/// Columns of a cost matrix −Σ T log p that are good for some row, in rising order.
fn candidates(costs: ArrayView2<'_, f64>, room: usize) -> Vec<usize> {
    let mean = costs.sum_axis(Axis(0));
    let ranked = |row: &[f64]| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        let least = |&a: &usize, &b: &usize| row[a].total_cmp(&row[b]).then(a.cmp(&b));
        if room < order.len() {
            order.select_nth_unstable_by(room, least);
            order.truncate(room);
        }
        order.sort_by(least);
        order
    };
    let share = 1.0 / costs.nrows() as f64;
    let orders: Vec<Vec<usize>> = (0..2 * costs.nrows())
        .into_par_iter()
        .map(|r| match r % 2 {
            0 => ranked(&costs.row(r / 2).to_vec()),
            _ => ranked(&(&costs.row(r / 2) - &(&mean * share)).to_vec()),
        })
        .collect();
    let mut chosen = vec![false; costs.ncols()];
    let mut count = 0;
    'full: for rank in 0..room {
        for order in &orders {
            if count == room {
                break 'full;
            }
            let k = order[rank];
            count += usize::from(!chosen[k]);
            chosen[k] = true;
        }
    }
    (0..chosen.len()).filter(|&k| chosen[k]).collect()
}
