use super::bures::Gaussian;
use super::kernel::Weights;
use super::points::{add_carried, half_squares, own_half_squares, plan_to, plan_within};
use super::sinkhorn::Problem;
use super::*;
use crate::fixture;
use crate::measure::Samples;
use ndarray::{Array1, Array2, Axis, Ix1, Ix2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const GAUSSIAN: Inner = Inner::Gaussian { shrinkage: 0.0 };
const SHRUNK: Inner = Inner::Gaussian { shrinkage: 0.2 };
const EXACT: Inner = Inner::Exact { blur: 0.6 };

fn matrix(file: &str, name: &str) -> Array2<f64> {
    let array = fixture::npz(&format!("otdd/{file}.npz"), name);
    array.into_dimensionality::<Ix2>().expect("matrix")
}

fn vector(file: &str, name: &str) -> Array1<f64> {
    let array = fixture::npz(&format!("otdd/{file}.npz"), name);
    array.into_dimensionality::<Ix1>().expect("vector")
}

fn number(file: &str, name: &str) -> f64 {
    fixture::npz(&format!("otdd/{file}.npz"), name).sum()
}

/// Points around one centre a class, with labels.
fn example(counts: &[usize], d: usize, seed: u64) -> (Array2<f64>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let centres = Array2::from_shape_fn((counts.len(), d), |_| 2.0 * normal());
    let mut labels: Vec<usize> = (0..counts.len()).flat_map(|c| vec![c; counts[c]]).collect();
    // Classes mixed, so that sorting is seen.
    let n = labels.len();
    labels = (0..n).map(|i| labels[i * 7 % n]).collect();
    let x = Array2::from_shape_fn((n, d), |(i, j)| centres[[labels[i], j]] + normal());
    (x, labels)
}

fn samples<'a>((x, labels): &'a (Array2<f64>, Vec<usize>)) -> Samples<'a, f64> {
    let classes = labels.iter().max().map_or(0, |m| m + 1);
    Samples::new(x.view(), labels, classes).expect("valid")
}

fn tight(inner: Inner) -> OtddParams {
    OtddParams::new()
        .inner(inner)
        .blur(0.8)
        .tolerance(1e-12)
        .max_iterations(5000)
}

type Set = (Array2<f64>, Vec<usize>);

fn distance(x: &Set, y: &Set, params: OtddParams) -> Otdd {
    let source = Source::new(&samples(x), &params.check().expect("valid")).expect("source");
    source.distance(&samples(y)).expect("distance")
}

#[test]
fn gaussian_distances_are_the_references() {
    let names = ["tall", "other", "wide", "flat", "one"];
    let square = |p: &str, q: &str, shrinkage| {
        let describe = |n| Gaussian::new(matrix("bures", n).view(), shrinkage).expect("moments");
        describe(p).square_distance(&describe(q)).expect("distance")
    };
    let mut worst = 0.0f64;
    for (i, p) in names.iter().enumerate() {
        assert!(square(p, p, 0.0) < 1e-12, "{p} to itself");
        for q in &names[i + 1..] {
            let want = number("bures", &format!("plain.{p}.{q}"));
            worst = worst.max((square(p, q, 0.0) / want - 1.0).abs());
            worst = worst.max((square(q, p, 0.0) / want - 1.0).abs());
        }
    }
    let pot = square("tall", "other", 0.0) / number("bures", "pot.tall.other") - 1.0;
    for (p, q) in [("tall", "wide"), ("flat", "wide")] {
        let want = number("bures", &format!("shrunk.{p}.{q}"));
        worst = worst.max((square(p, q, 0.3) / want - 1.0).abs());
    }
    println!(
        "Bures: off by {:.1e} from POT, {worst:.1e} with any rank",
        pot.abs()
    );
    assert!(pot.abs() < 1e-12 && worst < 1e-8);
}

