//! The discrepancy from split to interval: search, evaluate, and the same for shuffled targets and
//! resampled rows.
//!
//! Every random draw has its own ChaCha stream (0 the split, then one per shuffle and one per
//! resample), so that replicates can run in parallel and stay the same for any number of threads.
//! Shuffled targets are counted in the same pass over the rows as the observed ones, as many at a time
//! as [`super::DiscrepancyParams::memory`] allows. The bootstrap needs one number a sample, picked
//! from the rows once the assignment is known. Split, shuffle and bootstrap draw whole [`Groups`].

use std::time::Instant;

use ndarray::Array2;
use rand::RngExt;
use rayon::prelude::*;

use super::cost::{Costs, Pass};
use super::search::{Assignment, Search, assign, fits};
use super::stream::Rows;
use super::target::{Draw, Target};
use super::{Candidates, Discrepancy, ValidDiscrepancyParams, couple};
use crate::measure::groups::split;
use crate::measure::{Groups, MeasureError, stats};
use crate::random::DISCREPANCY;

/// The inputs, ready to be searched again and again.
pub(super) struct Problem<'t, 'p, R: Rows> {
    pub rows: &'p R,
    pub target: Target<'t>,
    /// Mass of each target class.
    pub mass: Vec<f64>,
    /// Target classes that have mass; the others take no part.
    pub present: Vec<usize>,
    /// Place of each class among them.
    pub index: Vec<usize>,
    pub params: &'p ValidDiscrepancyParams,
    /// Which samples belong together.
    pub groups: &'p Groups,
    /// Numbers that tell targets apart, where groups exchange them.
    patterns: Option<Vec<usize>>,
}

/// What a kind of divergence finds, over present classes.
pub(super) struct Outcome {
    /// For the samples it was chosen on, as means.
    pub found: Assignment,
    /// Mean over evaluated samples.
    pub value: f64,
    pub chance: f64,
    pub nulls: Vec<f64>,
    /// Loss of each evaluated sample.
    pub losses: Vec<f64>,
    /// A 97.5 % lower bound of the infimum, where one is known.
    pub least: Option<f64>,
    pub candidates: Option<Candidates>,
    pub nodes: usize,
}

impl<'t, 'p, R: Rows> Problem<'t, 'p, R> {
    /// Checks sizes and targets; the rows themselves are checked in the first pass over them.
    pub fn new(
        rows: &'p R,
        target: Target<'t>,
        groups: &'p Groups,
        params: &'p ValidDiscrepancyParams,
    ) -> Result<Self, MeasureError> {
        let (n, source) = rows.dim();
        let classes = target.classes();
        MeasureError::at_least("samples", 1, n)?;
        MeasureError::at_least("target classes", 1, classes)?;
        fits(classes, source)?;
        target.check(n)?;
        MeasureError::same("groups of samples", n, groups.len())?;
        let grouped = !groups.is_singletons();
        if grouped && params.holdout.is_some() && matches!(target, Target::Labels { .. }) {
            split::enough(&target.groups(groups))?;
        }
        let mass = target.totals(n);
        let present: Vec<usize> = (0..classes).filter(|&c| mass[c] > 0.0).collect();
        MeasureError::at_least("target classes with samples", 1, present.len())?;
        let mut index = vec![usize::MAX; classes];
        present.iter().enumerate().for_each(|(i, &c)| index[c] = i);
        Ok(Self {
            rows,
            target,
            mass,
            present,
            index,
            params,
            groups,
            patterns: grouped.then(|| target.patterns(n)).flatten(),
        })
    }

    pub fn pass(&self) -> Pass<'t, '_> {
        Pass {
            target: self.target,
            index: &self.index,
            present: self.present.len(),
            divergence: self.params.divergence,
        }
    }

    /// The observed targets, split.
    pub fn observed(&self) -> Result<Draw, MeasureError> {
        let order = (0..self.rows.dim().0).collect();
        let mut rng = DISCREPANCY.rng(self.params.seed, &[0]);
        let draw = self.target.draw(
            order,
            self.params.holdout,
            &self.mass,
            self.groups,
            &mut rng,
        );
        let evaluated = draw.evaluated();
        let found = if draw.units(&self.target, &evaluated) > 0.0 {
            evaluated.len()
        } else {
            0
        };
        MeasureError::at_least("samples to evaluate on", 1, found)?;
        Ok(draw)
    }

    /// Shuffled targets, split anew.
    pub fn shuffled(&self, replicate: usize) -> Draw {
        let mut rng = DISCREPANCY.rng(self.params.seed, &[1 + replicate as u64]);
        let order = match &self.patterns {
            Some(patterns) => self.groups.shuffled(|i| patterns[i], &mut rng),
            None => self.groups.rotated(&mut rng),
        };
        self.target.draw(
            order,
            self.params.holdout,
            &self.mass,
            self.groups,
            &mut rng,
        )
    }

    /// 95 % interval of the mean loss of evaluated samples, by resampled samples or groups.
    fn interval(&self, evaluated: &[usize], losses: &[f64], units: &[f64]) -> Option<[f64; 2]> {
        let (seed, first) = (self.params.seed, 1 + self.params.null as u64);
        if !self.groups.is_singletons() {
            let groups = self.groups.select(evaluated);
            let main = |&i: &usize| self.target.stratum(i, &self.mass);
            let strata = groups.classes(&evaluated.iter().map(main).collect::<Vec<_>>());
            let times = self.params.bootstrap;
            let means = groups.bootstrap(&strata, losses, units, times, (seed, first));
            return stats::expanded95(&means, groups.freedom(&strata));
        }
        let whole: Vec<f64> = (0..self.params.bootstrap as u64)
            .into_par_iter()
            .map(|r| {
                let mut rng = DISCREPANCY.rng(seed, &[first + r]);
                let (mut sum, mut weight) = (0.0, 0.0);
                for _ in losses {
                    let i = rng.random_range(0..losses.len());
                    sum += losses[i];
                    weight += units[i];
                }
                sum / weight
            })
            .collect();
        // Resamples of nothing but samples without a class say nothing.
        let means: Vec<f64> = whole.into_iter().filter(|mean| mean.is_finite()).collect();
        stats::interval95(&means)
    }

