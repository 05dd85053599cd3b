//! Labelled points sorted by class, in double precision, perhaps a sample of each class.
//!
//! Classes lie one behind the other, so that a class is a range of rows and whatever depends on
//! labels alone is constant on blocks. Declared classes without a sample take no part.

use std::ops::Range;

use crate::measure::{MeasureError, Real, Samples};
use crate::random::OTDD;
use crate::strata::by_class;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// Most samples on one side: a matrix of their pairs takes 3.2 GB.
pub const MOST: usize = 20_000;

/// Points `[N, D]` class by class.
#[derive(Debug, Clone)]
pub struct Groups {
    /// The points.
    pub points: Array2<f64>,
    /// Rows of each class present, by rising label.
    pub ranges: Vec<Range<usize>>,
    /// The row of the input that each point was.
    pub rows: Vec<usize>,
}

impl Groups {
    /// Sorts `samples`, at most `most` of each class, drawn with `seed`.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without a sample or a feature, [`MeasureError::TooMany`] for more
    /// than [`MOST`] points.
    pub fn new<A: Real>(
        samples: &Samples<'_, A>,
        most: Option<usize>,
        seed: u64,
    ) -> Result<Self, MeasureError> {
        MeasureError::at_least("samples", 1, samples.len())?;
        MeasureError::at_least("features", 1, samples.dim())?;
        let (mut rows, mut ranges) = (Vec::new(), Vec::new());
        for (label, members) in by_class(samples.labels()).into_iter().enumerate() {
            if members.is_empty() {
                continue;
            }
            let start = rows.len();
            match most {
                Some(most) if most < members.len() => {
                    let mut rng = OTDD.rng(seed, &[label as u64]);
                    let mut drawn =
                        rand::seq::index::sample(&mut rng, members.len(), most).into_vec();
                    drawn.sort_unstable();
                    rows.extend(drawn.into_iter().map(|i| members[i]));
                }
                _ => rows.extend(members),
            }
            ranges.push(start..rows.len());
        }
        if rows.len() > MOST {
            return Err(MeasureError::TooMany {
                what: "samples",
                expected: MOST,
                found: rows.len(),
            });
        }
        let features = samples.features();
        let points = Array2::from_shape_fn((rows.len(), samples.dim()), |(i, d)| {
            features[[rows[i], d]].into()
        });
        Ok(Self {
            points,
            ranges,
            rows,
        })
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The mean point.
    pub fn mean(&self) -> Array1<f64> {
        // Dividing first keeps the sum of large numbers finite.
        let n = self.len() as f64;
        self.points
            .axis_iter(Axis(0))
            .fold(Array1::zeros(self.points.ncols()), |mean, row| {
                mean + &row.mapv(|v| v / n)
            })
    }

    /// The points of one class.
    pub fn class(&self, class: usize) -> ArrayView2<'_, f64> {
        self.points.slice(s![self.ranges[class].clone(), ..])
    }
}
