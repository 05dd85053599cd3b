//! Features files of one task: read together, so that they share their classes. A file that names
//! its classes decides for those that do not; files that name them differently are refused, for a
//! label 3 that is a cat here and a ship there would give a plausible, wrong number. Labels that are text
//! share the sorted names of all files. A class without training samples is told: what a test part has
//! of it counts as errors, whatever its number.

use crate::cli::error::CliError;
use crate::cli::words::tell;
use crate::feature::file::{Choice, Contents, Keep, array, sorted_order};
use crate::feature::{FeatureError, FeatureSet};
use std::collections::BTreeSet;
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

    fn read(&self, choice: &Choice, keep: Keep) -> Result<Contents, CliError> {
        if array::is_npy(self.features) && self.labels.is_none() {
            return Err(CliError::Usage {
                what: self.features.display().to_string(),
                expected: format!("{} FILE.npy beside a .npy file of features", self.flag),
                found: "no labels".into(),
            });
        }
        let choice = Choice {
            labels_elsewhere: self.labels.is_some(),
            ..choice.clone()
        };
        let contents = Contents::choose(self.features, &choice, keep)?;
        let (rows, columns) = contents.dim();
        if rows == 0 || columns == 0 {
            let shape = format!("[{rows}, {columns}]");
            let expected = "at least one sample and one feature".to_string();
            return Err(fault(self.features, "features", expected, shape));
        }
        let contents = match self.labels {
            Some(labels) => contents.with_labels(labels)?,
            None => contents,
        };
        match contents.labels() {
            Some(_) => Ok(contents),
            None => Err(contents.no_labels().into()),
        }
    }
}

