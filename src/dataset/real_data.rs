//! The real files, where they are present: counts, disjoint parts, finite values.
//!
//! The data folder is `$MODALIGN_DATA`, or `../shared/data` beside the crate. Without it every
//! test here says so and passes, since the files are no part of the repository.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{Dataset, Splits, class_counts, open, sample_len};
use crate::suite::dataset::DatasetSpec;

/// The data folder, if it holds `file`.
fn data(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MODALIGN_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")),
        PathBuf::from,
    );
    if folder.join(file).is_file() {
        return Some(folder);
    }
    eprintln!("skipped: {} is absent", folder.join(file).display());
    None
}

fn spec(reader: &str, train: usize, valid: usize, test: usize) -> DatasetSpec {
    DatasetSpec {
        train,
        valid,
        test,
        ..DatasetSpec::new("set", "Set", reader)
    }
}

fn parts(splits: &Splits) -> [&dyn Dataset; 3] {
    [
        splits.train.as_ref(),
        splits.valid.as_ref(),
        splits.test.as_ref(),
    ]
}

fn read(data: &dyn Dataset, index: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; sample_len(data)];
    data.read(index, &mut out).unwrap();
    out
}

/// Every `step`-th sample is finite, its label in range; no two of those are the same sample.
fn check(splits: &Splits, step: usize) {
    let mut seen = HashSet::new();
    for (part, set) in parts(splits).into_iter().enumerate() {
        assert!(!set.is_empty());
        for index in (0..set.len()).step_by(step) {
            assert!(set.label(index) < set.classes().len());
            let sample = read(set, index);
            assert!(sample.iter().all(|x| x.is_finite()));
            let bits: Vec<u32> = sample.iter().map(|x| x.to_bits()).collect();
            assert!(
                seen.insert(bits),
                "part {part}, sample {index} repeats an earlier one"
            );
        }
    }
}

#[test]
fn cifar10_has_its_published_counts_and_first_record() {
    let Some(folder) = data("cifar10/test_batch.bin") else {
        return;
    };
    let splits = open(&spec("cifar10", 0, 0, 0), Some(&folder), 0).unwrap();
    assert_eq!(class_counts(splits.test.as_ref()), vec![1000; 10]);
    let both: Vec<usize> = class_counts(splits.train.as_ref())
        .iter()
        .zip(class_counts(splits.valid.as_ref()))
        .map(|(train, valid)| {
            assert!(valid * 9 <= train + 9);
            train + valid
        })
        .collect();
    if both.iter().sum::<usize>() == 10_000 {
        assert_eq!(
            both,
            [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981]
        );
    }
    // the first test image is a cat whose first red pixel is 158
    assert_eq!(splits.test.classes()[splits.test.label(0)], "cat");
    let bytes = std::fs::read(folder.join("cifar10/test_batch.bin")).unwrap();
    let sample = read(splits.test.as_ref(), 0);
    assert_eq!((bytes[0], bytes[1]), (3, 158));
    for (value, &byte) in sample[2048..].iter().zip(&bytes[2049..3073]) {
        assert!((value * 0.2761 + 0.4408 - f32::from(byte) / 255.0).abs() < 1e-6);
    }
    check(&splits, 97);

    let capped = open(&spec("cifar10", 500, 95, 100), Some(&folder), 1).unwrap();
    assert_eq!(class_counts(capped.train.as_ref()), vec![50; 10]);
    assert_eq!(capped.valid.len(), 95);
    assert_eq!(class_counts(capped.test.as_ref()), vec![10; 10]);
}

