//! Gradients against central differences in double precision, of every parameter along a direction of all its numbers.

use super::forward::stirred;
use super::*;
use crate::model::state::{gradients, parameters, scalar, state, trains, with_state};
use burn::module::Module;
use burn::optim::GradientsParams;
use std::path::Path;

const DTYPE: DType = DType::F64;

/// A number of every vector, picture with text, and τ.
fn loss(tuning: &Tuning, towers: &TwoTower) -> Tensor<1> {
    let [_, image, text] = outputs(tuning, towers, DTYPE);
    let rows = text.dims()[0];
    let text = text + tuning.name_embeds(towers, ids(), 0..rows).mul_scalar(0.5);
    let scores = image.matmul(text.transpose());
    let [rows, columns] = scores.dims();
    let weights: Vec<f64> = (0..rows * columns).map(|i| (i as f64).sin()).collect();
    let weights = TensorData::new(weights, [rows, columns]);
    let weights = Tensor::<2>::from_data(weights, (&Device::flex(), DTYPE));
    let weights = if scores.is_autodiff() {
        weights.autodiff()
    } else {
        weights
    };
    let logits = scores * tuning.temperature().recip().reshape([1, 1]);
    (logits.square() * weights).sum()
}

#[test]
fn gradients_equal_central_differences_and_towers_have_none() {
    let of = loaded(DTYPE);
    let constants = constant(&of.towers);
    assert!(!trains(&constants));
    let before = state(&of.towers);
    for settings in kinds() {
        let tuning = Tuning::new(&of.config, &of.towers, settings, 0.5, 5).unwrap();
        let tuning = stirred(&tuning);
        let tracked = tuning.clone().train();
        let value = loss(&tracked, &constants);
        let same = scalar(value.clone().inner()) - scalar(loss(&tuning, &of.towers));
        assert!(same.abs() < 1e-12, "{settings:?}: {same}");
        let mut grads = value.backward();
        let none = GradientsParams::from_module(&mut grads, &constants);
        assert!(none.is_empty(), "{settings:?}: {} gradients", none.len());
        let grads = GradientsParams::from_module(&mut grads, &tracked);
        let found = gradients(&tracked, &grads);
        assert_eq!(found.len(), parameters(&tuning).len(), "{settings:?}");

        let (own, h) = (state(&tuning), 1e-5);
        let mut slopes = Vec::new();
        for (path, gradient) in &found {
            let way = |at: usize| (1.7 * at as f64 + 0.4).cos();
            let moved = |by: f64| {
                let mut arrays = own.clone();
                let values = own[path].iter::<f64>().enumerate();
                let values: Vec<f64> = values.map(|(at, v)| v + by * way(at)).collect();
                let shape = own[path].shape().to_vec();
                arrays.insert(path.clone(), TensorData::new(values, shape));
                let there = with_state(tuning.clone(), arrays, DTYPE, Path::new("")).unwrap();
                scalar(loss(&there, &of.towers))
            };
            let slope = (moved(h) - moved(-h)) * 0.5 / h;
            let expected = gradient.iter::<f64>().enumerate();
            let along: f64 = expected.map(|(at, g)| g * way(at)).sum();
            slopes.push((path, slope, along));
        }
        let largest = slopes
            .iter()
            .fold(0.0f64, |most, (_, s, _)| most.max(s.abs()));
        assert!(largest > 1e-2, "{settings:?}: {largest}");
        for (path, slope, along) in slopes {
            let error = (slope - along).abs();
            assert!(
                error < 1e-7 * largest,
                "{settings:?} {path}: {along} and {slope}"
            );
        }
    }
    assert_eq!(before, state(&of.towers));
}
