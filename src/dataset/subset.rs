//! Parts of a set: a list of indices over a shared dataset, with optional relabelling.

use std::sync::Arc;

use super::wrapper::{Relabelled, Wrapper};
use super::{Dataset, DatasetError, Splits, TargetShape, check_request};
use crate::strata;

/// Some samples of a dataset, in a given order.
#[derive(Clone)]
pub struct Subset {
    inner: Arc<dyn Dataset>,
    indices: Vec<usize>,
    relabelled: Option<Relabelled>,
}

impl Subset {
    /// The samples `indices` of `inner`, with its classes.
    ///
    /// # Errors
    /// `Unsatisfiable` if an index is beyond the set.
    pub fn new(inner: Arc<dyn Dataset>, indices: Vec<usize>) -> Result<Self, DatasetError> {
        if let Some(&index) = indices.iter().find(|&&i| i >= inner.len()) {
            return Err(refuse(
                "sample index",
                format!("below {}", inner.len()),
                index,
            ));
        }
        Ok(Self {
            inner,
            indices,
            relabelled: None,
        })
    }

    /// All samples of the old classes `keep`, in file order; old class `keep[k]` becomes class `k`.
    ///
    /// # Errors
    /// `Unsatisfiable` if an old class does not exist or is named twice, or if the target is not one
    /// class a sample.
    pub fn of_classes(inner: Arc<dyn Dataset>, keep: &[usize]) -> Result<Self, DatasetError> {
        if inner.target_shape() != TargetShape::Class {
            return Err(DatasetError::Unsatisfiable {
                set: "subset".into(),
                what: "target of a subset by classes".into(),
                expected: TargetShape::Class.name().into(),
                found: inner.target_shape().name().into(),
            });
        }
        let mut labels = vec![None; inner.classes().len()];
        let mut classes = Vec::with_capacity(keep.len());
        for (new, &old) in keep.iter().enumerate() {
            match labels.get_mut(old) {
                Some(slot @ None) => *slot = Some(new),
                Some(Some(_)) => return Err(refuse("class", "each class once".into(), old)),
                None => {
                    let expected = format!("below {}", inner.classes().len());
                    return Err(refuse("class", expected, old));
                }
            }
            classes.push(inner.classes()[old].clone());
        }
        let indices = (0..inner.len())
            .filter(|&i| labels[inner.label(i)].is_some())
            .collect();
        Ok(Self {
            inner,
            indices,
            relabelled: Some(Relabelled { labels, classes }),
        })
    }

    /// Positions in the inner set, in this subset's order.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

fn refuse(what: &str, expected: String, found: usize) -> DatasetError {
    DatasetError::Unsatisfiable {
        set: "subset".into(),
        what: what.into(),
        expected,
        found: found.to_string(),
    }
}

impl Wrapper for Subset {
    fn inner(&self) -> &dyn Dataset {
        self.inner.as_ref()
    }

    fn selection(&self) -> Option<&[usize]> {
        Some(&self.indices)
    }

    fn relabelled(&self) -> Option<&Relabelled> {
        self.relabelled.as_ref()
    }

    fn read_wrapped(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("subset", self, index, out.len())?;
        self.inner.read(self.indices[index], out)
    }
}

/// All labels of a set, in its order.
pub fn labels(data: &dyn Dataset) -> Vec<usize> {
    (0..data.len()).map(|i| data.label(i)).collect()
}

/// Groups of all samples, in the set's order; `None` where every sample is its own.
pub fn groups(data: &dyn Dataset) -> Option<Vec<usize>> {
    data.unit()
        .map(|_| (0..data.len()).map(|i| data.group(i)).collect())
}

/// How many samples each class has, in class order; all are of one class where the target is no class.
pub fn class_counts(data: &dyn Dataset) -> Vec<usize> {
    let mut counts = vec![0; data.classes().len().max(1)];
    for index in 0..data.len() {
        counts[data.label(index)] += 1;
    }
    counts
}

/// At most `total` samples of `data`, balanced over classes; 0, or more than there are, keeps all.
pub fn cap(data: Arc<dyn Dataset>, total: usize, seed: u64) -> Arc<dyn Dataset> {
    if total == 0 || total >= data.len() {
        return data;
    }
    let indices = strata::balanced(&labels(data.as_ref()), total, seed);
    Arc::new(Subset {
        inner: data,
        indices,
        relabelled: None,
    })
}

/// Splits positions into kept and held out, both ascending ([`strata::split_apart`]).
pub(crate) fn hold_out(labels: &[usize], held: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    strata::split_apart(labels, held, seed)
}

/// Share of the training samples held out for validation, per class, where a set has no
/// validation part of its own.
pub(crate) const VALID_SHARE: f64 = 0.1;
/// The held-out part is the same for every run seed: were it not, a source model trained under
/// one seed would have seen validation samples of another.
pub(crate) const SPLIT_SEED: u64 = 0;

/// The three parts of a set without a validation part: a share of the training samples of every
/// class (of all, where the target is no class) is held out.
pub(crate) fn with_validation(
    train: Arc<dyn Dataset>,
    test: Arc<dyn Dataset>,
) -> Result<Splits, DatasetError> {
    let (kept, held) = hold_out(&labels(train.as_ref()), VALID_SHARE, SPLIT_SEED);
    Ok(Splits::new(
        Arc::new(Subset::new(train.clone(), kept)?),
        Arc::new(Subset::new(train, held)?),
        test,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::InMemory;
    use super::*;

    fn set(labels: Vec<usize>, classes: usize) -> Arc<dyn Dataset> {
        let data = (0..labels.len()).map(|i| i as f32).collect();
        let names = (0..classes).map(|c| format!("class {c}")).collect();
        Arc::new(InMemory::new([1, 1, 1], names, labels, data).unwrap())
    }

    #[test]
    fn caps_are_balanced() {
        let labels: Vec<usize> = (0..300).map(|i| (i * i + i / 7) % 5).collect();
        let counts = class_counts(cap(set(labels, 5), 23, 3).as_ref());
        assert_eq!(counts.iter().sum::<usize>(), 23);
        assert!(counts.iter().all(|&c| c == 4 || c == 5), "{counts:?}");
    }

    #[test]
    fn a_scarce_class_gives_all_it_has() {
        let mut labels = vec![0; 50];
        labels.extend([1, 1]);
        let data = set(labels, 2);
        assert_eq!(class_counts(cap(data, 20, 0).as_ref()), vec![18, 2]);
    }

    #[test]
    fn classes_are_relabelled_and_bad_requests_refused() {
        let data = set(vec![0, 1, 2, 1, 2], 3);
        let part = Subset::of_classes(data.clone(), &[2, 1]).unwrap();
        assert_eq!(part.classes(), ["class 2", "class 1"]);
        assert_eq!(labels(&part), vec![1, 0, 1, 0]);
        assert_eq!(part.indices(), [1, 2, 3, 4]);
        let mut out = [0.0];
        part.read(3, &mut out).unwrap();
        assert_eq!(out, [4.0]);
        assert!(part.read(4, &mut out).is_err());
        assert!(Subset::of_classes(data.clone(), &[3]).is_err());
        assert!(Subset::of_classes(data.clone(), &[1, 1]).is_err());
        assert!(Subset::new(data, vec![5]).is_err());
    }
}
