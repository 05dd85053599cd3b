//! Datasets: from files or a seed to samples `C × H × W` with class labels.
//!
//! Everything downstream sees the [`Dataset`] trait alone: a sample is read by index into a
//! caller's buffer, so training and extraction stream and no copy of a whole set is made. A
//! reader (CIFAR, EMG, sounds, the procedural demo domain) turns a manifest entry into three
//! [`Splits`]; [`open()`] is the door to all of them.

pub mod audio;
mod augment;
pub mod cifar;
mod cosmic;
mod darcy;
mod darcy16;
mod deepsea;
pub mod demo;
mod ecg2017;
mod ecg5000;
pub mod emg;
pub mod error;
pub mod esc10;
mod files;
mod fsd50k;
mod fsdd;
pub mod images;
pub mod loader;
pub mod memory;
mod ninapro;
pub mod normalise;
mod open;
pub mod own;
mod part;
mod pdebench;
pub mod pictured;
pub mod pil;
mod precise;
mod psicov;
#[cfg(test)]
mod real_data;
pub mod resize;
mod rows;
mod s2cifar;
mod satellite;
pub mod specimen;
pub mod spherical;
pub mod store;
pub mod subset;
mod table;
mod tree;

pub use error::DatasetError;
pub use memory::InMemory;
pub use normalise::Normalise;
pub use open::{Opened, open, open_for};
pub use resize::{Resized, Resizer};
pub use spherical::Spherical;
pub use subset::{Subset, cap, class_counts, groups, labels};

use std::sync::Arc;

/// What is known about a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// One class.
    Class,
    /// Any of the classes: a zero or a one for each.
    MultiHot,
    /// A field of numbers, channels × height × width, in its own units and at its own size.
    Field([usize; 3]),
}

impl Truth {
    /// Numbers that [`Dataset::read_truth`] writes for a sample.
    pub fn len(self, classes: usize) -> usize {
        match self {
            Self::Class => 0,
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
        }
    }
}

/// A set of fixed-shape samples with what is known about each, read by index.
pub trait Dataset: Send + Sync {
    /// Shape of every sample: channels, height, width.
    fn shape(&self) -> [usize; 3];

    /// Class names; labels index this list. Empty for fields.
    fn classes(&self) -> &[String];

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether the set holds no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Label of sample `index`, in `0..classes().len()`; 0 where the truth is not one class.
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

    /// What is known about every sample.
    fn truth(&self) -> Truth {
        Truth::Class
    }

    /// Writes what is known about sample `index` beside a class into `out` (length
    /// [`Truth::len`]).
    fn read_truth(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_truth(
            "set of classes",
            self.truth(),
            self.classes().len(),
            out.len(),
        )?;
        let _ = index; // a class is given by `label`
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
}

impl Splits {
    /// The same three parts, each passed through `wrap` (resizing, projecting…).
    pub fn map(&self, wrap: impl Fn(Arc<dyn Dataset>) -> Arc<dyn Dataset>) -> Splits {
        Splits {
            train: wrap(self.train.clone()),
            valid: wrap(self.valid.clone()),
            test: wrap(self.test.clone()),
        }
    }
}

/// Number of values of one sample.
pub fn sample_len(data: &dyn Dataset) -> usize {
    data.shape().iter().product()
}

/// Refuses a buffer that does not fit what is known about a sample.
pub(crate) fn check_truth(
    set: &str,
    truth: Truth,
    classes: usize,
    buffer: usize,
) -> Result<(), DatasetError> {
    let expected = truth.len(classes);
    if buffer == expected {
        return Ok(());
    }
    Err(DatasetError::Unsatisfiable {
        set: set.to_string(),
        what: "buffer length of the truth".into(),
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
