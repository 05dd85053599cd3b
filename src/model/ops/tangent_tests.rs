//! Fused tangents against the composed rules in double precision: values, tangents and the
//! gradients at every input, whichever of the tangents are absent and whichever of the two results
//! a loss uses.

use super::*;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Inputs as flat leaves; what is absent is `None`.
type Inputs = Vec<Option<Tensor<1>>>;

/// Values and gradients, flat.
type Found = Vec<(String, Vec<f64>)>;

fn flat(count: usize, salt: usize) -> TensorData {
    let wave = |i: usize| {
        let sign = ((i * i * 3 + i * 7 + salt * 13) as f32 * 0.37).sin();
        sign * 1.1 + ((i * i + salt) % 7) as f32 * 0.1 - 0.3
    };
    TensorData::new((0..count).map(wave).collect::<Vec<_>>(), [count])
}

fn numbers<const D: usize>(t: Tensor<D>) -> Vec<f64> {
    t.into_data().iter::<f64>().collect()
}

/// A sum with a weight of its own for every element.
fn weighed(y: Tensor<3>, salt: usize) -> Tensor<1> {
    let shape = y.dims();
    let place = (&y.device(), y.dtype());
    let weight = Tensor::<1>::from_data(flat(shape.iter().product(), salt), place).reshape(shape);
    (y * weight).sum()
}

/// Runs the operation on leaves of `counts` values; the loss takes the value, the tangent or both.
fn run(
    counts: &[Option<usize>],
    dtype: DType,
    [value, tangent]: [bool; 2],
    op: &dyn Fn(Inputs) -> Dual<3>,
) -> Found {
    let device = Device::flex().autodiff();
    let leaves: Inputs = counts
        .iter()
        .enumerate()
        .map(|(salt, count)| {
            count.map(|c| Tensor::from_data(flat(c, salt), (&device, dtype)).require_grad())
        })
        .collect();
    let y = op(leaves.clone());
    let y_dot = y.tangent.expect("something moves");
    let mut found = vec![
        ("value".into(), numbers(y.primal.clone())),
        ("tangent".into(), numbers(y_dot.clone())),
    ];
    let loss = match (value, tangent) {
        (true, true) => weighed(y.primal, 98) + weighed(y_dot, 99),
        (true, false) => weighed(y.primal, 98),
        _ => weighed(y_dot, 99),
    };
    let grads = loss.backward();
    for (at, leaf) in leaves.into_iter().enumerate() {
        if let Some(leaf) = leaf {
            let count = leaf.dims()[0];
            let grad = leaf.grad(&grads).map_or(vec![0.0; count], numbers);
            found.push((format!("gradient at input {at}"), grad));
        }
    }
    found
}

/// Compares single with double precision for every use of the results, and one thread with two.
fn agree(what: &str, counts: &[Option<usize>], op: impl Fn(Inputs) -> Dual<3> + Sync) {
    for uses in [[true, true], [true, false], [false, true]] {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| run(counts, DType::F32, uses, &op))
        };
        let (fused, again) = (on(1), on(2));
        assert_eq!(fused, again, "{what} depends on the number of threads");
        let rule = run(counts, DType::F64, uses, &op);
        for ((name, a), (_, b)) in fused.iter().zip(&rule) {
            let scale = b.iter().fold(1e-6f64, |s, v| s.max(v.abs()));
            let pairs = a.iter().zip(b);
            let worst = pairs.fold(0.0f64, |w, (x, y)| w.max((x - y).abs())) / scale;
            assert_eq!(a.len(), b.len());
            assert!(worst < 2e-5, "{what} {uses:?}, {name}: {worst:.1e}");
        }
    }
}

/// A value and its tangent in their shape.
fn dual<const D: usize>(all: &Inputs, at: usize, shape: [usize; D]) -> Option<Dual<D>> {
    let take = |at: usize| all[at].clone().map(|t| t.reshape(shape));
    let tangent = take(at + 1);
    take(at).map(|primal| Dual { primal, tangent })
}

/// `counts` with every second one (the tangents) kept or left out by the bits of `which`.
fn choose(counts: &[usize], which: usize) -> Vec<Option<usize>> {
    let keep = |at: usize| at.is_multiple_of(2) || (which >> (at / 2)) & 1 == 1;
    let all = counts.iter().enumerate();
    all.map(|(at, &c)| keep(at).then_some(c)).collect()
}

