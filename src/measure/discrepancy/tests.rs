use super::*;
use crate::fixture;
use ndarray::{Array2, Axis, Ix2, array};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

const ALL: [Divergence; 4] = [
    Divergence::Error,
    Divergence::Nll,
    Divergence::Brier,
    Divergence::Tv,
];

/// Random probabilities that favour class `2·label` a little, and labels.
fn example(n: usize, target: usize, source: usize, seed: u64) -> (Array2<f32>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..n).map(|i| i % target).collect();
    let mut p = Array2::from_shape_fn((n, source), |_| rng.random::<f32>() + 0.01);
    labels
        .iter()
        .enumerate()
        .for_each(|(i, &l)| p[[i, (2 * l) % source]] += 1.0);
    for mut row in p.outer_iter_mut() {
        let sum = row.sum();
        row /= sum;
    }
    (p, labels)
}

fn bare() -> DiscrepancyParams {
    DiscrepancyParams::new().null(0).bootstrap(0)
}

fn value(
    p: &Array2<f32>,
    labels: &[usize],
    classes: usize,
    params: DiscrepancyParams,
) -> Discrepancy {
    discrepancy(
        p.view(),
        Target::Labels { labels, classes },
        &params.check().expect("valid"),
    )
    .expect("runs")
}

#[test]
fn scipys_totals_are_met() {
    let expected = fixture::json("assignment/expected.json");
    for name in ["square", "wide", "ties", "large"] {
        let cost = fixture::npz("assignment/costs.npz", name)
            .into_dimensionality::<Ix2>()
            .expect("matrix");
        let want = expected["minimum_total"][name].as_f64().expect("number");
        let found = assign(cost.view(), Search::Exact).expect("assigned");
        println!(
            "assignment {name}: off by {:.1e}",
            (found.total - want).abs()
        );
        assert!((found.total - want).abs() < 1e-12 && found.certified());
        let greedy = assign(cost.view(), Search::Greedy).expect("assigned");
        assert!(greedy.total >= want && greedy.lower_bound <= greedy.total);
        let mut columns = greedy.columns.clone();
        columns.sort_unstable();
        columns.dedup();
        assert_eq!(columns.len(), cost.nrows(), "greedy is injective");
    }
}

#[test]
fn the_exact_search_equals_enumeration_and_no_permutation_is_better() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for target in 1..=6 {
        for source in target..=6 {
            for divergence in ALL {
                let (p, labels) = example(30, target, source, (target * 10 + source) as u64);
                let exact = value(&p, &labels, target, bare().divergence(divergence));
                let brute = value(
                    &p,
                    &labels,
                    target,
                    bare().divergence(divergence).search(Search::Brute),
                );
                assert!((exact.value - brute.value).abs() < 1e-12 && exact.certified);
                assert_eq!(exact.gap, 0.0);
                for _ in 0..20 {
                    let mut map: Vec<usize> = (0..source).collect();
                    map.shuffle(&mut rng);
                    let cost =
                        |(i, &l): (usize, &usize)| divergence.cost(f64::from(p[[i, map[l]]]));
                    let explicit = labels.iter().enumerate().map(cost).sum::<f64>() / 30.0;
                    assert!(exact.value <= explicit + 1e-9);
                }
            }
        }
    }
}

#[test]
fn the_value_is_the_mean_cost_under_the_assignment() {
    let (p, labels) = example(40, 4, 9, 1);
    let d = value(&p, &labels, 4, DiscrepancyParams::new());
    let cost =
        |(i, &l): (usize, &usize)| 1.0 - f64::from(p[[i, d.assignment[l].expect("present")]]);
    let mean = labels.iter().enumerate().map(cost).sum::<f64>() / 40.0;
    assert!((d.value - mean).abs() < 1e-12);
    assert_eq!(d.assignment, [Some(0), Some(2), Some(4), Some(6)]);
    assert!((d.chance - (1.0 - 1.0 / 9.0)).abs() < 1e-6);
    let [low, high] = d.interval.expect("interval");
    assert!(low < d.value && d.value < high);
    assert!(d.null_mean.expect("null") > d.value && d.normalized.expect("null") < 1.0);
    assert_eq!(
        d,
        Discrepancy {
            seconds: d.seconds,
            ..value(&p, &labels, 4, DiscrepancyParams::new())
        },
        "same seed, same result"
    );
}

#[test]
fn relabelling_either_side_changes_nothing() {
    let (p, labels) = example(50, 5, 8, 2);
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let base = value(&p, &labels, 5, bare()).value;
    let mut columns: Vec<usize> = (0..8).collect();
    columns.shuffle(&mut rng);
    let mut names: Vec<usize> = (0..5).collect();
    names.shuffle(&mut rng);
    let renamed: Vec<usize> = labels.iter().map(|&l| names[l]).collect();
    let moved = value(&p.select(Axis(1), &columns), &renamed, 5, bare()).value;
    assert!((base - moved).abs() < 1e-12);
}

