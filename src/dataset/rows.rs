//! A set whose samples are the rows of a stored array: read by index from the file's map, brought
//! into place, normalised. Nothing of the set is in memory but its labels.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::refused;
use super::precise::Standard;
use super::{Dataset, DatasetError, Normalise, TargetShape, check_request, check_target};
use crate::files::Stored;

/// How a row becomes a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrange {
    /// The row's values are the sample's.
    AsIs,
    /// The row is `time × channels`, the sample `channels × time`.
    Transpose {
        /// Rows of the row: points in time.
        time: usize,
        /// Its columns.
        channels: usize,
    },
}

/// The targets of the rows.
pub(crate) enum Targets {
    /// One class each.
    Labels(Vec<usize>),
    /// Zeros and ones, a row for each row.
    MultiHot(Stored),
}

/// Rows of an array with their targets.
pub(crate) struct Rows {
    path: PathBuf,
    shape: [usize; 3],
    classes: Arc<Vec<String>>,
    data: Stored,
    arrange: Arrange,
    targets: Targets,
    norm: Normalise,
    /// Standardisation in double precision, in place of `norm`.
    exact: Option<Arc<Standard>>,
}

impl Rows {
    /// Rows of `data`, whose length is that of the shape; `path` names the file in errors.
    ///
    /// # Errors
    /// `Malformed` if rows and targets differ in number.
    pub fn new(
        path: PathBuf,
        shape: [usize; 3],
        classes: Arc<Vec<String>>,
        (data, arrange): (Stored, Arrange),
        targets: Targets,
    ) -> Result<Self, DatasetError> {
        let rows = data.layout().rows();
        let (count, per_row) = match &targets {
            Targets::Labels(labels) => (labels.len(), 0),
            Targets::MultiHot(hot) => (hot.layout().rows(), hot.layout().row_len()),
        };
        let wrong = |what: &str, expected: usize, found: usize| {
            let (expected, found) = (expected.to_string(), found.to_string());
            Err(super::files::malformed(&path, what, expected, found))
        };
        let values = shape.iter().product();
        if data.layout().row_len() != values {
            return wrong("values of a sample", values, data.layout().row_len());
        }
        if count != rows {
            return wrong("number of labels", rows, count);
        }
        if matches!(targets, Targets::MultiHot(_)) && per_row != classes.len() {
            return wrong("labels of a sample", classes.len(), per_row);
        }
        Ok(Self {
            path,
            shape,
            classes,
            data,
            arrange,
            targets,
            norm: Normalise::new(&[0.0], &[1.0]),
            exact: None,
        })
    }

    /// The array that the rows lie in.
    pub fn data(&self) -> &Stored {
        &self.data
    }

    /// The same rows, standardised in double precision as they are read (those that are as the file has them).
    pub fn standardised(mut self, standard: Arc<Standard>) -> Self {
        self.exact = Some(standard);
        self
    }

    fn read_exact(
        &self,
        standard: &Standard,
        index: usize,
        out: &mut [f32],
    ) -> Result<(), DatasetError> {
        let mut wide = vec![0.0; out.len()];
        let read = self.data.read_row_double(index, &mut wide);
        read.map_err(refused(&self.path))?;
        self.finite(index, wide.iter().copied())?;
        standard.apply(&wide, out);
        Ok(())
    }

    fn finite(
        &self,
        index: usize,
        mut values: impl Iterator<Item = f64>,
    ) -> Result<(), DatasetError> {
        match values.find(|value| !value.is_finite()) {
            None => Ok(()),
            Some(value) => {
                let (what, found) = (format!("values of record {index}"), value.to_string());
                let expected = "finite numbers";
                Err(super::files::malformed(&self.path, what, expected, found))
            }
        }
    }

    /// The same rows, normalised as they are read.
    pub fn normalised(mut self, norm: Normalise) -> Self {
        self.norm = norm;
        self
    }
}

impl Dataset for Rows {
    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.data.layout().rows()
    }

    fn label(&self, index: usize) -> usize {
        match &self.targets {
            Targets::Labels(labels) => labels[index],
            Targets::MultiHot(_) => 0,
        }
    }

    fn target_shape(&self) -> TargetShape {
        match &self.targets {
            Targets::Labels(_) => TargetShape::Class,
            Targets::MultiHot(_) => TargetShape::MultiHot,
        }
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_target(
            "stored rows",
            self.target_shape(),
            self.classes.len(),
            out.len(),
        )?;
        if let Targets::MultiHot(hot) = &self.targets {
            hot.read_row(index, out).map_err(refused(&self.path))?;
            if let Some(other) = out.iter().find(|&&v| v != 0.0 && v != 1.0) {
                let what = format!("labels of record {index}");
                let found = other.to_string();
                return Err(super::files::malformed(&self.path, what, "0 or 1", found));
            }
        }
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("stored rows", self, index, out.len())?;
        if let (Some(standard), Arrange::AsIs) = (&self.exact, self.arrange) {
            return self.read_exact(standard, index, out);
        }
        match self.arrange {
            Arrange::AsIs => self.data.read_row(index, out),
            Arrange::Transpose { time, channels } => {
                let mut row = vec![0.0; out.len()];
                self.data.read_row(index, &mut row).map(|()| {
                    for (t, values) in row.chunks_exact(channels).enumerate() {
                        for (channel, &value) in values.iter().enumerate() {
                            out[channel * time + t] = value;
                        }
                    }
                })
            }
        }
        .map_err(refused(&self.path))?;
        self.finite(index, out.iter().map(|&value| value.into()))?;
        self.norm.apply(out);
        Ok(())
    }
}

/// Names `class 0`, `class 1`, … for sets that publish none.
pub(crate) fn numbered(count: usize) -> Arc<Vec<String>> {
    Arc::new((0..count).map(|class| format!("class {class}")).collect())
}
