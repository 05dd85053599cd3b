//! What tunings change and do not change, and how large they are.

use super::*;
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::state::{parameters, scalar, size, state, trains, with_state};
use burn::module::Module;
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn fresh_tunings_change_no_bit_but_the_feature_adapter_and_prompts() {
    let of = loaded(DType::F32);
    let expected = plain(&of.towers, DType::F32).map(bytes);
    let constants = constant(&of.towers);
    for settings in kinds() {
        let tuning = fresh(&of, settings);
        assert_eq!(tuning.settings(), settings);
        assert_eq!(tuning.name(), settings.name());
        let found = outputs(&tuning, &of.towers, DType::F32).map(bytes);
        let tracked = outputs(&tuning.train(), &constants, DType::F32).map(bytes);
        assert_eq!(found, tracked, "{settings:?}");
        let same = [0, 1, 2].map(|i| found[i] == expected[i]);
        let changed = match settings {
            Settings::FeatureAdapter(own) => [true, false, !own.texts],
            Settings::Context(_) => [true, true, false],
            Settings::VisualPrompts(_) => [false, false, true],
            Settings::Maple(_) | Settings::Mmap(_) => [false; 3],
            _ => [true; 3],
        };
        assert_eq!(same, changed, "{settings:?}");
    }
}

#[test]
fn sizes_are_those_of_the_formulas() {
    let of = loaded(DType::F32);
    let both = |f: &dyn Fn(usize, usize) -> usize| 2 * (f(40, 80) + f(32, 64)) + 1;
    for (settings, count) in [
        (Settings::Untouched(Nothing {}), 1),
        (Settings::Projections(Nothing {}), 20 * (40 + 32) + 1),
        // τ in the place of the scale.
        (Settings::Whole(Nothing {}), size(&of.towers)),
        (
            Settings::LowRank(LOW_RANK),
            both(&|d, h| 3 * ((d + 3 * d) + 2 * d + 2 * (d + h))),
        ),
        (
            Settings::LowRank(LowRankSettings {
                scope: Scope::Attention,
                ..LOW_RANK
            }),
            both(&|d, _| 3 * ((d + 3 * d) + 2 * d)),
        ),
        (
            Settings::Bottleneck(BottleneckSettings { width: 6 }),
            both(&|d, _| 2 * 6 * d + 6 + d),
        ),
        (Settings::FeatureAdapter(FEATURE_ADAPTER), 2 * 20 * 5 + 1),
        // Of every layer: 3 d of attention, its projection, the MLP and two norms.
        (
            Settings::Biases(Nothing {}),
            both(&|d, h| 7 * d + h) + 2 * 40 + 32,
        ),
        (Settings::Context(CONTEXT), 3 * 32 + 1),
        (Settings::Context(CONTEXTS), 6 * 3 * 32 + 1),
        (Settings::VisualPrompts(VISUAL), 2 * 2 * 40 + 1),
        (Settings::Maple(MAPLE), 2 * 32 + 40 * 32 + 40 + 1),
        // m·n + L·b·(dl + dv) / (m·n)
        (Settings::Mmap(PROMPTS), 4 + 2 * 4 * (40 + 32) / 4 + 1),
    ] {
        assert_eq!(size(&fresh(&of, settings)), count, "{settings:?}");
    }
}

#[test]
fn the_feature_adapter_mixes_before_lengths_are_one() {
    let of = loaded(DType::F64);
    let tuning = fresh(&of, Settings::FeatureAdapter(FEATURE_ADAPTER));
    let all = state(&tuning);
    let matrix = |path: &str| {
        let data = all[path].clone();
        Tensor::<2>::from_data(data, (&Device::flex(), DType::F64))
    };
    let [features, ..] = plain(&of.towers, DType::F64);
    let weight = of.towers.image.projection.weight.val();
    let f = features.matmul(weight.transpose());
    let narrow = f.clone().matmul(matrix("image.down.weight").transpose());
    let adapted = narrow
        .clamp_min(0.0)
        .matmul(matrix("image.up.weight").transpose());
    let mixed = adapted.clamp_min(0.0).mul_scalar(0.2) + f.mul_scalar(0.8);
    let length = mixed.clone().square().sum_dim(1).sqrt();
    let found = tuning.image_embeds(&of.towers, pixels(DType::F64));
    assert!(furthest(found, mixed / length) < 1e-12);
}

