//! Every other device of this build against `flex`: the operations and their gradients, all losses, a
//! step of plain fine-tuning, a step of MoNA with its tangents, features and the probe. Models are small
//! and awkward on purpose: windows that do not divide the grid, shifts, batches that divide nothing.
//! Without a cargo feature that brings a device, there is nothing to compare.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::dataset::TargetShape;
use modalign::dataset::loader::Batch;
use modalign::evaluate::device::BurnDevice;
use modalign::feature::extract;
use modalign::measure::Samples;
use modalign::measure::probe::ProbeParams;
use modalign::model::ops::WindowGeometry;
use modalign::model::state::{self, scalar};
use modalign::model::{
    Architecture, Dual, Model, Pass, RobertaConfig, SwinConfig, Target, device, ops,
};
use modalign::suite::dataset::DatasetSpec;
use modalign::suite::parts::PredictorSpec;
use modalign::suite::task::TaskLoss;
use modalign::suite::training::Rule;
use modalign::transfer::methods::mona::OuterSign;
use modalign::transfer::objectives::meta_step::{Meta, MetaGradient, SourceBatch, meta_step};
use modalign::transfer::objectives::task::Supervised;
use modalign::transfer::optimiser::Optimiser;
use modalign::transfer::step::{Memory, MicroBatch};
use modalign::transfer::task_loss::Targets;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// What a device found: numbers by name.
type Results = BTreeMap<String, Vec<f64>>;

/// Runs `work` on `flex` and on every other device; each result agrees within `bound` of its scale.
fn agree(what: &str, bound: f64, work: impl Fn(&Device) -> Results) {
    let want = work(&Device::flex());
    assert!(!want.is_empty());
    for (name, built, _) in device::DEVICES {
        if !built || name == "flex" {
            continue;
        }
        let found = work(&device::open(name).unwrap());
        assert!(found.keys().eq(want.keys()), "{name} {what}: other results");
        let mut largest = (0.0, "");
        for (part, want) in &want {
            let found = &found[part];
            assert_eq!(found.len(), want.len(), "{name} {what} {part}");
            let scale = want.iter().fold(f64::MIN_POSITIVE, |a, v| a.max(v.abs()));
            let worst = want
                .iter()
                .zip(found)
                .map(|(a, b)| (a - b).abs() / scale)
                .fold(
                    0.0,
                    |a: f64, e| if e.is_nan() { f64::INFINITY } else { a.max(e) },
                );
            assert!(
                worst < bound,
                "{name} {what} {part}: {worst:.1e}, bound {bound:.0e}"
            );
            if worst >= largest.0 {
                largest = (worst, part);
            }
        }
        println!(
            "{name:>8} {what:<34} max relative error {:.1e} of {bound:.0e} ({}, {} parts)",
            largest.0,
            largest.1,
            want.len()
        );
    }
}

/// Numbers that look random and are the same everywhere.
fn wave(count: usize, phase: f32) -> Vec<f32> {
    let value = |i: usize| (i as f32 * 0.731 + phase).sin() + 0.3 * (i as f32 * 0.0173).cos();
    (0..count).map(value).collect()
}

