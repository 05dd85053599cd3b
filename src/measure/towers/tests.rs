//! Against NumPy (`tests/fixtures/towers/make.py`), and what the definitions demand.

use super::*;
use crate::fixture;
use crate::measure::about::check_list;
use crate::measure::references::{normal, rotation};
use crate::measure::{Groups, MeasureError, Samples, stats};
use ndarray::{Array2, Axis, array, concatenate};

fn input(name: &str) -> Array2<f32> {
    fixture::npz_f32("towers/inputs.npz", name)
}

fn labels() -> Vec<usize> {
    let labels = fixture::npz("towers/inputs.npz", "labels");
    labels.iter().map(|label| *label as usize).collect()
}

#[test]
fn every_measure_is_described_and_has_the_value_of_its_definition() {
    let about = ALL.iter().map(|measure| &measure.about);
    check_list(about.chain(zero_shot::ALL));
    let expected = fixture::json("towers/expected.json");
    let pairs = Pairs::new(input("images").view(), input("texts").view()).expect("valid");
    assert_eq!((pairs.len(), pairs.left_out()), (40, &[][..]));
    for measure in ALL {
        let want = expected[measure.about.name].as_f64().expect("number");
        let found = (measure.value)(&pairs).expect("defined");
        assert!(
            (found - want).abs() < 1e-12,
            "{}: {found} {want}",
            measure.about.name
        );
        assert_eq!(
            named(measure.about.name).map(|m| m.about),
            Some(measure.about)
        );
    }
}

#[test]
fn the_ranges_are_reached_and_lengths_and_rotations_do_not_matter() {
    let (x, y) = (normal(1, 30, 5) + 0.2, normal(2, 30, 5));
    let turn = rotation(3, 5);
    let one = Pairs::new(x.view(), y.view()).expect("valid");
    let other = Pairs::new((x.dot(&turn) * 1e-3).view(), (y.dot(&turn) * 7.0).view());
    let other = other.expect("valid");
    let same = Pairs::new(x.view(), (&x * 2.0).view()).expect("valid");
    let against = Pairs::new(x.view(), (&x * -2.0).view()).expect("valid");
    for measure in ALL {
        let value = |of: &Pairs| (measure.value)(of).expect("defined");
        assert!(
            (value(&one) - value(&other)).abs() < 1e-12,
            "{}",
            measure.about.name
        );
    }
    let gap = |of: &Pairs| (pairs::GAP.value)(of).expect("defined");
    let alignment = |of: &Pairs| (pairs::ALIGNMENT.value)(of).expect("defined");
    assert!(gap(&same) < 1e-15 && alignment(&same) < 1e-15);
    assert!((alignment(&against) - 4.0).abs() < 1e-14);
    let points = Pairs::new(array![[1.0], [3.0]].view(), array![[-1.0], [-2.0]].view());
    assert_eq!(gap(&points.expect("valid")), 2.0);
}

#[test]
fn pairs_without_a_direction_are_left_out_of_both_sets() {
    let (mut x, mut y) = (normal(4, 12, 3), normal(5, 12, 3));
    let rest: Vec<usize> = (0..12).filter(|row| ![2, 9].contains(row)).collect();
    let fewer = Pairs::new(
        x.select(Axis(0), &rest).view(),
        y.select(Axis(0), &rest).view(),
    );
    let fewer = fewer.expect("valid");
    x.row_mut(2).fill(0.0);
    y.row_mut(9).fill(0.0);
    let found = Pairs::new(x.view(), y.view()).expect("valid");
    assert_eq!((found.left_out(), found.rows()), (&[2, 9][..], &rest[..]));
    for measure in ALL {
        assert_eq!((measure.value)(&found), (measure.value)(&fewer));
    }
    let part = found.part(|place| place > 7).expect("two");
    assert_eq!(part.rows(), [10, 11]);
    assert!(found.part(|_| false).is_none());
    y.fill(0.0);
    assert!(Pairs::new(x.view(), y.view()).is_err());
    assert!(matches!(
        Pairs::new(x.view(), normal(1, 12, 4).view()),
        Err(MeasureError::Shape { .. })
    ));
    assert!(matches!(
        Pairs::new(x.view(), normal(1, 11, 3).view()),
        Err(MeasureError::Shape { .. })
    ));
    // One pair has no other to be uniform with, but a distance.
    let one = Pairs::new(normal(6, 1, 3).view(), normal(7, 1, 3).view()).expect("valid");
    assert!(
        (pairs::ALIGNMENT.value)(&one).is_ok() && (pairs::JOINT_UNIFORMITY.value)(&one).is_ok()
    );
    assert!(matches!(
        (pairs::IMAGE_UNIFORMITY.value)(&one),
        Err(MeasureError::TooFew { .. })
    ));
}

