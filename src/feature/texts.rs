//! Text embeddings beside features: the second modality of a set whose encoder has two towers.

use ndarray::{Array2, ArrayView2, Axis};

use super::FeatureError;

/// What each text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextsOf {
    /// A class: row `k` belongs to class `k`.
    Classes,
    /// A sample: row `i` belongs to sample `i`.
    Samples,
}

impl TextsOf {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classes => "classes",
            Self::Samples => "samples",
        }
    }

    /// That of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Classes, Self::Samples]
            .into_iter()
            .find(|of| of.name() == name)
    }
}

/// Embeddings of texts `[K, E]` or `[N, E]`, finite.
#[derive(Debug, Clone, PartialEq)]
pub struct TextFeatures {
    values: Array2<f32>,
    of: TextsOf,
}

impl TextFeatures {
    /// Checks embeddings against the set that they stand beside: `samples` rows of `width` features in `classes` classes.
    ///
    /// # Errors
    /// [`FeatureError::Length`] for another number of rows or columns, [`FeatureError::TextNotFinite`].
    pub(super) fn new(
        values: Array2<f32>,
        of: TextsOf,
        (samples, width, classes): (usize, usize, usize),
    ) -> Result<Self, FeatureError> {
        let rows = match of {
            TextsOf::Classes => classes,
            TextsOf::Samples => samples,
        };
        let rows_of = match of {
            TextsOf::Classes => "text_features, one a class",
            TextsOf::Samples => "text_features, one a sample",
        };
        for (what, expected, found) in [
            (rows_of, rows, values.nrows()),
            ("columns of text_features", width, values.ncols()),
        ] {
            if expected != found {
                return Err(FeatureError::Length {
                    what,
                    expected,
                    found,
                });
            }
        }
        let wrong = values.indexed_iter().find(|(_, value)| !value.is_finite());
        if let Some(((row, column), &value)) = wrong {
            return Err(FeatureError::TextNotFinite { row, column, value });
        }
        // Row-major always, as features are.
        let values = values.as_standard_layout().into_owned();
        Ok(Self { values, of })
    }

    /// The embeddings, row-major.
    pub fn values(&self) -> ArrayView2<'_, f32> {
        self.values.view()
    }

    /// What each row stands for.
    pub fn of(&self) -> TextsOf {
        self.of
    }

    /// Those of some samples, in their order; of classes, all.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        match self.of {
            TextsOf::Classes => self.clone(),
            TextsOf::Samples => Self {
                values: self.values.select(Axis(0), rows),
                of: self.of,
            },
        }
    }
}

/// What `rows` texts stand for beside labelled samples: a class each, or a sample each. Where there are as many
/// classes as samples both are the same only if sample `i` is of class `i`; `None` if that is not so, or
/// if the number fits neither.
pub(super) fn inferred(rows: usize, labels: &[usize], classes: usize) -> Option<TextsOf> {
    let each_its_own = || labels.iter().enumerate().all(|(i, &label)| i == label);
    match (rows == classes, rows == labels.len()) {
        (true, false) => Some(TextsOf::Classes),
        (false, true) => Some(TextsOf::Samples),
        (true, true) if each_its_own() => Some(TextsOf::Classes),
        _ => None,
    }
}
