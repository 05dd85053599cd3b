//! A source set whose distances to changing targets are wanted, as an embedder stage does.
//!
//! What never changes is computed once: moments or points of the classes, the label distances
//! among them, and the source's transport to itself. A distance then costs the target's share and
//! one problem between the two.

use std::time::Instant;

use ndarray::{Array1, Array2, s};

use super::groups::Groups;
use super::kernel::Weights;
use super::labels::{Classes, Table};
use super::points::{add_carried, half_squares, own_half_squares, plan_to, plan_within};
use super::sinkhorn::{Problem, Solution};
use super::{Otdd, ValidOtddParams};
use crate::measure::{MeasureError, Real, Samples, blas, interrupt};

/// One labelled set, ready for distances.
#[derive(Debug)]
pub struct Source {
    params: ValidOtddParams,
    centre: Array1<f64>,
    side: Side,
}

/// What a set contributes alone.
#[derive(Debug)]
struct Side {
    groups: Groups,
    weights: Weights,
    classes: Classes,
    table: Table,
    within: Solution,
}

/// The transport between the two sets.
struct Cross {
    table: Table,
    solution: Solution,
}

impl Side {
    fn new(
        mut groups: Groups,
        centre: &Array1<f64>,
        p: &ValidOtddParams,
    ) -> Result<Self, MeasureError> {
        groups.points -= centre;
        let weights = Weights::uniform(groups.len());
        let classes = Classes::new(&groups, p.inner, &p.outer)?;
        let table = classes.within()?;
        let cost = own_cost(&groups, &table);
        check_finite(&cost)?;
        let within = Problem::within(cost.view(), &weights).solve(&p.outer, None);
        interrupt::check()?;
        Ok(Self {
            groups,
            weights,
            classes,
            table,
            within,
        })
    }
}

impl Source {
    /// Prepares `samples` `[N, D]`. Memory O(N²) while it runs, O(N·D) after.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without a sample or a feature, [`MeasureError::TooMany`] for more
    /// than 20,000 samples, [`MeasureError::Numerical`] if LAPACK fails or numbers are too large.
    pub fn new<A: Real>(
        samples: &Samples<'_, A>,
        params: &ValidOtddParams,
    ) -> Result<Self, MeasureError> {
        blas::single_threaded();
        let groups = Groups::new(samples, params.max_per_class, params.seed)?;
        // Near the origin, squared distances from scalar products lose no digits.
        let centre = groups.mean();
        Ok(Self {
            side: Side::new(groups, &centre, params)?,
            centre,
            params: params.clone(),
        })
    }

    /// The distance to `target` `[M, D]`. Memory O(N·M + M²).
    ///
    /// # Errors
    /// [`MeasureError::Shape`] for another number of features; else as [`Source::new`].
    pub fn distance<A: Real>(&self, target: &Samples<'_, A>) -> Result<Otdd, MeasureError> {
        let start = Instant::now();
        let target = self.target(target)?;
        let cross = self.cross(&target)?;
        self.report(&target, &cross, start)
    }

    /// The distance to `target` and its gradient `[M, D]` with respect to the target's features,
    /// in the row order of `target`; rows that were not drawn have gradient zero.
    ///
    /// The gradient is exact at converged potentials ([`Otdd::converged`]); with
    /// `label_gradient(false)` label distances count as constants.
    ///
    /// # Errors
    /// As [`Source::distance`].
    pub fn distance_and_gradient<A: Real>(
        &self,
        target: &Samples<'_, A>,
    ) -> Result<(Otdd, Array2<f64>), MeasureError> {
        let start = Instant::now();
        let rows = target.len();
        let target = self.target(target)?;
        let cross = self.cross(&target)?;
        let sorted = self.gradient(&target, &cross)?;
        let mut gradient = Array2::zeros((rows, sorted.ncols()));
        for (from, &to) in sorted.outer_iter().zip(&target.groups.rows) {
            gradient.row_mut(to).assign(&from);
        }
        Ok((self.report(&target, &cross, start)?, gradient))
    }

    fn target<A: Real>(&self, samples: &Samples<'_, A>) -> Result<Side, MeasureError> {
        if samples.dim() != self.centre.len() {
            return Err(MeasureError::Shape {
                what: "features of the target",
                expected: self.centre.len(),
                found: samples.dim(),
            });
        }
        let groups = Groups::new(samples, self.params.max_per_class, self.params.seed)?;
        Side::new(groups, &self.centre, &self.params)
    }

