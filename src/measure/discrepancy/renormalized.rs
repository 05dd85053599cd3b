//! Renormalised divergences against enumeration, against their own definition, and their bounds.

use super::*;
use ndarray::{Array2, Axis};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

const ALL: [Divergence; 3] = [
    Divergence::NllRenormalized,
    Divergence::KlRenormalized,
    Divergence::TvRenormalized,
];

/// Softmax outputs of some sharpness that know something of the labels.
fn example(n: usize, k: usize, source: usize, sharp: f64, seed: u64) -> (Array2<f64>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<usize> = (0..n).map(|i| i % k).collect();
    let means = Array2::from_shape_fn((k, source), |_| rng.random_range(-1.0..1.0));
    let mut p = Array2::from_shape_fn((n, source), |(i, j)| {
        let noise: f64 = rng.random_range(-1.0..1.0);
        (sharp * (means[[labels[i], j]] + noise)).exp()
    });
    p.outer_iter_mut().for_each(|mut row| row /= row.sum());
    (p, labels)
}

fn bare(divergence: Divergence, search: Search) -> ValidDiscrepancyParams {
    let params = DiscrepancyParams::new().null(0).bootstrap(0);
    params
        .divergence(divergence)
        .search(search)
        .check()
        .expect("valid")
}

fn run(p: &Array2<f64>, target: Target<'_>, d: Divergence, search: Search) -> Discrepancy {
    discrepancy(p.view(), target, &bare(d, search)).expect("runs")
}

/// T as a distribution for each sample, some of it sharp.
fn soft(n: usize, k: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut t = Array2::from_shape_fn((n, k), |_| rng.random_range(0.0f32..1.0).powi(4));
    t.outer_iter_mut().for_each(|mut row| row /= row.sum());
    t
}

/// The definition, word by word.
fn by_hand(p: &Array2<f64>, t: &Array2<f64>, map: &[usize], divergence: Divergence) -> f64 {
    let loss = |i: usize| {
        let sum: f64 = map.iter().map(|&k| p[[i, k]]).sum();
        let each = |(c, &k): (usize, &usize)| {
            let (t, q) = (t[[i, c]], p[[i, k]] / sum);
            match divergence {
                Divergence::TvRenormalized => 0.5 * (t - q).abs(),
                _ if t == 0.0 => 0.0,
                Divergence::KlRenormalized => t * (t / q).ln(),
                _ => -t * q.ln(),
            }
        };
        map.iter().enumerate().map(each).sum::<f64>()
    };
    (0..p.nrows()).map(loss).sum::<f64>() / p.nrows() as f64
}

#[test]
fn exact_is_enumeration_is_the_definition_and_below_every_other_map() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (at, (k, source, sharp)) in [
        (1, 3, 1.0),
        (2, 6, 6.0),
        (3, 7, 2.0),
        (4, 7, 0.3),
        (5, 6, 4.0),
        (6, 7, 2.0),
    ]
    .into_iter()
    .enumerate()
    {
        let (p, labels) = example(48, k, source, sharp, at as u64);
        let t = soft(48, k, at as u64);
        let hard = Array2::from_shape_fn((48, k), |(i, c)| f64::from(u8::from(labels[i] == c)));
        let wide = t.mapv(f64::from);
        let wide = &wide / &wide.sum_axis(Axis(1)).insert_axis(Axis(1));
        for divergence in ALL {
            for (target, t) in [
                (
                    Target::Labels {
                        labels: &labels,
                        classes: k,
                    },
                    &hard,
                ),
                (Target::Conditionals(t.view()), &wide),
            ] {
                let exact = run(&p, target, divergence, Search::Exact);
                let brute = run(&p, target, divergence, Search::Brute);
                let [local, greedy] =
                    [Search::Local, Search::Greedy].map(|s| run(&p, target, divergence, s));
                assert!(
                    exact.certified && brute.certified,
                    "{divergence:?} {k} {exact:?}"
                );
                assert!(
                    (exact.value - brute.value).abs() < 1e-8,
                    "{divergence:?} {k} {exact:?} {brute:?}"
                );
                assert!(greedy.value >= local.value - 1e-9 && local.value >= exact.value - 1e-9);
                for found in [&local, &greedy, &exact] {
                    assert!(
                        found.lower_bound <= exact.value + 1e-9,
                        "{divergence:?} {found:?}"
                    );
                    assert!(found.lower_bound >= 0.0 && found.gap >= 0.0);
                    let map: Vec<usize> =
                        found.assignment.iter().map(|k| k.expect("there")).collect();
                    let want = by_hand(&p, t, &map, divergence);
                    assert!(
                        (found.value - want).abs() < 1e-9,
                        "{divergence:?} {found:?} {want}"
                    );
                }
                for _ in 0..20 {
                    let mut map: Vec<usize> = (0..source).collect();
                    map.shuffle(&mut rng);
                    assert!(exact.value <= by_hand(&p, t, &map[..k], divergence) + 1e-9);
                }
            }
        }
    }
}

