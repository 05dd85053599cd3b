//! The fused operations as a burn backend extension: CPU kernels with hand-written gradients for
//! the `flex` device, registered with burn's autodiff like its own operations.
//!
//! Only contiguous `f32` tensors on `flex` come here; [`super`] sends everything else to the
//! composed forms.

use super::kernel::{self, activation, attention, linear, norm, optimiser};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

pub use attention::WindowGeometry;
pub use optimiser::AdamWStep;

/// Operations that modalign fuses. Shapes are those of the functions of the same name in
/// [`super`].
#[backend_extension(Flex, Autodiff)]
pub trait FusedOps: Backend {
    fn fused_linear(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn fused_linear_unbiased(x: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self>;
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self>;
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;
    fn fused_window_attention(
        qkv: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: WindowGeometry,
    ) -> FloatTensor<Self>;
    fn fused_attention(qkv: FloatTensor<Self>, geometry: WindowGeometry) -> FloatTensor<Self>;
}

/// Values of a contiguous f32 tensor; copies only when it is a strided view.
fn contiguous(tensor: &FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() {
        tensor.clone()
    } else {
        tensor.to_contiguous()
    }
}

fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("made contiguous f32 on entry")
}

fn wrap(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}

fn dims(tensor: &FlexTensor) -> Vec<usize> {
    tensor.layout().shape().to_vec()
}

fn with_last(mut dims: Vec<usize>, last: usize) -> Shape {
    if let Some(d) = dims.last_mut() {
        *d = last;
    }
    Shape::from(dims)
}

fn linear_forward(x: &FlexTensor, w: &FlexTensor, b: Option<&FlexTensor>) -> FlexTensor {
    let (outputs, inputs) = (dims(w)[0], dims(w)[1]);
    let mut y = kernel::output(values(x).len() / inputs * outputs);
    linear::forward(values(x), values(w), b.map(values), &mut y, inputs, outputs);
    wrap(y, with_last(dims(x), outputs))
}

impl FusedOps for Flex {
    fn fused_linear(x: FlexTensor, w: FlexTensor, b: FlexTensor) -> FlexTensor {
        linear_forward(&contiguous(&x), &contiguous(&w), Some(&contiguous(&b)))
    }

    fn fused_linear_unbiased(x: FlexTensor, w: FlexTensor) -> FlexTensor {
        linear_forward(&contiguous(&x), &contiguous(&w), None)
    }

    fn fused_layer_norm(
        x: FlexTensor,
        gain: FlexTensor,
        bias: FlexTensor,
        epsilon: f32,
    ) -> FlexTensor {
        layer_norm_forward(
            &contiguous(&x),
            &contiguous(&gain),
            &contiguous(&bias),
            epsilon,
        )
        .0
    }

    fn fused_gelu(x: FlexTensor) -> FlexTensor {
        gelu_forward(&contiguous(&x))
    }

    fn fused_window_attention(
        qkv: FlexTensor,
        bias: FlexTensor,
        geometry: WindowGeometry,
    ) -> FlexTensor {
        attention_forward(&contiguous(&qkv), Some(&contiguous(&bias)), geometry)
    }

    fn fused_attention(qkv: FlexTensor, geometry: WindowGeometry) -> FlexTensor {
        attention_forward(&contiguous(&qkv), None, geometry)
    }
}

fn layer_norm_forward(
    x: &FlexTensor,
    gain: &FlexTensor,
    bias: &FlexTensor,
    epsilon: f32,
) -> (FlexTensor, Vec<[f32; 2]>) {
    let rows = values(x).len() / values(gain).len();
    let mut y = kernel::output(values(x).len());
    let mut stats = vec![[0.0; 2]; rows];
    norm::forward(
        values(x),
        values(gain),
        values(bias),
        epsilon,
        &mut y,
        &mut stats,
    );
    (wrap(y, x.layout().shape().clone()), stats)
}

fn gelu_forward(x: &FlexTensor) -> FlexTensor {
    let mut y = kernel::output(values(x).len());
    activation::gelu(values(x), &mut y);
    wrap(y, x.layout().shape().clone())
}

fn attention_forward(
    qkv: &FlexTensor,
    bias: Option<&FlexTensor>,
    geometry: WindowGeometry,
) -> FlexTensor {
    let channels = dims(qkv)[2] / 3;
    let mut out = kernel::output(values(qkv).len() / 3);
    let bias = bias.map_or(&[][..], values);
    attention::forward(values(qkv), bias, geometry, channels, &mut out);
    wrap(out, with_last(dims(qkv), channels))
}

/// Gradient of a linear layer; `N` is 3 with a bias and 2 without.
#[derive(Debug)]
struct LinearGrad;

fn linear_backward<const N: usize>(ops: Ops<(FlexTensor, FlexTensor), N>, grads: &mut Gradients) {
    let dy = contiguous(&grads.consume::<Flex>(&ops.node));
    let (x, w) = ops.state;
    let (outputs, inputs) = (dims(&w)[0], dims(&w)[1]);
    for (position, parent) in ops.parents.into_iter().enumerate() {
        let Some(parent) = parent else { continue };
        let grad = match position {
            0 => {
                let mut dx = kernel::output(values(&x).len());
                linear::backward_input(values(&dy), values(&w), &mut dx, inputs, outputs);
                wrap(dx, x.layout().shape().clone())
            }
            1 => {
                let mut dw = kernel::output(inputs * outputs);
                linear::backward_weight(values(&dy), values(&x), &mut dw, inputs, outputs);
                wrap(dw, w.layout().shape().clone())
            }
            _ => {
                let mut db = kernel::output(outputs);
                linear::backward_bias(values(&dy), &mut db);
                wrap(db, Shape::from(vec![outputs]))
            }
        };
        grads.register::<Flex>(parent.id, grad);
    }
}

impl<const N: usize> Backward<Flex, N> for LinearGrad {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        linear_backward(ops, grads);
    }
}

