//! Additive divergences from rows to result: cost matrices, the search, the null.
//!
//! Shuffled targets are counted in the same pass over the rows as the observed ones, as many at a time
//! as [`super::DiscrepancyParams::memory`] allows. The bootstrap needs one number a sample, picked
//! from the rows once the assignment is known.

use rayon::prelude::*;

use super::cost::Costs;
use super::problem::{Outcome, Problem};
use super::search::{Assignment, Search, assign};
use super::stream::Rows;
use super::target::Draw;
use crate::measure::MeasureError;

impl<R: Rows> Problem<'_, '_, R> {
    /// Additive divergences: cost matrices, the observed one and the null's.
    pub fn additive(&self, observed: &Draw) -> Result<Outcome, MeasureError> {
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
