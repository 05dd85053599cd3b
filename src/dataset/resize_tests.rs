//! Resizing against torchvision's own output (`tests/fixtures/resize/make.py`).

use ndarray::Array3;

use super::super::InMemory;
use super::*;
use crate::fixture::npz_f32;

#[test]
fn agrees_with_torchvision() {
    let file = "resize/resize.npz";
    let mut worst = 0f32;
    for case in ["up", "down", "mixed", "tall", "double", "same", "one"] {
        let source: Array3<f32> = npz_f32(file, &format!("in_{case}"));
        let expected: Array3<f32> = npz_f32(file, &format!("out_{case}"));
        let ((c, h, w), (_, rows, columns)) = (source.dim(), expected.dim());
        let mut out = vec![0.0; expected.len()];
        Resizer::new([h, w], [rows, columns])
            .apply(source.as_slice().unwrap(), c, &mut out)
            .unwrap();
        for (a, b) in out.iter().zip(expected.iter()) {
            worst = worst.max((a - b).abs());
        }
    }
    println!("largest difference from torchvision: {worst:e}");
    assert!(worst <= 1e-5, "largest difference {worst}");
}

#[test]
fn constants_stay_constant_and_wrong_lengths_are_refused() {
    for (from, to) in [
        ([32, 32], [224, 224]),
        ([96, 102], [32, 32]),
        ([8, 52], [64, 64]),
    ] {
        let resizer = Resizer::new(from, to);
        let mut out = vec![0.0; to[0] * to[1]];
        resizer
            .apply(&vec![0.7; from[0] * from[1]], 1, &mut out)
            .unwrap();
        assert!(out.iter().all(|x| (x - 0.7).abs() < 1e-6));
        assert!(resizer.apply(&[0.0; 3], 1, &mut out).is_err());
        assert!(
            resizer
                .apply(&vec![0.0; from[0] * from[1]], 1, &mut out[1..])
                .is_err()
        );
    }
    assert!(
        Resizer::new([0, 4], [2, 2])
            .apply(&[], 1, &mut [0.0; 4])
            .is_err()
    );
    assert!(
        Resizer::new([4, 4], [0, 2])
            .apply(&[0.0; 16], 1, &mut [])
            .is_err()
    );
}

#[test]
fn a_wrapped_set_has_the_new_shape_and_the_old_labels() {
    let set = InMemory::new([1, 2, 3], vec!["a".into()], vec![0], vec![1.0; 6]).unwrap();
    let set: Arc<dyn Dataset> = Arc::new(set);
    let resized = Resized::wrap(set.clone(), 4);
    assert_eq!(
        (resized.shape(), resized.len(), resized.label(0)),
        ([1, 4, 4], 1, 0)
    );
    let mut out = [0.0; 16];
    resized.read(0, &mut out).unwrap();
    assert!(out.iter().all(|&x| (x - 1.0).abs() < 1e-6));
    let square = Resized::wrap(resized.clone(), 4);
    assert_eq!(square.shape(), [1, 4, 4]);
    assert!(resized.read(1, &mut out).is_err());
}