    fn cross(&self, target: &Side) -> Result<Cross, MeasureError> {
        let table = self.side.classes.to(&target.classes)?;
        let cost = cross_cost(&self.side.groups, &target.groups, &table);
        check_finite(&cost)?;
        let problem = Problem::cross(cost.view(), &self.side.weights, &target.weights);
        let solution = problem.solve(&self.params.outer, None);
        Ok(Cross { table, solution })
    }

    fn gradient(&self, target: &Side, cross: &Cross) -> Result<Array2<f64>, MeasureError> {
        let epsilon = self.params.outer.epsilon();
        let (here, there) = (&self.side.groups, &target.groups);
        let mut out = Array2::zeros(there.points.dim());

        let cost = cross_cost(here, there, &cross.table);
        let plan = plan_to(
            cost,
            &cross.solution,
            &self.side.weights,
            &target.weights,
            epsilon,
        );
        add_carried(plan.view(), here.points.view(), -1.0, &mut out);
        let between = masses(&plan, here, there);
        drop(plan);

        let cost = own_cost(there, &target.table);
        let plan = plan_within(cost, &target.within, &target.weights, epsilon);
        add_carried(plan.view(), there.points.view(), 1.0, &mut out);
        let within = masses(&plan, there, there);
        drop(plan);

        if self.params.label_gradient {
            let classes = &target.classes;
            // The cost has half of W², and the plan its mass on the pair of classes.
            let weights = between * 0.5;
            classes.add_gradient(there, &self.side.classes, &cross.table, &weights, &mut out)?;
            // Half the transport to itself, with (t, t') and (t', t) moving together.
            let weights = (&within + &within.t()) * -0.25;
            classes.add_gradient(there, classes, &target.table, &weights, &mut out)?;
        }
        if out.iter().all(|v| v.is_finite()) {
            Ok(out)
        } else {
            Err(too_large())
        }
    }

    fn report(&self, target: &Side, cross: &Cross, start: Instant) -> Result<Otdd, MeasureError> {
        let problems = [&cross.solution, &self.side.within, &target.within];
        let tables = [&cross.table, &self.side.table, &target.table];
        interrupt::check()?;
        let value = cross.solution.value - 0.5 * (self.side.within.value + target.within.value);
        if !value.is_finite() {
            return Err(too_large());
        }
        Ok(Otdd {
            value,
            transport: cross.solution.value,
            source_self: self.side.within.value,
            target_self: target.within.value,
            iterations: problems.iter().fold(0, |m, p| m.max(p.iterations)),
            marginal_violation: problems.iter().fold(0.0, |m, p| m.max(p.violation)),
            label_violation: tables.iter().fold(0.0, |m, t| m.max(t.violation)),
            converged: problems.iter().all(|p| p.converged) && tables.iter().all(|t| t.converged),
            samples: [self.side.groups.len(), target.groups.len()],
            classes: [self.side.groups.ranges.len(), target.groups.ranges.len()],
            seconds: start.elapsed().as_secs_f64(),
        })
    }
}

/// ½‖x − x'‖² + ½W²(y, y').
fn cross_cost(x: &Groups, y: &Groups, table: &Table) -> Array2<f64> {
    with_labels(half_squares(x.points.view(), y.points.view()), x, y, table)
}

fn own_cost(x: &Groups, table: &Table) -> Array2<f64> {
    with_labels(own_half_squares(x.points.view()), x, x, table)
}

fn with_labels(mut cost: Array2<f64>, x: &Groups, y: &Groups, table: &Table) -> Array2<f64> {
    for (i, rows) in x.ranges.iter().enumerate() {
        for (j, columns) in y.ranges.iter().enumerate() {
            cost.slice_mut(s![rows.clone(), columns.clone()])
                .map_inplace(|c| *c += 0.5 * table.squares[[i, j]]);
        }
    }
    cost
}

/// The mass `[K, L]` that a plan moves between classes.
fn masses(plan: &Array2<f64>, x: &Groups, y: &Groups) -> Array2<f64> {
    Array2::from_shape_fn((x.ranges.len(), y.ranges.len()), |(i, j)| {
        plan.slice(s![x.ranges[i].clone(), y.ranges[j].clone()])
            .sum()
    })
}

fn check_finite(cost: &Array2<f64>) -> Result<(), MeasureError> {
    if cost.iter().all(|c| c.is_finite()) {
        Ok(())
    } else {
        Err(too_large())
    }
}

fn too_large() -> MeasureError {
    MeasureError::Numerical {
        what: "optimal transport dataset distance",
        found: "distances beyond the range of doubles".into(),
    }
}