/// Merged by hand into the towers' matrices, number by number.
#[test]
fn low_rank_is_the_towers_with_other_matrices() {
    let of = loaded(DType::F64);
    for scope in [Scope::All, Scope::Attention] {
        let settings = LowRankSettings { scope, ..LOW_RANK };
        let tuning = stirred(&fresh(&of, Settings::LowRank(settings)));
        let factors = state(&tuning);
        let mut merged = of.towers.clone();
        let mut count = 0;
        for (name, which) in [("image", Which::Image), ("text", Which::Text)] {
            let tower = of.towers.tower(which);
            let mut arrays = state(tower);
            for (path, data) in &mut arrays {
                let place = path
                    .replace("encoder.layers.", &format!("{name}."))
                    .replace("mlp.", "")
                    .replace("weight", "");
                let Some(a) = factors.get(&format!("{place}a")) else {
                    continue;
                };
                let b = &factors[&format!("{place}b")];
                *data = by_hand(data, a, b, 4.5 / 3.0);
                count += 1;
            }
            let tower = with_state(tower.clone(), arrays, DType::F64, Path::new("")).unwrap();
            match which {
                Which::Image => merged.image = tower,
                Which::Text => merged.text = tower,
            }
        }
        assert_eq!(count, if scope == Scope::All { 16 } else { 8 });
        let found = outputs(&tuning, &of.towers, DType::F64);
        let changed = furthest(found[1].clone(), plain(&of.towers, DType::F64)[1].clone());
        assert!(changed > 1e-3, "{changed}");
        for (found, expected) in found.into_iter().zip(plain(&merged, DType::F64)) {
            let error = furthest(found, expected);
            assert!(error < 1e-12, "{error}");
        }
    }
}

fn by_hand(matrix: &TensorData, a: &TensorData, b: &TensorData, scale: f64) -> TensorData {
    let (rank, inputs) = (a.shape()[0], a.shape()[1]);
    let numbers = |of: &TensorData| of.iter::<f64>().collect::<Vec<f64>>();
    let (a, b) = (numbers(a), numbers(b));
    let mut all = numbers(matrix);
    for (at, value) in all.iter_mut().enumerate() {
        let (row, column) = (at / inputs, at % inputs);
        let sum: f64 = (0..rank)
            .map(|k| b[row * rank + k] * a[k * inputs + column])
            .sum();
        *value += scale * sum;
    }
    TensorData::new(all, matrix.shape().to_vec())
}

/// The tuning with every parameter somewhat elsewhere.
pub(super) fn stirred(tuning: &Tuning) -> Tuning {
    let mut seed = 0.3f64;
    let arrays: BTreeMap<String, TensorData> = state(tuning)
        .into_iter()
        .map(|(path, data)| {
            let moved = data.iter::<f64>().map(|value| {
                seed = (seed * 997.0 + 0.137).fract();
                value + 0.1 * (seed - 0.5)
            });
            let moved: Vec<f64> = moved.collect();
            (path, TensorData::new(moved, data.shape().to_vec()))
        })
        .collect();
    with_state(tuning.clone(), arrays, DType::F64, Path::new(""))
        .unwrap()
        .unfreeze()
}

