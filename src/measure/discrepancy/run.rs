//! The discrepancy from split to interval.

use std::time::Instant;

use ndarray::Array2;

use super::cost::Pass;
use super::problem::Problem;
use super::stream::Rows;
use super::target::{Draw, Target};
use super::{Discrepancy, ValidDiscrepancyParams, couple};
use crate::measure::{Groups, MeasureError, interrupt, stats};

pub(super) fn run<R: Rows>(
    rows: &R,
    target: Target<'_>,
    groups: &Groups,
    params: &ValidDiscrepancyParams,
) -> Result<Discrepancy, MeasureError> {
    let start = Instant::now();
    let problem = Problem::new(rows, target, groups, params)?;
    let observed = problem.observed()?;
    let outcome = match params.divergence.renormalized() {
        true => couple::run(&problem, &observed)?,
        false => problem.additive(&observed)?,
    };
    interrupt::check()?;
    let evaluated = observed.evaluated();
    let units: Vec<f64> = evaluated.iter().map(|&i| target.units(i)).collect();
    let sure = observed.split && params.bootstrap > 0;
    let interval = sure
        .then(|| problem.interval(&evaluated, &outcome.losses, &units))
        .flatten();
    let most = outcome.least.and_then(|_| {
        let error = problem.error(&evaluated, &outcome.losses)?;
        let most = params.divergence.cost(0.0);
        Some((outcome.value + problem.half(error)).min(most))
    });
    let mut assignment = vec![None; target.classes()];
    for (&c, &k) in problem.present.iter().zip(&outcome.found.columns) {
        assignment[c] = Some(k);
    }
    let nulls = &outcome.nulls;
    let null_mean = (!nulls.is_empty()).then(|| nulls.iter().sum::<f64>() / nulls.len() as f64);
    let found = outcome.found;
    Ok(Discrepancy {
        value: outcome.value,
        fit_value: found.total,
        lower_bound: found.lower_bound,
        gap: found.total - found.lower_bound,
        certified: found.certified(),
        null_mean,
        null_interval: stats::interval95(nulls),
        chance: outcome.chance,
        normalized: null_mean.filter(|&m| m > 0.0).map(|m| outcome.value / m),
        interval,
        infimum_interval: outcome.least.zip(most).map(|(least, most)| [least, most]),
        assignment,
        divergence: params.divergence,
        search: params.search,
        holdout: params.holdout,
        samples: units.iter().sum::<f64>() as usize,
        groups: groups.count(),
        groups_per_class: target
            .groups(groups)
            .into_iter()
            .filter(|&n| n > 0)
            .min()
            .unwrap_or(0),
        candidates: outcome.candidates,
        nodes: outcome.nodes,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Mean source probabilities of each target class's samples `[Kt, Ks]`, zero for a class without samples.
pub(super) fn means<R: Rows>(
    rows: &R,
    target: Target<'_>,
    params: &ValidDiscrepancyParams,
) -> Result<Array2<f64>, MeasureError> {
    let groups = Groups::singletons(rows.dim().0);
    let problem = Problem::new(rows, target, &groups, params)?;
    let order = (0..rows.dim().0).collect();
    let all = Draw {
        order,
        held: vec![false; rows.dim().0],
        split: false,
    };
    let pass = Pass {
        divergence: super::Divergence::Error,
        ..problem.pass()
    };
    let sums = pass
        .run(rows, &[all], Some(params.sums))?
        .means(0, false, 1.0);
    let mut means = Array2::zeros((target.classes(), rows.dim().1));
    for (sums, &class) in sums.outer_iter().zip(&problem.present) {
        // Sums are of 1 − p.
        let mass = problem.mass[class];
        means
            .row_mut(class)
            .assign(&sums.mapv(|sum| (1.0 - sum / mass).max(0.0)));
    }
    Ok(means)
}
