//! Aligned against unaligned: paired differences between methods, target by target. Every method
//! is compared with plain fine-tuning, MoNA with every other method, and every method with the encoder (of two towers also
//! with what they do on the target) before any transfer, over the seeds that both have: in the error of the source probe, the target's test
//! metric, alignment and uniformity of the surrogate features, and D after stage 1 and after the
//! fine-tuning. What the differences amount to is decided for the whole run at once, by
//! [`verdicts`](super::verdicts).

use super::cell::Outcome;
use super::distance::{Distance, Stage};
use super::error::{RunError, named};
use super::measures::CellMeasures;
use crate::evaluate::Evaluation;
use crate::measure::MeasureError;
use crate::measure::paired::{self, Difference, Draws};
use crate::measure::stats::mean;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::task::Metric;
use crate::transfer::methods::{self, Method, PLAIN, Role};

pub use crate::table::PRETRAINED;
use crate::table::{RECALL_ERROR, SOURCE_ERROR, TARGET_ERROR};

/// A finished cell with its measures.
pub struct Measured {
    /// Its training.
    pub outcome: Outcome,
    /// Its measures.
    pub measures: CellMeasures,
}

impl Measured {
    /// The evaluation of the encoder that is the result.
    pub fn evaluation(&self) -> Option<&Evaluation> {
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

/// What there was before any transfer.
#[derive(Clone, Copy, Default)]
pub struct Before<'a> {
    /// The evaluation of the encoder; none beside targets with an encoder of their own.
    pub evaluation: Option<&'a Evaluation>,
    /// Which of a target's test samples untouched towers get wrong, where its classes are texts.
    pub wrong: Option<&'a [bool]>,
    /// What its test pictures add to what untouched towers miss, where they have captions.
    pub missed: Option<&'a [f64]>,
}

/// How a quantity is read off a cell: as marked samples or as one number.
enum Quantity {
    Marks(Part, fn(&Measured) -> Option<Vec<bool>>),
    /// Samples that are wrong in part.
    Shares(Part, fn(&Measured) -> Option<Vec<f64>>),
    Number(fn(&Measured) -> Option<f64>),
}

/// Whose test samples are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The surrogate's.
    Source,
    /// The target's.
    Target,
}

/// Which test samples belong together: a clip's chunks, a person's windows. Drawn as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Units<'a> {
    /// The group of every test sample of the surrogate; without, each is its own.
    pub source: Option<&'a [usize]>,
    /// The same of the target.
    pub target: Option<&'a [usize]>,
}

impl<'a> Units<'a> {
    /// How samples of a part are drawn again.
    pub fn draws(&self, part: Part, suite: &Suite) -> Draws<'a> {
        Draws {
            groups: match part {
                Part::Source => self.source,
                Part::Target => self.target,
            },
            replicates: suite.measures.paired_bootstrap,
            seed: suite.measures.discrepancy_seed,
        }
    }
}

const QUANTITIES: [(&str, Quantity); 8] = [
    (
        SOURCE_ERROR,
        Quantity::Marks(Part::Source, |m| Some(m.evaluation()?.probe.wrong.bits())),
    ),
    (
        TARGET_ERROR,
        Quantity::Marks(Part::Target, |m| match m.outcome.metric {
            Metric::Error => Some(m.measures.wrong.as_ref()?.bits()),
            _ => None,
        }),
    ),
    (
        "target-metric",
        Quantity::Number(|m| {
            let sampled = [Metric::Error, Metric::OneMinusMeanRecall];
            (!sampled.contains(&m.outcome.metric)).then_some(m.outcome.test)
        }),
    ),
    (
        RECALL_ERROR,
        Quantity::Shares(Part::Target, |m| {
            Some(m.measures.retrieved.as_ref()?.missed.clone())
        }),
    ),
    ("align", Quantity::Number(|m| m.evaluation()?.alignment())),
    (
        "uniform",
        Quantity::Number(|m| m.evaluation()?.uniformity()),
    ),
    (
        "d-stage-1",
        Quantity::Number(|m| m.before_tuning().map(|d| d.value)),
    ),
    (
        "d-fine-tuned",
        Quantity::Number(|m| m.stage(Stage::FineTuned).map(|d| d.value)),
    ),
];

/// One paired difference, not yet decided.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Id and name of the target.
    pub target: [String; 2],
    /// The method.
    pub method: &'static str,
    /// What it is compared with: a method or [`PRETRAINED`].
    pub baseline: &'static str,
    /// Which quantity.
    pub quantity: &'static str,
    /// Every seed, with the value of either side.
    pub seeds: Vec<(u64, [f64; 2])>,
    /// Method less baseline.
    pub difference: Difference,
}

