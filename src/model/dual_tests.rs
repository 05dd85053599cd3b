//! Tangents of every layer and of whole models against central differences, in f64.

use super::layers::{Init, LayerNorm, Linear};
use super::tokens::Tokens;
use super::*;
use super::{RobertaConfig, SwinConfig};
use crate::suite::parts::{PredictorInit, PredictorSpec};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn stream(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn random<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng) -> Tensor<D> {
    let count = shape.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|_| 2.0 * rng.random::<f64>() - 1.0)
        .collect();
    Tensor::from_data(
        TensorData::new(values, shape),
        (&Device::flex(), DType::F64),
    )
}

/// A direction for every parameter, and the parameters themselves made random.
fn scatter<M: Module>(module: M, seed: u64) -> (M, GradientsParams) {
    struct Draw(ChaCha8Rng, GradientsParams);
    impl ModuleMapper for Draw {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.dims();
            self.1.register(param.id, random(shape, &mut self.0));
            let noise = random(shape, &mut self.0).mul_scalar(0.3);
            param.map(|p| p + noise)
        }
    }
    let mut draw = Draw(stream(seed), GradientsParams::new());
    let module = module.map(&mut draw);
    (module, draw.1)
}

/// The module moved by `step` along `direction`.
fn moved<M: Module>(module: &M, direction: &GradientsParams, step: f64) -> M {
    struct Move<'a>(&'a GradientsParams, f64);
    impl ModuleMapper for Move<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let by = self.0.get::<D>(param.id).map(|v| v.mul_scalar(self.1));
            param.map(|p| match by {
                Some(by) => p + by,
                None => p,
            })
        }
    }
    module.clone().map(&mut Move(direction, step))
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f64> {
    t.into_data().try_to_vec().unwrap()
}

/// Compares the tangent of `run` with central differences, moving parameters and input together.
fn check<M: Module, const I: usize, const O: usize>(
    what: &str,
    module: M,
    input: [usize; I],
    run: impl Fn(&M, Dual<I>, &mut Pass) -> Dual<O>,
) {
    let (module, direction) = scatter(module, 7);
    let mut rng = stream(8);
    let (x, dx) = (random(input, &mut rng), random(input, &mut rng));
    let dual = Dual::new(x.clone(), dx.clone());
    let found = run(&module, dual, &mut Pass::eval().along(&direction));
    let at = |step: f64| {
        let x = x.clone() + dx.clone().mul_scalar(step);
        values(
            run(
                &moved(&module, &direction, step),
                x.into(),
                &mut Pass::eval(),
            )
            .primal,
        )
    };
    assert_eq!(at(0.0), values(found.primal), "{what}: primal");
    let (step, found) = (1e-6, values(found.tangent.expect("something moves")));
    let want: Vec<f64> = at(step)
        .iter()
        .zip(at(-step))
        .map(|(a, b)| (a - b) / (2.0 * step))
        .collect();
    let scale = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
    let worst = found
        .iter()
        .zip(&want)
        .fold(0.0f64, |a, (x, y)| a.max((x - y).abs()));
    assert!(scale > 1e-3, "{what}: nothing moves");
    assert!(worst < 1e-7 * scale, "{what}: {worst} of {scale}");
}

fn init<R>(make: impl FnOnce(&mut Init) -> R) -> R {
    let (mut rng, device) = (stream(1), Device::flex());
    make(&mut Init {
        device: &device,
        dtype: DType::F64,
        rng: Some(&mut rng),
    })
}

/// Padded, shifted, with odd sides at the merging.
fn swin() -> SwinConfig {
    serde_json::from_str(
        r#"{"image_size":20,"patch_size":2,"embed_dim":8,"depths":[2,2],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
    )
    .unwrap()
}

fn roberta() -> RobertaConfig {
    serde_json::from_str(
        r#"{"vocab_size":30,"hidden_size":12,"num_hidden_layers":2,"num_attention_heads":3,"intermediate_size":20,"max_position_embeddings":14}"#,
    )
    .unwrap()
}

fn model(config: impl Into<Architecture>) -> Model {
    let spec = PredictorSpec::Classification { classes: 5 };
    Model::new(config, 3, Some(&spec), 3, &Device::flex(), DType::F64).unwrap()
}

