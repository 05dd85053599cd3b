//! Files that h5py wrote (`tests/fixtures/containers/make_containers.py`, `make_lzf.py`), and damaged ones.

use super::*;
use crate::fixture;

/// What h5py wrote, and its own values of it: `make_containers.py`.
#[test]
fn every_layout_that_h5py_writes_gives_h5py_s_values() {
    for file in ["contiguous.h5", "chunked.h5", "latest.h5"] {
        let h5 = File::open(&fixture::path(&format!("containers/{file}"))).unwrap();
        let tensor = h5.dataset("tensor").unwrap();
        assert_eq!(tensor.shape(), [6, 5, 8]);
        let select = [Along::at(4), Along::every(2, 5), Along::every(3, 8)];
        let mut out = [0.0; 9];
        tensor.read(&select, &mut out).unwrap();
        // values are sin of their place in row-major order
        for (k, value) in out.iter().enumerate() {
            let place = 4 * 40 + (k / 3 * 2) * 8 + k % 3 * 3;
            assert!((value - (place as f32).sin()).abs() < 1e-6, "{file} {k}");
        }
        assert!(tensor.read(&select, &mut out[1..]).is_err());
        assert!(tensor.read(&select[1..], &mut out).is_err());
        let beyond = [Along::at(6), Along::every(2, 5), Along::every(3, 8)];
        assert!(tensor.read(&beyond, &mut out).is_err());
        assert!(h5.dataset("tenser").is_err());
        assert!(h5.dataset("whole").is_err(), "integers");
    }
    let groups = File::open(&fixture::path("containers/groups.h5")).unwrap();
    assert_eq!(groups.groups().unwrap(), ["0000", "0001", "0002"]);
    let data = groups.dataset("0002/data").unwrap();
    assert_eq!(data.shape(), [4, 3, 3, 2]);
}

fn values(file: &File, path: &str) -> Result<Vec<f32>, Fault> {
    let numbers = file.dataset(path)?;
    let shape = numbers.shape().to_vec();
    let select: Vec<Along> = shape.iter().map(|&d| Along::every(1, d)).collect();
    let mut out = vec![0.0; shape.iter().product()];
    numbers.read(&select, &mut out)?;
    Ok(out)
}

/// What h5py wrote with LZF, and the same values without (`make_lzf.py`).
#[test]
fn lzf_gives_the_values_that_stand_beside_it_without() {
    for file in ["lzf.h5", "lzf_latest.h5"] {
        let file = File::open(&fixture::path(&format!("containers/{file}"))).unwrap();
        for name in [
            "lzf",
            "shuffled",
            "checked",
            "double",
            "big_endian",
            "rough",
            "mixed",
            "single",
            "line",
            "szip",
            "holes",
            "skips",
        ] {
            let found = values(&file, name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(
                found,
                values(&file, &format!("plain/{name}")).unwrap(),
                "{name}"
            );
            assert!(
                found.iter().any(|&v| v != found[0]) || name == "line",
                "{name}"
            );
        }
        let part = file.dataset("mixed").unwrap();
        let select = [Along::at(5), Along::every(2, 9), Along::at(3)];
        let mut some = [0.0; 5];
        part.read(&select, &mut some).unwrap();
        let whole = values(&file, "plain/mixed").unwrap();
        let expected = [0, 2, 4, 6, 8].map(|row| whole[(5 * 9 + row) * 5 + 3]);
        assert_eq!(some, expected);
        for (name, words) in [
            (
                "integers",
                "expected floats of 32 or 64 bits, found integers of 32 bits",
            ),
            ("bytes", "found unsigned integers of 8 bits"),
            ("halves", "found floats of 16 bits"),
            ("texts", "found texts"),
            ("records", "found records of 2 fields (x, y)"),
            ("truths", "found an enumeration of 2 names"),
            ("odd_floats", "floats of another layout"),
            ("absent", "a dataset of that name"),
        ] {
            let said = file.dataset(name).err().unwrap().to_string();
            assert!(said.contains(words), "{name}: {said}");
        }
    }
}

#[test]
fn another_filter_is_refused_by_name_before_anything_is_read() {
    let good = std::fs::read(fixture::path("containers/lzf.h5")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("other.h5");
    let names: Vec<usize> = (8..good.len() - 4)
        .filter(|&at| &good[at..at + 4] == b"lzf\0")
        .collect();
    assert!(names.len() > 5);
    for (id, name) in [
        (32_001u16, "Blosc"),
        (32_015, "Zstandard"),
        (1234, "filter 1234"),
    ] {
        let mut bytes = good.clone();
        for &at in &names {
            bytes[at - 8..at - 6].copy_from_slice(&id.to_le_bytes());
        }
        std::fs::write(&place, bytes).unwrap();
        let said = File::open(&place)
            .unwrap()
            .dataset("lzf")
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains(name) && said.contains("h5repack"), "{said}");
    }
    std::fs::write(&place, b"no HDF5 at all").unwrap();
    let said = File::open(&place).err().unwrap().to_string();
    assert!(said.contains("expected an HDF5 file"), "{said}");
}

#[test]
fn no_flip_makes_hdf5_panic_or_allocate_beyond_the_cap() {
    for (file, path) in [
        ("contiguous.h5", "tensor"),
        ("chunked.h5", "tensor"),
        ("latest.h5", "tensor"),
        ("groups.h5", "0001/data"),
        ("lzf.h5", "mixed"),
        ("lzf_latest.h5", "shuffled"),
    ] {
        let good = std::fs::read(fixture::path(&format!("containers/{file}"))).unwrap();
        crate::files::fuzz::rounds(&good, 40, |bytes, folder| {
            let place = folder.join("damaged.h5");
            std::fs::write(&place, bytes).unwrap();
            let numbers = File::open(&place)?.dataset(path)?;
            let select: Vec<Along> = numbers
                .shape()
                .iter()
                .map(|&d| Along::every(1, d))
                .collect();
            let count: usize = numbers.shape().iter().product();
            if count > 1 << 20 {
                return fault("shape", "a small one", count);
            }
            numbers.read(&select, &mut vec![0.0; count])
        });
    }
}
