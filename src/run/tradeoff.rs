//! Target against source, a row a target and method: the hypervolume of both errors, and the source error less that of
//! an interpolated fine-tuning that reaches the same target error
//! ([`equal_target`](crate::measure::equal_target)), over the seeds that both have. What the differences amount to is
//! decided with everything else that the page says, by [`verdicts`](super::verdicts).

use super::cell::guessing;
use super::compare::{Measured, Part, Units};
use super::error::{RunError, named};
use super::interpolation;
use crate::evaluate::{Evaluation, Marks};
use crate::measure::equal_target::{AtEqualTarget, Encoders, Target, at_equal_target};
use crate::measure::hypervolume::hypervolume;
use crate::measure::paired::mean_value;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::task::Metric;
use crate::table::TradeoffRow;
use crate::transfer::methods::{self, Method};

/// A cell, its result as a point of target and source error, and those of its curve.
struct Points<'a> {
    cell: &'a Measured,
    result: (f64, f64),
    curve: Vec<(f64, f64)>,
}

/// The rows of one target; the surrogate has so many `classes`. Not decided yet.
///
/// # Errors
/// [`RunError::Measure`] for samples or groups that do not pair up.
pub fn tradeoff(
    suite: &Suite,
    spec: &DatasetSpec,
    cells: &[Measured],
    classes: usize,
    units: Units,
) -> Result<Vec<TradeoffRow>, RunError> {
    let all: Vec<Points> = cells.iter().filter_map(points).collect();
    let of = |method: &Method| -> Vec<&Points> {
        let own = all.iter().filter(|p| p.cell.outcome.method == method.name);
        own.collect()
    };
    let curve = interpolation::methods(suite).first().copied();
    let curve = curve.map(|method| (method, of(method)));
    let curve = curve.filter(|(_, own)| own.iter().any(|p| !p.curve.is_empty()));
    let mut rows = Vec::new();
    for method in methods::of(&suite.transfer) {
        let own = of(method);
        let Some(first) = own.first() else { continue };
        let reference = (first.cell.outcome.guessing(), guessing(classes));
        let row = Blank {
            spec,
            method,
            first,
            reference,
        };
        let results: Vec<Vec<(f64, f64)>> = own.iter().map(|p| vec![p.result]).collect();
        let mut result = row.filled(&results)?;
        if let Some((other, theirs)) = curve.as_ref().filter(|(other, _)| *other != method) {
            against(&mut result, &own, (other, theirs), suite, units)?;
        }
        rows.push(result);
        let curves: Vec<Vec<(f64, f64)>> = own.iter().map(|p| p.curve.clone()).collect();
        if curves.iter().all(|curve| !curve.is_empty()) {
            rows.push(row.filled(&curves)?);
        }
    }
    Ok(rows)
}

/// Both errors of a cell and of its curve; `None` without a probe.
fn points(cell: &Measured) -> Option<Points<'_>> {
    let curve = cell.measures.curve.iter();
    let curve = curve.map(|p| Some((p.test, p.evaluation.error()?)));
    Some(Points {
        cell,
        result: (cell.outcome.test, cell.evaluation()?.error()?),
        curve: curve.collect::<Option<_>>()?,
    })
}

/// What all rows of a method on a target share.
struct Blank<'a> {
    spec: &'a DatasetSpec,
    method: &'static Method,
    first: &'a Points<'a>,
    /// Target and probe error of guessing.
    reference: (Option<f64>, f64),
}

impl Blank<'_> {
    /// The row of the points of every seed.
    fn filled(&self, points: &[Vec<(f64, f64)>]) -> Result<TradeoffRow, RunError> {
        let count = points.first().map_or(0, Vec::len);
        let (target, source) = self.reference;
        let volumes = points.iter().map(|own| hypervolume(own, (target?, source)));
        let volumes: Option<Vec<f64>> = volumes.collect();
        let what = format!("hypervolume of {}", self.method.name);
        let volume = volumes.map(|all| mean_value(&all)).transpose();
        let volume = volume.map_err(named(what))?;
        let mean = |axis: fn(&(f64, f64)) -> f64| {
            let sum: f64 = points.iter().flatten().map(axis).sum();
            (count == 1).then_some(sum / points.len() as f64)
        };
        // A share stays between nothing and everything.
        let end = |side: usize| Some(volume.as_ref()?.interval?[side].clamp(0.0, 1.0));
        Ok(TradeoffRow {
            target: self.spec.name.clone(),
            target_title: self.spec.title.clone(),
            method: self.method.name.into(),
            points: count as u64,
            metric: self.first.cell.outcome.metric.name().into(),
            target_mean: mean(|p| p.0),
            source_mean: mean(|p| p.1),
            hypervolume: volume.as_ref().map(|found| found.mean),
            hypervolume_lower: end(0),
            hypervolume_upper: end(1),
            guessing_target: target,
            guessing_source: Some(source),
            curve: None,
            alpha: None,
            curve_source: None,
            difference: None,
            lower: None,
            upper: None,
            p: None,
            adjusted: None,
            verdict: None,
            why: None,
            seeds: Some(points.len() as u64),
            samples: None,
            groups: None,
        })
    }
}