/// Which methods are compared with which: every method with plain fine-tuning, and a proposed one with
/// every other.
fn pairs(methods: &[&'static Method]) -> Vec<[&'static Method; 2]> {
    let others = |one: &'static Method| methods.iter().copied().filter(move |m| *m != one);
    let mut all = Vec::new();
    if methods.contains(&PLAIN) {
        all.extend(others(PLAIN).map(|method| [method, PLAIN]));
    }
    for proposed in methods.iter().filter(|m| m.role == Role::Proposed) {
        let others = others(proposed).filter(|other| *other != PLAIN);
        all.extend(others.map(|other| [*proposed, other]));
    }
    all
}

/// All comparisons on one target.
///
/// # Errors
/// [`RunError::Measure`] for samples or groups that do not pair up.
pub fn compare(
    suite: &Suite,
    spec: &DatasetSpec,
    cells: &[Measured],
    before: Before,
    units: Units,
) -> Result<Vec<Pair>, RunError> {
    let of = |method: &'static Method| {
        let own = cells
            .iter()
            .filter(move |c| c.outcome.method == method.name);
        own.map(|c| (c.outcome.seed, c))
    };
    let target = || [spec.name.clone(), spec.title.clone()];
    let mut all = Vec::new();
    let methods = methods::of(&suite.transfer);
    for [method, baseline] in pairs(&methods) {
        let both: Vec<(&Measured, &Measured)> = of(method)
            .filter_map(|(seed, a)| Some((a, of(baseline).find(|(s, _)| *s == seed)?.1)))
            .collect();
        if both.is_empty() {
            continue;
        }
        let seeds = both.iter().map(|(a, _)| a.outcome.seed);
        for (quantity, kind) in &QUANTITIES {
            let what = format!("{quantity} of {} against {}", method.name, baseline.name);
            let found = match kind {
                Quantity::Marks(part, read) => sides(&both, read).map(|(a, b)| {
                    let rates = [&a, &b].map(|side| side.iter().map(|seed| rate(seed)).collect());
                    (
                        rates,
                        paired::error_rates(&a, &b, &units.draws(*part, suite)),
                    )
                }),
                Quantity::Shares(part, read) => sides(&both, read).map(|(a, b)| {
                    let rates = [&a, &b].map(|side| side.iter().map(|seed| mean(seed)).collect());
                    (rates, paired::shares(&a, &b, &units.draws(*part, suite)))
                }),
                Quantity::Number(read) => sides(&both, read).map(|(a, b)| {
                    let difference = paired::values(&a, &b);
                    ([a, b], difference)
                }),
            };
            let Some((values, difference)) = found else {
                continue;
            };
            let values: [Vec<f64>; 2] = values;
            all.push(Pair {
                target: target(),
                method: method.name,
                baseline: baseline.name,
                quantity,
                seeds: (seeds.clone().zip(values[0].iter().zip(&values[1])))
                    .map(|(seed, (a, b))| (seed, [*a, *b]))
                    .collect(),
                difference: difference.map_err(named(what))?,
            });
        }
    }
    let of_source = before.evaluation.map(|found| found.probe.wrong.bits());
    for method in methods {
        let own: Vec<(u64, &Measured)> = of(method).collect();
        for (quantity, kind) in &QUANTITIES {
            let (values, difference) = match (*quantity, kind) {
                (SOURCE_ERROR, Quantity::Marks(part, read)) => {
                    let Some(before) = &of_source else { continue };
                    let Some(own) = all_of(&own, read) else {
                        continue;
                    };
                    marked(&own, before, &units.draws(*part, suite))
                }
                (TARGET_ERROR, Quantity::Marks(part, read)) => {
                    let Some(before) = before.wrong else { continue };
                    let Some(own) = all_of(&own, read) else {
                        continue;
                    };
                    marked(&own, before, &units.draws(*part, suite))
                }
                (RECALL_ERROR, Quantity::Shares(part, read)) => {
                    let Some(before) = before.missed else {
                        continue;
                    };
                    let Some(own) = all_of(&own, read) else {
                        continue;
                    };
                    let baseline = vec![before.to_vec(); own.len()];
                    let found = paired::shares(&own, &baseline, &units.draws(*part, suite));
                    let values = own.iter().map(|own| [mean(own), mean(before)]).collect();
                    (values, found)
                }
                _ => continue,
            };
            let values: Vec<[f64; 2]> = values;
            let what = format!("{quantity} of {} against {PRETRAINED}", method.name);
            all.push(Pair {
                target: target(),
                method: method.name,
                baseline: PRETRAINED,
                quantity,
                seeds: own.iter().map(|(seed, _)| *seed).zip(values).collect(),
                difference: difference.map_err(named(what))?,
            });
        }
    }
    Ok(all)
}

/// Both sides of every seed, and their difference.
type Sides = (Vec<[f64; 2]>, Result<Difference, MeasureError>);

/// Marks of every seed beside those before any transfer.
fn marked(own: &[Vec<bool>], before: &[bool], draws: &Draws) -> Sides {
    let baseline = vec![before.to_vec(); own.len()];
    let values = own.iter().map(|own| [rate(own), rate(before)]).collect();
    (values, paired::error_rates(own, &baseline, draws))
}

/// A quantity of every seed; `None` without seeds, or where one lacks it.
fn all_of<T>(own: &[(u64, &Measured)], read: &fn(&Measured) -> Option<T>) -> Option<Vec<T>> {
    let found: Option<Vec<T>> = own.iter().map(|(_, cell)| read(cell)).collect();
    found.filter(|all| !all.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_meets_plain_fine_tuning_and_a_proposed_one_meets_all() {
        let [nft, emb, orca, mona] = [
            &methods::nft::METHOD,
            &methods::emb::METHOD,
            &methods::orca::METHOD,
            &methods::mona::METHOD,
        ];
        let found = pairs(&[nft, emb, orca, mona]);
        let expected = [
            [emb, nft],
            [orca, nft],
            [mona, nft],
            [mona, emb],
            [mona, orca],
        ];
        assert_eq!(found, expected);
        assert!(pairs(&[nft]).is_empty());
        assert!(pairs(&[emb, orca]).is_empty());
    }
}