#[test]
fn parameters_of_tunings_are_their_own() {
    use burn::module::{ModuleVisitor, Param, ParamId};
    #[derive(Default)]
    struct Ids(Vec<ParamId>);
    impl ModuleVisitor for Ids {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.id);
        }
    }
    let of = loaded(DType::F32);
    let mut towers = Ids::default();
    of.towers.visit(&mut towers);
    for settings in kinds() {
        // Also of towers that stand beside another tuning.
        for towers_of in [of.towers.clone(), constant(&of.towers)] {
            let tuning = Tuning::new(&of.config, &towers_of, settings, 0.07, 1).unwrap();
            let mut own = Ids::default();
            tuning.visit(&mut own);
            assert_eq!(own.0.len(), parameters(&tuning).len());
            assert!(
                own.0.iter().all(|id| !towers.0.contains(id)),
                "{settings:?}"
            );
            assert!(!tuning.temperature().is_autodiff());
            assert!(trains(&tuning.train()));
        }
    }
}

#[test]
fn temperatures_are_bounded_where_asked() {
    let of = loaded(DType::F32);
    for settings in kinds() {
        let tuning = fresh(&of, settings).train();
        let value = |tuning: &Tuning| scalar(tuning.temperature().inner());
        assert!((value(&tuning) - 0.07).abs() < 1e-8);
        let tuning = tuning.with_temperature_at_least(0.01);
        assert!((value(&tuning) - 0.07).abs() < 1e-8);
        let tuning = tuning.with_temperature_at_least(0.125);
        assert_eq!(value(&tuning), 0.125);
        assert!(tuning.temperature().is_require_grad());
        assert!(tuning.valid().train().temperature().is_require_grad());
        let plain = tuning.valid().with_temperature_at_least(0.25);
        assert_eq!(value(&plain.train()), 0.25);
    }
}

#[test]
fn a_class_has_vectors_of_its_own_and_other_texts_their_mean() {
    let of = loaded(DType::F64);
    let all = stirred(&fresh(&of, Settings::Context(CONTEXTS)));
    let vectors = state(&all)["vectors"].clone();
    let numbers: Vec<f64> = vectors.iter().collect();
    let (classes, each) = (CONTEXTS.classes, CONTEXT.tokens * 32);
    let shared = |values: Vec<f64>| {
        let mut arrays = state(&fresh(&of, Settings::Context(CONTEXT)));
        let data = TensorData::new(values, [CONTEXT.tokens, 32]);
        arrays.insert("vectors".into(), data);
        let blank = fresh(&of, Settings::Context(CONTEXT));
        with_state(blank, arrays, DType::F64, Path::new("")).unwrap()
    };
    let whole = all.name_embeds(&of.towers, ids(), 0..classes);
    for class in 0..classes {
        let own = shared(numbers[class * each..][..each].to_vec());
        let row = ids().narrow(0, class, 1);
        let expected = own.text_embeds(&of.towers, row.clone());
        let alone = all.name_embeds(&of.towers, row, class..class + 1);
        assert!(furthest(alone, expected.clone()) < 1e-12);
        assert!(furthest(whole.clone().narrow(0, class, 1), expected) < 1e-12);
    }
    let mean = (0..each).map(|at| {
        let of_classes = (0..classes).map(|class| numbers[class * each + at]);
        of_classes.sum::<f64>() / classes as f64
    });
    let expected = shared(mean.collect()).text_embeds(&of.towers, ids());
    let found = all.text_embeds(&of.towers, ids());
    assert!(furthest(found.clone(), expected) < 1e-12);
    assert!(furthest(found, whole) > 1e-4);
    // Of kinds without anything of a class, names are texts.
    let plain = fresh(&of, Settings::Maple(MAPLE));
    let names = plain.name_embeds(&of.towers, ids(), 0..classes);
    assert_eq!(bytes(names), bytes(plain.text_embeds(&of.towers, ids())));
    let fewer = Settings::Context(CONTEXT).of_classes(7);
    assert_eq!(fewer, Settings::Context(CONTEXT));
    assert_eq!(
        Settings::Context(CONTEXTS).of_classes(7),
        Settings::Context(ContextSettings {
            classes: 7,
            ..CONTEXT
        })
    );
}
