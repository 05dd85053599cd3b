//! The operations a transformer spends its time in, each in two forms with one meaning: fused CPU
//! kernels for `f32` on the `flex` device, and a composition of burn's operations for everything
//! else (GPU devices, `f64`). Callers see one function and need not know which form ran.

pub mod composed;
mod fused;
pub mod kernel;

pub use fused::{AdamWStep, WindowGeometry};

use burn::backend::{Dispatch, DispatchDevice, Flex};
use burn::tensor::{DType, Tensor};
use fused::FusedOps;

/// Whether the fused kernels apply: an `f32` tensor on `flex`, tracked or not.
fn fusible<const D: usize>(x: &Tensor<D>) -> bool {
    if x.dtype() != DType::F32 || x.shape().num_elements() == 0 {
        return false;
    }
    match x.device().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns)] // reachable when another device is compiled in
        _ => false,
    }
}

/// `x·wᵀ + b` with `x [B, T, in]`, `w [out, in]` (PyTorch's layout), `b [out]`.
pub fn linear(x: Tensor<3>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<3> {
    if !fusible(&x) {
        return composed::linear(x, w, b);
    }
    let (x, w) = (x.into_dispatch(), w.into_dispatch());
    Tensor::from_dispatch(match b {
        Some(b) => Dispatch::fused_linear(x, w, b.into_dispatch()),
        None => Dispatch::fused_linear_unbiased(x, w),
    })
}

/// LayerNorm over the last axis of `x [B, T, C]` with `gain [C]`, `bias [C]`.
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

/// The exact GELU `x·Φ(x)`.
pub fn gelu(x: Tensor<3>) -> Tensor<3> {
    if !fusible(&x) {
        return composed::gelu(x);
    }
    Tensor::from_dispatch(Dispatch::fused_gelu(x.into_dispatch()))
}

/// Multi-head attention inside (shifted) windows.
///
/// `qkv [B, H·W, 3C]` holds queries, keys and values of the padded token grid side by side;
/// `bias [heads, n, n]` is added to the logits of every window, n = window². Returns
/// `[B, H·W, C]` in the grid's own order: shift, partition and their inverses are done inside.
pub fn window_attention(qkv: Tensor<3>, bias: Tensor<3>, geometry: WindowGeometry) -> Tensor<3> {
    if !fusible(&qkv) {
        return composed::window_attention(qkv, bias, geometry);
    }
    Tensor::from_dispatch(Dispatch::fused_window_attention(
        qkv.into_dispatch(),
        bias.into_dispatch(),
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

#[cfg(test)]
mod tests;
