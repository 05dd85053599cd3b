//! The answer of a run, a row a target and method: target metric, probe error on the surrogate and D
//! before the fine-tuning, each as a mean over seeds with an interval, and whether the method is shown
//! to be best: only if its paired differences to every other method are all clear of zero, by the
//! bootstrap and by Student's t over seeds.

use super::compare::{Measured, rate};
use super::error::RunError;
use super::look::named;
use super::table::{Table, row};
use crate::manifest::method::Method;
use crate::manifest::suite::{DatasetSpec, Suite};
use crate::manifest::task::Metric;
use crate::measure::paired;
use crate::measure::stats::student_quantile;

/// Columns of `answer.csv`.
pub const ANSWER: &[&str] = &[
    "target",
    "target_title",
    "method",
    "metric",
    "target_mean",
    "target_lower",
    "target_upper",
    "target_best",
    "source_mean",
    "source_lower",
    "source_upper",
    "source_best",
    "d_mean",
    "d_lower",
    "d_upper",
    "d_best",
    "seeds",
];

/// One quantity of every cell of a method, in the order of seeds.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// Which samples were answered wrongly.
    Marks(Vec<Vec<bool>>),
    /// One number a seed, with the interval of the first.
    Numbers(Vec<f64>, Option<[f64; 2]>),
}

impl Values {
    /// One number a seed.
    fn of_seeds(&self) -> Vec<f64> {
        match self {
            Self::Marks(marks) => marks.iter().map(|seed| rate(seed)).collect(),
            Self::Numbers(numbers, _) => numbers.clone(),
        }
    }
}

/// Mean and interval; best among the others or not.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shown {
    mean: f64,
    interval: Option<[f64; 2]>,
    best: bool,
}

/// Replicates and seed of every bootstrap.
type Draws = (usize, u64);

/// Adds the answers on one target to the table.
pub fn answer(
    suite: &Suite,
    spec: &DatasetSpec,
    methods: &[Method],
    cells: &[Measured],
    table: &mut Table,
) -> Result<(), RunError> {
    let draws = (
        suite.measures.paired_bootstrap,
        suite.measures.discrepancy_seed,
    );
    let of = |method: &Method| -> Vec<&Measured> {
        let own = cells.iter().filter(|c| c.outcome.method == method.name());
        own.collect()
    };
    let all: Vec<Vec<&Measured>> = methods.iter().map(of).collect();
    let target = best(&all, target_values, draws)?;
    let source = best(&all, source_values, draws)?;
    let distance = best(&all, d_values, draws)?;
    for (i, (method, own)) in methods.iter().zip(&all).enumerate() {
        let Some(first) = own.first() else { continue };
        let metric = first.outcome.metric.name();
        let [t, s, d] = [target[i], source[i], distance[i]];
        let mean = |v: Option<Shown>| v.map(|v| v.mean);
        let end = |v: Option<Shown>, side: usize| v.and_then(|v| Some(v.interval?[side]));
        let first_of = |v: Option<Shown>| v.is_some_and(|v| v.best);
        table.push(row![
            &spec.name,
            &spec.title,
            method.name(),
            metric,
            mean(t),
            end(t, 0),
            end(t, 1),
            first_of(t),
            mean(s),
            end(s, 0),
            end(s, 1),
            first_of(s),
            mean(d),
            end(d, 0),
            end(d, 1),
            first_of(d),
            own.len(),
        ]);
    }
    Ok(())
}

fn target_values(own: &[&Measured]) -> Option<Values> {
    let numbers = || Values::Numbers(own.iter().map(|m| m.outcome.test).collect(), None);
    let marks = own.iter().map(|m| Some(m.measures.wrong.as_ref()?.bits()));
    match own.first()?.outcome.metric {
        Metric::Error => Some(
            marks
                .collect::<Option<_>>()
                .map_or_else(numbers, Values::Marks),
        ),
        _ => Some(numbers()),
    }
}

fn source_values(own: &[&Measured]) -> Option<Values> {
    let marks = own.iter().map(|m| Some(m.look()?.wrong.bits()));
    marks.collect::<Option<_>>().map(Values::Marks)
}

fn d_values(own: &[&Measured]) -> Option<Values> {
    let values = own.iter().map(|m| m.before_tuning().map(|d| d.value));
    let first = own.first()?.before_tuning()?.interval;
    Some(Values::Numbers(values.collect::<Option<_>>()?, first))
}

/// What is shown of every method.
fn best(
    all: &[Vec<&Measured>],
    read: fn(&[&Measured]) -> Option<Values>,
    draws: Draws,
) -> Result<Vec<Option<Shown>>, RunError> {
    let values: Vec<Option<Values>> = all
        .iter()
        .map(|own| (!own.is_empty()).then(|| read(own)).flatten())
        .collect();
    let mut shown: Vec<Option<Shown>> = Vec::with_capacity(values.len());
    for own in &values {
        shown.push(own.as_ref().map(|own| alone(own, draws)).transpose()?);
    }
    let lowest = (0..shown.len())
        .filter(|&i| shown[i].is_some())
        .min_by(|&a, &b| {
            let mean = |i: usize| shown[i].map_or(f64::INFINITY, |s| s.mean);
            mean(a).total_cmp(&mean(b))
        });
    let Some(lowest) = lowest else {
        return Ok(shown);
    };
    // A method without a rival is not the best of several; one that was not run cannot be beaten.
    let mut beats = all.len() > 1;
    for (i, own) in values.iter().enumerate() {
        beats &= match (&values[lowest], own) {
            _ if i == lowest => true,
            (Some(a), Some(b)) => below(a, b, draws)?,
            _ => false,
        };
    }
    if let Some(shown) = &mut shown[lowest] {
        shown.best = beats;
    }
    Ok(shown)
}

