//! Squared distances W² between the classes of labelled points, and their gradient.
//!
//! A class is its Gaussian ([`Inner::Gaussian`]) or its points with uniform weights
//! ([`Inner::Exact`]); for the latter W² is twice the debiased Sinkhorn divergence of cost
//! ½‖x − x'‖², which tends to the squared 2-Wasserstein distance as the blur goes to zero. Both
//! are on one scale. A class is at distance zero from itself, exactly.

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use super::Inner;
use super::bures::Gaussian;
use super::groups::Groups;
use super::kernel::Weights;
use super::points::{add_carried, half_squares, own_half_squares, plan_to, plan_within};
use super::sinkhorn::{Problem, Settings, Solution};
use crate::measure::MeasureError;

/// The classes of one set, described once.
#[derive(Debug)]
pub enum Classes {
    /// By moments.
    Gaussian(Vec<Gaussian>),
    /// By points, with the settings of the transport between them.
    Exact(Vec<Cloud>, Settings),
}

/// The points of a class and their transport to themselves.
#[derive(Debug)]
pub struct Cloud {
    points: Array2<f64>,
    weights: Weights,
    within: Solution,
}

/// W² between classes `[K, L]`, and what gradients and reports need beside.
#[derive(Debug, Clone)]
pub struct Table {
    /// The squared distances.
    pub squares: Array2<f64>,
    /// Solutions row by row, for exact distances only; `None` on the diagonal of a set's own.
    solutions: Vec<Option<Solution>>,
    /// Largest marginal violation; zero for Gaussians.
    pub violation: f64,
    /// Whether every transport converged.
    pub converged: bool,
}

impl Cloud {
    fn new(points: ArrayView2<'_, f64>, settings: &Settings) -> Self {
        let cost = own_half_squares(points);
        let weights = Weights::uniform(points.nrows());
        let within = Problem::within(cost.view(), &weights).solve(settings, None);
        Self {
            points: points.to_owned(),
            weights,
            within,
        }
    }

    fn to(&self, other: &Self, settings: &Settings) -> Solution {
        let cost = half_squares(self.points.view(), other.points.view());
        Problem::cross(cost.view(), &self.weights, &other.weights).solve(settings, None)
    }

    /// Gradient `[m, D]` of Σₛ wₛ W²(otherₛ, self) with respect to this cloud's points.
    fn gradient<'a>(
        &self,
        others: impl Iterator<Item = (&'a Self, &'a Solution, f64)>,
        settings: &Settings,
    ) -> Array2<f64> {
        let epsilon = settings.epsilon();
        let mut out = Array2::zeros(self.points.dim());
        let mut total = 0.0;
        for (other, solution, weight) in others {
            let cost = half_squares(other.points.view(), self.points.view());
            let plan = plan_to(cost, solution, &other.weights, &self.weights, epsilon);
            add_carried(plan.view(), other.points.view(), -2.0 * weight, &mut out);
            total += weight;
        }
        let cost = own_half_squares(self.points.view());
        let plan = plan_within(cost, &self.within, &self.weights, epsilon);
        add_carried(plan.view(), self.points.view(), 2.0 * total, &mut out);
        out
    }
}

