//! The same operations composed of burn's own: every device, every float type, and the reference
//! that the fused kernels are tested against.

use super::WindowGeometry;
use super::kernel::attention::REGION_PENALTY;
use burn::tensor::{Int, Tensor, TensorData, activation};

/// See [`super::linear`].
pub fn linear(x: Tensor<3>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, tokens, inputs] = x.dims();
    let outputs = w.dims()[0];
    let y = x.reshape([batch * tokens, inputs]).matmul(w.transpose());
    let y = match b {
        Some(b) => y + b.unsqueeze::<2>(),
        None => y,
    };
    y.reshape([batch, tokens, outputs])
}

/// See [`super::layer_norm`].
pub fn layer_norm(x: Tensor<3>, gain: Tensor<1>, bias: Tensor<1>, epsilon: f64) -> Tensor<3> {
    let mean = x.clone().mean_dim(2);
    let centred = x - mean;
    let variance = centred.clone().square().mean_dim(2);
    let normed = centred / variance.add_scalar(epsilon).sqrt();
    normed * gain.unsqueeze::<3>() + bias.unsqueeze::<3>()
}

/// See [`super::gelu`].
pub fn gelu(x: Tensor<3>) -> Tensor<3> {
    activation::gelu(x)
}

/// See [`super::window_attention`].
pub fn window_attention(qkv: Tensor<3>, bias: Tensor<3>, geometry: WindowGeometry) -> Tensor<3> {
    let [batch, tokens, wide] = qkv.dims();
    let (channels, device) = (wide / 3, qkv.device());
    let (n, windows, heads) = (geometry.tokens(), geometry.windows(), geometry.heads);
    let d = channels / heads;
    let order = geometry.token_index();
    let mut place = vec![0i64; tokens];
    order
        .iter()
        .enumerate()
        .for_each(|(at, &token)| place[token] = at as i64);
    let index = |v: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(v, [tokens]), &device);
    let gathered = qkv
        .select(1, index(order.iter().map(|&t| t as i64).collect()))
        .reshape([batch * windows, n, 3, heads, d])
        .permute([2, 0, 3, 1, 4]);
    let part = |i: usize| {
        gathered
            .clone()
            .narrow(0, i, 1)
            .reshape([batch * windows, heads, n, d])
    };
    let (q, k, v) = (
        part(0).mul_scalar(1.0 / (d as f64).sqrt()),
        part(1),
        part(2),
    );
    let mut logits = q.matmul(k.transpose()) + bias.unsqueeze::<4>();
    if geometry.shift > 0 {
        let regions = geometry.regions();
        let mut penalty = Vec::with_capacity(windows * n * n);
        for window in regions.chunks_exact(n) {
            for a in window {
                penalty.extend(
                    window
                        .iter()
                        .map(|b| if a == b { 0.0 } else { REGION_PENALTY }),
                );
            }
        }
        let penalty = Tensor::<3>::from_data(TensorData::new(penalty, [windows, n, n]), &device)
            .cast(logits.dtype());
        logits = (logits.reshape([batch, windows, heads, n * n])
            + penalty.reshape([1, windows, 1, n * n]))
        .reshape([batch * windows, heads, n, n]);
    }
    activation::softmax(logits, 3)
        .matmul(v)
        .permute([0, 2, 1, 3])
        .reshape([batch, tokens, channels])
        .select(1, index(place))
}