/// Mean and interval of one method.
fn alone(values: &Values, (replicates, seed): Draws) -> Result<Shown, RunError> {
    let wrong = named("mean over seeds".into());
    let found = match values {
        Values::Marks(marks) => {
            let none: Vec<Vec<bool>> = marks.iter().map(|m| vec![false; m.len()]).collect();
            paired::error_rates(marks, &none, replicates, seed).map_err(wrong)?
        }
        Values::Numbers(numbers, of_first) => {
            let none = vec![0.0; numbers.len()];
            let found = paired::values(numbers, &none, replicates, seed).map_err(wrong)?;
            // Seeds that start from the same embedder give one number; only its samples vary.
            if numbers.iter().all(|number| *number == numbers[0]) {
                return Ok(Shown {
                    mean: found.mean,
                    interval: *of_first,
                    best: false,
                });
            }
            found
        }
    };
    Ok(Shown {
        mean: found.mean,
        interval: Some(found.interval),
        best: false,
    })
}

/// Whether `a` is below `b` beyond the interval of their paired difference.
fn below(a: &Values, b: &Values, (replicates, seed): Draws) -> Result<bool, RunError> {
    let wrong = named("difference of two methods".into());
    let difference = match (a, b) {
        (Values::Marks(a), Values::Marks(b)) if a.len() == b.len() => {
            paired::error_rates(a, b, replicates, seed).map_err(wrong)?
        }
        // One number a method is no sample of differences.
        (Values::Numbers(a, _), Values::Numbers(b, _)) if a.len() == b.len() && a.len() > 1 => {
            paired::values(a, b, replicates, seed).map_err(wrong)?
        }
        _ => return Ok(false),
    };
    Ok(difference.interval[1] < 0.0 && seeds_below(&a.of_seeds(), &b.of_seeds()))
}

/// Whether the seeds' differences lie below zero by Student's t: a bootstrap over few seeds is clear of
/// zero as soon as they agree in sign. One seed says nothing of the others.
fn seeds_below(a: &[f64], b: &[f64]) -> bool {
    let apart: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let n = apart.len() as f64;
    if apart.len() < 2 {
        return true;
    }
    let mean = apart.iter().sum::<f64>() / n;
    let squares = apart.iter().map(|d| (d - mean).powi(2)).sum::<f64>();
    let error = (squares / (n - 1.0) / n).sqrt();
    mean + student_quantile(0.975, apart.len() - 1) * error < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Draws = (500, 0);

    fn marks(rate: usize) -> Values {
        // Two seeds, the same samples wrong but for a few.
        let seed = |s: usize| (0..400).map(|i| (i * 7 + s) % 100 < rate).collect();
        Values::Marks(vec![seed(0), seed(1)])
    }

    #[test]
    fn below_needs_more_than_a_smaller_mean() {
        assert!(below(&marks(20), &marks(40), DRAWS).unwrap());
        assert!(!below(&marks(40), &marks(20), DRAWS).unwrap());
        assert!(!below(&marks(20), &marks(20), DRAWS).unwrap());
        let number = |values: &[f64]| Values::Numbers(values.to_vec(), None);
        let steady = [number(&[0.10, 0.11, 0.12]), number(&[0.30, 0.31, 0.33])];
        assert!(below(&steady[0], &steady[1], DRAWS).unwrap());
        // All three agree in sign, which chance does once in four.
        let loose = [number(&[0.30, 0.31, 0.32]), number(&[0.31, 0.33, 0.36])];
        assert!(!below(&loose[0], &loose[1], DRAWS).unwrap());
        assert!(!below(&number(&[0.1, 0.6]), &number(&[0.3, 0.5]), DRAWS).unwrap());
        assert!(!below(&number(&[0.1]), &number(&[0.9]), DRAWS).unwrap());
    }

    #[test]
    fn means_have_intervals_where_something_varies() {
        let of = |values| alone(&values, DRAWS).unwrap();
        let found = of(marks(20));
        let [low, high] = found.interval.unwrap();
        assert!((found.mean - 0.2).abs() < 0.02 && low < found.mean && found.mean < high);
        assert_eq!(of(Values::Numbers(vec![0.5], None)).interval, None);
        let own = Some([0.4, 0.6]);
        for same in [vec![0.5], vec![0.5; 3]] {
            assert_eq!(of(Values::Numbers(same, own)).interval, own);
        }
        assert!(of(Values::Numbers(vec![0.4, 0.6], own)).interval.unwrap()[0] < 0.5);
    }
}
