//! Flow through a porous medium on 16 × 16 points, as the `neuraloperator` package bundles it: from
//! the permeability (two values) to the pressure.
//!
//! `darcy_{train,test}_16_x.u8` holds a byte 0 or 1 a point, `…_y.f32` the pressure, both sample
//! after sample, row-major, without header. The input is standardised by one mean and deviation of
//! the training part; the target is the pressure in its own unit. A tenth of the 1,000 training
//! pairs validates; the 50 test pairs are the published ones.

use std::path::Path;
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, io, malformed};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use crate::dataset::{DatasetError, Display, InMemory, Normalise, Splits, Subset, TargetShape};
use crate::suite::task::TargetKind;

/// Points along each side.
const SIDE: usize = 16;
const POINTS: usize = SIDE * SIDE;

const PLACE: Place = Place::of("darcy16");

/// The reader `darcy16`.
pub const READER: Reader = Reader {
    name: "darcy16",
    title: "Darcy flow, 16 × 16",
    what: "Permeability of a medium, 1 × 16 × 16, to the pressure of a flow",
    display: Some(Display::Map),
    input: Input::Resized,
    target: TargetKind::Dense,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let (mut inputs, fields) = pairs(root, "train")?;
    let (mut test_inputs, test_fields) = pairs(root, "test")?;
    let (kept, held) = hold_out(&vec![0; inputs.len() / POINTS], VALID_SHARE, SPLIT_SEED);
    let set = |inputs: Vec<f32>, fields: Vec<f32>| {
        let shape = [1, SIDE, SIDE];
        InMemory::with_targets(shape, Vec::new(), inputs, TargetShape::Field(shape), fields)
    };
    let whole = Arc::new(set(inputs.clone(), fields.clone())?);
    let norm = Normalise::fit(&Subset::new(whole, kept.clone())?, 1)?;
    norm.apply(&mut inputs);
    norm.apply(&mut test_inputs);
    let whole = Arc::new(set(inputs, fields)?);
    Ok(Splits::new(
        Arc::new(Subset::new(whole.clone(), kept)?),
        Arc::new(Subset::new(whole, held)?),
        Arc::new(set(test_inputs, test_fields)?),
    ))
}

/// Permeabilities and pressures of one part.
fn pairs(root: &Path, part: &str) -> Result<(Vec<f32>, Vec<f32>), DatasetError> {
    let x_path = PLACE.find(root, &[&format!("darcy_{part}_16_x.u8")])?;
    let y_path = PLACE.find(root, &[&format!("darcy_{part}_16_y.f32")])?;
    let x = std::fs::read(&x_path).map_err(io(&x_path))?;
    let y = std::fs::read(&y_path).map_err(io(&y_path))?;
    let whole = |path: &Path, size: usize, unit: usize| {
        if size.is_multiple_of(unit) && size > 0 {
            Ok(size / unit)
        } else {
            let expected = format!("a multiple of {unit} bytes");
            Err(malformed(
                path,
                "file size",
                expected,
                format!("{size} bytes"),
            ))
        }
    };
    let (inputs, fields) = (
        whole(&x_path, x.len(), POINTS)?,
        whole(&y_path, y.len(), 4 * POINTS)?,
    );
    if inputs != fields {
        let expected = format!("{inputs} fields, one for each input");
        return Err(malformed(&y_path, "fields", expected, fields.to_string()));
    }
    if let Some(at) = x.iter().position(|&b| b > 1) {
        let what = format!("point {} of sample {}", at % POINTS, at / POINTS);
        return Err(malformed(&x_path, what, "0 or 1", x[at].to_string()));
    }
    let values = y.chunks_exact(4);
    let values: Vec<f32> = values
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let what = format!("point {} of sample {}", at % POINTS, at / POINTS);
        return Err(malformed(
            &y_path,
            what,
            "a finite number",
            values[at].to_string(),
        ));
    }
    Ok((x.into_iter().map(f32::from).collect(), values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fuzz;

    fn write(root: &Path, part: &str, samples: usize) -> [Vec<u8>; 2] {
        let folder = root.join("darcy");
        std::fs::create_dir_all(&folder).unwrap();
        let x: Vec<u8> = (0..samples * POINTS).map(|i| (i / 7 % 2) as u8).collect();
        let y: Vec<u8> = (0..samples * POINTS)
            .flat_map(|i| (i as f32 / 100.0).to_le_bytes())
            .collect();
        std::fs::write(folder.join(format!("darcy_{part}_16_x.u8")), &x).unwrap();
        std::fs::write(folder.join(format!("darcy_{part}_16_y.f32")), &y).unwrap();
        [x, y]
    }

    #[test]
    fn pairs_keep_together_and_the_field_its_unit() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train", 20);
        write(dir.path(), "test", 3);
        let splits = open(dir.path()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(lengths, [18, 2, 3]);
        assert_eq!(splits.train.target_shape(), TargetShape::Field([1, 16, 16]));
        let (mut x, mut y) = (vec![0.0; POINTS], vec![0.0; POINTS]);
        splits.test.read(2, &mut x).unwrap();
        splits.test.read_target(2, &mut y).unwrap();
        assert_eq!(y[5], (2 * POINTS + 5) as f32 / 100.0);
        assert!(x[0] * x[7 - 512 % 7] < 0.0, "two values around zero");
        let norm = Normalise::fit(splits.train.as_ref(), 1).unwrap();
        assert!(norm.mean()[0].abs() < 1e-5 && (norm.std()[0] - 1.0).abs() < 1e-5);
    }

    #[test]
    fn files_of_another_length_or_content_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let [x, y] = write(dir.path(), "train", 4);
        write(dir.path(), "test", 2);
        let place = |name: &str| dir.path().join("darcy").join(name);
        let said = |name: &str, bytes: &[u8]| {
            std::fs::write(place(name), bytes).unwrap();
            open(dir.path()).err().unwrap().to_string()
        };
        assert!(said("darcy_train_16_x.u8", &x[1..]).contains("multiple of 256"));
        let mut odd = x.clone();
        odd[POINTS + 3] = 2;
        assert!(said("darcy_train_16_x.u8", &odd).contains("point 3 of sample 1"));
        assert!(said("darcy_train_16_x.u8", &x[POINTS..]).contains("3 fields"));
        std::fs::write(place("darcy_train_16_x.u8"), &x).unwrap();
        assert!(said("darcy_train_16_y.f32", &y[..y.len() - 1]).contains("multiple of 1024"));
        let nan = [&f32::NAN.to_le_bytes()[..], &y[4..]].concat();
        assert!(said("darcy_train_16_y.f32", &nan).contains("finite"));
    }

    #[test]
    fn no_flip_makes_a_flow_panic() {
        let dir = tempfile::tempdir().unwrap();
        let [x, _] = write(dir.path(), "train", 3);
        fuzz::rounds(&x, 100, |bytes, root| {
            write(root, "train", 3);
            write(root, "test", 2);
            std::fs::write(root.join("darcy/darcy_train_16_x.u8"), bytes).unwrap();
            open(root)
        });
    }
}