#[test]
fn the_classifier_is_clips_notebook() {
    let expected = fixture::json("towers/expected.json");
    let (images, labels) = (input("images"), labels());
    let scale = expected["scale"].as_f64().expect("number");
    let classifier = TextClassifier::new(input("prompts").view(), 5, scale).expect("valid");
    let found = classifier
        .probabilities(images.view())
        .expect("probabilities");
    for (row, want) in found
        .outer_iter()
        .zip(expected["probabilities"].as_array().expect("list"))
    {
        for (p, want) in row.iter().zip(want.as_array().expect("list")) {
            assert!((f64::from(*p) - want.as_f64().expect("number")).abs() < 1e-6);
        }
    }
    let samples = Samples::new(images.view(), &labels, 5).expect("valid");
    let report = classifier
        .report(&samples, &Groups::singletons(40))
        .expect("report");
    let number = |value: &serde_json::Value| value.as_f64();
    let list = |key: &str| expected[key].as_array().expect("list").iter();
    assert_eq!(Some(report.error), number(&expected["error"]));
    let predictions: Vec<usize> = list("predictions")
        .map(|v| v.as_u64().expect("class") as usize)
        .collect();
    assert_eq!((&report.predictions, report.tied), (&predictions, 0));
    assert_eq!(
        report.class_errors,
        list("class_errors").map(number).collect::<Vec<_>>()
    );
    assert_eq!(report.class_errors[4], None);
    let mean = stats::mean(
        &report
            .class_errors
            .iter()
            .flatten()
            .copied()
            .collect::<Vec<_>>(),
    );
    assert!((report.balanced_error - mean).abs() < 1e-15);
    let wrong = (report.error * 40.0).round() as usize;
    assert_eq!(report.interval, stats::wilson(wrong, 40));
    let [low, high] = report.balanced_interval;
    assert!(low < report.balanced_error && report.balanced_error < high);
    // The scale moves no prediction.
    let cold = TextClassifier::new(input("prompts").view(), 5, 1.0).expect("valid");
    let cold = cold
        .report(&samples, &Groups::singletons(40))
        .expect("report");
    assert_eq!(cold, report);
}

#[test]
fn groups_widen_the_interval_of_the_error() {
    // Images in groups of eight that are all right or all wrong: five things are known, not forty.
    let mut images = Array2::<f32>::zeros((40, 2));
    for (row, mut image) in images.outer_iter_mut().enumerate() {
        image[usize::from(row / 8 % 2 == 1)] = 1.0 + row as f32;
    }
    let labels = vec![0; 40];
    let samples = Samples::new(images.view(), &labels, 2).expect("valid");
    let classifier = TextClassifier::new(array![[1.0, 0.0], [0.0, 1.0]].view(), 2, 100.0);
    let classifier = classifier.expect("valid");
    let clips: Vec<usize> = (0..40).map(|row| row / 8).collect();
    let alone = classifier
        .report(&samples, &Groups::singletons(40))
        .expect("report");
    let grouped = classifier
        .report(&samples, &Groups::of(&clips))
        .expect("report");
    assert_eq!((alone.error, grouped.error), (0.4, 0.4));
    let width = |[low, high]: [f64; 2]| high - low;
    assert!(
        width(grouped.interval) > 2.0 * width(alone.interval),
        "{grouped:?}"
    );
    assert!(width(grouped.balanced_interval) > 2.0 * width(alone.balanced_interval));
    assert!(
        classifier
            .report(&samples, &Groups::singletons(39))
            .is_err()
    );
}

#[test]
fn equal_texts_are_ties_and_what_has_no_direction_is_refused() {
    let texts = array![[1.0f32, 0.0], [0.0, 1.0], [2.0, 0.0]];
    let images = array![[1.0f32, 0.1], [0.0, 2.0]];
    let classifier = TextClassifier::new(texts.view(), 3, 100.0).expect("valid");
    let samples = Samples::new(images.view(), &[2, 1], 3).expect("valid");
    let found = classifier
        .report(&samples, &Groups::singletons(2))
        .expect("report");
    assert_eq!(
        (&found.predictions[..], found.tied, found.error),
        (&[0, 1][..], 1, 0.5)
    );
    let zero = array![[1.0f32, 0.0], [0.0, 0.0]];
    assert_eq!(
        classifier.probabilities(zero.view()),
        Err(MeasureError::ZeroVector {
            what: "image embeddings",
            row: 1
        })
    );
    assert!(matches!(
        TextClassifier::new(zero.view(), 2, 100.0),
        Err(MeasureError::ZeroVector { row: 1, .. })
    ));
    let against = array![[1.0f32, 2.0], [0.0, 1.0], [3.0, 1.0], [-3.0, -1.0]];
    assert!(matches!(
        TextClassifier::new(against.view(), 2, 100.0),
        Err(MeasureError::ZeroVector { row: 1, .. })
    ));
    assert!(matches!(
        TextClassifier::new(texts.view(), 2, 100.0),
        Err(MeasureError::Shape { .. })
    ));
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(TextClassifier::new(texts.view(), 3, scale).is_err());
    }
    // Blocks begin where they begin: rows are named by their place in the whole.
    let many = concatenate(Axis(0), &[Array2::ones((300, 2)).view(), zero.view()]).expect("shapes");
    assert!(matches!(
        classifier.probabilities(many.view()),
        Err(MeasureError::ZeroVector { row: 301, .. })
    ));
}