    /// Standard error of the mean loss of some samples, and how many groups it rests on.
    fn error(&self, samples: &[usize], losses: &[f64]) -> Option<(f64, usize)> {
        let units: Vec<f64> = samples.iter().map(|&i| self.target.units(i)).collect();
        let groups = self.groups.select(samples);
        Some((groups.mean(losses, &units).1?, groups.count()))
    }

    /// The half-width of a one-sided 97.5 % bound of such a mean.
    fn half(&self, (error, groups): (f64, usize)) -> f64 {
        error * stats::student_quantile(0.975, groups - 1)
    }

    /// Additive divergences: cost matrices, the observed one and the null's.
    fn additive(&self, observed: &Draw) -> Result<Outcome, MeasureError> {
        let params = self.params;
        let (n, source) = self.rows.dim();
        let pass = self.pass();
        let each = pass.bytes(n, source, 1 + usize::from(observed.split));
        let at_once = (params.memory / each.max(1)).max(1);
        let search = |costs: &Costs, at: usize, draw: &Draw| {
            let units = draw.units(&self.target, &draw.fitted());
            let fit = costs.means(at, false, units);
            let found = assign(fit.view(), params.search)?;
            let units = draw.units(&self.target, &draw.evaluated());
            let [value, all] = costs.totals(at, draw.split, units, &found.columns);
            Ok::<_, MeasureError>((found, value, all / source as f64))
        };
        let mut nulls = Vec::new();
        let mut first = None;
        let mut whole = None;
        let mut done = 0;
        let identity = Draw {
            order: observed.order.clone(),
            held: observed.held.clone(),
            split: observed.split,
        };
        let mut draws = vec![identity];
        while first.is_none() || done < params.null {
            let more = (params.null - done).min(at_once - draws.len().min(at_once));
            draws.extend((done..done + more).map(|r| self.shuffled(r)));
            done += more;
            let check = first.is_none().then_some(params.sums);
            let costs = pass.run(self.rows, &draws, check)?;
            let from = usize::from(first.is_none());
            if first.is_none() {
                first = Some(search(&costs, 0, &draws[0])?);
                if observed.split && params.bootstrap > 0 {
                    whole = Some(self.whole(&costs, &draws[0])?);
                }
            }
            let values: Vec<f64> = (from..draws.len())
                .into_par_iter()
                .map(|at| Ok(search(&costs, at, &draws[at])?.1))
                .collect::<Result<_, MeasureError>>()?;
            nulls.extend(values);
            draws.clear();
        }
        let (found, value, chance) = first.unwrap_or_else(|| unreachable!("one pass at least"));
        let evaluated = observed.evaluated();
        let losses = match observed.split {
            true => self.losses(&found, &evaluated)?,
            false => Vec::new(),
        };
        let least = match &whole {
            Some(whole) => self.least(whole, (&evaluated, &losses))?,
            None => None,
        };
        Ok(Outcome {
            found,
            value,
            chance,
            nulls,
            losses,
            least,
            candidates: None,
            nodes: 0,
        })
    }

    /// The best assignment for all samples, chosen and held out.
    fn whole(&self, costs: &Costs, draw: &Draw) -> Result<Assignment, MeasureError> {
        let all: Vec<usize> = (0..draw.order.len()).collect();
        let units = draw.units(&self.target, &all);
        let means = costs.means(0, false, units) + costs.means(0, true, units);
        assign(means.view(), Search::Exact)
    }

    /// A 97.5 % lower bound of the infimum. The least mean cost of all samples is no more than that of
    /// the assignment a* that is best in truth, and the latter is an ordinary mean; its standard error
    /// is not known, and the larger one of two stands for it: that of the assignment best here, and of
    /// the one found on the other samples.
    fn least(
        &self,
        whole: &Assignment,
        (evaluated, losses): (&[usize], &[f64]),
    ) -> Result<Option<f64>, MeasureError> {
        let all: Vec<usize> = (0..self.rows.dim().0).collect();
        let inside = self.error(&all, &self.losses(whole, &all)?);
        let Some(((inside, groups), (outside, some))) = inside.zip(self.error(evaluated, losses))
        else {
            return Ok(None);
        };
        let outside = outside * (some as f64 / groups as f64).sqrt();
        let half = self.half((inside.max(outside), groups));
        Ok(Some((whole.lower_bound - half).max(0.0)))
    }

    /// Costs of samples under an assignment, picked from the rows.
    fn losses(&self, found: &Assignment, samples: &[usize]) -> Result<Vec<f64>, MeasureError> {
        if self.params.bootstrap == 0 {
            return Ok(Vec::new());
        }
        let mut losses = Vec::with_capacity(samples.len());
        for some in samples.chunks(1 << 14) {
            let (mut places, mut weights) = (Vec::new(), Vec::new());
            for (at, &i) in some.iter().enumerate() {
                self.target.mass(i, |class, weight| {
                    places.push((i, found.columns[self.index[class]]));
                    weights.push((at, weight));
                });
            }
            let mut part = vec![0.0; some.len()];
            for (p, (at, weight)) in self.rows.pick(&places)?.into_iter().zip(weights) {
                part[at] += weight * self.params.divergence.cost(p.clamp(0.0, 1.0));
            }
            losses.extend(part);
        }
        Ok(losses)
    }
}

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
