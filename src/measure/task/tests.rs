//! Metrics against scikit-learn's values, against each other, and on input that cannot be scored.

use ndarray::{Array2, Array3, ArrayD, ArrayView2, ArrayViewD, Axis, Slice, array};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::fixture;
use crate::measure::about::Better;
use crate::measure::samples::Real;

/// Predictions and targets of a fixture, whatever their kind.
struct Case {
    name: String,
    metric: Metric,
    p: ArrayD<f64>,
    t: ArrayD<f64>,
    expected: Score,
}

fn cases() -> Vec<Case> {
    let all = fixture::json("metrics/expected.json");
    let case = |e: &serde_json::Value| {
        let name = e["name"].as_str().unwrap();
        let metric = Metric::parse(e["metric"].as_str().unwrap()).unwrap();
        let p = fixture::npz("metrics/metrics.npz", &format!("{name}.p"));
        let count = |key: &str| e[key].as_u64().unwrap() as usize;
        Case {
            name: format!("{} of {name}", metric.name()),
            metric,
            t: fixture::npz("metrics/metrics.npz", &format!("{name}.t")),
            expected: Score {
                metric,
                value: e["value"].as_f64().unwrap(),
                samples: p.shape()[0],
                counted: count("counted"),
                left_out: count("left_out"),
            },
            p,
        }
    };
    all.as_array().unwrap().iter().map(case).collect()
}

/// Pushes targets given as numbers, in the kind that the metric needs.
fn push<A: Real>(
    to: &mut Accumulator,
    metric: Metric,
    p: ArrayViewD<'_, A>,
    t: ArrayViewD<'_, f64>,
) -> Result<(), MeasureError> {
    let labels: Vec<usize> = t.iter().map(|&v| v as usize).collect();
    match metric.needs() {
        TargetKind::Labels => to.push(p, &Targets::<f64>::Labels(&labels)),
        TargetKind::MultiHot => to.push(p, &Targets::MultiHot(t.into_dimensionality().unwrap())),
        TargetKind::Dense | TargetKind::Pairs => to.push(p, &Targets::Dense(t)),
    }
}

fn score(case: &Case, cuts: &[usize]) -> Score {
    let mut all = Accumulator::new(case.metric);
    for cut in cuts.windows(2) {
        let rows = Slice::from(cut[0]..cut[1]);
        let (p, t) = (
            case.p.slice_axis(Axis(0), rows),
            case.t.slice_axis(Axis(0), rows),
        );
        push(&mut all, case.metric, p, t).unwrap();
    }
    all.finish().unwrap()
}

#[test]
fn values_are_those_of_scikit_learn_and_of_the_definitions() {
    let (cases, mut worst) = (cases(), 0.0f64);
    for metric in ALL.iter().map(|known| known.metric) {
        // Retrieval has references of its own, `tests/fixtures/retrieval`.
        let whole = metric.needs() == TargetKind::Pairs;
        assert!(
            whole || cases.iter().any(|c| c.metric == metric),
            "{metric:?}"
        );
    }
    for case in &cases {
        let found = score(case, &[0, case.p.shape()[0]]);
        let (value, want) = (found.value, case.expected.value);
        let error = (value - want).abs() / want.abs().max(1.0);
        assert!(error <= 1e-12, "{}: {value} {want}", case.name);
        worst = worst.max(error);
        let value = case.expected.value;
        assert_eq!(Score { value, ..found }, case.expected, "{}", case.name);
        let [low, high] = case.metric.descriptor().about.range;
        assert!((low..=high).contains(&value));
    }
    println!("{} values, largest error {worst:.1e}", cases.len());
}

#[test]
fn cuts_into_batches_change_no_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for case in cases() {
        let rows = case.p.shape()[0];
        let whole = score(&case, &[0, rows]);
        let single: Vec<usize> = (0..=rows).collect();
        assert_eq!(score(&case, &single), whole, "{}", case.name);
        for _ in 0..20 {
            // empty batches too
            let mut cuts: Vec<usize> = (0..5).map(|_| rng.random_range(0..=rows)).collect();
            cuts.extend([0, 0, rows]);
            cuts.sort_unstable();
            assert_eq!(score(&case, &cuts), whole, "{} at {cuts:?}", case.name);
        }
    }
}

