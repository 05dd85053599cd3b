//! Losses, their gradients, tangents and the gradients of those against PyTorch, in f64.

use super::*;
use crate::fixture;
use burn::tensor::{DType, Device};

/// A matrix of a fixture.
fn matrix(name: &str) -> (Vec<f64>, [usize; 2]) {
    let array = fixture::npz("losses/losses.npz", name);
    let shape = [array.shape()[0], array.shape()[1]];
    (array.into_iter().collect(), shape)
}

fn numbers(name: &str) -> Vec<f64> {
    fixture::npz("losses/losses.npz", name)
        .into_iter()
        .collect()
}

fn tensor((values, shape): (Vec<f64>, [usize; 2])) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(values, shape),
        (&Device::flex(), DType::F64),
    )
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f64> {
    t.into_data().try_to_vec().unwrap()
}

fn tracked(t: Tensor<2>) -> Tensor<2> {
    Tensor::from_inner(t).require_grad()
}

/// A fixture's targets as plain numbers, lent in their kind.
struct Expected(Vec<usize>, Vec<f32>, String);

impl Expected {
    fn of(case: &serde_json::Value) -> Self {
        let t = numbers(&format!("{}.t", case["name"].as_str().unwrap()));
        let labels = t.iter().map(|&v| v as usize).collect();
        let kind = case["targets"].as_str().unwrap().to_owned();
        Self(labels, t.iter().map(|&v| v as f32).collect(), kind)
    }

    fn lend(&self) -> Targets<'_> {
        match self.2.as_str() {
            "labels" => Targets::Labels(&self.0),
            "multi-hot" => Targets::MultiHot(&self.1),
            _ => Targets::Dense(&self.1),
        }
    }
}

#[test]
fn values_gradients_and_their_derivatives_are_those_of_pytorch() {
    let (cases, mut largest) = (fixture::json("losses/cases.json"), [0.0f64; 4]);
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let loss: TaskLoss = serde_json::from_value(case["loss"].clone()).unwrap();
        let (expected, z) = (Expected::of(case), matrix(&format!("{name}.z")));
        let v = Tensor::from_inner(tensor(matrix(&format!("{name}.v"))));

        let plain = tracked(tensor(z.clone()));
        let value = loss.loss(plain.clone().into(), &expected.lend()).unwrap();
        assert!(value.tangent.is_none());
        let gradient = plain.grad(&value.primal.clone().backward()).unwrap();

        let moving = tracked(tensor(z));
        let dual = loss
            .loss(Dual::new(moving.clone(), v), &expected.lend())
            .unwrap();
        assert_eq!(values(dual.primal), values(value.primal.clone()));
        let tangent = dual.tangent.unwrap();
        let bend = moving.grad(&tangent.clone().backward());

        let mut found = vec![
            ("value", values(value.primal)),
            ("gradient", values(gradient)),
            ("tangent", values(tangent)),
        ];
        if name != "relative-l2-exact" {
            let none = || vec![0.0; numbers(&format!("{name}.z")).len()];
            found.push(("bend", bend.map_or_else(none, values)));
        }
        for (at, (part, found)) in found.into_iter().enumerate() {
            let want = numbers(&format!("{name}.{part}"));
            assert_eq!(found.len(), want.len());
            let scale = want.iter().fold(f64::MIN_POSITIVE, |a, v| a.max(v.abs()));
            for (f, w) in found.iter().zip(&want) {
                let error = (f - w).abs() / scale;
                assert!(error <= 1e-10, "{name}: {part} {f} {w}");
                largest[at] = largest[at].max(error);
            }
        }
    }
    println!("largest errors (value, gradient, tangent, its gradient): {largest:?}");
}

#[test]
fn single_precision_is_that_of_the_same_values() {
    for case in fixture::json("losses/cases.json").as_array().unwrap() {
        let (name, expected) = (case["name"].as_str().unwrap(), Expected::of(case));
        let loss: TaskLoss = serde_json::from_value(case["loss"].clone()).unwrap();
        let z = tracked(tensor(matrix(&format!("{name}.z"))).cast(DType::F32));
        let value = loss
            .loss(z.clone().into(), &expected.lend())
            .unwrap()
            .primal;
        let gradient = z.grad(&value.clone().backward()).unwrap();
        let value = f64::from(value.into_scalar::<f32>());
        let want = numbers(&format!("{name}.value"))[0];
        assert!((value / want - 1.0).abs() < 1e-5, "{name}: {value} {want}");
        let want = numbers(&format!("{name}.gradient"));
        for (found, want) in gradient.into_data().iter::<f64>().zip(want) {
            assert!((found - want).abs() < 1e-5, "{name}: {found} {want}");
        }
    }
}

