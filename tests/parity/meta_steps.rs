//! MoNA's meta-gradient through K inner steps, plain and preconditioned, against PyTorch's double backward
//! through the unrolled steps in f64 (`make_mona_steps.py`, `mona-steps`).

use super::meta_gradient::target_of;
use super::{check, fixture, io, tensor};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::dataset::loader::Batch;
use modalign::model::state::{gradients as gradients_of, parameters, state, with_state};
use modalign::model::{Dual, Network, load};
use modalign::transfer::loss::cross_entropy;
use modalign::transfer::methods::mona::{InnerScope, OuterSign};
use modalign::transfer::objectives::meta_step::SourceBatch;
use modalign::transfer::objectives::outer::Outer;
use modalign::transfer::objectives::unrolled::{Inner, Unrolled, unrolled};
use modalign::transfer::step::{Memory, MicroBatch, Mode, gradients};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use std::collections::BTreeMap;

const NAME: &str = "mona-steps";

/// Values of a network of the same shape as entries by the ids of `network`'s parameters.
fn by_id(network: &Network, values: &Network) -> GradientsParams {
    struct Take<'a> {
        values: &'a BTreeMap<String, TensorData>,
        names: std::vec::IntoIter<String>,
        found: GradientsParams,
    }
    impl ModuleVisitor for Take<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = self.names.next().expect("a name for every parameter");
            let value = param.val();
            let device = value.device().inner();
            let data = self.values[&name].clone().convert_dtype(value.dtype());
            let value = Tensor::<D>::from_data(data, (&device, value.dtype()));
            self.found.register(param.id, value);
        }
    }
    let values = state(values);
    let names: Vec<String> = parameters(network).into_iter().map(|(p, _)| p).collect();
    let mut take = Take {
        values: &values,
        names: names.into_iter(),
        found: GradientsParams::new(),
    };
    network.visit(&mut take);
    take.found
}

/// The fixture's preconditioner, read as if it were a model: the loader knows which names go where.
fn precondition(network: &Network, device: &Device, dtype: DType) -> GradientsParams {
    let folder = tempfile::tempdir().unwrap();
    let config = std::fs::read(fixture(NAME).join("config.json")).unwrap();
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let model = std::fs::read(fixture(NAME).join("model.safetensors")).unwrap();
    let values = std::fs::read(fixture(NAME).join("io.safetensors")).unwrap();
    let (model, values) = (
        SafeTensors::deserialize(&model).unwrap(),
        SafeTensors::deserialize(&values).unwrap(),
    );
    let swap = |(name, old): (String, TensorView<'_>)| {
        let inner = name.strip_prefix("swin.").unwrap_or(&name);
        let found = values.tensor(&format!("precond.encoder.{inner}"));
        let (dtype, shape, data) = match &found {
            Ok(new) => (new.dtype(), new.shape().to_vec(), new.data().to_vec()),
            Err(_) => (old.dtype(), old.shape().to_vec(), old.data().to_vec()),
        };
        (name, dtype, shape, data)
    };
    let all: Vec<_> = model.tensors().into_iter().map(swap).collect();
    let views = all.iter().map(|(name, dtype, shape, data)| {
        (
            name.clone(),
            TensorView::new(*dtype, shape.clone(), data).unwrap(),
        )
    });
    let path = folder.path().join("model.safetensors");
    safetensors::serialize_to_file(views, None, &path).unwrap();
    let source = load::load(folder.path(), device, dtype).unwrap().model;
    let stand_in = target_of(NAME, &source, device, dtype);
    let io = io(NAME);
    let mut arrays = state(&stand_in);
    for (path, shape) in parameters(&stand_in) {
        let name = match path.as_str() {
            "embedder.weight" => "precond.phi.projection.weight",
            "embedder.bias" => "precond.phi.projection.bias",
            "embedder.norm.weight" => "precond.phi.norm.weight",
            "embedder.norm.bias" => "precond.phi.norm.bias",
            "predictor.linear.weight" => "precond.head.weight",
            "predictor.linear.bias" => "precond.head.bias",
            _ => continue,
        };
        arrays.insert(path, TensorData::new(io.read_f64(name).unwrap(), shape));
    }
    let stand_in = with_state(stand_in.valid(), arrays, dtype, "fixture".as_ref()).unwrap();
    by_id(network, &stand_in)
}

struct Case {
    name: String,
    steps: usize,
    adamw: bool,
    scope: InnerScope,
    alpha: f64,
    lambda: f64,
}

fn cases() -> Vec<Case> {
    let setting = std::fs::read_to_string(fixture(NAME).join("setting.json")).unwrap();
    let setting: serde_json::Value = serde_json::from_str(&setting).unwrap();
    let all = setting["cases"].as_object().unwrap();
    let case = |(name, case): (&String, &serde_json::Value)| {
        let optimiser = case["optimiser"].as_str().unwrap();
        Case {
            name: name.clone(),
            steps: case["steps"].as_u64().unwrap() as usize,
            adamw: optimiser == "adamw",
            scope: match case["scope"].as_str().unwrap() {
                "all" => InnerScope::All,
                _ => InnerScope::Encoder,
            },
            alpha: setting["alpha"][optimiser].as_f64().unwrap(),
            lambda: setting["lambda"].as_f64().unwrap(),
        }
    };
    all.iter().map(case).collect()
}