fn tensor<const D: usize>(shape: [usize; D], phase: f32, device: &Device) -> Tensor<D> {
    let count = shape.iter().product();
    Tensor::from_data(TensorData::new(wave(count, phase), shape), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Gradients and values of an operation of three inputs; its output is weighted so that they differ.
fn operation<const A: usize, const B: usize, const C: usize>(
    device: &Device,
    shapes: ([usize; A], [usize; B], [usize; C]),
    work: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<3>,
) -> Results {
    let tracked = device.clone().autodiff();
    let a = tensor(shapes.0, 0.0, &tracked).require_grad();
    let b = tensor(shapes.1, 1.0, &tracked).require_grad();
    let c = tensor(shapes.2, 2.0, &tracked).require_grad();
    let y = work(a.clone(), b.clone(), c.clone());
    let weights = tensor(y.dims(), 3.0, &tracked);
    let grads = (y.clone() * weights).sum().backward();
    [
        ("value", Some(numbers(y.inner()))),
        ("da", a.grad(&grads).map(numbers)),
        ("db", b.grad(&grads).map(numbers)),
        ("dc", c.grad(&grads).map(numbers)),
    ]
    .into_iter()
    .filter_map(|(name, values)| Some((name.to_owned(), values?)))
    .collect()
}

#[test]
fn operations() {
    agree("linear", 1e-5, |device| {
        operation(device, ([3, 7, 5], [11, 5], [11]), |x, w, b| {
            ops::linear(x.into(), w.into(), Some(b.into())).primal
        })
    });
    agree("layer norm", 1e-5, |device| {
        operation(device, ([3, 7, 10], [10], [10]), |x, g, b| {
            ops::layer_norm(x.into(), g.into(), b.into(), 1e-5).primal
        })
    });
    agree("gelu", 1e-5, |device| {
        operation(device, ([3, 7, 10], [1], [1]), |x, _, _| {
            ops::gelu(Dual::from(x.mul_scalar(3.0))).primal
        })
    });
    for (window, shift) in [(3, 0), (3, 1), (6, 0)] {
        let geometry = WindowGeometry {
            height: 6,
            width: 6,
            window: [window, window],
            shift: [shift, shift],
            rolled: false,
            heads: 2,
        };
        let n = window * window;
        agree(
            &format!("window attention {window}, shift {shift}"),
            1e-5,
            |device| {
                operation(device, ([2, 36, 24], [2, n, n], [1]), |qkv, bias, _| {
                    ops::window_attention(qkv.into(), Some(bias.into()), geometry).primal
                })
            },
        );
    }
}

/// A Swin whose grids 9 and 5 no window of 4 divides, with shifted blocks and merges that pad.
fn swin() -> Architecture {
    let text = r#"{"image_size":18,"patch_size":2,"embed_dim":8,"depths":[2,2],"num_heads":[2,4],"window_size":4,"drop_path_rate":0.1}"#;
    serde_json::from_str::<SwinConfig>(text).unwrap().into()
}

/// A classifier of images, built on the processor so that all devices start from the same numbers.
fn classifier(config: &Architecture, classes: usize, device: &Device) -> Model {
    let spec = PredictorSpec::Classification { classes };
    let made = Model::new(
        config.clone(),
        3,
        Some(&spec),
        7,
        &Device::flex(),
        DType::F32,
    );
    let mut made = made.unwrap();
    made.network = made.network.to_device(device);
    made
}

fn by_path(values: BTreeMap<String, TensorData>) -> Results {
    let list = |(path, data): (String, TensorData)| (path, data.iter::<f64>().collect());
    values.into_iter().map(list).collect()
}

#[test]
fn a_step_of_fine_tuning() {
    let sequence: Architecture = RobertaConfig::sequence(16, 2, 2).into();
    let cases = [
        ("swin", swin(), [3, 18, 18], 0, false),
        ("swin in parts, recomputed", swin(), [3, 18, 18], 2, true),
        ("roberta on a signal", sequence, [2, 1, 100], 0, false),
    ];
    for (name, config, [c, h, w], micro_batch, recompute) in cases {
        // After two steps of Adam on small gradients, signs may differ: the bound is that of its step.
        agree(&format!("NFT step, {name}"), 2e-3, |device| {
            let model = if config.image_size().is_some() {
                classifier(&config, 3, device)
            } else {
                let spec = PredictorSpec::Classification { classes: 3 };
                let flex = Device::flex();
                let source = Model::new(config.clone(), 1, None, 7, &flex, DType::F32);
                let target = Target::new([c, h, w], spec);
                let mut made = source.unwrap().for_target(&target, 3).unwrap();
                made.network = made.network.to_device(device);
                made
            };
            let mut network = model.network.unfreeze().train();
            let memory = Memory {
                micro_batch,
                recompute,
            };
            let objective = Supervised {
                loss: TaskLoss::CrossEntropy { smoothing: 0.1 },
                truth: TargetShape::Class,
                memory,
                drops_paths: true,
            };
            let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(0.5));
            let mut stream = ChaCha8Rng::seed_from_u64(1);
            let mut found = Results::new();
            for round in 0..2 {
                let batch = Batch {
                    values: wave(5 * c * h * w, round as f32),
                    shape: [5, c, h, w],
                    labels: vec![0, 1, 2, 1, 0],
                    targets: Vec::new(),
                    mixed: None,
                };
                let (loss, grads) = objective.step(&network, batch, &mut stream).unwrap();
                found.insert(format!("loss {round}"), vec![scalar(loss)]);
                // Looked at after the step: what was read before may not follow what comes after.
                let before = state::gradients(&network, &grads);
                network = optimiser.step(1e-3, network, grads);
                if round == 0 {
                    let grads = by_path(before).into_iter();
                    found.extend(grads.map(|(path, g)| (format!("grad {path}"), g)));
                }
            }
            found.extend(by_path(state::state(&network.valid())));
            found
        });
    }
}

#[test]
fn a_step_of_mona() {
    for how in [
        MetaGradient::Exact,
        MetaGradient::CentralDifference,
        MetaGradient::FirstOrder,
    ] {
        // The outer part is a small share of a gradient, and a difference of two: see docs/method.md.
        let bound = if how == MetaGradient::CentralDifference {
            2e-2
        } else {
            2e-3
        };
        agree(&format!("MoNA step, {how:?}"), bound, |device| {
            let source = classifier(&swin(), 5, &Device::flex());
            let spec = PredictorSpec::Classification { classes: 3 };
            let target = source
                .for_target(&Target::new([2, 18, 18], spec), 3)
                .unwrap();
            let network = target.network.to_device(device).unfreeze().train();
            let task = |outputs: Dual<2>, batch: &Batch| {
                let labels = Targets::Labels(&batch.labels);
                TaskLoss::CrossEntropy { smoothing: 0.0 }.loss(outputs, &labels)
            };
            let meta = Meta {
                lambda: 1.0,
                alpha: 0.1,
                sign: OuterSign::WangIsola,
                how,
                difference_step: 0.01,
            };
            let batch = SourceBatch {
                samples: tensor([6, 3, 18, 18], 1.0, device),
                labels: vec![0, 0, 1, 1, 2, 2],
            };
            let embedder = source.network.embedder.to_device(device);
            let x = tensor([4, 2, 18, 18], 2.0, device);
            let parts = [MicroBatch::labelled(x, vec![0, 2, 1, 0])];
            let memory = Memory::default();
            let found = meta_step(&network, &parts, &task, &embedder, batch, meta, memory).unwrap();
            let mut all = by_path(state::gradients(&network.embedder, &found.grads));
            let measured = numbers(found.measured);
            for (name, value) in ["inner", "align", "uniform", "outer share"]
                .iter()
                .zip(measured)
            {
                all.insert((*name).to_owned(), vec![value]);
            }
            all
        });
    }
}

#[test]
fn losses() {
    let mask: Vec<f32> = (0..12).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
    let dense = wave(12, 0.4);
    let cases = [
        (
            TaskLoss::CrossEntropy { smoothing: 0.1 },
            Targets::Labels(&[0, 3, 1]),
        ),
        (
            TaskLoss::MultiLabel { pos_weight: 4.0 },
            Targets::MultiHot(&mask),
        ),
        (TaskLoss::RelativeL2 {}, Targets::Dense(&dense)),
        (TaskLoss::Mse {}, Targets::Dense(&dense)),
        (TaskLoss::Nrmse { channels: 2 }, Targets::Dense(&dense)),
        (
            TaskLoss::BinaryCrossEntropy { pos_weight: 2.0 },
            Targets::Dense(&mask),
        ),
    ];
    for (loss, targets) in cases {
        agree(&format!("loss {}", loss.name()), 1e-5, |device| {
            let tracked = device.clone().autodiff();
            let x = tensor([3, 4], 0.0, &tracked).require_grad();
            let along = tensor([3, 4], 1.0, &tracked);
            let dual = Dual::new(x.clone(), along);
            let found = loss.loss(dual, &targets).unwrap();
            let tangent = found.tangent.clone().unwrap();
            let grads = (found.primal.clone() + tangent.clone()).backward();
            [
                ("value", numbers(found.primal.inner())),
                ("tangent", numbers(tangent.inner())),
                ("gradient", numbers(x.grad(&grads).unwrap())),
            ]
            .map(|(name, values)| (name.to_owned(), values))
            .into()
        });
    }
}

#[test]
fn features_probabilities_and_probe() {
    let spec = DatasetSpec::new("t", "t", "demo-unseen");
    let set = modalign::dataset::open(&spec, None, 0).unwrap().valid;
    agree("features of a set", 1e-4, |device| {
        let config: SwinConfig = serde_json::from_str(
            r#"{"image_size":32,"patch_size":4,"embed_dim":8,"depths":[2,2],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
        )
        .unwrap();
        let network = classifier(&config.into(), 5, device).network;
        let rows = extract::rows(&network.embedder, &network.encoder, set.clone(), device).unwrap();
        let shares = extract::probabilities(&network, set.clone(), device).unwrap();
        let list = |m: ndarray::Array2<f32>| m.iter().map(|v| f64::from(*v)).collect();
        [("features", list(rows)), ("probabilities", list(shares))]
            .map(|(name, values)| (name.to_owned(), values))
            .into()
    });
    agree("linear probe", 1e-3, |device| {
        let labels: Vec<usize> = (0..300).map(|i| i % 3).collect();
        let mut x = ndarray::Array2::from_shape_vec((300, 6), wave(1800, 0.0)).unwrap();
        for (i, mut row) in x.rows_mut().into_iter().enumerate() {
            row[i % 3] += 0.8;
        }
        let samples = Samples::new(x.view(), &labels, 3).unwrap();
        let params = ProbeParams::new().c(1.0);
        let params = match *device == Device::flex() {
            true => params,
            false => params.accelerator(BurnDevice(device.clone())),
        };
        let none: Option<&Samples<'_, f32>> = None;
        let (fitted, ..) = params.check().unwrap().fit(&samples, none).unwrap();
        let list = |values: &mut dyn Iterator<Item = &f64>| values.copied().collect();
        [
            ("weights", list(&mut fitted.weights().iter())),
            ("intercepts", list(&mut fitted.intercepts().iter())),
        ]
        .map(|(name, values): (&str, Vec<f64>)| (name.to_owned(), values))
        .into()
    });
}

#[test]
fn half_precision_where_the_device_has_it() {
    for (name, built, _) in device::DEVICES {
        let Some(device) = built.then(|| device::open(name).unwrap()) else {
            continue;
        };
        for dtype in [DType::F16, DType::BF16] {
            if device::supports(name, &device, dtype).is_err() {
                println!("{name:>8} has no {dtype:?}");
                continue;
            }
            let features = |dtype: DType| {
                let made = Model::new(swin(), 3, None, 7, &device, dtype);
                let network = made.unwrap().network;
                let x = tensor::<4>([2, 3, 18, 18], 0.0, &device).cast(dtype);
                let y = network
                    .features(x, &mut Pass::eval())
                    .primal
                    .cast(DType::F32);
                numbers(y)
            };
            let (want, found) = (features(DType::F32), features(dtype));
            let scale = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
            let pairs = want.iter().zip(&found);
            let worst = pairs.fold(0.0f64, |a, (x, y)| a.max((x - y).abs())) / scale;
            println!("{name:>8} features in {dtype:?}: max relative error {worst:.1e} of 5e-2");
            assert!(worst < 5e-2, "{name} {dtype:?}: {worst}");
        }
    }
}
