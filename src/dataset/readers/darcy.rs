//! Darcy flow (Li et al. 2021, *Fourier Neural Operator*) as NAS-Bench-360 uses it: from the
//! diffusion coefficient to the solution on every fifth of 421 × 421 points, 85 × 85.
//!
//! `piececonst_r421_N1024_smooth1.mat` trains with its first 1,000 pairs, of which a tenth validates;
//! `…_smooth2.mat` tests with its first 100. The files hold `coeff` and `sol` `[1024, 421, 421]`, of version
//! 5 (streamed: every fifth point is kept, 29 MB of 1.6 GB) or 7.3 (HDF5, axes reversed).
//!
//! The input has three channels: the coefficient, standardised point by point by the training pairs,
//! and the coordinates along columns and rows from 0 to 1. The target is the solution in its own unit.

use std::path::Path;
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, malformed, refused};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use crate::dataset::{
    Dataset, DatasetError, Display, InMemory, Normalise, Splits, Subset, TargetShape,
};
use crate::files::hdf5::{self, Along};
use crate::files::{Fault, mat};
use crate::suite::task::TargetKind;

/// Every so many points are kept.
const STEP: usize = 5;
/// Pairs used of the two files.
const PAIRS: [usize; 2] = [1000, 100];
/// Largest side that is believed.
const MOST: usize = 4096;

const PLACE: Place = Place::of("darcy");

