//! Which array of a file is what. The arrays called by the documented names are taken; where there is none, a
//! single array that can be meant is taken and told, several are an error that names them, and
//! `--features NAME` and `--labels NAME` choose. Nothing is ever chosen among candidates in silence.

use std::path::Path;

use super::{both, few};
use crate::feature::FeatureError;

/// What was asked for by name, and what is looked for otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Array or column of the features (`--features`).
    pub features: Option<String>,
    /// Array or column of the labels (`--labels`).
    pub labels: Option<String>,
    /// Names of a matrix that need not be told, in order of preference.
    pub known: &'static [&'static str],
    /// Labels come from another file: no array is taken for them by its name alone.
    pub labels_elsewhere: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            features: None,
            labels: None,
            known: &["features"],
            labels_elsewhere: false,
        }
    }
}

/// Usual names of labels; the first two are documented and not told.
const LABELS: [&str; 7] = [
    "labels", "label", "target", "targets", "y", "class", "classes",
];
/// Names of ids.
pub(super) const IDS: [&str; 2] = ["ids", "id"];
/// Names of groups: samples of one clip, record or person.
pub(super) const GROUPS: [&str; 2] = ["groups", "group"];

/// Labels of a file, found by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LabelsFound {
    /// The array.
    pub name: Option<String>,
    /// Where none was taken, those that could be meant.
    pub candidates: Vec<String>,
    /// What is to be told.
    pub told: Option<String>,
}

impl Choice {
    /// The matrix among `names`; `is_matrix` says whether an array can be one.
    pub(super) fn matrix(
        &self,
        path: &Path,
        names: &[String],
        is_matrix: impl Fn(&str) -> bool,
    ) -> Result<(String, Option<String>), FeatureError> {
        let expected = self.known.join(" or ");
        let refused = |expected: String, found: String| {
            Err(FeatureError::malformed(path, "arrays", expected, found))
        };
        let has = |name: &str| names.iter().any(|other| other == name);
        if let Some(asked) = &self.features {
            return match has(asked) {
                true => Ok((asked.clone(), None)),
                false => refused(format!("{asked:?}, as --features says"), few(names)),
            };
        }
        if let Some(known) = self.known.iter().find(|known| has(known)) {
            return Ok(((*known).to_owned(), None));
        }
        let probabilities = self.known.contains(&"probs");
        let can_be = |name: &&String| {
            let other = LABELS.contains(&name.as_str())
                || IDS.contains(&name.as_str())
                || GROUPS.contains(&name.as_str());
            // Logits are no probabilities, whoever asks for these.
            let is_logits = probabilities && *name == "logits";
            !(other || is_logits) && is_matrix(name)
        };
        let mut candidates: Vec<&String> = names.iter().filter(can_be).collect();
        // Text embeddings stand beside what is meant, unless they are all there is.
        if candidates.len() > 1 {
            candidates.retain(|name| *name != both::VALUES);
        }
        let expected = match probabilities && has("logits") {
            true => format!("{expected} (--softmax makes them of logits)"),
            false => expected,
        };
        match candidates.as_slice() {
            [] => refused(format!("{expected}, a matrix [N, D]"), few(names)),
            [one] => {
                let told = format!("{one} is taken for {expected}, the only matrix there is");
                Ok(((*one).clone(), Some(told)))
            }
            several => {
                let expected = format!("{expected}, or --features NAME to choose a matrix");
                refused(expected, few(several))
            }
        }
    }

    /// The labels among `names`, those that can be none of them left out by the caller.
    pub(super) fn labels(&self, path: &Path, names: &[&str]) -> Result<LabelsFound, FeatureError> {
        let has = |name: &str| names.contains(&name);
        if let Some(asked) = &self.labels {
            if !has(asked) {
                let expected = format!("{asked:?}, as --labels says");
                return Err(FeatureError::malformed(
                    path,
                    "labels",
                    expected,
                    few(names),
                ));
            }
            return Ok(LabelsFound {
                name: Some(asked.clone()),
                ..LabelsFound::default()
            });
        }
        let documented = LABELS[..2].iter().find(|name| has(name));
        if let Some(name) = documented {
            return Ok(LabelsFound {
                name: Some((*name).to_owned()),
                ..LabelsFound::default()
            });
        }
        let usual = LABELS[2..].iter().copied();
        let usual = usual.filter(|name| has(name) && !self.labels_elsewhere);
        let usual: Vec<&str> = usual.collect();
        Ok(match usual.as_slice() {
            [one] => LabelsFound {
                name: Some((*one).to_owned()),
                told: Some(format!("{one} is taken for labels")),
                candidates: Vec::new(),
            },
            several => LabelsFound {
                candidates: several.iter().map(|name| (*name).to_owned()).collect(),
                ..LabelsFound::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn one_candidate_is_told_and_several_are_named() {
        let path = Path::new("f.npz");
        let choice = Choice::default();
        let matrix = |of: &[&str]| choice.matrix(path, &names(of), |name| name.len() > 1);
        assert_eq!(
            matrix(&["x", "features"]).expect("known"),
            ("features".into(), None)
        );
        let (name, told) = matrix(&["y", "feats"]).expect("one");
        assert_eq!(name, "feats");
        assert!(told.expect("told").contains("feats is taken for features"));
        let beside = matrix(&["image_features", "text_features"]).expect("one");
        assert_eq!(beside.0, "image_features");
        assert_eq!(matrix(&["text_features"]).expect("one").0, "text_features");
        let error = matrix(&["feats", "embeddings"])
            .expect_err("two")
            .to_string();
        assert!(error.contains("--features NAME") && error.contains("feats, embeddings"));
        assert!(
            matrix(&["y"])
                .expect_err("none")
                .to_string()
                .contains("found y")
        );
        let asked = Choice {
            features: Some("feats".into()),
            ..Choice::default()
        };
        let all = names(&["features", "feats"]);
        assert_eq!(
            asked.matrix(path, &all, |_| true).expect("asked").0,
            "feats"
        );
        let error = asked.matrix(path, &all[..1], |_| true).expect_err("absent");
        assert!(error.to_string().contains("--features"));
    }

    #[test]
    fn labels_are_documented_usual_or_asked_for() {
        let path = Path::new("f.npz");
        let find = |of: &[&str]| Choice::default().labels(path, of).expect("found");
        assert_eq!(
            find(&["y", "label", "labels"]).name.as_deref(),
            Some("labels")
        );
        assert_eq!(find(&["label"]).told, None);
        let usual = find(&["y", "x"]);
        assert_eq!(usual.name.as_deref(), Some("y"));
        assert!(usual.told.is_some());
        let several = find(&["y", "target"]);
        assert_eq!(
            (several.name, several.candidates),
            (None, names(&["target", "y"]))
        );
        let asked = Choice {
            labels: Some("fine".into()),
            ..Choice::default()
        };
        let found = asked.labels(path, &["labels", "fine"]).expect("asked");
        assert_eq!(found.name.as_deref(), Some("fine"));
        assert!(asked.labels(path, &["labels"]).is_err());
    }
}
