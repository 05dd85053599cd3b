//! Against counting in Python (`tests/fixtures/retrieval/make.py`), and what ties and blocks must not do.

use super::*;
use crate::fixture;
use crate::measure::about::check_list;
use crate::measure::references::normal;
use crate::measure::stats;
use ndarray::{Array2, Axis, array, concatenate};

const BOTH: [Direction; 2] = [Direction::ImageToText, Direction::TextToImage];

#[test]
fn every_rule_gives_the_recall_that_counting_gives() {
    check_list(ALL.iter().map(|measure| &measure.about));
    let expected = fixture::json("retrieval/expected.json");
    let fifths = fixture::npz("retrieval/io.npz", "fifths");
    let scores: Array2<f64> = (fifths / 5.0).into_dimensionality().expect("rank");
    let owner = fixture::npz("retrieval/io.npz", "caption_owner");
    let owner: Vec<usize> = owner.iter().map(|image| *image as usize).collect();
    let found = retrieval_of_scores(scores.view(), &owner).expect("runs");
    for rule in Rule::ALL {
        let want = &expected["by_rule"][rule.name()];
        for measure in ALL {
            let key = measure.about.name.replace('-', "_");
            let want = want[&key].as_f64().expect("number");
            let value = 100.0 * measure.value(&found, rule);
            assert!(
                (value - want).abs() < 1e-10,
                "{} {key}: {value} {want}",
                rule.name()
            );
        }
    }
    let [images, captions] = BOTH.map(|direction| found.tied(direction));
    assert!(images > 0 && captions > images, "{images} {captions}");
}

#[test]
fn the_ranks_of_embeddings_are_those_of_their_cosines() {
    // More captions than a block has queries, and images without a caption.
    let images = normal(1, 120, 5);
    let owner: Vec<usize> = (0..700).map(|caption| caption * 7 % 100).collect();
    let captions = images.select(Axis(0), &owner) + 0.6 * normal(2, 700, 5);
    let length = |x: &Array2<f64>| {
        x.map_axis(Axis(1), |row| row.dot(&row).sqrt())
            .insert_axis(Axis(1))
    };
    let cosines = (&images / &length(&images)).dot(&(&captions / &length(&captions)).t());
    let found = retrieval(images.view(), captions.mapv(|v| 1e3 * v).view(), &owner).expect("runs");
    let direct = retrieval_of_scores(cosines.view(), &owner).expect("runs");
    assert_eq!(found, direct);
    assert_eq!(found.asking(), (0..100).collect::<Vec<_>>());
    assert_eq!(BOTH.map(|direction| found.tied(direction)), [0, 0]);
    let recall = found.recall(Direction::TextToImage, 5, Rule::Pessimistic);
    assert!(recall > 0.1 && recall < 0.99, "{recall}");
    for rule in Rule::ALL {
        assert_eq!(found.recall(Direction::TextToImage, 5, rule), recall);
    }
}

/// More rows and columns than a tile, vectors that hardly differ, doubles: the places are those of exact cosines.
#[test]
fn screening_in_single_precision_changes_no_place() {
    let middle = normal(5, 1, 24);
    let images = &middle + &(1e-3 * normal(6, 210, 24));
    let owner: Vec<usize> = (0..2300).map(|caption| caption * 13 % 205).collect();
    let mut captions = &middle + &(1e-3 * normal(7, 2300, 24));
    for caption in (0..2300).step_by(9) {
        let other = captions.row((caption * 31) % 2300).to_owned();
        captions.row_mut(caption).assign(&other);
    }
    let unit = |x: &Array2<f64>| {
        let length = x.map_axis(Axis(1), |row| row.dot(&row).sqrt());
        x / &length.insert_axis(Axis(1))
    };
    let (x, y) = (unit(&images), unit(&captions));
    let cosines = Array2::from_shape_fn((210, 2300), |(i, j)| {
        let terms = x
            .row(i)
            .iter()
            .zip(y.row(j))
            .map(|(a, b)| a * b)
            .collect::<Vec<f64>>();
        terms.iter().sum::<f64>()
    });
    let found = retrieval(images.view(), captions.view(), &owner).expect("runs");
    let direct = retrieval_of_scores(cosines.view(), &owner).expect("runs");
    assert_eq!(found.asking(), direct.asking());
    for direction in BOTH {
        // Cosines of these differ in the ninth digit: two orders of summation may part a handful of them.
        let pairs = found.places(direction).iter().zip(direct.places(direction));
        let other = pairs.filter(|(a, b)| a.above.abs_diff(b.above) > 1).count();
        assert_eq!(other, 0, "{direction:?}");
        assert!(found.tied(direction) > 0 || direction == Direction::TextToImage);
    }
}

