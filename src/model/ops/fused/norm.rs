//! LayerNorm, its tangent, and both nodes.

use super::Tracked;
use super::buffer::{buffer, contiguous, given, shape, values, wrap};
use super::node::{Pair, Saved, first, give, record, wants};
use crate::model::ops::kernel::{norm, norm_tangent};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn_flex::FlexTensor;

/// What the operation is computed from, contiguous.
#[derive(Debug, Clone)]
pub struct Inputs {
    x: FlexTensor,
    gain: FlexTensor,
    bias: FlexTensor,
    x_dot: Option<FlexTensor>,
    gain_dot: Option<FlexTensor>,
    bias_dot: Option<FlexTensor>,
}

impl Inputs {
    pub fn plain(x: &FlexTensor, gain: &FlexTensor, bias: &FlexTensor) -> Self {
        Self {
            x: contiguous(x),
            gain: contiguous(gain),
            bias: contiguous(bias),
            x_dot: None,
            gain_dot: None,
            bias_dot: None,
        }
    }

    pub fn along(
        self,
        x_dot: Option<&FlexTensor>,
        gain_dot: Option<&FlexTensor>,
        bias_dot: Option<&FlexTensor>,
    ) -> Self {
        Self {
            x_dot: x_dot.map(contiguous),
            gain_dot: gain_dot.map(contiguous),
            bias_dot: bias_dot.map(contiguous),
            ..self
        }
    }

    fn width(&self) -> usize {
        values(&self.gain).len()
    }

    fn rows(&self) -> usize {
        values(&self.x).len() / self.width()
    }
}

/// The value, and mean and 1/σ of every row.
pub fn forward(of: &Inputs, epsilon: f32) -> (FlexTensor, Vec<[f32; 2]>) {
    let mut y = buffer(shape(&of.x));
    let mut stats = vec![[0.0; 2]; of.rows()];
    let (gain, bias) = (values(&of.gain), values(&of.bias));
    norm::forward(
        values(&of.x),
        gain,
        bias,
        epsilon,
        y.storage_mut(),
        &mut stats,
    );
    (y, stats)
}

/// A tangent's values, zeros if it is absent: these are short.
fn or_zeros(tangent: &Option<FlexTensor>, width: usize) -> Vec<f32> {
    tangent
        .as_ref()
        .map_or_else(|| vec![0.0; width], |t| values(t).to_vec())
}

/// Value and tangent, and the statistics of every row.
pub fn dual(of: &Inputs, epsilon: f32) -> (FlexTensor, FlexTensor, Vec<norm_tangent::Stats>) {
    let [mut y, mut y_dot] = [(); 2].map(|()| buffer(shape(&of.x)));
    let mut stats = vec![[0.0; 4]; of.rows()];
    let [gain_dot, bias_dot] = [&of.gain_dot, &of.bias_dot].map(|t| or_zeros(t, of.width()));
    norm_tangent::forward(
        values(&of.x),
        given(&of.x_dot),
        [values(&of.gain), &gain_dot],
        [values(&of.bias), &bias_dot],
        epsilon,
        y.storage_mut(),
        y_dot.storage_mut(),
        &mut stats,
    );
    (y, y_dot, stats)
}

/// Gradients at x, gain, bias.
#[derive(Debug)]
struct Grad;

impl Backward<Flex, 3> for Grad {
    type State = Saved<(Inputs, Vec<[f32; 2]>), 3>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let (of, stats) = &ops.state.inputs;
        let (mut dx, held) = first(&ops, grads, shape(&of.x));
        let [mut dgain, mut dbias] = [(); 2].map(|()| vec![0.0; of.width()]);
        norm::backward(
            values(&of.x),
            values(&of.gain),
            stats,
            values(&dy),
            held,
            dx.storage_mut(),
            &mut dgain,
            &mut dbias,
        );
        give(&ops, 0, grads, || dx);
        give(&ops, 1, grads, || wrap(dgain, shape(&of.gain)));
        give(&ops, 2, grads, || wrap(dbias, shape(&of.bias)));
    }
}

/// What the tangent adds to the gradients at x and gain, and those at ẋ and the parameters'
/// tangents.
#[derive(Debug)]
struct TangentGrad;

impl Backward<Flex, 5> for TangentGrad {
    type State = Saved<(Inputs, Vec<norm_tangent::Stats>), 5>;

    fn backward(self, ops: Ops<Self::State, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy_dot = contiguous(&grads.consume::<Flex>(&ops.node));
        let (of, stats) = &ops.state.inputs;
        let (x, x_dot) = (values(&of.x), given(&of.x_dot));
        if wants(&ops, 0) || wants(&ops, 2) {
            let gain_dot = or_zeros(&of.gain_dot, of.width());
            let (mut dx, held) = first(&ops, grads, shape(&of.x));
            let mut dx_dot = buffer(shape(&of.x));
            norm_tangent::backward(
                x,
                x_dot,
                [values(&of.gain), &gain_dot],
                stats,
                values(&dy_dot),
                held,
                dx.storage_mut(),
                dx_dot.storage_mut(),
            );
            give(&ops, 0, grads, || dx);
            give(&ops, 2, grads, || dx_dot);
        }
        if [1, 3, 4].iter().any(|&at| wants(&ops, at)) {
            let sums =
                norm_tangent::backward_parameters(x, x_dot, stats, values(&dy_dot), of.width());
            for (at, sum) in [1, 3, 4].into_iter().zip(sums) {
                give(&ops, at, grads, || wrap(sum, shape(&of.gain)));
            }
        }
    }
}

pub fn tracked<C: CheckpointStrategy>(
    x: &Tracked<C>,
    gain: &Tracked<C>,
    bias: &Tracked<C>,
    epsilon: f32,
) -> Tracked<C> {
    let inputs = Inputs::plain(x.primitive(), gain.primitive(), bias.primitive());
    let (y, stats) = forward(&inputs, epsilon);
    let parents = [Some(x), Some(gain), Some(bias)];
    record::<C, _, _, 3>(Grad, parents, (inputs, stats), Pair::default(), y)
}

/// Value and tangent from x, gain, bias and their tangents.
pub fn tracked_dual<C: CheckpointStrategy>(
    [x, gain, bias]: [&Tracked<C>; 3],
    [x_dot, gain_dot, bias_dot]: [Option<&Tracked<C>>; 3],
    epsilon: f32,
) -> (Tracked<C>, Tracked<C>) {
    let at = |t: Option<&Tracked<C>>| t.map(|t| t.primitive().clone());
    let inputs = Inputs::plain(x.primitive(), gain.primitive(), bias.primitive()).along(
        at(x_dot).as_ref(),
        at(gain_dot).as_ref(),
        at(bias_dot).as_ref(),
    );
    let (y, y_dot, stats) = dual(&inputs, epsilon);
    let pair = Pair::default();
    let value = (
        inputs.clone(),
        stats.iter().map(|s| [s[0], s[1]]).collect::<Vec<_>>(),
    );
    let parents = [Some(x), Some(gain), Some(bias)];
    let y = record::<C, _, _, 3>(Grad, parents, value, pair.clone(), y);
    let parents = [
        x_dot.or(gain_dot).map(|_| x),
        x_dot.map(|_| gain),
        x_dot,
        gain_dot,
        bias_dot,
    ];
    let y_dot = record::<C, _, _, 5>(TangentGrad, parents, (inputs, stats), pair, y_dot);
    (y, y_dot)
}
