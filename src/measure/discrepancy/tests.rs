use super::*;
use crate::fixture;
use ndarray::{Array2, ArrayView2, Axis, Ix2, array};
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
    assert_eq!(d.interval, None, "nothing is held out");
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

/// Rows of a matrix that come in blocks of their own size.
struct Blocks<'a>(ArrayView2<'a, f32>, usize);

impl Rows for Blocks<'_> {
    type Value = f32;

    fn dim(&self) -> (usize, usize) {
        self.0.dim()
    }

    fn blocks(&self, each: &mut stream::Each<'_, f32>) -> Result<(), MeasureError> {
        let blocks = self.0.axis_chunks_iter(Axis(0), self.1);
        blocks
            .enumerate()
            .try_for_each(|(at, block)| each(at * self.1, block))
    }

    fn pick(&self, places: &[(usize, usize)]) -> Result<Vec<f64>, MeasureError> {
        self.0.pick(places)
    }
}

#[test]
fn blocks_memory_and_threads_change_no_bit() {
    let (p, labels) = example(700, 3, 1100, 4);
    let several = Array2::from_shape_fn((700, 3), |(i, c)| f32::from(u8::from(i % (c + 2) == 0)));
    let soft = Array2::from_shape_fn((700, 3), |(i, c)| [0.5, 0.3, 0.2][(i + c) % 3]);
    let targets = [
        Target::Labels {
            labels: &labels,
            classes: 3,
        },
        Target::MultiHot(several.view()),
        Target::Conditionals(soft.view()),
    ];
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("pool");
    for divergence in [
        Divergence::Nll,
        Divergence::Error,
        Divergence::NllRenormalized,
    ] {
        for target in targets {
            let nulls = if divergence.renormalized() { 2 } else { 9 };
            let params = DiscrepancyParams::new()
                .divergence(divergence)
                .search(Search::Local);
            let params = params.null(nulls).bootstrap(20).holdout(0.4);
            let whole = params.clone().check().expect("valid");
            let few = match divergence.renormalized() {
                true => whole.clone(),
                false => params.memory(100_000).check().expect("valid"),
            };
            let memory = discrepancy(p.view(), target, &whole).expect("runs");
            let stream = discrepancy_of(&Blocks(p.view(), 64), target, &few).expect("runs");
            let alone = one
                .install(|| discrepancy(p.view(), target, &few))
                .expect("runs");
            for other in [stream, alone] {
                assert_eq!(
                    memory,
                    Discrepancy {
                        seconds: memory.seconds,
                        ..other
                    }
                );
            }
        }
    }
}

#[test]
fn one_hot_targets_of_any_kind_are_labels() {
    let (p, labels) = example(90, 3, 7, 4);
    let one_hot = Array2::from_shape_fn((90, 3), |(i, c)| f32::from(u8::from(labels[i] == c)));
    for divergence in Divergence::ALL {
        let params = bare().divergence(divergence).check().expect("valid");
        let hard = value(&p, &labels, 3, bare().divergence(divergence));
        for target in [
            Target::Conditionals(one_hot.view()),
            Target::MultiHot(one_hot.view()),
        ] {
            let other = discrepancy(p.view(), target, &params).expect("runs");
            assert!((other.value - hard.value).abs() < 1e-12, "{divergence:?}");
            assert_eq!(other.assignment, hard.assignment);
            assert!((other.chance - hard.chance).abs() < 1e-12);
        }
    }
}

