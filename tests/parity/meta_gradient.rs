//! MoNA's exact meta-gradient through dual evaluation, against PyTorch's double backward in f64
//! (`make_fixtures.py`, `mona`): one ordinary backward pass of `L_inner − λα·L̇`, the tangent taken
//! along v = ∇L_outer at the stepped encoder.

use super::{check, fixture, io, tensor};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::manifest::parts::PredictorSpec;
use modalign::model::state::{parameters, with_state};
use modalign::model::{Encoder, Model, Network, Pass, Target, load};
use modalign::transfer::loss::cross_entropy;
use std::collections::BTreeMap;

/// Alignment plus uniformity on the unit sphere over pairs i < j (Wang & Isola 2020).
fn outer(features: Tensor<2>, labels: &[usize]) -> [Tensor<1>; 2] {
    let norm = features.clone().square().sum_dim(1).sqrt();
    let z = features / norm;
    let gram = z.clone().matmul(z.transpose());
    let square = gram.mul_scalar(-2.0).add_scalar(2.0);
    let n = labels.len();
    let mask = |keep: &dyn Fn(usize, usize) -> bool| {
        let values: Vec<f64> = (0..n * n)
            .map(|i| f64::from(i / n < i % n && keep(i / n, i % n)))
            .collect();
        let count: f64 = values.iter().sum();
        let data = TensorData::new(values, [n, n]);
        let mask = Tensor::<2>::from_data(data, (&square.device(), square.dtype()));
        (mask, count)
    };
    let (same, pairs) = mask(&|i, j| labels[i] == labels[j]);
    // not `div_scalar`: burn 0.22.1 rounds its gradient to f32
    let align = (square.clone() * same).sum().mul_scalar(1.0 / pairs);
    let (all, pairs) = mask(&|_, _| true);
    let near = (square.clone().mul_scalar(-2.0).exp() * all).sum();
    [align, near.mul_scalar(1.0 / pairs).log()]
}

/// One SGD step.
struct Step<'a>(&'a GradientsParams, f64);

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(by) = self.0.get::<D>(param.id).map(|g| g.mul_scalar(self.1)) else {
            return param;
        };
        param.map(|p| Tensor::from_inner(p.inner() - by).require_grad())
    }
}

/// Labels of a fixture.
fn labels(name: &str) -> Vec<usize> {
    let values = io("mona").read_ints(name).unwrap();
    values.into_iter().map(|v| v as usize).collect()
}

/// The fixture's target model: its embedder and head on the source's encoder.
fn target(source: &Model, device: &Device) -> Network {
    let io = io("mona");
    let channels = io.shape("phi.projection.weight").unwrap()[1];
    let classes = io.shape("head.weight").unwrap()[0];
    let side = io.shape("target_pixels").unwrap()[2];
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
    let network = with_state(model.network, arrays, DType::F64, "fixture".as_ref()).unwrap();
    network.to_device(device).unfreeze().train()
}

#[test]
fn mona_meta_gradient() {
    let (device, io) = (Device::flex(), io("mona"));
    let setting = std::fs::read_to_string(fixture("mona").join("setting.json")).unwrap();
    let setting: serde_json::Value = serde_json::from_str(&setting).unwrap();
    let [alpha, lambda] = ["alpha", "lambda"].map(|k| setting[k].as_f64().unwrap());
    let source = load::load(&fixture("mona"), &device, DType::F64)
        .unwrap()
        .model;
    let network = target(&source, &device);
    let tracked = device.clone().autodiff();
    let pixels = |name| tensor::<4>(&io, name, &tracked, DType::F64);
    let (wanted, shown) = (labels("target_labels"), labels("source_labels"));

    // inner: loss and gradient of the target model
    let logits = network.forward(pixels("target_pixels"), &mut Pass::eval());
    let inner = cross_entropy(logits, &wanted, 0.0).primal;
    check("mona", "inner_loss", inner.clone().inner(), &io, 1e-10);
    let grads = GradientsParams::from_grads(inner.backward(), &network);

    // outer: features of source samples through the stepped encoder, and v
    let stepped: Encoder = network.encoder.clone().map(&mut Step(&grads, alpha));
    let embedder = source.network.embedder.clone().freeze().train();
    let tokens = embedder.forward(pixels("source_pixels"), &mut Pass::eval());
    let features = stepped.features(tokens, &mut Pass::eval()).primal;
    let [align, uniform] = outer(features, &shown);
    check("mona", "align", align.clone().inner(), &io, 1e-10);
    check("mona", "uniform", uniform.clone().inner(), &io, 1e-10);
    let v = GradientsParams::from_grads((align + uniform).backward(), &stepped);
    assert_eq!(v.len(), parameters(&network.encoder).len());

    // forward over reverse
    let mut pass = Pass::eval().along(&v);
    let logits = network.forward(pixels("target_pixels"), &mut pass);
    let loss = cross_entropy(logits, &wanted, 0.0);
    let along = loss.tangent.expect("the encoder moves");
    let total = loss.primal - along.mul_scalar(lambda * alpha);
    let total = GradientsParams::from_grads(total.backward(), &network);
    let embedder = modalign::model::state::gradients(&network.embedder, &total);
    for (path, name) in [
        ("weight", "projection.weight"),
        ("bias", "projection.bias"),
        ("norm.weight", "norm.weight"),
        ("norm.bias", "norm.bias"),
    ] {
        let found: Vec<f64> = embedder[path].iter::<f64>().collect();
        let inner = io.read_f64(&format!("grad_inner.{name}")).unwrap();
        let outer: Vec<f64> = found
            .iter()
            .zip(&inner)
            .map(|(total, inner)| (total - inner) / lambda)
            .collect();
        let flat = |values: Vec<f64>| {
            let count = values.len();
            let data = TensorData::new(values, [count]);
            Tensor::<1>::from_data(data, (&device, DType::F64))
        };
        check(
            "mona",
            &format!("grad_total.{name}"),
            flat(found),
            &io,
            1e-10,
        );
        check(
            "mona",
            &format!("grad_outer.{name}"),
            flat(outer),
            &io,
            1e-10,
        );
    }
}
