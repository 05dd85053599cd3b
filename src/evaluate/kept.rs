//! Evaluations as a run keeps them: an encoder's and a target's, each with the names of the measures that it
//! holds. One that lacks a measure of the list is completed by who reads it. Files of older versions, which had a
//! field a measure, are read as well.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::{Measured, Values};
use crate::measure::about::About;
use crate::measure::encoder::geometry::{ALIGNMENT, UNIFORMITY};
use crate::measure::encoder::probe::PROBE_ERROR;
use crate::measure::{encoder, transferability};
use crate::table::legacy;

/// What was measured of the surrogate's features under one encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "KeptEvaluation")]
pub struct Evaluation {
    /// Values of the measures.
    pub values: Values,
    /// The linear probe.
    pub probe: Probe,
}

/// A fitted linear probe, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The C chosen on the validation part.
    pub c: f64,
    /// Whether the fit converged.
    pub converged: bool,
    /// Samples it was fitted on.
    pub n_train: usize,
    /// Which test samples it gets wrong, for paired comparisons.
    pub wrong: Marks,
}

/// The transferability scores of a target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "KeptScores")]
pub struct Scores {
    /// Values of the scores.
    pub values: Values,
}

/// Marked samples, four to the hexadecimal digit: short enough to keep for every encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    count: usize,
    hex: String,
}

impl Marks {
    /// Packs marks.
    pub fn new(marks: &[bool]) -> Self {
        let digit = |four: &[bool]| {
            let value = four.iter().rev().fold(0, |v, m| 2 * v + u32::from(*m));
            char::from_digit(value, 16).expect("four bits are a digit")
        };
        Self {
            count: marks.len(),
            hex: marks.chunks(4).map(digit).collect(),
        }
    }

    /// Unpacks them.
    pub fn bits(&self) -> Vec<bool> {
        let digits = self.hex.chars().map(|c| c.to_digit(16).unwrap_or(0));
        let bits = digits.flat_map(|d| (0..4).map(move |bit| d >> bit & 1 == 1));
        bits.take(self.count).collect()
    }
}

impl Evaluation {
    /// Test error of the probe.
    pub fn error(&self) -> Option<f64> {
        self.values.value(&PROBE_ERROR.about)
    }

    /// Alignment of the test features; `None` without a pair of one class, and for raw pixels.
    pub fn alignment(&self) -> Option<f64> {
        self.values.value(&ALIGNMENT.about)
    }

    /// Their uniformity; `None` for raw pixels.
    pub fn uniformity(&self) -> Option<f64> {
        self.values.value(&UNIFORMITY.about)
    }
}

/// A value of an older version, which said no more.
fn plain(value: Option<f64>, samples: usize) -> Measured {
    Measured {
        value,
        interval: None,
        samples,
        note: None,
    }
}

/// An evaluation in a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeptEvaluation {
    Now { values: Values, probe: Probe },
    Older(OlderEvaluation),
}

#[derive(Deserialize)]
struct OlderEvaluation {
    error: f64,
    interval: [f64; 2],
    c: f64,
    converged: bool,
    n_train: usize,
    n_test: usize,
    align: Option<f64>,
    uniform: Option<f64>,
    wrong: Marks,
    yardsticks: Option<OlderMetrics>,
}

#[derive(Deserialize)]
struct OlderMetrics {
    samples: usize,
    #[serde(flatten)]
    values: BTreeMap<String, Option<f64>>,
}

impl From<KeptEvaluation> for Evaluation {
    fn from(kept: KeptEvaluation) -> Self {
        let older = match kept {
            KeptEvaluation::Now { values, probe } => return Self { values, probe },
            KeptEvaluation::Older(older) => older,
        };
        let mut values = Values::default();
        let error = Measured {
            interval: Some(older.interval),
            ..plain(Some(older.error), older.n_test)
        };
        values.insert(&PROBE_ERROR.about, error);
        // Of raw pixels neither was measured.
        if older.uniform.is_some() {
            values.insert(&ALIGNMENT.about, plain(older.align, older.n_test));
            values.insert(&UNIFORMITY.about, plain(older.uniform, older.n_test));
        }
        if let Some(metrics) = older.yardsticks {
            for (name, value) in metrics.values {
                if let Some(measure) = encoder::named(&name) {
                    values.insert(&measure.about, plain(value, metrics.samples));
                }
            }
        }
        Self {
            values,
            probe: Probe {
                c: older.c,
                converged: older.converged,
                n_train: older.n_train,
                wrong: older.wrong,
            },
        }
    }
}