#[test]
fn sure_and_right_logits_keep_every_digit() {
    let loss = TaskLoss::MultiLabel { pos_weight: 3.0 };
    let z = tracked(tensor((vec![40.0, -40.0], [1, 2])));
    let targets = [1.0, 0.0];
    let found = loss
        .loss(z.clone().into(), &Targets::MultiHot(&targets))
        .unwrap();
    let small = (-40.0f64).exp();
    let gradient = values(z.grad(&found.primal.clone().backward()).unwrap());
    for (found, want) in [
        (values(found.primal)[0], 2.0 * small),
        (gradient[0], -1.5 * small),
        (gradient[1], 0.5 * small),
    ] {
        assert!((found / want - 1.0).abs() < 1e-14, "{found} {want}");
    }
}

#[test]
fn parts_of_a_batch_add_up_by_their_shares() {
    let cases = fixture::json("losses/cases.json");
    for case in cases.as_array().unwrap() {
        let loss: TaskLoss = serde_json::from_value(case["loss"].clone()).unwrap();
        let (name, expected) = (case["name"].as_str().unwrap(), Expected::of(case));
        let (z, [batch, width]) = matrix(&format!("{name}.z"));
        let of = |from: usize, to: usize| {
            let dense = from * width..to * width;
            let targets = match expected.lend() {
                Targets::Labels(l) => Targets::Labels(&l[from..to]),
                Targets::Mixed { .. } => unreachable!("no case of the fixture is mixed"),
                Targets::MultiHot(t) => Targets::MultiHot(&t[dense.clone()]),
                Targets::Dense(t) => Targets::Dense(&t[dense.clone()]),
            };
            let z = tensor((z[dense.clone()].to_vec(), [to - from, width]));
            let mean = loss.loss(z.into(), &targets).unwrap().primal;
            values(mean)[0] * (to - from) as f64 / batch as f64
        };
        let (whole, parts) = (of(0, batch), of(0, 1) + of(1, batch));
        assert!(
            (whole - parts).abs() <= 1e-13 * whole,
            "{name}: {whole} {parts}"
        );
    }
}

