//! What ORCA's alignments, PaRe's patch replacement and MoNA's fixed probe compute, with gradients, against PyTorch and
//! scikit-learn in f64 (`make_objectives.py`, `objectives`).

use super::{check, io, tensor};
use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use modalign::measure::Samples;
use modalign::transfer::objectives::embedding::{Apart, Between, Estimator, Kernel};
use modalign::transfer::objectives::patches::{Replacement, relaxed_subset};
use modalign::transfer::objectives::probe::SourceProbe;
use ndarray::Array2;

const NAME: &str = "objectives";
const FACTORS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// A tensor of the fixture on the plain device.
fn of<const D: usize>(name: &str, dtype: DType) -> Tensor<D> {
    tensor(&io(NAME), name, &Device::flex(), dtype)
}

/// The same on the tracked one.
fn constant<const D: usize>(name: &str) -> Tensor<D> {
    Tensor::from_inner(of(name, DType::F64))
}

fn labels(name: &str) -> Vec<usize> {
    let values = io(NAME).read_ints(name).unwrap();
    values.into_iter().map(|v| v as usize).collect()
}

fn matrix(name: &str) -> Array2<f64> {
    let io = io(NAME);
    let shape = io.shape(name).unwrap();
    let shape = (shape[0], shape[1]);
    Array2::from_shape_vec(shape, io.read_f64(name).unwrap()).unwrap()
}

/// Compares a loss of `features` and its gradient there.
fn against(
    what: &str,
    features: &str,
    dtype: DType,
    bound: f64,
    loss: impl Fn(Tensor<2>) -> Tensor<1>,
) {
    let io = io(NAME);
    let leaf = Tensor::<2>::from_inner(of(features, dtype)).require_grad();
    let value = loss(leaf.clone());
    let title = format!("{dtype:?}");
    check(
        &title,
        &format!("{what}.value"),
        value.clone().inner(),
        &io,
        bound,
    );
    let slope = leaf.grad(&value.backward()).unwrap();
    check(&title, &format!("{what}.gradient"), slope, &io, bound);
}

#[test]
fn distances_of_embeddings_are_those_of_double_precision() {
    for (dtype, bound) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        let apart = |between| Apart::of(&matrix("source"), between, &Device::flex(), dtype);
        let l2 = apart(Between::Euclidean);
        against("l2", "target", dtype, bound, |features| l2.loss(features));
        for (name, bandwidth) in [("median", None), ("given", Some(1.7))] {
            for (way, estimator) in [
                ("biased", Estimator::Biased),
                ("unbiased", Estimator::Unbiased),
            ] {
                let mmd = apart(Between::Mmd(Kernel {
                    bandwidth,
                    factors: FACTORS.to_vec(),
                    estimator,
                }));
                let what = format!("mmd.{name}.{way}");
                against(&what, "target", dtype, bound, |features| mmd.loss(features));
            }
        }
    }
}

#[test]
fn distances_end_at_zero_with_finite_gradients() {
    let same = matrix("source");
    let place = (&Device::flex(), DType::F64);
    for between in [
        Between::Euclidean,
        Between::Mmd(Kernel {
            bandwidth: None,
            factors: FACTORS.to_vec(),
            estimator: Estimator::Biased,
        }),
    ] {
        let apart = Apart::of(&same, between.clone(), place.0, place.1);
        let leaf = Tensor::<2>::from_inner(of("source", DType::F64)).require_grad();
        let value = apart.loss(leaf.clone());
        let found = value.clone().inner().into_data().iter::<f64>().next();
        let slope = leaf.grad(&value.backward()).unwrap().into_data();
        assert!(slope.iter::<f64>().all(f64::is_finite), "{between:?}");
        // Pairs of different samples stay apart; as sets the two are equal.
        match between {
            Between::Euclidean => assert!(found > Some(0.1)),
            Between::Mmd(_) => {
                assert!(found.unwrap().abs() < 1e-12, "{found:?}");
                assert!(slope.iter::<f64>().all(|v| v.abs() < 1e-12));
            }
        }
        // All samples in one point.
        let one = Array2::from_elem((4, 3), 2.0);
        let apart = Apart::of(&one, between.clone(), place.0, place.1);
        let data = TensorData::new(vec![2.0f64; 6], [2, 3]);
        let leaf = Tensor::<2>::from_inner(Tensor::from_data(data, place)).require_grad();
        let value = apart.loss(leaf.clone());
        let found = value.clone().inner().into_data().iter::<f64>().next();
        assert!(found.unwrap().abs() < 1e-5, "{between:?}: {found:?}");
        let slope = leaf.grad(&value.backward()).unwrap().into_data();
        assert!(slope.iter::<f64>().all(f64::is_finite), "{between:?}");
    }
}

