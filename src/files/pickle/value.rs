//! Looking at what a pickle held: keys of dictionaries, items of lists, arrays.

use super::{Data, Id, Node, Pickle};
use crate::files::array::{Array, Owner, Stored};
use crate::files::{Fault, fault};

/// A value of a pickle.
#[derive(Clone, Copy)]
pub struct Value<'p, 'a> {
    pub(super) pickle: &'p Pickle<'a>,
    pub(super) id: Id,
}

/// What a value is, for errors.
pub(super) fn name(node: &Node) -> &'static str {
    match node {
        Node::None => "None",
        Node::Bool(_) => "a truth value",
        Node::Int(_) => "an integer",
        Node::Float(_) => "a float",
        Node::Text(_) => "a text",
        Node::Bytes(_) => "bytes",
        Node::Tuple(_) => "a tuple",
        Node::List(_) => "a list",
        Node::Dict(_) => "a dictionary",
        Node::Callable(_) => "a function",
        Node::Type(_) => "an element type",
        Node::Blank => "an array without contents",
        Node::Array(..) => "an array",
        Node::Objects(..) => "an array of objects",
        Node::Long => "an integer of more than 64 bits",
        Node::Global(_) => "a class or function",
        Node::Object(_) => "an object",
        Node::Persistent(_) => "a value outside of the pickle",
    }
}

impl<'p, 'a> Value<'p, 'a> {
    pub(super) fn new(pickle: &'p Pickle<'a>, id: Id) -> Self {
        Self { pickle, id }
    }

    pub(super) fn node(self) -> &'p Node {
        &self.pickle.nodes[self.id as usize]
    }

    fn wrong<T>(self, expected: &str) -> Result<T, Fault> {
        fault("pickle", expected, name(self.node()))
    }

    /// The value of a dictionary's key; an array of one object is seen through.
    ///
    /// # Errors
    /// No dictionary, or the keys that it has instead.
    pub fn get(self, key: &str) -> Result<Self, Fault> {
        let dict = match self.node() {
            Node::Dict(dict) => dict,
            Node::Objects(items) if items.len() == 1 => {
                match Self::new(self.pickle, items[0]).node() {
                    Node::Dict(dict) => dict,
                    _ => return self.wrong("a dictionary"),
                }
            }
            _ => return self.wrong("a dictionary"),
        };
        let is = |id: Id| Self::new(self.pickle, id).text().is_ok_and(|k| k == key);
        // the last one counts, as in Python
        match dict.iter().rev().find(|(k, _)| is(*k)) {
            Some(&(_, value)) => Ok(Self::new(self.pickle, value)),
            None => {
                let keys = dict.iter().take(8).map(|&(k, _)| {
                    let text = Self::new(self.pickle, k).text();
                    text.unwrap_or_else(|_| "?".into())
                });
                let keys: Vec<String> = keys.collect();
                fault("pickle", format!("the key {key:?}"), keys.join(", "))
            }
        }
    }

    /// The items of a list, a tuple or an array of objects.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn items(self) -> Result<Vec<Self>, Fault> {
        let items: &[Id] = match self.node() {
            Node::List(items) | Node::Objects(items) => items,
            Node::Tuple(items) => items,
            _ => return self.wrong("a list"),
        };
        let value = |&id: &Id| Self::new(self.pickle, id);
        Ok(items.iter().map(value).collect())
    }

    /// Whether it is an array of numbers or text.
    pub fn is_array(self) -> bool {
        matches!(self.node(), Node::Array(..))
    }

    /// The array.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn array(self) -> Result<Array<'p>, Fault> {
        match self.node() {
            Node::Array(layout, data) => Array::new((**layout).clone(), self.pickle.bytes(data)),
            _ => self.wrong("an array of numbers or text"),
        }
    }

    /// The array of numbers, to be read after the pickle is gone: `owner` holds the pickle's
    /// bytes from `start` on.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn stored(self, owner: &Owner, start: usize) -> Result<Stored, Fault> {
        let Node::Array(layout, data) = self.node() else {
            return self.wrong("an array of numbers");
        };
        let layout = (**layout).clone();
        match data {
            Data::Raw(range) => {
                let range = start + range.start..start + range.end;
                Stored::new(owner.clone(), range, layout)
            }
            Data::Made(bytes) => {
                let (owner, range) = (bytes.to_vec(), 0..bytes.len());
                Stored::new(std::sync::Arc::new(owner), range, layout)
            }
        }
    }

    /// A text, or bytes that are one; also a scalar of NumPy.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn text(self) -> Result<String, Fault> {
        match self.node() {
            Node::Text(data) | Node::Bytes(data) => {
                Ok(String::from_utf8_lossy(self.pickle.bytes(data)).into_owned())
            }
            Node::Array(layout, data) if layout.shape.is_empty() && !layout.element.is_number() => {
                Ok(layout.element.text(self.pickle.bytes(data)))
            }
            _ => self.wrong("a text"),
        }
    }

    /// A whole number, also a scalar of NumPy.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn integer(self) -> Result<i64, Fault> {
        match self.node() {
            Node::Int(value) => Ok(*value),
            Node::Array(layout, data) if layout.shape.is_empty() && layout.element.is_integer() => {
                Ok(layout.element.integer(self.pickle.bytes(data)))
            }
            _ => self.wrong("an integer"),
        }
    }

    /// A number, also a scalar of NumPy.
    ///
    /// # Errors
    /// Another kind of value.
    pub fn number(self) -> Result<f64, Fault> {
        match self.node() {
            Node::Float(value) => Ok(*value),
            Node::Int(value) => Ok(*value as f64),
            Node::Array(layout, data) if layout.shape.is_empty() && layout.element.is_number() => {
                Ok(layout.element.double(self.pickle.bytes(data)))
            }
            _ => self.wrong("a number"),
        }
    }
}
