//! Tests of a comparison from encoders to tables: what is refused, what a planted difference and an
//! equal encoder look like, and that bytes repeat.

use super::align::{Shared, align};
use super::measures::measures;
use super::parts::Parts;
use super::*;
use crate::feature::FeatureSet;
use crate::run::RunError;
use crate::run::progress::Quiet;
use ndarray::{Array2, s};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn normal(seed: u64, n: usize, d: usize) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((n, d), || {
        let value: f64 = StandardNormal.sample(&mut rng);
        value as f32
    })
}

/// Classes around the corners of a simplex, `apart` from each other.
fn clouds(seed: u64, labels: &[usize], d: usize, apart: f32) -> Array2<f32> {
    let mut x = normal(seed, labels.len(), d);
    for (row, &label) in labels.iter().enumerate() {
        x[[row, label]] += apart;
    }
    x
}

fn encoder(title: &str, features: Array2<f32>, labels: &[usize]) -> EncoderFeatures {
    EncoderFeatures {
        title: title.into(),
        origin: Origin {
            kind: "features".into(),
            path: format!("{title}.npz"),
            sha256: "00".into(),
            ..Origin::default()
        },
        set: FeatureSet::unnamed(features, labels.to_vec()).expect("valid"),
        named: false,
        train: None,
        groups: None,
    }
}

fn labels(n: usize, classes: usize) -> Vec<usize> {
    (0..n).map(|i| i % classes).collect()
}

fn settings() -> ValidSettings {
    let fast = Settings::new().probe_c([0.01, 0.316]);
    fast.tsne_iterations(20).check().expect("valid")
}

fn compared(encoders: Vec<EncoderFeatures>) -> (Shared, Comparison) {
    let shared = align(encoders).expect("aligned");
    let found = Comparison::new(&shared, 0, &settings(), &mut Quiet).expect("compared");
    (shared, found)
}

fn verdict(found: &Comparison, encoder: usize, measure: &str) -> &'static str {
    let mut own = found.differences.iter();
    let own = own.find(|d| d.encoder == encoder && d.measure.name == measure);
    own.map_or("", |d| d.difference.verdict.name())
}

#[test]
fn a_planted_difference_is_found_and_a_rotation_is_none() {
    let labels = labels(600, 4);
    let good = clouds(1, &labels, 8, 2.5);
    // Each plane turned: the same encoder to everything that looks at angles and distances.
    let mut turned = good.clone();
    for pair in 0..4 {
        let (sin, cos) = (0.3 + pair as f32).sin_cos();
        for mut row in turned.outer_iter_mut() {
            let (a, b) = (row[2 * pair], row[2 * pair + 1]);
            (row[2 * pair], row[2 * pair + 1]) = (cos * a - sin * b, sin * a + cos * b);
        }
    }
    let (_, found) = compared(vec![
        encoder("good", good, &labels),
        encoder("turned", turned, &labels),
        encoder("poor", clouds(2, &labels, 8, 1.0), &labels),
    ]);
    for measure in measures().map(|measure| measure.about.name) {
        assert_eq!(verdict(&found, 1, measure), "not shown", "{measure:?}");
    }
    for measure in [
        "probe-error",
        "balanced-error",
        "knn-accuracy",
        "silhouette",
        "logme",
        "h-score",
    ] {
        assert_eq!(verdict(&found, 2, measure), "worse", "{measure:?}");
    }
    assert!((found.cka[0][1].expect("defined") - 1.0).abs() < 1e-5);
    assert!(found.cka[0][2].expect("defined") < 0.9);
    assert!(
        found
            .classes
            .iter()
            .all(|c| c.difference.is_some() == (c.encoder > 0))
    );
    // Every interval holds its value, and what is beyond noise is clear of zero.
    for estimate in found
        .encoders
        .iter()
        .flat_map(|encoder| encoder.estimates.iter().flatten())
    {
        let [low, high] = estimate.interval.expect("interval");
        assert!(
            low <= estimate.value && estimate.value <= high,
            "{estimate:?}"
        );
    }
    let reversed = found.differences.iter().map(|d| &d.difference);
    assert!(reversed.filter(|d| d.verdict.beyond()).all(|d| {
        let [low, high] = d.interval.expect("interval");
        d.adjusted.expect("p") <= 0.05 && low * high > 0.0
    }));
}

