//! A feature set: one row of numbers and one class label per sample.
//!
//! The type is checked once, at construction, so that no measure has to ask again whether a
//! label fits or a number is finite. An empty set (`N = 0`) can be built: a measure that needs
//! samples says so with its own error.

use ndarray::{Array2, ArrayView2, Axis};

use super::FeatureError;
use super::texts::{TextFeatures, TextsOf};

/// Features `[N, D]`, labels `[N]` in `0..class_names.len()`, and optionally an id and a group per row, and embeddings
/// of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureSet {
    features: Array2<f32>,
    labels: Vec<usize>,
    class_names: Vec<String>,
    ids: Option<Vec<String>>,
    groups: Option<Vec<usize>>,
    texts: Option<TextFeatures>,
}

impl FeatureSet {
    /// Checks and builds a set.
    ///
    /// # Errors
    /// [`FeatureError::Length`] if there are not as many labels as rows,
    /// [`FeatureError::NotFinite`] for NaN or infinite features, [`FeatureError::Label`] for a
    /// label without a class name.
    pub fn new(
        features: Array2<f32>,
        labels: Vec<usize>,
        class_names: Vec<String>,
    ) -> Result<Self, FeatureError> {
        if labels.len() != features.nrows() {
            return Err(FeatureError::Length {
                what: "labels",
                expected: features.nrows(),
                found: labels.len(),
            });
        }
        for ((row, column), &value) in features.indexed_iter() {
            if !value.is_finite() {
                return Err(FeatureError::NotFinite { row, column, value });
            }
        }
        let classes = class_names.len();
        if let Some((row, &found)) = labels.iter().enumerate().find(|&(_, &l)| l >= classes) {
            return Err(FeatureError::Label {
                row,
                classes,
                found,
            });
        }
        // Row-major always: blocks of rows are handed to BLAS and to files as slices.
        let features = if features.is_standard_layout() {
            features
        } else {
            features.as_standard_layout().into_owned()
        };
        Ok(Self {
            features,
            labels,
            class_names,
            ids: None,
            groups: None,
            texts: None,
        })
    }

    /// Builds a set whose classes are named by their numbers, `0` to the largest label.
    ///
    /// # Errors
    /// As [`FeatureSet::new`].
    pub fn unnamed(features: Array2<f32>, labels: Vec<usize>) -> Result<Self, FeatureError> {
        // Every class costs a name, so a wild label must not decide how many are allocated.
        let classes = labels
            .iter()
            .max()
            .map_or(0, |&m| m.saturating_add(1))
            .min(Self::MAX_UNNAMED);
        Self::new(
            features,
            labels,
            (0..classes).map(|c| c.to_string()).collect(),
        )
    }

    /// The most classes that [`FeatureSet::unnamed`] will name.
    pub const MAX_UNNAMED: usize = 1 << 20;

    /// Adds one id per row (file names, sample numbers).
    ///
    /// # Errors
    /// [`FeatureError::Length`] if there are not as many ids as rows.
    pub fn with_ids(mut self, ids: Vec<String>) -> Result<Self, FeatureError> {
        if ids.len() != self.len() {
            return Err(FeatureError::Length {
                what: "ids",
                expected: self.len(),
                found: ids.len(),
            });
        }
        self.ids = Some(ids);
        Ok(self)
    }

    /// Says which samples belong together (a clip, a record, a person): those with the same number.
    ///
    /// # Errors
    /// [`FeatureError::Length`] if there are not as many groups as rows.
    pub fn with_groups(mut self, groups: Vec<usize>) -> Result<Self, FeatureError> {
        if groups.len() != self.len() {
            return Err(FeatureError::Length {
                what: "groups",
                expected: self.len(),
                found: groups.len(),
            });
        }
        self.groups = Some(groups);
        Ok(self)
    }

    /// Adds embeddings of texts, as wide as the features: one a class `[K, D]` or one a sample `[N, D]`.
    ///
    /// # Errors
    /// [`FeatureError::Length`] for another number of rows or columns, [`FeatureError::TextNotFinite`].
    pub fn with_texts(mut self, values: Array2<f32>, of: TextsOf) -> Result<Self, FeatureError> {
        let beside = (self.len(), self.dim(), self.classes());
        self.texts = Some(TextFeatures::new(values, of, beside)?);
        Ok(self)
    }

    /// Number of samples `N`.
    pub fn len(&self) -> usize {
        self.features.nrows()
    }

    /// Whether the set holds no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of features `D`.
    pub fn dim(&self) -> usize {
        self.features.ncols()
    }