impl Classes {
    /// Describes every class of `groups`.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn new(groups: &Groups, inner: Inner, outer: &Settings) -> Result<Self, MeasureError> {
        let classes = (0..groups.ranges.len()).into_par_iter();
        Ok(match inner {
            Inner::Gaussian { shrinkage } => Self::Gaussian(
                classes
                    .map(|c| Gaussian::new(groups.class(c), shrinkage))
                    .collect::<Result<_, _>>()?,
            ),
            Inner::Exact { blur } => {
                let settings = Settings { blur, ..*outer };
                let clouds = classes
                    .map(|c| Cloud::new(groups.class(c), &settings))
                    .collect();
                Self::Exact(clouds, settings)
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Gaussian(g) => g.len(),
            Self::Exact(c, _) => c.len(),
        }
    }

    /// W² from each of these classes to each of `other`'s.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn to(&self, other: &Self) -> Result<Table, MeasureError> {
        let pairs: Vec<[usize; 2]> = (0..self.len())
            .flat_map(|i| (0..other.len()).map(move |j| [i, j]))
            .collect();
        let entries = pairs
            .into_par_iter()
            .map(|[i, j]| self.pair(other, i, j))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.table(other, entries))
    }

    /// W² between these classes: symmetric, zero on the diagonal.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn within(&self) -> Result<Table, MeasureError> {
        let k = self.len();
        let pairs: Vec<[usize; 2]> = (0..k)
            .flat_map(|i| (i + 1..k).map(move |j| [i, j]))
            .collect();
        let upper = pairs
            .par_iter()
            .map(|&[i, j]| self.pair(self, i, j))
            .collect::<Result<Vec<_>, _>>()?;
        let mut entries = vec![(0.0, None); k * k];
        for ([i, j], (square, solution)) in pairs.into_iter().zip(upper) {
            let turned = solution.as_ref().map(|s| s.turned(self.size(i)));
            entries[j * k + i] = (square, turned);
            entries[i * k + j] = (square, solution);
        }
        Ok(self.table(self, entries))
    }

    fn size(&self, class: usize) -> usize {
        match self {
            Self::Gaussian(_) => 0,
            Self::Exact(clouds, _) => clouds[class].points.nrows(),
        }
    }

    fn pair(
        &self,
        other: &Self,
        i: usize,
        j: usize,
    ) -> Result<(f64, Option<Solution>), MeasureError> {
        match (self, other) {
            (Self::Gaussian(x), Self::Gaussian(y)) => Ok((x[i].square_distance(&y[j])?, None)),
            (Self::Exact(x, settings), Self::Exact(y, _)) => {
                let solution = x[i].to(&y[j], settings);
                let own = x[i].within.value + y[j].within.value;
                Ok((2.0 * solution.value - own, Some(solution)))
            }
            _ => unreachable!("both sides of a distance are described alike"),
        }
    }

    fn table(&self, other: &Self, entries: Vec<(f64, Option<Solution>)>) -> Table {
        let shape = (self.len(), other.len());
        let (squares, solutions): (Vec<f64>, Vec<_>) = entries.into_iter().unzip();
        let within = [self, other].into_iter().flat_map(|classes| match classes {
            Self::Gaussian(_) => &[],
            Self::Exact(clouds, _) => clouds.as_slice(),
        });
        let all = || {
            solutions
                .iter()
                .flatten()
                .chain(within.clone().map(|c| &c.within))
        };
        Table {
            violation: all().fold(0.0, |m, s| m.max(s.violation)),
            converged: all().all(|s| s.converged),
            squares: Array2::from_shape_fn(shape, |(i, j)| squares[i * shape.1 + j]),
            solutions,
        }
    }

    /// Adds the gradient of Σ wₛₜ W²(fromₛ, selfₜ), for weights `[K, L]` and the table from there
    /// to here, with respect to the points of `groups`, which are those described here. Only the
    /// second class of a pair moves.
    ///
    /// # Errors
    /// [`MeasureError::Numerical`] if LAPACK fails.
    pub fn add_gradient(
        &self,
        groups: &Groups,
        from: &Self,
        table: &Table,
        weights: &Array2<f64>,
        out: &mut Array2<f64>,
    ) -> Result<(), MeasureError> {
        let k = from.len();
        let parts = (0..self.len())
            .into_par_iter()
            .map(|t| match (self, from) {
                (Self::Gaussian(to), Self::Gaussian(from)) => to[t].gradient(
                    (0..k)
                        .map(|s| (&from[s], weights[[s, t]]))
                        .filter(|(_, w)| *w != 0.0),
                ),
                (Self::Exact(to, settings), Self::Exact(from, _)) => Ok(to[t].gradient(
                    (0..k).filter_map(|s| {
                        let solution = table.solutions[s * self.len() + t].as_ref()?;
                        Some((&from[s], solution, weights[[s, t]]))
                    }),
                    settings,
                )),
                _ => unreachable!("both sides of a distance are described alike"),
            })
            .collect::<Result<Vec<_>, _>>()?;
        for (range, part) in groups.ranges.iter().zip(parts) {
            let mut rows = out.slice_mut(s![range.clone(), ..]);
            rows += &part;
        }
        Ok(())
    }
}
