//! Tensors as a pickle describes them: the functions of PyTorch and NumPy that rebuild them are
//! read as the data that they are, storage, offset, shape and strides. Nothing is called.

use super::storage::{storage, type_of};
use super::{Dtype, legacy};
use crate::files::element::Kind;
use crate::files::pickle::Value;
use std::ops::Range;
use std::sync::Arc;

/// Where a tensor's elements are.
pub(super) enum Place {
    Storage(String),
    /// Within the pickle itself.
    Pickle(Range<usize>),
    Made(Arc<[u8]>),
}

/// A tensor as it is described.
pub(super) struct Tensor {
    pub place: Place,
    pub dtype: Dtype,
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<u64>,
    /// The byte order, where the description tells it.
    pub big_endian: Option<bool>,
}

/// What a value of a checkpoint is.
pub(super) enum Kept {
    /// A tensor.
    Tensor(Tensor),
    /// Another object, or a tensor of a kind that is not read; by its name.
    Foreign(String),
    /// Numbers, texts, containers.
    Plain,
}

/// What `value` is.
pub(super) fn read(value: Value) -> Kept {
    read_within(value, 8)
}

/// Tensors stand in parameters, and those in subclasses: `depth` ends circles.
fn read_within(value: Value, depth: usize) -> Kept {
    if let Some(tensor) = array(value) {
        return tensor.map_or_else(Kept::Foreign, Kept::Tensor);
    }
    let Some(object) = value.object() else {
        return Kept::Plain;
    };
    let class = object.class();
    let arguments = object.arguments();
    let inner = match (class.as_str(), arguments.as_slice()) {
        (
            "torch._utils._rebuild_parameter"
            | "torch._utils._rebuild_parameter_with_state"
            | "torch.nn.parameter.Parameter"
            | "torch.nn.parameter.Buffer"
            | "torch._utils._rebuild_device_tensor_from_numpy"
            | "torch._utils._rebuild_device_tensor_from_cpu_tensor"
            | "torch._utils._rebuild_xla_tensor",
            [data, ..],
        ) => Some(*data),
        _ => None,
    };
    if let (Some(inner), 1..) = (inner, depth) {
        return read_within(inner, depth - 1);
    }
    let rebuilt = match (class.as_str(), arguments.as_slice()) {
        // (function, class, arguments, state)
        ("torch._tensor._rebuild_from_type_v2" | "torch._tensor._rebuild_from_type", parts) => {
            match parts {
                [function, _, arguments, ..] => {
                    let name = function.global().unwrap_or_default();
                    rebuild(name, &arguments.items().unwrap_or_default())
                }
                _ => None,
            }
        }
        (name, arguments) => rebuild(name, arguments),
    };
    match rebuilt {
        Some(tensor) => Kept::Tensor(tensor),
        None => Kept::Foreign(class),
    }
}

/// The tensor that one of PyTorch's functions would make.
fn rebuild(function: &str, arguments: &[Value]) -> Option<Tensor> {
    let (arguments, more) = arguments.split_at_checked(4)?;
    let (dtype, metadata) = match function {
        "torch._utils._rebuild_tensor" => (None, None),
        "torch._utils._rebuild_tensor_v2" => (None, more.get(2)),
        "torch._utils._rebuild_tensor_v3" => {
            let name = more.get(2)?.global()?.strip_prefix("torch.")?;
            (Some(type_of(name)?), more.get(3))
        }
        _ => return None,
    };
    // Conjugated and negated views hold other numbers than their storage.
    let changed = metadata.and_then(|m| m.entries()).is_some_and(|entries| {
        let set = |(_, value): &(Value, Value)| value.truth() == Some(true);
        entries.iter().any(set)
    });
    if changed {
        return None;
    }
    let (place, own, before) = place(arguments[0])?;
    let count = |value: &Value| u64::try_from(value.integer().ok()?).ok();
    let list = |value: &Value| -> Option<Vec<u64>> {
        let items = match value.object() {
            // torch.Size
            Some(size) => size.arguments().first()?.items().ok()?,
            None => value.items().ok()?,
        };
        items.iter().map(count).collect()
    };
    let (shape, strides) = (list(&arguments[2])?, list(&arguments[3])?);
    let shape: Option<Vec<usize>> = shape.into_iter().map(|n| n.try_into().ok()).collect();
    let shape = countable(shape?)?;
    if shape.len() != strides.len() {
        return None;
    }
    Some(Tensor {
        place,
        dtype: dtype.or(own)?,
        offset: before.checked_add(count(&arguments[1])?)?,
        shape,
        strides,
        big_endian: None,
    })
}

