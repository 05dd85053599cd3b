//! Rates of wrong predictions with their noise: of all test samples (or all of one class), or of classes weighing
//! the same.
//!
//! A rate's own interval is of its test samples: Wilson's, or for the balanced error one of the sum of the
//! classes' variances after Agresti and Coull; where samples belong together it is no narrower than the
//! jackknife's over whole groups. A difference of two rates is tested twice, and the larger p counts: by the
//! jackknife, whose folds take training samples, a say in C and test samples away at once, and by the exact
//! sign-flip test over the test samples or their groups, which lets no few samples speak for a population.

use super::probed::Mistakes;
use crate::evaluate::{Estimate, noise};
use crate::measure::encoder::Rate;
use crate::measure::flips::{by_group, sign_flip};
use crate::measure::stats::wilson;
use crate::measure::tail::critical;
use crate::measure::verdict::{Claim, LEVEL};

/// The test samples that predictions are about.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Class of every test sample.
    pub labels: Vec<usize>,
    /// How many classes there are.
    pub classes: usize,
    /// The group of every test sample, where samples belong together.
    pub groups: Option<Vec<usize>>,
    /// The fold of every test sample.
    pub folds: Vec<usize>,
}

/// What samples count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All the same.
    Plain,
    /// All classes the same.
    Balanced,
}

impl Kind {
    /// What samples count in a rate, and whether it is one of wrong predictions.
    pub fn of(rate: Rate) -> (Self, bool) {
        match rate {
            Rate::Wrong => (Self::Plain, true),
            Rate::WrongByClass => (Self::Balanced, true),
            Rate::Right => (Self::Plain, false),
        }
    }
}