#[test]
fn intervals_have_the_width_of_repetition() {
    // The jackknife's interval of alignment against the spread over fresh samples of one encoder.
    let labels = labels(400, 4);
    let one = |seed| {
        let (_, found) = compared(vec![
            encoder("a", clouds(seed, &labels, 6, 1.5), &labels),
            encoder("b", clouds(seed + 1000, &labels, 6, 1.5), &labels),
        ]);
        let measured = |encoder: usize| found.encoders[encoder].estimate("alignment").cloned();
        [measured(0).expect("defined"), measured(1).expect("defined")]
    };
    let all: Vec<_> = (0..12).flat_map(one).collect();
    let mean = all.iter().map(|e| e.value).sum::<f64>() / all.len() as f64;
    let held = all.iter().filter(|e| {
        let [low, high] = e.interval.expect("interval");
        low <= mean && mean <= high
    });
    let share = held.count() as f64 / all.len() as f64;
    assert!(share >= 0.8, "{share} of the intervals hold the mean");
    let half = all
        .iter()
        .map(|e| e.interval.expect("interval")[1] - e.value);
    let half = half.sum::<f64>() / all.len() as f64;
    let spread = all.iter().map(|e| (e.value - mean).powi(2)).sum::<f64>();
    let spread = 2.09 * (spread / (all.len() - 1) as f64).sqrt();
    assert!((0.5..2.0).contains(&(half / spread)), "{half} for {spread}");
}

#[test]
fn rows_are_matched_by_ids() {
    let labels = labels(40, 2);
    let ids = |n: usize| (0..n).map(|i| format!("s{i}")).collect::<Vec<_>>();
    let x = clouds(3, &labels, 3, 1.0);
    let with = |title: &str, x: &Array2<f32>, labels: &[usize], ids: Vec<String>| {
        let mut encoder = encoder(title, x.clone(), labels);
        encoder.set = encoder.set.with_ids(ids).expect("ids");
        encoder
    };
    let back: Vec<usize> = (0..40).rev().collect();
    let turned = x.select(ndarray::Axis(0), &back);
    let turned_labels: Vec<usize> = back.iter().map(|&row| labels[row]).collect();
    let turned_ids: Vec<String> = ids(40).into_iter().rev().collect();
    let other = with("turned", &turned, &turned_labels, turned_ids.clone());
    let shared = align(vec![with("x", &x, &labels, ids(40)), other.clone()]).expect("aligned");
    assert_eq!(shared.encoders[1].features, x);
    let said = |encoders| align(encoders).expect_err("refused").to_string();
    let mut unknown = turned_ids.clone();
    unknown[3] = "other".into();
    let missing = said(vec![
        with("x", &x, &labels, ids(40)),
        with("y", &turned, &turned_labels, unknown),
    ]);
    assert!(
        missing.contains("y: ids: expected \"s36\", row 36 of x"),
        "{missing}"
    );
    let mut twice = turned_ids;
    twice[3] = twice[2].clone();
    let twice = said(vec![
        with("x", &x, &labels, ids(40)),
        with("y", &turned, &turned_labels, twice),
    ]);
    assert!(
        twice.contains("y: ids, row 3") && twice.contains("as in row 2"),
        "{twice}"
    );
}

#[test]
fn sides_of_different_samples_are_refused_with_the_row() {
    let (some, fewer) = (labels(20, 2), labels(18, 2));
    let said = |other: EncoderFeatures| {
        let one = encoder("a", normal(1, 20, 3), &some);
        align(vec![one, other]).expect_err("refused").to_string()
    };
    let short = said(encoder("b", normal(2, 18, 3), &fewer));
    assert_eq!(short, "b: samples: expected 20, as a has, found 18");
    let mut wrong = some.clone();
    wrong[7] = 0;
    let wrong = said(encoder("b", normal(2, 20, 3), &wrong));
    assert!(
        wrong.contains("b: labels, row 7: expected class 1"),
        "{wrong}"
    );
    let named = |names: &[&str]| {
        let names = names.iter().map(|n| n.to_string()).collect();
        let mut encoder = encoder("named", normal(3, 20, 3), &some);
        encoder.set = FeatureSet::new(normal(3, 20, 3), some.clone(), names).expect("valid");
        encoder.named = true;
        encoder
    };
    let cats = align(vec![named(&["cat", "dog"]), named(&["dog", "cat"])]).expect_err("refused");
    assert!(cats.to_string().contains("class 0 \"cat\""), "{cats}");
    // Names may come from one encoder alone.
    let shared = align(vec![
        encoder("a", normal(1, 20, 3), &some),
        named(&["cat", "dog"]),
    ]);
    assert_eq!(shared.expect("aligned").class_names, ["cat", "dog"]);
    let alone = align(vec![named(&["cat", "dog"])]).expect_err("one encoder");
    assert!(matches!(alone, CompareError::Unfit { .. }));
}

