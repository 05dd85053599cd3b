//! Window attention, its tangent, and both nodes.

use super::buffer::{buffer, contiguous, dims, given, shape, values, with_last, wrap};
use super::node::{Pair, Saved, first, give, record};
use super::{Tracked, WindowGeometry};
use crate::model::ops::kernel::attention;
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn_flex::FlexTensor;

/// What the operation is computed from, contiguous.
#[derive(Debug, Clone)]
pub struct Inputs {
    qkv: FlexTensor,
    bias: Option<FlexTensor>,
    qkv_dot: Option<FlexTensor>,
    bias_dot: Option<FlexTensor>,
    geometry: WindowGeometry,
}

impl Inputs {
    pub fn plain(qkv: &FlexTensor, bias: Option<&FlexTensor>, geometry: WindowGeometry) -> Self {
        Self {
            qkv: contiguous(qkv),
            bias: bias.map(contiguous),
            qkv_dot: None,
            bias_dot: None,
            geometry,
        }
    }

    pub fn along(self, qkv_dot: Option<&FlexTensor>, bias_dot: Option<&FlexTensor>) -> Self {
        Self {
            qkv_dot: qkv_dot.map(contiguous),
            bias_dot: bias_dot.map(contiguous),
            ..self
        }
    }

    fn channels(&self) -> usize {
        dims(&self.qkv)[2] / 3
    }

    fn output(&self) -> FlexTensor {
        buffer(with_last(dims(&self.qkv), self.channels()))
    }

    /// The bias and its tangent; empty if absent.
    fn biases(&self) -> [&[f32]; 2] {
        [given(&self.bias), given(&self.bias_dot)]
    }
}

pub fn forward(of: &Inputs) -> FlexTensor {
    let mut out = of.output();
    attention::forward(
        values(&of.qkv),
        given(&of.bias),
        of.geometry,
        of.channels(),
        out.storage_mut(),
    );
    out
}

/// Value and tangent.
pub fn dual(of: &Inputs) -> (FlexTensor, FlexTensor) {
    let [mut out, mut out_dot] = [of.output(), of.output()];
    attention::tangent::forward(
        values(&of.qkv),
        given(&of.qkv_dot),
        of.biases(),
        of.geometry,
        of.channels(),
        out.storage_mut(),
        out_dot.storage_mut(),
    );
    (out, out_dot)
}

/// Gradients at qkv and bias.
#[derive(Debug)]
struct Grad;

impl Backward<Flex, 2> for Grad {
    type State = Saved<Inputs, 2>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let of = &ops.state.inputs;
        let (mut dqkv, held) = first(&ops, grads, shape(&of.qkv));
        let mut dbias = vec![0.0; given(&of.bias).len()];
        attention::backward(
            values(&of.qkv),
            given(&of.bias),
            values(&dy),
            of.geometry,
            of.channels(),
            held,
            dqkv.storage_mut(),
            &mut dbias,
        );
        give(&ops, 0, grads, || dqkv);
        if let Some(bias) = &of.bias {
            give(&ops, 1, grads, || wrap(dbias, shape(bias)));
        }
    }
}

/// What the tangent adds to the gradients at qkv and bias, and those at their tangents.
#[derive(Debug)]
struct TangentGrad;

impl Backward<Flex, 4> for TangentGrad {
    type State = Saved<Inputs, 4>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy_dot = contiguous(&grads.consume::<Flex>(&ops.node));
        let of = &ops.state.inputs;
        let (mut dqkv, held) = first(&ops, grads, shape(&of.qkv));
        let mut dqkv_dot = of.qkv_dot.as_ref().map(|t| buffer(shape(t)));
        let [mut dbias, mut dbias_dot] = of.biases().map(|b| vec![0.0; b.len()]);
        attention::tangent::backward(
            values(&of.qkv),
            given(&of.qkv_dot),
            of.biases(),
            values(&dy_dot),
            of.geometry,
            of.channels(),
            held,
            dqkv.storage_mut(),
            dqkv_dot.as_mut().map_or(&mut [], |t| t.storage_mut()),
            [&mut dbias, &mut dbias_dot],
        );
        give(&ops, 0, grads, || dqkv);
        if let Some(dqkv_dot) = dqkv_dot {
            give(&ops, 2, grads, || dqkv_dot);
        }
        for (at, grad, input) in [(1, dbias, &of.bias), (3, dbias_dot, &of.bias_dot)] {
            if let Some(input) = input {
                give(&ops, at, grads, || wrap(grad, shape(input)));
            }
        }
    }
}

pub fn tracked<C: CheckpointStrategy>(
    qkv: &Tracked<C>,
    bias: Option<&Tracked<C>>,
    geometry: WindowGeometry,
) -> Tracked<C> {
    let inputs = Inputs::plain(qkv.primitive(), bias.map(|b| b.primitive()), geometry);
    let y = forward(&inputs);
    record::<C, _, _, 2>(Grad, [Some(qkv), bias], inputs, Pair::default(), y)
}

/// Value and tangent from qkv, bias and their tangents.
pub fn tracked_dual<C: CheckpointStrategy>(
    qkv: &Tracked<C>,
    bias: Option<&Tracked<C>>,
    [qkv_dot, bias_dot]: [Option<&Tracked<C>>; 2],
    geometry: WindowGeometry,
) -> (Tracked<C>, Tracked<C>) {
    let at = |t: Option<&Tracked<C>>| t.map(|t| t.primitive().clone());
    let inputs = Inputs::plain(qkv.primitive(), at(bias).as_ref(), geometry)
        .along(at(qkv_dot).as_ref(), at(bias_dot).as_ref());
    let (y, y_dot) = dual(&inputs);
    let pair = Pair::default();
    let y = record::<C, _, _, 2>(Grad, [Some(qkv), bias], inputs.clone(), pair.clone(), y);
    let parents = [Some(qkv), bias, qkv_dot, bias_dot];
    let y_dot = record::<C, _, _, 4>(TangentGrad, parents, inputs, pair, y_dot);
    (y, y_dot)
}