/// Sets a method against the curve of another, over the seeds that both have.
fn against(
    row: &mut TradeoffRow,
    own: &[&Points],
    (other, theirs): (&Method, &[&Points]),
    suite: &Suite,
    units: Units,
) -> Result<(), RunError> {
    row.curve = Some(other.name.into());
    let curve_of = |seed: u64| {
        let found = theirs.iter().find(|p| p.cell.outcome.seed == seed);
        found
            .map(|p| p.cell)
            .filter(|cell| !cell.measures.curve.is_empty())
    };
    let both = own.iter().map(|p| p.cell);
    let both = both.filter_map(|cell| Some((cell, curve_of(cell.outcome.seed)?)));
    let both: Vec<(&Measured, &Measured)> = both.collect();
    let Some((_, first)) = both.first() else {
        row.why = Some("no seed is shared with the curve".into());
        return Ok(());
    };
    let marked = both.iter().all(|(method, curve)| {
        let points = curve.measures.curve.iter();
        method.measures.wrong.is_some() && points.clone().all(|point| point.wrong.is_some())
    });
    let marked = marked && first.outcome.metric == Metric::Error;
    let method = encoders(
        marked,
        both.iter().map(|(cell, _)| {
            let measures = &cell.measures;
            Some((
                cell.outcome.test,
                measures.wrong.as_ref(),
                cell.evaluation()?,
            ))
        }),
    );
    let alphas = first.measures.curve.iter().map(|point| point.alpha);
    let curve = alphas.enumerate().map(|(i, alpha)| {
        let seeds = both.iter().map(|(_, cell)| {
            let point = cell.measures.curve.get(i)?;
            Some((point.test, point.wrong.as_ref(), &point.evaluation))
        });
        Some((alpha, encoders(marked, seeds)?))
    });
    let (Some(method), Some(curve)) = (method, curve.collect::<Option<Vec<_>>>()) else {
        return Ok(());
    };
    let what = format!("{} at equal target error", row.method);
    let [source, target] = [Part::Source, Part::Target].map(|part| units.draws(part, suite));
    let found = at_equal_target(&method, &curve, &source, &target).map_err(named(what))?;
    match found {
        Err(outside) => row.why = Some(outside.why().into()),
        Ok(found) => fill(row, &found),
    }
    Ok(())
}

/// One network a seed: its target metric, which samples it gets wrong, and its evaluation on the surrogate.
type Seed<'a> = (f64, Option<&'a Marks>, &'a Evaluation);

/// The networks of all seeds, by their `marked` samples or by one number a seed.
fn encoders<'a>(marked: bool, seeds: impl Iterator<Item = Option<Seed<'a>>>) -> Option<Encoders> {
    let seeds: Vec<Seed> = seeds.collect::<Option<_>>()?;
    let target = if marked {
        let marks = seeds.iter().map(|(_, wrong, _)| Some((*wrong)?.bits()));
        Target::Marks(marks.collect::<Option<_>>()?)
    } else {
        Target::Numbers(seeds.iter().map(|(test, ..)| *test).collect())
    };
    let source = seeds.iter().map(|(.., found)| found.probe.wrong.bits());
    Some(Encoders {
        target,
        source: source.collect(),
    })
}

fn fill(row: &mut TradeoffRow, found: &AtEqualTarget) {
    let AtEqualTarget {
        alpha,
        source,
        difference,
    } = found;
    row.alpha = Some(*alpha);
    row.curve_source = Some(*source);
    row.difference = Some(difference.mean);
    row.lower = difference.interval.map(|[low, _]| low);
    row.upper = difference.interval.map(|[_, high]| high);
    row.p = difference.p;
    row.samples = Some(difference.samples as u64);
    row.groups = Some(difference.groups as u64);
    row.seeds = Some(difference.seeds as u64);
}