#[test]
fn the_settings_are_those_of_a_manifest() {
    let read = |text: &str| toml::from_str::<TaskLoss>(text);
    for (text, want) in [
        (
            "name = 'cross-entropy'",
            TaskLoss::CrossEntropy { smoothing: 0.0 },
        ),
        (
            "name = 'multi-label'\npos_weight = 10",
            TaskLoss::MultiLabel { pos_weight: 10.0 },
        ),
        ("name = 'relative-l2'", TaskLoss::RelativeL2 {}),
        ("name = 'mse'", TaskLoss::Mse {}),
        (
            "name = 'nrmse'\nchannels = 2",
            TaskLoss::Nrmse { channels: 2 },
        ),
        ("name = 'nrmse'", TaskLoss::Nrmse { channels: 1 }),
        (
            "name = 'binary-cross-entropy'",
            TaskLoss::BinaryCrossEntropy { pos_weight: 1.0 },
        ),
    ] {
        assert_eq!(read(text).unwrap(), want);
        assert_eq!(read(&toml::to_string(&want).unwrap()).unwrap(), want);
        assert!(text.contains(want.name()));
        let more = format!("{text}\nextra = 1");
        assert!(
            read(&more).unwrap_err().to_string().contains("extra"),
            "{more}"
        );
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let classes = PredictorSpec::Classification { classes: 3 };
    let labels = PredictorSpec::MultiLabel { classes: 3 };
    let signal = PredictorSpec::Dense1d {
        channels: 2,
        length: 4,
    };
    let plain = TaskLoss::CrossEntropy { smoothing: 0.1 };
    let weighted = TaskLoss::MultiLabel { pos_weight: 10.0 };
    for (loss, spec) in [
        (plain, &classes),
        (weighted, &labels),
        (TaskLoss::RelativeL2 {}, &signal),
        (TaskLoss::Nrmse { channels: 2 }, &signal),
        (TaskLoss::BinaryCrossEntropy { pos_weight: 1.0 }, &signal),
    ] {
        loss.check(spec).unwrap();
    }
    for (loss, spec) in [
        (plain, &labels),
        (weighted, &classes),
        (TaskLoss::Mse {}, &classes),
        (TaskLoss::CrossEntropy { smoothing: 1.0 }, &classes),
        (
            TaskLoss::CrossEntropy {
                smoothing: f64::NAN,
            },
            &classes,
        ),
        (TaskLoss::MultiLabel { pos_weight: 0.0 }, &labels),
        (
            TaskLoss::BinaryCrossEntropy {
                pos_weight: f64::INFINITY,
            },
            &signal,
        ),
        (TaskLoss::Nrmse { channels: 1 }, &signal),
    ] {
        let error = loss.check(spec).unwrap_err();
        assert!(matches!(error, TransferError::Setting { .. }), "{error}");
    }
}

#[test]
fn targets_that_do_not_suit_are_refused() {
    let z = |shape: [usize; 2]| Dual::from(tensor((vec![0.5; shape[0] * shape[1]], shape)));
    let (zeros, ones, nan) = ([0.0f32; 6], [1.0f32; 6], [f32::NAN; 6]);
    let half = [0.5f32; 6];
    let late = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let entropy = TaskLoss::CrossEntropy { smoothing: 0.0 };
    let multi = TaskLoss::MultiLabel { pos_weight: 1.0 };
    let mask = TaskLoss::BinaryCrossEntropy { pos_weight: 1.0 };
    let (l2, mse) = (TaskLoss::RelativeL2 {}, TaskLoss::Mse {});
    let nrmse = |channels| TaskLoss::Nrmse { channels };
    for (loss, shape, targets, says) in [
        (
            entropy,
            [2, 3],
            Targets::Labels(&[0]),
            "expected 2 of them, found 1",
        ),
        (
            entropy,
            [2, 3],
            Targets::Labels(&[0, 3]),
            "below 3, found 3 in row 1",
        ),
        (
            entropy,
            [2, 3],
            Targets::Dense(&ones),
            "expected labels, found dense",
        ),
        (entropy, [0, 3], Targets::Labels(&[]), "found [0, 3]"),
        (
            multi,
            [2, 3],
            Targets::Labels(&[0, 1]),
            "expected multi-hot targets",
        ),
        (
            multi,
            [2, 3],
            Targets::MultiHot(&half),
            "expected 0 or 1, found 0.5",
        ),
        (
            multi,
            [2, 2],
            Targets::MultiHot(&ones),
            "expected 4 of them, found 6",
        ),
        (
            mask,
            [2, 3],
            Targets::Dense(&nan),
            "found NaN in row 0, column 0",
        ),
        (
            mask,
            [2, 3],
            Targets::MultiHot(&ones),
            "expected dense targets",
        ),
        (mse, [2, 3], Targets::Dense(&nan), "expected finite numbers"),
        (
            l2,
            [2, 3],
            Targets::Dense(&late),
            "only 0 in row 1, channel 0",
        ),
        (nrmse(3), [2, 3], Targets::Dense(&zeros), "only 0 in row 0"),
        (nrmse(3), [2, 3], Targets::Dense(&late), "row 0, channel 1"),
        (
            nrmse(2),
            [2, 3],
            Targets::Dense(&ones),
            "expected 2 channels",
        ),
        (
            nrmse(0),
            [2, 3],
            Targets::Dense(&ones),
            "expected 0 channels",
        ),
    ] {
        let error = loss.loss(z(shape), &targets).unwrap_err();
        let found = error.to_string();
        assert!(matches!(error, TransferError::Targets { .. }));
        assert!(found.contains(says), "{found}: not {says}");
    }
}

#[test]
fn a_mixed_sample_costs_the_shares_of_both_labels() {
    let z = || tensor((vec![0.3, -1.0, 2.0, 0.5, 0.0, -0.7], [2, 3]));
    let loss = TaskLoss::CrossEntropy { smoothing: 0.1 };
    let of = |targets: &Targets| values(loss.loss(z().into(), targets).unwrap().primal)[0];
    let mixed = of(&Targets::Mixed {
        labels: &[0, 2],
        partners: &[2, 0],
        share: 0.7,
    });
    let whole = 0.7 * of(&Targets::Labels(&[0, 2])) + 0.3 * of(&Targets::Labels(&[2, 0]));
    assert!((mixed - whole).abs() < 1e-12, "{mixed} {whole}");
    let wrong = Targets::Mixed {
        labels: &[0, 2],
        partners: &[3, 0],
        share: 0.7,
    };
    assert!(loss.loss(z().into(), &wrong).is_err());
}
