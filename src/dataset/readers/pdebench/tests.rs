//! Files in PDEBench's layouts, written by h5py (`tests/fixtures/containers/make_containers.py`):
//! 12 samples whose value is 100 · sample + 10 · time + place + channel / 10.

use super::pairs::{Task, open};
use crate::dataset::{Splits, TargetShape};
use crate::files::fuzz;
use crate::fixture;
use std::path::Path;

/// Tasks, their fixtures, and the sizes that they give.
const CASES: [(Task, &str, [usize; 3]); 4] = [
    (Task::ADVECTION, "pde_single.h5", [1, 1, 2]),
    (Task::CFD_1D, "pde_several.h5", [3, 1, 8]),
    (Task::DIFF_REACT_2D, "pde_seeds.h5", [2, 4, 4]),
    (Task::DARCY, "pde_darcy.h5", [1, 2, 2]),
];

fn folder(root: &Path, task: &Task, bytes: &[u8]) {
    std::fs::create_dir_all(root.join("pdebench")).unwrap();
    std::fs::write(root.join("pdebench").join(task.place.file()), bytes).unwrap();
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture::path(&format!("containers/{name}"))).unwrap()
}

#[test]
fn every_layout_maps_the_first_state_to_a_late_one() {
    for (task, name, shape) in &CASES {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), task, &fixture(name));
        let splits = open(dir.path(), task).unwrap_or_else(|e| panic!("{name}: {e}"));
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(
            (lengths, splits.test.shape()),
            ([9, 1, 2], *shape),
            "{name}"
        );
        assert_eq!(splits.test.target_shape(), TargetShape::Field(*shape));
        let count = shape.iter().product();
        let (mut x, mut y) = (vec![0.0; count], vec![0.0; count]);
        splits.test.read_target(1, &mut y).unwrap();
        splits.test.read(1, &mut x).unwrap();
        // the last sample is 11; six points in time, of which every fifth or every one counts
        let (step, late) = (task.space, if *name == "pde_darcy.h5" { 0 } else { 5 });
        let base = 1100.0 + 10.0 * late as f32;
        let place = if shape[1] == 1 { step } else { 4 * step };
        let second = if shape[1] == 1 { 1 } else { shape[2] };
        assert!(
            (y[second] - base - place as f32).abs() < 1e-3,
            "{name}: {y:?}"
        );
        if shape[0] > 1 {
            let next = count / shape[0];
            assert!((y[next] - base - 0.1).abs() < 1e-3, "{name}: {y:?}");
        }
        assert!(
            x.iter().all(|v| v.is_finite() && v.abs() < 4.0),
            "{name}: {x:?}"
        );
    }
}

#[test]
fn files_of_another_layout_and_few_samples_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let said = |task: &Task, bytes: &[u8]| {
        folder(dir.path(), task, bytes);
        open(dir.path(), task).err().unwrap().to_string()
    };
    assert!(said(&Task::BURGERS, &fixture("contiguous.h5")).contains("at least 10"));
    assert!(said(&Task::BURGERS, &fixture("v73.mat")).contains("group a sample"));
    assert!(said(&Task::BURGERS, b"<html>").contains("HDF5 file"));
    let good = fixture("pde_single.h5");
    assert!(said(&Task::BURGERS, &good[..good.len() / 3]).contains("hdf5"));
    let mut seeds = open_seeds();
    seeds.truncate(seeds.len() * 3 / 4);
    folder(dir.path(), &Task::DIFF_REACT_2D, &seeds);
    let splits = open(dir.path(), &Task::DIFF_REACT_2D);
    let read = |s: Splits| (0..2).try_for_each(|i| s.test.read(i, &mut [0.0; 32]));
    assert!(splits.and_then(read).is_err(), "cut in its last quarter");
}

fn open_seeds() -> Vec<u8> {
    fixture("pde_seeds.h5")
}

#[test]
fn no_flip_makes_a_simulation_panic() {
    for (task, name, shape) in &CASES {
        fuzz::rounds(&fixture(name), 40, |bytes, root| {
            folder(root, task, bytes);
            let splits = open(root, task)?;
            let mut out = vec![0.0; shape.iter().product()];
            splits.test.read_target(0, &mut out)?;
            splits.train.read(0, &mut out)
        });
    }
}