    /// Number of classes, whether or not each has a sample.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// The features `[N, D]`, row-major.
    pub fn features(&self) -> ArrayView2<'_, f32> {
        self.features.view()
    }

    /// The labels `[N]`.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The class names; labels index this list.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// One id per row, if the set has any.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// The group of every row, if samples belong together.
    pub fn groups(&self) -> Option<&[usize]> {
        self.groups.as_deref()
    }

    /// The embeddings of texts, if the set has any.
    pub fn texts(&self) -> Option<&TextFeatures> {
        self.texts.as_ref()
    }

    /// The set of the given rows, in the given order; `None` if a row is out of range.
    pub fn select(&self, rows: &[usize]) -> Option<Self> {
        if rows.iter().any(|&r| r >= self.len()) {
            return None;
        }
        Some(Self {
            features: self.features.select(Axis(0), rows),
            labels: rows.iter().map(|&r| self.labels[r]).collect(),
            class_names: self.class_names.clone(),
            ids: self
                .ids
                .as_ref()
                .map(|ids| rows.iter().map(|&r| ids[r].clone()).collect()),
            groups: self
                .groups
                .as_ref()
                .map(|groups| rows.iter().map(|&r| groups[r]).collect()),
            texts: self.texts.as_ref().map(|texts| texts.select(rows)),
        })
    }

    /// Takes the set apart: features, labels, class names.
    pub fn into_parts(self) -> (Array2<f32>, Vec<usize>, Vec<String>) {
        (self.features, self.labels, self.class_names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn faults_are_named_with_their_place() {
        let x = array![[1.0, 2.0], [3.0, f32::NAN]];
        match FeatureSet::unnamed(x, vec![0, 1]) {
            Err(FeatureError::NotFinite {
                row: 1, column: 1, ..
            }) => {}
            other => panic!("{other:?}"),
        }
        let x = array![[1.0f32, 2.0], [3.0, 4.0]];
        assert!(matches!(
            FeatureSet::new(x.clone(), vec![0], vec!["a".into()]),
            Err(FeatureError::Length {
                expected: 2,
                found: 1,
                ..
            })
        ));
        assert!(matches!(
            FeatureSet::new(x.clone(), vec![0, 3], vec!["a".into()]),
            Err(FeatureError::Label {
                row: 1,
                classes: 1,
                found: 3
            })
        ));
        assert!(matches!(
            FeatureSet::unnamed(x, vec![0, usize::MAX]),
            Err(FeatureError::Label { row: 1, .. })
        ));
    }

    #[test]
    fn texts_have_the_width_of_features_and_follow_samples_or_classes() {
        let x = array![[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let set = || FeatureSet::unnamed(x.clone(), vec![0, 1, 0]).expect("valid");
        let (two, three) = (array![[0.0f32, 1.0], [2.0, 3.0]], &x * 2.0);
        let classes = set()
            .with_texts(two.clone(), TextsOf::Classes)
            .expect("two");
        let samples = set()
            .with_texts(three.clone(), TextsOf::Samples)
            .expect("three");
        let rows = [2, 0];
        let part = |set: &FeatureSet| set.select(&rows).expect("in range");
        assert_eq!(part(&classes).texts(), classes.texts());
        let part = part(&samples);
        let part = part.texts().expect("texts");
        assert_eq!(
            (part.values(), part.of()),
            (three.select(Axis(0), &rows).view(), TextsOf::Samples)
        );
        for (values, of) in [
            (three.clone(), TextsOf::Classes),
            (two.clone(), TextsOf::Samples),
            (array![[1.0], [2.0]], TextsOf::Classes),
        ] {
            let refused = set().with_texts(values, of);
            assert!(matches!(refused, Err(FeatureError::Length { .. })));
        }
        let refused = set().with_texts(two * f32::NAN, TextsOf::Classes);
        let said = refused.expect_err("NaN").to_string();
        assert!(
            said.contains("text_features") && said.contains("row 0"),
            "{said}"
        );
    }

    #[test]
    fn rows_can_be_selected_and_an_empty_set_exists() {
        let x = array![[1.0f32, 2.0], [3.0, 4.0]];
        let set = FeatureSet::unnamed(x, vec![0, 1])
            .and_then(|s| s.with_ids(vec!["a".into(), "b".into()]))
            .and_then(|s| s.with_groups(vec![4, 7]))
            .expect("valid");
        assert!(set.clone().with_groups(vec![1]).is_err());
        let part = set.select(&[1, 1]).expect("in range");
        assert_eq!(part.labels(), [1, 1]);
        assert_eq!(part.ids().expect("ids"), ["b", "b"]);
        assert_eq!(part.groups().expect("groups"), [7, 7]);
        assert!(set.select(&[2]).is_none());
        assert!(
            FeatureSet::unnamed(Array2::zeros((0, 3)), vec![])
                .expect("empty")
                .is_empty()
        );
    }
}