#[test]
fn sinkhorn_is_geomlosses_step_by_step_and_so_is_its_gradient() {
    let (x, y) = (matrix("geomloss", "x"), matrix("geomloss", "y"));
    let a = Weights::new(vector("geomloss", "a").as_slice().expect("dense"));
    let b = Weights::new(vector("geomloss", "b").as_slice().expect("dense"));
    let diameter = Some(number("geomloss", "diameter"));
    let gradients = fixture::npz("otdd/geomloss.npz", "gradients");
    let mut worst = [0.0f64; 2];
    for (k, setting) in matrix("geomloss", "settings").outer_iter().enumerate() {
        let settings = Settings {
            blur: setting[0],
            scaling: setting[1],
            tolerance: 1e-9,
            iterations: 0,
        };
        let cross = half_squares(x.view(), y.view());
        let (xx, yy) = (own_half_squares(x.view()), own_half_squares(y.view()));
        let between = Problem::cross(cross.view(), &a, &b).solve(&settings, diameter);
        let first = Problem::within(xx.view(), &a).solve(&settings, diameter);
        let second = Problem::within(yy.view(), &b).solve(&settings, diameter);
        let debiased = between.value - 0.5 * (first.value + second.value);
        for (found, name) in [(debiased, "values"), (between.value, "biased")] {
            let want = vector("geomloss", name)[k];
            worst[0] = worst[0].max((found - want).abs());
        }
        let epsilon = settings.epsilon();
        let mut gradient = Array2::zeros(y.dim());
        let plan = plan_to(cross, &between, &a, &b, epsilon);
        add_carried(plan.view(), x.view(), -1.0, &mut gradient);
        let plan = plan_within(yy, &second, &b, epsilon);
        add_carried(plan.view(), y.view(), 1.0, &mut gradient);
        let off = &gradient - &gradients.index_axis(Axis(0), k);
        worst[1] = off.iter().fold(worst[1], |m, v| m.max(v.abs()));
    }
    println!(
        "geomloss: value off by {:.1e}, gradient by {:.1e}",
        worst[0], worst[1]
    );
    assert!(worst[0] < 1e-12 && worst[1] < 1e-12);
}

#[test]
fn whole_distances_are_the_formulas() {
    let labels = |n: &str| {
        vector("otdd", n)
            .iter()
            .map(|&v| v as usize)
            .collect::<Vec<_>>()
    };
    let x = (matrix("otdd", "x"), labels("lx"));
    let y = (matrix("otdd", "y"), labels("ly"));
    for (name, inner) in [("gaussian", GAUSSIAN), ("shrunk", SHRUNK), ("exact", EXACT)] {
        let d = distance(&x, &y, tight(inner));
        let parts = vector("otdd", &format!("{name}.parts"));
        let want = number("otdd", &format!("{name}.value"));
        let errors = [
            d.value - want,
            d.transport - parts[0],
            d.source_self - parts[1],
            d.target_self - parts[2],
        ];
        let worst = errors.iter().fold(0.0f64, |m, e| m.max(e.abs()));
        println!(
            "{name}: {want:.6}, off by {worst:.1e} in {} iterations",
            d.iterations
        );
        assert!(worst < 1e-9 && d.converged, "{d:?}");
    }
}