#[test]
fn order_and_float_type_of_the_input_do_not_matter() {
    for case in cases() {
        let rows = case.p.shape()[0];
        let whole = score(&case, &[0, rows]).value;
        let (mut p, mut t) = (case.p.clone(), case.t.clone());
        p.invert_axis(Axis(0));
        t.invert_axis(Axis(0));
        // stored columns first, read from the last sample to the first
        let (p, t) = (p.t().to_owned(), t.t().to_owned());
        let mut all = Accumulator::new(case.metric);
        push(&mut all, case.metric, p.t(), t.t()).unwrap();
        let turned = all.finish().unwrap().value;
        assert!((turned - whole).abs() <= 1e-14 * whole.max(1.0));
        let single = case.p.mapv(|v| v as f32);
        let mut narrow = Accumulator::new(case.metric);
        push(&mut narrow, case.metric, single.view(), case.t.view()).unwrap();
        let narrow = narrow.finish().unwrap().value;
        assert!(
            (narrow - whole).abs() <= 1e-5 * whole.max(1.0),
            "{}",
            case.name
        );
    }
}

#[test]
fn a_perfect_prediction_has_no_error_and_the_worst_has_all() {
    let truth = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]];
    let worst = truth.mapv(|v| -v);
    let multi = Targets::MultiHot(truth.view());
    let labels = Targets::<f64>::Labels(&[0, 1, 0]);
    let dense = Targets::Dense(truth.view().into_dyn());
    let at =
        |metric: Metric, p: &Array2<f64>, t| metric.score(p.view().into_dyn(), t).unwrap().value;
    for (metric, targets) in [
        (Metric::Error, &labels),
        (Metric::OneMinusMacroF1, &labels),
        (Metric::OneMinusAuroc, &multi),
        (Metric::OneMinusMeanAveragePrecision, &multi),
        (Metric::RelativeL2, &dense),
        (Metric::Nrmse, &dense),
    ] {
        assert_eq!(at(metric, &truth, targets), 0.0, "{metric:?}");
    }
    for (metric, targets, value) in [
        (Metric::Error, &labels, 1.0),
        (Metric::OneMinusMacroF1, &labels, 1.0),
        (Metric::OneMinusAuroc, &multi, 1.0),
        (Metric::RelativeL2, &dense, 2.0),
        (Metric::Nrmse, &dense, 2.0),
    ] {
        assert_eq!(at(metric, &worst, targets), value, "{metric:?}");
    }
}

#[test]
fn sizes_beyond_the_squares_of_doubles_are_scored() {
    for scale in [1e-300, 1e300] {
        let t = array![[3.0, 4.0], [0.0, 2.0]] * scale;
        let p = array![[3.0, 9.0], [0.0, 2.0]] * scale;
        let found =
            Metric::RelativeL2.score(p.view().into_dyn(), &Targets::Dense(t.view().into_dyn()));
        assert!((found.unwrap().value - 0.5).abs() < 1e-15);
    }
    let (p, t) = (array![[1e300]], array![[1e-300]]);
    let found = Metric::Nrmse.score(p.view().into_dyn(), &Targets::Dense(t.view().into_dyn()));
    assert!(matches!(found, Err(MeasureError::Numerical { .. })));
}

#[test]
fn maps_of_different_lengths_are_one_set() {
    let map = |length: usize, error: f64| {
        let t = Array3::from_elem((1, length, length), 5.0);
        (&t + error, t)
    };
    let mut all = Accumulator::new(Metric::Mae8);
    for (length, error) in [(25, 1.0), (40, 2.0), (24, 7.0)] {
        let (p, t) = map(length, error);
        all.push(p.view().into_dyn(), &Targets::Dense(t.view().into_dyn()))
            .unwrap();
    }
    let found = all.finish().unwrap();
    assert_eq!((found.value, found.counted, found.left_out), (1.5, 2, 1));
}

fn dense<'a>(t: &'a Array2<f64>) -> Targets<'a, f64> {
    Targets::Dense(t.view().into_dyn())
}

