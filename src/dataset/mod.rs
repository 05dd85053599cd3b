//! Datasets: from files or a seed to samples `C × H × W` with class labels.
//!
//! Everything downstream sees the [`Dataset`] trait alone: a sample is read by index into a
//! caller's buffer, so training and extraction stream and no copy of a whole set is made. A reader
//! ([`readers`], one file each) turns a suite's entry into three [`Splits`]; [`open()`] is the door
//! to all of them.

pub mod audio;
mod augment;
mod batch;
pub mod display;
pub mod error;
mod files;
pub mod loader;
pub mod memory;
pub mod normalise;
mod open;
pub mod pairs;
mod part;
pub mod pictured;
pub mod pil;
mod precise;
pub mod preview;
pub mod readers;
#[cfg(test)]
mod real_data;
pub mod resize;
mod rows;
pub mod shots;
pub mod spherical;
pub mod store;
pub mod subset;
mod table;
pub mod texts;
mod tree;
pub mod wrapper;

pub use display::Display;
pub use error::DatasetError;
pub use memory::InMemory;
pub use normalise::Normalise;
pub use open::{Opened, open, open_for};
pub use readers::{Asked, READERS, Reader, images};
pub use resize::{Resized, Resizer};
pub use spherical::Spherical;
pub use subset::{Subset, cap, class_counts, groups, labels};
pub use wrapper::Wrapper;

use std::sync::Arc;

/// What a sample's target is, with its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetShape {
    /// One class.
    Class,
    /// Any of the classes: a zero or a one for each.
    MultiHot,
    /// A field of numbers, channels × height × width, in its own units and at its own size.
    Field([usize; 3]),
    /// Texts that describe a picture: one or several, read by [`Dataset::captions`].
    Captions,
}

impl TargetShape {
    /// Numbers that [`Dataset::read_target`] writes for a sample; 0 for a class, which is a label, and for captions,
    /// which are texts.
    pub fn len(self, classes: usize) -> usize {
        match self {
            Self::Class | Self::Captions => 0,
            Self::MultiHot => classes,
            Self::Field(shape) => shape.iter().product(),
        }
    }

    /// Its name in errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "one class a sample",
            Self::MultiHot => "several labels a sample",
            Self::Field(_) => "a field a sample",
            Self::Captions => "captions of a picture",
        }
    }
}

/// A set of samples of one shape with their targets, read by index.
pub trait Dataset: Send + Sync {
    /// Shape of every sample: channels, height, width.
    fn shape(&self) -> [usize; 3];

    /// Class names; labels index this list. Empty for fields and captions.
    fn classes(&self) -> &[String];

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether the set holds no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Label of sample `index`, in `0..classes().len()`; 0 where the target is not one class.
    fn label(&self, index: usize) -> usize;

    /// Number of the group that sample `index` of this part belongs to. Windows of one clip, repetition
    /// or record are a group: they are no independent samples. Without groups every sample is its own.
    fn group(&self, index: usize) -> usize {
        index
    }

    /// What a group is, for people; `None` where every sample is its own.
    fn unit(&self) -> Option<&'static str> {
        None
    }

    /// Whether the benchmark scores groups by the mean of their outputs, not single samples.
    fn scored_by_group(&self) -> bool {
        false
    }

    /// What sample `index` is called where it came from, if it has a name (a file's path).
    fn id(&self, index: usize) -> Option<String> {
        let _ = index;
        None
    }

    /// The texts that describe sample `index`, at least one where the target is
    /// [`TargetShape::Captions`]; none else, and none beyond the set.
    fn captions(&self, index: usize) -> &[String] {
        let _ = index;
        &[]
    }

    /// What the target of every sample is.
    fn target_shape(&self) -> TargetShape {
        TargetShape::Class
    }

    /// Writes the target of sample `index`, if it is no class, into `out` (length
    /// [`TargetShape::len`]).
    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_target(
            "set of classes",
            self.target_shape(),
            self.classes().len(),
            out.len(),
        )?;
        let _ = index; // a class is given by `label`, texts by `captions`
        Ok(())
    }

    /// Writes sample `index` into `out` (length `C·H·W`, row-major), already normalised.
    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError>;
}

/// The three parts of a dataset. No sample stands in two of them.
#[derive(Clone)]
pub struct Splits {
    /// For fitting.
    pub train: Arc<dyn Dataset>,
    /// For every choice (epochs, C, early stopping).
    pub valid: Arc<dyn Dataset>,
    /// For reported numbers alone.
    pub test: Arc<dyn Dataset>,
    /// What the reader inferred, left out, or does otherwise than one may think, in sentences.
    pub notes: Vec<String>,
}

impl Splits {
    /// Three parts of which nothing needs to be told.
    pub fn new(train: Arc<dyn Dataset>, valid: Arc<dyn Dataset>, test: Arc<dyn Dataset>) -> Self {
        Self {
            train,
            valid,
            test,
            notes: Vec::new(),
        }
    }

    /// The same parts, with something to tell.
    pub fn noted(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// The same three parts, each passed through `wrap` (resizing, projecting…).
    pub fn map(&self, wrap: impl Fn(Arc<dyn Dataset>) -> Arc<dyn Dataset>) -> Splits {
        Splits {
            train: wrap(self.train.clone()),
            valid: wrap(self.valid.clone()),
            test: wrap(self.test.clone()),
            notes: self.notes.clone(),
        }
    }
}

/// Number of values of one sample.
pub fn sample_len(data: &dyn Dataset) -> usize {
    data.shape().iter().product()
}

/// Refuses a buffer that does not fit a sample's target.
pub(crate) fn check_target(
    set: &str,
    target: TargetShape,
    classes: usize,
    buffer: usize,
) -> Result<(), DatasetError> {
    let expected = target.len(classes);
    if buffer == expected {
        return Ok(());
    }
    Err(DatasetError::Unsatisfiable {
        set: set.to_string(),
        what: "buffer length of the target".into(),
        expected: expected.to_string(),
        found: buffer.to_string(),
    })
}

/// Refuses an index or a buffer that does not fit `data`; every reader's first line.
pub(crate) fn check_request(
    set: &str,
    data: &dyn Dataset,
    index: usize,
    buffer: usize,
) -> Result<(), DatasetError> {
    let unsatisfiable = |what: &str, expected: String, found: usize| DatasetError::Unsatisfiable {
        set: set.to_string(),
        what: what.to_string(),
        expected,
        found: found.to_string(),
    };
    if index >= data.len() {
        return Err(unsatisfiable(
            "sample index",
            format!("below {}", data.len()),
            index,
        ));
    }
    let values = sample_len(data);
    if buffer != values {
        return Err(unsatisfiable("buffer length", values.to_string(), buffer));
    }
    Ok(())
}
