//! What a features file holds, before anything is asked of it. Some measures need a matrix alone;
//! others need classes too, which a `.npy` file cannot hold and a second file then brings. Several
//! files of one task share their classes, and only some of them may name these. So the parts are
//! read first, and a [`FeatureSet`] is made of them once it is known what is wanted.
//!
//! Features are single precision. Where a file's numbers are beyond that ([`Beyond`]) they are kept in
//! double, and a set is made of them only after [`Contents::bring_within`] or its like (`within`); else it is
//! an error.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::choice::Choice;
use super::parts::{Keep, Matrix, Parts};
use super::precision::Beyond;
use super::{Format, array, fault_of, npz, parquet, safetensors};
use crate::feature::{FeatureError, FeatureSet};
use crate::files::column::Column;

/// The parts of a features file: lengths agree, labels are classes; nothing else is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    pub(super) path: PathBuf,
    pub(super) features: Matrix,
    labels: Option<Vec<usize>>,
    class_names: Option<Vec<String>>,
    /// The class names are the sorted texts of the labels, not a list by position.
    by_name: bool,
    ids: Option<Vec<String>>,
    groups: Option<Vec<usize>>,
    candidates: Vec<String>,
    told: Vec<String>,
}

impl Contents {
    /// Reads `.npz`, `.npy` (features alone), `.safetensors` or `.parquet`; the file's ending decides.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: unreadable, malformed, parts of different lengths.
    pub fn read(path: &Path) -> Result<Self, FeatureError> {
        Self::choose(path, &Choice::default(), Keep::Single)
    }

    /// The same with arrays chosen by name, and numbers in the precision wanted.
    ///
    /// # Errors
    /// As [`Contents::read`], and several arrays that may be meant.
    pub fn choose(path: &Path, choice: &Choice, keep: Keep) -> Result<Self, FeatureError> {
        if array::is_npy(path) {
            let features = array::features(path, keep)?;
            return Self::new(path, features, Parts::default());
        }
        let (features, parts) = match super::format_of(path) {
            Ok(Format::Safetensors) => safetensors::read(path, choice, keep),
            Ok(Format::Npz) => npz::read(path, choice, keep),
            Ok(Format::Parquet) => parquet::read(path, choice, keep),
            Err(_) => Err(FeatureError::malformed(
                path,
                "file name",
                "one that ends in .npz, .npy, .safetensors or .parquet",
                format!("{:?}", array::ending(path)),
            )),
        }?;
        Self::new(path, features, parts)
    }

    fn new(path: &Path, features: Matrix, parts: Parts) -> Result<Self, FeatureError> {
        let rows = features.dim().0;
        let mut contents = Self {
            path: path.to_owned(),
            features,
            labels: None,
            class_names: parts.class_names,
            by_name: false,
            ids: None,
            groups: None,
            candidates: parts.found.candidates,
            told: parts.told,
        };
        if let Some(column) = parts.labels {
            contents.told.extend(parts.found.told);
            same_length(path, "labels", rows, column.len())?;
            contents.take_labels(path, column)?;
        }
        if let Some(ids) = parts.ids {
            same_length(path, "ids", rows, ids.len())?;
            contents.ids = Some(ids.texts("ids").map_err(|e| fault_of(path, e))?);
        }
        if let Some(groups) = parts.groups {
            same_length(path, "groups", rows, groups.len())?;
            contents.groups = Some(groups.groups().map_err(|e| fault_of(path, e))?);
        }
        Ok(contents)
    }

    fn take_labels(&mut self, path: &Path, column: Column) -> Result<(), FeatureError> {
        let labels = column.labels(self.class_names.as_deref());
        let labels = labels.map_err(|e| fault_of(path, e))?;
        self.labels = Some(labels.numbers);
        if let Some(names) = labels.names {
            self.class_names = Some(names);
            self.by_name = true;
        }
        Ok(())
    }

    /// Takes the labels from a `.npy` file, in place of the file's own.
    ///
    /// # Errors
    /// [`FeatureError`] with the path of the labels: unreadable, malformed, another length.
    pub fn with_labels(mut self, path: &Path) -> Result<Self, FeatureError> {
        let column = array::column(path, "labels")?;
        same_length(path, "labels", self.features.dim().0, column.len())?;
        if self.by_name {
            (self.class_names, self.by_name) = (None, false);
        }
        self.take_labels(path, column)?;
        Ok(self)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of samples and of features.
    pub fn dim(&self) -> (usize, usize) {
        self.features.dim()
    }

    /// The features, as they were kept.
    pub fn matrix(&self) -> &Matrix {
        &self.features
    }

    /// The features, without the rest.
    pub fn into_matrix(self) -> Matrix {
        self.features
    }

    /// The features `[N, D]` in single precision.
    ///
    /// # Errors
    /// [`FeatureError::Beyond`] with path and column.
    pub fn single(&self) -> Result<std::borrow::Cow<'_, Array2<f32>>, FeatureError> {
        match &self.features {
            Matrix::Single(values) => Ok(std::borrow::Cow::Borrowed(values)),
            Matrix::Double(values, None) => Ok(std::borrow::Cow::Owned(values.mapv(|v| v as f32))),
            Matrix::Double(_, Some(beyond)) => Err(self.refused(*beyond)),
        }
    }

