//! What the samples are in the target modality: one class each, several, or a distribution.

use std::collections::HashMap;

use ndarray::ArrayView2;
use rand_chacha::ChaCha8Rng;

use super::stream::{self, Sums};
use crate::measure::samples::check_labels;
use crate::measure::sampling::split;
use crate::measure::{Groups, MeasureError};
use crate::strata;

/// What the samples are in the target modality.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// One class per sample.
    Labels {
        /// The classes, `[N]`, in `0..classes`.
        labels: &'a [usize],
        /// Number of target classes.
        classes: usize,
    },
    /// Several classes per sample: zeros and ones, `[N, Kt]`. Each class's positives are its
    /// samples: a sample counts once, with weight one, for every class it is positive for, and not
    /// at all if there is none. Means are over these pairs of a sample and one of its classes.
    MultiHot(ArrayView2<'a, f32>),
    /// P(Y^t | x̂), `[N, Kt]`.
    Conditionals(ArrayView2<'a, f32>),
}

impl Target<'_> {
    pub(super) fn classes(&self) -> usize {
        match self {
            Self::Labels { classes, .. } => *classes,
            Self::MultiHot(t) | Self::Conditionals(t) => t.ncols(),
        }
    }

    pub(super) fn check(&self, rows: usize) -> Result<(), MeasureError> {
        let shape = |what, found| MeasureError::same(what, rows, found);
        match self {
            Self::Labels { labels, classes } => {
                check_labels("target labels", labels, rows, *classes)
            }
            Self::MultiHot(t) => {
                shape("target labels", t.nrows())?;
                let bad = |&(_, &v): &(_, &f32)| v != 0.0 && v != 1.0;
                match t.indexed_iter().find(bad) {
                    None => Ok(()),
                    Some(((row, column), &found)) => Err(MeasureError::Binary {
                        what: "target labels",
                        row,
                        column,
                        found: found.into(),
                    }),
                }
            }
            Self::Conditionals(t) => {
                shape("target conditionals", t.nrows())?;
                stream::check("target conditionals", *t, 0, Sums::AtMostOne)
            }
        }
    }

    /// Calls `each(class, weight)` for the classes that sample `i` has mass in.
    pub(super) fn mass(&self, i: usize, mut each: impl FnMut(usize, f64)) {
        match self {
            Self::Labels { labels, .. } => each(labels[i], 1.0),
            Self::MultiHot(t) | Self::Conditionals(t) => {
                t.row(i).iter().enumerate().for_each(|(c, &w)| {
                    if w > 0.0 {
                        each(c, f64::from(w).min(1.0));
                    }
                });
            }
        }
    }

    /// How much sample `i` weighs in a mean: its positives, or one.
    pub(super) fn units(&self, i: usize) -> f64 {
        match self {
            Self::MultiHot(t) => f64::from(t.row(i).sum()),
            _ => 1.0,
        }
    }

    /// The class that stands for sample `i` when the split is made class by class: the one with
    /// most mass, of equals the rarest.
    pub(super) fn stratum(&self, i: usize, mass: &[f64]) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        self.mass(i, |class, weight| {
            if weight > best.1 || (weight == best.1 && mass[class] < mass[best.0]) {
                best = (class, weight);
            }
        });
        best.0
    }

    /// Mass of each class over all samples.
    pub(super) fn totals(&self, rows: usize) -> Vec<f64> {
        let mut mass = vec![0.0; self.classes()];
        (0..rows).for_each(|i| self.mass(i, |class, weight| mass[class] += weight));
        mass
    }

    /// A number for every sample, equal for equal targets; `None` for distributions, which are not
    /// told apart.
    pub(super) fn patterns(&self, rows: usize) -> Option<Vec<usize>> {
        match self {
            Self::Labels { labels, .. } => Some(labels.to_vec()),
            Self::Conditionals(_) => None,
            Self::MultiHot(t) => {
                let mut numbers = HashMap::new();
                let mut number = |i| {
                    let mut positive = Vec::new();
                    Target::MultiHot(*t).mass(i, |class, _| positive.push(class));
                    let next = numbers.len();
                    *numbers.entry(positive).or_insert(next)
                };
                Some((0..rows).map(&mut number).collect())
            }
        }
    }

    /// How many groups have mass of each class.
    pub(super) fn groups(&self, groups: &Groups) -> Vec<usize> {
        let mut seen = Vec::new();
        for i in 0..groups.len() {
            self.mass(i, |class, _| seen.push((class, groups.group(i))));
        }
        seen.sort_unstable();
        seen.dedup();
        let mut counts = vec![0; self.classes()];
        seen.iter().for_each(|&(class, _)| counts[class] += 1);
        counts
    }

    /// A draw: which sample's target each sample has, and which samples are held out: whole groups.
    pub(super) fn draw(
        &self,
        order: Vec<usize>,
        share: Option<f64>,
        mass: &[f64],
        groups: &Groups,
        rng: &mut ChaCha8Rng,
    ) -> Draw {
        let mut held = vec![false; order.len()];
        let Some(share) = share else {
            return Draw {
                order,
                held,
                split: false,
            };
        };
        if !groups.is_singletons() {
            let mut content = vec![Vec::new(); groups.count()];
            for (i, &from) in order.iter().enumerate() {
                self.mass(from, |class, weight| {
                    split::add(&mut content[groups.group(i)], class, weight);
                });
            }
            let whole = split::hold_out(&content, self.classes(), share, rng);
            return Draw {
                held: (0..order.len()).map(|i| whole[groups.group(i)]).collect(),
                order,
                split: true,
            };
        }
        let weighs = |i: &usize| self.units(order[*i]) > 0.0;
        let rows: Vec<usize> = (0..order.len()).filter(weighs).collect();
        let stratum = |&i: &usize| self.stratum(order[i], mass);
        let classes: Vec<usize> = rows.iter().map(stratum).collect();
        let places: Vec<usize> = (0..rows.len()).collect();
        let (_, evaluated) = strata::split(&classes, &places, share, rng);
        evaluated.iter().for_each(|&place| held[rows[place]] = true);
        Draw {
            order,
            held,
            split: true,
        }
    }
}

/// Targets given to samples, and samples split into those that the assignment is chosen on and
/// those that it is evaluated on.
pub(super) struct Draw {
    /// Sample `i` has the target of sample `order[i]`.
    pub order: Vec<usize>,
    /// Whether it is held out.
    pub held: Vec<bool>,
    /// Whether any is; otherwise all samples are both fitted and evaluated.
    pub split: bool,
}

impl Draw {
    /// Samples that the assignment is chosen on.
    pub fn fitted(&self) -> Vec<usize> {
        (0..self.held.len()).filter(|&i| !self.held[i]).collect()
    }

    /// Samples that it is evaluated on.
    pub fn evaluated(&self) -> Vec<usize> {
        (0..self.held.len())
            .filter(|&i| self.held[i] || !self.split)
            .collect()
    }

    /// What some samples weigh together.
    pub fn units(&self, target: &Target<'_>, rows: &[usize]) -> f64 {
        rows.iter().map(|&i| target.units(self.order[i])).sum()
    }
}
