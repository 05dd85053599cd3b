//! The parts of the shared samples, the same rows for every side: where probe and neighbours learn,
//! where C is chosen, where everything is tested; and groups of test rows for the jackknife.

use super::align::Shared;
use super::settings::{MOST_MAPPED, VALID_SHARE, ValidSettings};
use crate::dataset::balanced_indices;
use crate::measure::MeasureError;
use crate::measure::stratify::{by_class, share};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Rows of every part, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// To fit on while C is chosen.
    pub fit: Vec<usize>,
    /// To choose C on.
    pub valid: Vec<usize>,
    /// Both: what the reported probe is fitted on.
    pub train: Vec<usize>,
    /// To report on.
    pub test: Vec<usize>,
    /// Places in `test` for what is quadratic in samples, balanced over classes.
    pub sample: Vec<usize>,
    /// Those of them that are mapped.
    pub mapped: Vec<usize>,
}

impl Parts {
    /// Cuts the samples.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] where no class has a sample for every part.
    pub fn new(shared: &Shared, settings: &ValidSettings) -> Result<Self, MeasureError> {
        let labels = &shared.labels;
        let all: Vec<usize> = (0..labels.len()).collect();
        let (train, test) = match shared.given_train {
            Some(rows) => (all[..rows].to_vec(), all[rows..].to_vec()),
            None => share(labels, &all, 1.0 - settings.train_share, settings.seed),
        };
        // Another stream than that of the first cut.
        let (fit, valid) = share(labels, &train, VALID_SHARE, settings.seed ^ 0x5eed);
        MeasureError::at_least("test samples", 1, test.len())?;
        MeasureError::at_least("samples of a class, to choose C on one", 1, valid.len())?;
        let tested: Vec<usize> = test.iter().map(|&row| labels[row]).collect();
        let points = match settings.sample {
            0 => test.len(),
            some => some,
        };
        Ok(Self {
            fit,
            valid,
            // Nested: of the same seed, fewer are a part of more.
            mapped: balanced_indices(&tested, points.min(MOST_MAPPED), settings.seed),
            sample: balanced_indices(&tested, points, settings.seed),
            train,
            test,
        })
    }
}

/// Groups of samples for the jackknife, as equal in size and in classes as they can be: the group of
/// every sample, below `groups`.
pub fn groups(labels: &[usize], groups: usize, seed: u64) -> Vec<usize> {
    let rows: Vec<usize> = (0..labels.len()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut of = vec![0; labels.len()];
    let mut next = 0;
    for mut members in by_class(labels, &rows) {
        members.shuffle(&mut rng);
        for row in members {
            of[row] = next % groups.max(1);
            next += 1;
        }
    }
    of
}
