//! The operations on plain tensors: the fused kernels where they apply, the composed forms
//! everywhere else.

use super::composed;
use super::fused::{self, AdamWStep, FusedOps, Gelu, WindowGeometry};
use crate::model::device;
use burn::backend::{Dispatch, Flex};
use burn::tensor::{DType, Tensor};

/// Whether the fused kernels apply: an `f32` tensor on `flex`, tracked or not.
pub fn fusible<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && x.shape().num_elements() > 0 && !device::queues(&x.device())
}

/// See [`super::linear`]. A weight of bf16 numbers under an input in single precision rounds that too
/// ([`precision`](crate::model::precision)).
pub fn linear(x: Tensor<3>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<3> {
    if w.dtype() == DType::BF16 && fusible(&x) {
        return rounded_linear(x, w, b);
    }
    if !fusible(&x) {
        return composed::linear(x, w, b);
    }
    Tensor::from_dispatch(Dispatch::fused_linear(
        x.into_dispatch(),
        w.into_dispatch(),
        fused::optional(b),
    ))
}

fn rounded_linear(x: Tensor<3>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<3> {
    let primitives = (
        x.clone().try_into_primitive::<Flex>(),
        w.clone().try_into_primitive::<Flex>(),
        b.clone()
            .map(Tensor::try_into_primitive::<Flex>)
            .transpose(),
    );
    if let (Ok(x), Ok(w), Ok(b)) = primitives {
        return Tensor::from_primitive::<Flex>(fused::rounded_linear(&x, &w, b.as_ref()));
    }
    let x = x.cast(DType::BF16).cast(DType::F32);
    linear(x, w.cast(DType::F32), b)
}

/// See [`super::layer_norm`].
pub fn layer_norm(x: Tensor<3>, gain: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<3> {
    if !fusible(&x) {
        return composed::layer_norm(x, gain, bias, epsilon);
    }
    Tensor::from_dispatch(Dispatch::fused_layer_norm(
        x.into_dispatch(),
        gain.into_dispatch(),
        bias.into_dispatch(),
        epsilon as f32,
    ))
}

/// See [`super::gelu`] and [`super::quick_gelu`].
pub fn gelu(kind: Gelu, x: Tensor<3>) -> Tensor<3> {
    if !fusible(&x) {
        return composed::gelu(kind, x);
    }
    Tensor::from_dispatch(Dispatch::fused_gelu(x.into_dispatch(), kind))
}

/// See [`super::window_attention`].
pub fn window_attention(
    qkv: Tensor<3>,
    bias: Option<Tensor<3>>,
    geometry: WindowGeometry,
) -> Tensor<3> {
    if !fusible(&qkv) {
        return composed::window_attention(qkv.into(), bias.map(Into::into), geometry).primal;
    }
    Tensor::from_dispatch(Dispatch::fused_window_attention(
        qkv.into_dispatch(),
        fused::optional(bias),
        geometry,
    ))
}

/// One AdamW step: parameter, first and second moment, gradient → the first three, updated.
/// All four are untracked tensors of one shape.
pub fn adamw<const D: usize>(
    p: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    g: Tensor<D>,
    step: AdamWStep,
) -> [Tensor<D>; 3] {
    if fusible(&p) {
        let primitives = (
            p.clone().try_into_primitive::<Flex>(),
            m.clone().try_into_primitive::<Flex>(),
            v.clone().try_into_primitive::<Flex>(),
            g.clone().try_into_primitive::<Flex>(),
        );
        if let (Ok(fp), Ok(fm), Ok(fv), Ok(fg)) = primitives {
            drop((p, m, v));
            return fused::adamw(fp, fm, fv, &fg, step).map(Tensor::from_primitive::<Flex>);
        }
    }
    let (b1, b2) = (f64::from(step.beta1), f64::from(step.beta2));
    let m = m.mul_scalar(b1) + g.clone().mul_scalar(1.0 - b1);
    let v = v.mul_scalar(b2) + g.square().mul_scalar(1.0 - b2);
    let root = (1.0 - b2.powi(step.time)).sqrt();
    let delta = m.clone()
        / (v.clone()
            .sqrt()
            .div_scalar(root)
            .add_scalar(f64::from(step.epsilon)));
    let rate = f64::from(step.lr) / (1.0 - b1.powi(step.time));
    let keep = 1.0 - f64::from(step.lr) * f64::from(step.weight_decay);
    [p.mul_scalar(keep) - delta.mul_scalar(rate), m, v]
}