#[test]
fn cifar100_is_cut_into_source_and_heldout_classes() {
    let Some(folder) = data("cifar100/test.bin") else {
        return;
    };
    let source = open(&spec("cifar100-source", 0, 0, 0), Some(&folder), 0).unwrap();
    let held = open(&spec("cifar100-heldout", 0, 0, 0), Some(&folder), 0).unwrap();
    assert_eq!(class_counts(source.test.as_ref()), vec![100; 80]);
    assert_eq!(class_counts(held.test.as_ref()), vec![100; 20]);
    let names: HashSet<&String> = source.test.classes().iter().collect();
    assert!(held.test.classes().iter().all(|name| !names.contains(name)));
    // first fine classes of aquatic mammals, fish, flowers, food containers
    assert_eq!(
        held.test.classes()[..4],
        ["beaver", "aquarium_fish", "orchid", "bottle"]
    );
    for splits in [&source, &held] {
        let train = class_counts(splits.train.as_ref());
        let valid = class_counts(splits.valid.as_ref());
        assert!(train.iter().all(|&n| n == train[0]) && valid.iter().all(|&n| n == valid[0]));
        assert_eq!(train[0], 9 * valid[0]);
    }
    check(&source, 101);
    check(&held, 11);

    let whole = open(&spec("cifar100", 0, 0, 0), Some(&folder), 0).unwrap();
    assert_eq!(class_counts(whole.test.as_ref()), vec![100; 100]);
    check(&whole, 103);

    let sphere = open(
        &spec("cifar100-heldout-spherical", 200, 0, 0),
        Some(&folder),
        0,
    )
    .unwrap();
    assert_eq!(
        (sphere.test.shape(), sphere.train.len()),
        ([3, 60, 60], 200)
    );
    assert_eq!(sphere.test.classes(), held.test.classes());
    check(&sphere, 53);
}

#[test]
fn emg_windows_of_different_parts_share_no_row() {
    let Some(folder) = data("emg_myo/recordings.i8") else {
        return;
    };
    let whole = super::readers::emg_myo::parts(&folder, super::readers::emg_myo::HOP).unwrap();
    let mut covered = HashSet::new();
    for (number, part) in [&whole.train, &whole.valid, &whole.test]
        .into_iter()
        .enumerate()
    {
        let mut own = HashSet::new();
        for index in 0..part.len() {
            let rows: Vec<usize> = part.byte_range(index).step_by(9).collect();
            assert!(
                rows.iter().all(|row| !covered.contains(row)),
                "part {number}"
            );
            own.extend(rows);
        }
        covered.extend(own);
        let counts = class_counts(part);
        println!(
            "EMG part {number}: {} windows, per class {counts:?}",
            part.len()
        );
        assert!(counts.len() == 7 && counts.iter().all(|&n| n > 100));
    }
    let splits = open(&spec("emg-myo", 700, 140, 350), Some(&folder), 0).unwrap();
    assert_eq!(splits.train.shape(), [1, 8, 52]);
    assert_eq!(class_counts(splits.test.as_ref()), vec![50; 7]);
    check(&splits, 3);
    let norm = super::Normalise::fit(&whole.train, 8).unwrap();
    assert!(norm.mean().iter().all(|m| m.abs() < 1e-3));
    assert!(norm.std().iter().all(|s| (s - 1.0).abs() < 1e-3));
}

#[test]
fn esc10_chunks_are_split_by_fold() {
    let Some(folder) = data("esc10/esc10_100clips.tar") else {
        return;
    };
    let splits = open(&spec("esc10", 0, 0, 0), Some(&folder), 0).unwrap();
    for part in parts(&splits) {
        let counts = class_counts(part);
        println!("ESC-10: {} chunks, per class {counts:?}", part.len());
        assert_eq!((part.shape(), part.classes().len()), ([1, 96, 102], 10));
        assert!(counts.iter().all(|&n| n > 0));
    }
    // 60, 20 and 20 clips of at most nine chunks
    let lengths: Vec<usize> = parts(&splits).iter().map(|part| part.len()).collect();
    assert!(
        lengths[0] <= 540 && lengths[1] <= 180 && lengths[2] <= 180,
        "{lengths:?}"
    );
    check(&splits, 1);
    let norm = super::Normalise::fit(splits.train.as_ref(), 1).unwrap();
    assert!(norm.mean()[0].abs() < 1e-3 && (norm.std()[0] - 1.0).abs() < 1e-3);
}

#[test]
fn spoken_digits_are_split_by_take() {
    let Some(folder) = data("fsdd/fsdd_600.tar") else {
        return;
    };
    let splits = open(&spec("fsdd", 0, 0, 0), Some(&folder), 0).unwrap();
    for (part, each) in parts(&splits).into_iter().zip([24, 6, 30]) {
        assert_eq!(
            (part.shape(), class_counts(part)),
            ([1, 96, 102], vec![each; 10])
        );
    }
    check(&splits, 1);
}

