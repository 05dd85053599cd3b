//! Looking at objects that were kept: their class, what they are called with, their state, and what
//! stands in them. Nothing is called here either.

use super::objects::Kept;
use super::{Callable, Data, Node, Value};
use crate::files::array::Layout;
use std::ops::Range;

/// Where bytes are: a range of the pickle, or bytes that were made from it.
pub type Place<'p> = Result<Range<usize>, &'p [u8]>;

/// A foreign object, seen from outside.
#[derive(Clone, Copy)]
pub struct Object<'p, 'a> {
    value: Value<'p, 'a>,
    kept: &'p Kept,
}

impl<'p, 'a> Object<'p, 'a> {
    fn at(self, id: super::Id) -> Value<'p, 'a> {
        Value::new(self.value.pickle, id)
    }

    /// Its class, or the function that makes it: `module.name`.
    pub fn class(self) -> String {
        let class = self.at(self.kept.class);
        let name = match class.node() {
            Node::Global(name) => name.to_string(),
            Node::Callable(Callable::Ndarray | Callable::Reconstruct) | Node::None => {
                "numpy.ndarray".into()
            }
            Node::Callable(Callable::Dtype) => "numpy.dtype".into(),
            Node::Callable(_) => "numpy.generic".into(),
            _ => "an object that another object makes".into(),
        };
        // Python's own way to make an object of a class: the class is the first argument.
        let first = self.arguments().first().and_then(|first| first.global());
        match (name.split_once('.'), first) {
            (Some(("copyreg" | "copy_reg", _)), Some(class)) => class.to_string(),
            _ => name,
        }
    }

    /// What it is called with.
    pub fn arguments(self) -> Vec<Value<'p, 'a>> {
        self.at(self.kept.arguments).items().unwrap_or_default()
    }

    /// The state that is set on it.
    pub fn state(self) -> Option<Value<'p, 'a>> {
        self.kept.state.map(|id| self.at(id))
    }
}

impl<'p, 'a> Value<'p, 'a> {
    /// A number that is the value's own within its pickle.
    pub fn id(self) -> u32 {
        self.id
    }

    /// The object, if it is one that is foreign.
    pub fn object(self) -> Option<Object<'p, 'a>> {
        match self.node() {
            Node::Object(kept) => Some(Object { value: self, kept }),
            _ => None,
        }
    }

    /// The name of a foreign class or function.
    pub fn global(self) -> Option<&'p str> {
        match self.node() {
            Node::Global(name) => Some(name),
            _ => None,
        }
    }

    /// The identifier of a value outside of the pickle.
    pub fn persistent(self) -> Option<Self> {
        match self.node() {
            Node::Persistent(id) => Some(Self::new(self.pickle, *id)),
            _ => None,
        }
    }

    /// Keys and values of a dictionary, or of an object that is one; of equal keys the last counts
    /// in Python.
    pub fn entries(self) -> Option<Vec<(Self, Self)>> {
        let entries = match self.node() {
            Node::Dict(entries) => entries,
            Node::Object(kept) if !kept.entries.is_empty() => &kept.entries,
            _ => return None,
        };
        let value = |id| Self::new(self.pickle, id);
        Some(entries.iter().map(|&(k, v)| (value(k), value(v))).collect())
    }

    /// Whether other values stand in it.
    pub fn holds_values(self) -> bool {
        matches!(
            self.node(),
            Node::List(_) | Node::Tuple(_) | Node::Dict(_) | Node::Objects(_) | Node::Object(_)
        )
    }

    /// A truth value.
    pub fn truth(self) -> Option<bool> {
        match self.node() {
            Node::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Where the bytes are, if it is some.
    pub fn raw_bytes(self) -> Option<Place<'p>> {
        match self.node() {
            Node::Bytes(Data::Raw(range)) => Some(Ok(range.clone())),
            Node::Bytes(Data::Made(bytes)) => Some(Err(bytes)),
            _ => None,
        }
    }

    /// The bytes of the whole pickle.
    pub fn input(self) -> &'a [u8] {
        self.pickle.input
    }

    /// How an array lies in its bytes, and where they are: a range of the pickle, or bytes that
    /// were made from it.
    pub fn bytes_of_array(self) -> Option<(&'p Layout, Place<'p>)> {
        match self.node() {
            Node::Array(layout, Data::Raw(range)) => Some((layout, Ok(range.clone()))),
            Node::Array(layout, Data::Made(bytes)) => Some((layout, Err(bytes))),
            _ => None,
        }
    }

    /// What it is, in a few words, for messages.
    pub fn kind(self) -> String {
        match self.node() {
            Node::Object(_) => self.object().map_or(String::new(), |o| o.class()),
            Node::Global(name) => name.to_string(),
            node => super::value::name(node).into(),
        }
    }
}
