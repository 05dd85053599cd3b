//! Fused kernels against the composed forms: values and every gradient.

use super::*;
use burn::tensor::Tensor;
use burn::tensor::{Device, TensorData};

fn values<const D: usize>(shape: [usize; D], salt: usize) -> TensorData {
    let count: usize = shape.iter().product();
    let wave = |i: usize| {
        ((i * 7 + salt * 13) as f32 * 0.37).sin() * 1.3 + ((i * i + salt) % 7) as f32 * 0.1 - 0.3
    };
    TensorData::new((0..count).map(wave).collect::<Vec<_>>(), shape)
}

fn leaf<const D: usize>(shape: [usize; D], salt: usize) -> Tensor<D> {
    Tensor::from_data(values(shape, salt), &Device::flex().autodiff()).require_grad()
}

fn close<const D: usize>(what: &str, a: Tensor<D>, b: Tensor<D>) {
    let (a, b) = (
        a.into_data().try_to_vec::<f32>().unwrap(),
        b.into_data().try_to_vec::<f32>().unwrap(),
    );
    let scale = b.iter().fold(1e-6f32, |s, v| s.max(v.abs()));
    let worst = a
        .iter()
        .zip(&b)
        .fold(0.0f32, |w, (x, y)| w.max((x - y).abs()))
        / scale;
    assert!(worst < 1e-5, "{what}: relative difference {worst}");
}

/// A loss whose gradient differs from element to element.
fn loss(y: Tensor<3>) -> Tensor<1> {
    let shape = y.dims();
    let weight = Tensor::<3>::from_data(values(shape, 99), &y.device());
    (y * weight).sum()
}

#[test]
fn linear_agrees_with_its_composition() {
    for (batch, tokens, inputs, outputs) in [(3, 7, 5, 11), (5, 64, 64, 192), (2, 300, 48, 16)] {
        let (x, w, b) = (
            leaf([batch, tokens, inputs], 1),
            leaf([outputs, inputs], 2),
            leaf([outputs], 3),
        );
        for bias in [Some(b.clone()), None] {
            let fused = plain::linear(x.clone(), w.clone(), bias.clone());
            let plain = composed::linear(x.clone(), w.clone(), bias.clone());
            close("linear", fused.clone(), plain.clone());
            let (f, p) = (loss(fused).backward(), loss(plain).backward());
            close("dx", x.grad(&f).unwrap(), x.grad(&p).unwrap());
            close("dw", w.grad(&f).unwrap(), w.grad(&p).unwrap());
            if bias.is_some() {
                close("db", b.grad(&f).unwrap(), b.grad(&p).unwrap());
            }
        }
    }
}

#[test]
fn layer_norm_agrees_with_its_composition() {
    for width in [16, 24, 64, 100] {
        let (x, g, b) = (leaf([3, 70, width], 4), leaf([width], 5), leaf([width], 6));
        let fused = plain::layer_norm(x.clone(), g.clone(), b.clone(), 1e-5);
        let plain = composed::layer_norm(x.clone(), g.clone(), b.clone(), 1e-5);
        close("norm", fused.clone(), plain.clone());
        let (f, p) = (loss(fused).backward(), loss(plain).backward());
        close("dx", x.grad(&f).unwrap(), x.grad(&p).unwrap());
        close("dgain", g.grad(&f).unwrap(), g.grad(&p).unwrap());
        close("dbias", b.grad(&f).unwrap(), b.grad(&p).unwrap());
    }
}

#[test]
fn gelu_agrees_with_its_composition() {
    for kind in [Gelu::Exact, Gelu::Quick] {
        let x = leaf([3, 50, 23], 7).mul_scalar(2.0).detach().require_grad();
        let (fused, plain) = (
            plain::gelu(kind, x.clone()),
            composed::gelu(kind, x.clone()),
        );
        close("gelu", fused.clone(), plain.clone());
        let (f, p) = (loss(fused).backward(), loss(plain).backward());
        close("dx", x.grad(&f).unwrap(), x.grad(&p).unwrap());
    }
}

#[test]
fn window_attention_agrees_with_its_composition() {
    // regular and shifted, one window, odd head widths, windows of 3, 4 and 7
    for (height, width, window, shift, heads, channels) in [
        (8, 8, 4, 0, 2, 32),
        (8, 8, 4, 2, 2, 48),
        (4, 4, 4, 0, 3, 24),
        (6, 9, 3, 1, 1, 16),
        (14, 7, 7, 3, 4, 64),
    ] {
        let geometry = WindowGeometry {
            height,
            width,
            window: [window, window],
            shift: [shift, shift],
            rolled: false,
            heads,
        };
        let n = geometry.tokens();
        let qkv = leaf([9, height * width, 3 * channels], 8);
        let bias = leaf([heads, n, n], 9);
        let fused = plain::window_attention(qkv.clone(), Some(bias.clone()), geometry);
        let plain =
            composed::window_attention(qkv.clone().into(), Some(bias.clone().into()), geometry);
        let plain = plain.primal;
        close("attention", fused.clone(), plain.clone());
        let (f, p) = (loss(fused).backward(), loss(plain).backward());
        close("dqkv", qkv.grad(&f).unwrap(), qkv.grad(&p).unwrap());
        close("dbias", bias.grad(&f).unwrap(), bias.grad(&p).unwrap());
    }
}

#[test]
fn attention_over_a_sequence_agrees_with_its_composition() {
    for (tokens, heads, channels) in [(20, 4, 32), (33, 3, 24), (1, 2, 16), (197, 2, 128)] {
        let geometry = WindowGeometry::sequence(tokens, heads);
        let qkv = leaf([9, tokens, 3 * channels], 10);
        let fused = plain::window_attention(qkv.clone(), None, geometry);
        let plain = composed::window_attention(qkv.clone().into(), None, geometry).primal;
        close("attention", fused.clone(), plain.clone());
        let (f, p) = (loss(fused).backward(), loss(plain).backward());
        close("dqkv", qkv.grad(&f).unwrap(), qkv.grad(&p).unwrap());
    }
}

#[test]
fn adamw_agrees_with_its_formula() {
    let device = Device::flex();
    let make = |salt| Tensor::<1>::from_data(values([1000], salt), &device);
    let (p, m, v, g) = (make(1), make(2), make(3).square(), make(4));
    let step = AdamWStep {
        lr: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.05,
        time: 3,
    };
    let [fp, fm, fv] = adamw(p.clone(), m.clone(), v.clone(), g.clone(), step);
    let all = [p, m, v, g].map(|t| t.into_data().try_to_vec::<f32>().unwrap());
    for (i, found) in fp
        .into_data()
        .try_to_vec::<f32>()
        .unwrap()
        .into_iter()
        .enumerate()
    {
        // PyTorch's documentation of AdamW, in f64
        let [p, m, v, g] = [0, 1, 2, 3].map(|k| f64::from(all[k][i]));
        let (m, v) = (0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g);
        let hat = (m / (1.0 - 0.9f64.powi(3))) / ((v / (1.0 - 0.999f64.powi(3))).sqrt() + 1e-8);
        let want = p * (1.0 - 1e-2 * 0.05) - 1e-2 * hat;
        assert!(
            (f64::from(found) - want).abs() < 1e-5,
            "{i}: {found} {want}"
        );
    }
    assert_eq!(fm.dims(), fv.dims());
}