#[test]
fn titles_become_distinct() {
    let labels = labels(8, 2);
    let mut encoders: Vec<EncoderFeatures> = (0..4)
        .map(|i| encoder("f", normal(i, 8, 2), &labels))
        .collect();
    encoders[1].origin.path = "other/f.npz".into();
    encoders[3].title = "</script>".into();
    let shared = align(encoders).expect("aligned");
    let titles: Vec<&str> = shared
        .encoders
        .iter()
        .map(|encoder| encoder.title.as_str())
        .collect();
    let expected = ["f (f.npz)", "f (other/f.npz)", "f (f.npz) #2", "</script>"];
    assert_eq!(titles, expected);
}

#[test]
fn degenerate_samples_give_a_typed_error_or_finite_numbers() {
    let run = |labels: &[usize], d: usize| -> Result<Comparison, CompareError> {
        let shared = align(vec![
            encoder("a", normal(1, labels.len(), d), labels),
            encoder("b", normal(2, labels.len(), d), labels),
        ])?;
        Comparison::new(&shared, 0, &settings(), &mut Quiet)
    };
    let one_class = run(&[0; 30], 3).err().expect("one class").to_string();
    assert!(
        one_class.contains("classes with training samples"),
        "{one_class}"
    );
    let singles = run(&[0, 1, 2, 3], 3).err().expect("singles").to_string();
    let said = "labels of a.npz, b.npz: expected a class with samples for three parts";
    assert!(singles.starts_with(said), "{singles}");
    assert!(singles.ends_with("no class with more than 1"), "{singles}");
    for labels in [
        vec![0, 0, 0, 0, 1, 1, 1, 1],
        [labels(30, 2), vec![2]].concat(),
    ] {
        let found = run(&labels, 3).expect("runs");
        let all = found
            .encoders
            .iter()
            .flat_map(|s| s.estimates.iter().flatten());
        assert!(all.clone().count() > 0 && all.clone().all(|e| e.value.is_finite()));
        assert!(all.flat_map(|e| e.interval).flatten().all(f64::is_finite));
    }
    let lonely = run(&[labels(30, 2), vec![2]].concat(), 3).expect("runs");
    let of_it = lonely.classes.iter().filter(|c| c.class == 2);
    assert!(
        of_it
            .clone()
            .all(|c| c.error.is_none() && c.difference.is_none())
    );
    // Constant features: measures that are not defined are missing, and said to be.
    let labels = labels(40, 2);
    let (_, found) = compared(vec![
        encoder("a", normal(1, 40, 3), &labels),
        encoder("zero", Array2::zeros((40, 3)), &labels),
    ]);
    assert!(found.encoders[1].estimate("knn-accuracy").is_none());
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("k-NN accuracy of zero"))
    );
    assert!(found.cka[0][1].is_none());
}

