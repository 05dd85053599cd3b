//! What a features file holds, before anything is asked of it. Some measures need a matrix alone;
//! others need classes too, which a `.npy` file cannot hold and a second file then brings. Several
//! files of one task share their classes, and only some of them may name these. So the parts are
//! read first, and a [`FeatureSet`] is made of them once it is known what is wanted.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::{Format, array, npz, parquet, safetensors};
use crate::feature::{FeatureError, FeatureSet};

/// The parts of a features file: lengths agree, labels are not negative; nothing else is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    path: PathBuf,
    features: Array2<f32>,
    labels: Option<Vec<usize>>,
    class_names: Option<Vec<String>>,
    ids: Option<Vec<String>>,
}

impl Contents {
    /// Reads `.npz`, `.npy` (features alone), `.safetensors` or `.parquet`; the file's ending decides.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: unreadable, malformed, parts of different lengths.
    pub fn read(path: &Path) -> Result<Self, FeatureError> {
        if array::is_npy(path) {
            return Self::new(path, array::features(path)?, None, None, None);
        }
        match super::format_of(path) {
            Ok(Format::Safetensors) => safetensors::read(path),
            Ok(Format::Npz) => npz::read(path),
            Ok(Format::Parquet) => parquet::read(path),
            Err(_) => Err(FeatureError::malformed(
                path,
                "file name",
                "one that ends in .npz, .npy, .safetensors or .parquet",
                format!("{:?}", array::ending(path)),
            )),
        }
    }

    pub(super) fn new(
        path: &Path,
        features: Array2<f32>,
        labels: Option<Vec<i64>>,
        class_names: Option<Vec<String>>,
        ids: Option<Vec<String>>,
    ) -> Result<Self, FeatureError> {
        let rows = features.nrows();
        let labels = labels.map(|labels| classes(path, labels)).transpose()?;
        same_length(path, "labels", rows, labels.as_deref().map(<[_]>::len))?;
        same_length(path, "ids", rows, ids.as_deref().map(<[_]>::len))?;
        Ok(Self {
            path: path.to_owned(),
            features,
            labels,
            class_names,
            ids,
        })
    }

    /// Takes the labels from a `.npy` file of integers, in place of the file's own.
    ///
    /// # Errors
    /// [`FeatureError`] with the path of the labels: unreadable, malformed, another length.
    pub fn with_labels(mut self, path: &Path) -> Result<Self, FeatureError> {
        let labels = array::labels(path)?;
        same_length(path, "labels", self.features.nrows(), Some(labels.len()))?;
        self.labels = Some(labels);
        Ok(self)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The features `[N, D]`.
    pub fn features(&self) -> &Array2<f32> {
        &self.features
    }

    /// The labels `[N]`, if there are any.
    pub fn labels(&self) -> Option<&[usize]> {
        self.labels.as_deref()
    }

    /// The names of the classes, if the file has any.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// The set with the file's own class names, else with numbers up to its largest label.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: no labels, a label beyond the names, NaN or infinity.
    pub fn set(self) -> Result<FeatureSet, FeatureError> {
        let names = self.class_names.clone();
        self.build(names)
    }

    /// The set with all samples in one class without a name: for what asks for no classes.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: NaN or infinity.
    pub fn unlabelled(mut self) -> Result<FeatureSet, FeatureError> {
        self.labels = Some(vec![0; self.features.nrows()]);
        self.build(Some(vec!["-".into()]))
    }

    /// The set with these class names.
    ///
    /// # Errors
    /// As [`Contents::set`].
    pub fn set_of(self, class_names: &[String]) -> Result<FeatureSet, FeatureError> {
        self.build(Some(class_names.to_vec()))
    }

    fn build(self, class_names: Option<Vec<String>>) -> Result<FeatureSet, FeatureError> {
        let path = self.path;
        let Some(labels) = self.labels else {
            return Err(FeatureError::malformed(
                &path,
                "labels",
                "an array labels [N]",
                "none",
            ));
        };
        let set = match class_names {
            Some(names) => FeatureSet::new(self.features, labels, names),
            None => FeatureSet::unnamed(self.features, labels),
        };
        let set = set.and_then(|set| match self.ids {
            Some(ids) => set.with_ids(ids),
            None => Ok(set),
        });
        set.map_err(|source| invalid(&path, source))
    }
}

/// Labels as a file has them, refused where they are no classes.
pub(super) fn classes(path: &Path, labels: Vec<i64>) -> Result<Vec<usize>, FeatureError> {
    let class = |(row, label): (usize, i64)| {
        usize::try_from(label).map_err(|_| {
            FeatureError::malformed(path, format!("labels, row {row}"), "a class, from 0", label)
        })
    };
    labels.into_iter().enumerate().map(class).collect()
}

fn same_length(
    path: &Path,
    what: &'static str,
    expected: usize,
    found: Option<usize>,
) -> Result<(), FeatureError> {
    match found {
        Some(found) if found != expected => {
            let length = FeatureError::Length {
                what,
                expected,
                found,
            };
            Err(invalid(path, length))
        }
        _ => Ok(()),
    }
}

fn invalid(path: &Path, source: FeatureError) -> FeatureError {
    FeatureError::Invalid {
        path: path.to_owned(),
        source: Box::new(source),
    }
}
