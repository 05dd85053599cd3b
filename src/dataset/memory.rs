//! A set held in memory, for data that is dear to make (decoded and transformed sounds) and small.

use super::{
    Dataset, DatasetError, Normalise, Splits, TargetShape, check_request, check_target, sample_len,
};
use std::sync::Arc;

/// Samples, labels and names in memory.
#[derive(Debug, Clone)]
pub struct InMemory {
    shape: [usize; 3],
    classes: Vec<String>,
    labels: Vec<usize>,
    data: Vec<f32>,
    target: TargetShape,
    /// Targets that are no class, sample by sample.
    targets: Vec<f32>,
    /// What a group is, and the group of every sample.
    groups: Option<(&'static str, Vec<usize>)>,
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
            target: TargetShape::Class,
            targets: Vec::new(),
            groups: None,
        })
    }

    /// A set whose targets are not one class a sample: `targets` holds a zero or one for every class,
    /// or a field, sample after sample.
    ///
    /// # Errors
    /// `Unsatisfiable` if lengths disagree, or for classes without a place in the target.
    pub fn with_targets(
        shape: [usize; 3],
        classes: Vec<String>,
        data: Vec<f32>,
        target: TargetShape,
        targets: Vec<f32>,
    ) -> Result<Self, DatasetError> {
        let values = shape.iter().product::<usize>().max(1);
        let each = target.len(classes.len());
        let count = data.len() / values;
        let refuse = |what: &str, expected: String, found: usize| DatasetError::Unsatisfiable {
            set: "in-memory set".into(),
            what: what.into(),
            expected,
            found: found.to_string(),
        };
        if target == TargetShape::Class || (each == 0 && count > 0) {
            let what = "numbers of a sample's target";
            return Err(refuse(what, "at least 1".into(), each));
        }
        if matches!(target, TargetShape::Field(_)) && !classes.is_empty() {
            return Err(refuse("classes of fields", "none".into(), classes.len()));
        }
        if data.len() != count * values {
            let expected = format!("a multiple of {values}");
            return Err(refuse("number of values", expected, data.len()));
        }
        if targets.len() != count * each {
            let expected = (count * each).to_string();
            return Err(refuse("numbers of the targets", expected, targets.len()));
        }
        Ok(Self {
            shape,
            classes,
            labels: vec![0; count],
            data,
            target,
            targets,
            groups: None,
        })
    }

    /// The same samples, which belong together by `groups`, one number a sample; a group is a `unit`.
    ///
    /// # Errors
    /// `Unsatisfiable` if their number is not that of the samples.
    pub fn grouped(mut self, unit: &'static str, groups: Vec<usize>) -> Result<Self, DatasetError> {
        if groups.len() != self.labels.len() {
            return Err(DatasetError::Unsatisfiable {
                set: "in-memory set".into(),
                what: "number of groups".into(),
                expected: self.labels.len().to_string(),
                found: groups.len().to_string(),
            });
        }
        self.groups = Some((unit, groups));
        Ok(self)
    }

    /// Three parts, standardised by one mean and one deviation of the training part.
    ///
    /// # Errors
    /// Those of [`Normalise::fit`].
    pub fn standardised(
        [mut train, mut valid, mut test]: [Self; 3],
    ) -> Result<Splits, DatasetError> {
        let norm = Normalise::fit(&train, 1)?;
        for set in [&mut train, &mut valid, &mut test] {
            set.normalise(&norm);
        }
        Ok(Splits::new(
            Arc::new(train),
            Arc::new(valid),
            Arc::new(test),
        ))
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

    fn group(&self, index: usize) -> usize {
        self.groups.as_ref().map_or(index, |(_, all)| all[index])
    }

    fn unit(&self) -> Option<&'static str> {
        self.groups.as_ref().map(|(unit, _)| *unit)
    }

    fn target_shape(&self) -> TargetShape {
        self.target
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("in-memory set", self, index, sample_len(self))?;
        check_target("in-memory set", self.target, self.classes.len(), out.len())?;
        let each = out.len();
        out.copy_from_slice(&self.targets[index * each..(index + 1) * each]);
        Ok(())
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
        assert!(set.read_target(0, &mut []).is_ok());
        assert!(set.read_target(0, &mut [0.0]).is_err());
    }

    #[test]
    fn a_target_that_is_no_class_is_read_and_checked() {
        let names = || vec!["a".to_string(), "b".to_string()];
        let targets = vec![0.0, 1.0, 1.0, 1.0];
        let make = |names, target, targets| {
            InMemory::with_targets([1, 1, 2], names, vec![0.0; 4], target, targets)
        };
        let set = make(names(), TargetShape::MultiHot, targets.clone()).unwrap();
        let mut out = [0.0; 2];
        set.read_target(0, &mut out).unwrap();
        assert_eq!((set.len(), out), (2, [0.0, 1.0]));
        assert!(set.read_target(2, &mut out).is_err());
        assert!(set.read_target(0, &mut [0.0; 3]).is_err());
        let field = make(Vec::new(), TargetShape::Field([1, 2, 1]), targets.clone()).unwrap();
        assert_eq!(field.classes().len(), 0);
        assert!(make(names(), TargetShape::Field([1, 2, 1]), targets.clone()).is_err());
        assert!(make(names(), TargetShape::Class, targets.clone()).is_err());
        assert!(make(Vec::new(), TargetShape::MultiHot, targets).is_err());
        assert!(make(names(), TargetShape::MultiHot, vec![1.0]).is_err());
    }
}
