//! The results of a run, a row a target and method: target metric, probe error on the surrogate and D
//! before the fine-tuning, each as a mean over seeds with an interval, and the claim that the method is
//! best: that its paired differences to every other method are below zero. The claim is as good as the
//! weakest of these (an intersection-union test, Berger, Technometrics 1982); whether it stands is decided with
//! everything else that the page says, by [`verdicts`](super::verdicts).

use super::compare::{Measured, Part, Units};
use super::error::RunError;
use super::error::named;
use crate::measure::paired::{self, Difference, Draws};
use crate::measure::verdict::{Claim, below_all};
use crate::suite::definition::{DatasetSpec, Suite};
use crate::suite::task::Metric;
use crate::transfer::methods::Method;

/// One quantity of every cell of a method, in the order of seeds.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// Which samples were predicted wrongly.
    Marks(Vec<Vec<bool>>),
    /// How far each is wrong.
    Shares(Vec<Vec<f64>>),
    /// One number a seed, with the interval of the first.
    Numbers(Vec<f64>, Option<[f64; 2]>),
}

/// Mean and interval of one quantity of one method, and what would make it the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// Mean over seeds.
    pub mean: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// The claim to be the best of all methods, where it has the lowest mean.
    pub best: Option<Claim>,
}

/// A method on a target.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Id and name of the target.
    pub target: [String; 2],
    /// The method.
    pub method: &'static str,
    /// Name of the target metric.
    pub metric: &'static str,
    /// Target metric, source probe error, D.
    pub shown: [Option<Shown>; 3],
    /// Seeds behind it.
    pub seeds: usize,
}

/// The results on one target.
///
/// # Errors
/// [`RunError::Measure`] for samples or groups that do not pair up.
pub fn results(
    suite: &Suite,
    spec: &DatasetSpec,
    methods: &[&'static Method],
    cells: &[Measured],
    units: Units,
) -> Result<Vec<Entry>, RunError> {
    let of = |method: &&'static Method| -> Vec<&Measured> {
        let own = cells.iter().filter(|c| c.outcome.method == method.name);
        own.collect()
    };
    let all: Vec<Vec<&Measured>> = methods.iter().map(of).collect();
    let (source, target) = (
        units.draws(Part::Source, suite),
        units.draws(Part::Target, suite),
    );
    let target = best(&all, target_values, &target)?;
    let distance = best(&all, d_values, &source)?;
    let source = best(&all, source_values, &source)?;
    let entry = |(i, (method, own)): (usize, (&&'static Method, &Vec<&Measured>))| {
        Some(Entry {
            target: [spec.name.clone(), spec.title.clone()],
            method: method.name,
            metric: own.first()?.outcome.metric.name(),
            shown: [target[i], source[i], distance[i]],
            seeds: own.len(),
        })
    };
    Ok(methods
        .iter()
        .zip(&all)
        .enumerate()
        .filter_map(entry)
        .collect())
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
        Metric::OneMinusMeanRecall => Some(
            own.iter()
                .map(|m| Some(m.measures.retrieved.as_ref()?.missed.clone()))
                .collect::<Option<_>>()
                .map_or_else(numbers, Values::Shares),
        ),
        _ => Some(numbers()),
    }
}

fn source_values(own: &[&Measured]) -> Option<Values> {
    let marks = own.iter().map(|m| Some(m.evaluation()?.probe.wrong.bits()));
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
    draws: &Draws,
) -> Result<Vec<Option<Shown>>, RunError> {
    let values: Vec<Option<Values>> = all
        .iter()
        .map(|own| (!own.is_empty()).then(|| read(own)).flatten())
        .collect();
    let mut shown: Vec<Option<Shown>> = Vec::with_capacity(values.len());
    for own in &values {
        shown.push(own.as_ref().map(|own| alone(own, draws)).transpose()?);
    }
    let mean = |i: &usize| shown[*i].map_or(f64::INFINITY, |s| s.mean);
    let lowest = (0..shown.len())
        .filter(|&i| shown[i].is_some())
        .min_by(|a, b| mean(a).total_cmp(&mean(b)));
    let Some(lowest) = lowest else {
        return Ok(shown);
    };
    // One that was not run cannot be beaten.
    let mut rivals = Vec::new();
    for (_, own) in values.iter().enumerate().filter(|(i, _)| *i != lowest) {
        match (&values[lowest], own) {
            (Some(a), Some(b)) => rivals.push(apart(a, b, draws)?),
            _ => return Ok(shown),
        }
    }
    if let Some(shown) = &mut shown[lowest] {
        shown.best = below_all(&rivals);
    }
    Ok(shown)
}

