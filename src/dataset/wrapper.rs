//! Datasets made from other datasets: resized, prepared, projected, or some of their samples.
//!
//! A wrapper says what it changes; whatever else a [`Dataset`] tells is passed on here and nowhere
//! else, so that a new method of [`Dataset`] is one line for all of them.

use super::{Dataset, DatasetError, TargetShape};

/// A dataset that passes on the samples of another, changed.
pub trait Wrapper: Send + Sync {
    /// The dataset inside.
    fn inner(&self) -> &dyn Dataset;

    /// Shape of the samples that [`Wrapper::read_wrapped`] writes.
    fn wrapped_shape(&self) -> [usize; 3] {
        self.inner().shape()
    }

    /// Positions in the inner dataset of the samples that are passed on; `None` for all of them.
    fn selection(&self) -> Option<&[usize]> {
        None
    }

    /// Other classes than those inside; `None` for the same.
    fn relabelled(&self) -> Option<&Relabelled> {
        None
    }

    /// Writes sample `index` of the wrapper into `out`, as [`Dataset::read`] does.
    ///
    /// # Errors
    /// Those of [`Dataset::read`].
    fn read_wrapped(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError>;
}

/// Classes in place of those of an inner dataset.
#[derive(Debug, Clone)]
pub struct Relabelled {
    /// New label of every inner class; `None` for a class of which no sample is passed on.
    pub labels: Vec<Option<usize>>,
    /// Names of the new classes.
    pub classes: Vec<String>,
}

/// Position in the inner dataset of sample `index`.
fn inside(wrapper: &impl Wrapper, index: usize) -> usize {
    wrapper.selection().map_or(index, |chosen| chosen[index])
}

impl<W: Wrapper> Dataset for W {
    fn shape(&self) -> [usize; 3] {
        self.wrapped_shape()
    }

    fn classes(&self) -> &[String] {
        match self.relabelled() {
            Some(relabelled) => &relabelled.classes,
            None => self.inner().classes(),
        }
    }

    fn len(&self) -> usize {
        self.selection().map_or(self.inner().len(), <[_]>::len)
    }

    fn label(&self, index: usize) -> usize {
        let label = self.inner().label(inside(self, index));
        match self.relabelled() {
            Some(relabelled) => {
                relabelled.labels[label].expect("samples are passed on of kept classes alone")
            }
            None => label,
        }
    }

    fn group(&self, index: usize) -> usize {
        self.inner().group(inside(self, index))
    }

    fn unit(&self) -> Option<&'static str> {
        self.inner().unit()
    }

    fn scored_by_group(&self) -> bool {
        self.inner().scored_by_group()
    }

    fn id(&self, index: usize) -> Option<String> {
        let known = index < self.len();
        known.then(|| self.inner().id(inside(self, index)))?
    }

    fn captions(&self, index: usize) -> &[String] {
        if index < self.len() {
            self.inner().captions(inside(self, index))
        } else {
            &[]
        }
    }

    fn target_shape(&self) -> TargetShape {
        self.inner().target_shape()
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        if index >= self.len() {
            return Err(DatasetError::Unsatisfiable {
                set: "part of a set".into(),
                what: "sample index".into(),
                expected: format!("below {}", self.len()),
                found: index.to_string(),
            });
        }
        self.inner().read_target(inside(self, index), out)
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        self.read_wrapped(index, out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spherical::{Projection, Rotation};
    use super::super::{InMemory, Resized, Spherical, Subset};
    use super::*;
    use std::sync::Arc;

    /// Eight samples of two labels each, in groups of two, with ids and texts.
    struct Told(InMemory, Vec<[String; 1]>);

    impl Dataset for Told {
        fn shape(&self) -> [usize; 3] {
            self.0.shape()
        }
        fn classes(&self) -> &[String] {
            self.0.classes()
        }
        fn len(&self) -> usize {
            self.0.len()
        }
        fn label(&self, index: usize) -> usize {
            self.0.label(index)
        }
        fn group(&self, index: usize) -> usize {
            index / 2
        }
        fn unit(&self) -> Option<&'static str> {
            Some("clip")
        }
        fn scored_by_group(&self) -> bool {
            true
        }
        fn id(&self, index: usize) -> Option<String> {
            Some(format!("id {index}"))
        }
        fn captions(&self, index: usize) -> &[String] {
            &self.1[index]
        }
        fn target_shape(&self) -> TargetShape {
            self.0.target_shape()
        }
        fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
            self.0.read_target(index, out)
        }
        fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
            self.0.read(index, out)
        }
    }

    #[test]
    fn whatever_a_set_tells_every_wrapper_passes_on() {
        let names = vec!["a".to_string(), "b".to_string()];
        let targets = (0..16).map(|i| f32::from(i % 3 == 0)).collect();
        let set = InMemory::with_targets(
            [3, 2, 2],
            names,
            vec![0.5; 96],
            TargetShape::MultiHot,
            targets,
        );
        let texts = (0..8).map(|i| [format!("text {i}")]).collect();
        let told: Arc<dyn Dataset> = Arc::new(Told(set.unwrap(), texts));
        let sphere = Arc::new(Projection::new(2));
        let sphere = Spherical::new(told.clone(), sphere, Rotation::None, &[0.0; 3], 0, 0).unwrap();
        let how = crate::suite::preprocess::Preprocess::guess(4);
        let pictured = super::super::pictured::Pictured::new(told.clone(), &how, "told");
        let wrapped: [(Arc<dyn Dataset>, usize); 4] = [
            (Arc::new(Resized::new(told.clone(), 3)), 5),
            (Arc::new(sphere), 5),
            (Arc::new(pictured.unwrap()), 5),
            (
                Arc::new(Subset::new(told.clone(), vec![1, 5, 7]).unwrap()),
                1,
            ),
        ];
        for (set, index) in wrapped {
            assert_eq!(set.group(index), 2);
            assert_eq!(set.id(index).as_deref(), Some("id 5"));
            assert_eq!(set.captions(index), ["text 5"]);
            assert_eq!((set.unit(), set.scored_by_group()), (Some("clip"), true));
            assert_eq!(
                (set.classes().len(), set.target_shape()),
                (2, TargetShape::MultiHot)
            );
            let (mut own, mut inner) = ([9.0; 2], [9.0; 2]);
            set.read_target(index, &mut own).unwrap();
            told.read_target(5, &mut inner).unwrap();
            assert_eq!(own, inner);
            let beyond = set.len();
            assert!(set.captions(beyond).is_empty());
            assert!(set.id(beyond).is_none() && set.read_target(beyond, &mut own).is_err());
        }
    }
}
