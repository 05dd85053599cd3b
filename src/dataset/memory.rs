//! A set held in memory, for data that is dear to make (decoded and transformed sounds) and small.

use super::{Dataset, DatasetError, Normalise, check_request};

/// Samples, labels and names in memory.
#[derive(Debug, Clone)]
pub struct InMemory {
    shape: [usize; 3],
    classes: Vec<String>,
    labels: Vec<usize>,
    data: Vec<f32>,
}

impl InMemory {
    /// `data` holds the samples one after the other, each `C·H·W` values, row-major.
    ///
    /// # Errors
    /// `Unsatisfiable` if lengths disagree or a label has no class name.
    pub fn new(
        shape: [usize; 3],
        classes: Vec<String>,
        labels: Vec<usize>,
        data: Vec<f32>,
    ) -> Result<Self, DatasetError> {
        let refuse = |what: &str, expected: String, found: usize| DatasetError::Unsatisfiable {
            set: "in-memory set".into(),
            what: what.into(),
            expected,
            found: found.to_string(),
        };
        let expected = labels.len() * shape.iter().product::<usize>();
        if data.len() != expected {
            return Err(refuse("number of values", expected.to_string(), data.len()));
        }
        if let Some(&label) = labels.iter().find(|&&l| l >= classes.len()) {
            return Err(refuse("label", format!("below {}", classes.len()), label));
        }
        Ok(Self {
            shape,
            classes,
            labels,
            data,
        })
    }

    /// Normalises every sample in place.
    pub fn normalise(&mut self, normalise: &Normalise) {
        let values = self.shape.iter().product::<usize>().max(1);
        for sample in self.data.chunks_exact_mut(values) {
            normalise.apply(sample);
        }
    }
}

impl Dataset for InMemory {
    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("in-memory set", self, index, out.len())?;
        let values = out.len();
        out.copy_from_slice(&self.data[index * values..(index + 1) * values]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_labels_indices_and_buffers_are_checked() {
        let names = || vec!["a".to_string(), "b".to_string()];
        assert!(InMemory::new([1, 1, 2], names(), vec![0, 1], vec![0.0; 3]).is_err());
        assert!(InMemory::new([1, 1, 2], names(), vec![0, 2], vec![0.0; 4]).is_err());
        let set = InMemory::new([1, 1, 2], names(), vec![0, 1], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let mut out = [0.0; 2];
        set.read(1, &mut out).unwrap();
        assert_eq!(out, [3.0, 4.0]);
        assert!(set.read(2, &mut out).is_err());
        assert!(set.read(0, &mut [0.0; 3]).is_err());
    }
}
