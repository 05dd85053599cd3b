//! Pickles of NumPy arrays, read without executing anything (protocols 0 to 5).
//!
//! A pickle is a program for a small stack machine that can call any function of the reader's
//! Python. This machine knows numbers, texts, bytes, lists, tuples and dictionaries, and of all
//! functions only the few by which NumPy describes an array, an element type and a scalar. What it
//! does with other names and objects is the caller's choice: [`Pickle::parse`] refuses them with
//! their offset; [`Pickle::keep`] keeps them as they are written, a class with its arguments and its
//! state, which is enough to pass over them or to see what they hold. Neither calls anything.
//! Values live in one list and refer to each other by number: nothing recurses, cycles do no harm,
//! and memory stays in proportion to the file.
//!
//! Source: CPython's `pickletools`, NumPy's `ndarray.__reduce__`, `dtype.__reduce__`.

mod build;
mod machine;
mod object;
mod objects;
mod opcodes;
mod value;

pub use object::Object;
pub use value::Value;

use std::ops::Range;

use super::Fault;
use super::array::Layout;
use super::element::Element;

/// Number of a value in the list of all values.
type Id = u32;

/// More values than this are refused: 200 MB of them.
const MOST_VALUES: usize = 1 << 22;

/// Bytes in the file, or made from it.
#[derive(Debug, Clone)]
enum Data {
    Raw(Range<usize>),
    Made(Box<[u8]>),
}

/// What becomes of names and objects that the machine does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreign {
    Refuse,
    Keep,
}

/// A function that a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Callable {
    Reconstruct,
    FromBuffer,
    Ndarray,
    Dtype,
    Scalar,
    Encode,
}

impl Callable {
    /// Its name in Python.
    fn name(self) -> &'static str {
        match self {
            Self::Reconstruct => "_reconstruct",
            Self::FromBuffer => "_frombuffer",
            Self::Ndarray => "ndarray",
            Self::Dtype => "dtype",
            Self::Scalar => "scalar",
            Self::Encode => "encode",
        }
    }
}

/// The element type of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Plain(Element),
    Object,
}

#[derive(Debug)]
enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Data),
    Bytes(Data),
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Callable(Callable),
    Type(Type),
    /// An array before its state is known.
    Blank,
    Array(Box<Layout>, Data),
    /// An array of Python objects in row-major order.
    Objects(Vec<Id>),
    /// An integer of more than 64 bits.
    Long,
    /// The name of a class or function that is foreign to us.
    Global(Box<str>),
    /// What calling something foreign would give.
    Object(Box<objects::Kept>),
    /// A value that lies outside of the pickle, by its identifier.
    Persistent(Id),
}

/// A pickle that was read.
pub struct Pickle<'a> {
    input: &'a [u8],
    nodes: Vec<Node>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads one pickle from the beginning of `input`.
    ///
    /// # Errors
    /// The offending opcode or name with its offset; truncated or inconsistent data.
    pub fn parse(input: &'a [u8]) -> Result<Self, Fault> {
        machine::run(input, Foreign::Refuse).map(|(pickle, _)| pickle)
    }

    /// Reads one pickle from the beginning of `input`, whatever objects it holds: each is kept with
    /// its class, arguments and state ([`Value::object`]). Also gives the length of the pickle.
    ///
    /// # Errors
    /// Truncated or inconsistent data.
    pub fn keep(input: &'a [u8]) -> Result<(Self, usize), Fault> {
        machine::run(input, Foreign::Keep)
    }

    /// All identifiers of values outside of the pickle.
    pub fn persistent(&self) -> impl Iterator<Item = Value<'_, 'a>> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Persistent(id) => Some(Value::new(self, *id)),
            _ => None,
        })
    }

    /// Names of the foreign classes and functions, sorted.
    pub fn foreign(&self) -> Vec<&str> {
        let names = self.nodes.iter().filter_map(|node| match node {
            Node::Global(name) => Some(&**name),
            _ => None,
        });
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The value that the pickle describes.
    pub fn root(&self) -> Value<'_, 'a> {
        Value::new(self, self.root)
    }

    fn bytes<'s>(&'s self, data: &'s Data) -> &'s [u8] {
        bytes_of(self.input, data)
    }
}

fn bytes_of<'s>(input: &'s [u8], data: &'s Data) -> &'s [u8] {
    match data {
        Data::Raw(range) => &input[range.clone()],
        Data::Made(bytes) => bytes,
    }
}

#[cfg(test)]
mod tests;
