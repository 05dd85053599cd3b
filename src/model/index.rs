//! The tensors of a file by the names that they are published under.

use super::architecture::vit::halves;
use super::names::Scheme;
use super::weights::Weights;
use std::collections::btree_map::{BTreeMap, Entry};

/// Where the tensors of a file are, by their published names.
pub(super) struct Index<'a> {
    pub weights: &'a Weights,
    /// Names in the file by published name.
    pub known: BTreeMap<String, String>,
    /// Tensors that carry nothing for the model.
    pub ignored: Vec<String>,
    /// Second spellings of a tensor that is there already: which one counts nobody can say.
    pub again: Vec<String>,
}

impl<'a> Index<'a> {
    pub fn new(weights: &'a Weights, scheme: Scheme) -> Self {
        let mut index = Self {
            weights,
            known: BTreeMap::new(),
            ignored: weights.left_out().to_vec(),
            again: Vec::new(),
        };
        for name in weights.names() {
            match scheme.canonical(name).map(|c| index.known.entry(c)) {
                None => index.ignored.push(name.to_string()),
                Some(Entry::Vacant(free)) => drop(free.insert(name.to_string())),
                Some(Entry::Occupied(first)) => {
                    index.again.push(format!("{name} (also {})", first.get()));
                }
            }
        }
        index
    }

    /// The tensors of the file that a parameter is made of, published as `names`: those, or two halves that
    /// `transformers` has in memory for one of them.
    pub fn spelt(&self, names: Vec<String>) -> Vec<String> {
        let halves = |name: &String| {
            let both = halves(name).filter(|_| !self.known.contains_key(name))?;
            both.iter()
                .all(|half| self.known.contains_key(half))
                .then_some(both)
        };
        match names.as_slice() {
            [only] => halves(only).map_or(names, Vec::from),
            _ => names,
        }
    }

    /// The shape of a tensor by its published name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.weights.shape(self.known.get(name)?)
    }

    pub fn is_no_parameter(&self, name: &str) -> bool {
        let own = self.known.get(name);
        own.is_some_and(|own| self.weights.is_no_parameter(own))
    }

    /// The class of an object that stands where a tensor should.
    pub fn foreign(&self, name: &str) -> Option<&str> {
        self.weights.foreign_at(self.known.get(name)?)
    }
}
