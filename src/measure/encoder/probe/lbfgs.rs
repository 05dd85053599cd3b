//! Limited-memory BFGS for a convex, smooth function.
//!
//! Ready-made optimisers ask for value and gradient separately (twice the work here) and report
//! an error when rounding spoils the descent near the optimum. This one evaluates both at once
//! and, because the function is convex, searches along the line by slope: the slope never
//! decreases there, so one sign change brackets the minimum even where differences of the value
//! have drowned in rounding. Source: Nocedal & Wright, *Numerical Optimization*, algorithms 7.4
//! and 3.5.
//!
//! The function comes in stages, cheap ones first: each is followed for as long as it helps, the
//! last decides. What is known of its curvature enters as the initial inverse Hessian.

use std::collections::VecDeque;

use ndarray::Array1;

use super::curvature::Curvature;
use super::objective::Evaluation;
use crate::measure::interrupt;

/// When to stop; see [`minimize`].
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Largest absolute entry of the gradient that counts as zero.
    pub gradient: f64,
    /// Relative decrease of the value, over one iteration, that counts as none.
    pub decrease: f64,
    /// Iterations at most.
    pub iterations: usize,
}

/// Where the search ended.
#[derive(Debug, Clone)]
pub struct Minimum {
    /// The point.
    pub point: Array1<f64>,
    /// The value there.
    pub value: f64,
    /// Largest absolute entry of the gradient there.
    pub gradient: f64,
    /// Iterations done.
    pub iterations: usize,
    /// Whether a stopping rule held, rather than the iterations running out.
    pub converged: bool,
}

/// Correction pairs kept.
const MEMORY: usize = 12;
/// Sufficient decrease and curvature constants (Wolfe conditions).
const ARMIJO: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
/// Evaluations in one line search.
const SEARCH: usize = 40;

fn largest(g: &Array1<f64>) -> f64 {
    g.iter().fold(0.0, |m, v| m.max(v.abs()))
}

/// The function to a certain precision.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// Point → value and gradient.
    pub function: &'a dyn Fn(&Array1<f64>) -> Evaluation,
    /// Differences of the value below this share of it are rounding.
    pub noise: f64,
}

/// Iterations without a smaller gradient after which a stage that is not the last has done its
/// part.
const PATIENCE: usize = 20;

/// Correction pairs, newest last: step, change of the gradient, their scalar product.
type Pairs = VecDeque<(Array1<f64>, Array1<f64>, f64)>;

/// Minimises a convex function from `start`; `stages` end with the exact one.
///
/// Stops when ‖g‖∞ ≤ `stop.gradient`, when two iterations in a row lower the value by no more
/// than `stop.decrease · max(|f|, 1)`, when rounding allows no further step, or after
/// `stop.iterations`. Before the last stage only the gradient counts, and values that are not
/// finite end a stage.
pub fn minimize(
    stages: &[Stage<'_>],
    mut curvature: Option<&mut Curvature>,
    start: Array1<f64>,
    stop: Stop,
) -> Minimum {
    let last = stages.len() - 1;
    let mut stage = 0;
    let mut at = (stages[0].function)(&start);
    let mut point = start;
    let mut pairs = Pairs::new();
    let (mut iterations, mut still) = (0, 0);
    let (mut least, mut since) = (f64::INFINITY, 0);
    let converged = loop {
        let size = largest(&at.gradient);
        (least, since) = if size < least {
            (size, 0)
        } else {
            (least, since + 1)
        };
        let finite = at.value.is_finite() && size.is_finite();
        let small = finite && size <= stop.gradient;
        if stage < last && (small || !finite || since >= PATIENCE || iterations >= stop.iterations)
        {
            stage += 1;
            at = (stages[stage].function)(&point);
            (still, least, since) = (0, f64::INFINITY, 0);
            continue;
        }
        if small || (stage == last && still >= 2) {
            break true;
        }
        if iterations >= stop.iterations || interrupt::asked() {
            break false;
        }
        let mut direction = direction(&pairs, &at, curvature.as_deref_mut());
        let mut slope = at.gradient.dot(&direction);
        let mut first = 1.0;
        if slope.is_nan() || slope >= 0.0 {
            // Only rounding can do this on a convex function: start over from steepest descent.
            pairs.clear();
            direction = -&at.gradient;
            slope = at.gradient.dot(&direction);
            first = 1.0f64.min(1.0 / largest(&direction));
        } else if pairs.is_empty() && curvature.is_none() {
            first = 1.0f64.min(1.0 / largest(&direction));
        }
        let Some((moved, new)) = search(stages[stage], &point, at.value, slope, &direction, first)
        else {
            if !pairs.is_empty() {
                pairs.clear();
            } else if stage < last {
                since = PATIENCE;
            } else if curvature.is_some() {
                curvature = None;
            } else {
                // From the start itself no step helps: too steep to be searched, not solved.
                break finite && iterations > 0;
            }
            continue;
        };
        let (s, y) = (&moved - &point, &new.gradient - &at.gradient);
        let product = s.dot(&y);
        if product > f64::EPSILON * y.dot(&y) {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back((s, y, product));
        }
        let small = at.value - new.value <= stop.decrease * new.value.abs().max(1.0);
        still = if small { still + 1 } else { 0 };
        (point, at) = (moved, new);
        iterations += 1;
    };
    Minimum {
        gradient: largest(&at.gradient),
        point,
        value: at.value,
        iterations,
        converged,
    }
}

/// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
fn direction(pairs: &Pairs, at: &Evaluation, curvature: Option<&mut Curvature>) -> Array1<f64> {
    let mut q = -&at.gradient;
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y, sy) in pairs.iter().rev() {
        let alpha = s.dot(&q) / sy;
        q.scaled_add(-alpha, y);
        alphas.push(alpha);
    }
    if let Some(scaled) = curvature.and_then(|c| c.apply(at.weight, &q)) {
        q = scaled;
    } else if let Some((_, y, sy)) = pairs.back() {
        q *= sy / y.dot(y);
    }
    for ((s, y, sy), alpha) in pairs.iter().zip(alphas.into_iter().rev()) {
        let beta = y.dot(&q) / sy;
        q.scaled_add(alpha - beta, s);
    }
    q
}

