//! `y = x·wᵀ + b`, its tangent, and both nodes; and its value by bf16 numbers.

use super::Tracked;
use super::buffer::{buffer, contiguous, dims, shape, values, with_last};
use super::node::{Pair, Saved, first, give, record, wants};
use crate::model::ops::kernel::{bf16, linear};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::tensor::Shape;
use burn_flex::FlexTensor;
use half::slice::HalfFloatSliceExt;

/// What the operation is computed from, contiguous.
#[derive(Debug, Clone)]
pub struct Inputs {
    x: FlexTensor,
    w: FlexTensor,
    b: Option<FlexTensor>,
    x_dot: Option<FlexTensor>,
    w_dot: Option<FlexTensor>,
    b_dot: Option<FlexTensor>,
}

impl Inputs {
    pub fn plain(x: &FlexTensor, w: &FlexTensor, b: Option<&FlexTensor>) -> Self {
        Self {
            x: contiguous(x),
            w: contiguous(w),
            b: b.map(contiguous),
            x_dot: None,
            w_dot: None,
            b_dot: None,
        }
    }

    pub fn along(
        self,
        x_dot: Option<&FlexTensor>,
        w_dot: Option<&FlexTensor>,
        b_dot: Option<&FlexTensor>,
    ) -> Self {
        Self {
            x_dot: x_dot.map(contiguous),
            w_dot: w_dot.map(contiguous),
            b_dot: b_dot.map(contiguous),
            ..self
        }
    }

    /// Lengths of the last axes of x and y.
    fn widths(&self) -> (usize, usize) {
        let [outputs, inputs] = [0, 1].map(|axis| dims(&self.w)[axis]);
        (inputs, outputs)
    }

    fn output(&self) -> FlexTensor {
        buffer(with_last(dims(&self.x), self.widths().1))
    }
}

pub fn forward(of: &Inputs) -> FlexTensor {
    let (inputs, outputs) = of.widths();
    let mut y = of.output();
    linear::forward(
        values(&of.x),
        values(&of.w),
        of.b.as_ref().map(values),
        y.storage_mut(),
        inputs,
        outputs,
    );
    y
}

/// The same with a weight of bf16 numbers, by which inputs are rounded too; for values that nothing is to be derived from.
pub fn rounded(x: &FlexTensor, w: &FlexTensor, b: Option<&FlexTensor>) -> FlexTensor {
    let (x, b) = (contiguous(x), b.map(contiguous));
    let w = w.to_contiguous();
    let [outputs, inputs] = [0, 1].map(|axis| dims(&w)[axis]);
    let weights: &[half::bf16] = w.as_slice().expect("made contiguous");
    let mut y = buffer(with_last(dims(&x), outputs));
    bf16::forward(
        bf16::Unit::best(),
        values(&x),
        weights.reinterpret_cast(),
        b.as_ref().map(values),
        y.storage_mut(),
        inputs,
        outputs,
    );
    y
}

pub fn tangent(of: &Inputs) -> FlexTensor {
    let (inputs, outputs) = of.widths();
    let mut y_dot = of.output();
    linear::tangent(
        values(&of.x),
        of.x_dot.as_ref().map(values),
        values(&of.w),
        of.w_dot.as_ref().map(values),
        of.b_dot.as_ref().map(values),
        y_dot.storage_mut(),
        inputs,
        outputs,
    );
    y_dot
}

fn weight_gradient(dy: &FlexTensor, x: &FlexTensor, of: &Inputs) -> FlexTensor {
    let (inputs, outputs) = of.widths();
    let mut dw = buffer(shape(&of.w));
    linear::backward_weight(values(dy), values(x), dw.storage_mut(), inputs, outputs);
    dw
}

fn bias_gradient(dy: &FlexTensor, of: &Inputs) -> FlexTensor {
    let mut db = buffer(Shape::from(vec![of.widths().1]));
    linear::backward_bias(values(dy), db.storage_mut());
    db
}

/// Gives the first parent `dy·w`.
fn give_input<const N: usize>(
    ops: &Ops<Saved<Inputs, N>, N>,
    grads: &mut Gradients,
    dy: &FlexTensor,
    w: &FlexTensor,
) {
    let of = &ops.state.inputs;
    let (inputs, outputs) = of.widths();
    let (mut dx, held) = first(ops, grads, shape(&of.x));
    linear::backward_input(
        values(dy),
        values(w),
        dx.storage_mut(),
        held,
        inputs,
        outputs,
    );
    give(ops, 0, grads, || dx);
}

/// Gradients at x, w, b.
#[derive(Debug)]
struct Grad;

impl Backward<Flex, 3> for Grad {
    type State = Saved<Inputs, 3>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let of = &ops.state.inputs;
        if wants(&ops, 0) {
            give_input(&ops, grads, &dy, &of.w);
        }
        give(&ops, 1, grads, || weight_gradient(&dy, &of.x, of));
        give(&ops, 2, grads, || bias_gradient(&dy, of));
    }
}

/// What the tangent adds to the gradients at x and w, and those at ẋ, ẇ, ḃ.
#[derive(Debug)]
struct TangentGrad;

impl Backward<Flex, 5> for TangentGrad {
    type State = Saved<Inputs, 5>;

    fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let of = &ops.state.inputs;
        if let (Some(w_dot), true) = (&of.w_dot, wants(&ops, 0)) {
            give_input(&ops, grads, &dy, w_dot);
        }
        if let Some(x_dot) = &of.x_dot {
            give(&ops, 1, grads, || weight_gradient(&dy, x_dot, of));
        }
        give(&ops, 2, grads, || {
            let (inputs, outputs) = of.widths();
            let mut dx_dot = buffer(shape(&of.x));
            linear::backward_input(
                values(&dy),
                values(&of.w),
                dx_dot.storage_mut(),
                false,
                inputs,
                outputs,
            );
            dx_dot
        });
        give(&ops, 3, grads, || weight_gradient(&dy, &of.x, of));
        give(&ops, 4, grads, || bias_gradient(&dy, of));
    }
}

pub fn tracked<C: CheckpointStrategy>(
    x: &Tracked<C>,
    w: &Tracked<C>,
    b: Option<&Tracked<C>>,
) -> Tracked<C> {
    let inputs = Inputs::plain(x.primitive(), w.primitive(), b.map(|b| b.primitive()));
    let y = forward(&inputs);
    record::<C, _, _, 3>(Grad, [Some(x), Some(w), b], inputs, Pair::default(), y)
}

/// Value and tangent from x, w, b and their tangents.
pub fn tracked_dual<C: CheckpointStrategy>(
    x: &Tracked<C>,
    w: &Tracked<C>,
    b: Option<&Tracked<C>>,
    [x_dot, w_dot, b_dot]: [Option<&Tracked<C>>; 3],
) -> (Tracked<C>, Tracked<C>) {
    let at = |t: Option<&Tracked<C>>| t.map(|t| t.primitive().clone());
    let inputs = Inputs::plain(x.primitive(), w.primitive(), at(b).as_ref()).along(
        at(x_dot).as_ref(),
        at(w_dot).as_ref(),
        at(b_dot).as_ref(),
    );
    let (y, y_dot) = (forward(&inputs), tangent(&inputs));
    let pair = Pair::default();
    let y = record::<C, _, _, 3>(Grad, [Some(x), Some(w), b], inputs.clone(), pair.clone(), y);
    let parents = [w_dot.map(|_| x), x_dot.map(|_| w), x_dot, w_dot, b_dot];
    let y_dot = record::<C, _, _, 5>(TangentGrad, parents, inputs, pair, y_dot);
    (y, y_dot)
}