#[test]
fn six_of_twenty_is_always_certified() {
    for (divergence, sharp) in [(ALL[0], 1.0), (ALL[2], 3.0)] {
        let (p, labels) = example(120, 6, 20, sharp, 3);
        let target = Target::Labels {
            labels: &labels,
            classes: 6,
        };
        let found = run(&p, target, divergence, Search::Exact);
        assert!(
            found.certified && found.nodes <= 2 * 38_760 + 2,
            "{found:?}"
        );
        let local = run(&p, target, divergence, Search::Local);
        assert!(!local.certified || local.value <= found.value + 1e-8);
    }
}

#[test]
fn a_spent_budget_leaves_a_gap_that_is_told() {
    let (p, labels) = example(200, 6, 20, 3.0, 5);
    let target = Target::Labels {
        labels: &labels,
        classes: 6,
    };
    for divergence in ALL {
        let of = |nodes: usize| {
            let params = DiscrepancyParams::new()
                .null(0)
                .bootstrap(0)
                .divergence(divergence);
            let params = params.nodes(nodes).check().expect("valid");
            discrepancy(p.view(), target, &params).expect("runs")
        };
        let (few, more) = (of(5), of(400));
        assert!(!few.certified && few.gap > 0.0, "{few:?}");
        assert!(few.lower_bound <= more.lower_bound + 1e-9 && more.value <= few.value + 1e-12);
        assert!((few.gap - (few.value - few.lower_bound)).abs() < 1e-12);
    }
}

#[test]
fn names_of_classes_do_not_matter() {
    let (p, labels) = example(80, 4, 9, 2.0, 7);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut columns: Vec<usize> = (0..9).collect();
    columns.shuffle(&mut rng);
    let mut names: Vec<usize> = (0..4).collect();
    names.shuffle(&mut rng);
    let renamed: Vec<usize> = labels.iter().map(|&l| names[l]).collect();
    let moved = p.select(Axis(1), &columns);
    for divergence in ALL {
        let [a, b] = [(&p, &labels), (&moved, &renamed)].map(|(p, labels)| {
            run(
                p,
                Target::Labels { labels, classes: 4 },
                divergence,
                Search::Exact,
            )
        });
        assert!((a.value - b.value).abs() < 1e-8 && a.certified && b.certified);
    }
}

#[test]
fn a_source_is_no_distance_from_itself() {
    let (p, labels) = example(60, 5, 5, 2.0, 9);
    let own = p.mapv(|p| p as f32);
    let p = own.mapv(f64::from);
    let kl = run(&p, Target::Conditionals(own.view()), ALL[1], Search::Exact);
    assert!(kl.value.abs() < 1e-14 && kl.certified, "{kl:?}");
    let one_hot = Array2::from_shape_fn((60, 5), |(i, k)| f64::from(u8::from(k == labels[i])));
    for divergence in ALL {
        let target = Target::Labels {
            labels: &labels,
            classes: 5,
        };
        let d = run(&one_hot, target, divergence, Search::Exact);
        // Probabilities of zero count as 1e-12.
        assert!(d.value.abs() < 1e-11 && d.certified, "{d:?}");
        assert!(d.chance > 0.5);
    }
}

#[test]
fn candidates_among_many_columns_certify_nothing() {
    let (mut p, labels) = example(90, 3, 400, 0.5, 11);
    for (i, &l) in labels.iter().enumerate() {
        p[[i, 100 * l + 50]] = 0.5;
    }
    p.outer_iter_mut().for_each(|mut row| row /= row.sum());
    let target = Target::Labels {
        labels: &labels,
        classes: 3,
    };
    let params = DiscrepancyParams::new()
        .divergence(ALL[0])
        .null(5)
        .bootstrap(50);
    let whole = discrepancy(
        p.view(),
        target,
        &params.clone().nodes(50).check().expect("valid"),
    )
    .expect("runs");
    let few = params
        .memory(28 * 90 * 40)
        .nodes(50)
        .check()
        .expect("valid");
    let few = discrepancy(p.view(), target, &few).expect("runs");
    let candidates = few.candidates.expect("screened");
    assert_eq!(
        (candidates.classes, few.certified, few.lower_bound),
        (40, false, 0.0)
    );
    assert!(candidates.lower_bound <= few.value + 1e-9);
    assert_eq!(few.assignment, [Some(50), Some(150), Some(250)]);
    assert_eq!(whole.assignment, few.assignment);
    assert!((whole.value - few.value).abs() < 1e-12 && whole.candidates.is_none());
}