#[test]
fn linear_and_norm() {
    let bias = init(|i| Linear::new(6, 4, true, i));
    check("linear", bias, [2, 5, 6], |m, x, p| m.forward(x, p));
    let plain = init(|i| Linear::new(6, 4, false, i));
    check("linear without bias", plain, [2, 5, 6], |m, x, p| {
        m.forward(x, p)
    });
    let norm = init(|i| LayerNorm::new(6, 1e-5, i));
    check("norm", norm, [2, 5, 6], |m, x, p| m.forward(x, p));
}

/// Elementwise functions, and numbers where they are delicate.
type Elementwise = (&'static str, fn(Dual<1>) -> Dual<1>, Vec<f64>);

fn elementwise() -> [Elementwise; 3] {
    let all = vec![-30.0, -2.5, -0.4, 0.0, 0.3, 1.0, 4.0, 30.0];
    let positive = all.iter().map(|v: &f64| v.abs() + 0.01).collect();
    [
        ("square", Dual::square, all.clone()),
        ("sqrt", Dual::sqrt, positive),
        ("softplus", Dual::softplus, all),
    ]
}

fn vector(values: &[f64]) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

#[test]
fn elementwise_tangents_and_their_gradients() {
    for (what, f, x) in elementwise() {
        let v: Vec<f64> = (0..x.len()).map(|i| 1.0 - 0.3 * i as f64).collect();
        let tangent = |x: &[f64]| {
            let y = f(Dual::new(vector(x), vector(&v)));
            values(y.tangent.unwrap())
        };
        let plain = |x: &[f64]| values(f(vector(x).into()).primal);
        let tracked = || Tensor::from_inner(vector(&x)).require_grad();
        let (a, b) = (tracked(), tracked());
        let slope = f(a.clone().into()).primal.backward();
        let slope = values(a.grad(&slope).unwrap());
        let moving = Dual::new(b.clone(), Tensor::from_inner(vector(&v)));
        let bend = f(moving).tangent.unwrap().backward();
        let bend = values(b.grad(&bend).unwrap());
        let found = tangent(&x);
        for i in 0..x.len() {
            // the functions act on every number alone
            let step = 1e-5 * x[i].abs().max(0.01);
            let moved = |by: f64| x.iter().map(|x| x + by).collect::<Vec<_>>();
            let (up, down) = (moved(step), moved(-step));
            let difference =
                |g: &dyn Fn(&[f64]) -> Vec<f64>| (g(&up)[i] - g(&down)[i]) / (2.0 * step);
            for (kind, found, want) in [
                ("tangent", found[i], v[i] * difference(&plain)),
                ("gradient", slope[i], difference(&plain)),
                ("gradient of the tangent", bend[i], difference(&tangent)),
            ] {
                let error = (found - want).abs();
                let close = error <= 1e-7 * want.abs() + 1e-9;
                assert!(close, "{what} at {}: {kind} {found} {want}", x[i]);
            }
        }
    }
}

#[test]
fn roots_of_nothing_have_no_slope_and_softplus_no_limits() {
    let x = Tensor::from_inner(vector(&[0.0, 4.0])).require_grad();
    let y = Dual::new(x.clone(), Tensor::from_inner(vector(&[1.0, 1.0]))).sqrt();
    let tangent = y.tangent.unwrap();
    assert_eq!(values(y.primal.clone()), [0.0, 2.0]);
    assert_eq!(values(tangent.clone()), [0.0, 0.25]);
    let grads = (y.primal + tangent).backward();
    assert_eq!(values(x.grad(&grads).unwrap()), [0.0, 0.25 - 1.0 / 32.0]);
    let x = Tensor::from_inner(vector(&[-1e3, -40.0, 0.0, 40.0, 1e3])).require_grad();
    let y = Dual::from(x.clone()).softplus().primal;
    let want = [0.0, (-40.0f64).exp(), 2.0f64.ln(), 40.0, 1e3];
    assert_eq!(values(y.clone()), want);
    let slope = values(x.grad(&y.backward()).unwrap());
    assert_eq!(slope, [0.0, (-40.0f64).exp(), 0.5, 1.0, 1.0]);
}

#[test]
fn a_single_part_that_moves_is_enough() {
    let (linear, direction) = scatter(init(|i| Linear::new(6, 4, true, i)), 2);
    let x = random([2, 5, 6], &mut stream(3));
    let mut only = GradientsParams::new();
    let bias = linear.bias.as_ref().unwrap().id;
    only.register(bias, direction.get::<1>(bias).unwrap());
    let y = linear.forward(x.clone().into(), &Pass::eval().along(&only));
    let row = values(direction.get::<1>(bias).unwrap());
    assert_eq!(values(y.tangent.unwrap()), row.repeat(10));
    let still = GradientsParams::new();
    let y = linear.forward(x.into(), &Pass::eval().along(&still));
    assert!(y.tangent.is_none());
}

#[test]
fn swin_step_by_step_and_whole() {
    let (m, steps) = (model(swin()), 4);
    for index in 0..steps {
        let (side, width) = if index < 2 { (10, 8) } else { (5, 16) };
        let shape = [2, side * side, width];
        let run = |m: &Encoder, x: Dual<3>, p: &mut Pass| {
            m.step(index, Tokens::new(x, [side, side]), p).0.values
        };
        check(
            &format!("block {index}"),
            m.network.encoder.clone(),
            shape,
            run,
        );
    }
    check("features", m.network.clone(), [2, 3, 20, 20], |m, x, p| {
        m.features(x, p)
    });
    check("swin", m.network, [2, 3, 20, 20], |m, x, p| {
        m.forward(x, p).log_softmax(1)
    });
}

#[test]
fn roberta_with_and_without_padding() {
    let m = model(roberta());
    check(
        "roberta",
        m.network.encoder.clone(),
        [2, 9, 12],
        |m, x, p| m.encode(Tokens::new(x, [1, 9]), p).pool(),
    );
    let keep = Tensor::<2>::from_data(
        [[1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0, 0.0]],
        (&Device::flex(), DType::F64),
    );
    check("padding", m.network.encoder, [2, 5, 12], |m, x, p| {
        let tokens = Tokens {
            keep: Some(keep.clone()),
            ..Tokens::new(x, [1, 5])
        };
        m.encode(tokens, p).pool()
    });
    let ids = [[4.0, 7.0, 1.0, 29.0], [3.0, 3.0, 8.0, 9.0]];
    let ids = Tensor::<2>::from_data(ids, (&Device::flex(), DType::F64)).reshape([2, 1, 1, 4]);
    check("ids", m.network.embedder, [1], |m, _: Dual<1>, p| {
        m.forward(ids.clone(), p).values
    });
}

#[test]
fn vits_of_every_kind() {
    let read = |name: &str| {
        let path = crate::fixture::path(&format!("vit/{name}"));
        load::load(&path, &Device::flex(), DType::F64)
            .unwrap()
            .model
    };
    // Each part of the family: SwiGLU, scales, registers, two classifiers, quick GELU, norms before the blocks and after
    // the pooling; and positions of their own grid and of another.
    for (name, sides) in [
        ("vit-classes", [16, 16]),
        ("deit-teacher", [12, 20]),
        ("dinov2-classes", [16, 16]),
        ("dinov2-registers", [20, 12]),
        ("mae-bare", [16, 16]),
        ("timm-average", [20, 20]),
        ("timm-distilled", [16, 16]),
        ("timm-clip", [24, 16]),
    ] {
        let m = read(name);
        let channels = m.network.embedder.channels();
        let shape = [2, channels, sides[0], sides[1]];
        check(name, m.network, shape, |m, x, p| m.forward(x, p));
    }
    let target = Target::new([1, 9, 12], PredictorSpec::MultiLabel { classes: 3 });
    let m = read("vit-classes").for_target(&target, 4).unwrap();
    check("target", m.network, [2, 1, 9, 12], |m, x, p| {
        m.forward(x, p)
    });
}

#[test]
fn targets_of_every_kind() {
    let image = [2, 15, 17];
    for spec in [
        PredictorSpec::MultiLabel { classes: 3 },
        PredictorSpec::Dense2d {
            channels: 2,
            height: 7,
            width: 30,
            upscale: None,
            inner: 3,
        },
    ] {
        let target = Target::new(image, spec.clone());
        let m = model(swin()).for_target(&target, 4).unwrap();
        let shape = [2, image[0], image[1], image[2]];
        check(spec.name(), m.network, shape, |m, x, p| m.forward(x, p));
    }
    let spec = PredictorSpec::Dense1d {
        channels: 2,
        length: 24,
    };
    let target = Target::new([3, 1, 24], spec);
    let m = model(roberta()).for_target(&target, 4).unwrap();
    check("dense-1d", m.network, [2, 3, 1, 24], |m, x, p| {
        m.forward(x, p)
    });
}

#[test]
fn targets_of_short_tables_and_short_signals_run_or_are_refused() {
    let classes = PredictorSpec::Classification { classes: 2 };
    let source = |rows| {
        model(RobertaConfig {
            max_position_embeddings: rows,
            pad_token_id: 0,
            ..roberta()
        })
    };
    // One position is left beside the two that patches pass over.
    let target = Target::new([1, 1, 6], classes);
    let m = source(3).for_target(&target, 0).unwrap();
    let x = random([2, 1, 1, 6], &mut stream(1));
    assert_eq!(
        m.network.forward(x, &mut Pass::eval()).primal.dims(),
        [2, 2]
    );
    let error = source(2).for_target(&target, 0).unwrap_err();
    assert!(error.to_string().contains("positions"), "{error}");
    // A signal of six values has no 24 to predict, whatever the table has.
    let long = PredictorSpec::Dense1d {
        channels: 1,
        length: 24,
    };
    let error = source(40)
        .for_target(&Target::new([1, 1, 6], long.clone()), 0)
        .unwrap_err();
    assert!(error.to_string().contains("at most 6"), "{error}");
    let error = model(swin())
        .for_target(&Target::new([1, 1, 24], long), 0)
        .unwrap_err();
    assert!(error.to_string().contains("patches"), "{error}");
}

/// [`scalar`] as a loss that might refuse.
fn sure(y: Dual<2>) -> Result<Tensor<1>, std::convert::Infallible> {
    Ok(scalar(y))
}

/// A loss that uses value and tangent.
fn scalar(y: Dual<2>) -> Tensor<1> {
    let squares = y.primal.square().sum();
    match y.tangent {
        Some(t) => squares + t.mul_scalar(0.5).sum(),
        None => squares,
    }
}

#[test]
fn recomputed_activations_give_the_same_gradients() {
    for dtype in [DType::F32, DType::F64] {
        let config = SwinConfig {
            drop_path_rate: 0.4,
            ..swin()
        };
        let spec = PredictorSpec::Classification { classes: 5 };
        let device = Device::flex();
        let swin = Model::new(config, 3, Some(&spec), 3, &device, dtype).unwrap();
        let vit = crate::fixture::path("vit/deit-teacher");
        let vit = load::load(&vit, &device, dtype).unwrap().model;
        for model in [swin, vit] {
            // directions are drawn in f64
            let direction = (dtype == DType::F64).then(|| scatter(model.network.clone(), 9).1);
            let network = model.network.unfreeze().train();
            let x = random([3, 3, 20, 20], &mut stream(5)).cast(dtype);
            for direction in [None, direction.as_ref()] {
                let pass = |rng| match direction {
                    Some(d) => Pass::train(rng).along(d),
                    None => Pass::train(rng),
                };
                let (mut a, mut b) = (stream(6), stream(6));
                let tracked = Tensor::<4>::from_inner(x.clone());
                let whole = scalar(network.forward(tracked, &mut pass(&mut a)));
                let plain = GradientsParams::from_grads(whole.clone().backward(), &network);
                let (again, less) =
                    recompute::gradients(&network, x.clone().into(), &mut pass(&mut b), sure)
                        .unwrap();
                let value = |t: Tensor<1>| t.into_data().iter::<f64>().next().unwrap();
                let (whole, again) = (value(whole), value(again));
                assert!(
                    (whole - again).abs() <= 1e-12 * whole.abs(),
                    "{whole} {again}"
                );
                let by_path = |grads| state::gradients(&network, grads);
                let (plain, less) = (by_path(&plain), by_path(&less));
                assert_eq!(plain.len(), state::parameters(&network).len());
                for (path, p) in &plain {
                    let [p, l] = [p, &less[path]].map(|d| d.iter::<f64>().collect::<Vec<_>>());
                    if dtype == DType::F32 {
                        assert_eq!(p, l, "{path}");
                    }
                    // composed operations: branches of the tape add up in another order
                    let scale = p.iter().fold(0.0f64, |a, v| a.max(v.abs()));
                    for (p, l) in p.iter().zip(&l) {
                        assert!((p - l).abs() <= 1e-12 * scale, "{path}: {p} {l}");
                    }
                }
                assert_eq!(plain.len(), less.len());
            }
        }
    }
}

#[test]
fn recomputation_drops_the_same_units_everywhere() {
    let m = model(RobertaConfig {
        hidden_dropout_prob: 0.3,
        attention_probs_dropout_prob: 0.4,
        ..roberta()
    });
    let network = m.network.unfreeze().train();
    let ids = [[4.0, 7.0, 1.0, 29.0], [3.0, 3.0, 8.0, 9.0]];
    let x = Tensor::<2>::from_data(ids, (&Device::flex(), DType::F64)).reshape([2, 1, 1, 4]);
    let (mut a, mut b, mut other) = (stream(6), stream(6), stream(7));
    let tracked = Tensor::<4>::from_inner(x.clone());
    let whole = scalar(network.forward(tracked.clone(), &mut Pass::train(&mut a)));
    let plain = GradientsParams::from_grads(whole.clone().backward(), &network);
    let (again, less) =
        recompute::gradients(&network, x.into(), &mut Pass::train(&mut b), sure).unwrap();
    let unlike = scalar(network.forward(tracked, &mut Pass::train(&mut other)));
    let [whole, again, unlike] = [whole.inner(), again, unlike.inner()].map(values);
    assert_eq!(whole, again);
    assert_ne!(whole, unlike, "nothing is dropped");
    assert_eq!(a, b, "both leave the stream where the pass ends");
    let [plain, less] = [plain, less].map(|grads| state::gradients(&network, &grads));
    assert_eq!(plain.len(), less.len());
    for (path, p) in &plain {
        let [p, l] = [p, &less[path]].map(|d| d.iter::<f64>().collect::<Vec<_>>());
        let scale = p.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        for (p, l) in p.iter().zip(&l) {
            assert!((p - l).abs() <= 1e-12 * scale, "{path}: {p} {l}");
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let before = predictor::Before {
        features: 12,
        width: 12,
        stride: 1,
        stack: 4,
        tokens: Some(6),
    };
    for (channels, length) in [(2, 25), (0, 3), (1, 0)] {
        let spec = PredictorSpec::Dense1d { channels, length };
        let made = init(|i| Predictor::new(&spec, before, PredictorInit::default(), i));
        assert!(made.is_err(), "{spec:?}");
    }
    let dense = |height, upscale, inner| PredictorSpec::Dense2d {
        channels: 1,
        height,
        width: 8,
        upscale: Some(upscale),
        inner,
    };
    for (spec, what) in [
        (PredictorSpec::Classification { classes: 0 }, "classes"),
        (
            PredictorSpec::MultiLabel {
                classes: usize::MAX,
            },
            "classes",
        ),
        (dense(usize::MAX, 1, 3), "height"),
        (dense(8, 0, 3), "upscale"),
        (dense(8, 1 << 32, 3), "upscale"),
        (dense(8, 2, 0), "inner"),
        (
            PredictorSpec::Dense2d {
                channels: 4096,
                height: 8192,
                width: 8192,
                upscale: None,
                inner: 3,
            },
            "outputs",
        ),
    ] {
        let made = init(|i| Predictor::new(&spec, before, PredictorInit::default(), i));
        let error = made.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    let field = Target::new([1, 8, 8], PredictorSpec::Classification { classes: 2 });
    let error = model(roberta()).for_target(&field, 0).unwrap_err();
    assert!(error.to_string().contains("a model of images"), "{error}");
}
