//! Limited-memory BFGS for a convex, smooth function.
//!
//! Ready-made optimisers ask for value and gradient separately (twice the work here) and report
//! an error when rounding spoils the descent near the optimum. This one evaluates both at once
//! and, because the function is convex, searches along the line by slope: the slope never
//! decreases there, so one sign change brackets the minimum even where differences of the value
//! have drowned in rounding. Source: Nocedal & Wright, *Numerical Optimization*, algorithms 7.4
//! and 3.5.

use std::collections::VecDeque;

use ndarray::Array1;

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

/// Minimises a convex `function` (point → value and gradient) from `start`.
///
/// Stops when ‖g‖∞ ≤ `stop.gradient`, when two iterations in a row lower the value by no more
/// than `stop.decrease · max(|f|, 1)`, when rounding allows no further step, or after
/// `stop.iterations`.
pub fn minimize(
    mut function: impl FnMut(&Array1<f64>) -> (f64, Array1<f64>),
    start: Array1<f64>,
    stop: Stop,
) -> Minimum {
    let (mut value, mut gradient) = function(&start);
    let mut point = start;
    let mut pairs: VecDeque<(Array1<f64>, Array1<f64>, f64)> = VecDeque::new();
    let (mut iterations, mut still) = (0, 0);
    let converged = loop {
        if largest(&gradient) <= stop.gradient || still >= 2 {
            break true;
        }
        if iterations >= stop.iterations {
            break false;
        }
        let mut direction = direction(&pairs, &gradient);
        let mut slope = gradient.dot(&direction);
        if slope.is_nan() || slope >= 0.0 {
            // Only rounding can do this on a convex function: start over from steepest descent.
            pairs.clear();
            direction = -&gradient;
            slope = gradient.dot(&direction);
        }
        let first = if pairs.is_empty() {
            1.0f64.min(1.0 / largest(&direction))
        } else {
            1.0
        };
        let Some(step) = search(&mut function, &point, value, slope, &direction, first) else {
            if pairs.is_empty() {
                break true;
            }
            pairs.clear();
            continue;
        };
        let (moved, new_value, new_gradient) = step;
        let (s, y) = (&moved - &point, &new_gradient - &gradient);
        let curvature = s.dot(&y);
        if curvature > f64::EPSILON * y.dot(&y) {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back((s, y, curvature));
        }
        let small = value - new_value <= stop.decrease * new_value.abs().max(1.0);
        still = if small { still + 1 } else { 0 };
        (point, value, gradient) = (moved, new_value, new_gradient);
        iterations += 1;
    };
    Minimum {
        gradient: largest(&gradient),
        point,
        value,
        iterations,
        converged,
    }
}

/// The two-loop recursion: minus the approximate inverse Hessian times the gradient.
fn direction(
    pairs: &VecDeque<(Array1<f64>, Array1<f64>, f64)>,
    gradient: &Array1<f64>,
) -> Array1<f64> {
    let mut q = -gradient;
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y, sy) in pairs.iter().rev() {
        let alpha = s.dot(&q) / sy;
        q.scaled_add(-alpha, y);
        alphas.push(alpha);
    }
    if let Some((_, y, sy)) = pairs.back() {
        q *= sy / y.dot(y);
    }
    for ((s, y, sy), alpha) in pairs.iter().zip(alphas.into_iter().rev()) {
        let beta = y.dot(&q) / sy;
        q.scaled_add(alpha - beta, s);
    }
    q
}

type Step = (Array1<f64>, f64, Array1<f64>);

/// A step that fulfils the strong Wolfe conditions; `None` if rounding allows none.
fn search(
    function: &mut impl FnMut(&Array1<f64>) -> (f64, Array1<f64>),
    point: &Array1<f64>,
    value: f64,
    slope: f64,
    direction: &Array1<f64>,
    first: f64,
) -> Option<Step> {
    // Below this, differences of the value are rounding.
    let noise = 1e-14 * value.abs().max(1.0);
    let (mut low, mut low_slope) = (0.0, slope);
    let mut high: Option<(f64, f64)> = None;
    let mut alpha = first;
    let mut best: Option<Step> = None;
    for _ in 0..SEARCH {
        let moved = point + &(direction * alpha);
        let (f, g) = function(&moved);
        let at = g.dot(direction);
        // An overflow on the way counts as far too long a step.
        let finite = f.is_finite() && at.is_finite();
        let enough = finite && f <= value + ARMIJO * alpha * slope + noise;
        if enough && at.abs() <= CURVATURE * slope.abs() {
            return Some((moved, f, g));
        }
        if enough && best.as_ref().is_none_or(|b| f < b.1) {
            best = Some((moved, f, g));
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
    best.filter(|b| b.1 < value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ill_conditioned_bowl_is_solved() {
        let scale = Array1::from_iter((0..30).map(|i| 10f64.powf(f64::from(i) / 6.0)));
        let f = |x: &Array1<f64>| {
            let d = x - 1.0;
            (0.5 * (&d * &d * &scale).sum(), d * &scale)
        };
        let stop = Stop {
            gradient: 1e-9,
            decrease: 0.0,
            iterations: 5000,
        };
        let end = minimize(f, Array1::zeros(30), stop);
        assert!(end.converged && end.value < 1e-15, "{end:?}");
    }

    #[test]
    fn a_value_buried_in_rounding_ends_the_search_and_not_the_program() {
        let f = |x: &Array1<f64>| (1e12 + x.dot(x), 2.0 * x);
        let stop = Stop {
            gradient: 0.0,
            decrease: 0.0,
            iterations: 1000,
        };
        let end = minimize(f, Array1::from_elem(4, 1e-3), stop);
        assert!(end.iterations < 1000);
    }
}