#[test]
fn linear() {
    for (batch, tokens, inputs, outputs) in [(3, 7, 5, 11), (2, 300, 48, 16)] {
        let (x, w) = (batch * tokens * inputs, inputs * outputs);
        let op = |all: Inputs| {
            super::linear(
                dual(&all, 0, [batch, tokens, inputs]).unwrap(),
                dual(&all, 2, [outputs, inputs]).unwrap(),
                dual(&all, 4, [outputs]),
            )
        };
        for which in 1..8 {
            let counts = choose(&[x, x, w, w, outputs, outputs], which);
            agree(&format!("linear {which:03b}"), &counts, op);
            if which < 4 {
                let unbiased = [&counts[..4], &[None, None]].concat();
                agree(&format!("linear without bias {which:02b}"), &unbiased, op);
            }
        }
    }
}

#[test]
fn layer_norm() {
    for width in [5, 16, 24, 100] {
        let shape = [3, 70, width];
        let x = shape.iter().product();
        for which in 1..8 {
            let counts = choose(&[x, x, width, width, width, width], which);
            agree(&format!("norm {width} {which:03b}"), &counts, |all| {
                super::layer_norm(
                    dual(&all, 0, shape).unwrap(),
                    dual(&all, 2, [width]).unwrap(),
                    dual(&all, 4, [width]).unwrap(),
                    1e-5,
                )
            });
        }
    }
}

#[test]
fn gelu() {
    let shape = [3, 500, 23];
    let count = Some(shape.iter().product());
    for of in [super::gelu, super::quick_gelu] {
        agree("gelu", &[count, count], |all| {
            of(dual(&all, 0, shape).unwrap().mul_scalar(2.0))
        });
    }
}

#[test]
fn window_attention() {
    // regular and shifted, one window, odd head widths, windows of 1, 3, 4 and 7
    for (height, width, window, shift, heads, channels) in [
        (8, 8, 4, 0, 2, 32),
        (8, 8, 4, 2, 2, 48),
        (4, 4, 4, 0, 3, 24),
        (6, 9, 3, 1, 1, 16),
        (14, 7, 7, 3, 3, 96),
        (3, 2, 1, 0, 2, 10),
    ] {
        let window = [window, window];
        let geometry = WindowGeometry {
            height,
            width,
            window,
            shift: [shift, shift],
            rolled: false,
            heads,
        };
        let n = geometry.tokens();
        let shape = [9, height * width, 3 * channels];
        let (x, b) = (shape.iter().product(), heads * n * n);
        let op = |all: Inputs| {
            let qkv = dual(&all, 0, shape).unwrap();
            super::window_attention(qkv, dual(&all, 2, [heads, n, n]), geometry)
        };
        for which in 1..4 {
            let counts = choose(&[x, x, b, b], which);
            agree(&format!("{geometry:?} {which:02b}"), &counts, op);
        }
        let counts = [Some(x), Some(x), None, None];
        agree(&format!("{geometry:?} without bias"), &counts, op);
    }
}

#[test]
fn attention_over_a_sequence() {
    for (tokens, heads, channels) in [(20, 4, 32), (33, 3, 24), (1, 2, 16)] {
        let geometry = WindowGeometry::sequence(tokens, heads);
        let shape = [9, tokens, 3 * channels];
        let x = Some(shape.iter().product());
        agree(&format!("{geometry:?}"), &[x, x, None, None], |all| {
            super::window_attention(dual(&all, 0, shape).unwrap(), None, geometry)
        });
    }
}

#[test]
fn gradients_at_leaves_and_at_one_tensor_in_two_places_add_up() {
    // x is itself a leaf of the tape, or is its own tangent: both nodes give it gradients.
    let shape = [2, 9, 20];
    let run = |dtype: DType, own: bool| {
        let device = Device::flex().autodiff();
        let leaf = |salt| {
            let values = Tensor::<1>::from_data(flat(360, salt), (&device, dtype));
            values.reshape(shape).detach().require_grad()
        };
        let (x, x_dot) = (leaf(1), leaf(2));
        let tangent = if own { x.clone() } else { x_dot };
        let y = super::gelu(Dual::new(x.clone(), tangent));
        let loss = weighed(y.primal, 3) + weighed(y.tangent.unwrap(), 4);
        numbers(x.grad(&loss.backward()).unwrap())
    };
    for own in [false, true] {
        let pairs = run(DType::F32, own).into_iter().zip(run(DType::F64, own));
        let worst = pairs.fold(0.0f64, |w, (a, b)| w.max((a - b).abs()));
        assert!(worst < 2e-5, "own tangent {own}: {worst:.1e}");
    }
}