    pub(super) fn refused(&self, beyond: Beyond) -> FeatureError {
        FeatureError::Beyond {
            path: self.path.clone(),
            column: beyond.column,
            found: beyond.to_string(),
        }
    }

    /// The column that single precision cannot hold, if there is one.
    pub fn beyond(&self) -> Option<Beyond> {
        match self.features {
            Matrix::Double(_, beyond) => beyond,
            Matrix::Single(_) => None,
        }
    }

    /// The labels `[N]`, if there are any.
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_deref()
    }

    /// The names of the classes, if the file has any.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// Whether the class names are the texts of the labels, in sorted order, and no list by position.
    pub fn by_name(&self) -> bool {
        self.by_name
    }

    /// The id of every sample, if there are any.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// Which samples belong together (clip, record, person): the same number, numbered by first
    /// occurrence, if the file says so.
    pub fn groups(&self) -> Option<&[usize]> {
        self.groups.as_deref()
    }

    /// What was inferred in reading and has to be told.
    pub fn told(&self) -> Vec<String> {
        let mut told = self.told.clone();
        if let (true, Some(names)) = (self.by_name, &self.class_names) {
            told.push(sorted_order(names));
        }
        told
    }

    /// Gives the classes these numbers and names.
    pub fn renumber(&mut self, number: impl Fn(usize) -> usize, names: Vec<String>) {
        for label in self.labels.iter_mut().flatten() {
            *label = number(*label);
        }
        (self.class_names, self.by_name) = (Some(names), false);
    }

    /// The set with the file's own class names, else with numbers up to its largest label.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: no labels, a label beyond the names, NaN or infinity, columns
    /// beyond single precision.
    pub fn set(self) -> Result<FeatureSet, FeatureError> {
        let names = self.class_names.clone();
        self.build(names)
    }

    /// The set with all samples in one class without a name: for what asks for no classes.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: NaN or infinity, columns beyond single precision.
    pub fn unlabelled(mut self) -> Result<FeatureSet, FeatureError> {
        self.labels = Some(vec![0; self.features.dim().0]);
        self.build(Some(vec!["-".into()]))
    }

    /// The set with these class names.
    ///
    /// # Errors
    /// As [`Contents::set`].
    pub fn set_of(self, class_names: &[String]) -> Result<FeatureSet, FeatureError> {
        self.build(Some(class_names.to_vec()))
    }

    /// The error of a file without labels.
    pub fn no_labels(&self) -> FeatureError {
        let found = match self.candidates.as_slice() {
            [] => "none".to_owned(),
            several => format!("{}; --labels NAME chooses", several.join(" and ")),
        };
        FeatureError::malformed(&self.path, "labels", "an array labels [N]", found)
    }

    fn build(self, class_names: Option<Vec<String>>) -> Result<FeatureSet, FeatureError> {
        if self.labels.is_none() {
            return Err(self.no_labels());
        }
        let features = match self.features {
            Matrix::Single(values) => values,
            Matrix::Double(_, Some(beyond)) => return Err(self.refused(beyond)),
            Matrix::Double(values, None) => values.mapv(|v| v as f32),
        };
        let (path, labels) = (self.path, self.labels.unwrap_or_default());
        let set = match class_names {
            Some(names) => FeatureSet::new(features, labels, names),
            None => FeatureSet::unnamed(features, labels),
        };
        let set = set.and_then(|set| match self.ids {
            Some(ids) => set.with_ids(ids),
            None => Ok(set),
        });
        let set = set.and_then(|set| match self.groups {
            Some(groups) => set.with_groups(groups),
            None => Ok(set),
        });
        set.map_err(|source| invalid(&path, source))
    }
}

/// How classes are numbered whose labels are text.
pub fn sorted_order(names: &[String]) -> String {
    let order = super::few(names);
    format!("labels are text: classes in sorted order, {order}")
}

fn same_length(
    path: &Path,
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), FeatureError> {
    if found == expected {
        return Ok(());
    }
    let length = FeatureError::Length {
        what,
        expected,
        found,
    };
    Err(invalid(path, length))
}

pub(super) fn invalid(path: &Path, source: FeatureError) -> FeatureError {
    FeatureError::Invalid {
        path: path.to_owned(),
        source: Box::new(source),
    }
}
