//! The cost matrix of assignments, from a stream of source probabilities.
//!
//! `cost[c][k] = (1/N) Σᵢ T_ic · cost(p_k(x̂ᵢ))`: blocks of rows come and go, and only the `Kt × Ks`
//! sums stay. With 21,841 source classes and ten target classes that is 1.7 MB, whatever `N`.
//! For a held-out value keep two accumulators: solve one and read the map's total in the other.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use super::divergence::Divergence;
use super::search::{Assignment, Search, assign};
use crate::measure::samples::Real;
use crate::measure::{MeasureError, blas};

/// Sums of costs over all samples seen so far.
#[derive(Debug, Clone, PartialEq)]
pub struct CostAccumulator {
    divergence: Divergence,
    sums: Array2<f64>,
    mass: Array1<f64>,
    samples: usize,
}

impl CostAccumulator {
    /// For `target` and `source` class counts.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without target classes, [`MeasureError::TooMany`] if there are
    /// more target than source classes: no injective map exists.
    pub fn new(target: usize, source: usize, divergence: Divergence) -> Result<Self, MeasureError> {
        MeasureError::at_least("target classes", 1, target)?;
        if target > source {
            return Err(MeasureError::TooMany {
                what: "target classes",
                expected: source,
                found: target,
            });
        }
        Ok(Self {
            divergence,
            sums: Array2::zeros((target, source)),
            mass: Array1::zeros(target),
            samples: 0,
        })
    }

    /// Adds a block: source probabilities `[n, Ks]` and target labels `[n]`.
    ///
    /// # Errors
    /// [`MeasureError::Shape`], [`MeasureError::Label`], [`MeasureError::NotFinite`],
    /// [`MeasureError::Probability`] (rows counted from the first block). Then nothing is added.
    pub fn add_labels<A: Real>(
        &mut self,
        probabilities: ArrayView2<'_, A>,
        labels: &[usize],
    ) -> Result<(), MeasureError> {
        self.check_block(probabilities, labels.len())?;
        for (row, &found) in labels.iter().enumerate() {
            if found >= self.mass.len() {
                let (row, classes) = (self.samples + row, self.mass.len());
                return Err(MeasureError::Label {
                    what: "target labels",
                    row,
                    classes,
                    found,
                });
            }
        }
        let divergence = self.divergence;
        for (row, &label) in probabilities.outer_iter().zip(labels) {
            self.sums
                .row_mut(label)
                .zip_mut_with(&row, |sum, &p| *sum += divergence.cost(unit(p)));
            self.mass[label] += 1.0;
        }
        self.samples += labels.len();
        Ok(())
    }

    /// Adds a block: source probabilities `[n, Ks]` and target conditionals `[n, Kt]`.
    ///
    /// # Errors
    /// As [`CostAccumulator::add_labels`].
    pub fn add_conditionals<A: Real, B: Real>(
        &mut self,
        probabilities: ArrayView2<'_, A>,
        target: ArrayView2<'_, B>,
    ) -> Result<(), MeasureError> {
        self.check_block(probabilities, target.nrows())?;
        let (expected, found) = (self.mass.len(), target.ncols());
        if expected != found {
            return Err(MeasureError::Shape {
                what: "target conditionals",
                expected,
                found,
            });
        }
        check_probabilities("target conditionals", target, self.samples)?;
        blas::single_threaded();
        // In chunks, so that the double-precision costs stay small however wide the source is.
        for (p, t) in probabilities
            .axis_chunks_iter(Axis(0), 256)
            .zip(target.axis_chunks_iter(Axis(0), 256))
        {
            let costs = p.mapv(|p| self.divergence.cost(unit(p)));
            let t = t.mapv(unit);
            ndarray::linalg::general_mat_mul(1.0, &t.t(), &costs, 1.0, &mut self.sums);
            self.mass += &t.sum_axis(Axis(0));
        }
        self.samples += target.nrows();
        Ok(())
    }

    /// Adds what another accumulator has seen.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] for other class counts, [`MeasureError::Parameter`] for another
    /// divergence.
    pub fn merge(&mut self, other: &Self) -> Result<(), MeasureError> {
        for (what, axis) in [("target classes", 0), ("source classes", 1)] {
            let (expected, found) = (self.sums.len_of(Axis(axis)), other.sums.len_of(Axis(axis)));
            if expected != found {
                return Err(MeasureError::Shape {
                    what,
                    expected,
                    found,
                });
            }
        }
        if self.divergence != other.divergence {
            return Err(MeasureError::parameter(
                "divergence",
                self.divergence.name(),
                other.divergence.name(),
            ));
        }
        self.sums += &other.sums;
        self.mass += &other.mass;
        self.samples += other.samples;
        Ok(())
    }

    /// Samples seen.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// How much target mass each target class has (its number of samples, for labels).
    pub fn mass(&self) -> &Array1<f64> {
        &self.mass
    }

    /// The costs `[Kt, Ks]`, as means over all samples.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] before the first sample.
    pub fn matrix(&self) -> Result<Array2<f64>, MeasureError> {
        MeasureError::at_least("samples", 1, self.samples)?;
        Ok(&self.sums / self.samples as f64)
    }

    /// The discrepancy on what was seen: the best assignment and its mean cost.
    ///
    /// A target class without mass costs nothing anywhere, so it is given a class that the others
    /// leave over.
    ///
    /// # Errors
    /// As [`CostAccumulator::matrix`] and [`assign`].
    pub fn solve(&self, search: Search) -> Result<Assignment, MeasureError> {
        assign(self.matrix()?.view(), search)
    }

    fn check_block<A: Real>(
        &self,
        probabilities: ArrayView2<'_, A>,
        targets: usize,
    ) -> Result<(), MeasureError> {
        let (rows, columns) = probabilities.dim();
        for (what, expected, found) in [
            ("source classes", self.sums.ncols(), columns),
            ("target rows", rows, targets),
        ] {
            if expected != found {
                return Err(MeasureError::Shape {
                    what,
                    expected,
                    found,
                });
            }
        }
        check_probabilities("source probabilities", probabilities, self.samples)
    }
}

/// How far single-precision probabilities may stray from `[0, 1]` and a sum of one.
const SLACK: f64 = 1e-3;

/// Fails on the first row that is no (sub-)probability; `offset` is added to the row reported.
pub(super) fn check_probabilities<A: Real>(
    what: &'static str,
    matrix: ArrayView2<'_, A>,
    offset: usize,
) -> Result<(), MeasureError> {
    for (row, values) in matrix.outer_iter().enumerate() {
        let row = row + offset;
        let mut sum = 0.0;
        for (column, &value) in values.iter().enumerate() {
            let value: f64 = value.into();
            if !value.is_finite() {
                return Err(MeasureError::NotFinite {
                    what,
                    row,
                    column,
                    value,
                });
            }
            if !(-SLACK..=1.0 + SLACK).contains(&value) {
                return Err(MeasureError::Probability {
                    what,
                    row,
                    found: value,
                });
            }
            sum += value;
        }
        if sum > 1.0 + SLACK {
            return Err(MeasureError::Probability {
                what,
                row,
                found: sum,
            });
        }
    }
    Ok(())
}

/// A probability as a double, rounding noise cut off.
pub(super) fn unit<A: Real>(p: A) -> f64 {
    let p: f64 = p.into();
    p.clamp(0.0, 1.0)
}
