//! Proteins of twelve residues as NAS-Bench-360 keeps them, in a folder and in an archive.

use super::*;
use crate::files::fuzz;
use crate::fixture;
use ::zip::{ZipWriter, write::SimpleFileOptions};
use std::io::Write;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture::path(&format!("containers/{name}"))).unwrap()
}

fn files() -> Vec<(String, Vec<u8>)> {
    let names: String = (0..103).map(|n| format!("P{n} 12\n")).collect();
    let mut files = vec![
        ("deepcov.lst".into(), names.into_bytes()),
        ("psicov.lst".into(), b"1abcA 12\n".to_vec()),
    ];
    for place in ["deepcov/P0", "deepcov/P100", "psicov/1abcA"] {
        let (folder, name) = place.split_once('/').unwrap();
        files.push((
            format!("{folder}/features/{name}.pkl"),
            fixture("protein.pkl"),
        ));
        let place = format!("{folder}/distance/{name}-cb.npy");
        files.push((place, fixture("protein-cb.npy")));
    }
    files
}

fn folder(root: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let place = root.join("protein").join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }
}

/// The fixture has 12 residues: profile 10 · j + i, ccmpred i + j / 100, distance 2 + |i − j|.
#[test]
fn channels_and_distances_lie_as_published() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), &files());
    let splits = open(dir.path()).unwrap();
    let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
    assert_eq!(lengths, [3, 100, 1]);
    let mut x = vec![f32::NAN; CHANNELS * SIDE * SIDE];
    splits.test.read(0, &mut x).unwrap();
    let at = |channel: usize, row: usize, column: usize| {
        x[(channel * SIDE + row + PAD) * SIDE + column + PAD]
    };
    // the profile's second column along columns, then along rows
    assert_eq!((at(8, 3, 4), at(9, 3, 4)), (1.4, 1.3));
    assert!((at(54, 3, 4) - 3.04).abs() < 1e-6);
    assert_eq!((x[0], at(54, 12, 0)), (0.0, 0.0));
    let mut y = vec![f32::NAN; SIDE * SIDE];
    splits.test.read_target(0, &mut y).unwrap();
    let at = |row: usize, column: usize| y[(row + PAD) * SIDE + column + PAD];
    assert_eq!((at(2, 7), at(3, 3), at(0, 0), y[0]), (7.0, 3.0, 3.0, 100.0));
    splits.train.read_target(0, &mut y).unwrap();
    assert_eq!(y[0], FARTHEST);
    // the same from the archive
    let packed = tempfile::tempdir().unwrap();
    std::fs::create_dir(packed.path().join("psicov")).unwrap();
    let file = std::fs::File::create(packed.path().join("psicov/protein.zip")).unwrap();
    let mut zip = ZipWriter::new(file);
    for (name, bytes) in files() {
        zip.start_file(format!("data/{name}"), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
    let other = open(packed.path()).unwrap();
    let mut same = vec![f32::NAN; x.len()];
    other.test.read(0, &mut same).unwrap();
    assert_eq!(same, x);
}

#[test]
fn a_long_protein_is_cut_at_one_place_for_features_and_distances() {
    let length = 520;
    let map: Vec<f32> = (0..length * length).map(|at| at as f32).collect();
    let mut out = vec![0.0; 2 * SIDE * SIDE];
    place(
        &[map.clone(), map.clone()].concat(),
        length,
        "1abcA",
        -1.0,
        -2.0,
        &mut out,
    );
    let (a, b) = out.split_at(SIDE * SIDE);
    assert_eq!(a, b);
    assert!(!a.contains(&-2.0));
    let mut again = vec![0.0; SIDE * SIDE];
    place(&map, length, "1abcA", -1.0, -2.0, &mut again);
    assert_eq!(a, again);
}

#[test]
fn odd_names_and_few_proteins_are_refused() {
    let said = |at: usize, text: &str| {
        let dir = tempfile::tempdir().unwrap();
        let mut files = files();
        files[at].1 = text.into();
        folder(dir.path(), &files);
        open(dir.path()).err().unwrap().to_string()
    };
    assert!(said(0, "P1\nP2\n").contains("more than 100"));
    assert!(said(1, "../../etc/passwd\n").contains("letters and digits"));
    assert!(said(1, "").contains("none"));
    let absent = tempfile::tempdir().unwrap();
    folder(absent.path(), &files());
    let splits = open(absent.path()).unwrap();
    let mut y = vec![0.0; SIDE * SIDE];
    assert!(
        splits.train.read_target(1, &mut y).is_err(),
        "P101 has no file"
    );
}

#[test]
fn no_flip_makes_a_protein_panic() {
    fuzz::rounds(&fixture("protein.pkl"), 300, |bytes, _| features(bytes));
    fuzz::rounds(&fixture("protein-cb.npy"), 300, |bytes, _| distances(bytes));
}
