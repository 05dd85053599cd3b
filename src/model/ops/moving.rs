//! The operations on values of which a part moves: value and tangent together, by the fused
//! kernels where they apply, by the rules in terms of plain operations everywhere else.

use super::composed;
use super::fused::{FusedOps, Gelu, OptionalTensor, WindowGeometry, optional};
use super::plain::{self, fusible};
use crate::model::dual::{Dual, total};
use burn::backend::{Dispatch, DispatchTensor};
use burn::tensor::Tensor;

/// A value and its tangent as the backend takes them.
fn parts<const D: usize>(x: Dual<D>) -> (DispatchTensor, OptionalTensor<Dispatch>) {
    (x.primal.into_dispatch(), optional(x.tangent))
}

/// [`parts`] of a value that may be absent.
fn optional_parts<const D: usize>(
    x: Option<Dual<D>>,
) -> (OptionalTensor<Dispatch>, OptionalTensor<Dispatch>) {
    let (value, tangent) = x.map_or((None, None), |x| (Some(x.primal), x.tangent));
    (optional(value), optional(tangent))
}

fn joined((y, y_dot): (DispatchTensor, DispatchTensor)) -> Dual<3> {
    Dual::new(Tensor::from_dispatch(y), Tensor::from_dispatch(y_dot))
}

/// See [`super::linear`].
pub fn linear(x: Dual<3>, w: Dual<2>, b: Option<Dual<1>>) -> Dual<3> {
    if fusible(&x.primal) {
        let ((x, x_dot), (w, w_dot), (b, b_dot)) = (parts(x), parts(w), optional_parts(b));
        return joined(Dispatch::dual_linear(x, x_dot, w, w_dot, b, b_dot));
    }
    let (bias, turn) = b.map_or((None, None), |b| (Some(b.primal), b.tangent));
    let moved = x.tangent.map(|t| plain::linear(t, w.primal.clone(), None));
    let turned = match w.tangent {
        Some(t) => Some(plain::linear(x.primal.clone(), t, turn)),
        None => turn.map(|t| {
            let [batch, tokens, _] = x.primal.dims();
            let outputs = t.dims()[0];
            t.reshape([1, 1, outputs]).expand([batch, tokens, outputs])
        }),
    };
    Dual {
        primal: plain::linear(x.primal, w.primal, bias),
        tangent: total(moved, turned),
    }
}

/// See [`super::layer_norm`].
pub fn layer_norm(x: Dual<3>, gain: Dual<1>, bias: Dual<1>, epsilon: f64) -> Dual<3> {
    if fusible(&x.primal) {
        let ((x, x_dot), (gain, gain_dot), (bias, bias_dot)) = (parts(x), parts(gain), parts(bias));
        return joined(Dispatch::dual_layer_norm(
            x,
            x_dot,
            gain,
            gain_dot,
            bias,
            bias_dot,
            epsilon as f32,
        ));
    }
    let shape = x.dims();
    let primal = plain::layer_norm(x.primal.clone(), gain.primal.clone(), bias.primal, epsilon);
    let row = |t: Tensor<1>| t.unsqueeze::<3>();
    let mut tangent = bias.tangent.map(|t| row(t).expand(shape));
    if x.tangent.is_some() || gain.tangent.is_some() {
        let (normed, inverse) = composed::standardise(x.primal, epsilon);
        let turned = gain.tangent.map(|t| normed.clone() * row(t));
        let moved = x.tangent.map(|t| {
            let centred = t.clone() - t.mean_dim(2);
            let along = (normed.clone() * centred.clone()).mean_dim(2);
            (centred - normed * along) * inverse * row(gain.primal)
        });
        tangent = total(tangent, total(turned, moved));
    }
    Dual { primal, tangent }
}

/// See [`super::gelu`] and [`super::quick_gelu`].
pub fn gelu(kind: Gelu, x: Tensor<3>, x_dot: Tensor<3>) -> Dual<3> {
    if fusible(&x) {
        return joined(Dispatch::dual_gelu(
            x.into_dispatch(),
            x_dot.into_dispatch(),
            kind,
        ));
    }
    let slope = composed::gelu_slope(kind, x.clone());
    Dual::new(plain::gelu(kind, x), slope * x_dot)
}

/// See [`super::window_attention`].
pub fn window_attention(qkv: Dual<3>, bias: Option<Dual<3>>, geometry: WindowGeometry) -> Dual<3> {
    if !fusible(&qkv.primal) {
        return composed::window_attention(qkv, bias, geometry);
    }
    let ((qkv, qkv_dot), (bias, bias_dot)) = (parts(qkv), optional_parts(bias));
    joined(Dispatch::dual_window_attention(
        qkv, qkv_dot, bias, bias_dot, geometry,
    ))
}
