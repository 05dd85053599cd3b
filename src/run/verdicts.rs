//! What a run says of its methods, target by target, until it is decided and written: the paired differences of
//! [`compare`](super::compare), the claims of [`results`](super::results) to be best and the differences at equal target
//! error of [`tradeoff`](super::tradeoff) and the [`orderings`](super::orderings) within a method, as one family
//! ([`verdicts`](crate::table::verdicts)).

use super::compare::Pair;
use super::results::{Entry, Shown};
use crate::table::verdicts::{Best, Quantity, decide};
use crate::table::{OrderingRow, PairedRow, ResultRow, SeedRow, TradeoffRow};

/// What a run says of its methods, target by target.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    pairs: Vec<Pair>,
    results: Vec<Entry>,
    tradeoffs: Vec<TradeoffRow>,
    orderings: Vec<OrderingRow>,
}

/// The tables of a run's verdicts.
pub struct Decided {
    /// `paired.csv`.
    pub paired: Vec<PairedRow>,
    /// `seeds.csv`.
    pub seeds: Vec<SeedRow>,
    /// `results.csv`.
    pub results: Vec<ResultRow>,
    /// `tradeoff.csv`.
    pub tradeoffs: Vec<TradeoffRow>,
    /// `orderings.csv`.
    pub orderings: Vec<OrderingRow>,
}

impl Verdicts {
    /// Adds a target.
    pub fn add(&mut self, pairs: Vec<Pair>, results: Vec<Entry>, tradeoffs: Vec<TradeoffRow>) {
        self.pairs.extend(pairs);
        self.results.extend(results);
        self.tradeoffs.extend(tradeoffs);
    }

    /// Sets the orderings of all targets so far.
    pub fn order(&mut self, orderings: Vec<OrderingRow>) {
        self.orderings = orderings;
    }

    /// Everything, decided together.
    pub fn decided(&self) -> Decided {
        let mut paired: Vec<PairedRow> = self.pairs.iter().map(undecided).collect();
        let mut results: Vec<ResultRow> = self.results.iter().map(result).collect();
        let best: Vec<Best> = self.results.iter().enumerate().flat_map(best).collect();
        let mut rows: Vec<&mut PairedRow> = paired.iter_mut().collect();
        let mut tradeoffs = self.tradeoffs.clone();
        let mut orderings = self.orderings.clone();
        decide(
            &mut rows,
            &mut results,
            &best,
            &mut tradeoffs,
            &mut orderings,
        );
        Decided {
            paired,
            seeds: self.pairs.iter().flat_map(seeds).collect(),
            results,
            tradeoffs,
            orderings,
        }
    }
}

fn undecided(pair: &Pair) -> PairedRow {
    let found = &pair.difference;
    let mean = |side: usize| {
        let sum: f64 = pair.seeds.iter().map(|(_, values)| values[side]).sum();
        sum / pair.seeds.len().max(1) as f64
    };
    PairedRow {
        target: pair.target[0].clone(),
        target_title: pair.target[1].clone(),
        method: pair.method.into(),
        baseline: pair.baseline.into(),
        quantity: pair.quantity.into(),
        method_mean: mean(0),
        baseline_mean: mean(1),
        difference: found.mean,
        lower: found.interval.map(|[lower, _]| lower),
        upper: found.interval.map(|[_, upper]| upper),
        p: found.p,
        adjusted: None,
        verdict: None,
        seeds: Some(found.seeds as u64),
        samples: Some(found.samples as u64),
        groups: Some(found.groups as u64),
    }
}

fn seeds(pair: &Pair) -> impl Iterator<Item = SeedRow> {
    let row = |(seed, [method, baseline]): &(u64, [f64; 2])| SeedRow {
        target: pair.target[0].clone(),
        target_title: pair.target[1].clone(),
        method: pair.method.into(),
        baseline: pair.baseline.into(),
        quantity: pair.quantity.into(),
        seed: *seed,
        method_value: *method,
        baseline_value: *baseline,
    };
    pair.seeds.iter().map(row)
}

fn result(entry: &Entry) -> ResultRow {
    let [target, source, d] = entry.shown;
    let mean = |shown: Option<Shown>| shown.map(|shown| shown.mean);
    let end = |shown: Option<Shown>, side: usize| Some(shown?.interval?[side]);
    ResultRow {
        target: entry.target[0].clone(),
        target_title: entry.target[1].clone(),
        method: entry.method.into(),
        metric: entry.metric.into(),
        target_mean: mean(target),
        target_lower: end(target, 0),
        target_upper: end(target, 1),
        target_best: false,
        target_adjusted: None,
        source_mean: mean(source),
        source_lower: end(source, 0),
        source_upper: end(source, 1),
        source_best: false,
        source_adjusted: None,
        d_mean: mean(d),
        d_lower: end(d, 0),
        d_upper: end(d, 1),
        d_best: false,
        d_adjusted: None,
        seeds: Some(entry.seeds as u64),
    }
}

/// The claims to be best of one method.
fn best((row, entry): (usize, &Entry)) -> impl Iterator<Item = Best> {
    let of = move |(quantity, shown): (Quantity, Option<Shown>)| {
        let claim = shown?.best?;
        Some(Best {
            row,
            quantity,
            claim,
        })
    };
    Quantity::ALL.into_iter().zip(entry.shown).filter_map(of)
}
