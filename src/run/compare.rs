//! Aligned against unaligned: paired differences between methods, target by target. Every method
//! is compared with plain fine-tuning, and MoNA with every other method, over the seeds that both
//! have, in the error of the source probe, the target's test metric, alignment and uniformity of
//! the surrogate features, and D after stage 1 and after the fine-tuning.

use super::cell::Outcome;
use super::distance::Distance;
use super::error::RunError;
use super::look::{Look, named};
use super::measures::{CellMeasures, Stage};
use super::table::{Table, row};
use crate::manifest::method::Method;
use crate::manifest::suite::{DatasetSpec, Suite};
use crate::manifest::task::Metric;
use crate::measure::MeasureError;
use crate::measure::paired::{self, Difference};

/// Columns of `paired.csv`.
pub const PAIRED: &[&str] = &[
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
    "seeds",
    "samples",
];

/// Columns of `seeds.csv`.
pub const SEEDS: &[&str] = &[
    "target",
    "target_title",
    "method",
    "baseline",
    "quantity",
    "seed",
    "method_value",
    "baseline_value",
];

/// A finished cell with its measures.
pub struct Measured {
    /// Its training.
    pub outcome: Outcome,
    /// Its measures.
    pub measures: CellMeasures,
}

impl Measured {
    /// The look through the encoder that is the result.
    pub fn look(&self) -> Option<&Look> {
        self.measures.selected(&self.outcome)
    }

    fn stage(&self, stage: Stage) -> Option<&Distance> {
        let found = self.measures.stages.iter().find(|(s, _)| *s == stage);
        found.map(|(_, d)| d)
    }

    /// D through the embedder that the fine-tuning starts from.
    pub fn before_tuning(&self) -> Option<&Distance> {
        self.stage(Stage::Stage1).or(self.stage(Stage::Initial))
    }
}

/// How a quantity is read off a cell: as marked samples or as one number.
enum Quantity {
    Marks(fn(&Measured) -> Option<Vec<bool>>),
    Number(fn(&Measured) -> Option<f64>),
}

const QUANTITIES: [(&str, Quantity); 7] = [
    (
        "source-error",
        Quantity::Marks(|m| Some(m.look()?.wrong.bits())),
    ),
    (
        "target-error",
        Quantity::Marks(|m| match m.outcome.metric {
            Metric::Error => Some(m.measures.wrong.as_ref()?.bits()),
            _ => None,
        }),
    ),
    (
        "target-metric",
        Quantity::Number(|m| (m.outcome.metric != Metric::Error).then_some(m.outcome.test)),
    ),
    ("align", Quantity::Number(|m| m.look()?.align)),
    ("uniform", Quantity::Number(|m| m.look()?.uniform)),
    (
        "d-stage-1",
        Quantity::Number(|m| m.before_tuning().map(|d| d.value)),
    ),
    (
        "d-fine-tuned",
        Quantity::Number(|m| m.stage(Stage::FineTuned).map(|d| d.value)),
    ),
];

/// Which methods are compared with which.
fn pairs(methods: &[Method]) -> Vec<(Method, Method)> {
    let with = |baseline: Method| {
        let others = methods.iter().filter(move |m| **m != baseline);
        others.map(move |m| (*m, baseline))
    };
    let mut all: Vec<(Method, Method)> = Vec::new();
    if methods.contains(&Method::Nft) {
        all.extend(with(Method::Nft));
    }
    if methods.contains(&Method::Mona) {
        let turned = with(Method::Mona).map(|(other, mona)| (mona, other));
        all.extend(turned.filter(|(_, other)| *other != Method::Nft));
    }
    all
}

/// Adds the comparisons on one target to the tables: means over seeds, and every seed.
pub fn compare(
    suite: &Suite,
    spec: &DatasetSpec,
    cells: &[Measured],
    table: &mut Table,
    seeds: &mut Table,
) -> Result<(), RunError> {
    let (replicates, seed) = (
        suite.measures.paired_bootstrap,
        suite.measures.discrepancy_seed,
    );
    for (method, baseline) in pairs(&suite.transfer.methods) {
        let of = |method: Method| {
            let own = cells
                .iter()
                .filter(move |c| c.outcome.method == method.name());
            own.map(|c| (c.outcome.seed, c))
        };
        let both: Vec<(&Measured, &Measured)> = of(method)
            .filter_map(|(seed, a)| Some((a, of(baseline).find(|(s, _)| *s == seed)?.1)))
            .collect();
        if both.is_empty() {
            continue;
        }
        for (name, quantity) in &QUANTITIES {
            let what = format!("{name} of {} against {}", method.name(), baseline.name());
            let found = match quantity {
                Quantity::Marks(read) => sides(&both, read).map(|(a, b)| {
                    let rates = [&a, &b].map(|side| side.iter().map(|seed| rate(seed)).collect());
                    (rates, paired::error_rates(&a, &b, replicates, seed))
                }),
                Quantity::Number(read) => sides(&both, read).map(|(a, b)| {
                    let difference = paired::values(&a, &b, replicates, seed);
                    ([a, b], difference)
                }),
            };
            let Some((values, difference)) = found else {
                continue;
            };
            let values: [Vec<f64>; 2] = values;
            let means = [0, 1].map(|side: usize| mean(values[side].iter().copied()));
            let difference: Result<Difference, MeasureError> = difference;
            let d = difference.map_err(named(what))?;
            table.push(row![
                &spec.name,
                &spec.title,
                method.name(),
                baseline.name(),
                *name,
                means[0],
                means[1],
                d.mean,
                d.interval[0],
                d.interval[1],
                d.seeds,
                d.samples,
            ]);
            for (place, (a, _)) in both.iter().enumerate() {
                seeds.push(row![
                    &spec.name,
                    &spec.title,
                    method.name(),
                    baseline.name(),
                    *name,
                    a.outcome.seed,
                    values[0][place],
                    values[1][place],
                ]);
            }
        }
    }
    Ok(())
}

/// A quantity of both sides of every pair; `None` unless all have it.
fn sides<T>(
    both: &[(&Measured, &Measured)],
    read: &impl Fn(&Measured) -> Option<T>,
) -> Option<(Vec<T>, Vec<T>)> {
    both.iter()
        .map(|(a, b)| Some((read(a)?, read(b)?)))
        .collect()
}

/// Share of marked samples.
pub fn rate(marks: &[bool]) -> f64 {
    marks.iter().filter(|mark| **mark).count() as f64 / marks.len().max(1) as f64
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(s, n), v| (s + v, n + 1));
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_meets_plain_fine_tuning_and_mona_meets_all() {
        use Method::{Emb, Mona, Nft, Orca};
        let found = pairs(&[Nft, Emb, Orca, Mona]);
        let expected = [
            (Emb, Nft),
            (Orca, Nft),
            (Mona, Nft),
            (Mona, Emb),
            (Mona, Orca),
        ];
        assert_eq!(found, expected);
        assert!(pairs(&[Nft]).is_empty());
        assert!(pairs(&[Emb, Orca]).is_empty());
    }
}