impl Rates {
    /// Some of the test samples.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = |values: &[usize]| rows.iter().map(|&row| values[row]).collect();
        Self {
            labels: of(&self.labels),
            classes: self.classes,
            groups: self.groups.as_deref().map(of),
            folds: of(&self.folds),
        }
    }

    /// Samples of each class among those kept.
    fn counts(&self, kept: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut counts = vec![0.0; self.classes];
        let rows = self.labels.iter().enumerate().filter(|(row, _)| kept(*row));
        rows.for_each(|(_, &label)| counts[label] += 1.0);
        counts
    }

    /// What a sample of each class counts: a rate is the sum over wrong predictions.
    fn weights(kind: Kind, counts: &[f64]) -> Vec<f64> {
        let all: f64 = counts.iter().sum();
        let present = counts.iter().filter(|count| **count > 0.0).count() as f64;
        let of = |count: &f64| match kind {
            Kind::Plain => 1.0 / all.max(1.0),
            Kind::Balanced => 1.0 / (present.max(1.0) * count.max(1.0)),
        };
        counts.iter().map(of).collect()
    }

    /// The rate of wrong predictions for the samples kept.
    fn rate(&self, kind: Kind, wrong: &[bool], kept: impl Fn(usize) -> bool) -> f64 {
        if kind == Kind::Plain {
            let own = || (0..wrong.len()).filter(|row| kept(*row));
            let hits = own().filter(|row| wrong[*row]).count();
            return hits as f64 / own().count().max(1) as f64;
        }
        let weights = Self::weights(kind, &self.counts(&kept));
        let rows = (0..wrong.len()).filter(|row| wrong[*row] && kept(*row));
        rows.map(|row| weights[self.labels[row]]).sum()
    }

    /// The rate without each fold, learnt without it.
    fn without(&self, kind: Kind, mistakes: &Mistakes) -> Vec<f64> {
        let of = |(fold, wrong): (usize, &Vec<bool>)| {
            self.rate(kind, wrong, |row| self.folds[row] != fold)
        };
        mistakes.without.iter().enumerate().map(of).collect()
    }

    /// A rate of wrong predictions, or of right ones (`errors` false), with its own interval.
    pub fn estimate(&self, kind: Kind, mistakes: &Mistakes, errors: bool) -> Estimate {
        let wrong = self.rate(kind, &mistakes.wrong, |_| true);
        let (alone, source) = match kind {
            Kind::Plain => {
                let hits = mistakes.wrong.iter().filter(|wrong| **wrong).count();
                (wilson(hits, self.labels.len()), "wilson")
            }
            Kind::Balanced => (self.stratified(wrong, mistakes), "stratified"),
        };
        let (interval, source) = match self.groups {
            None => (Some(alone), source),
            Some(_) => (self.grouped(kind, wrong, mistakes, alone), "groups"),
        };
        // Rounding puts an end a last digit beside a rate of 0 or 1.
        let interval = interval.map(|[low, high]| [low.min(wrong), high.max(wrong)]);
        let turned = |rate: f64| if errors { rate } else { 1.0 - rate };
        let without = self.without(kind, mistakes).into_iter().map(turned);
        Estimate {
            value: turned(wrong),
            interval: match errors {
                true => interval,
                false => interval.map(|[low, high]| [1.0 - high, 1.0 - low]),
            },
            kind: source,
            without: without.collect(),
            samples: self.labels.len(),
        }
    }

    /// The interval of a balanced error of independent samples.
    fn stratified(&self, rate: f64, mistakes: &Mistakes) -> [f64; 2] {
        let counts = self.counts(|_| true);
        let weights = Self::weights(Kind::Balanced, &counts);
        let mut hits = vec![0.0; self.classes];
        let wrong = self.labels.iter().zip(&mistakes.wrong);
        wrong
            .filter(|(_, wrong)| **wrong)
            .for_each(|(&label, _)| hits[label] += 1.0);
        let of = |class: usize| {
            // Two more samples of either kind move the share from 0 and 1; they are no more evidence.
            let share = (hits[class] + 2.0) / (counts[class] + 4.0);
            let variance = share * (1.0 - share) / counts[class].max(1.0);
            (weights[class] * counts[class]).powi(2) * variance
        };
        let variance: f64 = (0..self.classes).map(of).sum();
        let half = critical(LEVEL, self.labels.len().max(2) - 1) * variance.sqrt();
        [(rate - half).max(0.0), (rate + half).min(1.0)]
    }

    /// The interval of a rate of samples that belong together: folds of whole groups left out of the
    /// test part; `None` where there are too few groups.
    fn grouped(
        &self,
        kind: Kind,
        rate: f64,
        mistakes: &Mistakes,
        alone: [f64; 2],
    ) -> Option<[f64; 2]> {
        let count = self.folds.iter().max().map_or(0, |most| most + 1);
        let of = |fold: usize| self.rate(kind, &mistakes.wrong, |row| self.folds[row] != fold);
        let without: Vec<f64> = (0..count).map(of).collect();
        noise::standard_error(&without)?;
        let [low, high] = noise::interval(rate, &without, 0.0).unwrap_or([rate; 2]);
        Some([low.max(0.0).min(alone[0]), high.min(1.0).max(alone[1])])
    }

    /// The difference of an encoder's rate of wrong predictions from the reference's.
    pub fn difference(&self, kind: Kind, encoder: &Mistakes, reference: &Mistakes) -> Claim {
        let counts = self.counts(|_| true);
        let weights = Self::weights(kind, &counts);
        let pairs = encoder.wrong.iter().zip(&reference.wrong).enumerate();
        let apart = pairs.map(|(row, (a, b))| {
            let apart = f64::from(i8::from(*a) - i8::from(*b));
            // Samples that count the same are counted exactly, as whole numbers.
            match kind {
                Kind::Plain => apart,
                Kind::Balanced => apart * weights[self.labels[row]],
            }
        });
        let apart: Vec<f64> = apart.collect();
        let sum: f64 = apart.iter().sum();
        let value = match kind {
            Kind::Plain => sum / (self.labels.len().max(1)) as f64,
            Kind::Balanced => sum,
        };
        let value = if value.abs() < 1e-12 { 0.0 } else { value };
        let (a, b) = (self.without(kind, encoder), self.without(kind, reference));
        let without: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let least = self.seen(kind, &counts, encoder, reference);
        let student = noise::student_p(value, &without, least);
        let interval = noise::interval(value, &without, least);
        Claim {
            value,
            interval: interval.map(|ends| ends.map(|end| end.clamp(-1.0, 1.0))),
            p: student.map(|p| p.max(sign_flip(&by_group(&apart, self.groups.as_deref())))),
        }
    }

    /// Standard error of a paired difference from the samples on which the encoders part, and one more for
    /// either (Bonett and Price, Psychological Methods 2012); for classes that weigh the same, in each.
    fn seen(&self, kind: Kind, counts: &[f64], encoder: &Mistakes, reference: &Mistakes) -> f64 {
        let mut parted = vec![[0.0f64; 2]; self.classes];
        let pairs = encoder.wrong.iter().zip(&reference.wrong);
        for ((a, b), &label) in pairs.zip(&self.labels) {
            parted[label][0] += f64::from(u8::from(*a && !*b));
            parted[label][1] += f64::from(u8::from(*b && !*a));
        }
        let variance = |[only, other]: [f64; 2], n: f64| {
            let [p, q] = [only, other].map(|count| (count + 1.0) / (n + 2.0));
            (p + q - (p - q).powi(2)) / (n + 2.0)
        };
        if kind == Kind::Plain {
            let sum = |i: usize| parted.iter().map(|both| both[i]).sum::<f64>();
            return variance([sum(0), sum(1)], counts.iter().sum()).sqrt();
        }
        let weights = Self::weights(kind, counts);
        let of = |class: usize| {
            let part = weights[class] * counts[class];
            part * part * variance(parted[class], counts[class])
        };
        (0..self.classes).map(of).sum::<f64>().sqrt()
    }
}