/// The reader `darcy`.
pub const READER: Reader = Reader {
    name: "darcy",
    title: "Darcy flow, 85 × 85",
    what: "Permeability of a medium and coordinates, 3 × 85 × 85, to the pressure of a flow",
    display: Some(Display::Map),
    input: Input::Resized,
    target: TargetKind::Dense,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Fields of a file: how many, their side, their values.
struct Fields {
    count: usize,
    side: usize,
    values: Vec<f32>,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let path = |number: usize| {
        let name = format!("piececonst_r421_N1024_smooth{number}.mat");
        PLACE.find(root, &[&name])
    };
    let (train_path, test_path) = (path(1)?, path(2)?);
    let (train, test) = (pairs(&train_path, PAIRS[0])?, pairs(&test_path, PAIRS[1])?);
    let side = train[0].side;
    if test[0].side != side {
        let (expected, found) = (side.to_string(), test[0].side.to_string());
        return Err(malformed(&test_path, "side of the fields", expected, found));
    }
    let (kept, held) = hold_out(&vec![0; train[0].count], VALID_SHARE, SPLIT_SEED);
    let points = side * side;
    let plain = InMemory::with_targets(
        [1, side, side],
        Vec::new(),
        train[0].values.clone(),
        TargetShape::Field([1, side, side]),
        train[1].values.clone(),
    )?;
    let norm = Normalise::fit(&Subset::new(Arc::new(plain), kept.clone())?, points)?;
    let set = |[mut coefficients, solutions]: [Fields; 2]| {
        let mut inputs = Vec::with_capacity(3 * coefficients.values.len());
        for field in coefficients.values.chunks_exact_mut(points) {
            norm.apply(field);
            inputs.extend_from_slice(field);
            let along = |place: usize| place as f32 / (side - 1) as f32;
            inputs.extend((0..points).map(|p| along(p % side)));
            inputs.extend((0..points).map(|p| along(p / side)));
        }
        let target = TargetShape::Field([1, side, side]);
        InMemory::with_targets(
            [3, side, side],
            Vec::new(),
            inputs,
            target,
            solutions.values,
        )
    };
    let train: Arc<dyn Dataset> = Arc::new(set(train)?);
    Ok(Splits::new(
        Arc::new(Subset::new(train.clone(), kept)?),
        Arc::new(Subset::new(train, held)?),
        Arc::new(set(test)?),
    ))
}

/// Coefficients and solutions of the first `most` pairs.
fn pairs(path: &Path, most: usize) -> Result<[Fields; 2], DatasetError> {
    let head = std::fs::File::open(path).and_then(|mut file| {
        let mut head = [0; 520];
        std::io::Read::read_exact(&mut file, &mut head).map(|()| head)
    });
    let head = head.map_err(crate::dataset::files::io(path))?;
    let read = |name: &str| {
        if hdf5::is_hdf5(&head) {
            newer(path, name, most)
        } else {
            older(path, name, most)
        }
    };
    let (coefficients, solutions) = (
        read("coeff").map_err(refused(path))?,
        read("sol").map_err(refused(path))?,
    );
    if (coefficients.count, coefficients.side) != (solutions.count, solutions.side) {
        let expected = format!("{} of side {}", coefficients.count, coefficients.side);
        let found = format!("{} of side {}", solutions.count, solutions.side);
        return Err(malformed(path, "solutions", expected, found));
    }
    let values = coefficients.values.iter().chain(&solutions.values);
    if let Some(value) = values.into_iter().find(|v| !v.is_finite()) {
        return Err(malformed(
            path,
            "values",
            "finite numbers",
            value.to_string(),
        ));
    }
    Ok([coefficients, solutions])
}

/// Number of pairs and points along a side of what is kept of `[pairs, side, side]`.
fn kept(shape: &[usize], most: usize) -> Result<(usize, usize), Fault> {
    match *shape {
        [pairs, side, other] if side == other && (2 * STEP..=MOST).contains(&side) && pairs > 0 => {
            Ok((pairs.min(most), side.div_ceil(STEP)))
        }
        _ => Err(Fault::new(
            "shape",
            "[pairs, side, side]",
            format!("{shape:?}"),
        )),
    }
}

/// Version 5: column-major, so the pair runs fastest and a slice of all pairs belongs to each point.
fn older(path: &Path, name: &str, most: usize) -> Result<Fields, Fault> {
    let mut variable = mat::open(path, name)?;
    let (count, side) = kept(&variable.shape, most)?;
    let (pairs, whole) = (variable.shape[0], variable.shape[1]);
    let mut values = vec![0.0; count * side * side];
    let mut slice = vec![0.0; pairs];
    for column in 0..whole {
        for row in 0..whole {
            variable.read(&mut slice)?;
            if row % STEP == 0 && column % STEP == 0 {
                let place = row / STEP * side + column / STEP;
                for (pair, &value) in slice[..count].iter().enumerate() {
                    values[pair * side * side + place] = value;
                }
            }
        }
    }
    Ok(Fields {
        count,
        side,
        values,
    })
}

/// Version 7.3: HDF5 with reversed axes, `[column, row, pair]`.
fn newer(path: &Path, name: &str, most: usize) -> Result<Fields, Fault> {
    let numbers = hdf5::File::open(path)?.dataset(name)?;
    let reversed: Vec<usize> = numbers.shape().iter().rev().copied().collect();
    let (count, side) = kept(&reversed, most)?;
    let whole = reversed[1];
    let mut values = vec![0.0; count * side * side];
    let mut slice = vec![0.0; side * count];
    let pairs = Along {
        start: 0,
        end: count,
        step: 1,
    };
    for column in 0..side {
        let select = [Along::at(column * STEP), Along::every(STEP, whole), pairs];
        numbers.read(&select, &mut slice)?;
        for (row, part) in slice.chunks_exact(count).enumerate() {
            for (pair, &value) in part.iter().enumerate() {
                values[(pair * side + row) * side + column] = value;
            }
        }
    }
    Ok(Fields {
        count,
        side,
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fuzz;
    use crate::fixture;

    fn folder(root: &Path, version: &str, train: Option<&[u8]>) {
        std::fs::create_dir_all(root.join("darcy")).unwrap();
        let fixture = fixture::path(&format!("containers/darcy_{version}.mat"));
        for number in [1, 2] {
            let name = format!("darcy/piececonst_r421_N1024_smooth{number}.mat");
            std::fs::copy(&fixture, root.join(name)).unwrap();
        }
        if let Some(bytes) = train {
            let name = root.join("darcy/piececonst_r421_N1024_smooth1.mat");
            std::fs::write(name, bytes).unwrap();
        }
    }

    /// The fixtures hold 10 pairs on 11 × 11 points; solution = 100 · pair + row + column / 100.
    #[test]
    fn both_versions_give_the_same_pairs() {
        let mut seen = Vec::new();
        for version in ["5", "73"] {
            let dir = tempfile::tempdir().unwrap();
            folder(dir.path(), version, None);
            let splits = open(dir.path()).unwrap();
            let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
            assert_eq!((lengths, splits.test.shape()), ([9, 1, 10], [3, 3, 3]));
            let (mut x, mut y) = (vec![0.0; 27], vec![0.0; 9]);
            splits.test.read_target(4, &mut y).unwrap();
            assert!((y[5] - 405.10).abs() < 1e-3, "{version}: {y:?}");
            splits.test.read(4, &mut x).unwrap();
            assert_eq!((x[9 + 1], x[9 + 3], x[18 + 3]), (0.5, 0.0, 0.5));
            seen.push((x, y));
        }
        assert_eq!(seen[0], seen[1]);
    }

    #[test]
    fn other_shapes_and_missing_variables_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), "5", None);
        let plain = std::fs::read(fixture::path("containers/plain.mat")).unwrap();
        let said = |bytes: &[u8]| {
            folder(dir.path(), "5", Some(bytes));
            open(dir.path()).err().unwrap().to_string()
        };
        assert!(said(&plain).contains("[pairs, side, side]"));
        let good = std::fs::read(fixture::path("containers/darcy_5.mat")).unwrap();
        assert!(said(&good[..good.len() / 2]).contains("smooth1.mat"));
        assert!(said(&[b'<'; 600]).contains("IM or MI"));
    }

    #[test]
    fn no_flip_makes_darcy_panic() {
        for version in ["5", "73"] {
            let path = fixture::path(&format!("containers/darcy_{version}.mat"));
            let good = std::fs::read(path).unwrap();
            fuzz::rounds(&good, 60, |bytes, root| {
                folder(root, version, Some(bytes));
                open(root)
            });
        }
    }
}
