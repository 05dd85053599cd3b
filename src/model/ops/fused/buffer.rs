//! The kernels' view of `flex` tensors: contiguous values, fresh outputs.

use crate::model::ops::kernel;
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

/// The tensor with its values contiguous; copies only when it is a strided view.
pub fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() {
        tensor.clone()
    } else {
        tensor.to_contiguous()
    }
}

/// The tensor as the whole of its buffer, so that `storage_mut` is its values.
pub fn owned(tensor: FlexTensor) -> FlexTensor {
    match tensor.as_slice::<f32>() {
        Some(values) if values.len() == tensor.storage::<f32>().len() => tensor,
        Some(values) => wrap(values.to_vec(), shape(&tensor)),
        None => owned(tensor.to_contiguous()),
    }
}

/// Values of a contiguous tensor.
pub fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("made contiguous f32 on entry")
}

/// Values of a tensor that may be absent; empty if it is.
pub fn given(tensor: &Option<FlexTensor>) -> &[f32] {
    tensor.as_ref().map_or(&[], values)
}

/// A tensor of these values.
pub fn wrap(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}

/// Lengths of the axes.
pub fn shape(tensor: &FlexTensor) -> Shape {
    tensor.layout().shape().clone()
}

/// The same as numbers.
pub fn dims(tensor: &FlexTensor) -> Vec<usize> {
    tensor.layout().shape().to_vec()
}

/// A shape with another last axis.
pub fn with_last(mut dims: Vec<usize>, last: usize) -> Shape {
    if let Some(d) = dims.last_mut() {
        *d = last;
    }
    Shape::from(dims)
}

/// An output whose first contents are unspecified (see [`kernel::output`]).
pub fn buffer(shape: Shape) -> FlexTensor {
    wrap(kernel::output(shape.num_elements()), shape)
}