/// The inner steps of a case, target batches in parts of `most` samples (0: whole).
fn found(case: &Case, dtype: DType, most: usize, memory: Memory) -> (Network, Unrolled) {
    let (device, io) = (Device::flex(), io(NAME));
    let source = load::load(&fixture(NAME), &device, dtype).unwrap().model;
    let network = target_of(NAME, &source, &device, dtype);
    let pixels: Tensor<5> = tensor(&io, "target_pixels", &device, dtype);
    let labels = |name: &str| -> Vec<usize> {
        let values = io.read_ints(name).unwrap();
        values.into_iter().map(|v| v as usize).collect()
    };
    let [_, count, channels, height, width] = pixels.dims();
    let wanted = labels("target_labels");
    let most = if most == 0 { count } else { most };
    let batch = |k: usize| -> Vec<MicroBatch> {
        let whole = pixels.clone().narrow(0, k, 1);
        let whole = whole.reshape([count, channels, height, width]);
        let part = |first: usize| {
            let held = most.min(count - first);
            let labels = wanted[k * count + first..][..held].to_vec();
            MicroBatch {
                share: held as f64 / count as f64,
                ..MicroBatch::labelled(whole.clone().narrow(0, first, held), labels)
            }
        };
        (0..count).step_by(most).map(part).collect()
    };
    let batches: Vec<_> = (0..case.steps).map(batch).collect();
    let loss = |outputs: Dual<2>, batch: &Batch| Ok(cross_entropy(outputs, &batch.labels, 0.0));
    let precondition = case.adamw.then(|| precondition(&network, &device, dtype));
    let inner = Inner {
        scope: case.scope,
        alpha: case.alpha,
        precondition: precondition.as_ref(),
    };
    let source_batch = SourceBatch {
        samples: tensor(&io, "source_pixels", &device, dtype),
        labels: labels("source_labels"),
    };
    let embedder = &source.network.embedder;
    let primal = |dual: Dual<1>| dual.primal;
    let start = gradients(
        &network,
        &batches[0],
        &loss,
        Mode::Eval,
        memory.recompute,
        &primal,
    );
    let outer = Outer::AlignUniform(OuterSign::WangIsola);
    let found = unrolled(
        &network,
        &batches,
        start.unwrap(),
        &loss,
        embedder,
        source_batch,
        &outer,
        inner,
        true,
        memory,
    );
    (network, found.unwrap())
}

/// Compares alignment, uniformity and the gradients of a case with the fixture's.
fn against_double_backward(dtype: DType, most: usize, memory: Memory, bounds: [f64; 2]) {
    let io = io(NAME);
    for case in cases() {
        let (network, found) = found(&case, dtype, most, memory);
        let title = format!("{} {dtype:?}", case.name);
        let flat = |values: Vec<f64>| {
            let count = values.len();
            let data = TensorData::new(values, [count]);
            Tensor::<1>::from_data(data, (&Device::flex(), DType::F64))
        };
        check(&title, "inner_loss", found.inner, &io, bounds[0]);
        let [align, uniform, _] = found.outer;
        for (what, value) in [("align", align), ("uniform", uniform)] {
            let what = format!("{}.{what}", case.name);
            check(&title, &what, value, &io, bounds[0]);
        }
        let of = |grads| gradients_of(&network.embedder, grads);
        let (inner, outer) = (of(&found.inner_gradients), of(&found.outer_gradients));
        assert_eq!(outer.len(), 4);
        for (path, outer) in outer {
            let name = match path.as_str() {
                "weight" | "bias" => format!("projection.{path}"),
                _ => path.clone(),
            };
            let outer: Vec<f64> = outer.iter::<f64>().collect();
            let inner = inner[&path].iter::<f64>();
            let total = outer.iter().zip(inner).map(|(o, i)| case.lambda * o + i);
            let what = format!("{}.grad_total.{name}", case.name);
            check(&title, &what, flat(total.collect()), &io, bounds[1]);
            let what = format!("{}.grad_outer.{name}", case.name);
            check(&title, &what, flat(outer), &io, bounds[1]);
        }
    }
}

#[test]
fn k_steps_give_the_gradient_of_double_backward() {
    against_double_backward(DType::F64, 0, Memory::default(), [1e-9, 1e-8]);
}

#[test]
fn parts_and_recomputation_change_nothing() {
    for (most, micro_batch, recompute) in [(1, 3, false), (3, 0, true)] {
        let memory = Memory {
            micro_batch,
            recompute,
        };
        against_double_backward(DType::F64, most, memory, [1e-9, 1e-8]);
    }
}

#[test]
fn single_precision_is_close() {
    against_double_backward(DType::F32, 0, Memory::default(), [1e-3, 5e-2]);
}