/// Every kind of class (tall, wider than many, single) against central differences.
#[test]
fn gradients_are_central_differences() {
    let x = example(&[14, 9, 3], 5, 1);
    let mut y = example(&[11, 4, 1], 5, 2);
    for inner in [GAUSSIAN, SHRUNK, EXACT] {
        let params = tight(inner).check().expect("valid");
        let source = Source::new(&samples(&x), &params).expect("source");
        let (d, gradient) = source
            .distance_and_gradient(&samples(&y))
            .expect("gradient");
        assert!(d.converged, "{d:?}");
        let (mut off, mut size) = (0.0f64, 0.0f64);
        let step = 1e-4;
        for i in 0..y.0.nrows() {
            for j in 0..y.0.ncols() {
                let at = y.0[[i, j]];
                let mut value = |shift: f64| {
                    y.0[[i, j]] = at + shift;
                    source.distance(&samples(&y)).expect("distance").value
                };
                let numeric = (value(step) - value(-step)) / (2.0 * step);
                y.0[[i, j]] = at;
                off = off.max((numeric - gradient[[i, j]]).abs());
                size = size.max(gradient[[i, j]].abs());
            }
        }
        println!("{inner:?}: gradient off by {:.1e} of {size:.2}", off / size);
        assert!(off < 1e-6 * size);
        let params = tight(inner).label_gradient(false).check().expect("valid");
        let source = Source::new(&samples(&x), &params).expect("source");
        let (_, constant) = source
            .distance_and_gradient(&samples(&y))
            .expect("gradient");
        assert!(
            (&constant - &gradient)
                .iter()
                .any(|v| v.abs() > 1e-3 * size)
        );
    }
}

#[test]
fn a_set_is_at_distance_zero_from_itself_and_distances_are_symmetric() {
    let (x, y) = (example(&[20, 12, 1], 4, 3), example(&[9, 14], 4, 4));
    for inner in [GAUSSIAN, SHRUNK, EXACT] {
        for params in [
            tight(inner),
            OtddParams::new().inner(inner),
            tight(inner).max_iterations(0),
        ] {
            let own = distance(&x, &x, params.clone());
            assert!(own.value.abs() < 1e-9, "{own:?}");
            let (there, back) = (distance(&x, &y, params.clone()), distance(&y, &x, params));
            assert!((there.value - back.value).abs() < 1e-9 * there.value);
            assert!(there.value > 1.0);
        }
    }
    let drawn = distance(&x, &x, tight(GAUSSIAN).max_per_class(5));
    assert_eq!(drawn.samples, [11, 11]);
    assert!(drawn.value.abs() < 1e-9);
}

#[test]
fn names_of_classes_and_directions_of_axes_do_not_matter() {
    let (x, y) = (example(&[20, 12, 8], 4, 5), example(&[9, 14], 4, 6));
    let renamed = (
        y.0.clone(),
        y.1.iter().map(|l| 5 - 3 * l).collect::<Vec<_>>(),
    );
    let (sin, cos) = 0.7f64.sin_cos();
    let mut rotation = Array2::eye(4);
    rotation[[0, 0]] = cos;
    rotation[[0, 3]] = -sin;
    rotation[[3, 0]] = sin;
    rotation[[3, 3]] = cos;
    let turned = |s: &Set| (s.0.dot(&rotation) + 100.0, s.1.clone());
    for inner in [GAUSSIAN, SHRUNK, EXACT] {
        let plain = distance(&x, &y, tight(inner)).value;
        let names = distance(&x, &renamed, tight(inner)).value;
        let axes = distance(&turned(&x), &turned(&y), tight(inner)).value;
        assert!((plain - names).abs() < 1e-9 && (plain - axes).abs() < 1e-9);
    }
}

/// Classes narrower than their points: fewer samples than features, constant columns, one sample.
#[test]
fn degenerate_classes_have_distances_and_finite_gradients() {
    let mut x = example(&[6, 4, 1], 16, 7);
    let mut y = example(&[5, 1, 1], 16, 8);
    for set in [&mut x, &mut y] {
        set.0.column_mut(3).fill(1e3);
        set.0.column_mut(4).fill(0.1);
    }
    for inner in [GAUSSIAN, SHRUNK, EXACT] {
        let source = Source::new(&samples(&x), &tight(inner).check().expect("valid"));
        let (d, gradient) = source
            .expect("source")
            .distance_and_gradient(&samples(&y))
            .expect("gradient");
        assert!(d.converged && d.value > 0.0);
        assert!(gradient.iter().all(|v| v.is_finite()));
        // Both sets agree in the constant columns: nothing pulls there.
        assert!(gradient.column(3).iter().all(|v| v.abs() < 1e-9));
    }
    // One point each: half the squared distance, and as much for the labels.
    let (p, q) = (example(&[1], 3, 9), example(&[1], 3, 10));
    let square = (&p.0 - &q.0).mapv(|v| v * v).sum();
    for inner in [GAUSSIAN, EXACT] {
        assert!((distance(&p, &q, tight(inner)).value - square).abs() < 1e-12);
    }
}