/// Where a storage is, the type of its elements and the elements before its first: outside of the
/// pickle, or, where `pickle.dump` wrote it, a stream of its own within.
fn place(storage_value: Value) -> Option<(Place, Option<Dtype>, u64)> {
    if let Some(id) = storage_value.persistent() {
        let storage = storage(id)?;
        return Some((Place::Storage(storage.key), storage.dtype, storage.offset));
    }
    let object = storage_value.object()?;
    if object.class() != "torch.storage._load_from_bytes" {
        return None;
    }
    let stream = *object.arguments().first()?;
    match stream.raw_bytes()? {
        Ok(range) => {
            let (within, dtype) = legacy::storage_within(stream.input().get(range.clone())?)?;
            let place = range.start + within.start..range.start + within.end;
            Some((Place::Pickle(place), Some(dtype), 0))
        }
        Err(bytes) => {
            let (within, dtype) = legacy::storage_within(bytes)?;
            Some((Place::Made(bytes.get(within)?.into()), Some(dtype), 0))
        }
    }
}

/// A shape whose elements can be counted.
fn countable(shape: Vec<usize>) -> Option<Vec<usize>> {
    let sides = shape.iter().filter(|&&n| n > 0);
    let count = sides.copied().try_fold(16usize, usize::checked_mul);
    count
        .filter(|&n| n <= isize::MAX as usize && shape.len() <= 64)
        .map(|_| shape)
}

/// An array of NumPy as a tensor; the error names its type if that is no number.
fn array(value: Value) -> Option<Result<Tensor, String>> {
    let (layout, bytes) = value.bytes_of_array()?;
    let element = layout.element;
    let dtype = match (element.kind, element.width) {
        (Kind::Float, 8) => Dtype::F64,
        (Kind::Float, 4) => Dtype::F32,
        (Kind::Float, 2) => Dtype::F16,
        (Kind::Signed, 8) => Dtype::I64,
        (Kind::Signed, 4) => Dtype::I32,
        (Kind::Signed, 2) => Dtype::I16,
        (Kind::Signed, 1) => Dtype::I8,
        (Kind::Unsigned, 8) => Dtype::U64,
        (Kind::Unsigned, 4) => Dtype::U32,
        (Kind::Unsigned, 2) => Dtype::U16,
        (Kind::Unsigned, 1) => Dtype::U8,
        (Kind::Bool, _) => Dtype::BOOL,
        _ => return Some(Err("an array of texts".into())),
    };
    let shape = countable(layout.shape.clone())?;
    let mut strides = vec![1u64; shape.len()];
    let mut stride = 1u64;
    let axes: Vec<usize> = if layout.fortran {
        (0..shape.len()).collect()
    } else {
        (0..shape.len()).rev().collect()
    };
    for axis in axes {
        strides[axis] = stride;
        stride = stride.saturating_mul(shape[axis] as u64);
    }
    Some(Ok(Tensor {
        place: match bytes {
            Ok(range) => Place::Pickle(range),
            Err(bytes) => Place::Made(bytes.into()),
        },
        dtype,
        offset: 0,
        shape,
        strides,
        big_endian: Some(element.big_endian),
    }))
}