#[test]
fn captions_that_images_share_are_ties_whatever_the_rounding() {
    // Every caption stands twice, the second time with the next image.
    let images = normal(3, 61, 17);
    let own = images.clone();
    let twice = concatenate(Axis(0), &[own.view(), own.view()]).expect("shapes");
    let owner: Vec<usize> = (0..61).chain((0..61).map(|i| (i + 1) % 61)).collect();
    let found = retrieval(images.view(), twice.view(), &owner).expect("runs");
    assert_eq!(found.tied(Direction::ImageToText), 61);
    let recall = |rule| found.recall(Direction::ImageToText, 1, rule);
    assert_eq!(
        (recall(Rule::Pessimistic), recall(Rule::Optimistic)),
        (0.0, 1.0)
    );
    assert_eq!(
        (recall(Rule::FirstIndex), recall(Rule::LastIndex)),
        (1.0, 0.0)
    );
    assert_eq!(recall(Rule::RandomOrder), 0.5);
    // The same picture twice: no caption can tell the two apart.
    let images = concatenate(Axis(0), &[images.view(), images.view()]).expect("shapes");
    let owner: Vec<usize> = (0..61).collect();
    let found = retrieval(images.view(), own.view(), &owner).expect("runs");
    assert_eq!(found.tied(Direction::TextToImage), 61);
    assert_eq!(
        found.recall(Direction::TextToImage, 1, Rule::Pessimistic),
        0.0
    );
    assert_eq!(
        found.recall(Direction::TextToImage, 2, Rule::Pessimistic),
        1.0
    );
}

#[test]
fn the_interval_of_captions_is_that_of_images() {
    // Ten captions an image, all found or none: a hundred images are known, not a thousand captions.
    let mut scores = Array2::zeros((100, 1000));
    let owner: Vec<usize> = (0..1000).map(|caption| caption / 10).collect();
    for (caption, &image) in owner.iter().enumerate() {
        scores[[
            if image % 4 == 0 {
                (image + 1) % 100
            } else {
                image
            },
            caption,
        ]] = 1.0;
    }
    let found = retrieval_of_scores(scores.view(), &owner).expect("runs");
    assert_eq!(
        found.recall(Direction::TextToImage, 1, Rule::Pessimistic),
        0.75
    );
    let [low, high] = found.interval(Direction::TextToImage, 1, None);
    let [a, b] = stats::wilson(750, 1000);
    assert!(
        low < 0.75 && high > 0.75 && high - low > 2.0 * (b - a),
        "{low} {high}"
    );
    let alone = found.interval(Direction::ImageToText, 1, None);
    // The images that those captions take for theirs have ties, and no tie is won.
    assert_eq!(
        found.recall(Direction::ImageToText, 1, Rule::Pessimistic),
        0.5
    );
    let [a, b] = stats::wilson(50, 100);
    assert!(
        (alone[0] - a).abs() < 1e-12 && (alone[1] - b).abs() < 1e-12,
        "{alone:?}"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, y) = (array![[1.0, 0.0], [0.0, 1.0]], array![[1.0, 0.5]]);
    let of =
        |x: &Array2<f64>, y: &Array2<f64>, owner: &[usize]| retrieval(x.view(), y.view(), owner);
    assert!(of(&x, &y, &[1]).is_ok());
    assert!(matches!(
        of(&x, &y, &[2]),
        Err(MeasureError::Label {
            row: 0,
            classes: 2,
            ..
        })
    ));
    assert!(matches!(
        of(&x, &y, &[0, 0]),
        Err(MeasureError::Shape { .. })
    ));
    assert!(matches!(
        of(&x, &array![[1.0]], &[0]),
        Err(MeasureError::Shape { .. })
    ));
    assert!(matches!(
        of(&x, &array![[0.0, 0.0]], &[0]),
        Err(MeasureError::ZeroVector { row: 0, .. })
    ));
    assert!(matches!(
        of(&x, &array![[f64::NAN, 0.0]], &[0]),
        Err(MeasureError::NotFinite { .. })
    ));
    assert!(matches!(
        of(&x, &Array2::zeros((0, 2)), &[]),
        Err(MeasureError::TooFew { .. })
    ));
    assert!(matches!(
        of(&Array2::zeros((0, 2)), &y, &[0]),
        Err(MeasureError::TooFew { .. })
    ));
}
