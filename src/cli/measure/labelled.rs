//! Features files of one task: read together, so that they share their classes. A file that names
//! its classes decides for those that do not; files that name them differently are refused, for a
//! label 3 that is a cat here and a ship there would give a plausible, wrong number.

use crate::cli::error::CliError;
use crate::feature::file::{Contents, array};
use crate::feature::{FeatureError, FeatureSet};
use std::path::{Path, PathBuf};

/// More classes make no confusion matrix (10,000² counts are 800 MB).
const MOST_CLASSES: usize = 10_000;

/// A features file and, where it cannot hold them, its labels.
pub struct Labelled<'a> {
    features: &'a Path,
    labels: &'a Option<PathBuf>,
    flag: &'static str,
}

impl<'a> Labelled<'a> {
    /// A features file, its labels if they are another file, and the argument that would name them.
    pub fn new(features: &'a Path, labels: &'a Option<PathBuf>, flag: &'static str) -> Self {
        Self {
            features,
            labels,
            flag,
        }
    }

    fn read(&self) -> Result<Contents, CliError> {
        if array::is_npy(self.features) && self.labels.is_none() {
            return Err(CliError::Usage {
                what: self.features.display().to_string(),
                expected: format!("{} FILE.npy beside a .npy file of features", self.flag),
                found: "no labels".into(),
            });
        }
        let contents = Contents::read(self.features)?;
        if contents.features().is_empty() {
            let shape = format!("{:?}", contents.features().dim());
            let expected = "at least one sample and one feature".to_string();
            return Err(fault(self.features, "features", expected, shape));
        }
        Ok(match self.labels {
            Some(labels) => contents.with_labels(labels)?,
            None => contents,
        })
    }
}

/// Reads files of one task; the first one's labels say how many classes there are where no file
/// names them.
pub fn read(files: &[Labelled<'_>]) -> Result<Vec<FeatureSet>, CliError> {
    let read = files.iter().map(Labelled::read);
    let all = read.collect::<Result<Vec<Contents>, _>>()?;
    let names = class_names(&all)?;
    let sets = all.into_iter().map(|contents| contents.set_of(&names));
    Ok(sets.collect::<Result<_, _>>()?)
}

fn class_names(all: &[Contents]) -> Result<Vec<String>, CliError> {
    let Some(first) = all.first() else {
        return Ok(Vec::new());
    };
    let mut named = all.iter().filter_map(|c| Some((c, c.class_names()?)));
    let names = match named.next() {
        None => {
            let classes = first.labels().unwrap_or_default().iter().max();
            let classes = classes.map_or(0, |most| most.saturating_add(1));
            allowed(first.path(), classes)?;
            (0..classes).map(|class| class.to_string()).collect()
        }
        Some((file, names)) => {
            allowed(file.path(), names.len())?;
            for (other, found) in named {
                if let Some((expected, found)) = difference(names, found) {
                    let expected = format!("those of {}: {expected}", file.path().display());
                    return Err(fault(other.path(), "class_names", expected, found));
                }
            }
            names.to_vec()
        }
    };
    Ok(names)
}

fn allowed(path: &Path, classes: usize) -> Result<(), CliError> {
    if classes <= MOST_CLASSES {
        return Ok(());
    }
    let expected = format!("at most {MOST_CLASSES} classes, numbered from 0");
    let found = format!("{classes} (the largest is {})", classes - 1);
    Err(fault(path, "labels", expected, found))
}

fn fault(path: &Path, what: &str, expected: String, found: String) -> CliError {
    FeatureError::malformed(path, what, expected, found).into()
}

/// Where two lists first differ, in words.
fn difference(expected: &[String], found: &[String]) -> Option<(String, String)> {
    if expected.len() != found.len() {
        let words = |names: &[String]| super::count(names.len(), "class");
        return Some((words(expected), words(found)));
    }
    let class = (0..expected.len()).find(|&class| expected[class] != found[class])?;
    let words = |names: &[String]| format!("class {class} {:?}", names[class]);
    Some((words(expected), words(found)))
}
