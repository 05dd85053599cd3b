//! MoNA's meta-gradient, every way of computing it, against PyTorch's double backward in f64
//! (`make_fixtures.py`, `mona`).

use super::{check, fixture, io, tensor};
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::dataset::loader::Batch;
use modalign::model::state::{parameters, with_state};
use modalign::model::{Dual, Model, Network, Target, load};
use modalign::suite::parts::PredictorSpec;
use modalign::transfer::loss::cross_entropy;
use modalign::transfer::methods::mona::OuterSign;
use modalign::transfer::objectives::meta_step::{
    Found, Meta, MetaGradient, SourceBatch, meta_step,
};
use modalign::transfer::step::{Memory, MicroBatch};
use std::collections::BTreeMap;

/// Labels of a fixture.
fn labels(name: &str) -> Vec<usize> {
    let values = io("mona").read_ints(name).unwrap();
    values.into_iter().map(|v| v as usize).collect()
}

/// A fixture's target model: its embedder and head on the source's encoder.
pub fn target_of(name: &str, source: &Model, device: &Device, dtype: DType) -> Network {
    let io = io(name);
    let channels = io.shape("phi.projection.weight").unwrap()[1];
    let classes = io.shape("head.weight").unwrap()[0];
    let side = *io.shape("target_pixels").unwrap().last().unwrap();
    let spec = PredictorSpec::Classification { classes };
    let model = source
        .for_target(&Target::new([channels, side, side], spec), 0)
        .unwrap();
    let mut arrays: BTreeMap<String, TensorData> = modalign::model::state::state(&model.network);
    for (path, shape) in parameters(&model.network) {
        let name = match path.as_str() {
            "embedder.weight" => "phi.projection.weight",
            "embedder.bias" => "phi.projection.bias",
            "embedder.norm.weight" => "phi.norm.weight",
            "embedder.norm.bias" => "phi.norm.bias",
            "predictor.linear.weight" => "head.weight",
            "predictor.linear.bias" => "head.bias",
            _ => continue,
        };
        arrays.insert(path, TensorData::new(io.read_f64(name).unwrap(), shape));
    }
    let network = with_state(model.network, arrays, dtype, "fixture".as_ref()).unwrap();
    network.to_device(device).unfreeze().train()
}

/// One step on the fixture's batches; its gradient at the embedder by the fixture's names.
fn step(dtype: DType, change: impl Fn(&mut Meta)) -> (Found, BTreeMap<String, Vec<f64>>) {
    in_parts(dtype, change, 0, Memory::default())
}

/// The same with the target batch in parts of `most` samples (0: whole).
fn in_parts(
    dtype: DType,
    change: impl Fn(&mut Meta),
    most: usize,
    memory: Memory,
) -> (Found, BTreeMap<String, Vec<f64>>) {
    let (device, io) = (Device::flex(), io("mona"));
    let setting = std::fs::read_to_string(fixture("mona").join("setting.json")).unwrap();
    let setting: serde_json::Value = serde_json::from_str(&setting).unwrap();
    let [alpha, lambda] = ["alpha", "lambda"].map(|k| setting[k].as_f64().unwrap());
    let mut meta = Meta {
        lambda,
        alpha,
        sign: OuterSign::WangIsola,
        how: MetaGradient::Exact,
        difference_step: 0.01,
    };
    change(&mut meta);
    let source = load::load(&fixture("mona"), &device, dtype).unwrap().model;
    let network = target_of("mona", &source, &device, dtype);
    let wanted = labels("target_labels");
    let batch = SourceBatch {
        samples: tensor(&io, "source_pixels", &device, dtype),
        labels: labels("source_labels"),
    };
    let x = tensor(&io, "target_pixels", &device, dtype);
    let embedder = &source.network.embedder;
    let count = wanted.len();
    let most = if most == 0 { count } else { most };
    let loss = |outputs: Dual<2>, batch: &Batch| Ok(cross_entropy(outputs, &batch.labels, 0.0));
    let parts: Vec<MicroBatch> = wanted
        .chunks(most)
        .zip((0..count).step_by(most))
        .map(|(wanted, first)| MicroBatch {
            share: wanted.len() as f64 / count as f64,
            ..MicroBatch::labelled(x.clone().narrow(0, first, wanted.len()), wanted.to_vec())
        })
        .collect();
    let found = meta_step(&network, &parts, &loss, embedder, batch, meta, memory).unwrap();
    let grads = modalign::model::state::gradients(&network.embedder, &found.grads);
    let named = grads.into_iter().map(|(path, data)| {
        let name = match path.as_str() {
            "weight" | "bias" => format!("projection.{path}"),
            _ => path,
        };
        (name, data.iter::<f64>().collect())
    });
    (found, named.collect())
}