#[test]
fn a_split_is_stratified_and_parts_of_runs_are_kept() {
    let labels = [labels(100, 2), vec![2; 7], vec![3]].concat();
    let one = |title| encoder(title, normal(1, labels.len(), 2), &labels);
    let shared = align(vec![one("a"), one("b")]).expect("aligned");
    let parts = Parts::new(&shared, &settings()).expect("parts");
    let of = |rows: &[usize], class| rows.iter().filter(|&&r| labels[r] == class).count();
    assert_eq!([0, 1, 2, 3].map(|c| of(&parts.train, c)), [25, 25, 3, 1]);
    assert_eq!([0, 1, 2, 3].map(|c| of(&parts.valid, c)), [5, 5, 1, 0]);
    let mut all = [parts.train.clone(), parts.test.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
    let mut learnt = [parts.fit, parts.valid].concat();
    learnt.sort_unstable();
    assert_eq!(learnt, parts.train);
    let with = |title| {
        let mut encoder = one(title);
        let train = normal(5, 30, 2);
        encoder.train = FeatureSet::unnamed(train, self::labels(30, 2)).ok();
        encoder
    };
    let shared = align(vec![with("a"), with("b")]).expect("aligned");
    let parts = Parts::new(&shared, &settings()).expect("parts");
    assert_eq!(parts.train, (0..30).collect::<Vec<_>>());
    assert_eq!(
        shared.encoders[0].features.slice(s![30.., ..]),
        normal(1, labels.len(), 2)
    );
    // Beside a features file, a run gives its test samples alone.
    let shared = align(vec![with("a"), one("b")]).expect("aligned");
    assert_eq!(shared.labels, labels);
}

#[test]
fn samples_that_belong_together_stay_together() {
    // Forty clips of five chunks; the second encoder numbers them otherwise and holds them in reverse.
    let labels: Vec<usize> = (0..200).map(|i| i / 5 % 4).collect();
    let x = clouds(3, &labels, 4, 1.0);
    let ids: Vec<String> = (0..200).map(|i| format!("s{i}")).collect();
    let back: Vec<usize> = (0..200).rev().collect();
    let mut one = encoder("a", x.clone(), &labels);
    one.set = one.set.with_ids(ids.clone()).expect("ids");
    one.groups = Some((0..200).map(|i| i / 5).collect());
    let turned: Vec<usize> = back.iter().map(|&row| labels[row]).collect();
    let mut other = encoder("b", x.select(ndarray::Axis(0), &back), &turned);
    let turned_ids = back.iter().map(|&row| ids[row].clone()).collect();
    other.set = other.set.with_ids(turned_ids).expect("ids");
    other.groups = Some(back.iter().map(|&row| 1000 - row / 5).collect());
    let silent = encoder("c", x.clone(), &labels);
    let shared = align(vec![silent, one.clone(), other.clone()]).expect("aligned");
    let groups = shared.groups.clone().expect("groups");
    assert_eq!(groups, (0..200).map(|i| i / 5).collect::<Vec<_>>());

    let parts = Parts::new(&shared, &settings()).expect("parts");
    let of = |rows: &[usize]| -> std::collections::BTreeSet<usize> {
        rows.iter().map(|&row| groups[row]).collect()
    };
    assert!(of(&parts.train).is_disjoint(&of(&parts.test)));
    assert!(of(&parts.fit).is_disjoint(&of(&parts.valid)));
    assert_eq!(of(&parts.train).len() + of(&parts.test).len(), 40);
    // Class by class: five of ten clips each.
    let clips = |class: usize| {
        let own = parts
            .test
            .iter()
            .copied()
            .filter(|&row| labels[row] == class);
        of(&own.collect::<Vec<_>>()).len()
    };
    assert_eq!([0, 1, 2, 3].map(clips), [5; 4]);
    let folds = parts::folds(&labels, Some(&groups), 20, 0);
    let split = (0..200).any(|i| folds[i] != folds[i / 5 * 5]);
    assert!(!split, "a fold takes whole clips");

    // What belongs together is a matter of the samples, not of the encoder.
    other.groups.as_mut().expect("groups")[7] = 3;
    let refused = align(vec![one.clone(), other])
        .expect_err("refused")
        .to_string();
    assert!(
        refused.contains("b: groups, row ") && refused.contains("as a has them"),
        "{refused}"
    );
    one.groups = Some(vec![0; 7]);
    let short = align(vec![one.clone(), one])
        .expect_err("refused")
        .to_string();
    assert!(
        short.contains("one for each of 200 samples, found 7"),
        "{short}"
    );
}

#[test]
fn tables_and_record_repeat_byte_for_byte_on_any_number_of_threads() {
    let labels = labels(120, 3);
    let write_with = |threads: usize, root: &std::path::Path| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("pool").install(|| {
            let (shared, found) = compared(vec![
                encoder("=a", clouds(1, &labels, 4, 2.0), &labels),
                encoder("b", clouds(2, &labels, 6, 1.0), &labels),
            ]);
            let folder = folder::Folder::open(root).expect("folder");
            assert!(matches!(
                folder::Folder::open(root),
                Err(CompareError::Run(error)) if matches!(*error, RunError::Locked { .. })
            ));
            let root = folder.root().expect("in place");
            write::write(root, &shared, &settings(), &found).expect("written");
        });
    };
    let (one, two) = (
        tempfile::tempdir().expect("a"),
        tempfile::tempdir().expect("b"),
    );
    write_with(1, one.path());
    write_with(2, two.path());
    for name in ["measures", "differences", "classes", "cka", "tsne"] {
        let read = |root: &tempfile::TempDir| {
            std::fs::read(root.path().join(format!("tables/{name}.csv"))).expect("table")
        };
        assert!(read(&one) == read(&two), "{name}.csv differs");
        assert!(
            !String::from_utf8_lossy(&read(&one)).contains("NaN"),
            "{name}"
        );
    }
    let record = |root: &tempfile::TempDir| {
        std::fs::read(root.path().join(crate::table::record::COMPARISON))
    };
    assert_eq!(record(&one).expect("record"), record(&two).expect("record"));
    // A folder with something else in it is not taken.
    let other = tempfile::tempdir().expect("folder");
    std::fs::write(other.path().join("thesis.tex"), "").expect("written");
    assert!(folder::Folder::open(other.path()).is_err());
    folder::Folder::open(one.path()).expect("an earlier comparison may be replaced");
}