/// Scores in a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeptScores {
    Now { values: Values },
    Older(OlderScores),
}

#[derive(Deserialize)]
struct OlderScores {
    samples: usize,
    otdd_samples: Option<[usize; 2]>,
    otdd_converged: Option<bool>,
    undefined: Option<String>,
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

impl From<KeptScores> for Scores {
    fn from(kept: KeptScores) -> Self {
        let older = match kept {
            KeptScores::Now { values } => return Self { values },
            KeptScores::Older(older) => older,
        };
        let mut values = Values::default();
        for (name, value) in &older.values {
            if let Some(score) = transferability::named(name) {
                let found = older.measured(&score.about, value.as_f64());
                values.insert(&score.about, found);
            }
        }
        Self { values }
    }
}

impl OlderScores {
    fn measured(&self, score: &About, value: Option<f64>) -> Measured {
        let of_otdd = self.otdd_samples.filter(|_| score.name == "otdd");
        match (of_otdd, &self.undefined) {
            (Some([source, target]), _) => Measured {
                note: legacy::otdd_note(Some(source as u64), self.otdd_converged != Some(false)),
                ..plain(value, target)
            },
            (None, Some(why)) if value.is_none() => Measured {
                note: legacy::reason(why, score.title),
                ..plain(value, self.samples)
            },
            _ => plain(value, self.samples),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evaluation_of_an_older_version_holds_what_it_names_and_survives_keeping() {
        let old = r#"{"error": 0.25, "interval": [0.1, 0.4], "c": 1.0, "converged": true, "n_train": 9,
            "n_test": 4, "align": 0.5, "uniform": -1.0, "wrong": {"count": 4, "hex": "1"}}"#;
        let found: Evaluation = serde_json::from_str(old).expect("read");
        assert_eq!((found.error(), found.alignment()), (Some(0.25), Some(0.5)));
        let logme = &encoder::logme::LOGME.about;
        assert!(found.values.get(logme).is_none());
        let metrics = r#", "yardsticks": {"cka": null, "knn": 0.5, "logme": 1.5, "samples": 3}}"#;
        let found: Evaluation =
            serde_json::from_str(&format!("{}{metrics}", &old[..old.len() - 1])).expect("read");
        assert_eq!(found.values.value(logme), Some(1.5));
        let knn = found.values.get(&encoder::knn::KNN_ACCURACY.about);
        assert_eq!(knn, Some(&plain(Some(0.5), 3)));
        // Taken, and not defined: not to be taken again.
        assert_eq!(
            found.values.get(&encoder::cka::CKA.about),
            Some(&plain(None, 3))
        );
        let kept = serde_json::to_string(&found).expect("written");
        assert_eq!(
            serde_json::from_str::<Evaluation>(&kept).expect("read"),
            found
        );
    }

    #[test]
    fn scores_of_an_older_version_keep_their_samples_and_reasons() {
        let old = r#"{"leep": null, "nce": null, "logme": 0.1, "hscore": 2.5, "gap": 0.3, "otdd": 7.5,
            "otdd_converged": false, "samples": 9, "otdd_samples": [5, 4],
            "undefined": "LEEP, NCE: the source model has no classifier"}"#;
        let found: Scores = serde_json::from_str(old).expect("read");
        let of = |name: &str| {
            let score = transferability::named(name).expect("listed");
            found.values.get(&score.about).expect("held").clone()
        };
        let why = of("leep").note.expect("a reason");
        assert_eq!(why, "the source model has no classifier");
        assert_eq!((of("otdd").samples, of("modality-gap").samples), (4, 9));
        let note = of("otdd").note.expect("a note");
        assert_eq!(note, "from 5 source samples; not converged");
        let kept = serde_json::to_string(&found).expect("written");
        assert_eq!(serde_json::from_str::<Scores>(&kept).expect("read"), found);
    }

    #[test]
    fn marks_survive_packing() {
        for count in [0, 1, 3, 4, 5, 17, 64] {
            let marks: Vec<bool> = (0..count).map(|i| i * i % 3 == 1).collect();
            assert_eq!(Marks::new(&marks).bits(), marks);
        }
    }
}