/// Reads files of one task, the training part first. Where features are beyond single precision, all are
/// shifted, and if `scale` scaled, by the training part's means and deviations in double precision.
pub fn read(
    files: &[Labelled<'_>],
    choice: &Choice,
    scale: bool,
) -> Result<Vec<FeatureSet>, CliError> {
    let all = |keep| {
        let read = files.iter().map(|file| file.read(choice, keep));
        read.collect::<Result<Vec<Contents>, CliError>>()
    };
    let mut contents = all(Keep::Single)?;
    let mut said = BTreeSet::new();
    for file in &contents {
        // The order of text labels is told below, of all files together.
        let own = file
            .class_names()
            .filter(|_| file.by_name())
            .map(sorted_order);
        let told = file
            .told()
            .into_iter()
            .filter(|told| Some(told) != own.as_ref());
        said.extend(told.map(|told| (file.path().display().to_string(), told)));
    }
    said.iter().for_each(|(path, told)| tell(path, told));
    let beyond = contents
        .iter()
        .find_map(|c| Some((c.path().to_owned(), c.beyond()?)));
    if let Some((path, beyond)) = beyond {
        contents = all(Keep::Wide)?;
        Contents::bring_within(&mut contents, scale)?;
        let how = if scale {
            "centred and scaled"
        } else {
            "centred"
        };
        let said = format!(
            "column {} is beyond single precision ({beyond}): columns are {how} in double by the training features",
            beyond.column
        );
        tell(&path.display().to_string(), &said);
    }
    let by_name = contents.iter().find(|c| c.by_name());
    let by_name = by_name.map(|c| c.path().display().to_string());
    let names = classes(&mut contents)?;
    if let Some(path) = by_name {
        tell(&path, &sorted_order(&names));
    }
    unseen(&contents, &names);
    let sets = contents.into_iter().map(|contents| contents.set_of(&names));
    Ok(sets.collect::<Result<_, _>>()?)
}

/// The names that all files share; renumbers labels where that is needed.
fn classes(all: &mut [Contents]) -> Result<Vec<String>, CliError> {
    let positional = |c: &Contents| {
        c.class_names()
            .filter(|_| !c.by_name())
            .map(<[String]>::to_vec)
    };
    let first = all
        .iter()
        .find_map(|c| Some((c.path().to_owned(), positional(c)?)));
    if let Some((owner, names)) = first {
        allowed(&owner, names.len())?;
        for other in all.iter_mut() {
            let Some(found) = other.class_names() else {
                continue;
            };
            if other.by_name() {
                by_name(other, &owner, &names)?;
            } else if let Some((expected, found)) = difference(&names, found) {
                let expected = format!("those of {}: {expected}", owner.display());
                return Err(fault(other.path(), "class_names", expected, found));
            }
        }
        return Ok(names);
    }
    if let Some(named) = all.iter().find(|c| c.by_name()) {
        let owner = named.path().to_owned();
        if let Some(other) = all.iter().find(|c| !c.by_name()) {
            let expected = format!("names, as {} has", owner.display());
            return Err(fault(other.path(), "labels", expected, "numbers".into()));
        }
        let names = all
            .iter()
            .filter_map(Contents::class_names)
            .flatten()
            .cloned();
        let names: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
        allowed(&owner, names.len())?;
        for contents in all.iter_mut() {
            by_name(contents, &owner, &names)?;
        }
        return Ok(names);
    }
    numbered(all)
}

/// Numbers the classes of a file of names as `names` does.
fn by_name(contents: &mut Contents, owner: &Path, names: &[String]) -> Result<(), CliError> {
    let own = contents.class_names().unwrap_or_default();
    let place = |name: &String| names.iter().position(|other| other == name);
    let places: Option<Vec<usize>> = own.iter().map(place).collect();
    let Some(places) = places else {
        let unknown = own.iter().find(|name| place(name).is_none());
        let expected = format!("one of the class names of {}", owner.display());
        let found = format!("{:?}", unknown.map_or("", String::as_str));
        return Err(fault(contents.path(), "labels", expected, found));
    };
    contents.renumber(|label| places[label], names.to_vec());
    Ok(())
}

/// Names of classes that are numbers: 0 to the largest that occurs; of large numbers those that occur.
pub fn numbered(all: &mut [Contents]) -> Result<Vec<String>, CliError> {
    let labels = all.iter().filter_map(Contents::labels).flatten();
    let occurring: Vec<usize> = labels
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let count = occurring.last().map_or(0, |most| most.saturating_add(1));
    if count <= MOST_CLASSES {
        return Ok((0..count).map(|class| class.to_string()).collect());
    }
    if let Some(first) = all.first() {
        allowed(first.path(), occurring.len())?;
        let said = format!(
            "labels go up to {}: the {} that occur are the classes, in order",
            count - 1,
            occurring.len()
        );
        tell(&first.path().display().to_string(), &said);
    }
    let names: Vec<String> = occurring.iter().map(usize::to_string).collect();
    for contents in all {
        let place = |label| occurring.binary_search(&label).unwrap_or_default();
        contents.renumber(place, names.clone());
    }
    Ok(names)
}

/// Tells which classes of later files the first one does not have.
fn unseen(all: &[Contents], names: &[String]) {
    let Some((train, others)) = all.split_first() else {
        return;
    };
    let known: BTreeSet<usize> = train.labels().unwrap_or_default().iter().copied().collect();
    for other in others {
        let labels = other.labels().unwrap_or_default();
        let strange = labels.iter().filter(|label| !known.contains(label));
        let samples = strange.clone().count();
        let classes: BTreeSet<usize> = strange.copied().collect();
        // A label beyond the names is an error, and not told here.
        if classes.is_empty() || classes.last().is_some_and(|&most| most >= names.len()) {
            continue;
        }
        let shown: Vec<&str> = classes.iter().take(8).map(|&c| names[c].as_str()).collect();
        let more = if classes.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let said = format!(
            "{} of {} ({}{more}) without a sample in {}: counted as errors",
            super::count(samples, "sample"),
            super::count(classes.len(), "class"),
            shown.join(", "),
            train.path().display()
        );
        tell(&other.path().display().to_string(), &said);
    }
}

fn allowed(path: &Path, classes: usize) -> Result<(), CliError> {
    if classes <= MOST_CLASSES {
        return Ok(());
    }
    let expected = format!("at most {MOST_CLASSES} classes");
    Err(fault(path, "labels", expected, classes.to_string()))
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