#[test]
fn a_source_that_knows_the_target_has_no_discrepancy() {
    let labels: Vec<usize> = (0..24).map(|i| i % 4).collect();
    let p = Array2::from_shape_fn((24, 4), |(i, k)| {
        f32::from(u8::from(k == (labels[i] + 1) % 4))
    });
    for divergence in ALL {
        let d = value(
            &p,
            &labels,
            4,
            DiscrepancyParams::new().divergence(divergence).holdout(0.5),
        );
        assert_eq!(d.value, 0.0);
        assert_eq!(d.samples, 12);
        assert_eq!(d.normalized, Some(0.0));
    }
}

#[test]
fn a_source_that_knows_nothing_is_no_better_than_its_null_once_held_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (mut p, labels) = example(400, 4, 40, 3);
    let mut rows: Vec<usize> = (0..400).collect();
    rows.shuffle(&mut rng);
    p = p.select(Axis(0), &rows);
    let fitted = value(&p, &labels, 4, DiscrepancyParams::new());
    let held = value(&p, &labels, 4, DiscrepancyParams::new().holdout(0.5));
    let [low, high] = held.null_interval.expect("null");
    assert!((low..=high).contains(&held.value), "{held:?}");
    assert!(
        fitted.fit_value < held.value,
        "fitting and evaluating on the same samples is optimistic"
    );
}

#[test]
fn streams_one_hot_conditionals_and_memory_agree() {
    let (p, labels) = example(700, 3, 7, 4);
    let one_hot = Array2::from_shape_fn((700, 3), |(i, c)| f32::from(u8::from(labels[i] == c)));
    for divergence in ALL {
        let memory = value(&p, &labels, 3, bare().divergence(divergence));
        let params = bare().divergence(divergence).check().expect("valid");
        let soft =
            discrepancy(p.view(), Target::Conditionals(one_hot.view()), &params).expect("runs");
        let mut parts = vec![];
        for range in [0..1, 1..300, 300..300, 300..700] {
            let mut part = CostAccumulator::new(3, 7, divergence).expect("valid");
            let block = p.slice(ndarray::s![range.clone(), ..]);
            if parts.len() % 2 == 0 {
                part.add_labels(block, &labels[range]).expect("added");
            } else {
                part.add_conditionals(block, one_hot.slice(ndarray::s![range, ..]))
                    .expect("added");
            }
            parts.push(part);
        }
        let mut whole = parts.remove(0);
        parts
            .iter()
            .for_each(|part| whole.merge(part).expect("merged"));
        let stream = whole.solve(Search::Exact).expect("solved");
        assert_eq!(whole.samples(), 700);
        assert!(
            (stream.total - memory.value).abs() < 1e-12
                && (soft.value - memory.value).abs() < 1e-12
        );
        assert_eq!(
            stream.columns.into_iter().map(Some).collect::<Vec<_>>(),
            memory.assignment
        );
    }
}

#[test]
fn faults_are_typed_and_a_refused_block_adds_nothing() {
    let p = array![[0.5f32, 0.5], [0.9, 0.1]];
    let params = bare().check().expect("valid");
    let run = |p: ArrayView2<'_, f32>, labels: &[usize], classes| {
        discrepancy(p, Target::Labels { labels, classes }, &params)
    };
    assert_eq!(
        run(p.view(), &[0, 1], 3).expect_err("too many"),
        MeasureError::TooMany {
            what: "target classes",
            expected: 2,
            found: 3
        }
    );
    assert!(matches!(
        run(p.view(), &[0, 2], 2),
        Err(MeasureError::Label {
            row: 1,
            found: 2,
            ..
        })
    ));
    assert!(matches!(
        run(p.view(), &[0], 2),
        Err(MeasureError::Shape { .. })
    ));
    let mut acc = CostAccumulator::new(2, 2, Divergence::Error).expect("valid");
    acc.add_labels(p.view(), &[0, 1]).expect("added");
    let before = acc.clone();
    let bad = [
        array![[f32::NAN, 0.5]],
        array![[1.5f32, 0.0]],
        array![[0.8f32, 0.8]],
    ];
    for block in &bad {
        let error = acc.add_labels(block.view(), &[0]).expect_err("bad");
        assert!(matches!(
            error,
            MeasureError::NotFinite {
                row: 2,
                column: 0,
                ..
            } | MeasureError::Probability { row: 2, .. }
        ));
    }
    assert_eq!(acc, before);
    for share in [0.0, 1.0, f64::NAN] {
        assert!(DiscrepancyParams::new().holdout(share).check().is_err());
    }
    // A class without samples is left out and does not take a source class from the others.
    let d = run(p.view(), &[1, 1], 2).expect("runs");
    assert_eq!(d.assignment, [None, Some(0)]);
}