#[test]
fn patches_are_replaced_as_in_double_precision() {
    let io = io(NAME);
    let (count, warm) = (2, 0.9);
    let leaf = |name: &str| Tensor::<3>::from_inner(of(name, DType::F64)).require_grad();
    let target = leaf("patches.target");
    let source = constant::<3>("patches.source");
    let weight = Tensor::<2>::from_inner(of("patches.weight", DType::F64)).require_grad();
    let bias = Tensor::<1>::from_inner(of("patches.bias", DType::F64)).require_grad();
    let gate = |tokens: Tensor<3>| {
        let [batch, tokens_, width] = tokens.dims();
        let products = tokens * weight.clone().reshape([1, 1, width]);
        let logits = products.sum_dim(2).reshape([batch, tokens_]);
        activation::sigmoid(logits + bias.clone().reshape([1, 1]))
    };
    let drawn = [
        gate(target.clone()) + constant("patches.noise_target"),
        gate(source.clone()) + constant("patches.noise_source"),
    ];
    let [of_target, of_source] = drawn;
    let of_target = relaxed_subset(of_target, 6 - count, warm);
    let of_source = relaxed_subset(of_source, count, warm);
    let plain = |soft: &Tensor<2>| soft.clone().inner();
    check(
        "relaxed",
        "patches.relaxed_target",
        plain(&of_target),
        &io,
        1e-12,
    );
    check(
        "relaxed",
        "patches.relaxed_source",
        plain(&of_source),
        &io,
        1e-12,
    );
    let chosen = Replacement::by_scores(plain(&of_target), plain(&of_source), count);
    let soft = Some([of_target, of_source]);
    let mixed = chosen.apply(target.clone(), source.clone(), soft);
    check("drawn", "patches.drawn", mixed.clone().inner(), &io, 1e-14);
    let grads = (mixed * constant("patches.slope")).sum().backward();
    let of_target = target.grad(&grads).unwrap();
    check(
        "drawn",
        "patches.drawn.gradient_target",
        of_target,
        &io,
        1e-11,
    );
    let of_weight = weight.grad(&grads).unwrap();
    check(
        "drawn",
        "patches.drawn.gradient_weight",
        of_weight,
        &io,
        1e-11,
    );
    let of_bias = bias.grad(&grads).unwrap();
    check("drawn", "patches.drawn.gradient_bias", of_bias, &io, 1e-11);

    let target = leaf("patches.target");
    let scores = [gate(target.clone()), gate(source.clone())].map(|scores| scores.inner());
    let [of_target, of_source] = scores;
    let best = Replacement::by_scores(of_target, of_source, count);
    let mixed = best.apply(target.clone(), source, None);
    check("best", "patches.best", mixed.clone().inner(), &io, 1e-14);
    let grads = (mixed * constant("patches.slope")).sum().backward();
    let of_target = target.grad(&grads).unwrap();
    check(
        "best",
        "patches.best.gradient_target",
        of_target,
        &io,
        1e-14,
    );
}

#[test]
fn the_fixed_probe_is_scikit_learns() {
    for (name, columns) in [("three", vec![0, 1, 3]), ("two", vec![1, 2])] {
        let train = matrix(&format!("probe.{name}.train"));
        let classes = labels(&format!("probe.{name}.labels"));
        let truth = labels(&format!("probe.{name}.truth"));
        let samples = Samples::new(train.view(), &classes, 4).unwrap();
        for (dtype, bound) in [(DType::F64, 2e-5), (DType::F32, 1e-4)] {
            let place = (Device::flex(), dtype);
            let probe = SourceProbe::fit(&samples, &columns, 0.316, &place).unwrap();
            let features = format!("probe.{name}.features");
            against(
                &format!("probe.{name}"),
                &features,
                dtype,
                bound,
                |features| probe.loss(features, &truth),
            );
        }
        let place = (Device::flex(), DType::F64);
        let unknown = SourceProbe::fit(&samples, &[0, 1, 2, 3], 0.316, &place);
        assert!(unknown.is_err(), "a class without a sample");
    }
}
