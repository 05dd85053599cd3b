//! Records as NAS-Bench-360's pickle and as PhysioNet's own files keep them.

use super::*;
use crate::dataset::class_counts;
use crate::files::fuzz;
use crate::fixture;

fn folder(root: &Path, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(root.join("ecg2017")).unwrap();
    std::fs::write(root.join("ecg2017").join(name), bytes).unwrap();
}

/// The fixture holds 12 records of 1,600 samples, three of each class, as the published pickle.
fn published() -> Vec<u8> {
    std::fs::read(fixture::path("containers/challenge2017.pkl")).unwrap()
}

#[test]
fn windows_of_a_record_stay_in_one_part() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), "challenge2017.pkl", &published());
    let splits = open(dir.path()).unwrap();
    // windows of a record: starts 0, 500; 0, 83, … < 600; 0, 250, 500; 0, 25, …
    for part in [&splits.train, &splits.valid, &splits.test] {
        assert_eq!(class_counts(part.as_ref()), [2, 8, 3, 24]);
    }
    let mut out = vec![0.0; WINDOW];
    splits.test.read(0, &mut out).unwrap();
    assert!(out.iter().all(|v| v.abs() < 3.0) && out[0] != out[1]);
    // the same from PhysioNet's own files, which hold the same values
    let mat = tempfile::tempdir().unwrap();
    let record = std::fs::read(fixture::path("containers/A00001.mat")).unwrap();
    let mut list = String::new();
    for (number, letter) in ["N", "A", "O", "~"].repeat(3).iter().enumerate() {
        list += &format!("A{number:05},{letter}\n");
        folder(mat.path(), &format!("A{number:05}.mat"), &record);
    }
    folder(mat.path(), "REFERENCE.csv", list.as_bytes());
    let other = open(mat.path()).unwrap();
    assert_eq!(class_counts(other.test.as_ref()), [2, 8, 3, 24]);
    assert!(other.notes.is_empty());
    // one of a thousand samples: its header says how many columns there are
    let mut short = record[..24 + 2 * WINDOW].to_vec();
    short[8..12].copy_from_slice(&(WINDOW as u32).to_le_bytes());
    folder(mat.path(), "A00002.mat", &short);
    let notes = open(mat.path()).unwrap().notes;
    assert_eq!(
        notes,
        ["1 of 12 records have 1000 samples or fewer and give no window"]
    );
    folder(mat.path(), "A00002.mat", &record);
    folder(
        mat.path(),
        "REFERENCE.csv",
        list.replace('~', "X").as_bytes(),
    );
    assert!(
        open(mat.path())
            .err()
            .unwrap()
            .to_string()
            .contains("N, A, O or ~")
    );
    folder(
        mat.path(),
        "REFERENCE.csv",
        list.replace("A00003", "../A3").as_bytes(),
    );
    assert!(
        open(mat.path())
            .err()
            .unwrap()
            .to_string()
            .contains("row 3")
    );
    folder(mat.path(), "REFERENCE.csv", list.as_bytes());
    folder(mat.path(), "A00007.mat", &record[..record.len() - 1]);
    assert!(
        open(mat.path())
            .err()
            .unwrap()
            .to_string()
            .contains("A00007.mat")
    );
}

#[test]
fn no_flip_makes_a_heart_panic() {
    fuzz::rounds(&published(), 100, |bytes, root| {
        folder(root, "challenge2017.pkl", bytes);
        open(root)?.train.read(0, &mut vec![0.0; WINDOW])
    });
}