#[test]
fn what_cannot_be_scored_is_refused_with_its_place() {
    use MeasureError as E;
    let p = array![[1.0, 2.0], [3.0, 4.0]];
    let no = |metric: Metric, p: ArrayView2<'_, f64>, t: &Targets<'_, f64>| {
        let error = metric.score(p.into_dyn(), t).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("expected") && text.contains("found"),
            "{text}"
        );
        error
    };
    let none = Array2::zeros((0, 2));
    for metric in [Metric::RelativeL2, Metric::Nrmse] {
        let error = no(metric, none.view(), &dense(&none));
        assert!(matches!(
            error,
            E::TooFew {
                what: "samples",
                ..
            }
        ));
        let zero = array![[1.0, 2.0], [0.0, 0.0]];
        let error = no(metric, p.view(), &dense(&zero));
        assert_eq!(error, E::ZeroTarget { row: 1, channel: 0 });
        let nan = array![[1.0, 2.0], [0.0, f64::NAN]];
        let error = no(metric, p.view(), &dense(&nan));
        assert!(matches!(
            error,
            E::NotFinite {
                what: "targets",
                row: 1,
                column: 1,
                ..
            }
        ));
        let error = no(metric, p.view(), &dense(&array![[1.0, 2.0, 3.0]]));
        assert!(matches!(error, E::Shape { .. }));
        let error = no(metric, p.view(), &Targets::Labels(&[0, 1]));
        assert!(matches!(
            error,
            E::Parameter {
                setting: "targets",
                ..
            }
        ));
    }
    let one = array![[0.0], [0.5]];
    let error = no(Metric::Error, one.view(), &Targets::Labels(&[0, 0]));
    assert!(matches!(
        error,
        E::TooFew {
            what: "classes",
            expected: 2,
            found: 1
        }
    ));
    let error = no(Metric::Error, p.view(), &Targets::Labels(&[0, 2]));
    assert!(matches!(
        error,
        E::Label {
            row: 1,
            found: 2,
            ..
        }
    ));
    let all = array![[1.0, 0.0], [1.0, 0.0]];
    let multi = |t: &Array2<f64>, metric| no(metric, p.view(), &Targets::MultiHot(t.view()));
    let error = multi(&all, Metric::OneMinusAuroc);
    assert!(matches!(
        error,
        E::TooFew {
            expected: 1,
            found: 0,
            ..
        }
    ));
    let error = multi(&Array2::zeros((2, 2)), Metric::OneMinusMeanAveragePrecision);
    assert!(matches!(
        error,
        E::TooFew {
            expected: 1,
            found: 0,
            ..
        }
    ));
    let error = multi(&array![[1.0, 0.0], [1.0, 0.5]], Metric::OneMinusAuroc);
    assert!(matches!(
        error,
        E::Binary {
            row: 1,
            column: 1,
            ..
        }
    ));
}

#[test]
fn padding_of_maps_is_no_contact() {
    let mut t = Array3::from_elem((2, 30, 30), 5.0);
    let p = t.clone();
    t[[1, 2, 29]] = 0.0;
    let found = Metric::Mae8.score(p.view().into_dyn(), &Targets::Dense(t.view().into_dyn()));
    let (row, i, j, found) = match found {
        Err(MeasureError::Distance { row, i, j, found }) => (row, i, j, found),
        other => panic!("{other:?}"),
    };
    assert_eq!((row, i, j, found), (1, 2, 29, 0.0));
}

#[test]
fn a_refused_batch_names_its_row_in_the_set_and_leaves_nothing_behind() {
    let good = array![[1.0, 2.0], [3.0, 4.0]];
    let mut all = Accumulator::new(Metric::RelativeL2);
    all.push(
        good.view().into_dyn(),
        &dense(&array![[1.0, 1.0], [3.0, 4.0]]),
    )
    .unwrap();
    let before = all.clone();
    let error = all.push(
        good.view().into_dyn(),
        &dense(&array![[1.0, 1.0], [0.0, 0.0]]),
    );
    assert_eq!(error, Err(MeasureError::ZeroTarget { row: 3, channel: 0 }));
    let wide = Array2::ones((2, 3));
    let error = all.push(wide.view().into_dyn(), &dense(&wide));
    assert!(matches!(
        error,
        Err(MeasureError::Shape {
            expected: 2,
            found: 3,
            ..
        })
    ));
    assert_eq!(all.finish(), before.finish());
}

#[test]
fn names_are_the_same_in_code_and_files() {
    crate::measure::about::check_list(ALL.iter().map(|known| &known.about));
    for metric in ALL.iter().map(|known| known.metric) {
        assert_eq!(Metric::parse(metric.name()), Ok(metric));
        let json = serde_json::to_string(&metric).unwrap();
        assert_eq!(json, format!("{:?}", metric.name()));
        assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
        let about = metric.descriptor().about;
        assert_eq!((about.name, about.better), (metric.name(), Better::Lower));
        let kind = serde_json::to_string(&metric.needs()).unwrap();
        assert_eq!(kind, format!("{:?}", metric.needs().name()));
    }
    let error = Metric::parse("macro-f1").unwrap_err().to_string();
    assert!(error.contains("one-minus-macro-f1"), "{error}");
}
