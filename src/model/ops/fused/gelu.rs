//! Either GELU, its tangent, and both nodes.

use super::Tracked;
use super::buffer::{buffer, contiguous, shape, values};
use super::node::{Pair, Saved, first, give, record, wants};
use crate::model::ops::kernel::activation::{self, Gelu};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn_flex::FlexTensor;

pub fn forward(kind: Gelu, x: &FlexTensor) -> FlexTensor {
    let mut y = buffer(shape(x));
    activation::gelu(kind, values(x), y.storage_mut());
    y
}

/// Value and tangent.
pub fn dual(kind: Gelu, x: &FlexTensor, x_dot: &FlexTensor) -> (FlexTensor, FlexTensor) {
    let [mut y, mut y_dot] = [(); 2].map(|()| buffer(shape(x)));
    activation::gelu_dual(
        kind,
        values(x),
        values(x_dot),
        y.storage_mut(),
        y_dot.storage_mut(),
    );
    (y, y_dot)
}

/// Gradient at x.
#[derive(Debug)]
struct Grad(Gelu);

impl Backward<Flex, 1> for Grad {
    type State = Saved<FlexTensor, 1>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        if !wants(&ops, 0) {
            return;
        }
        let x = &ops.state.inputs;
        let (mut dx, held) = first(&ops, grads, shape(x));
        activation::gelu_backward(self.0, values(x), values(&dy), held, dx.storage_mut());
        give(&ops, 0, grads, || dx);
    }
}

/// What the tangent adds to the gradient at x, and that at ẋ.
#[derive(Debug)]
struct TangentGrad(Gelu);

impl Backward<Flex, 2> for TangentGrad {
    type State = Saved<[FlexTensor; 2], 2>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy_dot = contiguous(&grads.consume::<Flex>(&ops.node));
        let [x, x_dot] = &ops.state.inputs;
        let (mut dx, held) = first(&ops, grads, shape(x));
        let mut dx_dot = buffer(shape(x));
        activation::gelu_tangent_backward(
            self.0,
            values(x),
            values(x_dot),
            values(&dy_dot),
            held,
            dx.storage_mut(),
            dx_dot.storage_mut(),
        );
        give(&ops, 0, grads, || dx);
        give(&ops, 1, grads, || dx_dot);
    }
}

pub fn tracked<C: CheckpointStrategy>(kind: Gelu, x: &Tracked<C>) -> Tracked<C> {
    let inputs = contiguous(x.primitive());
    let y = forward(kind, &inputs);
    record::<C, _, _, 1>(Grad(kind), [Some(x)], inputs, Pair::default(), y)
}

pub fn tracked_dual<C: CheckpointStrategy>(
    kind: Gelu,
    x: &Tracked<C>,
    x_dot: &Tracked<C>,
) -> (Tracked<C>, Tracked<C>) {
    let inputs = [x, x_dot].map(|t| contiguous(t.primitive()));
    let (y, y_dot) = dual(kind, &inputs[0], &inputs[1]);
    let pair = Pair::default();
    let y = record::<C, _, _, 1>(Grad(kind), [Some(x)], inputs[0].clone(), pair.clone(), y);
    let parents = [Some(x), Some(x_dot)];
    let y_dot = record::<C, _, _, 2>(TangentGrad(kind), parents, inputs, pair, y_dot);
    (y, y_dot)
}