#[test]
fn heartbeats_are_cut_by_class_or_tested_on_the_other_4500() {
    let Some(folder) = data("ecg5000/ECG5000_TRAIN.ts") else {
        return;
    };
    let five = open(&spec("ecg5000", 0, 0, 0), Some(&folder), 0).unwrap();
    let counts: Vec<Vec<usize>> = parts(&five).into_iter().map(class_counts).collect();
    println!("ECG5000 per class {counts:?}");
    let sum: Vec<usize> = (0..5)
        .map(|c| counts.iter().map(|part| part[c]).sum())
        .collect();
    assert_eq!(sum, [292, 177, 10, 19, 2]);
    check(&five, 1);
    let two = open(&spec("ecg5000-normal-folded", 0, 0, 0), Some(&folder), 0).unwrap();
    assert_eq!(class_counts(two.test.as_ref()), [2627, 1873]);
    assert_eq!(two.test.shape(), [1, 10, 14]);
    check(&two, 7);
}

#[test]
fn flows_have_published_ranges() {
    let Some(folder) = data("darcy/darcy_train_16_x.u8") else {
        return;
    };
    let splits = open(&spec("darcy16", 0, 0, 0), Some(&folder), 0).unwrap();
    let lengths = parts(&splits).map(|part| part.len());
    assert_eq!(lengths, [900, 100, 50]);
    let mut target = vec![0.0; 256];
    let mut range = [f32::INFINITY, f32::NEG_INFINITY];
    for index in 0..50 {
        splits.test.read_target(index, &mut target).unwrap();
        for &value in &target {
            range = [range[0].min(value), range[1].max(value)];
        }
    }
    assert!((range[0] + 0.1191).abs() < 1e-3 && (range[1] - 1.9015).abs() < 1e-3);
}

#[test]
fn emoji_are_split_by_thing_in_every_style() {
    let Some(folder) = data("emoji/noto.u8") else {
        return;
    };
    let opened = |reader: &str| open(&spec(reader, 0, 0, 0), Some(&folder), 0).unwrap();
    let noto = opened("emoji-noto");
    assert_eq!(parts(&noto).map(|part| part.len()), [984, 138, 250]);
    let test = noto.test.as_ref();
    let all = super::pairs::captions_of(test);
    assert_eq!((all.texts.len(), all.owner[9]), (1250, 1));
    let first = test.captions(0);
    assert_eq!(
        (first.len(), first[0].as_str()),
        (5, "beaming face with smiling eyes")
    );
    let pixels = std::fs::read(folder.join("emoji/noto.u8")).unwrap();
    let norm = super::Normalise::cifar();
    for (value, &byte) in read(test, 0).iter().zip(&pixels[3 * 3072..]).take(1024) {
        let unit = value * norm.std()[0] + norm.mean()[0];
        assert!((unit - f32::from(byte) / 255.0).abs() < 1e-5);
    }
    let unseen = opened("emoji-unseen");
    assert_eq!(parts(&unseen).map(|part| part.len()), [3936, 552, 1000]);
    assert_eq!(unseen.test.captions(250), first);
    assert_eq!(unseen.test.group(250), unseen.test.group(0));
    for style in ["noto", "twemoji", "fluent", "openmoji", "line"] {
        let groups = opened(&format!("emoji-{style}-groups"));
        assert_eq!(parts(&groups).map(|part| part.len()), [620, 89, 168]);
        assert_eq!(groups.test.classes().len(), 34);
        assert_eq!(groups.test.classes()[0], "face concerned");
        assert!(
            parts(&groups)
                .into_iter()
                .flat_map(class_counts)
                .all(|count| count > 0)
        );
    }
}

#[test]
fn captions_of_remote_sensing_have_their_published_counts() {
    let Some(folder) = data("rs_captions/rsitmd_train.json") else {
        return;
    };
    for (file, pictures, captions) in [
        ("rsitmd_train", 3435, 17_175),
        ("rsitmd_val", 856, 4280),
        ("rsitmd_test", 452, 2260),
        ("rsicd_val", 1966, 9830),
        ("rsicd_test", 1093, 5465),
    ] {
        let path = folder.join(format!("rs_captions/{file}.json"));
        let rows = super::texts::records(&path, ["image", "caption"], None).unwrap();
        let names: HashSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let texts: usize = rows.iter().map(|row| row.texts.len()).sum();
        assert_eq!((names.len(), texts), (pictures, captions), "{file}");
    }
    // Without the pictures the reader says where they belong.
    let error = open(&spec("rsitmd", 0, 0, 0), Some(&folder), 0).err();
    if let Some(error) = error {
        assert!(error.to_string().contains("rs_captions/rsitmd"), "{error}");
    }
}
