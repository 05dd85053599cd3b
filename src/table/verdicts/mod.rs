//! Everything that a run's page calls different, decided together: the paired differences between methods, the
//! claims to be best, the differences at equal target error and the orderings within a method are one family, by the one rule of [`crate::measure::verdict`]. A method that is
//! marked best is then marked lower in every pair, and the results, figure 6 and the tables cannot contradict
//! each other. A run decides before it writes; [`Verdicts::read`] reads what was written, and decides on tables of
//! versions that had another rule (`older`).

mod older;

use std::path::Path;

use super::{OrderingRow, PairedRow, ProbeRow, ResultRow, Row, SeedRow, TableError, TradeoffRow};
use crate::measure::verdict::{self, Claim};

/// One of the three quantities of an [`ResultRow`].
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

/// The cells of one quantity of an [`ResultRow`].
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

impl ResultRow {
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

impl OrderingRow {
    /// The difference, as the rule of verdicts takes it.
    fn claim(&self) -> Claim {
        Claim {
            value: self.difference,
            interval: self.lower.zip(self.upper).map(|(low, high)| [low, high]),
            p: self.p,
        }
    }
}

impl TradeoffRow {
    /// Its difference at equal target error, where there is one.
    fn claim(&self) -> Option<Claim> {
        Some(Claim {
            value: self.difference?,
            interval: self.lower.zip(self.upper).map(|(low, high)| [low, high]),
            p: self.p,
        })
    }
}

/// The claim that a method is best in a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Place of the method's [`ResultRow`].
    pub row: usize,
    /// Which quantity.
    pub quantity: Quantity,
    /// What has to be below zero.
    pub claim: Claim,
}

/// Judges all differences and all claims to be best together, and writes what became of them into the rows.
pub fn decide(
    pairs: &mut [&mut PairedRow],
    results: &mut [ResultRow],
    best: &[Best],
    tradeoffs: &mut [TradeoffRow],
    orderings: &mut [OrderingRow],
) {
    let claims: Vec<Claim> = pairs
        .iter()
        .map(|row| row.claim())
        .chain(best.iter().map(|best| best.claim))
        .chain(orderings.iter().map(OrderingRow::claim))
        .chain(tradeoffs.iter().filter_map(TradeoffRow::claim))
        .collect();
    let decided = verdict::decide(&claims);
    let (of_pairs, rest) = decided.split_at(pairs.len());
    let (of_best, rest) = rest.split_at(best.len());
    let (of_orderings, of_tradeoffs) = rest.split_at(orderings.len());
    for (row, decided) in pairs.iter_mut().zip(of_pairs) {
        row.adjusted = decided.adjusted;
        row.verdict = Some(decided.verdict.name().into());
    }
    for (best, decided) in best.iter().zip(of_best) {
        let part = results[best.row].part(best.quantity);
        *part.best = decided.verdict.shown();
        *part.adjusted = decided.adjusted;
    }
    for (row, decided) in orderings.iter_mut().zip(of_orderings) {
        row.adjusted = decided.adjusted;
        row.verdict = Some(decided.verdict.name().into());
    }
    let compared = tradeoffs.iter_mut().filter(|row| row.difference.is_some());
    for (row, decided) in compared.zip(of_tradeoffs) {
        row.adjusted = decided.adjusted;
        row.verdict = Some(decided.verdict.name().into());
    }
}

/// What a run's tables say of its methods. A table that was never written is `None`.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    /// `paired.csv`.
    pub paired: Option<Vec<PairedRow>>,
    /// `seeds.csv`.
    pub seeds: Option<Vec<SeedRow>>,
    /// `results.csv`.
    pub results: Option<Vec<ResultRow>>,
    /// Probe errors against those before any transfer, where `paired.csv` is too old to hold them.
    pub distortion: Vec<PairedRow>,
    /// Whether verdicts of an older version were decided again.
    pub decided_again: bool,
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
            results: ResultRow::read_if_written(tables)?,
            ..Self::default()
        };
        let again = older::complete(
            found.paired.as_deref_mut().unwrap_or_default(),
            found.seeds.as_deref().unwrap_or_default(),
            found.results.as_deref_mut().unwrap_or_default(),
            probes,
        );
        if let Some(distortion) = again {
            (found.distortion, found.decided_again) = (distortion, true);
        }
        Ok(found)
    }
}