#[test]
fn too_few_iterations_are_reported() {
    let (x, y) = (example(&[20, 12, 8], 4, 11), example(&[9, 14], 4, 12));
    let short = distance(&x, &y, tight(GAUSSIAN).blur(0.1).max_iterations(2));
    assert!(!short.converged && short.marginal_violation > 1e-12);
    // Only the classes' own transport falls short here.
    let inner = Inner::Exact { blur: 1e-3 };
    let params = tight(inner).blur(20.0).tolerance(1e-6).max_iterations(15);
    let labels = distance(&x, &y, params);
    assert!(!labels.converged && labels.label_violation > 1e-6);
    assert!(labels.marginal_violation <= 1e-6, "{labels:?}");
}

#[test]
fn one_thread_gives_the_same_bits_as_many() {
    let (x, y) = (example(&[200, 120, 80], 9, 13), example(&[90, 140], 9, 14));
    for inner in [GAUSSIAN, EXACT] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("pool").install(|| {
                let params = OtddParams::new().inner(inner).max_iterations(50);
                let source = Source::new(&samples(&x), &params.check().expect("valid"));
                let (d, g) = source
                    .expect("source")
                    .distance_and_gradient(&samples(&y))
                    .expect("runs");
                (d.value, g)
            })
        };
        assert_eq!(run(1), run(3));
    }
}

#[test]
fn settings_and_shapes_are_checked() {
    let bad = [
        OtddParams::new().blur(0.0),
        OtddParams::new().blur(f64::NAN),
        OtddParams::new().scaling(1.0),
        OtddParams::new().tolerance(0.0),
        OtddParams::new().inner(Inner::Gaussian { shrinkage: 1.5 }),
        OtddParams::new().inner(Inner::Exact { blur: -1.0 }),
        OtddParams::new().max_per_class(0),
    ];
    for params in bad {
        assert!(matches!(
            params.check(),
            Err(MeasureError::Parameter { .. })
        ));
    }
    let (x, y) = (example(&[5, 5], 4, 1), example(&[5, 5], 3, 1));
    let source = Source::new(&samples(&x), &OtddParams::new().check().expect("valid"));
    let found = source.expect("source").distance(&samples(&y));
    assert!(matches!(
        found,
        Err(MeasureError::Shape {
            expected: 4,
            found: 3,
            ..
        })
    ));
}

/// Time and iterations at the size of ORCA's embedder stage, for features of deviation 1/√D (where
/// ε = 0.1 blurs a little) and ½ (where it is a thousandth of the cost).
#[test]
#[ignore = "a measurement"]
fn speed() {
    let d = 128;
    for deviation in [(d as f64).sqrt().recip(), 0.5] {
        let spread = |set: Set| (set.0 * deviation, set.1);
        let x = spread(example(&[500; 10], d, 1));
        let y = spread(example(&[200; 10], d, 2));
        let exact = Inner::Exact {
            blur: 0.05f64.sqrt(),
        };
        for inner in [GAUSSIAN, exact] {
            let start = std::time::Instant::now();
            let params = OtddParams::new().inner(inner).check().expect("valid");
            let source = Source::new(&samples(&x), &params).expect("source");
            println!(
                "{inner:?}, deviation {deviation:.2}: source {:.2} s",
                start.elapsed().as_secs_f64()
            );
            let found = source.distance(&samples(&y)).expect("distance");
            println!("  {found:?}");
            if !found.converged {
                continue;
            }
            let (r, _) = source
                .distance_and_gradient(&samples(&y))
                .expect("gradient");
            println!("  with gradient {:.2} s", r.seconds);
        }
    }
}