/// Mean and interval of one method.
fn alone(values: &Values, draws: &Draws) -> Result<Shown, RunError> {
    let wrong = named("mean over seeds".into());
    let found = match values {
        Values::Marks(marks) => paired::mean_rate(marks, draws).map_err(wrong)?,
        Values::Shares(shares) => paired::mean_share(shares, draws).map_err(wrong)?,
        Values::Numbers(numbers, of_first) => {
            let found = paired::mean_value(numbers).map_err(wrong)?;
            // Seeds that start from the same embedder give one number; only its samples vary.
            let same = numbers.iter().all(|number| *number == numbers[0]);
            Difference {
                interval: if same { *of_first } else { found.interval },
                ..found
            }
        }
    };
    Ok(Shown {
        mean: found.mean,
        interval: found.interval,
        best: None,
    })
}

/// The paired difference of two methods; `None` where their seeds do not pair up.
fn apart(a: &Values, b: &Values, draws: &Draws) -> Result<Option<Claim>, RunError> {
    let wrong = named("difference of two methods".into());
    let difference = match (a, b) {
        (Values::Marks(a), Values::Marks(b)) if a.len() == b.len() => {
            paired::error_rates(a, b, draws).map_err(wrong)?
        }
        (Values::Shares(a), Values::Shares(b)) if a.len() == b.len() => {
            paired::shares(a, b, draws).map_err(wrong)?
        }
        (Values::Numbers(a, _), Values::Numbers(b, _)) if a.len() == b.len() => {
            paired::values(a, b).map_err(wrong)?
        }
        _ => return Ok(None),
    };
    Ok(Some(difference.claim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::verdict::decide;

    const DRAWS: Draws = Draws {
        groups: None,
        replicates: 300,
        seed: 0,
    };

    fn marks(rate: usize) -> Values {
        // Two seeds, the same samples wrong but for a few.
        let seed = |s: usize| (0..400).map(|i| (i * 7 + s) % 100 < rate).collect();
        Values::Marks(vec![seed(0), seed(1)])
    }

    fn number(values: &[f64]) -> Values {
        Values::Numbers(values.to_vec(), None)
    }

    /// Whether `a` is shown to be below all of `others`, on a page that says nothing else.
    fn below(a: &Values, others: &[Values]) -> bool {
        let all: Vec<_> = others
            .iter()
            .map(|b| apart(a, b, &DRAWS).unwrap())
            .collect();
        below_all(&all).is_some_and(|claim| decide(&[claim])[0].verdict.shown())
    }

    #[test]
    fn below_needs_more_than_a_smaller_mean() {
        assert!(below(&marks(20), &[marks(40)]));
        assert!(!below(&marks(40), &[marks(20)]));
        assert!(!below(&marks(20), &[marks(20)]));
        assert!(!below(&marks(20), &[]));
        let low = number(&[0.10, 0.11, 0.12]);
        let [high, higher] = [number(&[0.30, 0.31, 0.33]), number(&[0.50, 0.51, 0.53])];
        assert!(below(&low, std::slice::from_ref(&high)));
        assert!(below(&low, &[higher.clone(), high.clone()]));
        assert!(!below(&high, &[higher, low.clone()]), "above one of them");
        // All three agree in sign, which chance does once in four.
        let loose = [number(&[0.30, 0.31, 0.32]), number(&[0.31, 0.33, 0.36])];
        assert!(!below(&loose[0], &loose[1..]));
        assert!(!below(&number(&[0.1, 0.6]), &[number(&[0.3, 0.5])]));
        // One seed says nothing of others; nor do seeds that do not pair up.
        assert!(!below(&number(&[0.1]), &[number(&[0.9])]));
        assert!(!below(&number(&[0.1]), &[number(&[0.9, 0.8])]));
        let one = |rate: usize| Values::Marks(vec![(0..400).map(|i| i % 100 < rate).collect()]);
        assert!(!below(&one(10), &[one(90)]));
    }

    #[test]
    fn means_have_intervals_where_something_varies() {
        let of = |values| alone(&values, &DRAWS).unwrap();
        let found = of(marks(20));
        let [low, high] = found.interval.unwrap();
        assert!((found.mean - 0.2).abs() < 0.02 && low < found.mean && found.mean < high);
        assert_eq!(of(number(&[0.5])).interval, None);
        let own = Some([0.4, 0.6]);
        for same in [vec![0.5], vec![0.5; 3]] {
            assert_eq!(of(Values::Numbers(same, own)).interval, own);
        }
        // Two numbers: 12.7 standard errors.
        let two = of(Values::Numbers(vec![0.4, 0.6], own)).interval.unwrap();
        assert!(two[0] < -0.7 && two[1] > 1.7);
    }
}