type Step = (Array1<f64>, Evaluation);

/// A step that fulfils the strong Wolfe conditions; `None` if rounding allows none.
fn search(
    stage: Stage<'_>,
    point: &Array1<f64>,
    value: f64,
    slope: f64,
    direction: &Array1<f64>,
    first: f64,
) -> Option<Step> {
    let noise = stage.noise * value.abs().max(1.0);
    let (mut low, mut low_slope) = (0.0, slope);
    let mut high: Option<(f64, f64)> = None;
    let mut alpha = first;
    let mut best: Option<Step> = None;
    for _ in 0..SEARCH {
        let moved = point + &(direction * alpha);
        let new = (stage.function)(&moved);
        let at = new.gradient.dot(direction);
        // An overflow on the way counts as far too long a step.
        let finite = new.value.is_finite() && at.is_finite();
        let enough = finite && new.value <= value + ARMIJO * alpha * slope + noise;
        if enough && at.abs() <= CURVATURE * slope.abs() {
            return Some((moved, new));
        }
        if enough && best.as_ref().is_none_or(|b| new.value < b.1.value) {
            best = Some((moved, new));
        }
        if finite && at < 0.0 {
            (low, low_slope) = (alpha, at);
        } else {
            high = Some((alpha, if finite { at } else { f64::INFINITY }));
        }
        alpha = match high {
            None => 2.0 * alpha,
            Some((high, high_slope)) => {
                // Where the line between both slopes crosses zero, kept off the ends.
                let share = if high_slope.is_finite() {
                    low_slope / (low_slope - high_slope)
                } else {
                    0.5
                };
                let share = if share.is_nan() {
                    0.5
                } else {
                    share.clamp(0.1, 0.9)
                };
                low + share * (high - low)
            }
        };
    }
    best.filter(|b| b.1.value < value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(value: f64, gradient: Array1<f64>) -> Evaluation {
        Evaluation {
            value,
            gradient,
            weight: 1.0,
        }
    }

    fn exact(function: &dyn Fn(&Array1<f64>) -> Evaluation) -> Stage<'_> {
        Stage {
            function,
            noise: 1e-14,
        }
    }

    #[test]
    fn the_last_stage_decides_whatever_the_first_says() {
        let bowl = |x: &Array1<f64>, centre: f64| {
            let d = x - centre;
            evaluation(d.dot(&d), 2.0 * d)
        };
        let right = |x: &Array1<f64>| bowl(x, 1.0);
        let near = |x: &Array1<f64>| bowl(x, 1.001);
        let wild = |x: &Array1<f64>| evaluation(f64::NAN, x.clone());
        let flat = |x: &Array1<f64>| evaluation(1.0, Array1::ones(x.len()));
        let stop = Stop {
            gradient: 1e-9,
            decrease: 0.0,
            iterations: 100,
        };
        for first in [&near as &dyn Fn(&Array1<f64>) -> Evaluation, &wild, &flat] {
            let stages = [exact(first), exact(&right)];
            let end = minimize(&stages, None, Array1::zeros(3), stop);
            assert!(end.converged && end.value < 1e-15, "{end:?}");
        }
    }

    #[test]
    fn an_ill_conditioned_bowl_is_solved() {
        let scale = Array1::from_iter((0..30).map(|i| 10f64.powf(f64::from(i) / 6.0)));
        let f = |x: &Array1<f64>| {
            let d = x - 1.0;
            evaluation(0.5 * (&d * &d * &scale).sum(), d * &scale)
        };
        let stop = Stop {
            gradient: 1e-9,
            decrease: 0.0,
            iterations: 5000,
        };
        let end = minimize(&[exact(&f)], None, Array1::zeros(30), stop);
        assert!(end.converged && end.value < 1e-15, "{end:?}");
    }

    #[test]
    fn a_value_buried_in_rounding_ends_the_search_and_not_the_program() {
        let f = |x: &Array1<f64>| evaluation(1e12 + x.dot(x), 2.0 * x);
        let stop = Stop {
            gradient: 0.0,
            decrease: 0.0,
            iterations: 1000,
        };
        let end = minimize(&[exact(&f)], None, Array1::from_elem(4, 1e-3), stop);
        assert!(end.iterations < 1000);
    }
}
