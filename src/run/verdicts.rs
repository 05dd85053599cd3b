//! Everything that a run's page calls different, judged together: the paired differences of
//! [`compare`](super::compare) and the claims of [`answer`](super::answer) to be best are one family, so that the
//! answer, the finding, figure 6 and the tables cannot contradict each other: a method that is marked best is
//! marked lower in every pair.

use super::answer::{Entry, Shown};
use super::compare::Pair;
use super::table::{Table, row};
use crate::measure::verdict::{Claim, Judged, judge};

/// Columns of `paired.csv`.
const PAIRED: &[&str] = &[
    "target",
    "target_title",
    "method",
    "baseline",
    "quantity",
    "method_mean",
    "baseline_mean",
    "difference",
    "lower",
    "upper",
    "p",
    "adjusted",
    "verdict",
    "seeds",
    "samples",
    "groups",
];

/// Columns of `seeds.csv`.
const SEEDS: &[&str] = &[
    "target",
    "target_title",
    "method",
    "baseline",
    "quantity",
    "seed",
    "method_value",
    "baseline_value",
];

/// Columns of `answer.csv`.
const ANSWER: &[&str] = &[
    "target",
    "target_title",
    "method",
    "metric",
    "target_mean",
    "target_lower",
    "target_upper",
    "target_best",
    "target_adjusted",
    "source_mean",
    "source_lower",
    "source_upper",
    "source_best",
    "source_adjusted",
    "d_mean",
    "d_lower",
    "d_upper",
    "d_best",
    "d_adjusted",
    "seeds",
];

/// What a run says of its methods, target by target.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    pairs: Vec<Pair>,
    answers: Vec<Entry>,
}

impl Verdicts {
    /// Adds a target.
    pub fn add(&mut self, pairs: Vec<Pair>, answers: Vec<Entry>) {
        self.pairs.extend(pairs);
        self.answers.extend(answers);
    }

    /// The claims of all pairs, then those to be best, in the order of answers.
    fn claims(&self) -> Vec<Claim> {
        let pairs = self.pairs.iter().map(|pair| pair.difference.claim());
        let shown = self.answers.iter().flat_map(|entry| entry.shown);
        let best = shown.filter_map(|shown| shown?.best);
        pairs.chain(best).collect()
    }

    /// `paired.csv`, `seeds.csv` and `answer.csv`.
    pub fn tables(&self) -> [Table; 3] {
        let judged = judge(&self.claims());
        let (of_pairs, of_best) = judged.split_at(self.pairs.len());
        [
            self.paired(of_pairs),
            self.seeds(),
            self.answer(of_best.iter()),
        ]
    }

    fn paired(&self, judged: &[Judged]) -> Table {
        let mut table = Table::new(PAIRED);
        for (pair, judged) in self.pairs.iter().zip(judged) {
            let d = &pair.difference;
            let mean = |side: usize| {
                let sum: f64 = pair.seeds.iter().map(|(_, values)| values[side]).sum();
                sum / pair.seeds.len().max(1) as f64
            };
            table.push(row![
                &pair.target[0],
                &pair.target[1],
                pair.method,
                pair.baseline,
                pair.quantity,
                mean(0),
                mean(1),
                d.mean,
                d.interval.map(|i| i[0]),
                d.interval.map(|i| i[1]),
                d.p,
                judged.adjusted,
                judged.verdict.name(),
                d.seeds,
                d.samples,
                d.groups,
            ]);
        }
        table
    }

    fn seeds(&self) -> Table {
        let mut table = Table::new(SEEDS);
        for pair in &self.pairs {
            for (seed, [method, baseline]) in &pair.seeds {
                table.push(row![
                    &pair.target[0],
                    &pair.target[1],
                    pair.method,
                    pair.baseline,
                    pair.quantity,
                    *seed,
                    *method,
                    *baseline,
                ]);
            }
        }
        table
    }

    fn answer<'a>(&self, mut judged: impl Iterator<Item = &'a Judged>) -> Table {
        let mut table = Table::new(ANSWER);
        for entry in &self.answers {
            let of = entry.shown.map(|shown| {
                let claimed = shown.and_then(|shown| shown.best);
                let judged = claimed.and_then(|_| judged.next());
                (shown, judged)
            });
            let mean = |i: usize| of[i].0.map(|shown: Shown| shown.mean);
            let end = |i: usize, side: usize| of[i].0.and_then(|s| Some(s.interval?[side]));
            let best = |i: usize| of[i].1.is_some_and(|judged| judged.verdict.shown());
            let adjusted = |i: usize| of[i].1.and_then(|judged| judged.adjusted);
            table.push(row![
                &entry.target[0],
                &entry.target[1],
                entry.method,
                entry.metric,
                mean(0),
                end(0, 0),
                end(0, 1),
                best(0),
                adjusted(0),
                mean(1),
                end(1, 0),
                end(1, 1),
                best(1),
                adjusted(1),
                mean(2),
                end(2, 0),
                end(2, 1),
                best(2),
                adjusted(2),
                entry.seeds,
            ]);
        }
        table
    }
}
