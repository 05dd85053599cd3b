//! Measured values by the names of their measures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::about::About;

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value; `None` where the measure was taken and is not defined.
    pub value: Option<f64>,
    /// Its 95 % interval, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Samples that were measured.
    pub samples: usize,
    /// What a reader must know of the value, or why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Values by the names of their measures. A name that is absent was not measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, Measured>);

impl Values {
    /// What was measured; `None` if it was not. Names of older versions count.
    pub fn get(&self, measure: &About) -> Option<&Measured> {
        let names = [&measure.name].into_iter().chain(measure.older);
        names.into_iter().find_map(|name| self.0.get(*name))
    }

    /// The number, if it was measured and is defined.
    pub fn value(&self, measure: &About) -> Option<f64> {
        self.get(measure)?.value
    }

    /// Adds a value.
    pub fn insert(&mut self, measure: &About, found: Measured) {
        self.0.insert(measure.name.into(), found);
    }

    /// Adds all values of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