#[test]
fn several_classes_count_each_positive_once() {
    // Sample 0 is of both classes, sample 1 of the second, sample 2 of none.
    let p = array![[0.7f32, 0.2, 0.1], [0.1, 0.6, 0.3], [1.0, 0.0, 0.0]];
    let t = array![[1.0f32, 1.0], [0.0, 1.0], [0.0, 0.0]];
    let params = bare().check().expect("valid");
    let d = discrepancy(p.view(), Target::MultiHot(t.view()), &params).expect("runs");
    assert_eq!(
        (d.samples, d.assignment.as_slice()),
        (3, &[Some(0), Some(1)][..])
    );
    assert!((d.value - (0.3 + 0.8 + 0.4) / 3.0).abs() < 1e-6);
    let means = mean_probabilities(&p.view(), Target::MultiHot(t.view()), &params).expect("means");
    assert!((means[[1, 1]] - 0.4).abs() < 1e-6 && (means[[0, 0]] - 0.7).abs() < 1e-6);
    let mut wrong = p.clone();
    wrong[[2, 1]] = f32::NAN;
    let error = discrepancy(wrong.view(), Target::MultiHot(t.view()), &params).expect_err("NaN");
    assert!(
        matches!(error, MeasureError::NotFinite { row: 2, .. }),
        "a sample without a class is checked too"
    );
    let bad = array![[1.0f32, 0.5], [0.0, 1.0], [0.0, 0.0]];
    let error = discrepancy(p.view(), Target::MultiHot(bad.view()), &params).expect_err("half");
    assert!(matches!(
        error,
        MeasureError::Binary {
            row: 0,
            column: 1,
            ..
        }
    ));
}

#[test]
fn many_impossible_samples_cost_the_floor_each() {
    // Products of all of them would be no double.
    let p = Array2::from_shape_fn((90, 2), |(_, k)| f32::from(u8::from(k == 0)));
    let labels: Vec<usize> = (0..90).map(|i| i % 2).collect();
    let d = value(&p, &labels, 2, bare().divergence(Divergence::Nll));
    assert!((d.value + 0.5 * divergence::FLOOR.ln()).abs() < 1e-12);
}

#[test]
fn the_local_search_lies_between_greedy_and_exact() {
    for seed in 0..20 {
        let (p, labels) = example(60, 6, 12, seed);
        let of = |search| {
            value(
                &p,
                &labels,
                6,
                bare().divergence(Divergence::Nll).search(search),
            )
        };
        let [exact, local, greedy] = [Search::Exact, Search::Local, Search::Greedy].map(of);
        assert!(exact.value <= local.value + 1e-12 && local.value <= greedy.value + 1e-12);
        assert!(local.lower_bound <= exact.value + 1e-12 && greedy.gap >= 0.0);
    }
}

#[test]
fn faults_are_typed() {
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
    let bad = [
        array![[f32::NAN, 0.5]],
        array![[1.5f32, 0.0]],
        array![[0.8f32, 0.8]],
    ];
    for (block, column) in bad.iter().zip([Some(0), Some(0), None]) {
        let rows = ndarray::concatenate![Axis(0), p, block.view()];
        let found = run(rows.view(), &[0, 1, 0], 2).expect_err("bad");
        match found {
            MeasureError::NotFinite {
                row: 2, column: c, ..
            }
            | MeasureError::Unit {
                row: 2, column: c, ..
            } => assert_eq!(Some(c), column),
            MeasureError::Sum { row: 2, .. } => assert_eq!(column, None),
            other => panic!("{other}"),
        }
    }
    let whole = bare().sums(Sums::One).check().expect("valid");
    let part = array![[0.5f32, 0.5], [0.4, 0.5]];
    let labels = Target::Labels {
        labels: &[0, 1],
        classes: 2,
    };
    assert!(discrepancy(part.view(), labels, &params).is_ok());
    let error = discrepancy(part.view(), labels, &whole).expect_err("short");
    assert!(matches!(error, MeasureError::Sum { row: 1, .. }));
    for share in [0.0, 1.0, f64::NAN] {
        assert!(DiscrepancyParams::new().holdout(share).check().is_err());
    }
    // A class without samples is left out and does not take a source class from the others.
    let d = run(p.view(), &[1, 1], 2).expect("runs");
    assert_eq!(d.assignment, [None, Some(0)]);
}
