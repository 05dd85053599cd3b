//! Everything that a run's page calls different, judged together: the paired differences between methods and the
//! claims to be best are one family, by the one rule of [`crate::measure::verdict`]. A method that is
//! marked best is then marked lower in every pair, and the results, figure 6 and the tables cannot contradict
//! each other. A run judges before it writes; [`Verdicts::read`] reads what was written, and judges tables of
//! versions that had another rule (`older`).

mod older;

use std::path::Path;

use super::{AnswerRow, PairedRow, ProbeRow, Row, SeedRow, TableError};
use crate::measure::verdict::{self, Claim};

/// One of the three quantities of an [`AnswerRow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The metric of the target.
    Target,
    /// The probe error on the surrogate.
    Source,
    /// D before the fine-tuning.
    D,
}

impl Quantity {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 3] = [Self::Target, Self::Source, Self::D];
}

/// The cells of one quantity of an [`AnswerRow`].
pub struct Part<'a> {
    /// Lower end of the interval.
    pub lower: &'a mut Option<f64>,
    /// Upper end of the same.
    pub upper: &'a mut Option<f64>,
    /// Whether the method is shown to be best.
    pub best: &'a mut bool,
    /// p of that, corrected.
    pub adjusted: &'a mut Option<f64>,
}

impl AnswerRow {
    /// The cells of one quantity.
    pub fn part(&mut self, quantity: Quantity) -> Part<'_> {
        let (lower, upper, best, adjusted) = match quantity {
            Quantity::Target => (
                &mut self.target_lower,
                &mut self.target_upper,
                &mut self.target_best,
                &mut self.target_adjusted,
            ),
            Quantity::Source => (
                &mut self.source_lower,
                &mut self.source_upper,
                &mut self.source_best,
                &mut self.source_adjusted,
            ),
            Quantity::D => (
                &mut self.d_lower,
                &mut self.d_upper,
                &mut self.d_best,
                &mut self.d_adjusted,
            ),
        };
        Part {
            lower,
            upper,
            best,
            adjusted,
        }
    }
}

impl PairedRow {
    /// The difference, as the rule of verdicts takes it.
    fn claim(&self) -> Claim {
        Claim {
            value: self.difference,
            interval: self.lower.zip(self.upper).map(|(low, high)| [low, high]),
            p: self.p,
        }
    }
}

/// The claim that a method is best in a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Place of the method's [`AnswerRow`].
    pub row: usize,
    /// Which quantity.
    pub quantity: Quantity,
    /// What has to be below zero.
    pub claim: Claim,
}

/// Judges all differences and all claims to be best together, and writes what became of them into the rows.
pub fn judge(pairs: &mut [&mut PairedRow], answers: &mut [AnswerRow], best: &[Best]) {
    let claims: Vec<Claim> = pairs
        .iter()
        .map(|row| row.claim())
        .chain(best.iter().map(|best| best.claim))
        .collect();
    let judged = verdict::judge(&claims);
    let (of_pairs, of_best) = judged.split_at(pairs.len());
    for (row, judged) in pairs.iter_mut().zip(of_pairs) {
        row.adjusted = judged.adjusted;
        row.verdict = Some(judged.verdict.name().into());
    }
    for (best, judged) in best.iter().zip(of_best) {
        let part = answers[best.row].part(best.quantity);
        *part.best = judged.verdict.shown();
        *part.adjusted = judged.adjusted;
    }
}

/// What a run's tables say of its methods. A table that was never written is `None`.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    /// `paired.csv`.
    pub paired: Option<Vec<PairedRow>>,
    /// `seeds.csv`.
    pub seeds: Option<Vec<SeedRow>>,
    /// `answer.csv`.
    pub answers: Option<Vec<AnswerRow>>,
    /// Probe errors against those before any transfer, where `paired.csv` is too old to hold them.
    pub distortion: Vec<PairedRow>,
    /// Whether verdicts of an older version were judged again.
    pub judged_again: bool,
}

impl Verdicts {
    /// Reads the tables in `tables`; `probes` are the rows of its `probe.csv`.
    ///
    /// # Errors
    /// [`TableError`] where one of the tables is broken.
    pub fn read(tables: &Path, probes: &[ProbeRow]) -> Result<Self, TableError> {
        let mut found = Self {
            paired: PairedRow::read_if_written(tables)?,
            seeds: SeedRow::read_if_written(tables)?,
            answers: AnswerRow::read_if_written(tables)?,
            ..Self::default()
        };
        let again = older::complete(
            found.paired.as_deref_mut().unwrap_or_default(),
            found.seeds.as_deref().unwrap_or_default(),
            found.answers.as_deref_mut().unwrap_or_default(),
            probes,
        );
        if let Some(distortion) = again {
            (found.distortion, found.judged_again) = (distortion, true);
        }
        Ok(found)
    }
}
