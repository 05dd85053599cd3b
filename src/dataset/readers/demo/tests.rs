//! The demo sets as a whole: determinism, parts apart, balance, and constants that fit.

use std::collections::HashSet;

use super::*;
use crate::dataset::{class_counts, labels, sample_len};

fn read(data: &dyn Dataset, index: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; sample_len(data)];
    data.read(index, &mut out).unwrap();
    assert!(out.iter().all(|x| x.is_finite()));
    out
}

fn all(seed: u64) -> Vec<Splits> {
    let sizes = Sizes {
        train: 25,
        valid: 13,
        test: 20,
    };
    vec![
        images(Domain::Source, sizes, seed, &normalise()),
        images(Domain::Surrogate, sizes, seed, &normalise()),
        images(Domain::Unseen, sizes, seed, &normalise()),
        spherical(sizes, seed, &normalise()).unwrap(),
        emg(sizes, seed).unwrap(),
        sound(sizes, seed).unwrap(),
    ]
}

#[test]
fn samples_are_functions_of_seed_part_and_index() {
    let mut seen = HashSet::new();
    for (set, (a, b)) in all(4).iter().zip(all(4)).enumerate() {
        let parts = [
            (&a.train, &b.train),
            (&a.valid, &b.valid),
            (&a.test, &b.test),
        ];
        for (one, other) in parts {
            // read in different orders: the same values
            let forward: Vec<_> = (0..one.len()).map(|i| read(one.as_ref(), i)).collect();
            for i in (0..other.len()).rev() {
                assert_eq!(forward[i], read(other.as_ref(), i));
            }
            for sample in forward {
                let bits: Vec<u32> = sample.iter().map(|x| x.to_bits()).collect();
                assert!(
                    seen.insert((set, bits)),
                    "a sample stands twice in set {set}"
                );
            }
        }
    }
    for (a, b) in all(4).iter().zip(all(5)) {
        assert_ne!(read(a.test.as_ref(), 0), read(b.test.as_ref(), 0));
    }
}

#[test]
fn shapes_sizes_and_balance_are_as_promised() {
    let shapes = [
        [3, 32, 32],
        [3, 32, 32],
        [3, 32, 32],
        [3, 60, 60],
        [1, 16, 52],
        [1, 96, 102],
    ];
    for (splits, shape) in all(1).iter().zip(shapes) {
        for (part, len) in [(&splits.train, 25), (&splits.valid, 13), (&splits.test, 20)] {
            assert_eq!((part.shape(), part.len()), (shape, len));
            let counts = class_counts(part.as_ref());
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(most.unwrap() - least.unwrap() <= 1);
            let mut out = vec![0.0; sample_len(part.as_ref())];
            assert!(part.read(len, &mut out).is_err());
        }
    }
    let source = images(Domain::Source, Sizes::default(), 0, &normalise());
    assert_eq!((source.train.len(), source.test.len()), (48 * 250, 48 * 20));
    assert_eq!(labels(source.valid.as_ref()).len(), 48 * 20);
}

#[test]
fn the_groups_share_no_class_and_names_are_unique() {
    let groups = [Domain::Source, Domain::Surrogate, Domain::Unseen];
    let names: Vec<String> = groups
        .iter()
        .flat_map(|domain| domain.classes())
        .map(|class| class.name())
        .collect();
    assert_eq!(names.len(), 68);
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 68);
    assert!(names.contains(&"striped star".to_string()));
    // the source classes know every shape and every fill
    let source = Domain::Source.classes();
    assert_eq!(
        source.iter().map(|c| c.shape).collect::<HashSet<_>>().len(),
        10
    );
    assert_eq!(
        source.iter().map(|c| c.fill).collect::<HashSet<_>>().len(),
        7
    );
}

#[test]
fn the_fixed_image_constants_standardise() {
    let sizes = Sizes {
        train: 960,
        valid: 1,
        test: 1,
    };
    let set = images(Domain::Source, sizes, 2, &normalise()).train;
    let found = Normalise::fit(set.as_ref(), 3).unwrap();
    println!("mean {:?} std {:?}", found.mean(), found.std());
    assert!(found.mean().iter().all(|m| m.abs() < 0.05), "{found:?}");
    assert!(
        found.std().iter().all(|s| (s - 1.0).abs() < 0.05),
        "{found:?}"
    );
}

#[test]
fn muscle_signals_carry_no_class_in_their_mean() {
    let sizes = Sizes {
        train: 1600,
        valid: 8,
        test: 8,
    };
    let set = emg(sizes, 3).unwrap().train;
    let (mut mean, mut power) = (vec![0f32; 16], vec![vec![0f32; 16]; 8]);
    for i in 0..set.len() {
        for (electrode, row) in read(set.as_ref(), i).chunks_exact(52).enumerate() {
            mean[electrode] += row.iter().sum::<f32>() / 52.0 / 1600.0;
            power[set.label(i)][electrode] += row.iter().map(|x| x * x).sum::<f32>();
        }
    }
    assert!(mean.iter().all(|m| m.abs() < 0.05), "{mean:?}");
    // the strongest electrode of flexion is not that of extension
    let strongest = |gesture: usize| {
        (0..16)
            .max_by(|&a, &b| power[gesture][a].total_cmp(&power[gesture][b]))
            .unwrap()
    };
    assert_ne!(strongest(0) / 4, strongest(1) / 4);
}

/// Error of assigning each test sample to the nearest class mean of `feature`, of the training
/// samples.
fn centroid_error(splits: &Splits, feature: impl Fn(Vec<f32>) -> Vec<f32>) -> f32 {
    let classes = splits.train.classes().len();
    let mut sums: Vec<Vec<f32>> = vec![Vec::new(); classes];
    let counts = class_counts(splits.train.as_ref());
    for i in 0..splits.train.len() {
        let values = feature(read(splits.train.as_ref(), i));
        let sum = &mut sums[splits.train.label(i)];
        sum.resize(values.len(), 0.0);
        sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
    }
    let wrong = (0..splits.test.len()).filter(|&i| {
        let values = feature(read(splits.test.as_ref(), i));
        let distance = |class: usize| -> f32 {
            let scale = 1.0 / counts[class] as f32;
            sums[class]
                .iter()
                .zip(&values)
                .map(|(s, v)| (s * scale - v).powi(2))
                .sum()
        };
        let nearest = (0..classes).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        nearest != Some(splits.test.label(i))
    });
    wrong.count() as f32 / splits.test.len() as f32
}

#[test]
fn raw_values_tell_little_but_something() {
    let error = centroid_error(
        &images(Domain::Surrogate, Sizes::default(), 0, &normalise()),
        |x| x,
    );
    println!("surrogate images, nearest mean of raw pixels: error {error}");
    assert!((0.6..0.87).contains(&error), "{error}");

    let signals = emg(Sizes::default(), 0).unwrap();
    let raw = centroid_error(&signals, |x| x);
    let power = centroid_error(&signals, |x| {
        let spread = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().max(1e-3).ln();
        x.chunks_exact(52).map(spread).collect()
    });
    println!("muscle signals, nearest mean: raw error {raw}, log power error {power}");
    assert!(raw > 0.7 && power < 0.35, "raw {raw}, power {power}");
}