#[derive(Debug)]
struct LayerNormGrad;

impl Backward<Flex, 3> for LayerNormGrad {
    type State = (FlexTensor, FlexTensor, Vec<[f32; 2]>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let (x, gain, stats) = ops.state;
        let width = values(&gain).len();
        let mut dx = kernel::output(values(&x).len());
        let (mut dgain, mut dbias) = (vec![0.0; width], vec![0.0; width]);
        norm::backward(
            values(&x),
            values(&gain),
            &stats,
            values(&dy),
            &mut dx,
            &mut dgain,
            &mut dbias,
        );
        let shape = x.layout().shape().clone();
        let all = [
            wrap(dx, shape),
            wrap(dgain, Shape::from(vec![width])),
            wrap(dbias, Shape::from(vec![width])),
        ];
        for (parent, grad) in ops.parents.into_iter().zip(all) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, grad);
            }
        }
    }
}

#[derive(Debug)]
struct GeluGrad;

impl Backward<Flex, 1> for GeluGrad {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            let x = ops.state;
            let mut dx = kernel::output(values(&x).len());
            activation::gelu_backward(values(&x), values(&dy), &mut dx);
            grads.register::<Flex>(parent.id, wrap(dx, x.layout().shape().clone()));
        }
    }
}

/// Gradient of attention; `N` is 2 with a bias and 1 without.
#[derive(Debug)]
struct AttentionGrad;

impl<const N: usize> Backward<Flex, N> for AttentionGrad {
    type State = (FlexTensor, Option<FlexTensor>, WindowGeometry);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&grads.consume::<Flex>(&ops.node));
        let (qkv, bias, geometry) = ops.state;
        let channels = dims(&qkv)[2] / 3;
        let mut dqkv = kernel::output(values(&qkv).len());
        let given = bias.as_ref().map_or(&[][..], values);
        let mut dbias = vec![0.0; given.len()];
        attention::backward(
            values(&qkv),
            given,
            values(&dy),
            geometry,
            channels,
            &mut dqkv,
            &mut dbias,
        );
        let shape = |t: &FlexTensor| t.layout().shape().clone();
        let all = [
            Some(wrap(dqkv, shape(&qkv))),
            bias.map(|b| wrap(dbias, shape(&b))),
        ];
        for (parent, grad) in ops.parents.into_iter().zip(all) {
            if let (Some(parent), Some(grad)) = (parent, grad) {
                grads.register::<Flex>(parent.id, grad);
            }
        }
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn fused_linear(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let guards = [x.node(), w.node(), b.node()];
        let (x, w, b) = (
            contiguous(x.primitive()),
            contiguous(w.primitive()),
            contiguous(b.primitive()),
        );
        let y = linear_forward(&x, &w, Some(&b));
        match LinearGrad.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, w), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_linear_unbiased(x: FloatTensor<Self>, w: FloatTensor<Self>) -> FloatTensor<Self> {
        let guards = [x.node(), w.node()];
        let (x, w) = (contiguous(x.primitive()), contiguous(w.primitive()));
        let y = linear_forward(&x, &w, None);
        match LinearGrad.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, w), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let guards = [x.node(), gain.node(), bias.node()];
        let (x, gain, bias) = (
            contiguous(x.primitive()),
            contiguous(gain.primitive()),
            contiguous(bias.primitive()),
        );
        let (y, stats) = layer_norm_forward(&x, &gain, &bias, epsilon);
        match LayerNormGrad
            .prepare::<C>(guards)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((x, gain, stats), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let guards = [x.node()];
        let x = contiguous(x.primitive());
        let y = gelu_forward(&x);
        match GeluGrad.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_window_attention(
        qkv: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: WindowGeometry,
    ) -> FloatTensor<Self> {
        let guards = [qkv.node(), bias.node()];
        let (qkv, bias) = (contiguous(qkv.primitive()), contiguous(bias.primitive()));
        let y = attention_forward(&qkv, Some(&bias), geometry);
        match AttentionGrad
            .prepare::<C>(guards)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((qkv, Some(bias), geometry), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_attention(qkv: FloatTensor<Self>, geometry: WindowGeometry) -> FloatTensor<Self> {
        let guards = [qkv.node()];
        let qkv = contiguous(qkv.primitive());
        let y = attention_forward(&qkv, None, geometry);
        match AttentionGrad
            .prepare::<C>(guards)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((qkv, None, geometry), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

/// One AdamW step on `flex` tensors (parameter, moments, gradient); buffers that nobody else
/// holds are updated in place.
pub fn adamw(
    mut p: FlexTensor,
    mut m: FlexTensor,
    mut v: FlexTensor,
    g: &FlexTensor,
    step: AdamWStep,
) -> [FlexTensor; 3] {
    let g = contiguous(g);
    for t in [&mut p, &mut m, &mut v] {
        // `storage_mut` is the whole buffer: a view of a larger one must become its own first.
        if t.as_slice::<f32>()
            .is_none_or(|s| s.len() != t.storage::<f32>().len())
        {
            *t = wrap(
                t.to_contiguous()
                    .as_slice()
                    .map(<[f32]>::to_vec)
                    .unwrap_or_default(),
                t.layout().shape().clone(),
            );
        }
    }
    optimiser::adamw(
        p.storage_mut(),
        m.storage_mut(),
        v.storage_mut(),
        values(&g),
        step,
    );
    [p, m, v]
}
