//! The projection against an independent NumPy version (`tests/fixtures/spherical/make.py`).

use ndarray::{Array1, Array2, Array3};

use super::super::InMemory;
use super::*;
use crate::fixture::{npz, npz_f32};

#[test]
fn agrees_with_the_formula_in_numpy() {
    let file = "spherical/spherical.npz";
    let image: Array3<f32> = npz_f32(file, "image");
    let fill: Array1<f32> = npz_f32(file, "fill");
    let turn: Array2<f64> = npz(file, "rotation").into_dimensionality().unwrap();
    let turn: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| turn[(i, j)]));
    let mut worst = 0f32;
    for (name, rotation) in [("plain", IDENTITY), ("turned", turn)] {
        let expected: Array3<f32> = npz_f32(file, name);
        let mut out = vec![f32::NAN; expected.len()];
        let fill = fill.as_slice().unwrap();
        Projection::new(30).apply(
            image.as_slice().unwrap(),
            [32, 32],
            &rotation,
            fill,
            &mut out,
        );
        for (a, b) in out.iter().zip(expected.iter()) {
            worst = worst.max((a - b).abs());
        }
        // both image and background are on the sphere
        assert!(out.iter().filter(|&&x| x == fill[0]).count() > 500);
        assert!(out.iter().filter(|&&x| x > 0.0).count() > 500);
    }
    println!("largest difference from the formula: {worst:e}");
    assert!(worst < 1e-5, "largest difference {worst}");
}

#[test]
fn rotations_are_proper_uniform_and_fixed_by_name() {
    let mut mean = [[0.0; 3]; 3];
    for index in 0..2000 {
        let m = uniform_rotation(&mut ROTATION.rng(1, &[index]));
        assert_eq!(m, uniform_rotation(&mut ROTATION.rng(1, &[index])));
        for i in 0..3 {
            for j in 0..3 {
                let dot: f64 = (0..3).map(|k| m[i][k] * m[j][k]).sum();
                assert!((dot - f64::from(i == j)).abs() < 1e-12);
                mean[i][j] += m[i][j] / 2000.0;
            }
        }
        let determinant = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
        assert!((determinant - 1.0).abs() < 1e-12);
    }
    assert!(mean.iter().flatten().all(|m| m.abs() < 0.05), "{mean:?}");
}

#[test]
fn parts_have_their_own_rotations() {
    let data = (0..3 * 64).map(|i| (i % 7) as f32).collect();
    let set = InMemory::new([3, 8, 8], vec!["a".into()], vec![0], data).unwrap();
    let set: Arc<dyn Dataset> = Arc::new(set);
    let splits = Splits::new(set.clone(), set.clone(), set.clone());
    let projection = Arc::new(Projection::new(30));
    let make = |rotation, seed| {
        let splits = Spherical::splits(&splits, &projection, rotation, &[0.0; 3], seed).unwrap();
        [splits.train, splits.valid, splits.test].map(|part| {
            let mut out = vec![0.0; sample_len(part.as_ref())];
            part.read(0, &mut out).unwrap();
            out
        })
    };
    let turned = make(Rotation::Uniform, 5);
    assert_eq!(turned[0].len(), 3 * 60 * 60);
    assert_eq!(turned, make(Rotation::Uniform, 5));
    assert_ne!(turned[0], turned[1]);
    assert_ne!(turned[0], make(Rotation::Uniform, 6)[0]);
    let plain = make(Rotation::None, 5);
    assert_eq!(plain[0], plain[2]);
    assert!(Spherical::new(set, projection, Rotation::None, &[0.0], 0, 0).is_err());
}
