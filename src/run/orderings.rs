//! Orderings that a comparison of methods cannot tell: of one method, whose probe error on the surrogate is said to grow
//! with the epochs of the fine-tuning and with the distance of the target (Ma et al., ICML 2024). Both are paired
//! differences over seeds and test samples of the surrogate: the epoch that counts against the earliest that was
//! probed, target by target, and the farthest target by D against the nearest. The method is plain fine-tuning, or
//! the first of a suite without it. Verdicts are those of the page ([`verdicts`](super::verdicts)).

use super::compare::{Measured, Part, Units, rate};
use super::error::{RunError, named};
use crate::evaluate::Evaluation;
use crate::measure::paired;
use crate::measure::stats::mean;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::table::{FARTHER_TARGETS, MORE_EPOCHS, OrderingRow};
use crate::transfer::methods::{self, Method, PLAIN};

/// The method of a suite that plainly stands for a transfer: plain fine-tuning if the suite has it, else its first.
pub fn plain(suite: &Suite) -> &'static Method {
    match methods::of(&suite.transfer).as_slice() {
        [first, ..] if !suite.transfer.methods.iter().any(|name| name == PLAIN.name) => first,
        _ => PLAIN,
    }
}

/// The probe of one encoder: after how many epochs, and which test samples it gets wrong.
#[derive(Debug, Clone)]
struct Probed {
    epochs: usize,
    wrong: Vec<bool>,
}

/// The encoders of the method on one target.
#[derive(Debug, Clone)]
struct OnTarget {
    id: String,
    title: String,
    /// Mean D over seeds through the embedder that the fine-tuning starts from, where it is defined.
    d: Option<f64>,
    /// Seed, and the encoder that counts.
    seeds: Vec<(u64, Probed)>,
}

/// What was probed of the method, target by target.
#[derive(Debug, Clone, Default)]
pub struct Orderings {
    targets: Vec<OnTarget>,
    /// A row a target: more epochs, not decided yet.
    epochs: Vec<OrderingRow>,
}

impl Orderings {
    /// Adds a target.
    ///
    /// # Errors
    /// [`RunError::Measure`] for samples or groups that do not pair up.
    pub fn add(
        &mut self,
        suite: &Suite,
        spec: &DatasetSpec,
        cells: &[Measured],
        units: Units,
    ) -> Result<(), RunError> {
        let name = plain(suite).name;
        let own: Vec<&Measured> = cells.iter().filter(|c| c.outcome.method == name).collect();
        let seed = |cell: &&Measured| {
            let last = cell.outcome.selected;
            let mut earlier = cell.measures.evaluations.iter();
            let early = earlier.find(|(epoch, _)| *epoch > 0 && *epoch < last);
            let probed = |epochs, evaluation: &Evaluation| Probed {
                epochs,
                wrong: evaluation.probe.wrong.bits(),
            };
            let early = early.map(|(epoch, found)| probed(*epoch, found));
            Some((cell.outcome.seed, early, probed(last, cell.evaluation()?)))
        };
        let seeds: Vec<_> = own.iter().filter_map(seed).collect();
        let d = own.iter().map(|cell| Some(cell.before_tuning()?.value));
        let d: Option<Vec<f64>> = d.collect();
        let mut target = OnTarget {
            id: spec.name.clone(),
            title: spec.title.clone(),
            d: d.filter(|d| !d.is_empty()).map(|d| mean(&d)),
            seeds: Vec::new(),
        };
        let both = seeds.iter();
        let both = both.filter_map(|(_, early, last)| Some((last, early.as_ref()?)));
        let both: Vec<(&Probed, &Probed)> = both.collect();
        let row = row(suite, MORE_EPOCHS, [&target, &target], &both, units)?;
        self.epochs.extend(row);
        if !seeds.is_empty() {
            let last = seeds.into_iter().map(|(seed, _, last)| (seed, last));
            target.seeds = last.collect();
            self.targets.push(target);
        }
        Ok(())
    }

    /// The rows, not decided yet.
    ///
    /// # Errors
    /// [`RunError::Measure`] for samples or groups that do not pair up.
    pub fn rows(&self, suite: &Suite, units: Units) -> Result<Vec<OrderingRow>, RunError> {
        let mut rows = self.epochs.clone();
        let known = || {
            let targets = self.targets.iter();
            targets.filter_map(|target| Some((target.d?, target)))
        };
        let far = known().max_by(|a, b| a.0.total_cmp(&b.0));
        let near = known().min_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some((d, far)), Some((least, near))) = (far, near)
            && d > least
        {
            let of = |seed: u64| near.seeds.iter().find(|(other, _)| *other == seed);
            let both = far.seeds.iter();
            let both = both.filter_map(|(seed, last)| Some((last, &of(*seed)?.1)));
            let both: Vec<(&Probed, &Probed)> = both.collect();
            rows.extend(row(suite, FARTHER_TARGETS, [far, near], &both, units)?);
        }
        Ok(rows)
    }
}

/// One difference in probe error, over pairs of encoders of one seed; `None` without any.
fn row(
    suite: &Suite,
    ordering: &str,
    [target, other]: [&OnTarget; 2],
    both: &[(&Probed, &Probed)],
    units: Units,
) -> Result<Option<OrderingRow>, RunError> {
    let Some((first, second)) = both.first() else {
        return Ok(None);
    };
    let (own, theirs): (Vec<_>, Vec<_>) = both
        .iter()
        .map(|(a, b)| (a.wrong.clone(), b.wrong.clone()))
        .unzip();
    let what = format!("probe errors of {} against {}", target.title, other.title);
    let draws = units.draws(Part::Source, suite);
    let found = paired::error_rates(&own, &theirs, &draws).map_err(named(what))?;
    let rates = |all: &[Vec<bool>]| all.iter().map(|seed| rate(seed)).collect::<Vec<_>>();
    Ok(Some(OrderingRow {
        ordering: ordering.into(),
        method: plain(suite).name.into(),
        target: target.id.clone(),
        target_title: target.title.clone(),
        epochs: first.epochs as u64,
        other_target: other.id.clone(),
        other_title: other.title.clone(),
        other_epochs: second.epochs as u64,
        mean: mean(&rates(&own)),
        other_mean: mean(&rates(&theirs)),
        difference: found.mean,
        lower: found.interval.map(|[lower, _]| lower),
        upper: found.interval.map(|[_, upper]| upper),
        p: found.p,
        adjusted: None,
        verdict: None,
        seeds: Some(found.seeds as u64),
        samples: Some(found.samples as u64),
        groups: Some(found.groups as u64),
    }))
}
