//! Which settings a suite tries before it compares methods, and by which rule one of them is chosen: plain data.
//! The transfer room knows the settings and checks them (`transfer::methods::variants`); the run room trains and
//! chooses. Both see validation parts alone.

use super::training::{Select, TrainSettings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings that are tried before the methods are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// Values to try of every setting, by its dotted key: `"transfer.train.learning_rate" = [2e-4, 5e-4]`. All
    /// combinations are tried, and the suite's own settings. A key of a method's table
    /// (`transfer.mona.alpha`) concerns that method alone, one of stage 1 the methods that have one, every
    /// other key all methods. Empty: nothing is tuned.
    pub grid: Grid,
    /// Seeds of the transfers by which settings are chosen.
    pub seeds: Vec<u64>,
    /// Largest number of settings that are tried of any one method, the suite's own among them; of more
    /// combinations so many are drawn. 0 = all combinations, which may be more of one method than of another.
    pub budget: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            grid: Grid::default(),
            seeds: vec![0],
            budget: 0,
        }
    }
}

impl Tuning {
    /// Whether nothing is tuned.
    pub fn is_off(&self) -> bool {
        self.grid.0.is_empty()
    }

    /// What does not go together: the setting, what would fit, what was found.
    pub fn conflict(
        &self,
        rule: &Selection,
        train: &TrainSettings,
    ) -> Option<(&'static str, &'static str, String)> {
        if !(rule.within >= 0.0 && rule.within.is_finite()) {
            let expected = "zero (no bound) or a positive number";
            return Some(("select.within", expected, rule.within.to_string()));
        }
        if self.is_off() {
            return None;
        }
        if self.seeds.is_empty() {
            let expected = "at least one seed";
            return Some(("tuning.seeds", expected, "an empty list".into()));
        }
        (train.select == Select::Test).then(|| {
            let expected =
                "\"last\" or \"valid\" beside a [tuning]: settings are chosen without test parts";
            ("transfer.train.select", expected, "\"test\"".into())
        })
    }
}

/// Values to try, by dotted key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grid(pub BTreeMap<String, Vec<toml::Value>>);

/// Which of the settings that were tried is chosen, for every target and method on its own. A tie is decided by
/// the other metric, then for the suite's own settings, then for those that come first in the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// What is smallest of the settings that are chosen, on validation parts.
    pub metric: Criterion,
    /// Beside `metric = "source"`: how much worse than the method's best the target's validation metric may
    /// be, in points (hundredths) where it is a share, in percent of the best where the target is a field. 0 = no bound.
    pub within: f64,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            metric: Criterion::default(),
            within: 1.0,
        }
    }
}

/// What is smallest of the settings that are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Error of the linear probe on the surrogate's validation part, through the source embedder.
    #[default]
    Source,
    /// The target's metric on its validation part.
    Target,
}