fn flat(values: Vec<f64>) -> Tensor<1> {
    let count = values.len();
    let data = TensorData::new(values, [count]);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

/// The outer part of a total gradient, divided by λ.
fn outer(name: &str, total: &[f64], lambda: f64) -> Vec<f64> {
    let inner = io("mona").read_f64(&format!("grad_inner.{name}")).unwrap();
    let pairs = total.iter().zip(&inner);
    pairs
        .map(|(total, inner)| (total - inner) / lambda)
        .collect()
}

/// Compares everything that the fixture has; `bounds` for values, total and outer gradients.
fn against_double_backward(dtype: DType, bounds: [f64; 3]) {
    let io = io("mona");
    let lambda = std::cell::Cell::new(0.0);
    let (found, grads) = step(dtype, |meta| lambda.set(meta.lambda));
    let title = format!("mona {dtype:?}");
    let measured: Vec<f64> = found.measured.into_data().iter::<f64>().collect();
    for (what, value) in ["inner_loss", "align", "uniform"].into_iter().zip(measured) {
        check(&title, what, flat(vec![value]), &io, bounds[0]);
    }
    assert_eq!(grads.len(), 4);
    for (name, total) in grads {
        let part = outer(&name, &total, lambda.get());
        let what = format!("grad_outer.{name}");
        check(&title, &what, flat(part), &io, bounds[2]);
        let what = format!("grad_total.{name}");
        check(&title, &what, flat(total), &io, bounds[1]);
    }
}

#[test]
fn the_exact_meta_gradient_is_that_of_double_backward() {
    against_double_backward(DType::F64, [1e-10, 1e-10, 1e-9]);
}

#[test]
fn parts_and_recomputation_give_the_same_step() {
    let (whole, exact) = step(DType::F64, |_| ());
    let values = |found: Found| found.measured.into_data().iter::<f64>().collect::<Vec<_>>();
    let whole = values(whole);
    for (most, micro_batch, recompute) in [(1, 0, false), (0, 3, false), (2, 2, true), (0, 0, true)]
    {
        let memory = Memory {
            micro_batch,
            recompute,
        };
        for how in [MetaGradient::Exact, MetaGradient::CentralDifference] {
            let (found, grads) = in_parts(DType::F64, |meta| meta.how = how, most, memory);
            let tolerance = if how == MetaGradient::Exact {
                1e-10
            } else {
                1e-2
            };
            for (one, other) in whole.iter().zip(values(found)).take(3) {
                assert!((one - other).abs() < 1e-10, "{one} {other}");
            }
            for (name, want) in &exact {
                let scale = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
                let pairs = want.iter().zip(&grads[name]);
                let worst = pairs.fold(0.0f64, |a, (x, y)| a.max((x - y).abs()));
                assert!(worst < tolerance * scale, "{name}: {worst} of {scale}");
            }
        }
    }
}

#[test]
fn single_precision_is_close() {
    against_double_backward(DType::F32, [1e-4, 1e-4, 1e-2]);
}

#[test]
fn central_differences_converge_to_it() {
    let (_, exact) = step(DType::F64, |_| ());
    let error = |size: f64| {
        let (_, central) = step(DType::F64, |meta| {
            meta.how = MetaGradient::CentralDifference;
            meta.difference_step = size;
        });
        let mut worst = 0.0f64;
        for (name, exact) in &exact {
            let want = io("mona").read_f64(&format!("grad_outer.{name}")).unwrap();
            let scale = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
            let pairs = exact.iter().zip(&central[name]);
            worst = pairs.fold(worst, |a, (x, y)| a.max((x - y).abs() / scale));
        }
        println!("central difference of size {size:e}: {worst:.1e} of the outer gradient");
        worst
    };
    let errors = [1e-2, 1e-3, 1e-4].map(error);
    assert!(errors[0] > 10.0 * errors[1] && errors[1] > 10.0 * errors[2]);
    assert!(errors[2] < 1e-5);
}

#[test]
fn without_the_outer_term_the_inner_gradient_is_left() {
    let io = io("mona");
    let cases: [fn(&mut Meta); 3] = [
        |meta| meta.lambda = 0.0,
        |meta| meta.alpha = 0.0,
        |meta| meta.how = MetaGradient::FirstOrder,
    ];
    for change in cases {
        for (name, total) in step(DType::F64, change).1 {
            let what = format!("grad_inner.{name}");
            check("no outer term", &what, flat(total), &io, 1e-10);
        }
    }
    // and the outer gradient is not nothing
    for (name, total) in step(DType::F64, |_| ()).1 {
        assert!(
            outer(&name, &total, 1.0).iter().any(|v| v.abs() > 1e-12),
            "{name}"
        );
    }
}

#[test]
fn the_printed_sign_is_the_negative() {
    let (_, plus) = step(DType::F64, |_| ());
    let (_, minus) = step(DType::F64, |meta| meta.sign = OuterSign::Printed);
    for (name, plus) in plus {
        let (plus, minus) = (outer(&name, &plus, 1.0), outer(&name, &minus[&name], 1.0));
        let scale = plus.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        for (p, m) in plus.iter().zip(&minus) {
            assert!((p + m).abs() < 1e-9 * scale, "{name}: {p} {m}");
        }
    }
}
