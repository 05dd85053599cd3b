//! Coverage of the intervals over groups, simulated.

use super::*;
use crate::measure::calibrate::{repetitions, share_covered};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Groups of `m` predictions, wrong with probability `p`; a share `alike` of the groups is all right or
/// all wrong, so that the correlation within groups is `alike`.
fn predictions(g: usize, m: usize, p: f64, alike: f64, rng: &mut ChaCha8Rng) -> Vec<bool> {
    let mut wrong = Vec::new();
    for _ in 0..g {
        let whole = rng.random_bool(alike).then(|| rng.random_bool(p));
        wrong.extend((0..m).map(|_| whole.unwrap_or_else(|| rng.random_bool(p))));
    }
    wrong
}

fn of_size(g: usize, m: usize) -> Groups {
    Groups::of(&(0..g * m).map(|i| i / m).collect::<Vec<_>>())
}

#[test]
fn intervals_of_error_rates_cover_whatever_the_likeness_within_groups() {
    let groups = of_size(20, 8);
    for (p, alike) in [(0.05, 0.3), (0.1, 1.0), (0.3, 0.0), (0.3, 0.6), (0.5, 1.0)] {
        let covered = share_covered(repetitions(1000, 20_000), |rng| {
            let [low, high] = groups.error_interval(&predictions(20, 8, p, alike, rng));
            low <= p && p <= high
        });
        assert!(covered >= 0.93, "rate {p}, likeness {alike}: {covered}");
    }
    // What today's interval would do: the reason for all this.
    let naive = share_covered(1000, |rng| {
        let hits = predictions(20, 8, 0.3, 0.6, rng)
            .iter()
            .filter(|w| **w)
            .count();
        let [low, high] = stats::wilson(hits, 160);
        low <= 0.3 && 0.3 <= high
    });
    assert!(naive < 0.8, "{naive}");
}

#[test]
fn intervals_of_balanced_errors_cover_with_classes_of_four_samples() {
    // Classes of 4, 8 and 20 samples, many small ones, one rare one.
    let worlds: [(&[usize], &[f64]); 7] = [
        (&[4, 8, 20], &[0.0, 0.05, 0.1]),
        (&[4, 8, 20], &[0.3, 0.3, 0.3]),
        (&[4, 8, 20], &[0.9, 0.2, 0.4]),
        (&[4; 20], &[0.1; 20]),
        (&[20; 10], &[0.05; 10]),
        (&[50, 50, 4], &[0.03, 0.03, 0.5]),
        (&[200, 4, 4], &[0.05, 0.1, 0.1]),
    ];
    for (sizes, rates) in worlds {
        let truth = rates.iter().sum::<f64>() / rates.len() as f64;
        let each = sizes.iter().enumerate();
        let labels: Vec<usize> = each.flat_map(|(c, &n)| vec![c; n]).collect();
        let groups = Groups::singletons(labels.len());
        let covered = share_covered(repetitions(1000, 20_000), |rng| {
            let wrong: Vec<bool> = labels.iter().map(|&c| rng.random_bool(rates[c])).collect();
            let found = groups.balanced_interval(&labels, &wrong);
            let [low, high] = found.expect("samples");
            assert!(0.0 <= low && high <= 1.0 && high > low);
            low <= truth && truth <= high
        });
        println!("{sizes:?} {rates:?}: {covered}");
        assert!(covered >= 0.93, "{sizes:?} {rates:?}: {covered}");
    }
}

#[test]
fn intervals_of_balanced_errors_cover_where_persons_have_every_class() {
    // Ten persons of different skill with four samples of each of three classes.
    let persons: Vec<usize> = (0..120).map(|i| i / 12).collect();
    let labels: Vec<usize> = (0..120).map(|i| i % 3).collect();
    let groups = Groups::of(&persons);
    let covered = share_covered(repetitions(600, 10_000), |rng| {
        let skill: Vec<f64> = (0..10).map(|_| rng.random_range(0.0..0.6)).collect();
        let wrong: Vec<bool> = persons.iter().map(|&p| rng.random_bool(skill[p])).collect();
        let found = groups.balanced_interval(&labels, &wrong);
        let [low, high] = found.expect("samples");
        (low..=high).contains(&0.3)
    });
    assert!(covered >= 0.93, "{covered}");
}

#[test]
fn intervals_of_means_and_expanded_bootstraps_cover_at_few_groups() {
    let groups = of_size(8, 5);
    let units = vec![1.0; 40];
    let mut strata_rng = ChaCha8Rng::seed_from_u64(5);
    let world = |rng: &mut ChaCha8Rng| -> Vec<f64> {
        let base: Vec<f64> = (0..8).map(|_| rng.random_range(-1.0..1.0)).collect();
        let within = |i: usize, r: f64| base[i / 5] + 0.3 * r;
        (0..40)
            .map(|i| within(i, rng.random_range(-1.0..1.0)))
            .collect()
    };
    let covered = share_covered(repetitions(1000, 20_000), |rng| {
        let [low, high] = groups.mean_interval(&world(rng), &units).expect("groups");
        low <= 0.0 && 0.0 <= high
    });
    assert!((0.93..0.975).contains(&covered), "{covered}");
    let values = world(&mut strata_rng);
    let effect = groups.design_effect(&values).expect("groups");
    assert!((2.0..6.0).contains(&effect), "{effect}");
    assert_eq!(of_size(1, 3).mean_interval(&[1.0; 3], &[1.0; 3]), None);
}

#[test]
fn bootstrap_weights_have_the_variance_of_two_groups_a_class() {
    // Means of 2 groups in each of 10 classes: the variance within classes is Σ (a − b)²/4 a class.
    let groups = of_size(20, 3);
    let strata: Vec<usize> = (0..20).map(|g| g / 2).collect();
    let value = |g: usize| ((g * g) as f64).sin();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let means: Vec<f64> = (0..8000)
        .map(|_| {
            let weights = groups.weights(&strata, &mut rng);
            assert!((weights.iter().sum::<f64>() - 20.0).abs() < 1e-9);
            weights
                .iter()
                .enumerate()
                .map(|(g, w)| w * value(g))
                .sum::<f64>()
                / 20.0
        })
        .collect();
    let mean = means.iter().sum::<f64>() / 8000.0;
    let found = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 8000.0;
    let expected = (0..10)
        .map(|c| (value(2 * c) - value(2 * c + 1)).powi(2) / 4.0)
        .sum::<f64>()
        / 100.0;
    assert!((found / expected - 1.0).abs() < 0.08, "{found} {expected}");
}

#[test]
fn singletons_have_wilsons_interval_bit_for_bit() {
    let wrong: Vec<bool> = (0..50).map(|i| i < 15).collect();
    assert_eq!(
        Groups::singletons(50).error_interval(&wrong),
        stats::wilson(15, 50)
    );
    // A group alone says nothing.
    assert_eq!(of_size(1, 50).error_interval(&wrong), [0.0, 1.0]);
    // No width only where nothing could be otherwise.
    let [low, high] = of_size(10, 5).error_interval(&[false; 50]);
    assert!(low == 0.0 && high > stats::wilson(0, 50)[1]);
}
